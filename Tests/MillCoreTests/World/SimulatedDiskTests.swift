// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillTesting
import Testing

/// The path and content of every file, and the path of every folder with a slash and no content.
private func look(_ disk: SimulatedDisk, in folder: String = "") throws -> [String: [UInt8]] {
  var found: [String: [UInt8]] = [:]
  for entry in try disk.list(folder.isEmpty ? "/" : folder) {
    let path = "\(folder)/\(entry.name)"
    if entry.isFolder {
      found["\(path)/"] = []
      found.merge(try look(disk, in: path)) { $1 }
    } else {
      found[path] = try disk.read(path)
    }
  }
  return found
}

/// What is found at the end of the record, or after some of it, each possibility once.
func looks(
  _ disk: SimulatedDisk,
  after count: Int? = nil,
  limit: Int = 5000
) throws -> Set<[String: [UInt8]]> {
  let states = disk.states(afterOperations: count ?? disk.mark(), limit: limit)
  return Set(try states.map { try look($0) })
}

@Suite("A simulated disk after a power cut")
struct SimulatedDiskTests {
  private let disk = SimulatedDisk()

  init() {
    disk.loadFolder("/t")
  }

  /// A file whose content is safe and whose name is not.
  private func write(_ path: String, _ bytes: [UInt8]) throws {
    try disk.create(path, bytes)
    try disk.syncFile(path)
  }

  /// What LocalObjectStore does to put a file in place.
  private func putIfAbsent(_ name: String, _ bytes: [UInt8], isSynced: Bool = true) throws {
    let temporary = "/t/.\(name).tmp"
    try disk.create(temporary, bytes)
    if isSynced { try disk.syncFile(temporary) }
    try disk.link(temporary, as: "/t/\(name)")
    try disk.remove(temporary)
    try disk.syncFolder("/t")
  }

  // MARK: Contents

  @Test("unsynced content may be torn")
  func torn() throws {
    try disk.create("/t/a", [1, 2, 3, 4])
    try disk.syncFolder("/t")
    let contents = Set(try looks(disk).map { $0["/t/a"] })
    #expect(contents == [[], [1, 2], [0, 0, 0, 0], [1, 2, 0, 0], [1, 2, 3, 4]])
  }

  @Test("a torn content is a beginning, followed by zeros or by nothing", arguments: 0..<20)
  func tornByChance(seed: UInt64) throws {
    let whole = (1...100).map { UInt8($0) }
    for number in 0..<20 { try disk.create("/t/\(number)", whole) }
    let states = disk.states(afterOperations: disk.mark(), limit: 20, seed: seed)
    #expect(states.count == 20)
    for state in states {
      for (path, bytes) in try look(state) where path != "/t/" {
        let kept = bytes.prefix { $0 != 0 }
        #expect(whole.starts(with: kept), "seed \(seed)")
        #expect(bytes.dropFirst(kept.count).allSatisfy { $0 == 0 }, "seed \(seed)")
        #expect(bytes.count == kept.count || bytes.count == whole.count, "seed \(seed)")
      }
    }
  }

  @Test("all names of one file have one content")
  func oneContent() throws {
    try disk.create("/t/a", [1, 2, 3])
    try disk.link("/t/a", as: "/t/b")
    let found = try looks(disk)
    #expect(found.contains { $0["/t/a"] == [1] && $0["/t/b"] == [1] })
    #expect(found.allSatisfy { $0["/t/a"] == nil || $0["/t/b"] == nil || $0["/t/a"] == $0["/t/b"] })
  }

  @Test("a file that was synced under one name is whole under the other")
  func syncedThroughLink() throws {
    try disk.create("/t/a", [1, 2, 3])
    try disk.link("/t/a", as: "/t/b")
    try disk.syncFile("/t/b")
    for found in try looks(disk) {
      #expect(found["/t/a"] == nil || found["/t/a"] == [1, 2, 3])
    }
  }

  // MARK: Names

  @Test("a file that was synced but whose folder was not may be gone")
  func nameNotSynced() throws {
    try write("/t/a", [1])
    #expect(try looks(disk) == [["/t/": []], ["/t/": [], "/t/a": [1]]])
  }

