// SPDX-License-Identifier: Apache-2.0

public import MillCore
internal import Synchronization

/// What the parts of a log have in common.
struct LogSetting: Sendable {
  let root: String
  let storage: any LogStorage
  let clock: any WallClock
  let random: any RandomSource
  let configuration: LogConfiguration
  let onRecovery: @Sendable (RecoveryReport) -> Void
}

/// The embedded event log: segments in a folder, one folder for each partition.
///
/// Any number of processes may read; of those that append to one partition one at a time has it, from
/// its first append until ``release(_:)``, ``close()`` or its end. Readers in all of them see what was
/// acknowledged, and nothing else.
///
/// ```swift
/// let log = try SegmentLog(folder: "/var/lib/millrace/log", world: .system())
/// try await log.createTopic(payments, partitions: 4)
/// ```
///
/// The files are described in docs/reference/event-log.md.
public final class SegmentLog: EventLog {
  private let setting: LogSetting
  private let appenders = Mutex<[TopicPartition: PartitionAppender]>([:])
  /// Where readers read: a few threads for all of them.
  private let readers: [BlockingExecutor]
  private let nextReader = Atomic<Int>(0)
  /// Where names are looked up, offsets are committed, and segments are removed.
  private let files = BlockingExecutor(name: "log-files")

  /// A log in a folder, which is made with the first topic.
  ///
  /// - Parameters:
  ///   - folder: An absolute folder.
  ///   - world: Time and chance; files are taken from `storage`.
  ///   - readThreads: On how many threads all readers together read.
  ///   - onRecovery: Is told what was found whenever a partition is opened for appending.
  /// - Throws: ``EventLogError/configuration(reason:)``.
  public init(
    folder: String,
    world: World,
    storage: any LogStorage = LocalLogStorage(),
    configuration: LogConfiguration = LogConfiguration(),
    readThreads: Int = 2,
    onRecovery: @escaping @Sendable (RecoveryReport) -> Void = { _ in }
  ) throws(EventLogError) {
    try configuration.check()
    setting = LogSetting(
      root: folder,
      storage: storage,
      clock: world.clock,
      random: world.random,
      configuration: configuration,
      onRecovery: onRecovery
    )
    readers = (0..<max(1, readThreads)).map { _ in BlockingExecutor(name: "log-read") }
  }

  // MARK: Topics

  /// Makes the folders of the partitions that are missing, and their names durable.
  public func createTopic(_ topic: TopicName, partitions: Int32) async throws(EventLogError) {
    guard partitions > 0 else {
      throw .configuration(reason: "topic \(topic) needs at least one partition")
    }
    let setting = setting
    try await perform { () throws(FileError) in
      let storage = setting.storage
      var isNew = false
      // The last first: a topic that a crash left half made has no partition 0.
      for number in (0..<partitions).reversed() {
        let folder = PartitionFolder(setting.root, TopicPartition(topic, number))
        if try storage.readIfExists(folder.mark, upTo: 1) != nil { continue }
        isNew = true
        try storage.createFolders(folder.path)
        try storage.open(folder.mark, .write).sync()
        try storage.syncFolder(folder.path)
      }
      guard isNew else { return }
      try storage.syncFolder("\(setting.root)/\(topic)")
      try storage.syncFolder(setting.root)
      if let slash = setting.root.utf8.lastIndex(of: 0x2F), slash > setting.root.startIndex {
        try storage.syncFolder(String(setting.root[..<slash]))
      }
    }
  }

  /// The topics in the folder.
  public func topics() async throws(EventLogError) -> [TopicName: Int32] {
    let setting = setting
    return try await perform { () throws(FileError) in
      var topics: [TopicName: Int32] = [:]
      for name in try Self.names(in: setting.root, setting.storage) {
        guard let topic = TopicName(name) else { continue }
        let count = try Self.partitions(topic, setting)
        if count > 0 { topics[topic] = count }
      }
      return topics
    }
  }

  private static func names(
    in folder: String,
    _ storage: any LogStorage
  ) throws(FileError) -> [String] {
    do throws(FileError) {
      return try storage.names(in: folder)
    } catch {
      guard case .notFound = error else { throw error }
      return []
    }
  }

