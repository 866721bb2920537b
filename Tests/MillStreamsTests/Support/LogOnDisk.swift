// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillStreams
import MillTesting

/// A partition on a simulated disk, and what a test does with it.
struct PartitionOnDisk {
  let disk: SimulatedLogDisk
  let folder: PartitionFolder
  var configuration = LogConfiguration()

  init(_ disk: SimulatedLogDisk = SimulatedLogDisk()) throws {
    guard let topic = TopicName("events") else { throw Broken(description: "no topic") }
    self.disk = disk
    folder = PartitionFolder("/log", TopicPartition(topic, 0))
  }

  func open() throws -> PartitionWriter { try opened().writer }

  func opened() throws -> (writer: PartitionWriter, report: RecoveryReport) {
    try PartitionWriter.open(folder, disk, configuration, newLogID: 0x1234_5678_9ABC_DEF0)
  }

  /// One batch of each group of texts; the event time is the text's place among all.
  @discardableResult
  func append(
    _ groups: [[String]],
    to writer: inout PartitionWriter,
    at now: Int64 = 1_700_000_000_000_000
  ) throws -> [AppendReceipt] {
    let batches = groups.map { Self.batch($0, configuration.compression) }
    return try writer.commit(batches, at: Instant(microseconds: now)).map { try $0.get() }
  }

  static func batch(
    _ texts: [String],
    _ compression: LogCompression = .none,
    _ sequence: ProducerSequence? = nil
  ) -> EncodedBatch {
    var builder = RecordBatchBuilder()
    for text in texts {
      builder.append(
        key: text.split(separator: "=").first.map(String.init),
        value: text,
        eventTime: Instant(microseconds: Int64(text.utf8.count))
      )
    }
    return EncodedBatch(
      builder,
      compression: compression,
      producer: sequence?.producer ?? ProducerID(high: 0, low: 0),
      sequence: sequence?.sequence ?? -1
    )
  }

  /// The events that can be read, and the errors met on the way, each of which is passed over.
  func readAll(bytes: Int = 400) throws -> (events: [Int64: String], errors: [EventLogError]) {
    let end = try folder.durableEnd(disk)
    let first = try PartitionCursor.first(folder, disk, upTo: end)
    var cursor = PartitionCursor(folder, disk, configuration, at: first)
    var events: [Int64: String] = [:]
    var errors: [EventLogError] = []
    var last: Int64 = -1
    while cursor.next < end.next {
      do throws(EventLogError) {
        let batches = try cursor.read(upTo: end, bytes: bytes)
        if batches.isEmpty { break }
        for batch in batches {
          for row in 0..<batch.count {
            let offset = batch.offset(row).value
            guard offset > last else { throw .configuration(reason: "\(offset) after \(last)") }
            last = offset
            events[offset] = batch.value(row).map { String(decoding: $0, as: UTF8.self) } ?? "-"
          }
        }
      } catch {
        errors.append(error)
        switch error {
        case .damaged(_, _, _, let offsets, _), .missing(_, let offsets):
          cursor.seek(to: max(offsets.upperBound, cursor.next + 1))
        default: throw error
        }
      }
    }
    return (events, errors)
  }
}
