// SPDX-License-Identifier: Apache-2.0

package import MillCore

/// The files of one partition in the hands of the only one who may write them.
///
/// It has no thread, clock or queue: whoever owns it calls ``commit(_:at:)`` with what has come, one
/// call after the other, on a thread that may block. So a simulation can drive it step by step.
///
/// What must stay true, whatever the disk does:
///
/// - an offset is acknowledged only when its bytes, and the name of the segment that they are in,
///   are durable (``LogConfiguration/Durability-swift.enum/synced``);
/// - after a write or a sync that failed nothing of the segment is trusted beyond the last sync that
///   succeeded: the system may have dropped what it was given, and a later sync would say nothing of
///   it. The segment is cut there and sealed, and the next append begins another;
/// - a segment ends where the next one begins, whatever bytes stand behind.
///
/// > Source: "PostgreSQL's fsync() surprise", LWN 2018; Rebello and others, "Can Applications Recover
/// > from fsync Failures?", USENIX ATC 2020.
package struct PartitionWriter {
  package let folder: PartitionFolder
  let storage: any LogStorage
  let configuration: LogConfiguration
  let lock: any LogLock
  var file: any LogFile
  /// The first offset of the segment that is being written, and its bytes that count.
  var base: Offset
  var size: Int64
  var index: SegmentIndex
  /// The offset that comes next.
  package internal(set) var next: Offset
  var mark: CheckedSlots
  let logID: UInt64
  var producers: ProducerTable
  var appendTimeLast: Int64
  /// What the disk refused, until a new segment is begun.
  private var failure: FileError?

  init(
    folder: PartitionFolder,
    storage: any LogStorage,
    configuration: LogConfiguration,
    lock: any LogLock,
    mark: CheckedSlots,
    logID: UInt64,
    file: any LogFile,
    index: SegmentIndex,
    base: Offset,
    producers: ProducerTable,
    appendTimeLast: Int64
  ) {
    self.folder = folder
    self.storage = storage
    self.configuration = configuration
    self.lock = lock
    self.mark = mark
    self.logID = logID
    self.file = file
    self.index = index
    self.base = base
    self.producers = producers
    self.appendTimeLast = appendTimeLast
    size = index.segmentBytes
    next = index.end
  }

  /// How far readers may read.
  package var end: DurableEnd {
    DurableEnd(segment: base, position: size, next: next, logID: logID)
  }

  /// Writes batches, makes them durable with one sync, and says for each what became of it.
  ///
  /// All of it counts or nothing does, but for batches that their producers repeat or that are
  /// refused by their sequence.
  package mutating func commit(
    _ batches: [EncodedBatch],
    at now: Instant
  ) -> [Result<AppendReceipt, EventLogError>] {
    do throws(FileError) {
      if failure != nil { try heal() }
      if mustRoll(by: batches, now) { try roll() }
    } catch {
      failure = error
      return batches.map { _ in refusal(error) }
    }
    var work = Work(place: next, appendTime: max(now.microseconds, appendTimeLast))
    for batch in batches { work.outcomes.append(take(batch, &work)) }
    guard !work.headers.isEmpty else { return work.outcomes }
    do throws(FileError) {
      try file.write(work.pieces, at: size)
      if configuration.durability == .synced { try file.sync() }
    } catch {
      return takeBack(work, error)
    }
    // The bytes are read from the batches' memory, which must live until here.
    withExtendedLifetime(batches) {}
    for header in work.headers {
      index.add(header, position: size)
      size += Int64(header.length)
    }
    next = work.place
    appendTimeLast = work.appendTime
    // The events are durable and count, whatever becomes of this: where it is refused, readers in
    // other processes learn of them with the next append, or from the next writer. Taking the events
    // back would be wrong, since the file may have been written all the same.
    try? mark.write(end.numbers)
    return work.outcomes
  }

  /// What one commit is about to write.
  private struct Work {
    var place: Offset
    var appendTime: Int64
    var pieces: [UnsafeRawBufferPointer] = []
    var headers: [BatchHeader] = []
    var before: [(ProducerID, ProducerTable.Producer?)] = []
    var outcomes: [Result<AppendReceipt, EventLogError>] = []

    init(place: Offset, appendTime: Int64) {
      self.place = place
      self.appendTime = appendTime
    }
  }

  /// Gives a batch its offset and completes its header.
  private mutating func take(
    _ batch: EncodedBatch,
    _ work: inout Work
  ) -> Result<AppendReceipt, EventLogError> {
    switch producers.answer(batch.header, folder.partition) {
    case .refused(let error): return .failure(error)
    case .repeated(let known):
      return .success(
        AppendReceipt(
          partition: folder.partition,
          baseOffset: known.base,
          count: known.count,
          appendTime: Instant(microseconds: known.appendTime),
          isRepeated: true
        )
      )
    case .append: break
    }
    var header = batch.header
    header.base = work.place
    header.appendTime = work.appendTime
    header.durableBefore = next
    header.logID = logID
    header.write(to: batch.memory.bytes)
    work.pieces.append(batch.bytes)
    work.headers.append(header)
    work.before.append((header.producer, producers.add(header)))
    work.place = header.end
    return .success(
      AppendReceipt(
        partition: folder.partition,
        baseOffset: header.base,
        count: header.span,
        appendTime: Instant(microseconds: work.appendTime),
        isRepeated: false
      )
    )
  }

  /// Nothing of this commit counts, repetitions of its own batches included.
  private mutating func takeBack(
    _ work: Work,
    _ error: FileError
  ) -> [Result<AppendReceipt, EventLogError>] {
    for (id, before) in work.before.reversed() where id != .none {
      producers.restore(id, before)
    }
    failure = error
    return work.outcomes.map { outcome in
      guard case .success(let receipt) = outcome, receipt.baseOffset >= next else {
        return outcome
      }
      return refusal(error)
    }
  }

  private func refusal(_ error: FileError) -> Result<AppendReceipt, EventLogError> {
    .failure(.notAcknowledged(folder.partition, cause: error))
  }

  // MARK: Segments

  private func mustRoll(by batches: [EncodedBatch], _ now: Instant) -> Bool {
    guard size > 0 else { return false }
    if size >= configuration.segmentBytes.bytes { return true }
    let coming = batches.reduce(0) { $0 + Int64($1.length) }
    if size + coming > configuration.segmentBytes.bytes { return true }
    return Instant(microseconds: index.appendTimeFirst) + configuration.segmentAge <= now
  }

  /// Seals the segment and begins the next.
  ///
  /// The order is that of what may be lost: the old segment is durable before anything tells that it
  /// is sealed, and the new one's name before anything in it is acknowledged.
  package mutating func roll() throws(FileError) {
    if configuration.durability != .synced { try file.sync() }
    // It spares a walk through the headers; without it the walk is made.
    try? storage.replace(folder.index(base), index.encoded())
    let sealed = base
    try begin(next)
    if sealed != next { try? storage.remove(folder.producers(sealed)) }
  }

  /// Begins an empty segment at an offset, durable itself and with all that a restart needs.
  mutating func begin(_ offset: Offset) throws(FileError) {
    try storage.replace(folder.producers(offset), producers.encoded())
    let opened = try storage.open(folder.segment(offset), .write)
    // An attempt that failed may have left it there, with nothing acknowledged in it.
    try opened.truncate(to: 0)
    try opened.sync()
    try storage.syncFolder(folder.path)
    try tell(DurableEnd(segment: offset, position: 0, next: offset, logID: logID))
    file = opened
    base = offset
    size = 0
    next = offset
    index = SegmentIndex(base: offset, interval: configuration.indexIntervalBytes)
  }

  /// Begins again after the disk refused something.
  private mutating func heal() throws(FileError) {
    if size > 0 {
      // Readers stop at the next segment's first offset in any case; cutting spares the room.
      try? file.truncate(to: size)
      try? file.sync()
      try roll()
    } else {
      try begin(base)
    }
    failure = nil
  }

  /// Makes durable what is not and gives the partition to others.
  package mutating func close() throws(FileError) {
    defer { lock.release() }
    guard failure == nil else { return }
    if configuration.durability != .synced { try file.sync() }
    try tell(end)
  }

  /// Tells an end in both halves of the file `durable`, and durably.
  ///
  /// So neither half is needed alone, and no power cut brings back an end in a segment that was sealed
  /// since, which compaction may have made another.
  mutating func tell(_ end: DurableEnd) throws(FileError) {
    try mark.write(end.numbers)
    try mark.write(end.numbers)
    try mark.sync()
  }
}