  @Test("changes of different names persist in any subset")
  func anySubset() throws {
    for name in ["a", "b", "c"] { try write("/t/\(name)", [1]) }
    let found = Set(try looks(disk).map { $0.keys.sorted().joined(separator: " ") })
    #expect(
      found == [
        "/t/", "/t/ /t/a", "/t/ /t/b", "/t/ /t/c", "/t/ /t/a /t/b", "/t/ /t/a /t/c",
        "/t/ /t/b /t/c", "/t/ /t/a /t/b /t/c",
      ]
    )
  }

  @Test("changes of one name persist in order")
  func inOrder() throws {
    try write("/t/a", [1])
    try disk.rename("/t/a", to: "/t/b")
    try write("/t/a", [2])
    let found = try looks(disk)
    #expect(
      found == [
        ["/t/": []], ["/t/": [], "/t/a": [1]], ["/t/": [], "/t/b": [1]],
        ["/t/": [], "/t/a": [2], "/t/b": [1]],
      ]
    )
  }

  @Test("a link and a synced folder survive every power cut")
  func linkSurvives() throws {
    try write("/t/.tmp", [1, 2])
    try disk.link("/t/.tmp", as: "/t/a")
    #expect(try looks(disk).contains { $0["/t/a"] == nil })
    try disk.syncFolder("/t")
    try disk.remove("/t/.tmp")
    let end = disk.mark()
    try disk.create("/t/later", [3])
    for count in [end, disk.mark()] {
      #expect(try looks(disk, after: count).allSatisfy { $0["/t/a"] == [1, 2] })
    }
  }

  @Test("a link may survive the name that it was made from")
  func linkAlone() throws {
    try write("/t/a", [1])
    try disk.link("/t/a", as: "/t/b")
    #expect(try looks(disk).contains(["/t/": [], "/t/b": [1]]))
  }

  @Test("a removed name may come back until its folder is synced")
  func comesBack() throws {
    disk.load("/t/a", [1])
    try disk.remove("/t/a")
    #expect(try looks(disk) == [["/t/": []], ["/t/": [], "/t/a": [1]]])
    try disk.syncFolder("/t")
    #expect(try looks(disk) == [["/t/": []]])
  }

  @Test("rename is never seen half done", arguments: ["/t", "/u"])
  func renameIsAtomic(folder: String) throws {
    disk.load("/t/a", [1])
    disk.loadFolder("/u")
    let target = "\(folder)/b"
    try disk.rename("/t/a", to: target)
    let found = try looks(disk)
    #expect(found == [["/t/": [], "/u/": [], "/t/a": [1]], ["/t/": [], "/u/": [], target: [1]]])
    try disk.syncFolder(folder)
    #expect(try looks(disk) == [["/t/": [], "/u/": [], target: [1]]])
  }

  @Test("a rename over a file leaves the old or the new one")
  func renameOver() throws {
    disk.load("/t/a", [1])
    try write("/t/.tmp", [2])
    try disk.rename("/t/.tmp", to: "/t/a")
    #expect(Set(try looks(disk).map { $0["/t/a"] }) == [[1], [2]])
  }

  @Test("a safe rename brings along what had its names before", arguments: ["/t", "/u"])
  func renameClosure(synced: String) throws {
    disk.load("/t/a", [1])
    disk.loadFolder("/u")
    try write("/u/b", [2])
    try disk.rename("/t/a", to: "/u/b")
    try disk.syncFolder(synced)
    #expect(try looks(disk) == [["/t/": [], "/u/": [], "/u/b": [1]]])
  }

  @Test("a rename over a file before its content was synced may lose both")
  func renameTooEarly() throws {
    disk.load("/t/a", [1])
    try disk.create("/t/.tmp", [2])
    try disk.rename("/t/.tmp", to: "/t/a")
    try disk.syncFolder("/t")
    #expect(Set(try looks(disk).map { $0["/t/a"] }) == [[], [0], [2]])
  }

  // MARK: Folders

  @Test("a folder whose name was lost takes a synced file with it")
  func lostFolder() throws {
    try disk.createFolders("/t/x/y")
    try write("/t/x/y/a", [1])
    try disk.syncFolder("/t/x/y")
    try disk.syncFolder("/t/x")
    let whole: [String: [UInt8]] = ["/t/": [], "/t/x/": [], "/t/x/y/": [], "/t/x/y/a": [1]]
    #expect(try looks(disk) == [["/t/": []], whole])
    try disk.syncFolder("/t")
    #expect(try looks(disk) == [whole])
  }

  @Test("what is in a folder that was lost makes no difference and takes no time")
  func lostOnce() throws {
    try disk.createFolders("/t/x")
    for number in 0..<8 { try write("/t/x/\(number)", []) }
    #expect(disk.states(afterOperations: disk.mark()).count == 1 + 256)
    for number in 8..<60 { try write("/t/x/\(number)", []) }
    #expect(disk.states(afterOperations: disk.mark(), limit: 10).count == 10)
  }

  @Test("subsets that look the same do not hold up the search for others")
  func sameLooks() throws {
    try write("/t/a", [])
    for _ in 0..<30 {
      for number in 0..<10 { try disk.link("/t/a", as: "/t/\(number)") }
      for number in 0..<10 { try disk.remove("/t/\(number)") }
    }
    #expect(disk.states(afterOperations: disk.mark(), limit: 40).count == 40)
  }

  @Test("a file may outlive the folder that it was moved out of")
  func movedOut() throws {
    disk.loadFolder("/u")
    try disk.createFolders("/t/new")
    try write("/t/new/a", [1])
    try disk.rename("/t/new/a", to: "/u/a")
    #expect(try looks(disk).contains(["/t/": [], "/u/": [], "/u/a": [1]]))
    try disk.syncFolder("/u")
    #expect(try looks(disk).allSatisfy { $0["/u/a"] == [1] })
  }

  @Test("a file that was moved into a new folder goes with it")
  func movedIn() throws {
    disk.load("/t/a", [1])
    try disk.createFolders("/t/new")
    try disk.rename("/t/a", to: "/t/new/a")
    try disk.syncFolder("/t/new")
    #expect(try looks(disk) == [["/t/": []], ["/t/": [], "/t/new/": [], "/t/new/a": [1]]])
  }

  @Test("a folder is moved with all that is in it, or not at all")
  func movedFolder() throws {
    disk.load("/t/x/a", [1])
    disk.load("/t/x/y/b", [2])
    try disk.rename("/t/x", to: "/t/z")
    let before: [String: [UInt8]] = [
      "/t/": [], "/t/x/": [], "/t/x/a": [1], "/t/x/y/": [], "/t/x/y/b": [2],
    ]
    let after: [String: [UInt8]] = [
      "/t/": [], "/t/z/": [], "/t/z/a": [1], "/t/z/y/": [], "/t/z/y/b": [2],
    ]
    #expect(try looks(disk) == [before, after])
  }

  @Test("moved folders never form a ring")
  func noRing() throws {
    disk.load("/t/a/b/file", [1])
    try disk.rename("/t/a/b", to: "/t/b")
    try disk.rename("/t/a", to: "/t/b/a")
    let found = try looks(disk)
    #expect(found.count == 3)
    #expect(found.allSatisfy { $0.count == 4 && $0.values.contains([1]) })
  }

  // MARK: Protocols

  @Test("put-if-absent is whole or absent wherever the power is cut, and there once it returned")
  func putIfAbsent() throws {
    try putIfAbsent("0", [1, 2, 3, 4])
    let first = disk.mark()
    try putIfAbsent("1", [5, 6, 7, 8])
    for count in 0...disk.mark() {
      for found in try looks(disk, after: count) {
        #expect(found["/t/0"] == [1, 2, 3, 4] || (found["/t/0"] == nil && count < first))
        let isOver = count == disk.mark()
        #expect(found["/t/1"] == [5, 6, 7, 8] || (found["/t/1"] == nil && !isOver))
        #expect(!isOver || found.count == 3)
      }
    }
  }

  @Test("put-if-absent without the sync of the file may put half of it")
  func putTooEarly() throws {
    try putIfAbsent("0", [1, 2, 3, 4], isSynced: false)
    #expect(Set(try looks(disk).map { $0["/t/0"] }).count == 5)
  }

  @Test("whatever was synced twice is in every state", arguments: 0..<50)
  func syncedTwice(seed: UInt64) throws {
    let chance = SeededRandom(seed: seed)
    var safe: [String: [UInt8]] = [:]
    var marks: [(count: Int, safe: [String: [UInt8]])] = []
    for number in 0..<12 {
      let path = "/t/\(number)"
      try disk.create(path, [1, UInt8(number)])
      let syncsFile = chance.happens(percent: 50)
      if syncsFile { try disk.syncFile(path) }
      if chance.happens(percent: 30) { try disk.link(path, as: "\(path).link") }
      if syncsFile, chance.happens(percent: 50) {
        try disk.syncFolder("/t")
        safe[path] = [1, UInt8(number)]
      }
      marks.append((disk.mark(), safe))
    }
    for (count, safe) in marks {
      for state in disk.states(afterOperations: count, limit: 50, seed: seed) {
        let found = try look(state)
        for (path, bytes) in safe { #expect(found[path] == bytes, "seed \(seed)") }
      }
    }
  }

  // MARK: The set of states

  @Test("few states are all there")
  func exhaustive() throws {
    for name in ["a", "b"] { try disk.create("/t/\(name)", [1, 2, 3, 4]) }
    // Each is absent or has one of five contents.
    #expect(disk.states(afterOperations: 2, limit: 36).count == 36)
    #expect(try looks(disk).count == 36)
    #expect(disk.states(afterOperations: 1).count == 6)
    #expect(disk.states(afterOperations: 0).count == 1)
  }

  @Test("of many states a sample is drawn, always with the poorest first and the richest last")
  func sampled() throws {
    for number in 0..<40 { try disk.create("/t/\(number)", [1, 2, 3, 4]) }
    let count = disk.mark()
    for limit in [2, 3, 35, 400] {
      let found = try disk.states(afterOperations: count, limit: limit).map { try look($0) }
      #expect(Set(found).count == limit)
      #expect(found.first == ["/t/": []])
      #expect(try found.last == look(disk))
    }
    func drawn(_ seed: UInt64) throws -> [[String: [UInt8]]] {
      try disk.states(afterOperations: count, limit: 20, seed: seed).map { try look($0) }
    }
    #expect(try drawn(1) == drawn(1))
    #expect(try drawn(1) != drawn(2))
  }

  @Test("a sync only takes states away and a change only adds some", arguments: 0..<40)
  func monotone(seed: UInt64) throws {
    let chance = SeededRandom(seed: seed)
    disk.load("/t/a", [9, 9])
    disk.loadFolder("/t/x")
    let names = ["/t/a", "/t/b", "/t/x/a", "/t/x/b", "/t/y/a"]
    let folders = ["/t", "/t/x", "/t/y"]
    func name() -> String { names[chance.below(names.count)] }
    func folder() -> String { folders[chance.below(folders.count)] }
    for _ in 0..<16 {
      // What is refused changes nothing.
      switch chance.below(8) {
      case 0: try? disk.create(name(), [1, 2])
      case 1: try? disk.syncFile(name())
      case 2, 3: try? disk.syncFolder(folder())
      case 4: try? disk.link(name(), as: name())
      case 5: try? disk.rename(name(), to: name())
      case 6: try? disk.remove(chance.happens(percent: 80) ? name() : folder())
      default:
        try? disk.createFolders(folder())
        try? disk.rename(folder(), to: folder())
      }
    }
    let limit = 1500
    var before = try looks(disk, after: 0, limit: limit)
    #expect(before.count == 1)
    for (number, operation) in disk.operations.enumerated() {
      let now = try looks(disk, after: number + 1, limit: limit)
      guard now.count < limit / 2, before.count < limit / 2 else { break }
      switch operation {
      case .syncFile, .syncFolder: #expect(now.isSubset(of: before), "seed \(seed): \(operation)")
      default: #expect(now.isSuperset(of: before), "seed \(seed): \(operation)")
      }
      before = now
    }
    let states = disk.states(afterOperations: disk.mark(), limit: 20, seed: seed)
    #expect(try [states.first, states.last].contains { try $0.map { try look($0) } == look(disk) })
  }

  @Test("life goes on after a power cut and can be cut again")
  func again() throws {
    try disk.create("/t/a", [1, 2])
    for state in disk.states(afterOperations: 1) {
      let found = try look(state)
      #expect(state.operations.isEmpty)
      try state.create("/t/b", [])
      #expect(try looks(state) == [found, found.merging(["/t/b": []]) { $1 }])
    }
    #expect(try look(disk) == ["/t/": [], "/t/a": [1, 2]])
  }
}
