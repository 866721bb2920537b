// SPDX-License-Identifier: Apache-2.0

public import MillCore

/// How one engine spells the SQL that Millrace generates.
public protocol Dialect: Sendable {
  /// An identifier, quoted; the only way a name enters SQL.
  func quote(_ identifier: String) -> String
  /// Text as a literal; the only way a value enters SQL.
  func literal(_ text: String) -> String
  /// The name of a published type.
  func typeName(_ type: DataType) -> String
  /// Whether text contains a match of an RE2 pattern, not anchored.
  func matches(_ text: String, pattern: String) -> String
  /// The value of a text expression as a type, or null when it cannot be had without loss.
  func decoded(_ text: String, as type: DataType, timeZone: String) -> String
  /// A time without a zone as the instant that it is in a zone: of a doubled hour the first, of a
  /// missing hour by the offset before.
  func instant(ofNaive time: String, in timeZone: String) -> String
  /// Whether an array of text holds this text.
  func contains(_ list: String, text: String) -> String
  /// A condition over computed columns that keeps the optimizer from computing them once more for
  /// a filter on it.
  func computedOnce(_ condition: String) -> String
  /// The names among (condition, name) whose condition holds, as an array of text.
  func namesWhere(_ conditions: [(condition: String, name: String)]) -> String
}

extension Dialect {
  /// A qualified name.
  public func quote(_ parts: [String]) -> String {
    parts.map { quote($0) }.joined(separator: ".")
  }

  /// Several identifiers, separated by commas.
  public func list(_ identifiers: [String]) -> String {
    identifiers.map { quote($0) }.joined(separator: ", ")
  }

  /// Identifiers as one comparable value: bare when it is one, a row otherwise.
  public func row(_ identifiers: [String]) -> String {
    identifiers.count == 1 ? quote(identifiers[0]) : "(\(list(identifiers)))"
  }
}
