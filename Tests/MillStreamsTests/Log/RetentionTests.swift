// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillStreams
import MillTesting
import Testing

@Suite("What a partition lets go")
struct RetentionTests {
  /// Ten segments of one batch each of two events, a second apart.
  private static func partition() throws -> (PartitionOnDisk, PartitionWriter) {
    var partition = try PartitionOnDisk()
    partition.configuration.segmentBytes = ByteCount(bytes: 1)
    var writer = try partition.open()
    for number in 0..<10 as Range<Int64> {
      try partition.append(
        [["a=\(number)", "b=\(number)"]],
        to: &writer,
        at: number * 1_000_000
      )
    }
    return (partition, writer)
  }

  private static func retain(
    _ policy: RetentionPolicy,
    _ partition: PartitionOnDisk,
    _ writer: PartitionWriter,
    keptTo kept: Int64
  ) throws -> RetentionReport {
    try PartitionRetention(partition.folder, partition.disk, partition.configuration).retain(
      policy,
      keptElsewhereTo: Offset(kept),
      upTo: writer.end,
      at: Instant(microseconds: 10_000_000)
    )
  }

  @Test("goes by age, and never what is not kept elsewhere")
  func age() throws {
    let (partition, writer) = try Self.partition()
    let policy = RetentionPolicy(age: .seconds(5))
    #expect(try Self.retain(policy, partition, writer, keptTo: 0).removed == [])
    // Offsets 0 to 6 are kept: the segment 6 and 7 is not whole among them.
    let report = try Self.retain(policy, partition, writer, keptTo: 7)
    #expect(report.removed.map(\.value) == [0, 2, 4])
    #expect(report.firstOffset == Offset(6))
    // Those of second 6 and later are younger.
    let rest = try Self.retain(policy, partition, writer, keptTo: 1000)
    #expect(rest.removed.map(\.value) == [6, 8, 10])
    #expect(try partition.readAll().events.keys.sorted() == Array(12..<20))
  }

  @Test("goes by size, the oldest first, and the segment that is written stays")
  func size() throws {
    let (partition, writer) = try Self.partition()
    let one = try #require(partition.disk.content(partition.folder.segment(.zero))).count
    let policy = RetentionPolicy(bytes: ByteCount(bytes: Int64(4 * one)))
    #expect(try Self.retain(policy, partition, writer, keptTo: 20).firstOffset == Offset(12))
    let nothing = RetentionPolicy(bytes: .zero)
    let report = try Self.retain(nothing, partition, writer, keptTo: 20)
    #expect(report.firstOffset == Offset(18) && report.removed.count == 3)
    let left = partition.disk.files(in: partition.folder.path).filter { !$0.hasSuffix(".lock") }
    #expect(left.allSatisfy { $0.contains("00018.") || $0.hasSuffix("durable") }, "\(left)")
  }

