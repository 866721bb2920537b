// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import MillCore
import MillStreams

/// From the call that appends to a reader that has the events, beside write and fdatasync.
struct LogLatencyBench: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "log-latency",
    abstract: "From appending to reading in the same process, against one write and fdatasync."
  )

  @Option(help: "Appends, and as many raw syncs in turn with them.") var appends = 2000
  @Option(help: "Events of 200 bytes in each.") var batch = 50
  @Option(help: "Where to work; the folder is removed afterwards.") var folder = "bench-log"

  func run() async throws {
    let manager = FileManager.default
    try? manager.removeItem(atPath: folder)
    try manager.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? manager.removeItem(atPath: folder) }
    let root = URL(fileURLWithPath: folder).path
    let payload = LogPayload(batch: batch)
    let log = try SegmentLog(folder: "\(root)/log", world: .system())
    let partition = try LogPayload.partition()
    try await log.createTopic(partition.topic, partitions: 1)
    _ = try await log.open(partition)
    let reader = try await log.reader(of: partition, from: .earliest)
    let file = try LocalLogStorage().open("\(root)/raw", .write)
    var place: Int64 = 0
    var raw: [Duration] = []
    var visible: [Duration] = []
    var acknowledged: [Duration] = []
    var builder = RecordBatchBuilder()
    for _ in 0..<appends {
      let began = ContinuousClock.now
      try payload.bytes.withUnsafeBytes { bytes in try file.write([bytes], at: place) }
      try file.sync()
      raw.append(began.duration(to: .now))
      place += Int64(payload.bytes.count)
      builder.removeAll()
      payload.fill(&builder)
      let events = builder
      async let read = Self.next(reader)
      let start = ContinuousClock.now
      _ = try await log.append(events, to: partition)
      acknowledged.append(start.duration(to: .now))
      visible.append(start.duration(to: try await read))
    }
    try await log.close()
    print(
      "\(appends) appends of \(batch) events, in turn with write and fdatasync of as many bytes"
    )
    Self.report("write + fdatasync", raw)
    Self.report("until acknowledged", acknowledged)
    Self.report("until a reader has it", visible)
  }

  private static func next(_ reader: any EventLogReader) async throws -> ContinuousClock.Instant {
    _ = try await reader.next()
    return .now
  }

  private static func report(_ name: String, _ times: [Duration]) {
    let times = times.sorted()
    let at = { (part: Double) in
      fixed(times[min(times.count - 1, Int(Double(times.count) * part))] / .milliseconds(1), 3)
    }
    let padded = name + String(repeating: " ", count: max(0, 24 - name.count))
    print("  \(padded)p50 \(at(0.5)) ms, p90 \(at(0.9)) ms, p99 \(at(0.99)) ms")
  }
}
