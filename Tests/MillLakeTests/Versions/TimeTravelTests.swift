// SPDX-License-Identifier: Apache-2.0

import Foundation
import MillCore
import MillLake
import MillTesting
import Testing

@Suite("Versions by time, by name, and restored")
struct TimeTravelTests {
  private func setModified(_ disk: TableOnDisk, _ version: Int64, _ second: TimeInterval) throws {
    try FileManager.default.setAttributes(
      [.modificationDate: Date(timeIntervalSince1970: second)],
      ofItemAtPath: "\(disk.location)/_delta_log/\(TableVersion(version).logFileName)"
    )
  }

  private func at(_ second: Int64) -> Instant { Instant(microseconds: second * 1_000_000) }

  @Test(
    "a time names the newest version that was there; before and after is refused with the range"
  )
  func byTime() async throws {
    let disk = try TableOnDisk()
    for name in ["a", "b", "c"] { try await disk.commit(.append, name) }
    for version in 0..<3 { try setModified(disk, Int64(version), 1000 + 100 * Double(version)) }
    for (second, version) in [(1000, 0), (1099, 0), (1100, 1), (1200, 2)] as [(Int64, Int64)] {
      #expect(try await disk.table.version(at: at(second)) == TableVersion(version), "\(second)")
    }
    for second in [999, 1201] as [Int64] {
      await #expect(
        throws: LakeError.noTime(
          table: "silver.t",
          asked: at(second),
          oldest: at(1000),
          newest: at(1200)
        )
      ) { _ = try await disk.table.version(at: at(second)) }
    }
  }

  @Test("a clock that was set back leaves the versions in their order")
  func clockSkew() async throws {
    let disk = try TableOnDisk()
    for name in ["a", "b", "c", "d"] { try await disk.commit(.append, name) }
    for (version, second) in [(0, 2000.0), (1, 1000), (2, 1500), (3, 3000)] {
      try setModified(disk, Int64(version), second)
    }
    #expect(try await disk.table.version(at: at(2000)) == .first)
    #expect(try await disk.table.version(at: at(2001)) == TableVersion(2))
    #expect(try await disk.table.version(at: at(3000)) == TableVersion(3))
    let times = try await disk.table.history().map(\.committedAt)
    #expect(times == times.sorted(by: >), "newest first, and never back")
  }

  @Test("commits that date themselves are believed more than their files")
  func inCommitTimestamps() async throws {
    let disk = try TableOnDisk()
    let clock = SteppedClock(start: at(5000))
    let table = disk.withCheckpoints(clock: clock)
    var first = try disk.change("a")
    first.settings = ["delta.enableInCommitTimestamps": "true"]
    first.features = [.inCommitTimestamp]
    try await table.commit(first)
    try await table.commit(try disk.change("b"))
    clock.advance(by: .seconds(100))
    try await table.commit(try disk.change("c"))
    for version in 0..<3 { try setModified(disk, Int64(version), 10) }
    #expect(try await table.version(at: at(5000)) == .first)
    // The second commit came in the same millisecond, so it was dated one later.
    #expect(
      try await table.version(at: at(5000) + .milliseconds(1)) == TableVersion(1)
    )
    #expect(try await table.version(at: at(5100)) == TableVersion(2))
  }

  @Test("a tag names a version until it is taken away, and no second tag can have its name")
  func tags() async throws {
    let disk = try TableOnDisk()
    try await disk.commit(.append, "a")
    try await disk.commit(.append, "b")
    let tag = try await disk.table.tag("training-1", version: .first, note: "model 7")
    #expect(tag.version == .first)
    #expect(try await disk.table.version(tagged: "training-1") == .first)
    #expect(
      await failureCode { try await disk.table.tag("training-1") } == "lake.tag"
    )
    #expect(try await disk.table.tags().map(\.note) == ["model 7"])
    #expect(
      await failureCode { _ = try await disk.table.version(tagged: "training-2") } == "lake.tag"
    )
    try await disk.table.removeTag("training-1")
    #expect(try await disk.table.tags().isEmpty)
    #expect(await failureCode { try await disk.table.removeTag("training-1") } == "lake.tag")
  }

  @Test(
    "a tag's name cannot lead out of its folder",
    arguments: ["", ".", "../x", "a/b", ".hidden", "a b", "é", String(repeating: "x", count: 121)]
  )
  func tagNames(name: String) async throws {
    let disk = try TableOnDisk()
    try await disk.commit(.append, "a")
    #expect(await failureCode { try await disk.table.tag(name) } == "lake.tag")
    #expect(try await disk.table.tags().isEmpty)
  }

  @Test("a version with a missing file can be neither tagged nor restored")
  func tagOfMissing() async throws {
    let disk = try TableOnDisk()
    try await disk.commit(.append, "a")
    try await disk.commit(.overwrite, "b")
    try LocalFileSystem().remove("\(disk.location)/a")
    #expect(
      await failureCode { try await disk.table.tag("t", version: .first) } == "lake.missing-file"
    )
    #expect(
      await failureCode { try await disk.table.restore(to: .first) } == "lake.missing-file"
    )
    #expect(try await disk.table.tags().isEmpty)
    #expect(try await disk.names() == ["b"])
  }

  @Test("a restore brings files, columns and settings back and keeps the versions between")
  func restore() async throws {
    let disk = try TableOnDisk()
    try await disk.commit(.append, "a")
    try await disk.commit(.append, "b")
    let wider = Schema(twoColumns.fields + [Field("more", .double)])
    try await disk.table.commit(
      TableChange(mode: .overwrite, files: [try disk.file("c")], schema: wider)
    )
    let version = try await disk.table.restore(to: TableVersion(1))
    #expect(version == TableVersion(3))
    let snapshot = try await disk.table.snapshot()
    #expect(snapshot.files.paths == ["a", "b"])
    #expect(snapshot.schema == twoColumns)
    #expect(try await disk.names(at: TableVersion(2)) == ["c"])
    #expect(try await disk.table.history(limit: 1).first?.operation == "RESTORE")
    #expect(try await disk.table.tags().isEmpty, "what kept the files meanwhile is gone")
  }

  @Test("a restore of an append-only table that would remove rows is refused")
  func restoreAppendOnly() async throws {
    let disk = try TableOnDisk()
    var first = try disk.change("a")
    first.settings = ["delta.appendOnly": "true"]
    try await disk.table.commit(first)
    try await disk.commit(.append, "b")
    #expect(await failureCode { try await disk.table.restore(to: .first) } == "lake.append-only")
  }
}
