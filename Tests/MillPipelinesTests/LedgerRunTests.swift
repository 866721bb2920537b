// SPDX-License-Identifier: Apache-2.0

import Foundation
import MillAssembly
import MillCore
import MillLedger
import MillPipelines
import Testing

@Suite("The ledger of runs")
struct LedgerRunTests {
  private func shop() throws -> Shop {
    try Shop(
      "id,v\n1,a\n2,\n2,b\nx,y\n",
      columns: "{id: long, v: string}",
      models: [
        "silver.m": """
        /*
        keys: [id]
        expect:
          - complete: [v]
          - pattern: {column: v, regex: '^a', mostly: 0.9, on_failure: warn}
          - rows: {min: 1}
        */
        SELECT id, v FROM bronze.a
        """,
        "gold.g": "SELECT count(*) AS n FROM silver.m",
      ]
    )
  }

  private func removeLedger(_ sandbox: ProjectSandbox) throws {
    for name in try FileManager.default.contentsOfDirectory(atPath: sandbox.folder + "/.millrace")
    where name.hasPrefix("ledger.sqlite") {
      try sandbox.remove(".millrace/\(name)")
    }
  }

  @Test("without its ledger a project finds out that nothing has changed")
  func removed() async throws {
    let shop = try shop()
    try await shop.run()
    let before = try await shop.sandbox.versions()
    try removeLedger(shop.sandbox)
    let report = try await shop.sandbox.run()
    #expect(report.outcomes.allSatisfy { $0.status == .unchanged })
    #expect(try await shop.sandbox.versions() == before)
    // The file was hashed again, and is remembered from now on.
    #expect(report.bytesRead > 0)
    #expect(try await shop.sandbox.run().bytesRead == 0)
  }

  /// What is known of published work.
  private struct History: Equatable {
    var runs: [String]
    var nodes: [NodeRecord]
    var quality: [QualityRecord]
    var edges: [LineageEdge]

    /// The moments of a commit and of the entry about it differ by a moment.
    init(_ workspace: Workspace) async throws {
      let ledger = workspace.ledger
      runs = []
      nodes = []
      for run in try await ledger.runs(limit: 100) {
        let published = try await ledger.run(id: run.id)?.nodes.filter { $0.status == .succeeded }
        guard let published, !published.isEmpty else { continue }
        runs.append(run.id)
        nodes += published.map { node in
          var node = node
          node.startedAt = 0
          node.endedAt = nil
          return node
        }
      }
      nodes.sort { ($0.runID, $0.dataset) < ($1.runID, $1.dataset) }
      quality = try await ledger.quality(limit: 1_000).map { record in
        var record = record
        record.recordedAt = 0
        return record
      }.sorted { ($0.runID, $0.dataset, $0.rule) < ($1.runID, $1.dataset, $1.rule) }
      edges = try await ledger.edges(.ever).map { edge in
        var edge = edge
        edge.recordedAt = 0
        return edge
      }
    }
  }

  @Test("runs, nodes, verdicts and lineage are read again from the tables' own logs")
  func rebuilt() async throws {
    let shop = try shop()
    try await shop.run()
    try shop.sandbox.write("data/b.csv", "id,v\n3,c\n4,\n")
    try await shop.run()
    try await shop.run()
    let before = try await shop.sandbox.withWorkspace { try await History($0) }
    #expect(before.runs.count == 2)
    #expect(before.nodes.count == 6)
    #expect(before.quality.count == 6)
    #expect(before.edges.map(\.input).contains("file:data/a.csv"))
    try removeLedger(shop.sandbox)
    let after = try await shop.sandbox.withWorkspace { workspace in
      let report = try await workspace.rebuildLedger()
      #expect(report.runs == 2 && report.foreignCommits == 0)
      return try await History(workspace)
    }
    #expect(after.runs == before.runs)
    #expect(after.quality == before.quality)
    #expect(after.edges == before.edges)
    #expect(after.nodes == before.nodes)
    // Doing it twice is the same as doing it once.
    let twice = try await shop.sandbox.withWorkspace { workspace in
      _ = try await workspace.rebuildLedger()
      return try await History(workspace)
    }
    #expect(twice == after)
  }

  @Test("a run whose process died is marked as interrupted by the next")
  func interrupted() async throws {
    let shop = try shop()
    try await shop.sandbox.withWorkspace { workspace in
      try await workspace.ledger.begin(
        RunRecord(id: "dead", startedAt: 1, selectors: [], millraceVersion: "0")
      )
      let events = EventBox()
      _ = try await workspace.pipeline().run { events.add($0) }
      #expect(events.takenOver == ["dead"])
      #expect(try await workspace.ledger.run(id: "dead")?.run.status == .interrupted)
    }
  }

  @Test("failures stand in the ledger with their code, and a failed check with its verdicts")
  func failures() async throws {
    let shop = try Shop(
      "id\n1\n",
      columns: "{id: long}",
      header: "expect:\n  - range: {column: id, max: 0, on_failure: fail}"
    )
    let report = try await shop.sandbox.run()
    try await shop.sandbox.withWorkspace { workspace in
      let history = try #require(try await workspace.ledger.run(id: report.runID))
      #expect(history.run.status == .failed)
      #expect(history.run.error?.code == "pipeline.checks-failed")
      let node = try #require(history.nodes.first { $0.dataset == "silver.m" })
      #expect(node.status == .failed && node.errorCode == "pipeline.checks-failed")
      let quality = try await workspace.ledger.quality(dataset: "silver.m", limit: 10)
      #expect(quality.map(\.status) == [.failed])
    }
  }
}

private final class EventBox: Sendable {
  private let lock = NSLock()
  nonisolated(unsafe) private var runs: [String] = []

  var takenOver: [String] { lock.withLock { runs } }

  func add(_ event: RunEvent) {
    guard case .tookOver(let id) = event else { return }
    lock.withLock { runs.append(id) }
  }
}
