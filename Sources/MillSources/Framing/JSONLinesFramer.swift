// SPDX-License-Identifier: Apache-2.0

#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// Cuts text into lines; a line of nothing but white space is blank, any other is a record.
///
/// Whether a record is JSON is for the engine to say: here a record is irregular only by its length.
struct JSONLinesFramer: RecordFramer, ~Copyable {
  private let maximumRecordBytes: Int
  private let keptBytesPerRecord: Int

  private(set) var counts = FrameCounts()
  var header: FramedHeader? { nil }

  /// Whether the part of the line that earlier chunks held has content.
  private var hasContent = false
  private var recordStart = 0
  private var chunkStart = 0
  private var previousByte: UInt8 = 0
  private var head = RecordHead()
  private var picks: RecordPicks

  init(options: ScanOptions) {
    maximumRecordBytes = options.maximumRecordBytes
    keptBytesPerRecord = options.keptBytesPerRecord
    picks = RecordPicks(options.pickedRecords)
  }

  mutating func skip(_ count: Int) {
    chunkStart += count
    recordStart += count
  }

  mutating func feed(_ chunk: UnsafeRawBufferPointer, to sink: inout some RecordSink) {
    guard let base = chunk.baseAddress, !chunk.isEmpty else { return }
    var index = 0
    while index < chunk.count, let found = memchr(base + index, 0x0A, chunk.count - index) {
      let position = UnsafeRawPointer(found) - base
      let line = UnsafeRawBufferPointer(start: base + index, count: position - index)
      counts.newlines &+= 1
      let last = line.last ?? previousByte
      let isCarriageReturn = chunkStart + position > recordStart && last == 0x0D
      endLine(line, end: chunkStart + position + 1, ends: isCarriageReturn ? 2 : 1, &sink)
      index = position + 1
    }
    let rest = UnsafeRawBufferPointer(rebasing: chunk[index...])
    hasContent = hasContent || Self.hasContent(rest)
    head.append(rest, limit: keptBytesPerRecord)
    previousByte = chunk[chunk.count - 1]
    chunkStart += chunk.count
  }

  mutating func finish(_ sink: inout some RecordSink) {
    guard recordStart < chunkStart else { return }
    let nothing = UnsafeRawBufferPointer(start: nil, count: 0)
    endLine(nothing, end: chunkStart, ends: previousByte == 0x0D ? 1 : 0, &sink)
  }

  /// Ends the line whose last bytes are `line` and, behind them, `ends` bytes of line end.
  @inline(__always)
  private mutating func endLine(
    _ line: UnsafeRawBufferPointer,
    end: Int,
    ends: Int,
    _ sink: inout some RecordSink
  ) {
    let length = end &- recordStart &- ends
    if hasContent || Self.hasContent(line) {
      counts.records &+= 1
      counts.longest = max(counts.longest, length)
      if length > maximumRecordBytes {
        counts.irregular += 1
        let reason = IrregularReason.tooLong(limit: maximumRecordBytes)
        report(line, reason, end: end, length: length, &sink)
      } else if !picks.isEmpty, let reason = picks.passedRegular() {
        report(line, reason, end: end, length: length, &sink)
      }
    } else {
      counts.blankLines &+= 1
    }
    if recordStart < chunkStart { head.clear() }
    hasContent = false
    recordStart = end
  }

  @inline(never)
  private mutating func report(
    _ line: UnsafeRawBufferPointer,
    _ reason: IrregularReason,
    end: Int,
    length: Int,
    _ sink: inout some RecordSink
  ) {
    let extent = RecordExtent(
      line: counts.records + counts.blankLines,
      lineCount: 1,
      start: recordStart,
      length: length,
      end: end
    )
    sink.irregular(extent, reason, head: head, tail: line)
  }

  @inline(__always)
  private static func hasContent(_ bytes: UnsafeRawBufferPointer) -> Bool {
    var index = 0
    while index < bytes.count {
      let byte = bytes[index]
      if byte != 0x20, byte != 0x09, byte != 0x0D, byte != 0x0A { return true }
      index &+= 1
    }
    return false
  }
}
