// SPDX-License-Identifier: Apache-2.0

internal import MillCore

/// Reads a partition of a ``SegmentLog``, on one of the log's threads.
///
/// While the partition's writer is in this process, it is woken by it. Otherwise it looks at the file
/// `durable`, which costs one small read: soon after it was given something, then seldomer.
actor SegmentLogReader: EventLogReader {
  nonisolated let partition: TopicPartition
  private let folder: PartitionFolder
  private let setting: LogSetting
  private let signal: @Sendable () -> PartitionSignal?
  private let thread: BlockingExecutor
  private var cursor: PartitionCursor

  nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

  init(
    _ folder: PartitionFolder,
    _ setting: LogSetting,
    signal: @escaping @Sendable () -> PartitionSignal?,
    on thread: BlockingExecutor
  ) {
    partition = folder.partition
    self.folder = folder
    self.setting = setting
    self.signal = signal
    self.thread = thread
    cursor = PartitionCursor(folder, setting.storage, setting.configuration, at: .zero)
  }

  var position: Offset { cursor.next }

  func poll() throws(EventLogError) -> [RecordBatch] {
    try cursor.read(upTo: try end(), bytes: Int(setting.configuration.readBytes.bytes))
  }

  func next() async throws(EventLogError) -> [RecordBatch] {
    var interval = setting.configuration.pollInterval
    while true {
      let batches = try poll()
      if !batches.isEmpty { return batches }
      if let signal = signal(), signal.end != nil {
        await signal.wait(beyond: cursor.next)
        if Task.isCancelled { throw .cancelled }
        continue
      }
      do {
        try await setting.clock.sleep(for: interval)
      } catch {
        throw .cancelled
      }
      interval = min(interval * 2, setting.configuration.pollIntervalMax)
    }
  }

  func seek(to position: ReadPosition) throws(EventLogError) {
    let end = try end()
    let first = try PartitionCursor.first(folder, setting.storage, upTo: end)
    switch position {
    case .earliest: cursor.seek(to: first)
    case .latest: cursor.seek(to: end.next)
    case .eventTime(let time):
      cursor.seek(to: try cursor.find(.event(time.microseconds), upTo: end))
    case .appendTime(let time):
      cursor.seek(to: try cursor.find(.append(time.microseconds), upTo: end))
    case .offset(let offset):
      guard offset >= first, offset <= end.next else {
        throw .offsetOutOfRange(partition, asked: offset, first: first, end: end.next)
      }
      cursor.seek(to: offset)
    }
  }

  private func end() throws(EventLogError) -> DurableEnd {
    if let end = signal()?.end { return end }
    return try folder.durableEnd(setting.storage)
  }
}
