// SPDX-License-Identifier: Apache-2.0

public import MillCore

/// Why events could not be appended to a log or read from it.
///
/// An append that throws was not acknowledged: its events may be there later or not. Repeated with
/// the same producer and sequence it is there once.
@nonexhaustive
public enum EventLogError: Failure, Equatable {
  /// Text that no topic can be named.
  case invalidTopic(name: String)
  /// Text that no consumer group can be named.
  case invalidGroup(name: String)
  /// The log has no such partition; it has `partitions` of the topic, from 0.
  case noPartition(TopicPartition, partitions: Int)
  /// The events at this place are gone, or have not come yet.
  case offsetOutOfRange(TopicPartition, asked: Offset, first: Offset, end: Offset)
  /// Another process, or another log in this one, writes the partition.
  case locked(TopicPartition)
  /// Another process does this work on the partition, which one at a time may do.
  case busy(TopicPartition, work: String)
  /// More bytes wait to be written than the configuration allows.
  case overloaded(TopicPartition, pending: ByteCount, limit: ByteCount)
  /// One batch of this size is more than the configuration allows.
  case batchTooLarge(TopicPartition, size: ByteCount, limit: ByteCount)
  /// There was nothing to append.
  case noRecords(TopicPartition)
  /// A sequence follows that leaves out some: what came before was lost on the way.
  case sequenceGap(TopicPartition, producer: ProducerID, expected: Int64, found: Int64)
  /// A sequence comes again whose offsets are not remembered any more.
  case sequenceForgotten(TopicPartition, producer: ProducerID, sequence: Int64)
  /// A sequence comes again with another number of records.
  case sequenceReused(TopicPartition, producer: ProducerID, sequence: Int64)
  /// Bytes are not those that were written; the events at these offsets cannot be read.
  case damaged(
    TopicPartition,
    file: String,
    position: Int64,
    offsets: Range<Offset>,
    problem: String
  )
  /// Acknowledged events are not there: a file is gone or was cut.
  case missing(TopicPartition, offsets: Range<Offset>)
  /// A later version of Millrace wrote the partition, and this one leaves it alone.
  case unknownFormat(TopicPartition, file: String, position: Int64)
  /// The disk refused; nothing of the append counts, and the next one begins on a new segment.
  case notAcknowledged(TopicPartition, cause: FileError)
  /// The log, or the partition, was closed.
  case closed(TopicPartition)
  /// Somebody asked to stop.
  case cancelled
  /// The disk refused to read or to make a file.
  case storage(FileError)
  /// A configuration contradicts itself.
  case configuration(reason: String)

  /// `log.` and the case, or the code of the disk's own refusal.
  public var code: String {
    switch self {
    case .invalidTopic: "log.invalid-topic"
    case .invalidGroup: "log.invalid-group"
    case .noPartition: "log.no-partition"
    case .offsetOutOfRange: "log.offset-out-of-range"
    case .locked: "log.locked"
    case .busy: "log.busy"
    case .overloaded: "log.overloaded"
    case .batchTooLarge: "log.batch-too-large"
    case .noRecords: "log.no-records"
    case .sequenceGap: "log.sequence-gap"
    case .sequenceForgotten: "log.sequence-forgotten"
    case .sequenceReused: "log.sequence-reused"
    case .damaged: "log.damaged"
    case .missing: "log.missing"
    case .unknownFormat: "log.unknown-format"
    case .notAcknowledged: "log.not-acknowledged"
    case .closed: "log.closed"
    case .cancelled: "log.cancelled"
    case .storage(let cause): cause.code
    case .configuration: "log.configuration"
    }
  }

  /// A full queue may be tried again; damage and a full disk need somebody to act.
  public var errorClass: ErrorClass {
    switch self {
    case .overloaded, .locked, .busy: .transient
    case .invalidTopic, .invalidGroup, .noPartition, .batchTooLarge, .noRecords, .configuration:
      .definition
    case .offsetOutOfRange, .sequenceGap, .sequenceForgotten, .sequenceReused: .data
    case .damaged, .missing, .unknownFormat, .notAcknowledged, .storage: .outside
    case .closed, .cancelled: .cancelled
    }
  }

  /// What happened, to which partition and offsets, and what to do.
  public var description: String {
    switch self {
    case .invalidTopic(let name):
      "no topic can be named \"\(name)\": use up to 200 letters, digits, `.`, `_` and `-`, "
        + "a letter or a digit first"
    case .invalidGroup(let name):
      "no consumer group can be named \"\(name)\": use up to 200 letters, digits, `.`, `_` and "
        + "`-`, a letter or a digit first"
    case .noPartition(let partition, let partitions):
      partitions == 0
        ? "the log has no topic \(partition.topic): create it first"
        : "topic \(partition.topic) has the partitions 0 to \(partitions - 1), "
          + "and no \(partition.partition)"
    case .offsetOutOfRange(let partition, let asked, let first, let end):
      "\(partition) has no event at offset \(asked): it has \(first) up to, not including, \(end); "
        + "read on from \(first), and the events before it from the bronze table"
    case .locked(let partition):
      "\(partition) is being written by another process: append through it, or stop it first"
    case .busy(let partition, let work):
      "\(partition): another process is \(work): try again when it has ended"
    case .overloaded(let partition, let pending, let limit):
      "\(partition): \(pending) wait to be written, of \(limit) allowed: append again later"
    case .batchTooLarge(let partition, let size, let limit):
      "\(partition): one batch has \(size), of \(limit) allowed: append fewer events at once"
    case .noRecords(let partition):
      "\(partition): there is nothing to append"
    case .sequenceGap(let partition, let producer, let expected, let found):
      "\(partition): producer \(producer) sent sequence \(found), where \(expected) comes next: "
        + "append what is missing first"
    case .sequenceForgotten(let partition, let producer, let sequence):
      "\(partition): sequence \(sequence) of producer \(producer) was appended too long ago for its "
        + "offsets to be remembered; it was not appended again"
    case .sequenceReused(let partition, let producer, let sequence):
      "\(partition): sequence \(sequence) of producer \(producer) was appended with another number "
        + "of records; nothing was appended"
    case .damaged(let partition, let file, let position, let offsets, let problem):
      "\(partition): \(file) is damaged at byte \(position): \(problem); the events "
        + "\(Self.text(offsets)) cannot be read: restore the file from a backup, or read on from "
        + "\(offsets.upperBound)"
    case .missing(let partition, let offsets):
      "\(partition): the acknowledged events \(Self.text(offsets)) are missing: restore the "
        + "partition's files from a backup, or read on from \(offsets.upperBound)"
    case .unknownFormat(let partition, let file, let position):
      "\(partition): \(file) holds at byte \(position) a batch in a format that this version does not "
        + "know: use the version that wrote it, or a later one"
    case .notAcknowledged(let partition, let cause):
      "\(partition): the events were not made durable: \(cause)"
    case .closed(let partition):
      "\(partition) was closed"
    case .cancelled:
      "the work was stopped"
    case .storage(let cause):
      cause.description
    case .configuration(let reason):
      "the event log cannot be configured so: \(reason)"
    }
  }

  private static func text(_ offsets: Range<Offset>) -> String {
    "\(offsets.lowerBound) to \(offsets.upperBound.value - 1)"
  }
}
