// SPDX-License-Identifier: Apache-2.0

internal import MillCore
internal import MillEngine
internal import MillSQL

/// The one map from DuckDB's types to those of published tables (docs/semantics.md, 2).
enum PublishedType {
  /// The type that a column is published as.
  ///
  /// - Throws: `EngineError.unsupportedType` for what a Delta table cannot hold.
  static func of(_ type: DuckDBType, column: String) throws(EngineError) -> DataType {
    switch type {
    case .boolean: return .boolean
    case .tinyint: return .byte
    case .smallint, .utinyint: return .short
    case .integer, .usmallint: return .integer
    case .bigint, .uinteger: return .long
    case .hugeint: return .decimal(precision: 38, scale: 0)
    case .ubigint: return .decimal(precision: 20, scale: 0)
    case .float: return .float
    case .double: return .double
    case .decimal(let width, let scale): return .decimal(precision: width, scale: scale)
    case .varchar, .uuid, .bit, .time, .timeNanoseconds, .timeWithZone, .interval, .enumeration:
      return .string
    case .blob: return .binary
    case .date: return .date
    case .timestamp, .timestampSeconds, .timestampMilliseconds, .timestampNanoseconds,
      .timestampWithZone, .timestampWithZoneNanoseconds:
      return .timestamp
    // The type of a bare NULL: text holds any later value.
    case .null: return .string
    case .list(let element), .array(let element, _):
      return .array(element: try of(element, column: column), containsNull: true)
    case .map(let key, let value):
      return .map(
        key: try of(key, column: column),
        value: try of(value, column: column),
        valueContainsNull: true
      )
    case .structure(let fields):
      var members: [Field] = []
      for field in fields {
        members.append(Field(field.name, try of(field.type, column: "\(column).\(field.name)")))
      }
      return .structure(members)
    default:
      throw .unsupportedType(column: column, type: "\(type)")
    }
  }

  /// Whether DuckDB writes this type to Parquet as what it is published as.
  static func isWrittenAsPublished(_ type: DuckDBType) -> Bool {
    switch type {
    case .boolean, .tinyint, .smallint, .integer, .bigint, .float, .double, .decimal, .varchar,
      .blob, .date, .timestampWithZone:
      true
    case .list(let element): isWrittenAsPublished(element)
    case .map(let key, let value): isWrittenAsPublished(key) && isWrittenAsPublished(value)
    case .structure(let fields): fields.allSatisfy { isWrittenAsPublished($0.type) }
    default: false
    }
  }

  /// A column as an expression of its published type; a cast that would lose a value fails.
  static func cast(
    _ column: String,
    from type: DuckDBType,
    to published: DataType,
    _ dialect: DuckDBDialect
  ) -> String {
    let name = dialect.quote(column)
    if isWrittenAsPublished(type) { return name }
    switch type {
    case .timestampNanoseconds, .timestampWithZoneNanoseconds:
      // Nanoseconds that are not whole microseconds would be lost in silence.
      return "CASE WHEN epoch_ns(\(name)) % 1000 <> 0 THEN error("
        + dialect.literal("column \(column) has nanoseconds, published instants have microseconds")
        + ") ELSE CAST(CAST(\(name) AS TIMESTAMP) AS TIMESTAMP WITH TIME ZONE) END AS \(name)"
    case .timestamp, .timestampSeconds, .timestampMilliseconds:
      return "timezone('UTC', CAST(\(name) AS TIMESTAMP)) AS \(name)"
    default:
      return "CAST(\(name) AS \(dialect.typeName(published))) AS \(name)"
    }
  }
}
