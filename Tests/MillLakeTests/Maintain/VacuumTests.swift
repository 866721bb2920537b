// SPDX-License-Identifier: Apache-2.0

import Foundation
import MillCore
import MillLake
import MillTesting
import Testing

@Suite("Vacuum and log clean-up")
struct VacuumTests {
  private let disk: TableOnDisk
  private let clock: SteppedClock
  private let table: DeltaTable

  init() throws {
    disk = try TableOnDisk()
    // Ahead of the real clock, by which files are dated.
    clock = SteppedClock(start: SystemClock().now() + .seconds(60))
    table = disk.withCheckpoints(clock: clock)
  }

  private var names: [String] {
    get throws { try LocalFileSystem().names(in: disk.location).filter { !$0.hasPrefix("_") } }
  }

  private func overwrite(_ name: String) async throws {
    var change = try disk.change(name)
    change.mode = .overwrite
    try await table.commit(change)
  }

  @Test("files that left longer ago than the retention go, all others stay")
  func retention() async throws {
    try await overwrite("a")
    try await overwrite("b")
    clock.advance(by: .seconds(4 * 86_400))
    try await overwrite("c")
    clock.advance(by: .seconds(4 * 86_400))
    let plan = try await table.vacuum(VacuumOptions(isDryRun: true))
    #expect(plan.files == ["a"])
    #expect(try names == ["a", "b", "c"])
    #expect(try await table.vacuum() == plan)
    #expect(try names == ["b", "c"])
    #expect(try await table.vacuum().files.isEmpty)
  }

  @Test("a shorter retention than the table's is refused unless it is meant")
  func shortRetention() async throws {
    try await overwrite("a")
    try await overwrite("b")
    clock.advance(by: .seconds(3600))
    let short = VacuumOptions(retention: .seconds(60))
    #expect(await failureCode { _ = try await table.vacuum(short) } == "lake.refused")
    #expect(try names == ["a", "b"])
    let meant = VacuumOptions(retention: .seconds(60), allowsShortRetention: true)
    #expect(try await table.vacuum(meant).files == ["a"])
  }

  @Test("files that nobody has committed yet are not touched for a day, whatever the retention")
  func uncommitted() async throws {
    try await overwrite("a")
    _ = try disk.file("about-to-be-committed")
    let now = VacuumOptions(retention: .zero, allowsShortRetention: true)
    let report = try await table.vacuum(now)
    #expect(report.files.isEmpty)
    #expect(report.young == 1)
    clock.advance(by: .seconds(2 * 86_400))
    #expect(try await table.vacuum(now).files == ["about-to-be-committed"])
  }

  @Test("a tagged version survives, and goes with its tag")
  func tagged() async throws {
    try await overwrite("a")
    try await table.tag("training")
    try await overwrite("b")
    clock.advance(by: .seconds(30 * 86_400))
    #expect(try await table.vacuum().files.isEmpty)
    #expect(try await table.snapshot(at: .first).files.paths == ["a"])
    try await table.removeTag("training")
    #expect(try await table.vacuum().files == ["a"])
  }

  @Test("a number of versions stays readable whatever their age")
  func keepVersions() async throws {
    for name in ["a", "b", "c", "d"] { try await overwrite(name) }
    clock.advance(by: .seconds(30 * 86_400))
    #expect(try await table.vacuum(VacuumOptions(keepVersions: 3)).files == ["a"])
    #expect(try names == ["b", "c", "d"])
  }

  @Test("hidden folders are left alone but for those of partitions and of the change feed")
  func hidden() async throws {
    try await overwrite("a")
    for path in ["_stray/x", ".stray/x", "_change_data/x", "sub/x"] {
      _ = try disk.file(path)
    }
    clock.advance(by: .seconds(30 * 86_400))
    #expect(try await table.vacuum().files == ["_change_data/x", "sub/x"])
  }

  @Test("a tag that cannot be read keeps everything")
  func damagedTag() async throws {
    try await overwrite("a")
    try await table.tag("t")
    try await overwrite("b")
    let path = "\(disk.location)/_millrace/tags/t.json"
    try LocalFileSystem().remove(path)
    try LocalFileSystem().create(path, Array("{".utf8))
    clock.advance(by: .seconds(30 * 86_400))
    #expect(await failureCode { _ = try await table.vacuum() } == "lake.tag")
    #expect(try names == ["a", "b"])
  }

