// SPDX-License-Identifier: Apache-2.0

public import MillCore

/// Where acknowledged events stand.
public struct AppendReceipt: Hashable, Sendable {
  /// The partition.
  public var partition: TopicPartition
  /// The offset of the first event; the others follow without a hole.
  public var baseOffset: Offset
  /// How many there are.
  public var count: Int
  /// When they were appended, by the clock of the log.
  public var appendTime: Instant
  /// Whether an append before this one had put them there.
  public var isRepeated: Bool

  /// The offset after the last event.
  public var endOffset: Offset { baseOffset + count }

  /// A receipt of these.
  public init(
    partition: TopicPartition,
    baseOffset: Offset,
    count: Int,
    appendTime: Instant,
    isRepeated: Bool
  ) {
    self.partition = partition
    self.baseOffset = baseOffset
    self.count = count
    self.appendTime = appendTime
    self.isRepeated = isRepeated
  }
}

/// What makes an append repeatable: who appends, and the number that they give to its first event.
///
/// A producer numbers its events of a partition without a hole. One that is used once, as for an
/// idempotency key of a request, begins at 0.
public struct ProducerSequence: Hashable, Sendable {
  /// Who appends.
  public var producer: ProducerID
  /// The number of the first event, from 0.
  public var sequence: Int64

  /// A producer and its number.
  public init(_ producer: ProducerID, _ sequence: Int64) {
    self.producer = producer
    self.sequence = sequence
  }
}
