// SPDX-License-Identifier: Apache-2.0

public import MillCore

/// What a run says while it runs.
public enum RunEvent: Sendable {
  case began(runID: String, datasets: Int)
  /// A run of a process that died was found; its work is taken up.
  case tookOver(runID: String)
  case started(DatasetName)
  case ended(NodeOutcome)
}

/// How a run ended.
public struct RunReport: Sendable {
  /// The run's identifier, a UUID of version 7.
  public var runID: String
  /// When the run began.
  public var startedAt: Instant
  /// When its last dataset came to an end.
  public var endedAt: Instant
  /// In the order of the graph.
  public var outcomes: [NodeOutcome]

  /// A report of what became of each dataset.
  public init(
    runID: String,
    startedAt: Instant,
    endedAt: Instant,
    outcomes: [NodeOutcome]
  ) {
    self.runID = runID
    self.startedAt = startedAt
    self.endedAt = endedAt
    self.outcomes = outcomes
  }

  /// The outcomes that failed in themselves.
  public var failures: [NodeOutcome] { outcomes.filter { $0.status == .failed } }

  /// Bytes of data files and raw files that were read.
  public var bytesRead: Int64 { outcomes.reduce(0) { $0 + $1.bytesRead } }
}

/// What a run would do for one dataset.
public struct PlannedNode: Sendable {
  /// The kind of work.
  public enum Work: String, Sendable {
    case load
    case full
    case append
    case nothing
    /// It depends on what an upstream will have.
    case depends
  }

  /// The dataset in question.
  public var dataset: DatasetName
  /// What would be done.
  public var work: Work
  /// Why it would be done, or why not.
  public var reason: String

  /// A report of what became of each dataset.
  public init(dataset: DatasetName, work: Work, reason: String) {
    self.dataset = dataset
    self.work = work
    self.reason = reason
  }
}
