// SPDX-License-Identifier: Apache-2.0

/// Why a record cannot be taken apart.
@nonexhaustive
public enum IrregularReason: Hashable, Sendable, CustomStringConvertible {
  /// More bytes than ``ScanOptions/maximumRecordBytes``.
  case tooLong(limit: Int)
  case tooFewFields(expected: Int, found: Int)
  case tooManyFields(expected: Int, found: Int)
  /// The file ends inside quotes: the record reaches from its line to the end of the file.
  case unclosedQuote
  /// A closing quote is followed by neither delimiter nor line end.
  case textAfterClosingQuote
  /// Nothing is wrong with its shape: it was asked for by its number.
  case picked

  /// A stable, countable name such as `too-few-fields`.
  public var name: String {
    switch self {
    case .tooLong: "too-long"
    case .tooFewFields: "too-few-fields"
    case .tooManyFields: "too-many-fields"
    case .unclosedQuote: "unclosed-quote"
    case .textAfterClosingQuote: "text-after-closing-quote"
    case .picked: "picked"
    }
  }

  /// The reason as a sentence says it, with the numbers.
  public var description: String {
    switch self {
    case .tooLong(let limit): "longer than \(limit) bytes"
    case .tooFewFields(let expected, let found): "\(found) fields where \(expected) are expected"
    case .tooManyFields(let expected, let found): "\(found) fields where \(expected) are expected"
    case .unclosedQuote: "a quote is open at the end of the file"
    case .textAfterClosingQuote: "text follows a closing quote"
    case .picked: "asked for"
    }
  }
}

/// A record that no engine gets to see, and where it stands.
///
/// ``byteOffset`` and ``length`` always find it again, also where ``bytes`` was cut.
public struct IrregularRecord: Hashable, Sendable {
  /// The physical line on which it starts, from one.
  public var line: Int64
  /// How many physical lines it covers: more than one where quotes hold newlines.
  public var lineCount: Int64
  /// Where it starts in the decompressed text, a byte order mark counted.
  public var byteOffset: Int64
  /// Its bytes without its line end.
  public var length: Int64
  /// What is wrong with the record.
  public var reason: IrregularReason
  /// Its first bytes: all ``length`` of them unless ``isTruncated``.
  public var bytes: [UInt8]

  /// Whether ``bytes`` holds less than the record.
  public var isTruncated: Bool { Int64(bytes.count) < length }

  /// A record that cannot be read as one.
  public init(
    line: Int64,
    lineCount: Int64,
    byteOffset: Int64,
    length: Int64,
    reason: IrregularReason,
    bytes: [UInt8]
  ) {
    self.line = line
    self.lineCount = lineCount
    self.byteOffset = byteOffset
    self.length = length
    self.reason = reason
    self.bytes = bytes
  }
}
