// SPDX-License-Identifier: Apache-2.0

/// A Swift type that lies in memory as one of DuckDB's types of fixed width does.
public protocol ColumnElement: BitwiseCopyable, Sendable {
  /// The one SQL type that is read as this type without a word on what its numbers mean.
  static var columnType: DuckDBType { get }
}

extension Bool: ColumnElement {
  /// BOOLEAN.
  public static var columnType: DuckDBType { .boolean }
}

extension Int8: ColumnElement {
  /// TINYINT.
  public static var columnType: DuckDBType { .tinyint }
}

extension Int16: ColumnElement {
  /// SMALLINT.
  public static var columnType: DuckDBType { .smallint }
}

extension Int32: ColumnElement {
  /// INTEGER.
  public static var columnType: DuckDBType { .integer }
}

extension Int64: ColumnElement {
  /// BIGINT.
  public static var columnType: DuckDBType { .bigint }
}

extension Int128: ColumnElement {
  /// HUGEINT.
  public static var columnType: DuckDBType { .hugeint }
}

extension UInt8: ColumnElement {
  /// UTINYINT.
  public static var columnType: DuckDBType { .utinyint }
}

extension UInt16: ColumnElement {
  /// USMALLINT.
  public static var columnType: DuckDBType { .usmallint }
}

extension UInt32: ColumnElement {
  /// UINTEGER.
  public static var columnType: DuckDBType { .uinteger }
}

extension UInt64: ColumnElement {
  /// UBIGINT.
  public static var columnType: DuckDBType { .ubigint }
}

extension UInt128: ColumnElement {
  /// UHUGEINT.
  public static var columnType: DuckDBType { .uhugeint }
}

extension Float: ColumnElement {
  /// FLOAT.
  public static var columnType: DuckDBType { .float }
}

extension Double: ColumnElement {
  /// DOUBLE.
  public static var columnType: DuckDBType { .double }
}

extension Interval: ColumnElement {
  /// INTERVAL.
  public static var columnType: DuckDBType { .interval }
}

/// A span of time as DuckDB keeps it: months and days have no fixed length, so none becomes
/// another.
public struct Interval: Hashable, Sendable, BitwiseCopyable {
  /// Whole months, years counted as twelve.
  public var months: Int32
  /// Whole days.
  public var days: Int32
  /// The rest in microseconds.
  public var microseconds: Int64

  /// Makes an interval of its three parts.
  public init(months: Int32 = 0, days: Int32 = 0, microseconds: Int64 = 0) {
    self.months = months
    self.days = days
    self.microseconds = microseconds
  }
}

/// Where the elements of one list lie in the vector of all elements.
public struct ListEntry: Hashable, Sendable, BitwiseCopyable {
  /// The row of its first element.
  public let offset: UInt64
  /// How many elements it has.
  public let length: UInt64

  /// The rows of its elements.
  public var rows: Range<Int> { Int(offset)..<Int(offset + length) }
}
