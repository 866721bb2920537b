// SPDX-License-Identifier: Apache-2.0

internal import MillCore
internal import Synchronization

/// The queue before a partition's writer: many append, one writes.
///
/// While the disk syncs, appends gather; all that came is then written and synced at once, and each
/// caller is answered. So the more append, the fewer syncs an event costs, and nobody waits for
/// others to come.
final class PartitionAppender: Sendable {
  private struct Request {
    let batch: EncodedBatch
    let answer: CheckedContinuation<Result<AppendReceipt, EventLogError>, Never>
  }

  private struct Queue {
    var pending: [Request] = []
    var pendingBytes: Int64 = 0
    var isWriting = false
    var isClosed = false
    /// Those who wait for the writing to end.
    var closing: [CheckedContinuation<Void, Never>] = []
  }

  let folder: PartitionFolder
  let signal = PartitionSignal()
  let memory = BatchMemoryPool()
  private let configuration: LogConfiguration
  private let queue = Mutex(Queue())
  private let owner: WriterOwner

  init(_ folder: PartitionFolder, _ setting: LogSetting) {
    self.folder = folder
    configuration = setting.configuration
    owner = WriterOwner(folder, setting, signal)
  }

  /// Appends a batch; returns when it is durable.
  func append(_ batch: EncodedBatch) async throws(EventLogError) -> AppendReceipt {
    let outcome = await withCheckedContinuation { answer in
      let request = Request(batch: batch, answer: answer)
      let (problem, begins) = queue.withLock { queue in enter(request, &queue) }
      if let problem { answer.resume(returning: .failure(problem)) }
      if begins { Task { await self.write() } }
    }
    return try outcome.get()
  }

  /// Refuses what would be refused anyway before anybody works for it.
  func check(_ bytes: Int64) throws(EventLogError) {
    guard bytes <= configuration.batchBytesMax.bytes else {
      throw .batchTooLarge(
        folder.partition,
        size: ByteCount(bytes: bytes),
        limit: configuration.batchBytesMax
      )
    }
    if let problem = queue.withLock({ queue in overload(bytes, queue) }) { throw problem }
  }

  private func overload(_ bytes: Int64, _ queue: Queue) -> EventLogError? {
    // An empty queue takes any batch, or one as long as the limit could never be appended.
    guard configuration.whenFull == .refuse, queue.pendingBytes > 0,
      queue.pendingBytes + bytes > configuration.pendingBytesMax.bytes
    else { return nil }
    return .overloaded(
      folder.partition,
      pending: ByteCount(bytes: queue.pendingBytes),
      limit: configuration.pendingBytesMax
    )
  }

  private func enter(
    _ request: Request,
    _ queue: inout Queue
  ) -> (problem: EventLogError?, begins: Bool) {
    if queue.isClosed { return (.closed(folder.partition), false) }
    let bytes = Int64(request.batch.length)
    if let problem = overload(bytes, queue) { return (problem, false) }
    queue.pending.append(request)
    queue.pendingBytes += bytes
    defer { queue.isWriting = true }
    return (nil, !queue.isWriting)
  }

  /// Writes until nothing waits; at most one task is here at a time.
  private func write() async {
    while let group = takeGroup() {
      let outcomes = await owner.commit(group.map(\.batch))
      let bytes = group.reduce(0) { $0 + Int64($1.batch.length) }
      // What is answered does not wait any more: whoever is answered may append at once.
      queue.withLock { $0.pendingBytes -= bytes }
      for (request, outcome) in zip(group, outcomes) {
        memory.give(request.batch.memory)
        request.answer.resume(returning: outcome)
      }
    }
  }

  private func takeGroup() -> [Request]? {
    let (group, closing) = queue.withLock {
      queue -> ([Request]?, [CheckedContinuation<Void, Never>]) in
      guard !queue.pending.isEmpty else {
        queue.isWriting = false
        defer { queue.closing = [] }
        return (nil, queue.closing)
      }
      var bytes: Int64 = 0
      let count =
        queue.pending.firstIndex { request in
          bytes += Int64(request.batch.length)
          return bytes > configuration.commitBytesMax.bytes
        } ?? queue.pending.count
      let group = Array(queue.pending.prefix(max(1, count)))
      queue.pending.removeFirst(group.count)
      return (group, [])
    }
    for closer in closing { closer.resume() }
    return group
  }

  /// Opens the partition, if it is not open, and says what was found.
  func open() async throws(EventLogError) -> RecoveryReport { try await owner.open() }

  /// Gives the partition to other processes until the next append.
  func release() async throws(EventLogError) { try await owner.release() }

  /// Takes no more appends, writes those that wait, and gives the partition to others.
  func close() async throws(EventLogError) {
    await withCheckedContinuation { continuation in
      let isIdle = queue.withLock { queue in
        queue.isClosed = true
        if queue.isWriting { queue.closing.append(continuation) }
        return !queue.isWriting
      }
      if isIdle { continuation.resume() }
    }
    try await owner.release()
  }
}

/// Holds the writer of a partition on a thread of its own.
private actor WriterOwner {
  private let folder: PartitionFolder
  private let setting: LogSetting
  private let signal: PartitionSignal
  private let thread: BlockingExecutor
  private var writer: PartitionWriter?
  private var report: RecoveryReport?

  nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

  init(_ folder: PartitionFolder, _ setting: LogSetting, _ signal: PartitionSignal) {
    self.folder = folder
    self.setting = setting
    self.signal = signal
    thread = BlockingExecutor(name: "log-write")
  }

  func commit(_ batches: [EncodedBatch]) async -> [Result<AppendReceipt, EventLogError>] {
    do throws(EventLogError) {
      _ = try await open()
    } catch {
      return batches.map { _ in .failure(error) }
    }
    guard let outcomes = writer?.commit(batches, at: setting.clock.now()) else {
      return batches.map { _ in .failure(.closed(folder.partition)) }
    }
    signal.publish(writer?.end)
    return outcomes
  }

  func open() async throws(EventLogError) -> RecoveryReport {
    let began = setting.clock.uptime()
    while true {
      if let report, writer != nil { return report }
      do throws(EventLogError) {
        let opened = try PartitionWriter.open(
          folder,
          setting.storage,
          setting.configuration,
          newLogID: setting.random.next()
        )
        writer = opened.writer
        report = opened.report
        signal.publish(opened.writer.end)
        setting.onRecovery(opened.report)
        return opened.report
      } catch {
        guard case .locked = error,
          setting.clock.uptime() - began < setting.configuration.lockWait
        else { throw error }
      }
      do {
        try await setting.clock.sleep(for: .milliseconds(10))
      } catch {
        throw .cancelled
      }
    }
  }

  func release() throws(EventLogError) {
    guard var open = writer else { return }
    writer = nil
    report = nil
    defer { signal.publish(nil) }
    try onDisk { () throws(FileError) in try open.close() }
  }
}
