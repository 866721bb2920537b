// SPDX-License-Identifier: Apache-2.0

package import MillCore

extension PartitionRetention {
  /// Removes from sealed segments the events that a newer one of the same key replaces.
  ///
  /// Offsets stay: a batch says which of its offsets it still has. Segments are written anew beside the
  /// old ones and take their names one after the other, the oldest first, so a crash at any point leaves
  /// some compacted and the others as they were; no key loses its newest event.
  ///
  /// - Parameter kept: Only segments before this offset are touched; see
  ///   ``retain(_:keptElsewhereTo:upTo:at:)``.
  package func compact(
    _ policy: CompactionPolicy,
    keptElsewhereTo kept: Offset,
    upTo end: DurableEnd,
    at now: Instant
  ) throws(EventLogError) -> CompactionReport {
    let segments = try onDisk { () throws(FileError) in
      try cleanUp()
      return try folder.segments(storage)
    }
    var report = CompactionReport()
    let sealed = segments.indices.dropLast().filter {
      segments[$0] < end.segment && segments[$0 + 1] <= kept
    }
    guard var from = segments.first, !sealed.isEmpty else { return report }
    while from < end.next {
      let newest = try newestOffsets(from: from, upTo: end, policy)
      for number in sealed where segments[number] < newest.end {
        try rewrite(
          segments[number]..<segments[number + 1],
          newest,
          policy,
          end,
          now,
          &report
        )
      }
      from = newest.end
    }
    return report
  }

  /// The newest offset of each key between two offsets.
  private struct Newest {
    var offsets: [KeyDigest: Int64] = [:]
    /// The first offset that was not looked at.
    var end: Offset
  }

  private func newestOffsets(
    from start: Offset,
    upTo end: DurableEnd,
    _ policy: CompactionPolicy
  ) throws(EventLogError) -> Newest {
    var newest = Newest(end: start)
    let limit = max(1, Int(policy.memory.bytes / 48))
    var cursor = PartitionCursor(folder, storage, configuration, at: start)
    while newest.offsets.count < limit {
      let batches = try cursor.read(upTo: end, bytes: Int(configuration.readBytes.bytes))
      if batches.isEmpty {
        newest.end = end.next
        return newest
      }
      for batch in batches where batch.kind == .records {
        batch.withColumns { columns in
          for row in 0..<columns.count {
            guard let key = columns.key(row) else { continue }
            newest.offsets[KeyDigest(key)] = columns.offset(row).value
          }
        }
      }
      newest.end = cursor.next
    }
    return newest
  }

  private func rewrite(
    _ range: Range<Offset>,
    _ newest: Newest,
    _ policy: CompactionPolicy,
    _ end: DurableEnd,
    _ now: Instant,
    _ report: inout CompactionReport
  ) throws(EventLogError) {
    let path = folder.segment(range.lowerBound)
    var rewriting = SegmentRewriting(range, configuration)
    var cursor = PartitionCursor(folder, storage, configuration, at: range.lowerBound)
    let temporary = path + ".compacting"
    let file = try onDisk { () throws(FileError) -> any LogFile in
      let file = try storage.open(temporary, .write)
      try file.truncate(to: 0)
      return file
    }
    // Nothing beyond the segment is read: its end is the end.
    var limit = end
    limit.next = range.upperBound
    while cursor.next < range.upperBound {
      for batch in try cursor.read(upTo: limit, bytes: Int(configuration.readBytes.bytes)) {
        rewriting.add(batch) { columns, row in
          let offset = columns.offset(row)
          guard offset < newest.end, let key = columns.key(row) else { return true }
          if let last = newest.offsets[KeyDigest(key)], last > offset.value { return false }
          return columns.value(row) != nil || batch.appendTime + policy.tombstoneAge > now
        }
      }
      try rewriting.write(to: file)
    }
    rewriting.finish()
    try rewriting.write(to: file)
    guard rewriting.removed > 0 else {
      return try onDisk { () throws(FileError) in try storage.remove(temporary) }
    }
    let (index, written) = (rewriting.index, rewriting.position)
    let before = try onDisk { () throws(FileError) -> Int64 in
      let before = try storage.open(path, .read).size()
      try file.sync()
      try storage.remove(folder.index(range.lowerBound))
      try storage.rename(temporary, to: path)
      try storage.syncFolder(folder.path)
      // It spares a walk through the headers; without it the walk is made.
      try? storage.replace(folder.index(range.lowerBound), index.encoded())
      return before
    }
    report.segmentsRewritten += 1
    report.recordsRemoved += rewriting.removed
    report.bytesBefore += before
    report.bytesAfter += written
  }
}

