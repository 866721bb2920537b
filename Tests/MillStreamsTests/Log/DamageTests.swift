// SPDX-License-Identifier: Apache-2.0

import CChecksum
import MillCore
import MillStreams
import MillTesting
import Testing

/// Bytes that are not those that were written.
@Suite("Damage of a log")
struct DamageTests {
  /// Three segments of some batches each, closed in order, and what they hold.
  private static func whole(
    _ compression: LogCompression = .none
  ) throws -> (partition: PartitionOnDisk, events: [Int64: String]) {
    var partition = try PartitionOnDisk()
    partition.configuration.segmentBytes = ByteCount(bytes: 900)
    partition.configuration.indexIntervalBytes = ByteCount(bytes: 100)
    partition.configuration.compression = compression
    var writer = try partition.open()
    var events: [Int64: String] = [:]
    for number in 0..<11 {
      let texts = (0..<(1 + number % 3)).map {
        "key\($0)=value \(number) \(String(repeating: "a", count: 40))"
      }
      let receipt = try partition.append([texts], to: &writer)[0]
      for (row, text) in texts.enumerated() { events[receipt.baseOffset.value + Int64(row)] = text }
    }
    try writer.close()
    return (partition, events)
  }

  @Test(
    "anywhere in a segment is found, named, and not served; the rest is",
    arguments: [LogCompression.none, .zstd(level: 3)]
  )
  func anyByte(compression: LogCompression) throws {
    let (partition, events) = try Self.whole(compression)
    let segments = partition.disk.files(in: partition.folder.path).filter { $0.hasSuffix(".log") }
    #expect(segments.count >= 3)
    #expect(try partition.readAll().events == events)
    for segment in segments {
      let size = partition.disk.content(segment)?.count ?? 0
      for place in stride(from: 0, to: size, by: 3) {
        let bit = UInt8(1) << UInt8(place % 8)
        partition.disk.damage(segment) { $0[place] ^= bit }
        let (found, errors) = try partition.readAll()
        partition.disk.damage(segment) { $0[place] ^= bit }
        for (offset, text) in found { #expect(events[offset] == text) }
        let lost = events.keys.filter { found[$0] == nil }.sorted()
        #expect(!lost.isEmpty && lost.count <= 3, "\(segment) \(place): lost \(lost)")
        let named = errors.contains { error in
          guard case .damaged(_, let file, let position, let offsets, _) = error else {
            return false
          }
          return file == segment && Int(position) <= place && Int(position) + 500 > place
            && lost.allSatisfy { offsets.contains(Offset($0)) }
        }
        #expect(named, "\(segment) \(place): \(errors)")
      }
    }
  }

  @Test("of the files beside the segments changes no answer", arguments: [".index", "durable"])
  func besides(ending: String) throws {
    let (partition, events) = try Self.whole()
    let files = partition.disk.files(in: partition.folder.path).filter { $0.hasSuffix(ending) }
    #expect(!files.isEmpty)
    for file in files {
      let size = partition.disk.content(file)?.count ?? 0
      for place in 0..<size {
        partition.disk.damage(file) { $0[place] ^= 0x40 }
        let (found, errors) = try partition.readAll(bytes: 1000)
        #expect(found == events && errors.isEmpty, "\(file) \(place): \(errors)")
        for offset in [Int64(3), 9, 15] {
          var cursor = PartitionCursor(
            partition.folder,
            partition.disk,
            partition.configuration,
            at: Offset(offset)
          )
          let end = try partition.folder.durableEnd(partition.disk)
          let batch = try cursor.read(upTo: end, bytes: 1).first
          #expect(batch?.offset(0) == Offset(offset), "\(file) \(place)")
        }
        partition.disk.damage(file) { $0[place] ^= 0x40 }
      }
      partition.disk.damage(file) { $0 = [] }
      // Without either half of `durable` the end is the last one that a batch tells of.
      let (found, errors) = try partition.readAll()
      #expect(errors.isEmpty)
      #expect(found == (ending == "durable" ? events.filter { $0.key < 19 } : events))
    }
  }

  @Test("in the newest segment is no torn tail: opening it names the events and goes on after them")
  func newest() throws {
    for place in [0, 20, 130, 200] {
      let (partition, events) = try Self.whole()
      let segments = partition.disk.files(in: partition.folder.path).filter {
        $0.hasSuffix(".log")
      }
      let newest = try #require(segments.last)
      partition.disk.damage(newest) { $0[place] ^= 1 }
      // Even when the power had taken the file that tells of the end: a later batch tells as well.
      if place == 20 { partition.disk.damage(partition.folder.mark) { $0 = [] } }
      var (writer, report) = try partition.opened()
      guard case .damaged(let file, let position, let offsets, _)? = report.findings.first else {
        Issue.record("\(report)")
        return
      }
      #expect(file == newest && position == 0 && report.findings.count == 1)
      #expect(writer.next == Offset(Int64(events.count)))
      let receipt = try partition.append([["new=1"]], to: &writer)[0]
      #expect(receipt.baseOffset == Offset(Int64(events.count)))
      let (found, errors) = try partition.readAll()
      #expect(found[receipt.baseOffset.value] == "new=1")
      #expect(errors.count == 1)
      for offset in events.keys where found[offset] == nil {
        #expect(offsets.contains(Offset(offset)))
      }
    }
  }

  @Test("of the very first batch, with nothing else to tell of the partition, cuts nothing off")
  func first() throws {
    let partition = try PartitionOnDisk()
    var writer = try partition.open()
    for number in 0..<3 { try partition.append([["a=\(number)"]], to: &writer) }
    partition.disk.endProcess()
    let segment = partition.folder.segment(.zero)
    let size = partition.disk.content(segment)?.count
    partition.disk.damage(segment) { $0[10] ^= 1 }
    partition.disk.damage(partition.folder.mark) { $0 = [] }
    let (again, report) = try PartitionWriter.open(
      partition.folder,
      partition.disk,
      partition.configuration,
      newLogID: 99
    )
    guard case .damaged(_, 0, let offsets, _)? = report.findings.first else {
      Issue.record("\(report)")
      return
    }
    #expect(offsets == .zero..<Offset(1) && again.next == Offset(3))
    #expect(partition.disk.content(segment)?.count == size)
  }

  @Test("that a crash leaves at the end is cut off and reported, wherever it happened")
  func tornTail() throws {
    let (partition, events) = try Self.whole()
    let segments = partition.disk.files(in: partition.folder.path).filter { $0.hasSuffix(".log") }
    let newest = try #require(segments.last)
    let before = try #require(partition.disk.content(newest))
    let mark = try #require(partition.disk.content(partition.folder.mark))
    // A batch that was being written: the beginning of one that would have come next.
    var ahead = try partition.open()
    try partition.append([["torn=1", "torn=2"]], to: &ahead)
    let after = try #require(partition.disk.content(newest))
    partition.disk.endProcess()
    #expect(after.count > before.count)
    for size in (before.count + 1)..<after.count {
      for isZero in [false, true] {
        partition.disk.damage(newest) {
          $0 = Array(after.prefix(size))
          if isZero { $0 += [UInt8](repeating: 0, count: after.count - size) }
        }
        // The end as it was told before that batch.
        partition.disk.damage(partition.folder.mark) { $0 = mark }
        var (writer, report) = try partition.opened()
        if isZero, writer.next.value == Int64(events.count) + 2 {
          // What was cut off were zeros.
          #expect(report.findings.isEmpty)
        } else {
          guard
            case .tornTail(let file, let position, let bytes, let offset, _)? =
              report.findings.first
          else {
            Issue.record("\(size): \(report)")
            return
          }
          #expect(file == newest && position == Int64(before.count) && report.findings.count == 1)
          #expect(bytes == Int64(isZero ? after.count : size) - position)
          #expect(offset == Offset(Int64(events.count)) && writer.next == offset)
          #expect(partition.disk.content(newest) == before)
          #expect(try partition.readAll().events == events)
        }
        try writer.close()
      }
    }
  }

  @Test("at the end takes the producers of what is cut off along, so their retries count")
  func producersOfTornTail() throws {
    let partition = try PartitionOnDisk()
    var writer = try partition.open()
    try partition.append([["a=1"]], to: &writer)
    let size = try #require(partition.disk.content(partition.folder.segment(.zero))).count
    let mark = try #require(partition.disk.content(partition.folder.mark))
    let retried = PartitionOnDisk.batch(
      ["b=1"],
      .none,
      ProducerSequence(ProducerID(high: 1, low: 1), 0)
    )
    _ = writer.commit(
      [PartitionOnDisk.batch(["torn=1"]), retried],
      at: Instant(microseconds: 1_700_000_000_000_000)
    )
    // The power was cut before the sync: of two batches the second alone reached the disk.
    partition.disk.endProcess()
    partition.disk.damage(partition.folder.segment(.zero)) { $0[size + 9] ^= 1 }
    partition.disk.damage(partition.folder.mark) { $0 = mark }
    var (again, report) = try partition.opened()
    guard case .tornTail? = report.findings.first else {
      Issue.record("\(report)")
      return
    }
    let receipt = try again.commit([retried], at: Instant(microseconds: 1))[0].get()
    #expect(receipt.baseOffset == Offset(1) && !receipt.isRepeated)
    #expect(try partition.readAll().events == [0: "a=1", 1: "b=1"])
  }

  @Test("that takes acknowledged events away is told, and their offsets are not given again")
  func missing() throws {
    let (partition, events) = try Self.whole()
    let newest = try #require(
      partition.disk.files(in: partition.folder.path).last { $0.hasSuffix(".log") }
    )
    partition.disk.damage(newest) { $0 = [] }
    var (writer, report) = try partition.opened()
    guard case .missing(let offsets)? = report.findings.first else {
      Issue.record("\(report)")
      return
    }
    #expect(offsets.upperBound == Offset(Int64(events.count)))
    #expect(writer.next == offsets.upperBound)
    try partition.append([["after=1"]], to: &writer)
    let (found, errors) = try partition.readAll()
    #expect(found[offsets.upperBound.value] == "after=1")
    #expect(found.count == Int(offsets.lowerBound.value) + 1)
    #expect(errors == [.missing(partition.folder.partition, offsets: offsets)])
  }

