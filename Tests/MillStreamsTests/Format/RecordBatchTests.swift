// SPDX-License-Identifier: Apache-2.0

import CChecksum
import MillCore
import MillStreams
import MillTesting
import Testing

@Suite("A batch of records")
struct RecordBatchTests {
  private struct Record: Equatable {
    var key: [UInt8]?
    var value: [UInt8]?
    var time: Int64
    var headers: [RecordHeader]
  }

  private static func random(_ chance: SeededRandom) -> [Record] {
    func bytes(_ limit: Int) -> [UInt8] {
      (0..<chance.below(limit)).map { _ in UInt8(truncatingIfNeeded: chance.next()) }
    }
    let keys = chance.below(3)
    let (hasTombstones, hasHeaders) = (chance.happens(percent: 50), chance.happens(percent: 50))
    return (0..<(1 + chance.below(40))).map { _ in
      Record(
        key: keys == 0 || (keys == 1 && chance.happens(percent: 50)) ? nil : bytes(10),
        value: hasTombstones && chance.happens(percent: 30) ? nil : bytes(100),
        time: Int64(bitPattern: chance.next()),
        headers: hasHeaders && chance.happens(percent: 40)
          ? (0..<(1 + chance.below(3))).map { RecordHeader("h\($0)é", bytes(20)) } : []
      )
    }
  }

  @Test("comes back from the log as it went in, whatever is absent, packed or not")
  func roundTrip() throws {
    for seed in 0..<200 as Range<UInt64> {
      let chance = SeededRandom(seed: seed)
      let records = Self.random(chance)
      var builder = RecordBatchBuilder()
      for record in records {
        builder.append(
          key: record.key,
          value: record.value,
          eventTime: Instant(microseconds: record.time),
          headers: record.headers
        )
      }
      var partition = try PartitionOnDisk()
      partition.configuration.compression = chance.happens(percent: 50) ? .zstd(level: 3) : .none
      var writer = try partition.open()
      let encoded = EncodedBatch(builder, compression: partition.configuration.compression)
      _ = try writer.commit([encoded], at: Instant(microseconds: 5))[0].get()
      var cursor = PartitionCursor(
        partition.folder,
        partition.disk,
        partition.configuration,
        at: .zero
      )
      let batch = try #require(try cursor.read(upTo: writer.end, bytes: 10).first)
      let back = (0..<batch.count).map { row in
        Record(
          key: batch.key(row),
          value: batch.value(row),
          time: batch.eventTime(row).microseconds,
          headers: batch.headers(row)
        )
      }
      #expect(back == records, "seed \(seed)")
      #expect(batch.eventTimeMin.microseconds == records.map(\.time).min())
      #expect(batch.eventTimeMax.microseconds == records.map(\.time).max())
      #expect(batch.baseOffset == .zero && batch.endOffset == Offset(Int64(records.count)))
    }
  }

