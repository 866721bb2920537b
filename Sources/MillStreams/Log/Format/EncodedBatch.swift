// SPDX-License-Identifier: Apache-2.0

internal import CChecksum
internal import CZstd

/// How the records of a batch are stored.
public enum LogCompression: Hashable, Sendable {
  /// As they are.
  case none
  /// zstd of this level, 1 to 19; a batch that it does not make smaller is stored as it is.
  case zstd(level: Int32)
}

/// A batch as it will lie in a segment, but for what only the partition's writer knows: its offset,
/// its append time, and so its header.
package struct EncodedBatch: Sendable {
  package var header: BatchHeader
  package let memory: BatchMemory

  /// The whole length in a segment.
  package var length: Int { header.length }

  package var bytes: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: memory.readable[..<length])
  }

  /// Lays records out, compresses and checksums them: all that costs time is done here, by whoever
  /// appends, so that the one thread of a partition has only to write.
  package init(
    _ records: RecordBatchBuilder,
    compression: LogCompression,
    producer: ProducerID = .none,
    sequence: Int64 = -1,
    in pool: BatchMemoryPool? = nil
  ) {
    var header = BatchHeader()
    header.kind = records.kind
    header.count = records.count
    header.span = max(1, records.count)
    header.producer = producer
    header.sequence = sequence
    (header.eventTimeMin, header.eventTimeMax) = Self.extremes(records.times)
    header.sections = Self.sections(records)
    header.keyBytes = records.keys.count
    header.valueBytes = records.values.count
    header.recordHeaderBytes = records.headers.count
    let layout = RecordLayout(header)
    precondition(layout.size <= BatchHeader.bodyBytesMax, "the caller bounds a batch")
    header.unpackedBytes = layout.size
    header.storedBytes = layout.size
    var memory = pool?.take(header.length) ?? BatchMemory(count: header.length)
    Self.fill(memory, records, layout)
    if case .zstd(let level) = compression,
      let packed = Self.pack(memory, bytes: layout.size, level: level)
    {
      pool?.give(memory)
      memory = packed.memory
      header.storedBytes = packed.count
      header.isCompressed = true
    }
    let body = BatchHeader.size + header.storedBytes
    memory.bytes[body..<header.length].initializeMemory(as: UInt8.self, repeating: 0)
    header.bodyChecksum = Self.checksum(memory.readable, header)
    self.header = header
    self.memory = memory
  }

  static func checksum(_ batch: UnsafeRawBufferPointer, _ header: BatchHeader) -> UInt32 {
    guard let start = batch.baseAddress else { return 0 }
    return mill_crc32c(0, start + BatchHeader.size, header.length - BatchHeader.size)
  }

  private static func extremes(_ times: [Int64]) -> (least: Int64, greatest: Int64) {
    var least = Int64.max
    var greatest = Int64.min
    for time in times {
      least = min(least, time)
      greatest = max(greatest, time)
    }
    return (least, greatest)
  }

  private static func sections(_ records: RecordBatchBuilder) -> RecordLayout.Sections {
    var sections: RecordLayout.Sections = []
    if records.absentKeys.count < records.count {
      sections.insert(.keys)
      if !records.absentKeys.isEmpty { sections.insert(.absentKeys) }
    }
    if !records.absentValues.isEmpty { sections.insert(.absentValues) }
    if records.headerEnds.count > 1 { sections.insert(.headers) }
    if !records.offsets.isEmpty { sections.insert(.offsets) }
    return sections
  }

  private static func fill(
    _ memory: BatchMemory,
    _ records: RecordBatchBuilder,
    _ layout: RecordLayout
  ) {
    let body = UnsafeMutableRawBufferPointer(rebasing: memory.bytes[BatchHeader.size...])
    func put<Element>(_ column: [Element], _ place: Int) {
      column.withUnsafeBytes { bytes in
        UnsafeMutableRawBufferPointer(rebasing: body[place...]).copyMemory(from: bytes)
      }
    }
    func putBits(_ rows: [Int], _ place: Int) {
      body[place..<(place + (layout.count + 7) / 8)]
        .initializeMemory(as: UInt8.self, repeating: 0)
      for row in rows { body[place + row / 8] |= 1 << UInt8(row % 8) }
    }
    put(records.times, 0)
    if layout.sections.contains(.offsets) { put(records.offsets, layout.offsets) }
    if layout.sections.contains(.keys) { put(records.keyEnds, layout.keyEnds) }
    put(records.valueEnds, layout.valueEnds)
    if layout.sections.contains(.headers) { put(records.headerEnds, layout.headerEnds) }
    if layout.sections.contains(.absentKeys) { putBits(records.absentKeys, layout.absentKeys) }
    if layout.sections.contains(.absentValues) {
      putBits(records.absentValues, layout.absentValues)
    }
    put(records.keys, layout.keys)
    put(records.values, layout.values)
    put(records.headers, layout.headers)
  }

  /// Nil where it would not be smaller.
  private static func pack(
    _ memory: BatchMemory,
    bytes count: Int,
    level: Int32
  ) -> (memory: BatchMemory, count: Int)? {
    guard let from = memory.bytes.baseAddress else { return nil }
    let room = ZSTD_compressBound(count)
    let packed = BatchMemory(count: BatchHeader.size + BatchHeader.padded(room))
    guard let into = packed.bytes.baseAddress else { return nil }
    let size = ZSTD_compress(
      into + BatchHeader.size,
      room,
      from + BatchHeader.size,
      count,
      min(max(level, 1), 19)
    )
    guard ZSTD_isError(size) == 0, size < count else { return nil }
    return (packed, size)
  }
}
