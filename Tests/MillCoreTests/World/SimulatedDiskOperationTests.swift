// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillTesting
import Testing

@Suite("A simulated disk with the power on")
struct SimulatedDiskOperationTests {
  @Test("the record holds what was done, a folder at a time, and nothing that was refused")
  func record() throws {
    let disk = SimulatedDisk()
    try disk.createFolders("/t/x")
    try disk.createFolders("/t/x")
    try disk.create("/t//a", [1])
    #expect(throws: FileError.alreadyExists(path: "/t/a")) { try disk.create("/t/a", []) }
    try disk.link("/t/a", as: "/t/b")
    try disk.rename("/t/a", to: "/t/b")
    try disk.syncFile("/t/b")
    try disk.rename("/t/b", to: "/t/x/c")
    try disk.remove("/t/a")
    try disk.syncFolder("/t/")
    #expect(
      disk.operations.map(\.description) == [
        "createFolder /t", "createFolder /t/x", "create /t/a (1 bytes)", "link /t/a /t/b",
        "syncFile /t/b", "rename /t/b /t/x/c", "remove /t/a", "syncFolder /t",
      ]
    )
    #expect(disk.mark() == 8)
    #expect(disk.description == "/t/\n/t/x/\n/t/x/c 1 bytes, file 3\n")
  }

  @Test("a full disk keeps nothing, but a power cut may find a part")
  func full() throws {
    let disk = SimulatedDisk(capacity: 5)
    try disk.create("/a", [1, 2, 3])
    try disk.link("/a", as: "/b")
    #expect(throws: FileError.noSpace(path: "/c")) { try disk.create("/c", [4, 5, 6]) }
    #expect(try disk.names(in: "/") == ["a", "b"])
    #expect(try looks(disk).contains { $0["/c"] == [4, 5] })
    disk.capacity = 6
    try disk.create("/c", [4, 5, 6])
    try disk.remove("/a")
    #expect(throws: FileError.noSpace(path: "/d")) { try disk.create("/d", [7]) }
    try disk.remove("/b")
    try disk.create("/d", [7])
  }

  @Test("a disk without hard links says so")
  func noLinks() throws {
    let disk = SimulatedDisk(supportsLinks: false)
    try disk.create("/a", [1])
    #expect(throws: FileError.linksUnsupported(path: "/b")) { try disk.link("/a", as: "/b") }
    disk.supportsLinks = true
    try disk.link("/a", as: "/b")
  }

  @Test("below a read-only path no name changes, beside it all do")
  func readOnly() throws {
    let disk = SimulatedDisk(readOnlyPaths: ["/t"])
    disk.load("/t/a", [1])
    try disk.create("/tt", [1])
    let refusals: [(String, () throws -> Void)] = [
      ("/t/b", { try disk.create("/t/b", []) }),
      ("/t/b", { try disk.link("/tt", as: "/t/b") }),
      ("/t/b", { try disk.rename("/tt", to: "/t/b") }),
      ("/t/a", { try disk.rename("/t/a", to: "/b") }),
      ("/t/a", { try disk.remove("/t/a") }),
      ("/t/x", { try disk.createFolders("/t/x/y") }),
    ]
    for (path, refused) in refusals {
      #expect(throws: FileError.notPermitted(path: path)) { try refused() }
    }
    try disk.createFolders("/t")
    try disk.syncFolder("/t")
    #expect(try disk.read("/t/a") == [1])
    disk.readOnlyPaths = []
    try disk.remove("/t/a")
  }

  @Test("names are told apart and ordered by their bytes")
  func names() throws {
    let disk = SimulatedDisk()
    let names = ["10", "9", "B", "_x", "a", "b", "e\u{301}", "~", "\u{e9}"]
    for name in names.reversed() { try disk.create("/\(name)", []) }
    #expect(try disk.names(in: "/").map { Array($0.utf8) } == names.map { Array($0.utf8) })
    #expect(try disk.list("/").map(\.name) == disk.names(in: "/"))
  }

  @Test("the time of change is the clock's, and two names of one file have one identity")
  func entries() throws {
    let clock = SteppedClock()
    let disk = SimulatedDisk(clock: clock)
    disk.load("/a", [1])
    clock.advance(by: .seconds(5))
    try disk.create("/b", [1, 2])
    try disk.link("/b", as: "/c")
    let entries = try disk.list("/")
    #expect(entries.map(\.modified.microseconds) == [0, 5_000_000, 5_000_000])
    #expect(entries.map(\.size) == [1, 2, 2])
    #expect(entries[1].identity == entries[2].identity)
    #expect(entries[0].identity != entries[1].identity)
  }

  @Test("it answers as the disk of this computer does", arguments: 0..<40)
  func likeTheRealOne(seed: UInt64) throws {
    let chance = SeededRandom(seed: seed)
    let folder = try TemporaryFolder("simulated")
    let disk = SimulatedDisk()
    disk.loadFolder(folder.path)
    let names = ["a", "b", "x", "x/a", "x/b", "x/y", "x/y/a", "a/b", "none/a", "zero\u{0}"]
    for step in 0..<150 {
      let kind = chance.below(11)
      let path = folder.path(names[chance.below(names.count)])
      let other = folder.path(names[chance.below(names.count)])
      let real = Self.answer(LocalFileSystem(), kind, path, other)
      let simulated = Self.answer(disk, kind, path, other)
      #expect(simulated == real, "seed \(seed), step \(step)")
    }
  }

  /// What a disk says to one operation, in words.
  private static func answer(
    _ files: any FileSystem,
    _ kind: Int,
    _ path: String,
    _ other: String
  ) -> String {
    func described(_ entry: FileEntry) -> String {
      "\(entry.name) \(entry.isFolder ? "folder" : "\(entry.size)")"
    }
    do {
      switch kind {
      case 0: try files.createFolders(path)
      case 1, 2: try files.create(path, [1, 2, 3])
      case 3: try files.syncFile(path)
      case 4: try files.syncFolder(path)
      case 5: try files.link(path, as: other)
      case 6: try files.rename(path, to: other)
      case 7: try files.remove(path)
      case 8: return "\(kind) \(try files.list(path).map(described))"
      case 9: return "\(kind) \(try files.status(path).map(described) ?? "nothing")"
      default: return "\(kind) \(try files.read(path))"
      }
      return "\(kind) done"
    } catch {
      #if os(Linux)
        return "\(kind) \(error)"
      #else
        return "\(kind) \((error as? FileError)?.code ?? "")"
      #endif
    }
  }
}
