// SPDX-License-Identifier: Apache-2.0

public import MillCore

/// Topics of events that are appended at their ends, kept, and read as often as wanted.
///
/// The contract of the embedded ``SegmentLog`` and of adapters to others. Within a partition events
/// have one order, that of their offsets; between partitions there is none.
public protocol EventLog: Sendable {
  /// Makes a topic of so many partitions, or gives one that has fewer the missing ones.
  func createTopic(_ topic: TopicName, partitions: Int32) async throws(EventLogError)

  /// The topics and how many partitions each has.
  func topics() async throws(EventLogError) -> [TopicName: Int32]

  /// Appends events, all or none, and returns when they are as durable as the log is configured for.
  ///
  /// An append that was taken is brought to its end though its task be cancelled.
  ///
  /// - Parameter sequence: Makes the append repeatable: after an error, or without an answer, the same
  ///   call again leads to the events being there once. One producer has one append on its way at a
  ///   time for each partition.
  func append(
    _ records: RecordBatchBuilder,
    to partition: TopicPartition,
    as sequence: ProducerSequence?
  ) async throws(EventLogError) -> AppendReceipt

  /// Reads a partition from a place on.
  func reader(
    of partition: TopicPartition,
    from position: ReadPosition
  ) async throws(EventLogError) -> any EventLogReader

  /// The offsets that there are: from the first to, not including, the end.
  func offsets(of partition: TopicPartition) async throws(EventLogError) -> Range<Offset>

  /// Keeps how far a group has come, durably: `offset` is the next that it has not yet dealt with.
  func commit(
    _ offset: Offset,
    for group: ConsumerGroup,
    in partition: TopicPartition
  ) async throws(EventLogError)

  /// How far a group has come, or nil if it never said.
  func committed(
    for group: ConsumerGroup,
    in partition: TopicPartition
  ) async throws(EventLogError) -> Offset?
}

extension EventLog {
  /// Appends events that nobody repeats.
  public func append(
    _ records: RecordBatchBuilder,
    to partition: TopicPartition
  ) async throws(EventLogError) -> AppendReceipt {
    try await append(records, to: partition, as: nil)
  }

  /// How many events a group has not yet dealt with, or all there are if it never said how far it is.
  public func lag(
    of group: ConsumerGroup,
    in partition: TopicPartition
  ) async throws(EventLogError) -> Int {
    let offsets = try await offsets(of: partition)
    let committed = try await committed(for: group, in: partition) ?? offsets.lowerBound
    return max(0, offsets.upperBound - max(committed, offsets.lowerBound))
  }
}

/// Where to begin to read.
public enum ReadPosition: Hashable, Sendable {
  /// At the first event that there is.
  case earliest
  /// Behind the last.
  case latest
  /// At an offset, or at the first event after it where compaction took it away.
  case offset(Offset)
  /// At the first event that happened at this time or later. Those before it in the log happened
  /// earlier; among those after it some may have, since events come in any order of time.
  case eventTime(Instant)
  /// At the first batch that was appended at this time or later.
  case appendTime(Instant)
}

/// Reads one partition, from a place on, as far as events are acknowledged.
///
/// What it gives is in the order of offsets, nothing twice and nothing left out. It holds about
/// ``LogConfiguration/readBytes`` at a time. One task uses it at a time.
public protocol EventLogReader: AnyObject, Sendable {
  /// The partition.
  var partition: TopicPartition { get }

  /// The offset that is read next.
  var position: Offset { get async }

  /// The next batches, at least one; waits where there is none yet.
  ///
  /// - Throws: ``EventLogError/offsetOutOfRange(_:asked:first:end:)`` when retention was faster;
  ///   ``EventLogError/damaged(_:file:position:offsets:problem:)`` and
  ///   ``EventLogError/missing(_:offsets:)`` where events cannot be read, which a ``seek(to:)`` behind
  ///   them leaves out; ``EventLogError/cancelled``.
  func next() async throws(EventLogError) -> [RecordBatch]

  /// The next batches, or none where there is none yet.
  func poll() async throws(EventLogError) -> [RecordBatch]

  /// Goes on elsewhere.
  func seek(to position: ReadPosition) async throws(EventLogError)
}

/// The batches of a reader, without an end: `for try await batch in RecordBatches(reader)`.
public struct RecordBatches: AsyncSequence, Sendable {
  /// One batch.
  public typealias Element = RecordBatch

  private let reader: any EventLogReader

  /// What a reader gives from where it stands.
  public init(_ reader: any EventLogReader) {
    self.reader = reader
  }

  /// Begins to read.
  public func makeAsyncIterator() -> Iterator { Iterator(reader: reader) }

  /// Holds what was read at once and not yet given.
  public struct Iterator: AsyncIteratorProtocol {
    let reader: any EventLogReader
    private var batches: ArraySlice<RecordBatch> = []

    init(reader: any EventLogReader) {
      self.reader = reader
    }

    /// The next batch; waits for it.
    public mutating func next() async throws(EventLogError) -> RecordBatch? {
      if batches.isEmpty { batches = try await reader.next()[...] }
      return batches.popFirst()
    }
  }
}
