// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillStreams
import MillTesting

/// Why a life of a partition is not as it must be.
struct Broken: Error, CustomStringConvertible {
  var description: String
}

/// A random life of one partition on a simulated disk, held against a plain list of what was
/// acknowledged.
///
/// Appends by several producers with repetitions, reads by a reader that knows only the disk, new
/// segments, retention, compaction, operations that fail, processes that die and power that is cut.
/// After each of the latter the partition is opened again, and at the end it is read from its first
/// offset.
struct PartitionLife {
  static let topic = TopicName("events").map { TopicPartition($0, 0) }

  let chance: SeededRandom
  let disk: SimulatedLogDisk
  let folder: PartitionFolder
  var configuration = LogConfiguration()
  let allowsRetention: Bool
  var writer: PartitionWriter?
  var reader: PartitionCursor?
  var now: Int64 = 1_700_000_000_000_000

  /// What was acknowledged at each offset.
  var acknowledged: [Int64: Event] = [:]
  /// What a reader was given at each offset.
  var served: [Int64: Event] = [:]
  /// The offset at which each event was seen.
  var places: [Int: Int64] = [:]
  var nextEvent = 0
  /// For each producer its number, its next sequence, and what it must send again.
  var producers: [(sequence: Int64, unanswered: [Event]?)] = [(0, nil), (0, nil), (0, nil)]
  var first: Int64 = 0
  var wasCompacted = false
  var powerCuts = 0
  var log: [String] = []

  struct Event: Hashable {
    var number: Int
    var key: Int
    var isTombstone: Bool
  }

  init(seed: UInt64, lie: SimulatedLogDisk.Lie = .none) throws {
    guard let partition = Self.topic else { throw Broken(description: "no topic") }
    chance = SeededRandom(seed: seed)
    disk = SimulatedLogDisk(lie: lie)
    folder = PartitionFolder("/log", partition)
    configuration.segmentBytes = ByteCount(bytes: Int64(400 + chance.below(6000)))
    configuration.indexIntervalBytes = ByteCount(bytes: Int64(1 + chance.below(1000)))
    configuration.readBytes = ByteCount(bytes: Int64(1 + chance.below(4000)))
    configuration.compression = chance.happens(percent: 30) ? .zstd(level: 1) : .none
    allowsRetention = chance.happens(percent: 50)
  }

  mutating func live(steps: Int) throws {
    for _ in 0..<steps {
      switch chance.below(100) {
      case 0..<50: try append()
      case 50..<70: try read()
      case 70..<76:
        disk.fail(after: chance.below(6), SimulatedLogDisk.Fault.allCases[chance.below(3)])
      case 76..<84: try die()
      case 84..<92: try cutPower()
      case 92..<95: try close()
      case 95..<98: try removeOld()
      default: try compact()
      }
    }
    try die()
    try readAll()
  }

  // MARK: Steps

  private mutating func open() throws {
    if writer != nil { return }
    do throws(EventLogError) {
      let opened = try PartitionWriter.open(folder, disk, configuration, newLogID: chance.next())
      writer = opened.writer
      for finding in opened.report.findings {
        log.append("\(finding)")
        if case .tornTail = finding { continue }
        throw EventLogError.configuration(reason: "recovery found: \(finding)")
      }
    } catch {
      // A disk that refuses is tried again in a later step; anything else is wrong.
      log.append("open: \(error)")
      guard case .storage = error else { throw Broken(description: "\(error)") }
      writer = nil
    }
  }

