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

  public var dataset: DatasetName
  public var status: Status
  /// Why it ran, or why not.
  public var reason: String
  public var version: TableVersion?
  public var account: RowAccount?
  public var results: [RuleResult] = []
  /// What is worth saying although nothing failed.
  public var notes: [String] = []
  public var error: (any Failure)?
  public var bytesRead: Int64 = 0
  public var startedAt: Instant
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
