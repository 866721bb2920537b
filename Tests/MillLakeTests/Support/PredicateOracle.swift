// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillLake
import MillTesting

/// A value of one row, as the engines order it.
enum Cell: Sendable {
  case null
  /// A whole number or a decimal, times ten to the tenth.
  case exact(Int128)
  case real(Double)
  case single(Float)
  /// Days, microseconds or a truth value.
  case ordinal(Int64)
  case text([UInt8])

  var isNull: Bool { if case .null = self { true } else { false } }

  static let unit: Int128 = 10_000_000_000
}

/// A column of a random table: a top-level one or a member of a structure.
struct RandomColumn: Sendable {
  var path: [String]
  /// The names in files and statistics.
  var physical: [String]
  var type: DataType
  var isPartition: Bool
}

/// How two engines differ where a column of 32 bits meets a number of 64.
enum OracleEngine: CaseIterable {
  /// The number is rounded to 32 bits.
  case duckDB
  /// The column's value is taken as one of 64 bits.
  case spark
}

/// Judges a condition on one row by brute force, in three-valued logic.
///
/// NaN is greater than every number and equal to itself; text is ordered by its bytes. What an
/// engine alone can know is a coin's toss, so that nobody can rely on either side of it.
///
/// > Source: DuckDB, "Floating-Point Types"; Apache Spark, "NaN Semantics"; both tried out.
struct PredicateOracle {
  var columns: [RandomColumn]
  var engine: OracleEngine
  var chance: SeededRandom

  /// True, false, or nil for null.
  func truth(_ predicate: TablePredicate, of row: [Cell]) -> Bool? {
    switch predicate {
    case .unknown: toss()
    case .constant(let value): value
    case .compare(let path, let comparison, let literal):
      compare(path, comparison, literal, row)
    case .isNull(let path): index(path).map { row[$0].isNull } ?? toss()
    case .oneOf(let path, let literals):
      any(literals.map { compare(path, .equal, $0, row) })
    case .all(let parts): any(parts.map { truth($0, of: row).map { !$0 } }).map { !$0 }
    case .any(let parts): any(parts.map { truth($0, of: row) })
    case .not(let part): truth(part, of: row).map { !$0 }
    }
  }

  private func any(_ values: [Bool?]) -> Bool? {
    if values.contains(true) { return true }
    return values.contains(nil) ? nil : false
  }

  private func toss() -> Bool? { [true, false, nil][chance.below(3)] }

  private func index(_ path: [String]) -> Int? {
    columns.firstIndex { $0.path.map { $0.lowercased() } == path.map { $0.lowercased() } }
  }

  private func compare(
    _ path: [String],
    _ comparison: TablePredicate.Comparison,
    _ literal: JSONValue,
    _ row: [Cell]
  ) -> Bool? {
    guard let index = index(path) else { return toss() }
    if row[index].isNull || literal.isNull { return nil }
    guard let order = order(row[index], literal, columns[index].type) else { return toss() }
    return switch comparison {
    case .equal: order == 0
    case .notEqual: order != 0
    case .less: order < 0
    case .lessOrEqual: order <= 0
    case .greater: order > 0
    case .greaterOrEqual: order >= 0
    }
  }

  /// Less than zero, zero or more; nil when the literal is none of the column's type.
  private func order(_ cell: Cell, _ literal: JSONValue, _ type: DataType) -> Int? {
    switch cell {
    case .null: return nil
    case .exact(let value):
      guard case .number(let number) = literal else { return nil }
      if let exact = Self.exact(number.text) { return Self.order(value, exact) }
      // With an exponent a number is a double, and so is what it is compared with.
      return Double(number.text).flatMap { double in
        Double(Self.text(value, scale: 10)).map { Self.order($0, double) }
      }
    case .real(let value):
      guard case .number(let number) = literal else { return nil }
      return Double(number.text).map { Self.order(value, $0) }
    case .single(let value):
      guard case .number(let number) = literal, let double = Double(number.text) else { return nil }
      return switch engine {
      case .duckDB: Self.order(Double(value), Double(Float(double)))
      case .spark: Self.order(Double(value), double)
      }
    case .ordinal(let value):
      let other: Int64? =
        switch type {
        case .date:
          literal.text.flatMap { CivilDate(iso8601: $0) }.map { Int64($0.daysSinceEpoch) }
        case .boolean: literal.bool.map { $0 ? 1 : 0 }
        default: literal.text.flatMap { Instant(iso8601: $0) }.map(\.microseconds)
        }
      return other.map { Self.order(value, $0) }
    case .text(let value):
      guard let other = literal.text.map({ Array($0.utf8) }) else { return nil }
      if value.lexicographicallyPrecedes(other) { return -1 }
      return other.lexicographicallyPrecedes(value) ? 1 : 0
    }
  }

  private static func order<Value: Comparable>(_ left: Value, _ right: Value) -> Int {
    left < right ? -1 : right < left ? 1 : 0
  }

  private static func order(_ left: Double, _ right: Double) -> Int {
    switch (left.isNaN, right.isNaN) {
    case (true, true): 0
    case (true, false): 1
    case (false, true): -1
    default: left < right ? -1 : right < left ? 1 : 0
    }
  }

  // MARK: Decimals

  /// A number without an exponent, exactly, times ten to the tenth.
  static func exact(_ text: String) -> Int128? {
    let isNegative = text.hasPrefix("-")
    let parts = text.drop { $0 == "-" }.split(separator: ".", omittingEmptySubsequences: false)
    guard (1...2).contains(parts.count), let whole = Int128(parts[0]) else { return nil }
    var value = whole * Cell.unit
    if parts.count == 2 {
      let digits = parts[1].prefix(10)
      guard parts[1].utf8.count <= 10, let fraction = Int128(digits) else { return nil }
      value += fraction * power(10 - digits.utf8.count)
    }
    return isNegative ? -value : value
  }

  /// A number with so many digits after the point, at most ten; what is beyond them is zero.
  static func text(_ value: Int128, scale: Int) -> String {
    let digits = (value / power(10 - scale)).magnitude
    let (whole, fraction) = digits.quotientAndRemainder(dividingBy: UInt128(power(scale)))
    let tail = String(fraction)
    let zeros = String(repeating: "0", count: max(0, scale - tail.utf8.count))
    return (value < 0 ? "-" : "") + String(whole) + (scale == 0 ? "" : ".\(zeros)\(tail)")
  }

  private static func power(_ exponent: Int) -> Int128 {
    (0..<exponent).reduce(1) { product, _ in product * 10 }
  }
}
