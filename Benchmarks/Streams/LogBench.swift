// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import MillCore
import MillStreams

/// The event log against the disk itself.
struct LogBench: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "log",
    abstract:
      "Appending to and reading the event log, against write and fdatasync of the same bytes."
  )

  @Option(help: "Events of 200 bytes.") var events = 2_000_000
  @Option(help: "Events in a batch; each batch is made durable.") var batch = 10_000
  @Option(help: "Rounds; both sides take turns and the medians count.") var rounds = 5
  @Option(help: "Where to work; the folder is removed afterwards.") var folder = "bench-log"
  @Option(help: "Level of zstd; 0 for none.") var zstd: Int32 = 0
  @Option(help: "Callers that append at the same time.") var callers = 1

  func run() async throws {
    let manager = FileManager.default
    try? manager.removeItem(atPath: folder)
    try manager.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? manager.removeItem(atPath: folder) }
    let root = URL(fileURLWithPath: folder).path
    let batches = max(1, events / batch)
    let payload = LogPayload(batch: batch)
    var raw: [Measurement] = []
    var appended: [Measurement] = []
    var reads: [Measurement] = []
    for round in 0..<max(1, rounds) {
      let rawFile = "\(root)/raw-\(round)"
      let log = "\(root)/log-\(round)"
      // Sides take turns at being first: the disk is not the same from one second to the next.
      for side in round % 2 == 0 ? [0, 1] : [1, 0] {
        if side == 0 {
          raw.append(try await writeRaw(rawFile, payload, batches))
        } else {
          appended.append(try await append(log, payload, batches))
        }
      }
      reads.append(try await read(log))
      try? manager.removeItem(atPath: rawFile)
      try? manager.removeItem(atPath: log)
    }
    let count = Double(batches * batch)
    print(
      "\(batches * batch) events of 200 bytes, \(batch) in a batch, \(callers) callers, zstd \(zstd)"
    )
    Self.report("write + fdatasync", raw, count)
    Self.report("log append, durable", appended, count)
    Self.report("log read", reads, count)
    // Each round by itself: both sides had the disk within the same seconds.
    let ratios = zip(raw, appended).map { $0.wallSeconds / $1.wallSeconds }.sorted()
    print("  append to raw: \(fixed(ratios[ratios.count / 2] * 100, 0)) % (median of the rounds'")
    print(
      "    ratios; from \(fixed(ratios[0] * 100, 0)) to \(fixed((ratios.last ?? 0) * 100, 0)) %)"
    )
  }

  private static func report(_ name: String, _ measurements: [Measurement], _ count: Double) {
    let walls = measurements.map(\.wallSeconds).sorted()
    let cpus = measurements.map(\.cpuSeconds).sorted()
    let wall = walls[walls.count / 2]
    let cpu = cpus[cpus.count / 2]
    let peak = measurements.map(\.peakMebibytes).max() ?? 0
    let padded = name + String(repeating: " ", count: max(0, 22 - name.count))
    print(
      "  \(padded)\(fixed(count / wall / 1e6)) M events/s, \(fixed(wall)) s, \(fixed(cpu)) s CPU, "
        + "\(fixed(count / cpu / 1e6)) M events per CPU-second, peak \(fixed(peak, 0)) MiB"
    )
  }

  /// What anybody would write who has the bytes at hand: the same number of them, written and synced
  /// batch by batch.
  private func writeRaw(
    _ path: String,
    _ payload: LogPayload,
    _ batches: Int
  ) async throws -> Measurement {
    let bytes = payload.bytes
    return try await metered("write + fdatasync") {
      let file = try LocalLogStorage().open(path, .write)
      var place: Int64 = 0
      for _ in 0..<batches {
        try bytes.withUnsafeBytes { bytes in try file.write([bytes], at: place) }
        try file.sync()
        place += Int64(bytes.count)
      }
    }.measurement
  }

  private func append(
    _ path: String,
    _ payload: LogPayload,
    _ batches: Int
  ) async throws -> Measurement {
    var configuration = LogConfiguration()
    if zstd > 0 { configuration.compression = .zstd(level: zstd) }
    let log = try SegmentLog(folder: path, world: .system(), configuration: configuration)
    let partition = try LogPayload.partition()
    try await log.createTopic(partition.topic, partitions: 1)
    _ = try await log.open(partition)
    let callers = max(1, callers)
    let measured = try await metered("log append, durable") {
      try await withThrowingTaskGroup(of: Void.self) { group in
        for caller in 0..<callers {
          group.addTask {
            var builder = RecordBatchBuilder()
            for _ in stride(from: caller, to: batches, by: callers) {
              builder.removeAll()
              payload.fill(&builder)
              _ = try await log.append(builder, to: partition)
            }
          }
        }
        try await group.waitForAll()
      }
    }.measurement
    try await log.close()
    return measured
  }

  /// All events, each value looked at: its first eight bytes are summed up.
  private func read(_ path: String) async throws -> Measurement {
    let log = try SegmentLog(folder: path, world: .system())
    let reader = try await log.reader(of: try LogPayload.partition(), from: .earliest)
    let (sums, measured) = try await metered("log read") { () -> (count: Int, sum: UInt64) in
      var count = 0
      var sum: UInt64 = 0
      while true {
        let batches = try await reader.poll()
        if batches.isEmpty { break }
        for batch in batches {
          batch.withColumns { columns in
            count += columns.count
            for row in 0..<columns.count {
              let begin = Int(columns.valueEnds[row])
              sum &+= columns.valueBytes.loadUnaligned(fromByteOffset: begin, as: UInt64.self)
            }
          }
        }
      }
      return (count, sum)
    }
    let expected = max(1, events / batch) * batch
    guard sums.count == expected, sums.sum != 0 else {
      throw ChildError(description: "read \(sums.count) of \(expected) events")
    }
    return measured
  }
}

/// Events of 200 bytes that no compression makes vanish.
struct LogPayload: Sendable {
  let batch: Int
  /// The values of one batch.
  let bytes: [UInt8]

  static func partition() throws -> TopicPartition {
    guard let topic = TopicName("bench") else { throw ChildError(description: "no topic") }
    return TopicPartition(topic, 0)
  }

  init(batch: Int) {
    self.batch = batch
    let random = SeededRandom(seed: 1)
    let letters = Array("0123456789abcdef".utf8)
    bytes = (0..<(200 * batch)).map { _ in letters[Int(random.next() % 16)] }
  }

  func fill(_ builder: inout RecordBatchBuilder) {
    builder.reserve(count: batch, valueBytes: bytes.count)
    bytes.withUnsafeBytes { bytes in
      for row in 0..<batch {
        builder.append(
          key: nil,
          value: UnsafeRawBufferPointer(rebasing: bytes[(200 * row)..<(200 * row + 200)]),
          eventTime: Instant(microseconds: Int64(row))
        )
      }
    }
  }
}
