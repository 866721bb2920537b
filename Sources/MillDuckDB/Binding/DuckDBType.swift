// SPDX-License-Identifier: Apache-2.0

/// A type of DuckDB.
///
/// Its text is the SQL that names it, such as `DECIMAL(10,2)` or `STRUCT(a INTEGER, b VARCHAR[])`.
@nonexhaustive
public enum DuckDBType: Hashable, Sendable, CustomStringConvertible {
  /// True or false, and the signed integers of 8 to 128 bits.
  case boolean, tinyint, smallint, integer, bigint, hugeint
  /// The unsigned integers of 8 to 128 bits.
  case utinyint, usmallint, uinteger, ubigint, uhugeint
  /// Binary fractions of 32 and 64 bits.
  case float, double
  /// Digits in all, and digits after the point.
  case decimal(width: Int, scale: Int)
  /// Text, bytes, bits, a 128-bit name, and an integer of any length.
  case varchar, blob, bit, uuid, bignum
  /// Days, and times of day with and without an offset.
  case date, time, timeNanoseconds, timeWithZone
  /// Moments on a clock without a zone.
  case timestamp, timestampSeconds, timestampMilliseconds, timestampNanoseconds
  /// Moments of UTC.
  case timestampWithZone, timestampWithZoneNanoseconds
  /// Months, days and microseconds.
  case interval
  /// The names in the order of their codes.
  case enumeration([String])
  /// Values of one type, as many as there are.
  indirect case list(DuckDBType)
  /// A list whose rows all have the same number of elements.
  indirect case array(DuckDBType, size: Int)
  /// Named parts.
  case structure([Field])
  /// Keys and values.
  indirect case map(key: DuckDBType, value: DuckDBType)
  /// One of several named members.
  case union([Field])
  /// Shapes, and values that carry their own types.
  case geometry, variant
  /// The type of a bare NULL.
  case null
  /// A type that this binding does not know, with DuckDB's number.
  case other(UInt32)

  /// A named part of a structure or a union.
  public struct Field: Hashable, Sendable {
    /// The name.
    public let name: String
    /// The type.
    public let type: DuckDBType

    /// Makes a field.
    public init(name: String, type: DuckDBType) {
      self.name = name
      self.type = type
    }
  }

  /// The SQL that names the type.
  public var description: String {
    switch self {
    case .decimal(let width, let scale): "DECIMAL(\(width),\(scale))"
    case .timeNanoseconds: "TIME_NS"
    case .timeWithZone: "TIME WITH TIME ZONE"
    case .timestampSeconds: "TIMESTAMP_S"
    case .timestampMilliseconds: "TIMESTAMP_MS"
    case .timestampNanoseconds: "TIMESTAMP_NS"
    case .timestampWithZone: "TIMESTAMP WITH TIME ZONE"
    case .timestampWithZoneNanoseconds: "TIMESTAMPTZ_NS"
    case .enumeration(let names): "ENUM(\(names.map(quoteText).joined(separator: ", ")))"
    case .list(let element): "\(element)[]"
    case .array(let element, let size): "\(element)[\(size)]"
    case .structure(let fields): "STRUCT(\(DuckDBType.list(fields)))"
    case .map(let key, let value): "MAP(\(key), \(value))"
    case .union(let members): "UNION(\(DuckDBType.list(members)))"
    case .null: "\"NULL\""
    case .other(let number): "type \(number)"
    default: simpleName
    }
  }

  /// The type of fixed width in which DuckDB stores this one.
  public var storage: DuckDBType? {
    switch self {
    case .boolean, .tinyint, .smallint, .integer, .bigint, .hugeint, .utinyint, .usmallint,
      .uinteger, .ubigint, .uhugeint, .float, .double, .interval:
      self
    case .date: .integer
    case .time, .timeNanoseconds, .timestamp, .timestampSeconds, .timestampMilliseconds,
      .timestampNanoseconds, .timestampWithZone, .timestampWithZoneNanoseconds:
      .bigint
    case .timeWithZone: .ubigint
    case .uuid: .hugeint
    case .decimal(let width, _):
      switch width {
      case ...4: .smallint
      case ...9: .integer
      case ...18: .bigint
      default: .hugeint
      }
    case .enumeration(let names):
      switch names.count {
      case ...0xFF: .utinyint
      case ...0xFFFF: .usmallint
      default: .uinteger
      }
    default: nil
    }
  }

  /// The type of the elements of a list, where a map is a list of its entries.
  var listElement: DuckDBType? {
    switch self {
    case .list(let element): element
    case .map(let key, let value):
      .structure([Field(name: "key", type: key), Field(name: "value", type: value)])
    default: nil
    }
  }

  /// The fields as stored: a union is a structure that opens with the number of the member in use.
  var storedFields: [Field]? {
    switch self {
    case .structure(let fields): fields
    case .union(let members): [Field(name: "", type: .utinyint)] + members
    default: nil
    }
  }

  private static func list(_ fields: [Field]) -> String {
    fields.map { "\(quoteName($0.name)) \($0.type)" }.joined(separator: ", ")
  }

  private var simpleName: String {
    switch self {
    case .boolean: "BOOLEAN"
    case .tinyint: "TINYINT"
    case .smallint: "SMALLINT"
    case .integer: "INTEGER"
    case .bigint: "BIGINT"
    case .hugeint: "HUGEINT"
    case .utinyint: "UTINYINT"
    case .usmallint: "USMALLINT"
    case .uinteger: "UINTEGER"
    case .ubigint: "UBIGINT"
    case .uhugeint: "UHUGEINT"
    case .float: "FLOAT"
    case .double: "DOUBLE"
    case .varchar: "VARCHAR"
    case .blob: "BLOB"
    case .bit: "BIT"
    case .uuid: "UUID"
    case .bignum: "BIGNUM"
    case .date: "DATE"
    case .time: "TIME"
    case .timestamp: "TIMESTAMP"
    case .interval: "INTERVAL"
    case .geometry: "GEOMETRY"
    case .variant: "VARIANT"
    default: ""
    }
  }
}

/// A name as SQL writes it, always in double quotes.
func quoteName(_ name: String) -> String {
  "\"" + name.replacing("\"", with: "\"\"") + "\""
}

/// A text as SQL writes it.
func quoteText(_ text: String) -> String {
  "'" + text.replacing("'", with: "''") + "'"
}
