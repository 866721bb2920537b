// SPDX-License-Identifier: Apache-2.0

import Foundation
import MillCore
import MillStreams
import MillTesting
import Synchronization
import Testing

/// Real processes that append to partitions of one log and are killed without warning, while somebody
/// in another process reads.
@Suite("Writers of a log that are killed", .serialized)
struct LogCrashTests {
  /// `MILLRACE_SOAK_KILLS` makes more of them.
  static var kills: Int {
    ProcessInfo.processInfo.environment["MILLRACE_SOAK_KILLS"].flatMap { Int($0) } ?? 12
  }

  private struct Missing: Error, CustomStringConvertible {
    var description = "no mill-bench beside the tests: run `swift build` first"
  }

  private static func program() throws -> String {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    let path = root.appendingPathComponent(".build/debug/mill-bench").path
    guard FileManager.default.isExecutableFile(atPath: path) else { throw Missing() }
    return path
  }

  /// An event, as its place and its text tell.
  private struct Event: Equatable {
    var offset: Int64
    var text: String
  }

  @Test("lose nothing that they said was acknowledged, and leave nothing twice or out of order")
  func killed() async throws {
    let seed = UInt64.random(in: 0..<1_000_000)
    print("kills of writers of a log with seed \(seed)")
    let chance = SeededRandom(seed: seed)
    let folder = try TemporaryFolder("log")
    let program = try Self.program()
    let topic = try #require(TopicName("soak"))
    let log = try SegmentLog(folder: folder.path("log"), world: .system())
    try await log.createTopic(topic, partitions: 2)
    var acknowledged = [[Int: Int64]](repeating: [:], count: 2)
    var killed = 0
    while killed < Self.kills {
      var running: [(partition: Int, process: ChildProcess, output: String)] = []
      var readers: [Task<[Event], any Error>] = []
      // The third waits until the first is dead and goes on where that one was.
      for (number, partition) in [0, 1, 0].enumerated() {
        let output = folder.path("output-\(killed)-\(number)")
        let process = try ChildProcess(
          [program, "soak-log", folder.path("log"), "--partition", "\(partition)"],
          output: output,
          errors: output + ".err"
        )
        running.append((partition, process, output))
        guard number < 2 else { continue }
        let reader = try await log.reader(
          of: TopicPartition(topic, Int32(partition)),
          from: .earliest
        )
        readers.append(Task { try await Self.follow(reader) })
      }
      for (partition, process, output) in running {
        // The point of death is a time: there is nothing else to wait for in another process.
        usleep(UInt32(100_000 + chance.below(500_000)))
        process.kill()
        guard case .killed = process.wait() else {
          let errors = try String(contentsOfFile: output + ".err", encoding: .utf8)
          Issue.record("seed \(seed): a writer ended by itself: \(errors)")
          return
        }
        killed += 1
        for line in try String(contentsOfFile: output, encoding: .utf8).split(separator: "\n") {
          let parts = line.split(separator: " ").compactMap { Int64($0) }
          guard parts.count == 2 else { continue }
          let stream = Int(parts[0])
          // The last line may be half written, which makes its number smaller.
          acknowledged[partition][stream] = max(acknowledged[partition][stream] ?? 0, parts[1])
        }
      }
      for (partition, reader) in readers.enumerated() {
        reader.cancel()
        try await hold(
          log,
          TopicPartition(topic, Int32(partition)),
          to: acknowledged[partition],
          served: try await reader.value,
          "seed \(seed), kill \(killed), partition \(partition)"
        )
      }
    }
    #expect(acknowledged.allSatisfy { $0.values.reduce(0, +) > 0 })
  }

  /// What a reader is given until it is cancelled.
  private static func follow(_ reader: any EventLogReader) async throws -> [Event] {
    var events: [Event] = []
    while !Task.isCancelled {
      let outcome = await Self.next(reader)
      switch outcome {
      case .success(let batches): events += Self.events(batches)
      case .failure(.cancelled): return events
      case .failure(let error): throw error
      }
    }
    return events
  }

  private static func next(
    _ reader: any EventLogReader
  ) async -> Result<[RecordBatch], EventLogError> {
    do throws(EventLogError) {
      return .success(try await reader.next())
    } catch {
      return .failure(error)
    }
  }

  private static func events(_ batches: [RecordBatch]) -> [Event] {
    batches.flatMap { batch in
      (0..<batch.count).map { row in
        Event(
          offset: batch.offset(row).value,
          text: String(decoding: batch.value(row) ?? [], as: UTF8.self)
        )
      }
    }
  }

  private func hold(
    _ log: SegmentLog,
    _ partition: TopicPartition,
    to acknowledged: [Int: Int64],
    served: [Event],
    _ comment: String
  ) async throws {
    // Opening repairs what the kill left, as the next writer would.
    let report = try await log.open(partition)
    for finding in report.findings {
      guard case .tornTail = finding else {
        Issue.record("\(comment): \(finding)")
        continue
      }
    }
    let reader = try await log.reader(of: partition, from: .earliest)
    var events: [Event] = []
    while true {
      let batches = try await reader.poll()
      if batches.isEmpty { break }
      events += Self.events(batches)
    }
    try await log.release(partition)
    #expect(events.map(\.offset) == Array(0..<Int64(events.count)), "\(comment): offsets")
    #expect(Array(events.prefix(served.count)) == served, "\(comment): a reader saw something else")
    var next: [Int: Int64] = [:]
    for event in events {
      let parts = event.text.split(separator: " ").prefix(2).compactMap { Int64($0) }
      guard parts.count == 2 else {
        Issue.record("\(comment): \(event)")
        return
      }
      guard parts[1] == next[Int(parts[0])] ?? 0 else {
        Issue.record("\(comment): \(parts) instead of \(next[Int(parts[0])] ?? 0)")
        return
      }
      next[Int(parts[0])] = parts[1] + 1
    }
    for (stream, count) in acknowledged {
      #expect(next[stream] ?? 0 >= count, "\(comment): stream \(stream) said \(count)")
    }
    let group = try #require(ConsumerGroup("soak"))
    if let committed = try await log.committed(for: group, in: partition) {
      #expect(committed.value <= Int64(events.count), "\(comment): committed \(committed)")
    }
  }
}
