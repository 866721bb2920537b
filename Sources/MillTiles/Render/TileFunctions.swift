// SPDX-License-Identifier: Apache-2.0

public import MillCore

/// How one engine spells the functions from which tiles are made.
///
/// All are exact: an engine may be slower or faster, never of another opinion. No sketch of an engine
/// is among them.
public protocol TileFunctions: Sendable {
  /// A double as a literal, to the last bit.
  func number(_ number: Double) -> String
  /// Doubles as a list literal, to the last bit.
  func numbers(_ numbers: [Double]) -> String
  /// A list without elements.
  func emptyList(of type: DataType) -> String
  /// Microseconds since 1970 of an instant.
  func microseconds(of instant: String) -> String
  /// The instant so many microseconds from 1970.
  func instant(microseconds: String) -> String
  /// Whether a double is not a number.
  func isNaN(_ number: String) -> String
  /// Whether a double is neither infinite nor not a number.
  func isFinite(_ number: String) -> String
  /// An integer division that cuts, of integers not below zero.
  func quotient(_ dividend: String, _ divisor: Int) -> String
  /// The logarithm to base 2 of a double above zero; may be a few bits off.
  func roughLogarithm(_ number: String) -> String
  /// 2 to the power of an integer, exact as a double; ∞ above the range.
  func powerOfTwo(_ exponent: String) -> String
  /// A value, null where it does not fit the type.
  func tryCast(_ value: String, as type: String) -> String
  /// An expression of a value that is computed once.
  func bound(_ value: String, in body: (String) -> String) -> String

  /// The 64-bit prefix of MD5 of a text, its upper bit turned, as a long.
  func digestPrefix(ofText text: String) -> String
  /// 16 hexadecimal digits, upper case, of the bits of a double.
  func bits(of number: String) -> String
  /// Hexadecimal digits, upper case, of bytes.
  func hexadecimal(_ bytes: String) -> String

  /// Aggregate: a sum of finite doubles, better than adding one by one.
  func preciseSum(_ number: String) -> String
  /// Aggregate: the smallest or the largest row by its members in their order.
  func extremeRow(_ members: [(name: String, value: String)], isLeast: Bool) -> String
  /// The member of a row.
  func member(_ name: String, of row: String) -> String
  /// Aggregate: all different values as a list.
  func distinctValues(_ value: String) -> String
  /// Aggregate: the lists of all rows, one behind the other.
  func concatenated(_ list: String) -> String
  /// Aggregate: how often each value occurs.
  func tally(_ value: String) -> String
  /// The values of a tally, ascending.
  func values(ofTally tally: String) -> String
  /// The counts of a tally as longs, in the order of its values.
  func counts(ofTally tally: String) -> String
  /// Aggregate: counts summed by value over all rows' lists, in the order of values.
  func summedCounts(values: String, counts: String) -> String

  /// How many elements a list has.
  func count(of list: String) -> String
  /// The element at a position from 1.
  func element(_ list: String, at position: String) -> String
  /// The smallest different elements of a list, ascending; all of them without a limit.
  func sortedSet(_ list: String, limit: Int?) -> String
  /// The sum of n·(mean − centre)² over rows, an aggregate.
  func squaresBetween(counts: String, means: String, centre: String) -> String
  /// The first of ascending values by which a fraction of all counts is reached.
  func quantile(values: String, counts: String, fraction: Double) -> String
  /// The most frequent values, equally frequent ones ascending.
  func mostFrequent(values: String, counts: String, limit: Int) -> String
}
