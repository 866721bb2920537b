// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillLake
import MillTesting
import Synchronization
import Testing

@Suite("Checkpoints")
struct CheckpointTests {
  private func log(_ disk: TableOnDisk) throws -> [String] {
    try LocalFileSystem().names(in: "\(disk.location)/_delta_log")
  }

  @Test("are made every so many commits, as the table says, and hold what the commits say")
  func interval() async throws {
    let disk = try TableOnDisk()
    let table = disk.withCheckpoints()
    var first = try disk.change("f0")
    first.settings = ["delta.checkpointInterval": "3"]
    try await table.commit(first)
    for number in 1...7 { try await table.commit(try disk.change("f\(number)")) }
    let found = try log(disk).filter { $0.hasSuffix(".checkpoint.parquet") }.map { $0.prefix(20) }
    #expect(found == ["00000000000000000003", "00000000000000000006"])
    let snapshot = try await disk.withCheckpoints().snapshot()
    #expect(snapshot.checkpoint == TableVersion(6))
    #expect(snapshot.version == TableVersion(7))
    #expect(snapshot.files.paths == (0...7).map { "f\($0)" })
  }

  @Test("carry transactions, domains, settings and files that left, as long as these are kept")
  func contents() async throws {
    let disk = try TableOnDisk()
    let clock = SteppedClock(start: Instant(microseconds: 1_700_000_000_000_000))
    let table = disk.withCheckpoints(clock: clock)
    var first = try disk.change("a")
    first.transactions = [TransactionIdentifier(appID: "app", version: 9)]
    first.domains = [DomainMetadata(domain: "x", configuration: "{\"k\":1}")]
    first.settings = ["custom.setting": "kept"]
    try await table.commit(first)
    var gone = try disk.change("b")
    gone.mode = .overwrite
    try await table.commit(gone)
    try await table.checkpoint()
    for version in 0...1 {
      try LocalFileSystem().remove(
        "\(disk.location)/_delta_log/\(TableVersion(Int64(version)).logFileName)"
      )
    }
    let snapshot = try await disk.withCheckpoints().snapshot()
    #expect(snapshot.version == TableVersion(1))
    #expect(snapshot.transactionVersion("app") == 9)
    #expect(snapshot.domains["x"]?.configuration == "{\"k\":1}")
    #expect(snapshot.metadata.configuration["custom.setting"] == "kept")
    #expect(snapshot.files.paths == ["b"])
    // What left a week ago at most is kept for readers of older versions, and then no more.
    let options = VacuumOptions(isDryRun: true)
    #expect(try await disk.withCheckpoints(clock: clock).vacuum(options).files.isEmpty)
    clock.advance(by: .seconds(8 * 86_400))
    #expect(try await disk.withCheckpoints(clock: clock).vacuum(options).files == ["a"])
  }

  @Test("that are torn are passed over, and the table says so", arguments: [0, 1, 40])
  func torn(length: Int) async throws {
    let disk = try TableOnDisk()
    let table = disk.withCheckpoints()
    for name in ["a", "b", "c"] { try await table.commit(try disk.change(name)) }
    try await table.checkpoint()
    let path = "\(disk.location)/_delta_log/00000000000000000002.checkpoint.parquet"
    let whole = try LocalFileSystem().read(path)
    try LocalFileSystem().remove(path)
    try LocalFileSystem().create(path, Array(whole.prefix(length)))
    let heard = Mutex<[LakeNotice]>([])
    let snapshot = try await disk.withCheckpoints { notice in
      heard.withLock { $0.append(notice) }
    }.snapshot()
    #expect(snapshot.files.paths == ["a", "b", "c"])
    #expect(snapshot.checkpoint == nil)
    #expect(snapshot.notices.count == 1)
    #expect(snapshot.notices.first?.description.contains("00000000000000000002") == true)
    #expect(heard.withLock { $0 } == snapshot.notices)
  }

  @Test("that are torn while the commits before are gone make the table unreadable, by name")
  func tornAlone() async throws {
    let disk = try TableOnDisk()
    let table = disk.withCheckpoints()
    for name in ["a", "b"] { try await table.commit(try disk.change(name)) }
    try await table.checkpoint()
    let log = "\(disk.location)/_delta_log"
    try LocalFileSystem().remove("\(log)/\(TableVersion.first.logFileName)")
    let path = "\(log)/00000000000000000001.checkpoint.parquet"
    try LocalFileSystem().remove(path)
    try LocalFileSystem().create(path, [])
    #expect(
      await failureCode { _ = try await disk.withCheckpoints().snapshot() }
        == "lake.corrupt-checkpoint"
    )
  }

  @Test("hints that are damaged, stale or from the future mislead nobody")
  func hints() async throws {
    let disk = try TableOnDisk()
    let table = disk.withCheckpoints()
    for name in ["a", "b"] { try await table.commit(try disk.change(name)) }
    try await table.checkpoint()
    let path = "\(disk.location)/_delta_log/_last_checkpoint"
    for hint in ["", "nonsense", #"{"version":77,"size":1}"#, #"{"version":0,"size":1}"#] {
      try LocalFileSystem().remove(path)
      try LocalFileSystem().create(path, Array(hint.utf8))
      #expect(try await disk.withCheckpoints().snapshot().files.paths == ["a", "b"])
    }
  }

  @Test("with 10,000 commits opening reads the checkpoint and the tail, and nothing else")
  func opening() async throws {
    let disk = try TableOnDisk()
    let table = disk.withCheckpoints()
    try await table.commit(try disk.change("a"))
    for version in 1...10_003 {
      try disk.writeLog(Int64(version), [#"{"commitInfo":{"operation":"WRITE"}}"#])
      if version == 10_000 { try await table.checkpoint(at: TableVersion(10_000)) }
    }
    let counting = FaultyFileSystem(LocalFileSystem(), failing: nil)
    let snapshot = try await disk.withCheckpoints(counting).snapshot()
    #expect(snapshot.version == TableVersion(10_003))
    let reads = counting.log.filter { $0.hasPrefix("read") }.map {
      String($0.split(separator: "/").last ?? "")
    }
    #expect(
      reads == [
        "00000000000000010000.checkpoint.parquet", "00000000000000010001.json",
        "00000000000000010002.json", "00000000000000010003.json",
      ]
    )
    #expect(counting.operations <= 7, "\(counting.log)")
  }

  @Test("a cached table reads only what is new, and notices a table that took its place")
  func cache() async throws {
    let disk = try TableOnDisk()
    let cache = SnapshotCache()
    let counting = FaultyFileSystem(LocalFileSystem(), failing: nil)
    let table = disk.withCheckpoints(counting, cache: cache)
    try await table.commit(try disk.change("a"))
    _ = try await table.snapshot()
    let before = counting.operations
    _ = try await table.snapshot()
    #expect(counting.operations - before == 2, "\(counting.log.suffix(4))")
    // Somebody else commits.
    try await disk.table.commit(try disk.change("b"))
    #expect(try await table.snapshot().files.paths == ["a", "b"])
    // Somebody removes the table and makes another with as many versions.
    for name in try LocalFileSystem().names(in: "\(disk.location)/_delta_log") {
      try LocalFileSystem().remove("\(disk.location)/_delta_log/\(name)")
    }
    try await disk.table.commit(try disk.change("x"))
    try await disk.table.commit(try disk.change("y"))
    #expect(try await table.snapshot().files.paths == ["x", "y"])
  }
}