  /// Partitions are numbered without a hole.
  private static func partitions(
    _ topic: TopicName,
    _ setting: LogSetting
  ) throws(FileError) -> Int32 {
    let numbers = Set(
      try names(in: "\(setting.root)/\(topic)", setting.storage).compactMap { Int32($0) }
    )
    var count: Int32 = 0
    while numbers.contains(count) { count += 1 }
    return count
  }

  private func folder(_ partition: TopicPartition) async throws(EventLogError) -> PartitionFolder {
    if appenders.withLock({ $0[partition] != nil }) {
      return PartitionFolder(setting.root, partition)
    }
    let setting = setting
    let count = try await perform { () throws(FileError) in
      try Self.partitions(partition.topic, setting)
    }
    guard partition.partition >= 0, partition.partition < count else {
      throw .noPartition(partition, partitions: Int(count))
    }
    return PartitionFolder(setting.root, partition)
  }

  // MARK: Appending

  /// Appends events; see ``EventLog/append(_:to:as:)``.
  public func append(
    _ records: RecordBatchBuilder,
    to partition: TopicPartition,
    as sequence: ProducerSequence?
  ) async throws(EventLogError) -> AppendReceipt {
    guard !records.isEmpty else { throw .noRecords(partition) }
    if let sequence, sequence.sequence < 0 || sequence.producer == .none {
      throw .configuration(reason: "a producer is not zero, and its sequences begin at 0")
    }
    let appender = try await appender(partition)
    try appender.check(Int64(records.sizeInBytes))
    let batch = EncodedBatch(
      records,
      compression: setting.configuration.compression,
      producer: sequence?.producer ?? .none,
      sequence: sequence?.sequence ?? -1,
      in: appender.memory
    )
    return try await appender.append(batch)
  }

  private func appender(
    _ partition: TopicPartition
  ) async throws(EventLogError) -> PartitionAppender {
    if let known = appenders.withLock({ $0[partition] }) { return known }
    let folder = try await folder(partition)
    let setting = setting
    return appenders.withLock { appenders in
      if let known = appenders[partition] { return known }
      let made = PartitionAppender(folder, setting)
      appenders[partition] = made
      return made
    }
  }

  /// Opens a partition for appending, as the first append does, and says what was found.
  public func open(_ partition: TopicPartition) async throws(EventLogError) -> RecoveryReport {
    try await appender(partition).open()
  }

  /// Lets other processes append to a partition; the next append here takes it again.
  public func release(_ partition: TopicPartition) async throws(EventLogError) {
    try await appenders.withLock { $0[partition] }?.release()
  }

  /// Writes what waits, then lets other processes append.
  ///
  /// Later appends are refused.
  public func close() async throws(EventLogError) {
    var problem: EventLogError?
    for appender in appenders.withLock({ Array($0.values) }) {
      do throws(EventLogError) { try await appender.close() } catch { problem = error }
    }
    if let problem { throw problem }
  }

  // MARK: Reading

  /// Reads a partition; see ``EventLog/reader(of:from:)``.
  public func reader(
    of partition: TopicPartition,
    from position: ReadPosition
  ) async throws(EventLogError) -> any EventLogReader {
    let folder = try await folder(partition)
    let number = nextReader.wrappingAdd(1, ordering: .relaxed).oldValue
    let reader = SegmentLogReader(
      folder,
      setting,
      signal: { [weak self] in self?.appenders.withLock { $0[partition]?.signal } },
      on: readers[abs(number % readers.count)]
    )
    try await reader.seek(to: position)
    return reader
  }

  /// The offsets that there are.
  public func offsets(of partition: TopicPartition) async throws(EventLogError) -> Range<Offset> {
    let folder = try await folder(partition)
    let storage = setting.storage
    let known = appenders.withLock { $0[partition]?.signal.end }
    return try await work { () throws(EventLogError) in
      let end: DurableEnd
      if let known { end = known } else { end = try folder.durableEnd(storage) }
      let first = try PartitionCursor.first(folder, storage, upTo: end)
      return min(first, end.next)..<end.next
    }
  }

