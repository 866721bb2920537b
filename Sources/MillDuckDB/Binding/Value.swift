// SPDX-License-Identifier: Apache-2.0

/// One cell of a result, or one parameter, taken out of DuckDB's memory.
@nonexhaustive
public enum Value: Hashable, Sendable {
  /// No value.
  case null
  /// BOOLEAN.
  case bool(Bool)
  /// TINYINT to BIGINT.
  case int(Int64)
  /// UTINYINT to UBIGINT.
  case uint(UInt64)
  /// HUGEINT.
  case hugeint(Int128)
  /// UHUGEINT.
  case uhugeint(UInt128)
  /// FLOAT; not a number is not equal to itself.
  case float(Float)
  /// DOUBLE; not a number is not equal to itself.
  case double(Double)
  /// The number without its point, and how many digits stand after it.
  case decimal(unscaled: Int128, scale: Int)
  /// VARCHAR; also BIT and BIGNUM in the text that DuckDB writes for them, and the name of an ENUM.
  case text(String)
  /// BLOB.
  case bytes([UInt8])
  /// Days since 1970-01-01; the extremes are the infinities.
  case date(days: Int32)
  /// Microseconds since midnight.
  case time(microseconds: Int64)
  /// Nanoseconds since midnight.
  case timeNanoseconds(Int64)
  /// Microseconds since midnight there, and how many seconds that clock is ahead of UTC.
  case timeWithZone(microseconds: Int64, offsetSeconds: Int32)
  /// Microseconds since 1970-01-01 on a clock without a zone; seconds and milliseconds are widened.
  case timestamp(microseconds: Int64)
  /// Nanoseconds since 1970-01-01 on a clock without a zone.
  case timestampNanoseconds(Int64)
  /// UTC microseconds since 1970-01-01.
  case timestampWithZone(microseconds: Int64)
  /// UTC nanoseconds since 1970-01-01.
  case timestampWithZoneNanoseconds(Int64)
  /// INTERVAL.
  case interval(Interval)
  /// Lower-case hexadecimal in groups of 8, 4, 4, 4 and 12.
  case uuid(String)
  /// LIST and ARRAY.
  case list([Value])
  /// STRUCT.
  case structure(Structure)
  /// The entries in DuckDB's order.
  case map([MapEntry])
  /// The member in use, and its value.
  indirect case union(tag: String, Value)

  /// Named values in order.
  public struct Structure: Hashable, Sendable {
    /// One named value.
    public struct Field: Hashable, Sendable {
      /// The name.
      public let name: String
      /// The value.
      public let value: Value

      /// Makes a field.
      public init(_ name: String, _ value: Value) {
        self.name = name
        self.value = value
      }
    }

    /// The fields in the order of the type.
    public let fields: [Field]

    /// Makes a structure.
    public init(_ fields: [Field]) { self.fields = fields }

    /// The value of the first field of a name.
    public subscript(name: String) -> Value? { fields.first { $0.name == name }?.value }
  }

  /// One entry of a map.
  public struct MapEntry: Hashable, Sendable {
    /// The key.
    public let key: Value
    /// The value.
    public let value: Value

    /// Makes an entry.
    public init(key: Value, value: Value) {
      self.key = key
      self.value = value
    }
  }
}
