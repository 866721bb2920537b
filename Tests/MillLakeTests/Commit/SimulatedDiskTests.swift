// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillLake
import MillTesting
import Testing

/// Every state that a disk may legally be in after the power was cut.
///
/// It is cut at every operation of a table's life. There are some 2,000 such states; none is left out.
@Suite("Tables through a power cut")
struct TablePowerCutTests {
  /// What must be true after a cut: the versions there may be, and what each holds.
  private struct Life {
    /// How much of the record was done when a version was acknowledged.
    var acknowledged: [(operations: Int, version: Int64)] = []
    /// The files of each version that may be there.
    var versions: [Int64: [String]] = [:]
    /// From so much of the record on older versions need not be readable.
    var vacuumed = Int.max

    mutating func committed(_ version: Int64, _ files: [String], at operations: Int) {
      versions[version] = files
      acknowledged.append((operations, version))
    }

    func leastVersion(at operations: Int) -> Int64 {
      acknowledged.last { $0.operations <= operations }?.version ?? -1
    }
  }

  private static let thread = BlockingExecutor(name: "power-cut")

  private func table(on disk: SimulatedDisk, seed: UInt64) -> DeltaTable {
    let world = World.virtual(seed: seed, files: disk)
    return DeltaTable(
      name: "t",
      store: LocalObjectStore(
        location: "/lake/t",
        below: "/lake",
        world: world,
        thread: Self.thread
      ),
      world: world,
      checkpoints: JSONCheckpoints(files: disk)
    )
  }

  /// A data file as an engine leaves it: written, not synced.
  private func file(_ name: String, on disk: SimulatedDisk) throws -> DataFile {
    let bytes = Array("rows of \(name)".utf8)
    try disk.createFolders("/lake/t")
    try disk.create("/lake/t/\(name)", bytes)
    return DataFile(
      location: "/lake/t/\(name)",
      sizeInBytes: Int64(bytes.count),
      statistics: FileStatistics(rows: 1)
    )
  }

  private func append(_ name: String, _ disk: SimulatedDisk, _ table: DeltaTable) async throws {
    try await table.commit(
      TableChange(mode: .append, files: [try file(name, on: disk)], schema: twoColumns)
    )
  }

  /// A table's life: appends, checkpoints, compaction, vacuum, clean-up of the log.
  private func live(_ disk: SimulatedDisk) async throws -> Life {
    let table = table(on: disk, seed: 1)
    var life = Life()
    for (version, name) in ["a", "b", "c"].enumerated() {
      try await append(name, disk, table)
      life.committed(Int64(version), Array(["a", "b", "c"].prefix(version + 1)), at: disk.mark())
    }
    try await table.checkpoint()
    let small = try await table.snapshot()
    try await table.commit(
      TableChange(
        mode: .append,
        files: [try file("abc", on: disk)],
        replacing: Array(small.files),
        schema: twoColumns,
        operation: "OPTIMIZE",
        isDataChange: false,
        reads: .replaced
      )
    )
    life.committed(3, ["abc"], at: disk.mark())
    try await append("d", disk, table)
    life.committed(4, ["abc", "d"], at: disk.mark())
    try await table.checkpoint()
    life.vacuumed = disk.mark()
    let report = try await table.vacuum(
      VacuumOptions(retention: .zero, allowsShortRetention: true)
    )
    #expect(report.files == ["a", "b", "c"])
    let cleaned = try await table.cleanUpLog(retention: .zero)
    #expect(cleaned.commits == 4)
    try await append("e", disk, table)
    life.committed(5, ["abc", "d", "e"], at: disk.mark())
    return life
  }

