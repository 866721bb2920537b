// SPDX-License-Identifier: Apache-2.0

public import MillCore
public import MillQuality

/// How one dataset of a run ended.
public struct NodeOutcome: Sendable {
  /// What became of it.
  public enum Status: String, Sendable {
    /// A new version was published.
    case published
    /// Nothing had changed, so nothing was read.
    case unchanged
    /// It failed, and nothing of it was published.
    case failed
    /// Something that it reads failed; it runs when that is mended.
    case waiting
  }

  /// The dataset in question.
  public var dataset: DatasetName
  /// What became of it.
  public var status: Status
  /// Why it ran, or why not.
  public var reason: String
  /// The newest version of its table; nil when it has none.
  public var version: TableVersion?
  /// Where its rows went; nil when nothing was published.
  public var account: RowAccount?
  /// The verdicts of its rules.
  public var results: [RuleResult] = []
  /// What is worth saying although nothing failed.
  public var notes: [String] = []
  /// Why it failed.
  public var error: (any Failure)?
  /// Bytes of raw files and data files that were read for it.
  public var bytesRead: Int64 = 0
  /// When work on it began.
  public var startedAt: Instant
  /// When it came to an end.
  public var endedAt: Instant
  /// What was read, with its version: dataset names, and `file:PATH` for raw files.
  package var inputs: [(name: String, version: TableVersion?)] = []

  package init(
    dataset: DatasetName,
    status: Status,
    reason: String,
    version: TableVersion? = nil,
    startedAt: Instant,
    endedAt: Instant
  ) {
    self.dataset = dataset
    self.status = status
    self.reason = reason
    self.version = version
    self.startedAt = startedAt
    self.endedAt = endedAt
  }
}
