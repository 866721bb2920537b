// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import MillCore
import MillStreams

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Appends to one partition of a log for ever, until somebody kills the process.
///
/// Three streams append at the same time, each with numbers that ascend from 0, which are the sequences
/// of its producer as well. A writer that begins again looks in the log how far each stream came, sends
/// its last events once more, which must not count twice, and goes on. A line `STREAM NEXT` on standard
/// output says that the numbers before NEXT are acknowledged: they may never be lost.
struct SoakLogWriter: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "soak-log",
    abstract: "Appends to a log until it is killed.",
    shouldDisplay: false
  )

  @Argument(help: "The log's folder, absolute.") var folder: String
  @Option(help: "The partition of the topic `soak`.") var partition: Int32 = 0
  @Option(help: "Batches of each stream; without an end by default.") var batches = Int.max

  static let streams = 3

  func run() async throws {
    guard let topic = TopicName("soak") else { throw ChildError(description: "no topic") }
    let partition = TopicPartition(topic, partition)
    var configuration = LogConfiguration()
    configuration.segmentBytes = ByteCount(bytes: 64 << 10)
    configuration.compression = partition.partition % 2 == 0 ? .none : .zstd(level: 1)
    configuration.lockWait = .seconds(10)
    let log = try SegmentLog(folder: folder, world: .system(), configuration: configuration)
    let report = try await log.open(partition)
    for finding in report.findings {
      guard case .tornTail = finding else { throw ChildError(description: "\(finding)") }
    }
    let known = try await counts(log, partition)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for stream in 0..<Self.streams {
        group.addTask { try await append(stream, from: known[stream], to: log, partition) }
      }
      group.addTask { try await tend(log, partition) }
      try await group.waitForAll()
    }
  }

  /// How many numbers of each stream there are.
  private func counts(_ log: SegmentLog, _ partition: TopicPartition) async throws -> [Int64] {
    var counts = [Int64](repeating: 0, count: Self.streams)
    let reader = try await log.reader(of: partition, from: .earliest)
    while true {
      let batches = try await reader.poll()
      if batches.isEmpty { break }
      for batch in batches {
        guard let producer = batch.producer, let sequence = batch.sequence else { continue }
        counts[Int(producer.low)] = sequence + Int64(batch.count)
      }
    }
    return counts
  }

  private func append(
    _ stream: Int,
    from known: Int64,
    to log: SegmentLog,
    _ partition: TopicPartition
  ) async throws {
    let random = SystemRandom()
    let producer = ProducerID(high: 1, low: UInt64(stream))
    var next = known
    var made = 0
    while made < batches {
      var events = RecordBatchBuilder()
      let count = Int64(1 + random.next() % 40)
      for number in next..<(next + count) {
        events.append(
          key: "\(stream)",
          value: "\(stream) \(number) " + String(repeating: "x", count: Int(number % 150)),
          eventTime: Instant(microseconds: number)
        )
      }
      let sequence = ProducerSequence(producer, next)
      let receipt = try await log.append(events, to: partition, as: sequence)
      if random.next() % 10 == 0 {
        let again = try await log.append(events, to: partition, as: sequence)
        guard again.isRepeated, again.baseOffset == receipt.baseOffset else {
          throw ChildError(description: "\(again) is not \(receipt)")
        }
      }
      next += count
      made += 1
      print("\(stream) \(next)")
      fflush(nil)
    }
  }

  /// Commits offsets of a group, which may never be beyond the end.
  private func tend(_ log: SegmentLog, _ partition: TopicPartition) async throws {
    guard let group = ConsumerGroup("soak") else { return }
    let reader = try await log.reader(of: partition, from: .earliest)
    var read = 0
    while read < batches {
      _ = try await reader.next()
      read += 1
      try await log.commit(await reader.position, for: group, in: partition)
    }
  }
}
