// SPDX-License-Identifier: Apache-2.0

public import MillCore

/// How a ``SegmentLog`` keeps its events.
public struct LogConfiguration: Hashable, Sendable {
  /// What must have happened before an append is acknowledged.
  public enum Durability: Hashable, Sendable {
    /// The events are on the disk. Nothing acknowledged is lost, whether a process or the power ends.
    case synced
    /// The events are with the operating system. An end of the process loses nothing; a power cut or
    /// a crash of the system may lose what was acknowledged in the time that the system takes to
    /// write (30 s and more on Linux), and readers may have seen it. Offsets lost so are not given again
    /// where the disk still knows of them.
    case written
  }

  /// What becomes of an append that finds ``pendingBytesMax`` bytes waiting.
  public enum WhenFull: Hashable, Sendable {
    /// It waits in line, and its caller holds the batch meanwhile.
    case wait
    /// It is refused with ``EventLogError/overloaded(_:pending:limit:)``.
    case refuse
  }

  /// When an append is acknowledged.
  public var durability = Durability.synced
  /// How records are stored.
  public var compression = LogCompression.none
  /// A segment of this many bytes is sealed and another begun.
  public var segmentBytes = ByteCount(bytes: 256 << 20)
  /// A segment whose first batch is this old is sealed with the next append, so that retention by
  /// time has something to remove.
  public var segmentAge = Duration.seconds(86_400)
  /// A longer batch is refused.
  public var batchBytesMax = ByteCount(bytes: 16 << 20)
  /// Bytes of one partition that may wait to be written.
  public var pendingBytesMax = ByteCount(bytes: 64 << 20)
  /// What becomes of an append beyond that.
  public var whenFull = WhenFull.wait
  /// One write and sync take at most about so many bytes; a longer queue is written in several.
  public var commitBytesMax = ByteCount(bytes: 32 << 20)
  /// Producers of a partition whose last appends are remembered; the one silent for longest is
  /// forgotten first.
  public var producersMax = 100_000
  /// How far apart the entries of the sparse index are.
  public var indexIntervalBytes = ByteCount(bytes: 64 << 10)
  /// What a reader takes from the disk at once; a batch that is longer is taken whole.
  public var readBytes = ByteCount(bytes: 1 << 20)
  /// How long an append waits for another writer of its partition to end before it throws.
  public var lockWait = Duration.zero
  /// A reader of a partition that another process writes looks for new events this often at first;
  /// without any, seldomer and seldomer, down to ``pollIntervalMax``.
  public var pollInterval = Duration.milliseconds(1)
  /// The longest time between two looks.
  public var pollIntervalMax = Duration.milliseconds(50)

  /// The defaults.
  public init() {}

  /// Refuses what cannot work.
  func check() throws(EventLogError) {
    guard batchBytesMax.bytes >= 1, batchBytesMax.bytes <= Int64(BatchHeader.bodyBytesMax) else {
      throw .configuration(reason: "batchBytesMax must be from 1 byte to 1 GiB")
    }
    guard segmentBytes.bytes >= 1, segmentBytes.bytes <= 1 << 40 else {
      throw .configuration(reason: "segmentBytes must be from 1 byte to 1 TiB")
    }
    guard pendingBytesMax.bytes > 0, commitBytesMax.bytes > 0, readBytes.bytes > 0,
      indexIntervalBytes.bytes > 0, producersMax > 0
    else { throw .configuration(reason: "sizes and counts must be above zero") }
    guard pollInterval > .zero, pollIntervalMax >= pollInterval else {
      throw .configuration(reason: "pollInterval must be above zero and up to pollIntervalMax")
    }
  }
}
