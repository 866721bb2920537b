// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillStreams
import MillTesting
import Testing

@Suite("The writer of a partition")
struct PartitionWriterTests {
  private static let producer = ProducerID(high: 7, low: 9)

  private static func batch(_ texts: [String], _ sequence: Int64) -> EncodedBatch {
    PartitionOnDisk.batch(texts, .none, ProducerSequence(producer, sequence))
  }

  @Test("writes and syncs once for all that came together")
  func oneSync() throws {
    let partition = try PartitionOnDisk()
    var writer = try partition.open()
    let before = partition.disk.syncs
    let receipts = try partition.append((0..<50).map { ["a=\($0)", "b=\($0)"] }, to: &writer)
    #expect(partition.disk.syncs == before + 1)
    #expect(receipts.map(\.baseOffset.value) == (0..<50).map { 2 * $0 })
    #expect(receipts.allSatisfy { $0.count == 2 && !$0.isRepeated })
  }

  @Test(
    "answers a repeated append with the offsets of the first, also after a restart and a new segment"
  )
  func repeated() throws {
    let partition = try PartitionOnDisk()
    var writer = try partition.open()
    let now = Instant(microseconds: 10)
    let first = try writer.commit([Self.batch(["a=1", "b=1"], 0)], at: now)[0].get()
    let second = try writer.commit([Self.batch(["a=2"], 2)], at: now)[0].get()
    #expect(first.baseOffset == .zero && second.baseOffset == Offset(2))
    for step in 0..<4 {
      let again = try writer.commit(
        [Self.batch(["a=1", "b=1"], 0), Self.batch(["a=2"], 2)],
        at: Instant(microseconds: 20)
      ).map { try $0.get() }
      #expect(again.map(\.baseOffset) == [.zero, Offset(2)], "step \(step)")
      #expect(again.allSatisfy { $0.isRepeated && $0.appendTime == now })
      switch step {
      case 0:
        partition.disk.endProcess()
        writer = try partition.open()
      case 1: try writer.roll()
      default:
        // What was kept of the producers is gone: the headers of all segments tell.
        partition.disk.endProcess()
        for file in partition.disk.files(in: partition.folder.path)
        where file.hasSuffix(".producers") {
          try partition.disk.remove(file)
        }
        writer = try partition.open()
      }
    }
    #expect(try partition.readAll().events.count == 3)
  }

  @Test("repeats within one write as well")
  func repeatedTogether() throws {
    let partition = try PartitionOnDisk()
    var writer = try partition.open()
    let batches = [Self.batch(["a=1"], 0), Self.batch(["a=1"], 0), Self.batch(["a=2"], 1)]
    let receipts = try writer.commit(batches, at: Instant(microseconds: 1)).map { try $0.get() }
    #expect(receipts.map(\.baseOffset.value) == [0, 0, 1])
    #expect(receipts.map(\.isRepeated) == [false, true, false])
    // Of a write that fails none counts, and neither does the repetition of one in it.
    partition.disk.fail(after: 1, .brokenDisk)
    let failed = writer.commit(
      [Self.batch(["a=3"], 2), Self.batch(["a=3"], 2)],
      at: Instant(microseconds: 1)
    )
    for outcome in failed {
      guard case .failure(.notAcknowledged) = outcome else {
        Issue.record("\(outcome)")
        continue
      }
    }
    let retried = try writer.commit([Self.batch(["a=3"], 2)], at: Instant(microseconds: 2))[0].get()
    #expect(retried.baseOffset == Offset(2) && !retried.isRepeated)
  }

