// SPDX-License-Identifier: Apache-2.0

import Foundation
import GRDB
import MillLedger

/// A folder for one test, removed with it.
final class TemporaryFolder: Sendable {
  let path: String

  init() throws {
    path =
      FileManager.default.temporaryDirectory
      .appendingPathComponent("millrace-ledger-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  var ledgerPath: String { path + "/ledger.sqlite" }

  /// A second connection of its own, as another program would have one.
  func otherConnection() throws -> DatabaseQueue {
    var configuration = Configuration()
    configuration.allowsUnsafeTransactions = true
    return try DatabaseQueue(path: ledgerPath, configuration: configuration)
  }
}

func aRun(_ id: String, at instant: Int64 = 1_000) -> RunRecord {
  RunRecord(id: id, startedAt: instant, selectors: ["gold.*"], millraceVersion: "0.1.0")
}

func aNode(_ runID: String, _ dataset: String, at instant: Int64 = 1_001) -> NodeRecord {
  NodeRecord(
    runID: runID,
    dataset: dataset,
    status: .succeeded,
    reason: "new files",
    startedAt: instant,
    endedAt: instant + 5,
    tableVersion: 3,
    account: #"{"published":10}"#,
    cpuMicroseconds: 7,
    bytesRead: 4_096
  )
}

func aVerdict(_ runID: String, _ rule: String, at instant: Int64 = 1_002) -> QualityRecord {
  QualityRecord(
    runID: runID,
    dataset: "silver.flights",
    tableVersion: 3,
    rule: rule,
    kind: "range",
    severity: "warn",
    status: .warned,
    evaluated: 100,
    violations: 2,
    mostly: 0.95,
    recordedAt: instant
  )
}

func anEdge(
  _ input: String,
  _ output: String,
  run runID: String = "r1",
  at instant: Int64 = 1_003
) -> LineageEdge {
  LineageEdge(
    input: input,
    output: output,
    runID: runID,
    inputVersion: 1,
    outputVersion: 2,
    recordedAt: instant
  )
}
