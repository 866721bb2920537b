// SPDX-License-Identifier: Apache-2.0

/// Reads a file once from front to back and says who it is and what records it holds.
///
/// Memory is bounded by a few buffers and by what ``ScanOptions`` says is kept. The call blocks on
/// the disk: it belongs on a thread of its own. An empty file is no error: it has no records.
///
/// ```swift
/// try scan(path: "planes.csv", options: ScanOptions(format: .csv)).records  // 3322
/// ```
///
/// - Parameter shownAs: the path in identity and errors; the path itself by default.
/// - Throws: any ``SourceError`` but `unwritable` and `unusableName`.
/// - Complexity: one pass over the bytes.
public func scan(
  path: String,
  shownAs: String? = nil,
  options: ScanOptions
) throws(SourceError) -> FileScan {
  try scan(
    path: path,
    shownAs: shownAs,
    options: options,
    chunkBytes: FileStream.defaultChunkBytes
  )
}

/// The same with chunks of a chosen size, for tests.
package func scan(
  path: String,
  shownAs: String? = nil,
  options: ScanOptions,
  chunkBytes: Int
) throws(SourceError) -> FileScan {
  var sink = KeptIrregulars(options)
  var result = try frameFile(path, shownAs ?? path, options, chunkBytes, &sink)
  result.irregular = sink.records
  return result
}

/// Frames a file into `sink`; what was found but the irregular records themselves.
func frameFile(
  _ path: String,
  _ shownPath: String,
  _ options: ScanOptions,
  _ chunkBytes: Int,
  _ sink: inout some RecordSink
) throws(SourceError) -> FileScan {
  try options.validate(path: shownPath)
  let stream = FileStream(path: path, shownPath: shownPath, chunkBytes: max(1, chunkBytes))
  switch options.format {
  case .parquet:
    let result = try stream.run(unpacks: false) { _ in }
    return FileScan(file: result.file, compression: result.compression)
  case .jsonLines:
    return try frame(stream, JSONLinesFramer(options: options), &sink)
  case .csv(let delimiter, let quote, let hasHeader):
    let framer = CSVFramer(
      delimiter: delimiter,
      quote: quote,
      hasHeader: hasHeader,
      options: options
    )
    return try frame(stream, framer, &sink)
  }
}

private func frame<Framer: RecordFramer & ~Copyable>(
  _ stream: FileStream,
  _ framer: consuming Framer,
  _ sink: inout some RecordSink
) throws(SourceError) -> FileScan {
  var reader = TextReader(path: stream.shownPath, framer: framer)
  let result = try stream.run { (chunk) throws(SourceError) in
    try reader.read(chunk, &sink)
  }
  try reader.finish(&sink)
  let counts = reader.framer.counts
  var scan = FileScan(file: result.file, compression: result.compression)
  scan.decompressedBytes = reader.bytes
  scan.records = Int64(counts.records)
  scan.blankLines = Int64(counts.blankLines)
  scan.physicalLines = Int64(counts.newlines) + (reader.endsWithoutNewline ? 1 : 0)
  scan.headerFields = reader.headerFields
  scan.headerLine = reader.headerLine
  scan.longestRecordBytes = Int64(counts.longest)
  scan.hasByteOrderMark = reader.hasByteOrderMark
  scan.irregularCount = Int64(counts.irregular)
  return scan
}

/// Keeps irregular records up to the bounds of the options.
struct KeptIrregulars: RecordSink {
  private(set) var records: [IrregularRecord] = []
  private let options: ScanOptions
  private var keptBytes = 0

  init(_ options: ScanOptions) {
    self.options = options
  }

  mutating func irregular(
    _ extent: RecordExtent,
    _ reason: IrregularReason,
    head: borrowing RecordHead,
    tail: UnsafeRawBufferPointer
  ) {
    // Who asks for records by number has seen the irregular ones.
    guard options.pickedRecords.isEmpty || reason == .picked else { return }
    guard records.count < options.keptIrregularRecords else { return }
    let room = min(options.keptBytesPerRecord, options.keptBytes - keptBytes)
    let bytes = head.joined(with: tail, limit: max(0, min(room, extent.length)))
    keptBytes += bytes.count
    records.append(
      IrregularRecord(
        line: Int64(extent.line),
        lineCount: Int64(extent.lineCount),
        byteOffset: Int64(extent.start),
        length: Int64(extent.length),
        reason: reason,
        bytes: bytes
      )
    )
  }

  mutating func framed(_ chunk: UnsafeRawBufferPointer) throws(SourceError) {}
}
