// SPDX-License-Identifier: Apache-2.0

public import MillCore

/// One raw file as an engine is to read it: every field as text, so that what cannot be decoded is
/// known exactly and nothing is rounded on the way in.
public struct RawSource: Sendable {
  /// The file, absolute.
  public var path: String
  /// What the bytes are, and how they are packed.
  public var format: RawFormat
  /// The fields to read, in the file's order for CSV.
  public var fields: [String]
  /// Text that means null.
  public var nullTexts: [String]
  /// Whether to add `_ordinal`, the record's number in the file from 1.
  public var withOrdinal: Bool
  /// The longest record in the file.
  public var longestRecord: ByteCount
  /// Fields of JSON whose numbers are to keep so many digits after the point: an engine that reads
  /// numbers as doubles would round them.
  public var decimalDigits: [String: Int]
  /// Fields of JSON that stay text, so that a number among them keeps its digits as they stand.
  public var textFields: Set<String>
  /// Lines before the header, for CSV.
  public var skippedLines: Int64

  /// A file to be read whole, each record as the fields named.
  public init(
    path: String,
    format: RawFormat,
    fields: [String],
    nullTexts: [String] = [],
    withOrdinal: Bool = false,
    longestRecord: ByteCount = .zero,
    decimalDigits: [String: Int] = [:],
    textFields: Set<String> = [],
    skippedLines: Int64 = 0
  ) {
    self.path = path
    self.format = format
    self.fields = fields
    self.nullTexts = nullTexts
    self.withOrdinal = withOrdinal
    self.longestRecord = longestRecord
    self.decimalDigits = decimalDigits
    self.textFields = textFields
    self.skippedLines = skippedLines
  }
}

/// What kind of file raw data is in.
public enum RawFormat: Hashable, Sendable {
  case csv(delimiter: Character, hasHeader: Bool, compression: RawCompression)
  case jsonLines(compression: RawCompression)
  case parquet
}

/// How a raw file is packed.
public enum RawCompression: String, Sendable {
  case none
  case gzip
  case zstd
}

/// What reading some of a raw file showed.
public struct RawInspection: Sendable {
  /// The columns with the narrowest published type that holds what was read.
  public var schema: Schema
  /// The field separator found, for CSV.
  public var delimiter: Character?

  /// What was found; the delimiter is for CSV.
  public init(schema: Schema, delimiter: Character? = nil) {
    self.schema = schema
    self.delimiter = delimiter
  }
}