/// 128 bits that stand for a key as long as one compaction takes.
///
/// Two keys of one digest would lose an event; by two differently begun SipHash-1-3 with a key that
/// the process drew by chance, n keys do so with a probability of n² / 2^129.
private struct KeyDigest: Hashable {
  private let first: Int
  private let second: Int

  init(_ key: UnsafeRawBufferPointer) {
    var first = Hasher()
    first.combine(UInt8(1))
    first.combine(bytes: key)
    self.first = first.finalize()
    var second = Hasher()
    second.combine(UInt64.max)
    second.combine(bytes: key)
    self.second = second.finalize()
  }

  func hash(into hasher: inout Hasher) { hasher.combine(first) }
}

/// The batches of a segment as compaction leaves them.
private struct SegmentRewriting {
  private let configuration: LogConfiguration
  private let end: Offset
  /// The first offset that nothing was made for yet.
  private var next: Offset
  /// What an empty batch in the place of those removed takes over.
  private var appendTime = Int64.min
  private var durableBefore: Offset
  private var logID: UInt64 = 0
  private var pending: [EncodedBatch] = []
  private(set) var index: SegmentIndex
  private(set) var position: Int64 = 0
  private(set) var removed = 0

  init(_ range: Range<Offset>, _ configuration: LogConfiguration) {
    self.configuration = configuration
    next = range.lowerBound
    end = range.upperBound
    durableBefore = range.lowerBound
    index = SegmentIndex(base: range.lowerBound, interval: configuration.indexIntervalBytes)
  }

  mutating func add(_ batch: RecordBatch, keeping keeps: (RecordColumns, Int) -> Bool) {
    let old = batch.header
    (appendTime, logID) = (old.appendTime, old.logID)
    var kept = RecordBatchBuilder()
    kept.kind = old.kind
    batch.withColumns { columns in
      for row in 0..<columns.count {
        if keeps(columns, row) {
          kept.append(columns, row, relativeTo: old.base)
        } else {
          removed += 1
        }
      }
    }
    // An empty batch stands for this one and those removed after it.
    guard !kept.isEmpty else { return }
    fill(upTo: old.base)
    if kept.count == old.span { kept.offsets = [] }
    put(kept, old)
  }

  /// The offsets after the last kept event belong to the segment too.
  mutating func finish() { fill(upTo: end) }

  private mutating func fill(upTo offset: Offset) {
    while next < offset {
      var header = BatchHeader()
      header.base = next
      header.span = min(offset - next, Int(UInt32.max))
      header.appendTime = appendTime
      header.durableBefore = min(durableBefore, next)
      header.logID = logID
      put(RecordBatchBuilder(), header)
    }
  }

  private mutating func put(_ records: RecordBatchBuilder, _ old: BatchHeader) {
    let isPacked = old.isCompressed || configuration.compression != .none
    var batch = EncodedBatch(
      records,
      compression: isPacked && !records.isEmpty ? packing : .none,
      producer: old.producer,
      sequence: old.sequence
    )
    batch.header.span = old.span
    batch.header.base = old.base
    batch.header.appendTime = old.appendTime
    batch.header.durableBefore = old.durableBefore
    batch.header.logID = old.logID
    batch.header.write(to: batch.memory.bytes)
    index.add(batch.header, position: index.segmentBytes)
    durableBefore = old.durableBefore
    next = batch.header.end
    pending.append(batch)
  }

  private var packing: LogCompression {
    configuration.compression == .none ? .zstd(level: 3) : configuration.compression
  }

  mutating func write(to file: any LogFile) throws(EventLogError) {
    let (batches, place) = (pending, position)
    try onDisk { () throws(FileError) in try file.write(batches.map(\.bytes), at: place) }
    position += batches.reduce(0) { $0 + Int64($1.length) }
    pending.removeAll(keepingCapacity: true)
  }
}

extension RecordBatchBuilder {
  /// Takes an event over from a batch that is read, with its offset.
  fileprivate mutating func append(_ columns: RecordColumns, _ row: Int, relativeTo base: Offset) {
    if let bytes = columns.headerBytes(row) { headers.append(contentsOf: bytes) }
    append(
      key: columns.key(row),
      value: columns.value(row),
      eventTime: Instant(microseconds: columns.eventTimes[row])
    )
    offsets.append(UInt32(clamping: columns.offset(row) - base))
  }
}