  private mutating func append() throws {
    try open()
    guard writer != nil else { return }
    var batches: [EncodedBatch] = []
    var sent: [(producer: Int?, events: [Event])] = []
    for _ in 0..<(1 + chance.below(4)) {
      let number = chance.below(producers.count + 1)
      guard number < producers.count else {
        let events = newEvents()
        sent.append((nil, events))
        batches.append(EncodedBatch(builder(events), compression: configuration.compression))
        continue
      }
      // One batch of a producer at a time is on its way.
      if sent.contains(where: { $0.producer == number }) { continue }
      let events = producers[number].unanswered ?? newEvents()
      sent.append((number, events))
      batches.append(
        EncodedBatch(
          builder(events),
          compression: configuration.compression,
          producer: ProducerID(high: 1, low: UInt64(number + 1)),
          sequence: producers[number].sequence
        )
      )
    }
    now += Int64(chance.below(1000))
    let outcomes = writer?.commit(batches, at: Instant(microseconds: now)) ?? []
    for (outcome, (producer, events)) in zip(outcomes, sent) {
      switch outcome {
      case .success(let receipt):
        guard receipt.count == events.count else { throw Broken(description: "count \(receipt)") }
        for (index, event) in events.enumerated() {
          try acknowledge(event, receipt.baseOffset.value + Int64(index))
        }
        guard let producer else { continue }
        // Now and then the answer is lost on its way, and the producer sends again.
        if chance.happens(percent: 20) {
          producers[producer].unanswered = events
        } else {
          producers[producer].unanswered = nil
          producers[producer].sequence += Int64(events.count)
        }
      case .failure(let error):
        log.append("append: \(error.code)")
        guard case .notAcknowledged = error else { throw Broken(description: "\(error)") }
        if let producer { producers[producer].unanswered = events }
      }
    }
  }

  private mutating func acknowledge(_ event: Event, _ offset: Int64) throws {
    if let before = acknowledged[offset], before != event {
      throw Broken(description: "offset \(offset) was given to \(before) and to \(event)")
    }
    acknowledged[offset] = event
    try place(event, offset)
  }

  private mutating func place(_ event: Event, _ offset: Int64) throws {
    if let before = places[event.number], before != offset {
      throw Broken(description: "event \(event.number) stands at \(before) and at \(offset)")
    }
    places[event.number] = offset
  }

  /// What a reader in another process sees.
  private mutating func read() throws {
    do throws(EventLogError) {
      let end = try folder.durableEnd(disk)
      var cursor: PartitionCursor
      if let reader {
        cursor = reader
      } else {
        let first = try PartitionCursor.first(folder, disk, upTo: end)
        cursor = PartitionCursor(folder, disk, configuration, at: first)
      }
      if cursor.next > end.next {
        // After a power cut the end may be told too low until a writer has opened the partition.
        reader = nil
        return
      }
      let batches = try cursor.read(upTo: end, bytes: 1 + chance.below(3000))
      reader = chance.happens(percent: 90) ? cursor : nil
      for batch in batches { try serve(batch) }
    } catch {
      reader = nil
      if case .offsetOutOfRange = error, allowsRetention { return }
      throw Broken(description: "reading: \(error)")
    }
  }

  private mutating func serve(_ batch: RecordBatch) throws(EventLogError) {
    for row in 0..<batch.count {
      let event = Self.event(batch, row)
      let offset = batch.offset(row).value
      if let before = served[offset] ?? acknowledged[offset], before != event {
        throw .configuration(reason: "offset \(offset) was \(before) and is \(event)")
      }
      served[offset] = event
      if let before = places[event.number], before != offset {
        throw .configuration(reason: "event \(event.number) is at \(before) and at \(offset)")
      }
      places[event.number] = offset
    }
  }

  private mutating func die() throws {
    disk.endProcess()
    writer = nil
    disk.mend()
    try open()
  }

  private mutating func cutPower() throws {
    powerCuts += 1
    log.append("power cut")
    disk.powerCut(chance)
    writer = nil
    // Nobody holds an open file through it.
    if let reader { self.reader = PartitionCursor(folder, disk, configuration, at: reader.next) }
    // What a reader sees before any writer has come must be right too.
    try read()
    try open()
  }

  private mutating func close() throws {
    guard var open = writer else { return }
    do throws(FileError) { try open.close() } catch { log.append("close: \(error)") }
    disk.endProcess()
    writer = nil
  }

  private mutating func removeOld() throws {
    guard allowsRetention, let writer else { return }
    let kept = Int64(chance.below(Int(writer.next.value) + 1))
    do throws(EventLogError) {
      let report = try PartitionRetention(folder, disk, configuration).retain(
        RetentionPolicy(bytes: ByteCount(bytes: Int64(chance.below(4000)))),
        keptElsewhereTo: Offset(kept),
        upTo: writer.end,
        at: Instant(microseconds: now)
      )
      if report.firstOffset.value > kept, report.firstOffset.value > first {
        throw EventLogError.configuration(reason: "removed to \(report.firstOffset), kept \(kept)")
      }
      first = max(first, report.firstOffset.value)
    } catch {
      // Some may be gone when the disk refuses in the middle.
      guard case .storage = error else { throw Broken(description: "\(error)") }
      first = max(first, kept)
    }
  }

