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
  @Option(help: "Rounds, of which the medians count; within each both sides take turns.")
  var rounds = 5
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
    var opens: [Measurement] = []
    var reads: [Measurement] = []
    for round in 0..<max(1, rounds) {
      let rawFile = "\(root)/raw-\(round)"
      let log = "\(root)/log-\(round)"
      let (rawSide, logSide) = try await takeTurns(rawFile, log, payload, batches, round)
      raw.append(rawSide)
      appended.append(logSide)
      opens.append(try await open(log))
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
    let verified = opens.last?.facts["bytes"] ?? 0
    let open = opens.map(\.wallSeconds).sorted()[opens.count / 2]
    print(
      "  opening it, \(fixed(verified / 1_048_576, 0)) MiB verified: \(fixed(open * 1000, 0)) ms"
    )
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

  /// Some batches by one side, then as many by the other, until all are written: a shared disk is not
  /// the same from one second to the next, and so both have it within the same ones.
  private func takeTurns(
    _ rawFile: String,
    _ folder: String,
    _ payload: LogPayload,
    _ batches: Int,
    _ round: Int
  ) async throws -> (raw: Measurement, log: Measurement) {
    let file = try LocalLogStorage().open(rawFile, .write)
    var place: Int64 = 0
    var configuration = LogConfiguration()
    if zstd > 0 { configuration.compression = .zstd(level: zstd) }
    let log = try SegmentLog(folder: folder, world: .system(), configuration: configuration)
    let partition = try LogPayload.partition()
    try await log.createTopic(partition.topic, partitions: 1)
    _ = try await log.open(partition)
    let turn = max(callers, 16)
    var raw = Measurement.nothing("write + fdatasync")
    var appended = Measurement.nothing("log append, durable")
    for (number, first) in stride(from: 0, to: batches, by: turn).enumerated() {
      let count = min(turn, batches - first)
      for side in (number + round) % 2 == 0 ? [0, 1] : [1, 0] {
        if side == 0 {
          raw = raw.and(
            try await metered("") { try writeRaw(file, &place, payload, count) }.measurement,
            named: raw.measure
          )
        } else {
          appended = appended.and(
            try await metered("") { try await append(log, partition, payload, count) }.measurement,
            named: appended.measure
          )
        }
      }
    }
    try await log.close()
    return (raw, appended)
  }

  /// What anybody would write who has the bytes at hand: the same number of them, written and synced
  /// batch by batch.
  private func writeRaw(
    _ file: any LogFile,
    _ place: inout Int64,
    _ payload: LogPayload,
    _ batches: Int
  ) throws {
    for _ in 0..<batches {
      try payload.bytes.withUnsafeBytes { bytes in try file.write([bytes], at: place) }
      try file.sync()
      place += Int64(payload.bytes.count)
    }
  }

  /// Events laid out, checksummed, written and synced.
  ///
  /// Both sides begin with what they are given: the one with bytes, the other with events.
  private func append(
    _ log: SegmentLog,
    _ partition: TopicPartition,
    _ payload: LogPayload,
    _ batches: Int
  ) async throws {
    let callers = max(1, callers)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for caller in 0..<callers {
        group.addTask {
          for _ in stride(from: caller, to: batches, by: callers) {
            _ = try await log.append(payload.events, to: partition)
          }
        }
      }
      try await group.waitForAll()
    }
  }

  /// What the next writer does: the newest segment is read and verified.
  private func open(_ path: String) async throws -> Measurement {
    let log = try SegmentLog(folder: path, world: .system())
    let partition = try LogPayload.partition()
    let (report, measured) = try await metered("open") { try await log.open(partition) }
    guard report.findings.isEmpty else { throw ChildError(description: "\(report)") }
    try await log.close()
    return measured.with(["bytes": Double(report.bytesVerified)])
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
  /// The same as events.
  private(set) var events = RecordBatchBuilder()

  static func partition() throws -> TopicPartition {
    guard let topic = TopicName("bench") else { throw ChildError(description: "no topic") }
    return TopicPartition(topic, 0)
  }

  init(batch: Int) {
    self.batch = batch
    let random = SeededRandom(seed: 1)
    let letters = Array("0123456789abcdef".utf8)
    bytes = (0..<(200 * batch)).map { _ in letters[Int(random.next() % 16)] }
    var events = RecordBatchBuilder()
    fill(&events)
    self.events = events
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
