// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillStreams
import MillTesting
import Synchronization
import Testing

@Suite("A log of segments")
struct SegmentLogTests {
  static let partition = TopicName("events").map { TopicPartition($0, 0) }

  private struct Fixture {
    var log: SegmentLog
    var partition: TopicPartition
    var disk: SimulatedLogDisk
    var clock: SteppedClock
  }

  private static func fixture(
    _ disk: SimulatedLogDisk = SimulatedLogDisk(),
    _ configuration: LogConfiguration = LogConfiguration()
  ) async throws -> Fixture {
    let clock = SteppedClock(start: Instant(microseconds: 1_700_000_000_000_000))
    let log = try SegmentLog(
      folder: "/log",
      world: .virtual(seed: 1, clock: clock),
      storage: disk,
      configuration: configuration
    )
    let partition = try #require(Self.partition)
    try await log.createTopic(partition.topic, partitions: 1)
    return Fixture(log: log, partition: partition, disk: disk, clock: clock)
  }

  private static func events(_ texts: [String]) -> RecordBatchBuilder {
    var builder = RecordBatchBuilder()
    for text in texts {
      builder.append(key: nil, value: text, eventTime: Instant(microseconds: 0))
    }
    return builder
  }

  private static func texts(_ batches: [RecordBatch]) -> [String] {
    batches.flatMap { batch in
      (0..<batch.count).map { String(decoding: batch.value($0) ?? [], as: UTF8.self) }
    }
  }

  @Test("gives what many appended at once in the order of offsets, each once")
  func concurrent() async throws {
    let fixture = try await Self.fixture()
    let (log, partition) = (fixture.log, fixture.partition)
    let receipts = try await withThrowingTaskGroup(of: (Int, AppendReceipt).self) { group in
      for number in 0..<200 {
        group.addTask {
          (number, try await log.append(Self.events(["a\(number)", "b\(number)"]), to: partition))
        }
      }
      return try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
    }
    var expected = [String](repeating: "", count: 400)
    for (number, receipt) in receipts {
      expected[Int(receipt.baseOffset.value)] = "a\(number)"
      expected[Int(receipt.baseOffset.value) + 1] = "b\(number)"
    }
    let reader = try await log.reader(of: partition, from: .earliest)
    var read: [String] = []
    while read.count < 400 { read += Self.texts(try await reader.next()) }
    #expect(read == expected)
    #expect(try await reader.poll().isEmpty)
    #expect(try await log.offsets(of: partition) == .zero..<Offset(400))
    try await log.close()
  }

  @Test("wakes a reader in its own process, and one in another that looks at the disk")
  func tailing() async throws {
    let fixture = try await Self.fixture()
    let other = try await Self.fixture(fixture.disk)
    for log in [fixture.log, other.log] {
      let reader = try await log.reader(of: fixture.partition, from: .latest)
      async let next = reader.next()
      _ = try await fixture.log.append(Self.events(["new"]), to: fixture.partition)
      #expect(Self.texts(try await next) == ["new"])
    }
    let batches = RecordBatches(
      try await other.log.reader(of: fixture.partition, from: .earliest)
    )
    var iterator = batches.makeAsyncIterator()
    #expect(try await iterator.next()?.baseOffset == Offset(0))
    #expect(try await iterator.next()?.baseOffset == Offset(1))
    // Looking costs little: seldomer and seldomer while nothing comes.
    #expect(other.clock.sleeps.allSatisfy { $0 <= .milliseconds(50) })
  }

  @Test("ends the waiting of a reader that is cancelled")
  func cancelled() async throws {
    let fixture = try await Self.fixture()
    _ = try await fixture.log.append(Self.events(["one"]), to: fixture.partition)
    let reader = try await fixture.log.reader(of: fixture.partition, from: .latest)
    let task = Task { try await reader.next().count }
    task.cancel()
    await #expect(throws: EventLogError.cancelled) { try await task.value }
  }

