// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillSQL
import MillTiles
import Testing

@Suite("SQL and Swift make the same tiles and give the same answers")
struct TileSQLTests {
  private func merged(_ rows: [Row], _ shape: TileShape) throws -> TileState {
    var state = TileState(shape)
    for tile in try tiles(rows, shape).values { try state.merge(tile) }
    return state
  }

  /// The tiles of one key by hop.
  private func tiles(_ rows: [Row], _ shape: TileShape) throws -> [Instant: TileState] {
    let hops = Dictionary(grouping: rows) { TileTables.hop.floor($0.eventOrder.time) }
    return try hops.mapValues { try fold($0.filter(\.isKept), shape) }
  }

  @Test("states, merged states and answers agree for every kind and type", arguments: Flavour.all)
  func agreement(flavour: Flavour) throws {
    for seed in UInt64(1)...(flavour.isWild ? 2 : 1) {
      var chance = Chance(seed)
      let rows = flavour.rows(250, &chance)
      let tables = try TileTables(rows, flavour.type)
      for shape in shapes(of: flavour.type) {
        try compare(rows, shape, tables, "seed \(seed), \(shape)")
      }
    }
  }

  private func compare(_ rows: [Row], _ shape: TileShape, _ tables: TileTables, _ place: String)
    throws
  {
    let comment = Comment(rawValue: place)
    let byKey = Dictionary(grouping: rows, by: \.key)
    let names = shape.columns.map { Datum.text(tables.dialect.typeName($0.type)) }
    try tables.makeTiles(shape)
    #expect(try tables.typeNames("tiles", "s", shape) == names, comment)
    let stored = try tables.tiles(shape)
    #expect(
      stored.count == (try byKey.values.reduce(0) { try $0 + tiles($1, shape).count }),
      comment
    )
    for row in stored {
      guard case .integer(let key) = row[0], case .instant(let hop) = row[1] else { continue }
      let own = try tiles(byKey[key] ?? [], shape)[hop]
      let columns = Array(row[2...])
      #expect(agree(own?.columns() ?? [], columns, shape), comment)
      // What the engine stored is a state to Swift too.
      #expect(throws: Never.self, comment) { try TileState(shape, columns: columns) }
    }
    try tables.makeMerged(shape)
    #expect(try tables.typeNames("merged", "m", shape) == names, comment)
    let merged = try byKey.mapValues { try self.merged($0, shape) }
    for row in try tables.merged(shape) {
      guard case .integer(let key) = row[0] else { continue }
      #expect(agree(merged[key]?.columns() ?? [], Array(row[1...]), shape), comment)
    }
    for aggregation in allAggregations where shape.kind.answers(aggregation) {
      try compare(byKey, merged, aggregation, tables, "\(comment), \(aggregation)")
    }
  }

  private func compare(
    _ rows: [Int64: [Row]],
    _ states: [Int64: TileState],
    _ aggregation: Aggregation,
    _ tables: TileTables,
    _ comment: Comment
  ) throws {
    let shape = try #require(states.values.first?.shape)
    let finish = tables.sql.finish(aggregation, shape) { "m_\($0)" }
    let direct = try #require(
      tables.sql.value(aggregation, over: shape.input, of: TileTables.rows)
    )
    let type = try #require(aggregation.outputType(of: shape.input))
    let answers = try tables.query(
      "SELECT key, a, typeof(a) FROM (SELECT key, \(finish) AS a FROM merged)"
    )
    let values = try tables.query(
      "SELECT key, a, typeof(a) FROM (SELECT key, \(direct) AS a FROM rows GROUP BY key)"
    )
    #expect(answers.count == rows.count && values.count == rows.count, comment)
    for row in answers + values {
      guard case .integer(let key) = row[0] else { continue }
      let kept = (rows[key] ?? []).filter(\.isKept)
      let own = try #require(try states[key]?.finish(aggregation))
      let naive = NaiveAnswer(rows: kept, type: shape.input ?? .void)
      #expect(naive.accepts(row[1], for: aggregation), "\(comment): SQL gives \(row[1])")
      #expect(naive.accepts(own, for: aggregation), "\(comment): Swift gives \(own)")
      #expect(row[2] == .text(tables.dialect.typeName(type)), comment)
      if ![.sum, .moments].contains(shape.kind) { #expect(own == row[1], comment) }
    }
  }

  @Test("rows are counted where no column is named, with and without a filter")
  func rowCount() throws {
    var chance = Chance(5)
    let rows = Flavour(.long).rows(100, &chance)
    let tables = try TileTables(rows, .long)
    let shape = try #require(TileShape(.count, of: nil))
    for filter in ["is_kept", nil] {
      var source = TileTables.rows
      source.value = nil
      source.filter = filter
      let direct = try #require(tables.sql.value(.count, over: nil, of: source))
      let counts = try tables.query("SELECT key, \(direct) FROM rows GROUP BY key")
      #expect(counts.count == 4)
      for row in counts {
        let kept = rows.filter { .integer($0.key) == row[0] && ($0.isKept || filter == nil) }
        #expect(row[1] == .integer(Int64(kept.count)))
        #expect(try fold(kept, shape).finish(.count) == row[1])
      }
    }
  }

  @Test("without a filter all rows take part", arguments: TileState.Kind.allCases)
  func unfiltered(kind: TileState.Kind) throws {
    var chance = Chance(6)
    let rows = Flavour(.double).rows(100, &chance)
    let tables = try TileTables(rows, .double)
    let shape = try #require(TileShape(kind, of: .double))
    var source = TileTables.rows
    source.filter = nil
    let states = tables.sql.states(shape, of: source).map(\.sql).joined(separator: ", ")
    let state = try #require(try tables.query("SELECT \(states) FROM rows").first)
    #expect(agree(try fold(rows, shape).columns(), state, shape))
  }

  @Test("over no rows at all every function gives what it gives for an empty window")
  func noRows() throws {
    let tables = try TileTables([], .double)
    for aggregation in allAggregations {
      let direct = try #require(
        tables.sql.value(aggregation, over: .double, of: TileTables.rows)
      )
      let shape = try #require(TileShape(aggregation.kind, of: .double))
      let answer = try #require(try tables.query("SELECT \(direct) FROM rows").first?.first)
      #expect(answer == (try TileState(shape).finish(aggregation)), "\(aggregation)")
      let merged = tables.sql.merge(shape) { "s_\($0)" }
        .map { "\($0.sql) AS m_\($0.suffix)" }.joined(separator: ", ")
      try tables.makeTiles(shape)
      let finish = tables.sql.finish(aggregation, shape) { "m_\($0)" }
      let again = try tables.query("SELECT \(finish) FROM (SELECT \(merged) FROM tiles)")
      #expect(again == [[answer]], "\(aggregation)")
    }
  }

  @Test(
    "distinct is exact up to 1,023 values and the same estimate above",
    arguments: [
      1, 1023, 1024, 1025, 2500,
    ]
  )
  func distinct(count: Int) throws {
    let rows = (0..<count).map { index in
      Row(
        key: 1,
        order: EventOrderParts(time: Int64(index) * 7_000_000, knowledge: 0, id: []),
        isKept: true,
        value: .text("value \(index)")
      )
    }
    let twice = rows + rows.prefix(300)
    let tables = try TileTables(twice, .string)
    let shape = try #require(TileShape(.distinct, of: .string))
    try compare(twice, shape, tables, "\(count) values")
    let values = try #require(TileShape(.values, of: .string))
    try compare(twice, values, tables, "\(count) values")
  }
}
