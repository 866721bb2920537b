// SPDX-License-Identifier: Apache-2.0

/// One value of a published column.
///
/// It is for the few places where values are handled one by one: answers of a server, values of
/// requests, states of a key. Columns of many values are never made of these.
///
/// Equality is that of the data: text compares by its UTF-8 bytes, −0.0 is 0.0, and a decimal is equal
/// to another of the same amount and scale.
///
/// ```swift
/// Datum.text("Zu\u{308}rich") == Datum.text("Zürich")  // false: other bytes
/// ```
public enum Datum: Sendable {
  /// No value.
  case null
  /// True or false.
  case boolean(Bool)
  /// Of a long, an integer, a short or a byte.
  case integer(Int64)
  /// Of a double or a float; never NaN, which is null (docs/semantics.md, 4).
  case double(Double)
  /// The number without its point, and how many digits stand after it.
  case decimal(unscaled: Int128, scale: Int)
  /// UTF-8 text.
  case text(String)
  /// A sequence of bytes.
  case bytes([UInt8])
  /// A calendar day.
  case date(CivilDate)
  /// A moment.
  case instant(Instant)
  /// Values of one type in an order.
  indirect case list([Datum])

  /// Whether there is no value.
  public var isNull: Bool {
    if case .null = self { true } else { false }
  }
}

extension Datum: Hashable {
  /// Whether both are the same data.
  public static func == (left: Self, right: Self) -> Bool {
    switch (left, right) {
    case (.null, .null): true
    case (.boolean(let left), .boolean(let right)): left == right
    case (.integer(let left), .integer(let right)): left == right
    case (.double(let left), .double(let right)): left == right
    case (.decimal(let left, let leftScale), .decimal(let right, let rightScale)):
      left == right && leftScale == rightScale
    case (.text(let left), .text(let right)): left.utf8.elementsEqual(right.utf8)
    case (.bytes(let left), .bytes(let right)): left == right
    case (.date(let left), .date(let right)): left == right
    case (.instant(let left), .instant(let right)): left == right
    case (.list(let left), .list(let right)): left == right
    default: false
    }
  }

  /// Agrees with equality.
  public func hash(into hasher: inout Hasher) {
    switch self {
    case .null: hasher.combine(0)
    case .boolean(let value): hasher.combine(value)
    case .integer(let value): hasher.combine(value)
    case .double(let value): hasher.combine(value == 0 ? 0 : value)
    case .decimal(let unscaled, let scale):
      hasher.combine(unscaled)
      hasher.combine(scale)
    case .text(var text): text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    case .bytes(let bytes): bytes.withUnsafeBytes { hasher.combine(bytes: $0) }
    case .date(let date): hasher.combine(date)
    case .instant(let instant): hasher.combine(instant)
    case .list(let list): hasher.combine(list)
    }
  }
}
