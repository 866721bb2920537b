// SPDX-License-Identifier: Apache-2.0

internal import MillCore
internal import MillLedger
internal import MillQuality

extension Ledger {
  /// Takes down how a dataset of a run ended, with its verdicts and what it was made from.
  func record(_ outcome: NodeOutcome, runID: String) async throws {
    let dataset = outcome.dataset.description
    try await record(
      NodeRecord(
        runID: runID,
        dataset: dataset,
        status: outcome.status.record,
        reason: outcome.reason,
        startedAt: outcome.startedAt.microseconds,
        endedAt: outcome.endedAt.microseconds,
        tableVersion: outcome.version?.number,
        account: outcome.account?.json.serialized() ?? "{}",
        errorCode: outcome.error?.code,
        errorMessage: outcome.error?.description,
        bytesRead: outcome.bytesRead
      )
    )
    guard outcome.status == .published || outcome.status == .failed else { return }
    let at = outcome.endedAt.microseconds
    try await record(
      quality: outcome.results.map {
        $0.record(runID: runID, dataset: dataset, version: outcome.version, at: at)
      }
    )
    guard outcome.status == .published else { return }
    try await record(
      edges: outcome.inputs.map {
        LineageEdge(
          input: $0.name,
          output: dataset,
          runID: runID,
          inputVersion: $0.version?.number,
          outputVersion: outcome.version?.number,
          recordedAt: at
        )
      }
    )
  }
}

extension RuleResult {
  func record(
    runID: String,
    dataset: String,
    version: TableVersion?,
    at instant: Int64
  ) -> QualityRecord {
    QualityRecord(
      runID: runID,
      dataset: dataset,
      tableVersion: version?.number,
      rule: rule,
      kind: kind,
      severity: severity.rawValue,
      status: QualityRecord.Status(rawValue: status.rawValue) ?? .failed,
      evaluated: evaluated,
      violations: violations,
      mostly: mostly < 1 ? mostly : nil,
      recordedAt: instant
    )
  }
}

extension NodeOutcome.Status {
  fileprivate var record: NodeRecord.Status {
    switch self {
    case .published: .succeeded
    case .unchanged: .skipped
    case .failed: .failed
    case .waiting: .waiting
    }
  }
}
