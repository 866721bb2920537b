// SPDX-License-Identifier: Apache-2.0

/// A number as its JSON text, so that reading and writing it again changes no digit.
///
/// Two numbers are equal if their texts are: `1`, `1.0` and `1e0` are three numbers.
public struct JSONNumber: Hashable, Sendable, CustomStringConvertible {
  /// The literal, valid by RFC 8259.
  public let text: String

  /// An integer of any width.
  public init(_ value: some BinaryInteger) {
    text = String(value)
  }

  /// The shortest text that reads back as the same double; nil for NaN and the infinities.
  public init?(_ value: Double) {
    guard value.isFinite else { return nil }
    text = value.description
  }

  /// A literal as it stands, or nil if it is not one JSON number and nothing else.
  public init?(text: String) {
    let span = text.utf8.span
    var parser = JSONParser(depthMax: 1)
    guard span.count > 0, (try? parser.number(span)) != nil, parser.offset == span.count else {
      return nil
    }
    self.text = text
  }

  /// A literal that the parser has read.
  init(validated text: String) {
    self.text = text
  }

  /// The value, if the literal has neither fraction nor exponent and fits in 64 bits.
  public var integer: Int64? { Int64(text) }

  /// The nearest double; nil where that would be an infinity.
  public var double: Double? {
    guard let value = Double(text), value.isFinite else { return nil }
    return value
  }

  /// The literal.
  public var description: String { text }
}
