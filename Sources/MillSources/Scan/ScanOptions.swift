// SPDX-License-Identifier: Apache-2.0

/// How the text of a file is cut into records.
public enum SourceFormat: Hashable, Sendable {
  /// RFC 4180: a field may stand in quotes, inside them a doubled quote is one quote, and newlines
  /// inside them belong to the record. A quote in the middle of a bare field is literal text.
  case csv(delimiter: UInt8, quote: UInt8, hasHeader: Bool)
  /// One JSON value per line.
  case jsonLines
  /// Only the identity of the file is taken.
  case parquet

  /// Comma, double quote, a header line.
  public static let csv = SourceFormat.csv(
    delimiter: UInt8(ascii: ","),
    quote: UInt8(ascii: "\""),
    hasHeader: true
  )
}

/// What a scan looks for, and its bounds.
public struct ScanOptions: Hashable, Sendable {
  /// How the text is cut into records.
  public var format: SourceFormat
  /// Bytes of one record, line end not counted; a longer one is irregular.
  public var maximumRecordBytes: Int
  /// Fields of each record; nil takes those of the header, or without one those of the first record.
  public var expectedFields: Int?
  /// How many irregular records are described one by one; all of them are counted.
  public var keptIrregularRecords: Int
  /// How many bytes of one irregular record are kept.
  public var keptBytesPerRecord: Int
  /// How many bytes of all irregular records of the file are kept.
  public var keptBytes: Int
  /// Numbers of regular records, from 1 and ascending, that are reported like irregular ones.
  var pickedRecords: [Int64] = []

  /// Options with the default bounds.
  public init(
    format: SourceFormat,
    maximumRecordBytes: Int = 16 << 20,
    expectedFields: Int? = nil,
    keptIrregularRecords: Int = 100_000,
    keptBytesPerRecord: Int = 64 << 10,
    keptBytes: Int = 64 << 20
  ) {
    self.format = format
    self.maximumRecordBytes = maximumRecordBytes
    self.expectedFields = expectedFields
    self.keptIrregularRecords = keptIrregularRecords
    self.keptBytesPerRecord = keptBytesPerRecord
    self.keptBytes = keptBytes
  }
}

extension ScanOptions {
  /// Refuses what no file could be framed by.
  func validate(path: String) throws(SourceError) {
    var problem: String?
    if case .csv(let delimiter, let quote, _) = format {
      let lineEnds: [UInt8] = [UInt8(ascii: "\n"), UInt8(ascii: "\r")]
      if delimiter == quote {
        problem = "delimiter and quote are the same character"
      } else if delimiter >= 0x80 || quote >= 0x80 {
        problem = "delimiter and quote must be ASCII characters"
      } else if lineEnds.contains(delimiter) || lineEnds.contains(quote) {
        problem = "a line end cannot be delimiter or quote"
      }
    }
    if maximumRecordBytes < 1 { problem = "maximumRecordBytes must be at least 1" }
    if let expectedFields, expectedFields < 1 { problem = "expectedFields must be at least 1" }
    if let problem { throw .unusableFormat(path: path, detail: problem) }
  }
}
