// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillLedger
import Testing

@Suite("What the ledger remembers")
struct LedgerTests {
  let folder: TemporaryFolder
  let ledger: Ledger

  init() throws {
    folder = try TemporaryFolder()
    ledger = try Ledger(path: folder.ledgerPath)
  }

  @Test("a run is found again with its nodes, also after reopening")
  func reopening() async throws {
    let error = RecordedError(code: "lake.version-taken", message: "somebody was first")
    try await ledger.begin(aRun("r1"))
    try await ledger.record(aNode("r1", "silver.flights", at: 20))
    try await ledger.record(aNode("r1", "bronze.flights", at: 10))
    try await ledger.finish(runID: "r1", status: .failed, error: error, at: 2_000)

    let history = try await Ledger(path: folder.ledgerPath).run(id: "r1")
    var run = aRun("r1")
    run.status = .failed
    run.endedAt = 2_000
    run.error = error
    #expect(history?.run == run)
    #expect(
      history?.nodes == [
        aNode("r1", "bronze.flights", at: 10), aNode("r1", "silver.flights", at: 20),
      ]
    )
    #expect(try await ledger.run(id: "r2") == nil)
  }

  @Test("runs come newest first and no more than asked for")
  func newestRuns() async throws {
    for (id, instant) in [("a", 10), ("b", 30), ("c", 20), ("d", 30)] as [(String, Int64)] {
      try await ledger.begin(aRun(id, at: instant))
    }
    #expect(try await ledger.runs(limit: 3).map(\.id) == ["d", "b", "c"])
    #expect(try await ledger.runs(limit: -1).isEmpty)
  }

  @Test("a run cannot begin twice, nor end before it began")
  func runOrder() async throws {
    try await ledger.begin(aRun("r1"))
    let twice = await #expect(throws: LedgerError.self) { try await ledger.begin(aRun("r1")) }
    #expect(twice?.code == "ledger.contradiction")
    await #expect(throws: LedgerError.unknownRun(id: "r2")) {
      try await ledger.finish(runID: "r2", status: .succeeded, at: 1)
    }
  }

  @Test("a node of an unknown run is refused")
  func foreignKey() async throws {
    let error = await #expect(throws: LedgerError.self) {
      try await ledger.record(aNode("r9", "silver.flights"))
    }
    #expect(error?.code == "ledger.contradiction")
    #expect(error?.errorClass == .bug)
  }

  @Test("a batch with one bad record leaves nothing behind")
  func batchIsWhole() async throws {
    try await ledger.begin(aRun("r1"))
    await #expect(throws: LedgerError.self) {
      try await ledger.record(quality: [aVerdict("r1", "a"), aVerdict("r9", "b")])
    }
    #expect(try await ledger.quality(limit: 10).isEmpty)
  }

  @Test("the latest node of a dataset, of any status or of one")
  func latestNode() async throws {
    try await ledger.begin(aRun("r1"))
    try await ledger.begin(aRun("r2"))
    try await ledger.record(aNode("r1", "silver.flights", at: 10))
    var failed = aNode("r2", "silver.flights", at: 20)
    failed.status = .failed
    failed.errorCode = "sql.overflow"
    failed.errorMessage = "too much"
    try await ledger.record(failed)
    #expect(try await ledger.latestNode(dataset: "silver.flights") == failed)
    #expect(
      try await ledger.latestNode(dataset: "silver.flights", status: .succeeded)?.runID == "r1"
    )
    #expect(try await ledger.latestNode(dataset: "gold.delays") == nil)
  }

  @Test("told twice, the later word counts")
  func upserts() async throws {
    try await ledger.begin(aRun("r1"))
    var node = aNode("r1", "silver.flights")
    try await ledger.record(node)
    node.account = #"{"published":11}"#
    try await ledger.record(node)
    #expect(try await ledger.run(id: "r1")?.nodes == [node])
    node.attempt = 2
    try await ledger.record(node)
    #expect(try await ledger.run(id: "r1")?.nodes.count == 2)
  }

  @Test("verdicts are found by dataset and by run, newest first")
  func quality() async throws {
    try await ledger.begin(aRun("r1"))
    try await ledger.begin(aRun("r2"))
    try await ledger.record(quality: [aVerdict("r1", "b"), aVerdict("r1", "a")])
    try await ledger.record(quality: [aVerdict("r2", "a", at: 2_000)])
    #expect(
      try await ledger.quality(limit: 10)
        == [aVerdict("r2", "a", at: 2_000), aVerdict("r1", "a"), aVerdict("r1", "b")]
    )
    #expect(try await ledger.quality(runID: "r1", limit: 10).map(\.rule) == ["a", "b"])
    #expect(try await ledger.quality(dataset: "silver.flights", runID: "r2", limit: 1).count == 1)
    #expect(try await ledger.quality(dataset: "gold.delays", limit: 10).isEmpty)
  }

  @Test("current lineage is what the newest run read, and all files ever loaded")
  func edges() async throws {
    try await ledger.begin(aRun("r1"))
    try await ledger.begin(aRun("r2"))
    try await ledger.record(edges: [
      anEdge("bronze.old", "silver.x"), anEdge("bronze.a", "silver.x"),
      anEdge("file:1.csv", "bronze.a"),
    ])
    try await ledger.record(edges: [
      anEdge("bronze.a", "silver.x", run: "r2", at: 2_000),
      anEdge("file:2.csv", "bronze.a", run: "r2", at: 2_000),
    ])
    #expect(
      try await ledger.edges().map(\.input) == ["file:1.csv", "file:2.csv", "bronze.a"]
    )
    #expect(try await ledger.edges().last?.runID == "r2")
    #expect(
      try await ledger.edges(.ever).map(\.input)
        == ["file:1.csv", "file:2.csv", "bronze.a", "bronze.old"]
    )
  }

  @Test("the newest plan of a dataset is given")
  func plans() async throws {
    let first = PlanRecord(
      dataset: "gold.delays",
      definitionHash: "aa",
      planJSON: "{}",
      sqlText: "SELECT 1",
      recordedAt: 1
    )
    var second = first
    second.definitionHash = "bb"
    second.recordedAt = 2
    try await ledger.record(second)
    try await ledger.record(first)
    #expect(try await ledger.plan(dataset: "gold.delays") == second)
    #expect(try await ledger.plan(dataset: "gold.none") == nil)
  }

  @Test("the hash of a file holds for the very same file only")
  func fileIdentity() async throws {
    let file = FileIdentityRecord(
      dataset: "bronze.flights",
      path: "/data/a.csv",
      size: 10,
      modifiedMicroseconds: 5_000_000,
      identity: "1:77",
      sha256: "ab12",
      hashedAt: 8_000_000
    )
    try await ledger.remember([file, file])
    func known(_ path: String, _ size: Int64, _ modified: Int64, _ id: String) async throws
      -> String?
    {
      try await ledger.identity(path: path, size: size, modified: modified, identity: id)
    }
    #expect(try await known("/data/a.csv", 10, 5_000_000, "1:77") == "ab12")
    #expect(try await known("/data/b.csv", 10, 5_000_000, "1:77") == nil)
    #expect(try await known("/data/a.csv", 11, 5_000_000, "1:77") == nil)
    #expect(try await known("/data/a.csv", 10, 5_000_001, "1:77") == nil)
    #expect(try await known("/data/a.csv", 10, 5_000_000, "1:78") == nil)
  }

  @Test("the hash of a file that changed just before is not believed")
  func restlessFile() async throws {
    var file = FileIdentityRecord(
      dataset: "bronze.flights",
      path: "/data/a.csv",
      size: 10,
      modifiedMicroseconds: 5_000_000,
      identity: "1:77",
      sha256: "ab12",
      hashedAt: 6_999_999
    )
    func known() async throws -> String? {
      try await ledger.identity(
        path: "/data/a.csv",
        size: 10,
        modified: 5_000_000,
        identity: "1:77"
      )
    }
    try await ledger.remember(file)
    #expect(try await known() == nil)
    file.hashedAt = 7_000_000
    try await ledger.remember(file)
    #expect(try await known() == "ab12")
  }

  @Test("runs of a dead process are marked as interrupted, all others are left alone")
  func interruptedRuns() async throws {
    for id in ["a", "b", "c"] { try await ledger.begin(aRun(id)) }
    try await ledger.finish(runID: "a", status: .succeeded, at: 5)
    #expect(try await ledger.markInterruptedRuns(except: "c", at: 9) == ["b"])
    #expect(try await ledger.run(id: "a")?.run.status == .succeeded)
    #expect(try await ledger.run(id: "b")?.run.status == .interrupted)
    #expect(try await ledger.run(id: "b")?.run.endedAt == 9)
    #expect(try await ledger.run(id: "c")?.run.status == .running)
    #expect(try await ledger.markInterruptedRuns(at: 9) == ["c"])
  }

  @Test("a run can be finished by a task that was cancelled")
  func cancelledTask() async throws {
    try await ledger.begin(aRun("r1"))
    let ledger = ledger
    let task = Task {
      withUnsafeCurrentTask { $0?.cancel() }
      try await ledger.finish(runID: "r1", status: .interrupted, at: 7)
    }
    try await task.value
    #expect(try await ledger.run(id: "r1")?.run.status == .interrupted)
  }

  @Test("restoring twice is the same as restoring once, and what was there is kept")
  func restoring() async throws {
    let other = aNode("r1", "gold.delays")
    for _ in 0..<2 {
      try await ledger.restore(
        run: aRun("r1"),
        nodes: [aNode("r1", "silver.flights")],
        quality: [aVerdict("r1", "a")],
        edges: [anEdge("bronze.flights", "silver.flights")]
      )
      try await ledger.restore(run: aRun("r1"), nodes: [other])
    }
    #expect(try await ledger.runs(limit: 10) == [aRun("r1")])
    #expect(
      try await ledger.run(id: "r1")?.nodes == [other, aNode("r1", "silver.flights")]
    )
    #expect(try await ledger.quality(limit: 10) == [aVerdict("r1", "a")])
    #expect(try await ledger.edges() == [anEdge("bronze.flights", "silver.flights")])
  }

  @Test("erasing for a rebuild forgets history but not plans")
  func erasing() async throws {
    try await ledger.restore(
      run: aRun("r1"),
      nodes: [aNode("r1", "silver.flights")],
      quality: [aVerdict("r1", "a")],
      edges: [anEdge("bronze.flights", "silver.flights")]
    )
    let plan = PlanRecord(
      dataset: "gold.delays",
      definitionHash: "aa",
      planJSON: "{}",
      sqlText: "SELECT 1",
      recordedAt: 1
    )
    try await ledger.record(plan)
    try await ledger.eraseForRebuild()
    #expect(try await ledger.runs(limit: 10).isEmpty)
    #expect(try await ledger.latestNode(dataset: "silver.flights") == nil)
    #expect(try await ledger.quality(limit: 10).isEmpty)
    #expect(try await ledger.edges(.ever).isEmpty)
    #expect(try await ledger.plan(dataset: "gold.delays") == plan)
  }
}