  @Test("whenever the power is cut, the newest version is whole and nothing acknowledged is lost")
  func anyMoment() async throws {
    let disk = SimulatedDisk()
    disk.loadFolder("/lake")
    let life = try await live(disk)
    let limit = 3000
    var states = 0
    for operations in 0...disk.mark() {
      let found = disk.states(afterOperations: operations, limit: limit, seed: UInt64(operations))
      #expect(found.count < limit, "so many states would be drawn by chance, not tried one and all")
      states += found.count
      for state in found { try await hold(state, to: life, cutAfter: operations) }
    }
    // A disk that forgets nothing would give one state a cut.
    #expect(states > 3 * disk.mark())
  }

  private func hold(_ disk: SimulatedDisk, to life: Life, cutAfter operations: Int) async throws {
    let table = table(on: disk, seed: 99)
    let least = life.leastVersion(at: operations)
    let found = try await table.snapshotIfExists()
    let version = found?.version.number ?? -1
    #expect(version >= least, "cut after \(operations): version \(version), not \(least)")
    guard let found else { return }
    let expected = try #require(life.versions[version], "cut after \(operations): \(version)")
    #expect(found.files.paths == expected, "cut after \(operations), version \(version)")
    for name in expected {
      #expect(
        try disk.read("/lake/t/\(name)") == Array("rows of \(name)".utf8),
        "cut after \(operations): the content of \(name)"
      )
    }
    if operations < life.vacuumed {
      for number in 0...version {
        let older = try await table.snapshot(at: TableVersion(number))
        #expect(older.files.paths == life.versions[number], "cut after \(operations): \(number)")
      }
    }
    // Life goes on: the next writer finds a log that it can go on from, and its commit counts.
    let next = "after-\(operations)"
    try await append(next, disk, table)
    let after = try await table.snapshot()
    #expect(after.version.number == version + 1, "cut after \(operations)")
    #expect(after.files.paths == (expected + [next]).sorted(), "cut after \(operations)")
    _ = try await table.vacuum(VacuumOptions(retention: .zero, allowsShortRetention: true))
    #expect(try await table.snapshot().files.paths == (expected + [next]).sorted())
  }

  @Test("a commit whose data was not synced would be caught")
  func mutant() async throws {
    // The same test on a disk whose sync of files does nothing must find a torn file.
    let disk = SimulatedDisk()
    disk.loadFolder("/lake")
    let unsynced = UnsyncedDisk(disk)
    let world = World.virtual(seed: 3, files: unsynced)
    let table = DeltaTable(
      name: "t",
      store: LocalObjectStore(
        location: "/lake/t",
        below: "/lake",
        world: world,
        thread: Self.thread
      ),
      world: world
    )
    try await append("a", disk, table)
    var isCaught = false
    for state in disk.states(afterOperations: disk.mark(), limit: 50, seed: 1) {
      let content = try? state.read("/lake/t/a")
      let log = try? state.read("/lake/t/_delta_log/\(TableVersion.first.logFileName)")
      if log?.isEmpty != true, content != Array("rows of a".utf8) { isCaught = true }
    }
    #expect(isCaught)
  }
}

/// A disk that says that files are synced and does nothing.
private struct UnsyncedDisk: FileSystem {
  let base: SimulatedDisk

  init(_ base: SimulatedDisk) { self.base = base }

  func read(_ path: String) throws(FileError) -> [UInt8] { try base.read(path) }
  func create(_ path: String, _ bytes: [UInt8]) throws(FileError) { try base.create(path, bytes) }
  func syncFile(_ path: String) throws(FileError) {}
  func syncFolder(_ path: String) throws(FileError) { try base.syncFolder(path) }
  func link(_ existing: String, as name: String) throws(FileError) {
    try base.link(existing, as: name)
  }
  func rename(_ source: String, to target: String) throws(FileError) {
    try base.rename(source, to: target)
  }
  func remove(_ path: String) throws(FileError) { try base.remove(path) }
  func createFolders(_ path: String) throws(FileError) { try base.createFolders(path) }
  func list(_ path: String) throws(FileError) -> [FileEntry] { try base.list(path) }
  func status(_ path: String) throws(FileError) -> FileEntry? { try base.status(path) }
}
