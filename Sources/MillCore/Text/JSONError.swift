// SPDX-License-Identifier: Apache-2.0

/// Why a text is not JSON, and at which byte.
public struct JSONError: Failure, Equatable {
  /// The first byte that does not fit, counted from zero.
  public let offset: Int
  /// What is wrong there.
  public let reason: Reason

  /// A place and what is wrong there.
  public init(offset: Int, reason: Reason) {
    self.offset = offset
    self.reason = reason
  }

  /// What can be wrong with a JSON text.
  @nonexhaustive
  public enum Reason: Hashable, Sendable {
    /// The text ends inside of a value.
    case unexpectedEnd
    /// No value begins with this byte, or no comma, colon, quote or bracket stands where one must.
    case unexpectedByte
    /// A number breaks the grammar: a leading zero or plus, or digits missing.
    case invalidNumber
    /// A backslash is followed by something that is no escape.
    case invalidEscape
    /// An escaped UTF-16 surrogate has no partner.
    case loneSurrogate
    /// A control character stands unescaped in a string.
    case controlCharacter
    /// The bytes are not UTF-8.
    case invalidUTF8
    /// Arrays and objects stand in each other deeper than allowed.
    case tooDeep(depthMax: Int)
    /// Something follows the value.
    case trailingContent
  }

  /// The stable name of this error.
  public var code: String { "json.malformed" }

  /// The text is at fault.
  public var errorClass: ErrorClass { .data }

  /// The place and the reason, without the content.
  public var description: String { "not JSON at byte \(offset): \(explanation)" }

  private var explanation: String {
    switch reason {
    case .unexpectedEnd: "the text ends inside of a value"
    case .unexpectedByte: "this byte cannot stand here"
    case .invalidNumber: "not a JSON number"
    case .invalidEscape: "not an escape that JSON knows"
    case .loneSurrogate: "half of a surrogate pair"
    case .controlCharacter: "a control character must be escaped"
    case .invalidUTF8: "not UTF-8"
    case .tooDeep(let depthMax): "more than \(depthMax) arrays and objects within each other"
    case .trailingContent: "something follows the value"
    }
  }
}
