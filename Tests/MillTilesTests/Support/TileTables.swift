// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillDuckDB
import MillSQL
import MillTiles

/// Rows in DuckDB, and what the rendered SQL makes of them.
struct TileTables {
  static let hop = Hop.hour

  let database: Database
  let type: DataType
  let sql = TileSQL(.duckDB)
  let dialect = DuckDBDialect()

  /// Changes to the SQL of tiles, for tests that have to see them.
  var mutation: @Sendable (String) -> String = { $0 }

  static let rows = TileRows(
    value: "\"value\"",
    filter: "is_kept",
    time: "t",
    knowledge: "k",
    id: "id"
  )

  init(_ rows: [Row], _ type: DataType) throws {
    database = try Database(configuration: ["threads": "2"])
    self.type = type
    let connection = try database.connect()
    try connection.execute(
      "CREATE TABLE rows (key BIGINT, t TIMESTAMPTZ, k TIMESTAMPTZ, id BLOB, is_kept BOOLEAN, "
        + "\"value\" \(dialect.typeName(type)))"
    )
    for start in stride(from: 0, to: rows.count, by: 500) {
      let tuples = rows[start..<min(start + 500, rows.count)].map { row in
        "(\(row.key), \(instant(row.order.time)), \(instant(row.order.knowledge)), "
          + "\(literal(.bytes(row.order.id), .binary)), \(row.isKept), "
          + "CAST(\(literal(row.value, type)) AS \(dialect.typeName(type))))"
      }
      try connection.execute("INSERT INTO rows VALUES \(tuples.joined(separator: ", "))")
    }
  }

  func query(_ text: String) throws -> [[Datum]] {
    let connection = try database.connect()
    try connection.execute("SET TimeZone = 'UTC'")
    return try connection.query(text).rows().map { row in try row.map(datum) }
  }

  func execute(_ text: String) throws {
    let connection = try database.connect()
    try connection.execute("SET TimeZone = 'UTC'")
    try connection.execute(text)
  }

  /// Makes the table of tiles of a shape.
  func makeTiles(_ shape: TileShape) throws {
    let states = sql.states(shape, of: Self.rows)
      .map { "\(mutation($0.sql)) AS s_\($0.suffix)" }
    try execute(
      "CREATE OR REPLACE TABLE tiles AS SELECT key, \(mutation(sql.floor("t", to: Self.hop))) AS hop, "
        + "\(states.joined(separator: ", ")) FROM rows GROUP BY ALL"
    )
  }

  /// The states of all tiles by key and hop.
  func tiles(_ shape: TileShape) throws -> [[Datum]] {
    let columns = shape.columns.map { "s_\($0.suffix)" }
    return try query("SELECT key, hop, \(columns.joined(separator: ", ")) FROM tiles")
  }

  /// Merges the tiles of each key into the table of merged states.
  func makeMerged(_ shape: TileShape) throws {
    let members = sql.merge(shape) { "s_\($0)" }
      .map { "\(mutation($0.sql)) AS m_\($0.suffix)" }
    try execute(
      "CREATE OR REPLACE TABLE merged AS "
        + "SELECT key, \(members.joined(separator: ", ")) FROM tiles GROUP BY key"
    )
  }

  func merged(_ shape: TileShape) throws -> [[Datum]] {
    let columns = shape.columns.map { "m_\($0.suffix)" }
    return try query("SELECT key, \(columns.joined(separator: ", ")) FROM merged")
  }

  /// What DuckDB calls the types of a table's state columns.
  func typeNames(_ table: String, _ prefix: String, _ shape: TileShape) throws -> [Datum] {
    let columns = shape.columns.map { "typeof(\(prefix)_\($0.suffix))" }
    return try query("SELECT \(columns.joined(separator: ", ")) FROM \(table) LIMIT 1").first ?? []
  }

  func instant(_ microseconds: Int64) -> String { "make_timestamptz(\(microseconds))" }

  func literal(_ value: Datum, _ type: DataType) -> String {
    switch value {
    case .null, .list: "NULL"
    case .boolean(let value): "\(value)"
    case .integer(let value): "CAST('\(value)' AS BIGINT)"
    case .double(let value): "CAST('\(value)' AS DOUBLE)"
    case .decimal(let unscaled, let scale):
      "CAST('\(decimal(unscaled, scale))' AS \(dialect.typeName(type)))"
    case .text(let text): dialect.literal(text)
    case .bytes(let bytes):
      "unhex('\(bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined())')"
    case .date(let date): "CAST('\(date)' AS DATE)"
    case .instant(let instant):
      type == .timestamp
        ? self.instant(instant.microseconds) : "make_timestamp(\(instant.microseconds))"
    }
  }

  private func decimal(_ unscaled: Int128, _ scale: Int) -> String {
    let digits = String(unscaled.magnitude)
    let padded = String(repeating: "0", count: max(0, scale + 1 - digits.count)) + digits
    return (unscaled < 0 ? "-" : "") + padded.dropLast(scale) + "." + padded.suffix(scale)
  }

  private func datum(_ value: Value) throws -> Datum {
    switch value {
    case .null: .null
    case .bool(let value): .boolean(value)
    case .int(let value): .integer(value)
    case .float(let value): .double(Double(value))
    case .double(let value): .double(value)
    case .decimal(let unscaled, let scale): .decimal(unscaled: unscaled, scale: scale)
    case .text(let text): .text(text)
    case .bytes(let bytes): .bytes(bytes)
    case .date(let days): .date(CivilDate(daysSinceEpoch: days))
    case .timestamp(let microseconds), .timestampWithZone(let microseconds):
      .instant(Instant(microseconds: microseconds))
    case .list(let list): .list(try list.map(datum))
    default: throw Unread(value: "\(value)")
    }
  }

  struct Unread: Error { let value: String }
}
