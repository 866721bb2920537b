// SPDX-License-Identifier: Apache-2.0

import Foundation
import MillCore
import MillLake
import MillTesting
import Synchronization
import Testing

@Suite("What vacuum never takes")
struct VacuumSafetyTests {
  private let disk: TableOnDisk
  private let clock: SteppedClock
  private let table: DeltaTable

  init() throws {
    disk = try TableOnDisk()
    clock = SteppedClock(start: SystemClock().now() + .seconds(60))
    table = disk.withCheckpoints(clock: clock)
  }

  private func overwrite(_ name: String) async throws {
    var change = try disk.change(name)
    change.mode = .overwrite
    try await table.commit(change)
  }

  private func age(_ name: String, days: Double) throws {
    try FileManager.default.setAttributes(
      [.modificationDate: Date(timeIntervalSinceNow: -days * 86_400)],
      ofItemAtPath: "\(disk.location)/\(name)"
    )
  }

  private func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

  @Test("what a link points to, whether outside of the table or a live file under another name")
  func links() async throws {
    _ = try disk.file("p=a/x")
    var change = TableChange(mode: .append, files: [try disk.file("live")], schema: twoColumns)
    change.files.append(
      DataFile(
        location: "\(disk.location)/p=a/x",
        sizeInBytes: Int64(TableOnDisk.content("p=a/x").count),
        statistics: FileStatistics(rows: 1)
      )
    )
    try await table.commit(change)
    let outside = disk.folder.path("outside")
    try LocalFileSystem().createFolders(outside)
    try LocalFileSystem().create("\(outside)/precious", [1])
    let manager = FileManager.default
    try manager.createSymbolicLink(
      atPath: "\(disk.location)/out",
      withDestinationPath: outside
    )
    try manager.createSymbolicLink(
      atPath: "\(disk.location)/latest",
      withDestinationPath: "\(disk.location)/p=a"
    )
    clock.advance(by: .seconds(90 * 86_400))
    let now = VacuumOptions(retention: .zero, allowsShortRetention: true)
    #expect(try await table.vacuum(now).files.isEmpty)
    #expect(exists("\(outside)/precious"))
    #expect(exists("\(disk.location)/p=a/x"))
    #expect(exists("\(disk.location)/live"))
  }

  @Test("a file that left within the retention asked for, though a checkpoint has forgotten it")
  func forgottenRemoval() async throws {
    try await overwrite("a")
    try await overwrite("b")
    try age("a", days: 60)
    // Ten days on the table's own week is over, so the checkpoint does not say that it left.
    clock.advance(by: .seconds(10 * 86_400))
    try await table.checkpoint()
    let month = VacuumOptions(retention: .seconds(30 * 86_400))
    #expect(try await table.vacuum(month).files.isEmpty)
    #expect(try await table.snapshot(at: .first).files.paths == ["a"])
    #expect(try await table.vacuum(VacuumOptions(retention: .seconds(7 * 86_400))).files == ["a"])
  }

  @Test("a deletion vector that is named by its absolute path", arguments: ["", "file://"])
  func absoluteVector(scheme: String) async throws {
    _ = try disk.file("data")
    _ = try disk.file("dv.bin")
    let vector =
      #"{"storageType":"p","pathOrInlineDv":""# + scheme + disk.location
      + #"/dv.bin","offset":1,"sizeInBytes":34,"cardinality":1}"#
    try disk.writeLog(
      0,
      [
        #"{"protocol":{"minReaderVersion":3,"minWriterVersion":7,"#
          + #""readerFeatures":["deletionVectors"],"writerFeatures":["deletionVectors"]}}"#,
        Lines.metadata(),
        #"{"add":{"path":"data","partitionValues":{},"size":16,"modificationTime":1,"#
          + #""dataChange":true,"stats":"{\"numRecords\":9}","deletionVector":"# + vector + "}}",
      ]
    )
    clock.advance(by: .seconds(90 * 86_400))
    #expect(try await table.vacuum().files.isEmpty)
    #expect(exists("\(disk.location)/dv.bin"))
  }

  @Test("a file that left at a time that nobody wrote down, before its own age says so")
  func removalWithoutTime() async throws {
    _ = try disk.file("a")
    try disk.writeLog(0, [Lines.classic, Lines.metadata(), Lines.add("a")])
    try disk.writeLog(1, [#"{"remove":{"path":"a","dataChange":true}}"#])
    #expect(try await table.vacuum().files.isEmpty)
    clock.advance(by: .seconds(30 * 86_400))
    #expect(try await table.vacuum().files == ["a"])
  }

  @Test("a version that was tagged while vacuum was held up for longer than others wait for it")
  func heldUp() async throws {
    for name in ["a", "b", "c"] { try await overwrite(name) }
    clock.advance(by: .seconds(30 * 86_400))
    let held = HeldStore(table.store) { [table, clock] in
      clock.advance(by: .seconds(16 * 60))
      _ = try? await table.tag("late", version: TableVersion(1))
    }
    let world = World.virtual(seed: 9, clock: clock)
    let slow = DeltaTable(
      name: "t",
      store: held,
      world: world,
      checkpoints: JSONCheckpoints(files: LocalFileSystem())
    )
    #expect(try await slow.vacuum().files == ["a"])
    #expect(try await table.version(tagged: "late") == TableVersion(1))
    #expect(exists("\(disk.location)/b"))
  }
}

/// A store that is held up, once, after it has removed a file of data.
private final class HeldStore: ObjectStore {
  private let base: any ObjectStore
  private let meanwhile: Mutex<(@Sendable () async -> Void)?>

  init(_ base: any ObjectStore, _ meanwhile: @escaping @Sendable () async -> Void) {
    self.base = base
    self.meanwhile = Mutex(meanwhile)
  }

  var location: String { base.location }

  func delete(_ key: String) async throws(FileError) {
    try await base.delete(key)
    guard !key.hasPrefix("_") else { return }
    let action = meanwhile.withLock { action in
      defer { action = nil }
      return action
    }
    await action?()
  }

  func read(_ key: String) async throws(FileError) -> [UInt8] { try await base.read(key) }
  func putIfAbsent(_ key: String, _ bytes: [UInt8]) async throws(FileError) {
    try await base.putIfAbsent(key, bytes)
  }
  func makeDurable(_ keys: [String]) async throws(FileError) { try await base.makeDurable(keys) }
  func list(_ prefix: String) async throws(FileError) -> [StoredObject] {
    try await base.list(prefix)
  }
  func publish(_ temporary: String, as key: String) async throws(FileError) {
    try await base.publish(temporary, as: key)
  }
  func replace(_ key: String, _ bytes: [UInt8]) async throws(FileError) {
    try await base.replace(key, bytes)
  }
  func status(_ key: String) async throws(FileError) -> StoredObject? {
    try await base.status(key)
  }
  func prepare(_ prefix: String) async throws(FileError) { try await base.prepare(prefix) }
}