  private mutating func compact() throws {
    guard let writer else { return }
    wasCompacted = true
    var policy = CompactionPolicy()
    policy.memory = ByteCount(bytes: Int64(48 * (1 + chance.below(8))))
    policy.tombstoneAge = chance.happens(percent: 50) ? .zero : .seconds(10_000)
    do throws(EventLogError) {
      _ = try PartitionRetention(folder, disk, configuration).compact(
        policy,
        keptElsewhereTo: Offset(Int64(chance.below(Int(writer.next.value) + 1))),
        upTo: writer.end,
        at: Instant(microseconds: now)
      )
    } catch {
      log.append("compact: \(error)")
      guard case .storage = error else { throw Broken(description: "\(error)") }
    }
  }

  // MARK: What must be true

  private mutating func readAll() throws {
    try open()
    guard let writer else { throw Broken(description: "it cannot be opened") }
    let end = writer.end
    let start: Offset
    var events: [(offset: Int64, event: Event)] = []
    do throws(EventLogError) {
      start = try PartitionCursor.first(folder, disk, upTo: end)
      var cursor = PartitionCursor(folder, disk, configuration, at: start)
      while cursor.next < end.next {
        let batches = try cursor.read(upTo: end, bytes: 500)
        if batches.isEmpty { break }
        for batch in batches {
          try serve(batch)
          for row in 0..<batch.count {
            events.append((batch.offset(row).value, Self.event(batch, row)))
          }
        }
      }
      guard cursor.next == end.next else { throw .configuration(reason: "read to \(cursor.next)") }
    } catch {
      throw Broken(description: "reading it all: \(error)")
    }
    if start.value > first { throw Broken(description: "it begins at \(start), not at \(first)") }
    for (one, next) in zip(events, events.dropFirst()) where one.offset >= next.offset {
      throw Broken(description: "offset \(next.offset) follows \(one.offset)")
    }
    guard Set(events.map(\.event.number)).count == events.count else {
      throw Broken(description: "an event is there twice")
    }
    var there: [Int64: Event] = [:]
    var newest: [Int: Int64] = [:]
    for (offset, event) in events { there[offset] = event }
    for (offset, event) in acknowledged { newest[event.key] = max(newest[event.key] ?? 0, offset) }
    for (offset, event) in served { newest[event.key] = max(newest[event.key] ?? 0, offset) }
    for known in [acknowledged, served] {
      for (offset, event) in known where offset >= max(first, start.value) {
        if there[offset] == event { continue }
        let isReplaced = (newest[event.key] ?? 0) > offset || event.isTombstone
        if there[offset] == nil, wasCompacted, isReplaced { continue }
        throw Broken(
          description:
            "offset \(offset) was \(event), is \(there[offset].map { "\($0)" } ?? "gone")"
        )
      }
    }
  }

  // MARK: Events

  private mutating func newEvents() -> [Event] {
    (0..<(1 + chance.below(5))).map { _ in
      nextEvent += 1
      return Event(
        number: nextEvent,
        key: chance.below(6),
        isTombstone: chance.happens(percent: 10)
      )
    }
  }

  private func builder(_ events: [Event]) -> RecordBatchBuilder {
    var builder = RecordBatchBuilder()
    for event in events {
      let text = "\(event.number)"
      builder.append(
        key: "key-\(event.key)",
        value: event.isTombstone ? nil : text + String(repeating: "x", count: event.number % 40),
        eventTime: Instant(microseconds: now - Int64(event.number % 7)),
        headers: [RecordHeader("number", Array(text.utf8))]
      )
    }
    return builder
  }

  private static func event(_ batch: RecordBatch, _ row: Int) -> Event {
    let key = batch.key(row).map { String(decoding: $0, as: UTF8.self) } ?? ""
    let number = batch.headers(row).first.map { String(decoding: $0.value, as: UTF8.self) } ?? ""
    return Event(
      number: Int(number) ?? -1,
      key: Int(key.dropFirst(4)) ?? -1,
      isTombstone: batch.value(row) == nil
    )
  }
}
