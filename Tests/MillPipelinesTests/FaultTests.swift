// SPDX-License-Identifier: Apache-2.0

import Foundation
import MillAssembly
import MillCore
import MillPipelines
import MillTesting
import Testing

@Suite("A disk that fails during a run")
struct FaultTests {
  /// Files that come one after the other, with a run after each.
  private static let steps: [(path: String, text: String)] = [
    ("data/a.csv", "id,v\n1,10\n2,\nx,1\n"),
    ("data/b.csv", "id,v\n3,30\n4,\ny,2\n5\n"),
    ("data/c.csv", "id,v\n6,60\n7,\nz,3\n"),
  ]

  private static func project() throws -> ProjectSandbox {
    try ProjectSandbox([
      "sources/a.yaml": "files: data/*.csv\ncolumns: {id: long, v: long}\n",
      "models/silver/m.sql": """
      /*
      keys: [id]
      incremental: {strategy: append}
      expect:
        - complete: [v]
      */
      SELECT id, v FROM bronze.a
      """,
      "models/gold/g.sql": "SELECT count(*) AS n, sum(v) AS v FROM silver.m",
    ])
  }

  /// What the tests of single operations begin with and should end with.
  struct Plan: Sendable {
    /// The first file is loaded, the second waits.
    var start: ProjectSandbox
    /// The operations of a run from there, in order.
    var operations: [String]
    /// The tables after that run, and after another one with the third file.
    var second: [String: TableState]
    var third: [String: TableState]

    /// The operations that change something, and every fifth of those that only look.
    var worthBreaking: [Int] {
      operations.indices.filter { index in
        let isLook = ["read", "list", "status"].contains { operations[index].hasPrefix($0) }
        return !isLook || index % 5 == 0
      }
    }

    /// Each commit, the operation before it and the one after it.
    var aroundCommits: [Int] {
      let commits = operations.indices.filter { operations[$0].hasPrefix("link") }
      return commits.flatMap { [$0 - 1, $0, $0 + 1] }.filter(operations.indices.contains)
    }
  }

  private static let plan = Task { () async throws -> Plan in
    let start = try project()
    try start.write(steps[0].path, .text(steps[0].text))
    try await start.run()
    try start.write(steps[1].path, .text(steps[1].text))
    let twin = try ProjectSandbox(copying: start)
    let disk = FaultyFileSystem(LocalFileSystem(), failing: nil)
    try await twin.run(world: world(disk))
    let second = try await twin.tables()
    try twin.write(steps[2].path, .text(steps[2].text))
    let (report, third) = try await twin.runAndTables()
    #expect(report.trouble == "")
    return Plan(start: start, operations: disk.log, second: second, third: third)
  }

  private static func world(_ files: any FileSystem) -> World {
    var world = World.system()
    world.files = files
    return world
  }

  /// A run that may fail, though never by a mistake of ours.
  private func runBroken(_ sandbox: ProjectSandbox, on disk: any FileSystem) async throws {
    do {
      let report = try await sandbox.run(world: Self.world(disk))
      #expect(report.failures.allSatisfy { $0.error?.errorClass != .bug }, "\(report.trouble)")
    } catch let error as any Failure {
      #expect(error.errorClass != .bug, "\(error)")
    }
  }

  /// The cases are dealt out to parts that run side by side.
  private static let parts = 8

  @Test(
    "whichever operation of a run fails, a plain second run mends all",
    arguments: 0..<FaultTests.parts
  )
  func mended(part: Int) async throws {
    let plan = try await Self.plan.value
    let fates = FaultyFileSystem.Fate.allCases
    #expect(plan.worthBreaking.count > 30)
    for (turn, number) in plan.worthBreaking.enumerated() where turn % Self.parts == part {
      let sandbox = try ProjectSandbox(copying: plan.start)
      let fate = fates[turn / Self.parts % fates.count]
      let disk = FaultyFileSystem(LocalFileSystem(), failing: number, fate: fate)
      try await runBroken(sandbox, on: disk)
      let (report, tables) = try await sandbox.runAndTables()
      #expect(report.trouble == "", "\(fate) \(plan.operations[number])")
      #expect(tables == plan.second, "\(fate) \(plan.operations[number])")
    }
  }

  @Test(
    "a run that was killed and finds more to do afterwards counts nothing twice",
    arguments: 0..<FaultTests.parts
  )
  func moreAfterwards(part: Int) async throws {
    let plan = try await Self.plan.value
    for (turn, number) in plan.aroundCommits.enumerated() where turn % Self.parts == part {
      let sandbox = try ProjectSandbox(copying: plan.start)
      let disk = FaultyFileSystem(LocalFileSystem(), failing: number, fate: .killed)
      try await runBroken(sandbox, on: disk)
      try sandbox.write(Self.steps[2].path, .text(Self.steps[2].text))
      let (report, tables) = try await sandbox.runAndTables()
      #expect(report.trouble == "", "\(plan.operations[number])")
      #expect(tables == plan.third, "\(plan.operations[number])")
    }
  }

  @Test("what a run says it has published is there after a power cut", arguments: 0..<3)
  func powerCut(seed: UInt64) async throws {
    let plan = try await Self.plan.value
    let sandbox = try ProjectSandbox(copying: plan.start)
    let disk = try ForgetfulDisk(LocalFileSystem(), root: sandbox.folder + "/lake")
    let report = try await sandbox.run(world: Self.world(disk))
    #expect(report.trouble == "")
    try disk.powerCut(seed: seed)
    #expect(try await sandbox.tables() == plan.second)
    #expect(try await sandbox.run().outcomes.allSatisfy { $0.status == .unchanged })
  }

