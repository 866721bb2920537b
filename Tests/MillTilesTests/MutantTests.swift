// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillTiles
import Testing

/// A deliberate mistake in rendered SQL, which the comparison with Swift has to see.
struct Mutant: Sendable, CustomTestStringConvertible {
  let kind: TileState.Kind
  let type: DataType
  let old: String
  let new: String

  init(_ kind: TileState.Kind, _ type: DataType, _ old: String, _ new: String) {
    self.kind = kind
    self.type = type
    self.old = old
    self.new = new
  }

  var testDescription: String { "\(kind): \(old) → \(new)" }

  static let all: [Mutant] = [
    Mutant(.count, .long, "count((\"value\"))", "count(*)"),
    Mutant(.count, .long, " FILTER (WHERE (is_kept))", ""),
    Mutant(.count, .long, "+ 3600000000) % 3600000000", "+ 0) % 3600000000"),
    Mutant(.count, .long, "make_timestamptz(", "make_timestamptz(1 + "),
    Mutant(.sum, .long, "sum((\"value\"))", "sum(DISTINCT \"value\")"),
    Mutant(.sum, .double, "CASE WHEN NOT isnan(\"value\") THEN \"value\" END", "\"value\""),
    Mutant(.sum, .double, "abs(", "(-1 * "),
    Mutant(.sum, .double, " = -", " = "),
    Mutant(.moments, .double, "var_pop", "var_samp"),
    Mutant(.moments, .double, "<= CAST('1e+140'", "< CAST('1e+10'"),
    Mutant(.moments, .double, "tile.n * ", ""),
    Mutant(.minimum, .long, "min(", "max("),
    Mutant(.first, .long, "k := k, ", "k := t, "),
    Mutant(.first, .long, "k := k, id := id", "k := k, id := CAST('' AS BLOB)"),
    Mutant(.first, .long, "t := t, ", "t := k, "),
    Mutant(.last, .long, "max(struct_pack(t := s_t, k := s_k, id", "max(struct_pack(t := s_t, id"),
    Mutant(.last, .long, " FILTER (WHERE (is_kept) AND ((\"value\") IS NOT NULL))", ""),
    Mutant(.distinct, .double, "CASE WHEN CASE", "CASE WHEN false AND CASE"),
    Mutant(.distinct, .long, "[1:16]", "[2:17]"),
    Mutant(.distinct, .long, "list_distinct", ""),
    Mutant(.buckets, .double, "THEN 1 ", "THEN 0 "),
    Mutant(.buckets, .double, ") * 35 ", ") * 34.99 "),
    Mutant(.buckets, .double, "ORDER BY tile_value", "ORDER BY tile_count"),
    Mutant(.values, .string, "sum(tile_count)", "max(tile_count)"),
    Mutant(.values, .string, "list_sort", ""),
  ]
}

@Suite("Deliberate mistakes in the SQL of tiles are seen")
struct MutantTests {
  @Test("a mutant gives other tiles, other sums of them or no tiles", arguments: Mutant.all)
  func mutant(mutant: Mutant) throws {
    var chance = Chance(7)
    let rows = Flavour(mutant.type, isWild: true).rows(600, &chance)
    let shape = try #require(TileShape(mutant.kind, of: mutant.type))
    var tables = try TileTables(rows, mutant.type)
    #expect(try isSame(rows, shape, tables))
    tables.mutation = { $0.replacing(mutant.old, with: mutant.new) }
    let texts =
      tables.sql.states(shape, of: TileTables.rows).map(\.sql)
      + tables.sql.merge(shape) { "s_\($0)" }.map(\.sql)
      + [tables.sql.floor("t", to: TileTables.hop)]
    #expect(texts.contains { $0.contains(mutant.old) }, "the mutant changes nothing")
    #expect((try? isSame(rows, shape, tables)) != true)
  }

  private func isSame(_ rows: [Row], _ shape: TileShape, _ tables: TileTables) throws -> Bool {
    try tables.makeTiles(shape)
    try tables.makeMerged(shape)
    var tiles: [[Datum]: TileState] = [:]
    for row in rows {
      let hop = TileTables.hop.floor(row.eventOrder.time)
      var tile = tiles[[.integer(row.key), .instant(hop)]] ?? TileState(shape)
      if row.isKept { try tile.add(row.value, at: row.eventOrder) }
      tiles[[.integer(row.key), .instant(hop)]] = tile
    }
    let stored = try tables.tiles(shape)
    let areSame = stored.allSatisfy { row in
      agree(tiles[Array(row[..<2])]?.columns() ?? [], Array(row[2...]), shape)
    }
    guard areSame, stored.count == tiles.count else { return false }
    return try tables.merged(shape).allSatisfy { row in
      var state = TileState(shape)
      for (key, tile) in tiles where key[0] == row[0] { try state.merge(tile) }
      return agree(state.columns(), Array(row[1...]), shape)
    }
  }
}