  @Test("refuses sequences that leave something out, come too late or mean something else")
  func sequences() throws {
    let partition = try PartitionOnDisk()
    let id = partition.folder.partition
    var writer = try partition.open()
    let now = Instant(microseconds: 1)
    for number in 0..<8 as Range<Int64> {
      _ = try writer.commit([Self.batch(["a=1", "b=2"], 2 * number)], at: now)[0].get()
    }
    let refused = writer.commit(
      [
        Self.batch(["x=1"], 17), Self.batch(["x=1", "x=2"], 0), Self.batch(["x=1"], 14),
        Self.batch(["x=1", "x=2"], 13), Self.batch(["a=1", "b=2"], 4),
      ],
      at: now
    )
    let errors = refused.map { outcome -> EventLogError? in
      guard case .failure(let error) = outcome else { return nil }
      return error
    }
    #expect(
      errors == [
        .sequenceGap(id, producer: Self.producer, expected: 16, found: 17),
        .sequenceForgotten(id, producer: Self.producer, sequence: 0),
        .sequenceReused(id, producer: Self.producer, sequence: 14),
        .sequenceReused(id, producer: Self.producer, sequence: 13),
        .sequenceForgotten(id, producer: Self.producer, sequence: 4),
      ]
    )
    #expect(writer.next == Offset(16))
  }

  @Test("forgets the producer that was silent for longest when there are more than are remembered")
  func producersMax() throws {
    var partition = try PartitionOnDisk()
    partition.configuration.producersMax = 20
    var writer = try partition.open()
    func append(_ producer: Int) throws -> AppendReceipt {
      let sequence = ProducerSequence(ProducerID(high: 1, low: UInt64(producer)), 0)
      let batch = PartitionOnDisk.batch(["p=\(producer)"], .none, sequence)
      return try writer.commit([batch], at: Instant(microseconds: 1))[0].get()
    }
    for producer in 1...40 { _ = try append(producer) }
    #expect(try append(40).isRepeated)
    #expect(try append(35).isRepeated)
    #expect(try !append(1).isRepeated)
  }

  @Test(
    "whichever operation fails, and however, nothing acknowledged is lost and a retry stands once"
  )
  func anyFailure() throws {
    for fault in SimulatedLogDisk.Fault.allCases {
      var operation = 0
      while try failing(operation, fault) { operation += 1 }
      #expect(operation > 30)
    }
  }

  /// A life of some segments whose n-th operation fails; false when there was no such operation.
  private func failing(_ operation: Int, _ fault: SimulatedLogDisk.Fault) throws -> Bool {
    var partition = try PartitionOnDisk()
    partition.configuration.segmentBytes = ByteCount(bytes: 500)
    partition.disk.fail(after: operation, fault)
    var writer: PartitionWriter?
    var acknowledged: [Int64: String] = [:]
    for number in 0..<8 {
      let texts = ["k\(number)=\(String(repeating: "v", count: 30))", "l\(number)=2"]
      var tries = 0
      while true {
        tries += 1
        guard tries < 5 else { throw Broken(description: "\(fault) at \(operation) never ends") }
        if writer == nil {
          partition.disk.endProcess()
          writer = try? partition.open()
          continue
        }
        let outcome = writer?.commit(
          [Self.batch(texts, Int64(2 * number))],
          at: Instant(microseconds: Int64(number))
        )
        guard case .success(let receipt)? = outcome?.first else { continue }
        for (row, text) in texts.enumerated() {
          acknowledged[receipt.baseOffset.value + Int64(row)] = text
        }
        break
      }
    }
    let wasReached = partition.disk.operations > operation
    partition.disk.powerCut(SeededRandom(seed: UInt64(operation)))
    let report = try partition.opened().report
    #expect(report.findings.isEmpty, "\(fault) at \(operation): \(report)")
    let (events, errors) = try partition.readAll()
    #expect(events == acknowledged && errors.isEmpty, "\(fault) at \(operation): \(errors)")
    #expect(acknowledged.keys.sorted() == Array(0..<16), "\(fault) at \(operation)")
    return wasReached
  }

  @Test("begins another segment by size and by age, and finds them all again")
  func segments() throws {
    var partition = try PartitionOnDisk()
    partition.configuration.segmentBytes = ByteCount(bytes: 1000)
    partition.configuration.segmentAge = .seconds(3600)
    var writer = try partition.open()
    for number in 0..<20 { try partition.append([["a=\(number)"]], to: &writer, at: 1_000_000) }
    let files = partition.disk.files(in: partition.folder.path).filter { $0.hasSuffix(".log") }
    // 160 bytes each: six in a segment.
    #expect(files.map { $0.suffix(7) } == ["000.log", "006.log", "012.log", "018.log"])
    try partition.append([["late=1"]], to: &writer, at: 3_601_000_000)
    #expect(partition.disk.content(partition.folder.segment(Offset(20))) != nil)
    #expect(try partition.readAll().events.count == 21)
  }

  @Test(
    "gives each batch a time that is not before that of the one before, though the clock goes back"
  )
  func clock() throws {
    let partition = try PartitionOnDisk()
    var writer = try partition.open()
    let early = try partition.append([["a=1"]], to: &writer, at: 5_000)[0]
    let later = try partition.append([["a=2"]], to: &writer, at: 1_000)[0]
    #expect(early.appendTime == later.appendTime)
    try writer.close()
    var next = try partition.open()
    let third = try partition.append([["a=3"]], to: &next, at: 10)[0]
    #expect(third.appendTime == early.appendTime)
  }
}