  @Test("while a vacuum is at work no version can be tagged or restored, and after it any can")
  func vacuumAtWork() async throws {
    try await overwrite("a")
    let intent = "\(disk.location)/_millrace/vacuum/other.json"
    try LocalFileSystem().createFolders("\(disk.location)/_millrace/vacuum")
    try LocalFileSystem().create(intent, [])
    #expect(await failureCode { try await table.tag("t") } == "lake.refused")
    #expect(try await table.tags().isEmpty)
    // One that died long ago is at work no more.
    clock.advance(by: .seconds(86_400))
    try await table.tag("t")
    #expect(try await table.tags().count == 1)
  }

  @Test("commits behind an expired checkpoint go, and every version from there on can be read")
  func logCleanup() async throws {
    for name in ["a", "b", "c"] { try await overwrite(name) }
    try await table.checkpoint()
    try await overwrite("d")
    let early = try await table.cleanUpLog()
    #expect(early.commits == 0, "nothing is old enough")
    clock.advance(by: .seconds(40 * 86_400))
    let plan = try await table.cleanUpLog(isDryRun: true)
    let report = try await table.cleanUpLog()
    #expect(plan == report)
    #expect(report.commits == 2)
    #expect(report.oldest == TableVersion(2))
    #expect(try await table.snapshot(at: TableVersion(2)).files.paths == ["c"])
    #expect(try await table.snapshot().files.paths == ["d"])
    #expect(await failureCode { _ = try await table.snapshot(at: .first) } == "lake.no-version")
  }

  @Test("a tag keeps the commits that its version is made of")
  func logCleanupAndTags() async throws {
    for name in ["a", "b", "c"] { try await overwrite(name) }
    try await table.checkpoint()
    try await table.tag("old", version: TableVersion(1))
    clock.advance(by: .seconds(40 * 86_400))
    #expect(try await table.cleanUpLog().commits == 0)
    #expect(try await table.snapshot(at: TableVersion(1)).files.paths == ["b"])
  }

  @Test("a hint whose checkpoint goes with the log goes before it")
  func hintOfRemovedCheckpoint() async throws {
    for name in ["a", "b"] { try await overwrite(name) }
    try await table.checkpoint()
    let hint = "\(disk.location)/_delta_log/_last_checkpoint"
    let early = try LocalFileSystem().read(hint)
    try await overwrite("c")
    try await table.checkpoint()
    // The writer of the second checkpoint was stopped before it said so.
    try LocalFileSystem().remove(hint)
    try LocalFileSystem().create(hint, early)
    clock.advance(by: .seconds(40 * 86_400))
    #expect(try await table.cleanUpLog().checkpoints == 1)
    #expect(!FileManager.default.fileExists(atPath: hint))
    #expect(try await table.snapshot().files.paths == ["c"])
    try await overwrite("d")
    try await table.checkpoint()
    let late = try LocalFileSystem().read(hint)
    clock.advance(by: .seconds(40 * 86_400))
    #expect(try await table.cleanUpLog().checkpoints == 1)
    #expect(try LocalFileSystem().read(hint) == late, "it names what is there")
  }

  @Test("whatever operation fails, the table stays readable and maintenance can be done again")
  func faults() async throws {
    var failing = 0
    while true {
      let disk = try TableOnDisk(seed: UInt64(failing))
      let clock = SteppedClock(start: SystemClock().now() + .seconds(60))
      let sound = disk.withCheckpoints(clock: clock)
      for name in ["a", "b", "c"] {
        var change = try disk.change(name)
        change.mode = .overwrite
        try await sound.commit(change)
      }
      clock.advance(by: .seconds(40 * 86_400))
      let faulty = FaultyFileSystem(LocalFileSystem(), failing: failing)
      let table = disk.withCheckpoints(faulty, seed: 50, clock: clock)
      do {
        try await table.checkpoint()
        _ = try await table.vacuum()
        _ = try await table.cleanUpLog()
        var change = try disk.change("d")
        change.mode = .overwrite
        try await table.commit(change)
      } catch {
        #expect(error is any Failure, "operation \(failing): \(error)")
      }
      let found = try await sound.snapshot().files.paths
      #expect(found == ["c"] || found == ["d"], "operation \(failing)")
      // A vacuum that died says for six hours that it is at work; that keeps nobody from these.
      try await sound.checkpoint()
      _ = try await sound.vacuum()
      _ = try await sound.cleanUpLog()
      #expect(try await sound.snapshot().files.paths == found, "operation \(failing)")
      guard faulty.hasFailed else { break }
      failing += 1
    }
    #expect(failing > 40, "so many operations there are")
  }
}
