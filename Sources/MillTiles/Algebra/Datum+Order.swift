// SPDX-License-Identifier: Apache-2.0

internal import MillCore

extension Datum {
  /// Whether a value is smaller than another of the same type.
  ///
  /// Text and bytes compare by their bytes, false comes before true. Values of different types have
  /// no order; a tile never holds both.
  func comes(before other: Self) -> Bool {
    switch (self, other) {
    case (.boolean(let left), .boolean(let right)): !left && right
    case (.integer(let left), .integer(let right)): left < right
    case (.double(let left), .double(let right)): left < right
    case (.decimal(let left, _), .decimal(let right, _)): left < right
    case (.text(let left), .text(let right)): left.utf8.lexicographicallyPrecedes(right.utf8)
    case (.bytes(let left), .bytes(let right)): left.lexicographicallyPrecedes(right)
    case (.date(let left), .date(let right)): left < right
    case (.instant(let left), .instant(let right)): left < right
    default: false
    }
  }

  /// Whether a value, not null, is one of a type that is not nested.
  func isValue(of type: DataType) -> Bool {
    switch (self, type) {
    case (.boolean, .boolean), (.text, .string), (.bytes, .binary), (.date, .date),
      (.instant, .timestamp), (.instant, .timestampWithoutZone), (.integer, .long):
      true
    case (.integer(let value), .integer): Int32(exactly: value) != nil
    case (.integer(let value), .short): Int16(exactly: value) != nil
    case (.integer(let value), .byte): Int8(exactly: value) != nil
    case (.double(let value), .double), (.double(let value), .float): !value.isNaN
    case (.decimal(let unscaled, let scale), .decimal(_, let own)):
      scale == own && unscaled.magnitude <= ExactSum.magnitudeMax.magnitude
    default: false
    }
  }

  /// A number as the nearest double; nil for what is no number.
  var nearestDouble: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .double(let value): value
    case .decimal(let unscaled, let scale): Double(unscaled) / Self.powerOfTen(scale)
    default: nil
    }
  }

  /// Exact up to 10^22, and for all 38 the nearest double.
  private static func powerOfTen(_ exponent: Int) -> Double {
    Double("1e\(exponent)") ?? 1
  }
}