  @Test("begins with the bytes that its description says")
  func bytes() throws {
    var builder = RecordBatchBuilder()
    builder.append(key: "k", value: "value", eventTime: Instant(microseconds: 0x0102_0304_0506))
    let partition = try PartitionOnDisk()
    var writer = try partition.open()
    let producer = ProducerID(high: 0xA1, low: 0xB2)
    let batch = EncodedBatch(builder, compression: .none, producer: producer, sequence: 7)
    _ = try writer.commit([batch], at: Instant(microseconds: 0x77))[0].get()
    let file = try #require(partition.disk.content(partition.folder.segment(.zero)))
    // 128 of header; 8 of time, 2 × 8 of ends, 1 of key, 5 of value, 2 of zeros.
    #expect(file.count == 128 + 32)
    func number(_ place: Int, _ count: Int) -> UInt64 {
      file[place..<(place + count)].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
    #expect(Array(file[0..<8]) == Array("MLOG".utf8) + [1, 0, 0, 1])
    let header = file.withUnsafeBytes { bytes in
      bytes.baseAddress.map { mill_crc32c(mill_crc32c(0, $0, 8), $0 + 12, 116) }
    }
    #expect(number(8, 4) == header.map(UInt64.init))
    let body = file.withUnsafeBytes { bytes in
      bytes.baseAddress.map { mill_crc32c(0, $0 + 128, 32) }
    }
    #expect(number(12, 4) == body.map(UInt64.init))
    #expect([number(16, 4), number(20, 4), number(24, 4), number(28, 4)] == [30, 30, 1, 1])
    #expect(number(32, 8) == 0)
    #expect(number(40, 8) == 0x0102_0304_0506 && number(48, 8) == 0x0102_0304_0506)
    #expect(number(56, 8) == 0x77 && number(64, 8) == 0)
    #expect([number(72, 8), number(80, 8), number(88, 8)] == [0xA1, 0xB2, 7])
    #expect([number(96, 4), number(100, 4), number(104, 4)] == [1, 5, 0])
    #expect(number(112, 8) == 0x1234_5678_9ABC_DEF0)
    #expect(number(128, 8) == 0x0102_0304_0506)
    #expect([number(136, 4), number(140, 4), number(144, 4), number(148, 4)] == [0, 1, 0, 5])
    #expect(Array(file[152..<160]) == Array("kvalue".utf8) + [0, 0])
  }

  @Test("is read from any of its offsets on")
  func fromTheMiddle() throws {
    let partition = try PartitionOnDisk()
    var writer = try partition.open()
    let texts = (0..<9).map { "k\($0)=\($0)" }
    try partition.append([texts, texts], to: &writer)
    for start in 0..<18 as Range<Int64> {
      var cursor = PartitionCursor(
        partition.folder,
        partition.disk,
        partition.configuration,
        at: Offset(start)
      )
      var offsets: [Int64] = []
      var values: [String] = []
      while cursor.next < writer.next {
        for batch in try cursor.read(upTo: writer.end, bytes: 1) {
          batch.withColumns { columns in
            #expect(columns.valueEnds.count == columns.count + 1)
            for row in 0..<columns.count {
              offsets.append(columns.offset(row).value)
              values.append(columns.value(row).map { String(decoding: $0, as: UTF8.self) } ?? "")
              #expect(columns.eventTimes[row] == 4)
            }
          }
        }
      }
      #expect(offsets == Array(start..<18))
      #expect(values == Array((texts + texts)[Int(start)...]))
    }
  }

  @Test("with a kind that says that time goes on is told apart from records")
  func idleMarker() throws {
    let partition = try PartitionOnDisk()
    var writer = try partition.open()
    let marker = EncodedBatch(
      .idleMarker(at: Instant(microseconds: 99)),
      compression: .zstd(level: 1)
    )
    _ = try writer.commit([marker], at: Instant(microseconds: 100))[0].get()
    var cursor = PartitionCursor(
      partition.folder,
      partition.disk,
      partition.configuration,
      at: .zero
    )
    let batch = try #require(try cursor.read(upTo: writer.end, bytes: 1000).first)
    #expect(batch.kind == .idleMarker && batch.count == 1)
    #expect(batch.eventTimeMax == Instant(microseconds: 99))
    #expect(batch.key(0) == nil && batch.value(0) == nil)
  }

  @Test("has a name of a topic that is a name of a folder")
  func names() {
    for name in ["a", "payments.eu-1_x", String(repeating: "t", count: 200), "7"] {
      #expect(TopicName(name)?.description == name)
    }
    let bad = [
      "", ".", "..", ".hidden", "-a", "_a", "a/b", "a b", "ä", "a\0b",
      String(repeating: "t", count: 201),
    ]
    for name in bad { #expect(TopicName(name) == nil, "\(name)") }
  }

  @Test("of one key always goes to the same partition, and keys spread")
  func partitions() {
    var counts = [Int](repeating: 0, count: 7)
    for number in 0..<7000 {
      let key = Array("card-\(number)".utf8)
      let partition = key.withUnsafeBytes { TopicPartition.number(forKey: $0, of: 7) }
      #expect(key.withUnsafeBytes { TopicPartition.number(forKey: $0, of: 7) } == partition)
      counts[Int(partition)] += 1
    }
    #expect(counts.allSatisfy { (800...1200).contains($0) }, "\(counts)")
    // 0xE3069283 × 0x9E3779B1 modulo 2^32 is 0x66F03793; × 1000 / 2^32 is 402.
    let digits = Array("123456789".utf8)
    #expect(digits.withUnsafeBytes { TopicPartition.number(forKey: $0, of: 1000) } == 402)
  }
}