  @Test("after a power cut around any commit a second run mends all", arguments: 0..<3)
  func powerCutInside(seed: UInt64) async throws {
    let plan = try await Self.plan.value
    for (turn, number) in plan.aroundCommits.enumerated() where turn % 3 == Int(seed) {
      let sandbox = try ProjectSandbox(copying: plan.start)
      let disk = try ForgetfulDisk(LocalFileSystem(), root: sandbox.folder + "/lake")
      try await runBroken(
        sandbox,
        on: FaultyFileSystem(disk, failing: number, fate: .killed)
      )
      try disk.powerCut(seed: seed + UInt64(number))
      let (report, tables) = try await sandbox.runAndTables()
      #expect(report.trouble == "", "\(plan.operations[number])")
      #expect(tables == plan.second, "\(plan.operations[number])")
    }
  }

  @Test("a file that changes after a run was killed leaves no dead letters of its old content")
  func changedAfterwards() async throws {
    let sandbox = try Self.project()
    try sandbox.write("data/a.csv", "id,v\n1,10\nx,1\n")
    // The commit of the dead letters lands, that of the rows does not.
    let log = FaultyFileSystem(LocalFileSystem(), failing: nil)
    var world = World.system()
    world.files = log
    let twin = try Self.project()
    try twin.write("data/a.csv", "id,v\n1,10\nx,1\n")
    try await twin.run(world: world)
    let commit = try #require(
      log.log.firstIndex { $0.hasPrefix("link") && $0.contains("/bronze/a/_delta_log/") }
    )
    world.files = FaultyFileSystem(LocalFileSystem(), failing: commit, fate: .killed)
    _ = try? await sandbox.run(world: world)
    #expect(try await sandbox.versions() == ["dead_letters.a": 0])
    try sandbox.write("data/a.csv", "id,v\n1,10\n2,20\n")
    let report = try await sandbox.run()
    #expect(report.trouble == "")
    #expect(try await sandbox.ownRows("bronze.a").count == 2)
    #expect(try await sandbox.rows("dead_letters.a").isEmpty)
  }

  @Test("a lake that cannot be made is an error of the outside, and nothing is lost")
  func noLake() async throws {
    let sandbox = try Self.project()
    try sandbox.write("data/a.csv", .text(Self.steps[0].text))
    try sandbox.write("lake", "a file stands in the way")
    let report = try await sandbox.run()
    let error = try #require(report["bronze.a"]?.error)
    #expect(error.errorClass == .outside)
    #expect("\(error)".contains("lake"), "\(error)")
    #expect(report["silver.m"]?.status == .waiting)
    try sandbox.remove("lake")
    #expect(try await sandbox.run().trouble == "")
  }

  @Test("a full disk publishes nothing by halves", .enabled(if: SmallDisk.isPossible))
  func fullDisk() async throws {
    let disk = try SmallDisk(size: "3m")
    let sandbox = try ProjectSandbox([
      "millrace.yaml": ProjectSandbox.settings("lake: \(disk.folder)/lake\n"),
      "sources/a.yaml": "files: data/*.csv\ncolumns: {id: long, v: string}\n",
      "models/silver/m.sql": "SELECT id, v FROM bronze.a",
    ])
    var random = SystemRandomNumberGenerator()
    func text(_ rows: Int) -> String {
      "id,v\n" + (0..<rows).map { "\($0),\(random.next())-\(random.next())\n" }.joined()
    }
    try sandbox.write("data/a.csv", .text(text(1_000)))
    #expect(try await sandbox.run().trouble == "")
    let before = try await sandbox.tables()
    // About 4 MB that do not compress.
    try sandbox.write("data/b.csv", .text(text(120_000)))
    let report = try await sandbox.run()
    let error = try #require(report.failures.first?.error)
    #expect(error.errorClass == .outside, "\(error.code): \(error)")
    #expect(try await sandbox.tables() == before)
    try sandbox.remove("data/b.csv")
    try sandbox.write("data/c.csv", "id,v\n7,seven\n")
    let mended = try await sandbox.run()
    #expect(mended.trouble == "")
    #expect(try await sandbox.rows("silver.m").count == 1_001)
  }
}

/// A disk of a few megabytes, where one can be mounted.
final class SmallDisk: Sendable {
  let folder: String

  /// Only root may mount; the run reports the test as skipped otherwise.
  static let isPossible: Bool = {
    guard geteuid() == 0, let disk = try? SmallDisk(size: "1m") else { return false }
    return disk.isMounted
  }()

  private let isMounted: Bool

  init(size: String) throws {
    folder =
      FileManager.default.temporaryDirectory
      .appendingPathComponent("millrace-disk-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    isMounted = Self.call(["mount", "-t", "tmpfs", "-o", "size=\(size)", "tmpfs", folder])
  }

  deinit {
    if isMounted { _ = Self.call(["umount", "-l", folder]) }
    try? FileManager.default.removeItem(atPath: folder)
  }

  private static func call(_ arguments: [String]) -> Bool {
    (try? ChildProcess(arguments).wait()) == .exited(0)
  }
}
