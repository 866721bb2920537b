// SPDX-License-Identifier: Apache-2.0

internal import MillCore

/// What the producers of a partition appended last, so that a repeated append is answered with the
/// offsets of the first.
///
/// Of each producer the last five batches are remembered: as many as a client keeps in flight. Of
/// producers there are at most so many as are configured; the one silent for longest is forgotten
/// first.
///
/// > Source: Kafka's idempotent producer, KIP-98 and KIP-360.
struct ProducerTable: Sendable {
  static let remembered = 5

  struct Batch: Hashable, Sendable {
    var sequence: Int64
    var count: Int
    var base: Offset
    var appendTime: Int64

    /// The sequence that comes next.
    var end: Int64 { sequence &+ Int64(count) }
  }

  struct Producer: Hashable, Sendable {
    var last: Batch
    /// Those before it, the oldest first.
    var earlier: [Batch] = []
    /// The append of the partition that was its last.
    var used: UInt64
  }

  enum Answer {
    /// It is new.
    case append
    /// It was appended before.
    case repeated(Batch)
    case refused(EventLogError)
  }

  private(set) var producers: [ProducerID: Producer] = [:]
  private let limit: Int
  private var clock: UInt64 = 0

  init(limit: Int) {
    self.limit = limit
  }

  /// What is to be done with a batch.
  func answer(_ header: BatchHeader, _ partition: TopicPartition) -> Answer {
    guard header.producer != .none, let known = producers[header.producer] else { return .append }
    if header.sequence == known.last.end { return .append }
    if header.sequence > known.last.end {
      return .refused(
        .sequenceGap(
          partition,
          producer: header.producer,
          expected: known.last.end,
          found: header.sequence
        )
      )
    }
    for batch in [known.last] + known.earlier where batch.sequence == header.sequence {
      return batch.count == header.count
        ? .repeated(batch)
        : .refused(
          .sequenceReused(partition, producer: header.producer, sequence: header.sequence)
        )
    }
    let oldest = known.earlier.first ?? known.last
    return .refused(
      header.sequence < oldest.sequence
        ? .sequenceForgotten(partition, producer: header.producer, sequence: header.sequence)
        : .sequenceReused(partition, producer: header.producer, sequence: header.sequence)
    )
  }

  /// Remembers a batch that has its offset, and gives back what stood there before.
  @discardableResult
  mutating func add(_ header: BatchHeader) -> Producer? {
    guard header.producer != .none, header.sequence >= 0 else { return nil }
    let batch = Batch(
      sequence: header.sequence,
      count: header.span,
      base: header.base,
      appendTime: header.appendTime
    )
    clock += 1
    let before = producers[header.producer]
    var producer = before ?? Producer(last: batch, used: clock)
    if before != nil {
      producer.earlier.append(producer.last)
      if producer.earlier.count >= Self.remembered { producer.earlier.removeFirst() }
      producer.last = batch
      producer.used = clock
    }
    producers[header.producer] = producer
    if producers.count > limit { forget() }
    return before
  }

  /// Takes an ``add(_:)`` back whose batch was not made durable.
  mutating func restore(_ id: ProducerID, _ before: Producer?) { producers[id] = before }

  /// A tenth at once, so that its sorting is seldom.
  private mutating func forget() {
    let used = producers.values.map(\.used).sorted()
    let bound = used[min(used.count - 1, max(0, producers.count - limit + limit / 10))]
    producers = producers.filter { $0.value.used >= bound }
  }
}

// MARK: - On the disk

extension ProducerTable {
  private static let magic: UInt32 = 0x4450_524D  // MRPD
  private static let version: UInt32 = 1

  func encoded() -> [UInt8] {
    var writer = ByteWriter(Self.magic, version: Self.version)
    writer.put(Int64(producers.count))
    for (id, producer) in producers.sorted(by: { $0.value.used < $1.value.used }) {
      writer.put(id.high)
      writer.put(id.low)
      writer.put(Int64(producer.earlier.count + 1))
      for batch in producer.earlier + [producer.last] {
        writer.put(batch.sequence)
        writer.put(Int64(batch.count))
        writer.put(batch.base.value)
        writer.put(batch.appendTime)
      }
    }
    return writer.finish()
  }

  /// Nil of bytes that were not written so.
  init?(_ bytes: [UInt8], limit: Int) {
    self.init(limit: limit)
    guard var reader = ByteReader(bytes, Self.magic, version: Self.version),
      let count = reader.get(Int64.self), count >= 0, count <= bytes.count / 24
    else { return nil }
    for _ in 0..<count {
      guard let high = reader.get(UInt64.self), let low = reader.get(UInt64.self),
        let batches = reader.get(Int64.self), (1...Int64(Self.remembered)).contains(batches)
      else { return nil }
      for _ in 0..<batches {
        guard let sequence = reader.get(Int64.self), let count = reader.get(Int64.self),
          let base = reader.get(Int64.self), let appendTime = reader.get(Int64.self)
        else { return nil }
        var header = BatchHeader()
        header.producer = ProducerID(high: high, low: low)
        header.sequence = sequence
        header.span = Int(count)
        header.base = Offset(base)
        header.appendTime = appendTime
        add(header)
      }
    }
  }
}
