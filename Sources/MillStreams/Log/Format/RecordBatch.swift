// SPDX-License-Identifier: Apache-2.0

internal import CZstd
public import MillCore

/// Events of a partition as a reader gets them: columns in one piece of memory.
///
/// Nothing is made for a single event. ``withColumns(_:)`` gives the arrays and bytes as they lie in
/// memory; the methods that take a row are for tests and for single events. A batch holds the memory of
/// all that was read with it, about ``LogConfiguration/readBytes``: keep what you need of it.
public struct RecordBatch: Sendable {
  let header: BatchHeader
  let memory: BatchMemory
  /// Where the unpacked body begins in the memory.
  let start: Int
  /// The rows of the body that are meant: a reader may begin in the middle of a batch.
  let rows: Range<Int>

  /// What a batch is.
  public enum Kind: Sendable {
    /// Events.
    case records
    /// A source without events says that its time goes on; ``RecordBatch/eventTimeMax`` is its time.
    case idleMarker
  }

  /// What it is.
  public var kind: Kind { header.kind == .records ? .records : .idleMarker }

  /// How many events there are; none where compaction took them all away.
  public var count: Int { rows.count }

  /// The first offset that the batch covers; its first event may stand later.
  public var baseOffset: Offset {
    guard rows.lowerBound > 0 else { return header.base }
    return count == 0 ? header.end : offset(0)
  }

  /// The first offset after the batch: where to read on.
  public var endOffset: Offset { header.end }

  /// The least event time of the whole batch in the log.
  public var eventTimeMin: Instant { Instant(microseconds: header.eventTimeMin) }

  /// The greatest event time of the whole batch in the log.
  public var eventTimeMax: Instant { Instant(microseconds: header.eventTimeMax) }

  /// When the batch was appended, by the clock of its writer; never less than that of the one before.
  public var appendTime: Instant { Instant(microseconds: header.appendTime) }

  /// Who appended it, if they said so.
  public var producer: ProducerID? { header.producer == .none ? nil : header.producer }

  /// The producer's own number of the batch's first record.
  public var sequence: Int64? { header.sequence < 0 ? nil : header.sequence }

  /// The length of the batch in the log, in bytes.
  public var storedBytes: Int { header.length }

  /// Calls `body` with the columns; what it is given is valid only until it returns.
  public func withColumns<Result, Issue: Error>(
    _ body: (RecordColumns) throws(Issue) -> Result
  ) throws(Issue) -> Result {
    defer { withExtendedLifetime(memory) {} }
    return try body(RecordColumns(self))
  }

  /// The offset of an event.
  public func offset(_ row: Int) -> Offset {
    withColumns { columns in columns.offset(row) }
  }

  /// When an event happened.
  public func eventTime(_ row: Int) -> Instant {
    withColumns { columns in Instant(microseconds: columns.eventTimes[row]) }
  }

  /// The key of an event, or nil if it has none.
  public func key(_ row: Int) -> [UInt8]? {
    withColumns { columns in columns.key(row).map { Array($0) } }
  }

  /// The value of an event, or nil of a tombstone.
  public func value(_ row: Int) -> [UInt8]? {
    withColumns { columns in columns.value(row).map { Array($0) } }
  }

  /// The headers of an event.
  public func headers(_ row: Int) -> [RecordHeader] {
    withColumns { columns in columns.headers(row) }
  }

  /// The events from an offset on.
  func from(_ offset: Offset) -> RecordBatch {
    guard offset > header.base else { return self }
    let first = withColumns { columns in
      (0..<count).first { columns.offset($0) >= offset } ?? count
    }
    return RecordBatch(
      header: header,
      memory: memory,
      start: start,
      rows: (rows.lowerBound + first)..<rows.upperBound
    )
  }

  /// The offset of the first event of at least this time.
  func firstOffset(eventTime: Int64) -> Offset? {
    withColumns { columns in
      columns.eventTimes.firstIndex { $0 >= eventTime }.map { columns.offset($0) }
    }
  }
}

extension RecordBatch {
  /// Verifies and unpacks the batch whose header was read from this place of the memory.
  init(
    _ header: BatchHeader,
    in memory: BatchMemory,
    at place: Int
  ) throws(BatchHeader.Problem) {
    guard place + header.length <= memory.bytes.count else { throw .cutBody }
    let stored = UnsafeRawBufferPointer(
      rebasing: memory.readable[place..<(place + header.length)]
    )
    guard EncodedBatch.checksum(stored, header) == header.bodyChecksum else { throw .bodyChecksum }
    self.header = header
    rows = 0..<header.count
    if header.isCompressed {
      self.memory = try Self.unpack(stored, header)
      start = 0
    } else {
      self.memory = memory
      start = place + BatchHeader.size
    }
    let body = UnsafeRawBufferPointer(
      rebasing: self.memory.readable[start..<(start + header.unpackedBytes)]
    )
    guard RecordLayout(header).holds(body, header) else { throw .layout }
  }

  private static func unpack(
    _ stored: UnsafeRawBufferPointer,
    _ header: BatchHeader
  ) throws(BatchHeader.Problem) -> BatchMemory {
    let memory = BatchMemory(count: header.unpackedBytes)
    guard let from = stored.baseAddress, let into = memory.bytes.baseAddress else {
      throw .compression
    }
    let size = ZSTD_decompress(
      into,
      header.unpackedBytes,
      from + BatchHeader.size,
      header.storedBytes
    )
    guard ZSTD_isError(size) == 0, size == header.unpackedBytes else { throw .compression }
    return memory
  }
}