  @Test("has one writer of a partition at a time, and readers beside it")
  func oneWriter() async throws {
    let fixture = try await Self.fixture()
    var configuration = LogConfiguration()
    configuration.lockWait = .seconds(1)
    let other = try await Self.fixture(fixture.disk, configuration)
    let partition = fixture.partition
    _ = try await fixture.log.append(Self.events(["mine"]), to: partition)
    await #expect(throws: EventLogError.locked(partition)) {
      try await other.log.append(Self.events(["theirs"]), to: partition)
    }
    #expect(other.clock.uptime() >= .seconds(1))
    let reader = try await other.log.reader(of: partition, from: .earliest)
    #expect(Self.texts(try await reader.next()) == ["mine"])
    try await fixture.log.release(partition)
    let receipt = try await other.log.append(Self.events(["theirs"]), to: partition)
    #expect(receipt.baseOffset == Offset(1))
    #expect(Self.texts(try await reader.next()) == ["theirs"])
    try await other.log.close()
    // What was released is taken again by the next append.
    let third = try await fixture.log.append(Self.events(["mine again"]), to: partition)
    #expect(third.baseOffset == Offset(2))
    await #expect(throws: EventLogError.closed(partition)) {
      try await other.log.append(Self.events(["late"]), to: partition)
    }
  }

  @Test("refuses what comes while too many bytes wait, and takes it afterwards")
  func overloaded() async throws {
    let disk = SimulatedLogDisk()
    var configuration = LogConfiguration()
    configuration.pendingBytesMax = ByteCount(bytes: 400)
    configuration.whenFull = .refuse
    let fixture = try await Self.fixture(disk, configuration)
    let (log, partition) = (fixture.log, fixture.partition)
    _ = try await log.open(partition)
    let before = disk.syncs
    disk.hold()
    let first = Task { try await log.append(Self.events(["first"]), to: partition) }
    while disk.syncs == before { await Task.yield() }
    let long = Self.events([String(repeating: "x", count: 300)])
    do {
      _ = try await log.append(long, to: partition)
      Issue.record("it was taken")
    } catch {
      guard case .overloaded(partition, let pending, ByteCount(bytes: 400)) = error else {
        Issue.record("\(error)")
        return
      }
      #expect(pending > .zero && error.isRetryable)
    }
    disk.letGo()
    #expect(try await first.value.baseOffset == .zero)
    #expect(try await log.append(long, to: partition).baseOffset == Offset(1))
  }

  @Test("refuses what it cannot hold or does not have, by name")
  func refusals() async throws {
    var configuration = LogConfiguration()
    configuration.batchBytesMax = ByteCount(bytes: 100)
    let fixture = try await Self.fixture(SimulatedLogDisk(), configuration)
    let (log, partition) = (fixture.log, fixture.partition)
    let missing = TopicPartition(partition.topic, 1)
    await #expect(throws: EventLogError.noPartition(missing, partitions: 1)) {
      try await log.append(Self.events(["a"]), to: missing)
    }
    await #expect(throws: EventLogError.noRecords(partition)) {
      try await log.append(RecordBatchBuilder(), to: partition)
    }
    await #expect(throws: EventLogError.self) {
      try await log.append(Self.events([String(repeating: "x", count: 100)]), to: partition)
    }
    _ = try await log.append(Self.events(["a"]), to: partition)
    await #expect(
      throws: EventLogError.offsetOutOfRange(
        partition,
        asked: Offset(2),
        first: .zero,
        end: Offset(1)
      )
    ) { try await log.reader(of: partition, from: .offset(Offset(2))) }
    var impossible = LogConfiguration()
    impossible.batchBytesMax = .zero
    #expect(throws: EventLogError.self) {
      try SegmentLog(folder: "/log", world: .virtual(seed: 1), configuration: impossible)
    }
  }

  @Test("keeps how far a group has come, through restarts and a torn write")
  func groups() async throws {
    let fixture = try await Self.fixture()
    let (log, partition) = (fixture.log, fixture.partition)
    let group = try #require(ConsumerGroup("features"))
    let other = try #require(ConsumerGroup("audit"))
    #expect(ConsumerGroup("../x") == nil)
    _ = try await log.append(Self.events(["a", "b", "c"]), to: partition)
    #expect(try await log.committed(for: group, in: partition) == nil)
    #expect(try await log.lag(of: group, in: partition) == 3)
    try await log.commit(Offset(1), for: group, in: partition)
    try await log.commit(Offset(2), for: group, in: partition)
    try await log.commit(Offset(3), for: other, in: partition)
    #expect(try await log.lag(of: group, in: partition) == 1)
    try await log.close()
    fixture.disk.powerCut(SeededRandom(seed: 3))
    let again = try await Self.fixture(fixture.disk)
    #expect(try await again.log.committed(for: group, in: partition) == Offset(2))
    #expect(try await again.log.committed(for: other, in: partition) == Offset(3))
    let file = try #require(
      fixture.disk.files(in: "/log").first { $0.hasSuffix("features.offset") }
    )
    // The second commit lies in the slot of even counters, the first.
    fixture.disk.damage(file) { $0[20] ^= 1 }
    #expect(try await again.log.committed(for: group, in: partition) == Offset(1))
  }

  @Test("syncs for nobody when it is told so, and makes a segment durable when it is sealed")
  func written() async throws {
    var configuration = LogConfiguration()
    configuration.durability = .written
    configuration.segmentBytes = ByteCount(bytes: 1000)
    let fixture = try await Self.fixture(SimulatedLogDisk(), configuration)
    let (log, partition) = (fixture.log, fixture.partition)
    _ = try await log.open(partition)
    let before = fixture.disk.syncs
    // Five of 152 bytes fit into a segment, and the long one not beside them.
    for _ in 0..<5 { _ = try await log.append(Self.events(["a"]), to: partition) }
    #expect(fixture.disk.syncs == before)
    _ = try await log.append(Self.events([String(repeating: "b", count: 600)]), to: partition)
    #expect(fixture.disk.syncs > before)
    #expect(try await log.offsets(of: partition).upperBound == Offset(6))
  }

  @Test("removes and compacts segments beside appends, in one process at a time")
  func retention() async throws {
    var configuration = LogConfiguration()
    configuration.segmentBytes = ByteCount(bytes: 1)
    let fixture = try await Self.fixture(SimulatedLogDisk(), configuration)
    let (log, partition) = (fixture.log, fixture.partition)
    let slow = try await log.reader(of: partition, from: .earliest)
    for number in 0..<6 {
      var events = RecordBatchBuilder()
      events.append(key: "k", value: "\(number)", eventTime: Instant(microseconds: 0))
      _ = try await log.append(events, to: partition)
    }
    let nothing = RetentionPolicy(bytes: .zero)
    let held = try #require(try fixture.disk.lock("/log/events/0/retention.lock"))
    await #expect(
      throws: EventLogError.busy(partition, work: "removing or compacting segments")
    ) { try await log.retain(nothing, keptElsewhereTo: Offset(6), in: partition) }
    held.release()
    let removed = try await log.retain(nothing, keptElsewhereTo: Offset(2), in: partition)
    #expect(removed.firstOffset == Offset(2))
    await #expect(
      throws: EventLogError.offsetOutOfRange(
        partition,
        asked: .zero,
        first: Offset(2),
        end: Offset(6)
      )
    ) { try await slow.next() }
    let compacted = try await log.compact(
      CompactionPolicy(),
      keptElsewhereTo: Offset(6),
      in: partition
    )
    #expect(compacted.recordsRemoved == 3)
    try await slow.seek(to: .earliest)
    #expect(Self.texts(try await slow.next()) == ["5"])
    let next = try await log.append(Self.events(["more"]), to: partition)
    #expect(next.baseOffset == Offset(6))
    #expect(Self.texts(try await slow.next()) == ["more"])
  }

  @Test("lists topics, gives them more partitions, and lies on a real disk as well")
  func realDisk() async throws {
    let folder = try TemporaryFolder("log")
    let reports = Mutex<[RecoveryReport]>([])
    let log = try SegmentLog(
      folder: folder.path("log"),
      world: .system(),
      onRecovery: { report in reports.withLock { $0.append(report) } }
    )
    #expect(try await log.topics() == [:])
    let payments = try #require(TopicName("payments"))
    let clicks = try #require(TopicName("clicks"))
    try await log.createTopic(payments, partitions: 2)
    try await log.createTopic(clicks, partitions: 1)
    try await log.createTopic(payments, partitions: 3)
    try await log.createTopic(payments, partitions: 1)
    #expect(try await log.topics() == [payments: 3, clicks: 1])
    let partition = TopicPartition(payments, 2)
    let reader = try await log.reader(of: partition, from: .earliest)
    async let first = reader.next()
    let texts = (0..<1000).map { "event \($0)" }
    _ = try await log.append(Self.events(texts), to: partition)
    #expect(Self.texts(try await first) == texts)
    try await log.close()
    let again = try SegmentLog(folder: folder.path("log"), world: .system())
    let report = try await again.open(partition)
    #expect(report.findings.isEmpty && report.end == Offset(1000) && report.bytesVerified > 10_000)
    await #expect(throws: EventLogError.locked(partition)) {
      let third = try SegmentLog(folder: folder.path("log"), world: .system())
      _ = try await third.open(partition)
    }
    #expect(reports.withLock { $0.map(\.findings.count) } == [0])
  }
}
