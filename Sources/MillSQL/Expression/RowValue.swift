// SPDX-License-Identifier: Apache-2.0

internal import MillCore

#if canImport(Darwin)
  internal import Darwin
#else
  internal import Glibc
#endif

/// A value in memory, in the order that SQL has for it.
protocol RowValue: Sendable {
  static func same(_ left: Self, _ right: Self) -> Bool
  static func precedes(_ left: Self, _ right: Self) -> Bool
}

extension RowValue where Self: Comparable {
  @inline(__always)
  static func same(_ left: Self, _ right: Self) -> Bool { left == right }
  @inline(__always)
  static func precedes(_ left: Self, _ right: Self) -> Bool { left < right }
}

extension Int64: RowValue {}
extension Int32: RowValue {}
extension Int128: RowValue {}
/// Never NaN here, and −0.0 is 0.0.
extension Double: RowValue {}

extension Bool: RowValue {
  static func same(_ left: Bool, _ right: Bool) -> Bool { left == right }
  static func precedes(_ left: Bool, _ right: Bool) -> Bool { !left && right }
}

/// By UTF-8 bytes.
extension String: RowValue {
  static func same(_ left: String, _ right: String) -> Bool {
    left.utf8.span.count == right.utf8.span.count && order(left, right) == 0
  }

  static func precedes(_ left: String, _ right: String) -> Bool {
    let order = order(left, right)
    return order == 0 ? left.utf8.span.count < right.utf8.span.count : order < 0
  }

  /// The order of the bytes that both have.
  private static func order(_ left: String, _ right: String) -> Int32 {
    let (left, right) = (left.utf8.span, right.utf8.span)
    return left.withUnsafeBytes { left in
      right.withUnsafeBytes { right in
        guard let first = left.baseAddress, let second = right.baseAddress else { return 0 }
        return memcmp(first, second, Swift.min(left.count, right.count))
      }
    }
  }
}

/// A list: it is passed through and never compared.
extension Datum: RowValue {
  static func same(_ left: Datum, _ right: Datum) -> Bool { left == right }
  static func precedes(_ left: Datum, _ right: Datum) -> Bool { false }
}
