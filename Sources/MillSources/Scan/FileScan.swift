// SPDX-License-Identifier: Apache-2.0

/// What one pass over a file found.
///
/// The account of the file: header + ``regularRecords`` + ``irregularCount`` + ``blankLines``. For
/// Parquet, only ``file`` is filled.
public struct FileScan: Hashable, Sendable {
  /// Who the file is.
  public var file: SourceFile
  /// How it is packed.
  public var compression: Compression
  /// Bytes of the text, a byte order mark counted.
  public var decompressedBytes: Int64 = 0
  /// Data records, regular and irregular; neither header nor blank lines.
  public var records: Int64 = 0
  /// Lines without content: no byte or only `\r` for CSV, only white space for JSON lines.
  public var blankLines: Int64 = 0
  /// All physical lines, those inside quotes included, and the last one with or without a newline.
  public var physicalLines: Int64 = 0
  /// The column names, quotes removed; nil without a header or where no line has content.
  public var headerFields: [String]?
  /// The physical line on which the header starts, from one: blank lines may stand before it.
  public var headerLine: Int64?
  /// The longest data record in bytes, line end not counted.
  public var longestRecordBytes: Int64 = 0
  /// Whether the text begins with U+FEFF, which is not part of it.
  public var hasByteOrderMark = false
  /// The first irregular records, up to ``ScanOptions/keptIrregularRecords``.
  public var irregular: [IrregularRecord] = []
  /// All irregular records.
  public var irregularCount: Int64 = 0

  /// The records that an engine is given.
  public var regularRecords: Int64 { records - irregularCount }

  /// A scan that has found nothing yet.
  public init(file: SourceFile, compression: Compression) {
    self.file = file
    self.compression = compression
  }
}
