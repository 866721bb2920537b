// SPDX-License-Identifier: Apache-2.0

internal import MillCore
public import MillLake
public import MillLedger

/// Fills the ledger again from what the tables' logs say: losing it loses no data.
///
/// Every commit carries its run, its account, its verdicts and what was consumed. Runs that
/// published nothing left no trace in a log and are not found again.
public struct LedgerRebuild: Sendable {
  /// What was found.
  public struct Report: Sendable {
    /// Tables whose logs were read.
    public var tables = 0
    /// Commits of Millrace in them.
    public var commits = 0
    /// Runs that the commits tell of.
    public var runs = 0
    /// Commits of other writers, of whose runs nothing is known.
    public var foreignCommits = 0
  }

  private let lake: Lake
  private let ledger: Ledger

  /// Reads all tables of the lake and fills this ledger.
  public init(lake: Lake, ledger: Ledger) {
    self.lake = lake
    self.ledger = ledger
  }

  /// Erases what the ledger indexes and writes it again in one pass over the logs.
  public func run() async throws -> Report {
    var report = Report()
    var runs: [String: (first: Instant, last: Instant, nodes: [NodeRecord])] = [:]
    var quality: [String: [QualityRecord]] = [:]
    var edges: [String: [LineageEdge]] = [:]
    for dataset in try await lake.datasets() {
      report.tables += 1
      for commit in try await lake.table(dataset).history(limit: .max) {
        guard let facts = CommitFacts(info: commit.info) else {
          report.foreignCommits += 1
          continue
        }
        report.commits += 1
        guard dataset.layer != .quarantine, dataset.layer != .deadLetters else { continue }
        // The file's own time changes when a lake is copied; what the commit says does not.
        let at =
          commit.info["timestamp"]?.integer.flatMap { Instant(milliseconds: $0) }
          ?? commit.committedAt
        let began = facts.startedAt ?? at
        var run = runs[facts.runID] ?? (began, at, [])
        run.first = min(run.first, began)
        run.last = max(run.last, at)
        run.nodes.append(
          NodeRecord(
            runID: facts.runID,
            dataset: dataset.description,
            status: .succeeded,
            reason: facts.reason,
            startedAt: began.microseconds,
            endedAt: at.microseconds,
            tableVersion: commit.version.number,
            account: facts.account.json.serialized(),
            bytesRead: facts.bytesRead
          )
        )
        runs[facts.runID] = run
        quality[facts.runID, default: []] += facts.results.map {
          $0.record(
            runID: facts.runID,
            dataset: dataset.description,
            version: commit.version,
            at: at.microseconds
          )
        }
        edges[facts.runID, default: []] += facts.inputs.map {
          LineageEdge(
            input: $0.name,
            output: dataset.description,
            runID: facts.runID,
            inputVersion: $0.version?.number,
            outputVersion: commit.version.number,
            recordedAt: at.microseconds
          )
        }
      }
    }
    try await ledger.eraseForRebuild()
    for (id, run) in runs.sorted(by: { $0.value.first < $1.value.first }) {
      report.runs += 1
      try await ledger.restore(
        run: RunRecord(
          id: id,
          startedAt: run.first.microseconds,
          endedAt: run.last.microseconds,
          status: .succeeded,
          selectors: [],
          millraceVersion: MillraceVersion.text
        ),
        nodes: run.nodes,
        quality: quality[id] ?? [],
        edges: edges[id] ?? []
      )
    }
    return report
  }
}