  @Test("is not what a later format is: such a partition is left alone")
  func laterFormat() throws {
    let (partition, _) = try Self.whole()
    let segments = partition.disk.files(in: partition.folder.path).filter { $0.hasSuffix(".log") }
    let newest = try #require(segments.last)
    partition.disk.damage(newest) { bytes in
      bytes[4] = 2
      let sum = bytes.withUnsafeBytes { bytes in
        bytes.baseAddress.map { mill_crc32c(mill_crc32c(0, $0, 8), $0 + 12, 116) } ?? 0
      }
      withUnsafeBytes(of: sum.littleEndian) { bytes.replaceSubrange(8..<12, with: $0) }
    }
    let before = partition.disk.content(newest)
    #expect(
      throws: EventLogError.unknownFormat(partition.folder.partition, file: newest, position: 0)
    ) { try partition.opened() }
    #expect(partition.disk.content(newest) == before)
  }

  @Test("is not repaired by batches of another log that stand in somebody's value")
  func foreignBytes() throws {
    let (other, _) = try Self.whole()
    let bytes = try #require(other.disk.content(other.folder.segment(.zero)))
    let partition = try PartitionOnDisk()
    var (writer, _) = try PartitionWriter.open(
      partition.folder,
      partition.disk,
      partition.configuration,
      newLogID: 1
    )
    try partition.append([["first=1"]], to: &writer)
    var builder = RecordBatchBuilder()
    builder.append(key: nil, value: bytes, eventTime: Instant(microseconds: 1))
    let size = try #require(partition.disk.content(partition.folder.segment(.zero))).count
    let batch = EncodedBatch(builder, compression: .none)
    _ = try writer.commit([batch], at: Instant(microseconds: 1))[0].get()
    partition.disk.endProcess()
    // Its own header is torn, and it was never acknowledged.
    partition.disk.damage(partition.folder.segment(.zero)) { $0[size + 20] ^= 1 }
    partition.disk.damage(partition.folder.mark) { $0 = [] }
    let report = try partition.opened().report
    guard case .tornTail(_, let position, _, _, _)? = report.findings.first else {
      Issue.record("\(report)")
      return
    }
    #expect(position == Int64(size) && report.end == Offset(1))
  }
}
