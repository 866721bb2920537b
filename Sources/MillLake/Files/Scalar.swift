// SPDX-License-Identifier: Apache-2.0

internal import MillCore

/// A value that bounds are compared with, in the order that its column's type has.
enum Scalar: Comparable, Sendable {
  /// Whole numbers, days, microseconds, truth values.
  case int(Int64)
  /// Numbers with a fraction.
  case real(Double)
  /// Text, by its UTF-8 bytes.
  case text([UInt8])

  static func < (left: Self, right: Self) -> Bool {
    switch (left, right) {
    case (.int(let left), .int(let right)): left < right
    case (.real(let left), .real(let right)): left < right
    case (.int(let left), .real(let right)): Double(left) < right
    case (.real(let left), .int(let right)): left < Double(right)
    case (.text(let left), .text(let right)): left.lexicographicallyPrecedes(right)
    // Values of one column never mix; what cannot be compared is never less.
    default: false
    }
  }

  /// Whether the two can be ordered at all.
  func isComparable(with other: Scalar) -> Bool {
    switch (self, other) {
    case (.text, .text): true
    case (.text, _), (_, .text): false
    default: true
    }
  }

  /// Whether a number with a fraction takes part, so that equal may only mean nearly equal.
  func isNear(_ other: Scalar) -> Bool {
    switch (self, other) {
    case (.real, _), (_, .real): true
    default: false
    }
  }

  /// A value that somebody compares a column with; nil when its order is not surely that of the
  /// engine.
  init?(literal: JSONValue, type: DataType) {
    switch type {
    case .long, .integer, .short, .byte:
      guard case .number(let number) = literal else { return nil }
      if let integer = number.integer {
        self = .int(integer)
      } else {
        guard let real = number.double, real.isFinite else { return nil }
        self = .real(real)
      }
    case .decimal, .double, .float:
      guard case .number(let number) = literal, let real = number.double, real.isFinite else {
        return nil
      }
      self = .real(real)
    case .string:
      guard case .string(let text) = literal else { return nil }
      self = .text(Array(text.utf8))
    case .date:
      guard let text = literal.moment, let day = CivilDate(iso8601: text) else { return nil }
      self = .int(Int64(day.daysSinceEpoch))
    case .timestamp, .timestampWithoutZone:
      guard let text = literal.moment, let instant = Self.instant(text) else { return nil }
      self = .int(instant.microseconds)
    case .boolean:
      guard let bool = literal.bool else { return nil }
      self = .int(bool ? 1 : 0)
    default: return nil
    }
  }

  /// The text of a partition value.
  init?(partitionText text: String, type: DataType) {
    switch type {
    case .long, .integer, .short, .byte:
      guard let number = Int64(text) else { return nil }
      self = .int(number)
    case .decimal, .double, .float:
      guard let number = Double(text), number.isFinite else { return nil }
      self = .real(number)
    case .boolean: self = .int(text.lowercased() == "true" ? 1 : 0)
    default: self.init(literal: .string(text), type: type)
    }
  }

  /// A bound as it stands in statistics.
  init?(bound bytes: UnsafeRawBufferPointer, type: DataType) {
    switch type {
    case .long, .integer, .short, .byte:
      guard let number = integer(in: Self.unquoted(bytes)) else { return nil }
      self = .int(number)
    case .decimal, .double, .float:
      let text = String(decoding: Self.unquoted(bytes), as: UTF8.self)
      guard let number = Double(text), number.isFinite else { return nil }
      self = .real(number)
    case .string:
      guard bytes.first == UInt8(ascii: "\""), bytes.count >= 2 else { return nil }
      let inner = UnsafeRawBufferPointer(rebasing: bytes[1..<(bytes.count - 1)])
      if inner.contains(UInt8(ascii: "\\")) {
        guard let value = try? JSONValue(parsing: Array(bytes)), let text = value.text else {
          return nil
        }
        self = .text(Array(text.utf8))
      } else {
        self = .text(Array(inner))
      }
    case .date, .timestamp, .timestampWithoutZone:
      self.init(
        literal: .string(String(decoding: Self.unquoted(bytes), as: UTF8.self)),
        type: type
      )
    default: return nil
    }
  }

  /// Numbers stand bare in text statistics and in quotes where they came from structures.
  private static func unquoted(_ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    guard bytes.count >= 2, bytes.first == UInt8(ascii: "\"") else { return bytes }
    return UnsafeRawBufferPointer(rebasing: bytes[1..<(bytes.count - 1)])
  }

  /// An instant in any of the forms that writers use; without a zone it is UTC.
  static func instant(_ text: String) -> Instant? {
    Instant(iso8601: text.hasSuffix("+00") ? text + ":00" : text)
  }

  /// What a bound may be off by, at most, so that no row is lost: instants are cut to milliseconds,
  /// and numbers may have gone through doubles on the way.
  func widened(_ type: DataType, up: Bool) -> Scalar {
    switch (self, type) {
    case (.int(let value), .timestamp), (.int(let value), .timestampWithoutZone):
      let (moved, over) =
        up ? value.addingReportingOverflow(1000) : value.subtractingReportingOverflow(1000)
      return .int(over ? value : moved)
    case (.real(let value), .decimal(let precision, _)) where precision > 15:
      let slack = max(value.magnitude.ulp * 8, .leastNonzeroMagnitude)
      return .real(up ? value + slack : value - slack)
    case (.real(let value), .float):
      let slack = max(Double(Float(value).magnitude.ulp) * 2, .leastNonzeroMagnitude)
      return .real(up ? value + slack : value - slack)
    default: return self
    }
  }
}

extension JSONValue {
  /// The text of a day or an instant, bare or as a constant that SQL gave a type.
  fileprivate var moment: String? { text ?? self["moment"]?.text }
}