  @Test("is told to a reader that was slower, with the first event that there is")
  func slowReader() throws {
    let (partition, writer) = try Self.partition()
    var cursor = PartitionCursor(
      partition.folder,
      partition.disk,
      partition.configuration,
      at: .zero
    )
    #expect(try cursor.read(upTo: writer.end, bytes: 1).count == 1)
    _ = try Self.retain(RetentionPolicy(bytes: .zero), partition, writer, keptTo: 14)
    #expect(
      throws: EventLogError.offsetOutOfRange(
        partition.folder.partition,
        asked: Offset(2),
        first: Offset(14),
        end: Offset(20)
      )
    ) { try cursor.read(upTo: writer.end, bytes: 1) }
    cursor.seek(to: Offset(14))
    #expect(try cursor.read(upTo: writer.end, bytes: 1).first?.offset(0) == Offset(14))
  }

  @Test(
    "is, compacted, all but the newest event of each key; offsets stay, in one round or in many"
  )
  func compaction() throws {
    for seed in 0..<10 as Range<UInt64> {
      let chance = SeededRandom(seed: seed)
      var partition = try PartitionOnDisk()
      partition.configuration.segmentBytes = ByteCount(bytes: 900)
      partition.configuration.compression = chance.happens(percent: 50) ? .zstd(level: 1) : .none
      var writer = try partition.open()
      var all: [Int64: String] = [:]
      for number in 0..<40 {
        let texts = (0..<(1 + chance.below(4))).map { "k\(chance.below(12))=\(number).\($0)" }
        let base = try partition.append([texts], to: &writer)[0].baseOffset.value
        for (row, text) in texts.enumerated() { all[base + Int64(row)] = text }
      }
      let active = try #require(
        partition.disk.files(in: partition.folder.path).last { $0.hasSuffix(".log") }
      )
      let sealedTo = try #require(Int64(active.dropLast(4).suffix(20)))
      var policy = CompactionPolicy()
      policy.memory = ByteCount(bytes: chance.happens(percent: 50) ? 48 * 3 : 1 << 20)
      let report = try PartitionRetention(
        partition.folder,
        partition.disk,
        partition.configuration
      ).compact(
        policy,
        keptElsewhereTo: writer.next,
        upTo: writer.end,
        at: Instant(microseconds: 1)
      )
      var newest: [Substring: Int64] = [:]
      for (offset, text) in all { newest[text.prefix { $0 != "=" }, default: -1].raise(to: offset) }
      let expected = all.filter { offset, text in
        offset >= sealedTo || newest[text.prefix { $0 != "=" }] == offset
      }
      let (events, errors) = try partition.readAll()
      #expect(errors.isEmpty && events == expected, "seed \(seed)")
      #expect(report.recordsRemoved == all.count - expected.count, "seed \(seed)")
      #expect(report.bytesAfter < report.bytesBefore)
      // A reader begins at the first event at or after any offset.
      for offset in 0..<writer.next.value {
        var cursor = PartitionCursor(
          partition.folder,
          partition.disk,
          partition.configuration,
          at: Offset(offset)
        )
        let first = try cursor.read(upTo: writer.end, bytes: 1).first?.offset(0).value
        #expect(first == expected.keys.filter { $0 >= offset }.min(), "seed \(seed), \(offset)")
      }
    }
  }

  @Test("is a tombstone too, once readers have had the time to learn of it")
  func tombstones() throws {
    var partition = try PartitionOnDisk()
    partition.configuration.segmentBytes = ByteCount(bytes: 1)
    var writer = try partition.open()
    try partition.append([["k=1"]], to: &writer, at: 0)
    var builder = RecordBatchBuilder()
    builder.append(key: "k", value: nil, eventTime: Instant(microseconds: 3))
    builder.append(key: nil as String?, value: "keyless", eventTime: Instant(microseconds: 3))
    let batch = EncodedBatch(builder, compression: .none)
    _ = try writer.commit([batch], at: Instant(microseconds: 0))[0].get()
    try partition.append([["other=1"]], to: &writer, at: 0)
    let retention = PartitionRetention(partition.folder, partition.disk, partition.configuration)
    var policy = CompactionPolicy()
    policy.tombstoneAge = .seconds(10)
    for (seconds, values) in [(9, ["-", "keyless", "other=1"]), (10, ["keyless", "other=1"])] {
      _ = try retention.compact(
        policy,
        keptElsewhereTo: writer.next,
        upTo: writer.end,
        at: Instant(microseconds: Int64(seconds) * 1_000_000)
      )
      #expect(try partition.readAll().events.sorted { $0.key < $1.key }.map(\.value) == values)
    }
  }

  @Test("is found by time as a walk through all events finds it, with damage and holes between")
  func byTime() throws {
    for seed in 0..<12 as Range<UInt64> {
      let chance = SeededRandom(seed: seed)
      var partition = try PartitionOnDisk()
      partition.configuration.segmentBytes = ByteCount(bytes: Int64(200 + chance.below(3000)))
      partition.configuration.indexIntervalBytes = ByteCount(bytes: Int64(1 + chance.below(600)))
      var writer = try partition.open()
      var events: [(offset: Int64, time: Int64, appended: Int64)] = []
      var now: Int64 = 0
      for number in 0..<30 {
        now += Int64(chance.below(3))
        var builder = RecordBatchBuilder()
        for _ in 0..<(1 + chance.below(4)) {
          let time = Int64(number * 10 + chance.below(60))
          events.append((Int64(events.count), time, now))
          builder.append(key: "k", value: "v", eventTime: Instant(microseconds: time))
        }
        let batch = EncodedBatch(builder, compression: .none)
        _ = try writer.commit([batch], at: Instant(microseconds: now))[0].get()
      }
      let cursor = PartitionCursor(
        partition.folder,
        partition.disk,
        partition.configuration,
        at: .zero
      )
      for time in stride(from: Int64(-1), to: 370, by: 3) {
        let found = try cursor.find(.event(time), upTo: writer.end)
        let expected = events.first { $0.time >= time }?.offset ?? writer.next.value
        #expect(found.value == expected, "seed \(seed), time \(time)")
      }
      for time in -1..<(now + 2) {
        let found = try cursor.find(.append(time), upTo: writer.end)
        let expected = events.first { $0.appended >= time }?.offset ?? writer.next.value
        #expect(found.value == expected, "seed \(seed), appended \(time)")
      }
    }
  }
}

extension Int64 {
  fileprivate mutating func raise(to other: Int64) { self = Swift.max(self, other) }
}