  // MARK: Groups

  /// Keeps how far a group has come, by one sync.
  public func commit(
    _ offset: Offset,
    for group: ConsumerGroup,
    in partition: TopicPartition
  ) async throws(EventLogError) {
    guard offset >= .zero else {
      throw .configuration(reason: "an offset is not negative, as \(offset) is")
    }
    let committed = CommittedOffset(
      folder: try await folder(partition),
      group: group,
      storage: setting.storage
    )
    let clock = setting.clock
    // Whoever else commits for the same group has the lock for one sync.
    for _ in 0..<1000 {
      let isDone = try await perform { () throws(FileError) in
        try committed.write(offset, at: clock.now())
      }
      if isDone { return }
      do {
        try await clock.sleep(for: .milliseconds(5))
      } catch {
        throw .cancelled
      }
    }
    throw .busy(partition, work: "committing for the group \(group)")
  }

  /// How far a group has come.
  public func committed(
    for group: ConsumerGroup,
    in partition: TopicPartition
  ) async throws(EventLogError) -> Offset? {
    let committed = CommittedOffset(
      folder: try await folder(partition),
      group: group,
      storage: setting.storage
    )
    return try await perform { () throws(FileError) in try committed.read() }
  }

  // MARK: Retention

  /// Removes sealed segments that a policy lets go.
  ///
  /// - Parameter kept: The offset before which all events are kept elsewhere, by which is meant the
  ///   bronze table (docs/semantics.md, 31): no segment goes that reaches beyond it.
  public func retain(
    _ policy: RetentionPolicy,
    keptElsewhereTo kept: Offset,
    in partition: TopicPartition
  ) async throws(EventLogError) -> RetentionReport {
    try await tend(partition) { (retention, end, now) throws(EventLogError) in
      try retention.retain(policy, keptElsewhereTo: kept, upTo: end, at: now)
    }
  }

  /// Compacts sealed segments by key.
  ///
  /// - Parameter kept: As for ``retain(_:keptElsewhereTo:in:)``; a topic whose history nobody wants
  ///   passes the partition's end.
  public func compact(
    _ policy: CompactionPolicy,
    keptElsewhereTo kept: Offset,
    in partition: TopicPartition
  ) async throws(EventLogError) -> CompactionReport {
    try await tend(partition) { (retention, end, now) throws(EventLogError) in
      try retention.compact(policy, keptElsewhereTo: kept, upTo: end, at: now)
    }
  }

  private func tend<Result: Sendable>(
    _ partition: TopicPartition,
    _ body:
      @escaping @Sendable (PartitionRetention, DurableEnd, Instant) throws(EventLogError) ->
      Result
  ) async throws(EventLogError) -> Result {
    let folder = try await folder(partition)
    let setting = setting
    return try await work { () throws(EventLogError) in
      let lock = try onDisk { () throws(FileError) in
        try setting.storage.lock(folder.retentionLock)
      }
      guard let lock else {
        throw .busy(folder.partition, work: "removing or compacting segments")
      }
      defer { lock.release() }
      let end = try folder.durableEnd(setting.storage)
      let retention = PartitionRetention(folder, setting.storage, setting.configuration)
      return try body(retention, end, setting.clock.now())
    }
  }

  // MARK: Threads

  private func perform<Result: Sendable>(
    _ body: @escaping @Sendable () throws(FileError) -> Result
  ) async throws(EventLogError) -> Result {
    try await work { () throws(EventLogError) in try onDisk(body) }
  }

  private func work<Result: Sendable>(
    _ body: @escaping @Sendable () throws(EventLogError) -> Result
  ) async throws(EventLogError) -> Result {
    let outcome: Swift.Result<Result, EventLogError>
    do {
      outcome = try await files.run {
        Swift.Result { () throws(EventLogError) -> Result in try body() }
      }
    } catch is CancellationError {
      throw .cancelled
    } catch {
      throw .storage(
        .system(operation: "run", path: setting.root, errno: 0, message: "\(error)")
      )
    }
    return try outcome.get()
  }
}