/// The columns of a ``RecordBatch``, valid only within ``RecordBatch/withColumns(_:)``.
public struct RecordColumns {
  private let body: UnsafeRawBufferPointer
  private let layout: RecordLayout
  private let base: Offset
  private let first: Int

  /// How many events there are.
  public let count: Int

  /// When each event happened, UTC microseconds.
  public let eventTimes: UnsafeBufferPointer<Int64>

  /// Where each key begins in ``keyBytes`` and, at `count`, where the last one ends; empty if no
  /// event has a key.
  public let keyEnds: UnsafeBufferPointer<UInt32>

  /// Where each value begins in ``valueBytes`` and, at `count`, where the last one ends.
  public let valueEnds: UnsafeBufferPointer<UInt32>

  /// The keys of the whole batch, one after the other.
  public let keyBytes: UnsafeRawBufferPointer

  /// The values of the whole batch, one after the other.
  public let valueBytes: UnsafeRawBufferPointer

  init(_ batch: RecordBatch) {
    let layout = RecordLayout(batch.header)
    let body = UnsafeRawBufferPointer(
      rebasing: batch.memory.readable[batch.start..<(batch.start + layout.size)]
    )
    // The columns begin at multiples of their element's size: the memory at one of 16, the batch in
    // it at one of 8, and the parts of a body in the order that keeps it so.
    func column<Element>(_ place: Int, _ count: Int, _: Element.Type) -> UnsafeBufferPointer<
      Element
    > {
      let bytes = body[(place + batch.rows.lowerBound * MemoryLayout<Element>.size)...]
      let all = UnsafeRawBufferPointer(rebasing: bytes.prefix(count * MemoryLayout<Element>.size))
      return all.assumingMemoryBound(to: Element.self)
    }
    self.layout = layout
    self.body = body
    base = batch.header.base
    first = batch.rows.lowerBound
    count = batch.rows.count
    eventTimes = column(0, count, Int64.self)
    keyEnds = column(
      layout.keyEnds,
      layout.sections.contains(.keys) ? count + 1 : 0,
      UInt32.self
    )
    valueEnds = column(layout.valueEnds, count + 1, UInt32.self)
    keyBytes = UnsafeRawBufferPointer(rebasing: body[layout.keys..<layout.values])
    valueBytes = UnsafeRawBufferPointer(rebasing: body[layout.values..<layout.headers])
  }

  /// The offset of an event.
  public func offset(_ row: Int) -> Offset {
    guard layout.sections.contains(.offsets) else { return base + (first + row) }
    let place = layout.offsets + 4 * (first + row)
    return base + Int(body.loadUnaligned(fromByteOffset: place, as: UInt32.self))
  }

  /// The key of an event, or nil if it has none.
  public func key(_ row: Int) -> UnsafeRawBufferPointer? {
    guard !keyEnds.isEmpty, !hasBit(row, .absentKeys, layout.absentKeys) else { return nil }
    return UnsafeRawBufferPointer(
      rebasing: keyBytes[Int(keyEnds[row])..<Int(keyEnds[row + 1])]
    )
  }

  /// The value of an event, or nil of a tombstone.
  public func value(_ row: Int) -> UnsafeRawBufferPointer? {
    guard !hasBit(row, .absentValues, layout.absentValues) else { return nil }
    return UnsafeRawBufferPointer(
      rebasing: valueBytes[Int(valueEnds[row])..<Int(valueEnds[row + 1])]
    )
  }

  /// The headers of an event; one that does not lie within its record ends the list.
  public func headers(_ row: Int) -> [RecordHeader] {
    guard layout.sections.contains(.headers) else { return [] }
    let place = layout.headerEnds + 4 * (first + row)
    let begin = Int(body.loadUnaligned(fromByteOffset: place, as: UInt32.self))
    let end = Int(body.loadUnaligned(fromByteOffset: place + 4, as: UInt32.self))
    let bytes = UnsafeRawBufferPointer(
      rebasing: body[(layout.headers + begin)..<(layout.headers + end)]
    )
    var headers: [RecordHeader] = []
    var next = 0
    while next + 6 <= bytes.count {
      let name = Int(bytes.loadUnaligned(fromByteOffset: next, as: UInt16.self))
      let value = Int(bytes.loadUnaligned(fromByteOffset: next + 2, as: UInt32.self))
      next += 6
      guard next + name + value <= bytes.count else { break }
      headers.append(
        RecordHeader(
          String(decoding: bytes[next..<(next + name)], as: UTF8.self),
          Array(bytes[(next + name)..<(next + name + value)])
        )
      )
      next += name + value
    }
    return headers
  }

  /// The whole record's headers as they are stored, for whoever writes them again.
  func headerBytes(_ row: Int) -> UnsafeRawBufferPointer? {
    guard layout.sections.contains(.headers) else { return nil }
    let place = layout.headerEnds + 4 * (first + row)
    let begin = Int(body.loadUnaligned(fromByteOffset: place, as: UInt32.self))
    let end = Int(body.loadUnaligned(fromByteOffset: place + 4, as: UInt32.self))
    return UnsafeRawBufferPointer(
      rebasing: body[(layout.headers + begin)..<(layout.headers + end)]
    )
  }

  private func hasBit(_ row: Int, _ section: RecordLayout.Sections, _ place: Int) -> Bool {
    guard layout.sections.contains(section) else { return false }
    let row = first + row
    return body[place + row / 8] & (1 << UInt8(row % 8)) != 0
  }
}
