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

  private func project() throws -> ProjectSandbox {
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

  /// Makes each step in turn; the run of one step happens in another world and may fail.
  private func tables(
    breaking step: Int? = nil,
    in world: World = .system(),
    repairing: Bool
  ) async throws -> [String: TableState] {
    let sandbox = try project()
    for (index, file) in Self.steps.enumerated() {
      try sandbox.write(file.path, .text(file.text))
      guard index == step else {
        let report = try await sandbox.run()
        #expect(report.trouble == "")
        continue
      }
      do {
        let report = try await sandbox.run(world: world)
        for failed in report.failures {
          #expect(failed.error?.errorClass != .bug, "\(report.trouble)")
        }
      } catch let error as any Failure {
        #expect(error.errorClass != .bug, "\(error)")
      }
      guard repairing else { continue }
      let report = try await sandbox.run()
      #expect(report.trouble == "")
    }
    return try await sandbox.tables()
  }

  private func operations(of step: Int) async throws -> Int {
    let files = FaultyFileSystem(LocalFileSystem(), failing: nil)
    var world = World.system()
    world.files = files
    _ = try await tables(breaking: step, in: world, repairing: false)
    return files.operations
  }

  /// Every n-th operation of a run, in parts that are run side by side.
  private static let parts = 8

  @Test(
    "whichever operation of a run fails, a plain second run mends all",
    arguments: FaultyFileSystem.Fate.allCases, 0..<FaultTests.parts
  )
  func mended(fate: FaultyFileSystem.Fate, part: Int) async throws {
    let expected = try await tables(repairing: true)
    let step = 1
    let count = try await operations(of: step)
    #expect(count > 20)
    // With three fates each operation is tried by one of them at least.
    let offset = FaultyFileSystem.Fate.allCases.firstIndex(of: fate) ?? 0
    for number in stride(from: part * 3 + offset, to: count, by: Self.parts * 3) {
      let files = FaultyFileSystem(LocalFileSystem(), failing: number, fate: fate)
      var world = World.system()
      world.files = files
      let found = try await tables(breaking: step, in: world, repairing: true)
      #expect(found == expected, "operation \(number): \(files.log.last ?? "")")
    }
  }

  @Test(
    "a run that was killed and finds more to do afterwards counts nothing twice",
    arguments: 0..<FaultTests.parts
  )
  func moreAfterwards(part: Int) async throws {
    let expected = try await tables(repairing: true)
    let count = try await operations(of: 1)
    for number in stride(from: part * 2 + 1, to: count, by: Self.parts * 2) {
      let files = FaultyFileSystem(LocalFileSystem(), failing: number, fate: .killed)
      var world = World.system()
      world.files = files
      let found = try await tables(breaking: 1, in: world, repairing: false)
      #expect(found == expected, "operation \(number): \(files.log.last ?? "")")
    }
  }

  @Test("what a run says it has published is there after a power cut", arguments: 0..<6)
  func powerCut(seed: UInt64) async throws {
    let expected = try await tables(repairing: true)
    let sandbox = try project()
    let lake = sandbox.folder + "/lake"
    try FileManager.default.createDirectory(atPath: lake, withIntermediateDirectories: true)
    for file in Self.steps {
      try sandbox.write(file.path, .text(file.text))
      let disk = try ForgetfulDisk(LocalFileSystem(), root: lake)
      var world = World.system()
      world.files = disk
      let report = try await sandbox.run(world: world)
      #expect(report.trouble == "")
      let before = try await sandbox.tables()
      try disk.powerCut(seed: seed)
      #expect(try await sandbox.tables() == before)
      #expect(try await sandbox.run().outcomes.allSatisfy { $0.status == .unchanged })
    }
    #expect(try await sandbox.tables() == expected)
  }

  @Test("after a power cut in the middle of a run a second one mends all", arguments: 0..<6)
  func powerCutInside(seed: UInt64) async throws {
    let expected = try await tables(repairing: true)
    let count = try await operations(of: 1)
    for number in stride(from: Int(seed) * 2, to: count, by: 29) {
      let sandbox = try project()
      try sandbox.write(Self.steps[0].path, .text(Self.steps[0].text))
      try await sandbox.run()
      try sandbox.write(Self.steps[1].path, .text(Self.steps[1].text))
      let disk = try ForgetfulDisk(LocalFileSystem(), root: sandbox.folder + "/lake")
      var world = World.system()
      world.files = FaultyFileSystem(disk, failing: number, fate: .killed)
      _ = try? await sandbox.run(world: world)
      try disk.powerCut(seed: seed)
      try sandbox.write(Self.steps[2].path, .text(Self.steps[2].text))
      let report = try await sandbox.run()
      #expect(report.trouble == "", "operation \(number)")
      #expect(try await sandbox.tables() == expected, "operation \(number)")
    }
  }

  @Test("a file that changes after a run was killed leaves no dead letters of its old content")
  func changedAfterwards() async throws {
    let sandbox = try project()
    try sandbox.write("data/a.csv", "id,v\n1,10\nx,1\n")
    // The commit of the dead letters lands, that of the rows does not.
    let log = FaultyFileSystem(LocalFileSystem(), failing: nil)
    var world = World.system()
    world.files = log
    let twin = try project()
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
    let sandbox = try project()
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
    folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("millrace-disk-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    isMounted = Self.call(["mount", "-t", "tmpfs", "-o", "size=\(size)", "tmpfs", folder])
  }

  deinit {
    if isMounted { _ = Self.call(["umount", "-l", folder]) }
    try? FileManager.default.removeItem(atPath: folder)
  }

  private static func call(_ arguments: [String]) -> Bool {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = arguments
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return false }
    process.waitUntilExit()
    return process.terminationStatus == 0
  }
}
