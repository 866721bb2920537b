// SPDX-License-Identifier: Apache-2.0

public import MillCore

/// How long sealed segments are kept, at least.
///
/// A segment goes when either bound says so, and only when all of its offsets lie before the offset up
/// to which the events are kept elsewhere, which is the bronze table (docs/semantics.md, 31). The
/// segment that is being written never goes.
public struct RetentionPolicy: Hashable, Sendable {
  /// A segment whose last batch was appended longer ago goes; nil for no bound.
  public var age: Duration?
  /// The oldest segments go while the partition has more bytes than this; nil for no bound.
  public var bytes: ByteCount?

  /// A policy of these bounds.
  public init(age: Duration? = nil, bytes: ByteCount? = nil) {
    self.age = age
    self.bytes = bytes
  }
}

/// What retention removed of a partition.
public struct RetentionReport: Hashable, Sendable {
  /// The segments that are gone, by their first offsets.
  public var removed: [Offset] = []
  /// Their bytes.
  public var bytesRemoved: Int64 = 0
  /// The first offset that there is now.
  public var firstOffset: Offset
}

/// What compaction by key keeps.
///
/// Of each key the newest event stays, with its offset; events without a key stay as well. A tombstone,
/// an event without a value, stays for a while so that readers learn of it, then it goes too.
public struct CompactionPolicy: Hashable, Sendable {
  /// How long after its append a tombstone stays.
  public var tombstoneAge = Duration.seconds(86_400)
  /// The memory for the newest offset of each key, 48 bytes for a key: with more keys than fit,
  /// the log is gone through in several rounds.
  public var memory = ByteCount(bytes: 128 << 20)

  /// The defaults.
  public init() {}
}

/// What compaction did to a partition.
public struct CompactionReport: Hashable, Sendable {
  /// Events that older offsets had and that are gone.
  public var recordsRemoved = 0
  /// Segments that were written anew.
  public var segmentsRewritten = 0
  /// The bytes of these before and after.
  public var bytesBefore: Int64 = 0
  /// The bytes of these after.
  public var bytesAfter: Int64 = 0

  /// Nothing was done yet.
  public init() {}
}
