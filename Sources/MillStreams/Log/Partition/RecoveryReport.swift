// SPDX-License-Identifier: Apache-2.0

/// What the writer of a partition found when it opened it.
///
/// Opening reads and verifies the newest segment, whose length bounds the time that it takes. Older
/// ones are verified by whoever reads them.
public struct RecoveryReport: Hashable, Sendable, CustomStringConvertible {
  /// Something that is not as an orderly end leaves it.
  public enum Finding: Hashable, Sendable, CustomStringConvertible {
    /// The end of the newest segment was not whole and was never acknowledged: a crash in the middle of
    /// a write leaves this. It was cut off.
    case tornTail(file: String, position: Int64, bytes: Int64, offset: Offset, problem: String)
    /// Acknowledged events cannot be read. The segment was left as it is, and a new one begun.
    case damaged(file: String, position: Int64, offsets: Range<Offset>, problem: String)
    /// Acknowledged events are not there at all. Their offsets are not given again.
    case missing(offsets: Range<Offset>)

    /// What was found, where, and what was done about it.
    public var description: String {
      switch self {
      case .tornTail(let file, let position, let bytes, let offset, let problem):
        "\(file): the last \(bytes) bytes, from byte \(position) on, were cut off: \(problem); they "
          + "were never acknowledged, and offset \(offset) comes next"
      case .damaged(let file, let position, let offsets, let problem):
        "\(file) is damaged at byte \(position): \(problem); the events \(offsets.lowerBound) to "
          + "\(offsets.upperBound.value - 1) cannot be read, and a new segment was begun"
      case .missing(let offsets):
        "the acknowledged events \(offsets.lowerBound) to \(offsets.upperBound.value - 1) are missing"
      }
    }
  }

  /// Which partition.
  public var partition: TopicPartition
  /// What was found; empty after an orderly end.
  public var findings: [Finding] = []
  /// The bytes that were read and verified.
  public var bytesVerified: Int64 = 0
  /// The offset that the next event gets.
  public var end: Offset

  /// Partition, end, and what was found.
  public var description: String {
    findings.isEmpty
      ? "\(partition): whole, \(end) comes next"
      : "\(partition): " + findings.map(\.description).joined(separator: "; ")
  }
}
