// SPDX-License-Identifier: Apache-2.0

internal import MillCore
internal import MillEngine
internal import MillLake
internal import MillSQL
internal import MillTiles

extension FeatureStore {
  /// An exact window needs its rows one by one, which an online store does not keep yet.
  func requireServable(_ view: FeatureViewDefinition) throws(FeatureError) {
    for windowed in view.windowed {
      guard let span = windowed.windows.first(where: { $0.window.edge == .exact }) else { continue }
      throw .definition(
        windowed.place,
        name: view.name,
        problem:
          "the window \(span.word) is exact, and is not served online: write `edge: hop`, or "
          + "put it into a view for training alone"
      )
    }
  }

  /// Brings the tiles of a view's windows into an online store.
  ///
  /// Tiles hold the rows before `asOf`; all of a key's tiles are one row of the store.
  func materializeTiles(
    _ bound: BoundView,
    _ sources: [DatasetName: Snapshot],
    _ store: any OnlineStore,
    _ asOf: Instant,
    _ report: inout MaterializationReport,
    _ counted: inout CountedFeatures,
    _ session: any EngineSession
  ) async throws {
    let table = onlineTable(bound.view, .tiles)
    let known = try await store.state(of: table)
    try requireLater(known, asOf, bound.view)
    if let known, known.isCurrent(with: report.tables, at: asOf) { return }
    report.kind = .all
    let relation = try await relation(of: bound, sources, named: "mill_source", session)
    let state = MaterializationState(
      tables: report.tables,
      asOf: asOf,
      generation: try await store.begin(table),
      pendingFrom: try await later(than: asOf, excluding: true, relation, session)?.first
    )
    let layout = TileLayout(bound)
    let tiles = RelationName("mill_tiles")
    try await session.define(
      tiles,
      as: query(layout, relation, asOf),
      keeping: .stored
    )
    let count =
      try await session.rows("SELECT count(*) FROM mill_tiles", limit: 1)
      .integer(0, 0) ?? 0
    var keysSeen = 0
    var packer = TilePacker(layout: layout, keyCount: relation.keyNames.count)
    for start in stride(from: Int64(0), to: count, by: Self.keysPerWrite) {
      let batch = try await session.columns(
        """
        SELECT * EXCLUDE (number) FROM mill_tiles
        WHERE number > \(start) AND number <= \(start + Int64(Self.keysPerWrite))
        ORDER BY number
        """,
        limit: Self.keysPerWrite
      )
      let rows = try packer.append(batch)
      keysSeen += rows.count
      report.changed += try await store.write(
        rows,
        to: table,
        as: .pass(generation: state.generation)
      )
    }
    let rest = packer.finish()
    report.keys = max(report.keys, keysSeen + rest.count)
    report.changed += try await store.write(
      rest,
      to: table,
      as: .pass(generation: state.generation)
    )
    try await counting(bound.view, &report) {
      counted.append(
        try await countWindows(
          layout,
          bound,
          tiles: tiles,
          keys: relation.keyNames,
          asOf,
          session
        )
      )
    }
    try await session.drop(tiles)
    try await session.drop(relation.name)
    report.removed += try await store.finish(state, of: table)
  }

  /// The tiles of all keys and hops, those of one key together.
  private func query(_ layout: TileLayout, _ relation: ViewRelation, _ asOf: Instant) -> String {
    let keys = relation.keyNames.joined(separator: ", ")
    let sql = TileSQL(environment.engine.dialect)
    var groups: [TileGroup] = []
    for group in layout.levels.flatMap(\.groups)
    where !groups.contains(where: { $0.index == group.index }) {
      groups.append(group)
    }
    groups.sort { $0.index < $1.index }
    let id = groups.contains(where: \.needsIdentity) ? relation.identity : "CAST('' AS BLOB)"
    let cells = [relation.header, "\(id) AS id"] + groups.flatMap { $0.cells(dialect) }
    let longest = layout.levels.map { layout.reach(of: $0.hop) }.max() ?? 0
    let isCandidate =
      (relation.keyNames.map { "\($0) IS NOT NULL" } + [
        "t < \(asOf.microseconds)", "k <= \(asOf.microseconds)",
        "t >= \(asOf.microseconds - longest)",
      ]).joined(separator: " AND ")
    let states = groups.flatMap { $0.states(sql) }.joined(separator: ", ")
    let levels = layout.levels.enumerated().map { index, level in
      let size = level.hop.microseconds
      let hop = "t - ((t % \(size)) + \(size)) % \(size)"
      return """
        SELECT \(keys), \(index) AS level, \(hop) AS hop, max(t) AS t, max(k) AS k, \(states)
        FROM mill_rows WHERE t >= \(asOf.microseconds - layout.reach(of: level.hop))
        GROUP BY \(keys), \(hop)
        """
    }
    return """
      WITH mill_rows AS MATERIALIZED (
        SELECT * FROM (
          SELECT \(cells.joined(separator: ", "))
          FROM \(dialect.quote(relation.name.name)) AS s)
        WHERE \(isCandidate))
      SELECT row_number() OVER (ORDER BY \(keys), level, hop) AS number, *
      FROM (\(levels.joined(separator: "\nUNION ALL\n")))
      """
  }
}

/// Puts the tiles of a key, which come one after the other, into one row.
private struct TilePacker {
  private let layout: TileLayout
  private let keyCount: Int
  private let places: [Int: [Int]]
  private var key: [UInt8]?
  private var builder: TileLayout.Builder
  private var version = RowVersion(time: .earliest, knowledge: .earliest)

  init(layout: TileLayout, keyCount: Int) {
    self.layout = layout
    self.keyCount = keyCount
    builder = TileLayout.Builder(layout)
    // The states of a group lie behind those of all groups of a lesser number.
    var next = keyCount + 4
    var places: [Int: [Int]] = [:]
    let groups = layout.levels.flatMap(\.groups).sorted { $0.index < $1.index }
    for group in groups where places[group.index] == nil {
      places[group.index] = group.shapes.map { shape in
        defer { next += shape.columns.count }
        return next
      }
    }
    self.places = places
  }

  mutating func append(_ batch: ColumnBatch) throws -> [OnlineRow] {
    var rows: [OnlineRow] = []
    for row in 0..<batch.count {
      var bytes: [UInt8] = []
      for column in 0..<keyCount { PackedCells.append(batch.columns[column], row, to: &bytes) }
      if bytes != key {
        rows += finish()
        key = bytes
      }
      let level = Int(batch.columns[keyCount].integer(row))
      builder.begin(level: level, hop: batch.columns[keyCount + 1].integer(row))
      version.time = max(
        version.time,
        Instant(microseconds: batch.columns[keyCount + 2].integer(row))
      )
      version.knowledge = max(
        version.knowledge,
        Instant(microseconds: batch.columns[keyCount + 3].integer(row))
      )
      for group in layout.levels[level].groups {
        for (shape, place) in zip(group.shapes, places[group.index] ?? []) {
          let members = shape.columns.indices.map { batch.columns[place + $0][row] }
          builder.append(try TileState(shape, columns: members), level: level)
        }
      }
    }
    return rows
  }

  /// The row of the key that was worked on last.
  mutating func finish() -> [OnlineRow] {
    guard let key else { return [] }
    let row = OnlineRow(key: key, version: version, payload: builder.finish())
    self.key = nil
    builder = TileLayout.Builder(layout)
    version = RowVersion(time: .earliest, knowledge: .earliest)
    return [row]
  }
}
