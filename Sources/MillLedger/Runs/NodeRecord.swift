// SPDX-License-Identifier: Apache-2.0

/// What one run did about one dataset, in one attempt.
public struct NodeRecord: Hashable, Codable, Sendable {
  /// How the attempt ended.
  public enum Status: String, Hashable, Codable, Sendable, CaseIterable {
    case succeeded
    /// Nothing had changed, so nothing was done.
    case skipped
    case failed
    /// Not reached: something that it reads has failed.
    case waiting
  }

  /// The run that made the attempt.
  public var runID: String
  /// Layer and name: `silver.flights`.
  public var dataset: String
  /// Counted from one.
  public var attempt: Int
  /// How it ended.
  public var status: Status
  /// Why it ran, or why it did not, in words for a person.
  public var reason: String
  /// UTC microseconds.
  public var startedAt: Int64
  /// UTC microseconds.
  public var endedAt: Int64?
  /// The version that the attempt committed, or found to be current; nil if there is none.
  public var tableVersion: Int64?
  /// The account of rows (lines, candidates, published, quarantined, …) as JSON text.
  public var account: String
  /// The code of the error that it failed with, such as `lake.version-taken`.
  public var errorCode: String?
  /// What the error said; fit for a stranger.
  public var errorMessage: String?
  /// Time on all processors together, if it was measured.
  public var cpuMicroseconds: Int64?
  /// Bytes read from files, if they were counted.
  public var bytesRead: Int64?

  /// An attempt with its outcome.
  public init(
    runID: String,
    dataset: String,
    attempt: Int = 1,
    status: Status,
    reason: String,
    startedAt: Int64,
    endedAt: Int64? = nil,
    tableVersion: Int64? = nil,
    account: String = "{}",
    errorCode: String? = nil,
    errorMessage: String? = nil,
    cpuMicroseconds: Int64? = nil,
    bytesRead: Int64? = nil
  ) {
    self.runID = runID
    self.dataset = dataset
    self.attempt = attempt
    self.status = status
    self.reason = reason
    self.startedAt = startedAt
    self.endedAt = endedAt
    self.tableVersion = tableVersion
    self.account = account
    self.errorCode = errorCode
    self.errorMessage = errorMessage
    self.cpuMicroseconds = cpuMicroseconds
    self.bytesRead = bytesRead
  }
}

/// One run together with what it did, node by node.
public struct RunHistory: Hashable, Codable, Sendable {
  /// The run itself.
  public var run: RunRecord
  /// In the order of their start, then of dataset and attempt.
  public var nodes: [NodeRecord]

  /// A run with its nodes.
  public init(run: RunRecord, nodes: [NodeRecord]) {
    self.run = run
    self.nodes = nodes
  }
}
