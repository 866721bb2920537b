// SPDX-License-Identifier: Apache-2.0

import MillCore
import Testing

@Suite("The disk")
struct LocalFileSystemTests {
  private let files = LocalFileSystem()

  /// Runs with a new folder that is removed afterwards.
  private func withFolder(_ body: (String) throws -> Void) throws {
    let world = World.system()
    let folder = "/tmp/millrace-test-\(world.makeID())"
    try files.createFolders(folder)
    defer { try? removeAll(folder) }
    try body(folder)
  }

  private func removeAll(_ path: String) throws {
    for entry in try files.list(path) {
      let inner = "\(path)/\(entry.name)"
      if entry.isFolder {
        try removeAll(inner)
      } else {
        try files.remove(inner)
      }
    }
    try files.remove(path)
  }

  @Test("what was written is read back", arguments: [0, 1, 4095, 4096, 4097, 3_000_000])
  func roundTrip(count: Int) throws {
    try withFolder { folder in
      let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
      try files.create("\(folder)/a", bytes)
      try files.syncFile("\(folder)/a")
      try files.syncFolder(folder)
      #expect(try files.read("\(folder)/a") == bytes)
      #expect(try files.status("\(folder)/a")?.size == Int64(count))
    }
  }

  @Test("creating a file that is there is refused and changes nothing")
  func createTwice() throws {
    try withFolder { folder in
      try files.create("\(folder)/a", [1])
      #expect(throws: FileError.alreadyExists(path: "\(folder)/a")) {
        try files.create("\(folder)/a", [2])
      }
      #expect(try files.read("\(folder)/a") == [1])
    }
  }

  @Test("a link never replaces an existing name")
  func linkTwice() throws {
    try withFolder { folder in
      try files.create("\(folder)/a", [1])
      try files.create("\(folder)/b", [2])
      try files.link("\(folder)/a", as: "\(folder)/c")
      #expect(throws: FileError.alreadyExists(path: "\(folder)/c")) {
        try files.link("\(folder)/b", as: "\(folder)/c")
      }
      #expect(try files.read("\(folder)/c") == [1])
      let identities = try files.list(folder).map(\.identity)
      #expect(identities[0] == identities[2])
      #expect(identities[0] != identities[1])
    }
  }

  @Test("a rename replaces its target")
  func rename() throws {
    try withFolder { folder in
      try files.create("\(folder)/a", [1])
      try files.create("\(folder)/b", [2])
      try files.rename("\(folder)/a", to: "\(folder)/b")
      #expect(try files.read("\(folder)/b") == [1])
      #expect(try files.list(folder).map(\.name) == ["b"])
    }
  }

  @Test("what is not there is said to be missing")
  func missing() throws {
    try withFolder { folder in
      let path = "\(folder)/none"
      let found = [try files.status(path), try files.status("\(path)/deeper")]
      #expect(found == [nil, nil])
      #expect(throws: FileError.notFound(path: path)) { try files.read(path) }
      #expect(throws: FileError.notFound(path: path)) { try files.remove(path) }
      #expect(throws: FileError.notFound(path: path)) { try files.list(path) }
      #expect(throws: FileError.notFound(path: path)) { try files.syncFile(path) }
      #expect(throws: FileError.notFound(path: path)) { try files.link(path, as: "\(folder)/b") }
      #expect(throws: FileError.notFound(path: path)) { try files.rename(path, to: folder + "/b") }
      #expect(throws: FileError.notFound(path: "\(path)/b")) {
        try files.create("\(path)/b", [])
      }
    }
  }

  @Test("folders are made with those above them, and again without harm")
  func folders() throws {
    try withFolder { folder in
      try files.createFolders("\(folder)/x/y//z/")
      try files.createFolders("\(folder)/x/y/z")
      let entry = try files.status("\(folder)/x/y/z/")
      #expect(entry?.isFolder == true)
      #expect(entry?.name == "z")
      try files.create("\(folder)/file", [])
      #expect(throws: FileError.alreadyExists(path: "\(folder)/file")) {
        try files.createFolders("\(folder)/file/deeper")
      }
    }
  }

  @Test("a folder is listed in byte order")
  func listing() throws {
    try withFolder { folder in
      for name in ["b", "é", "B", "a", "_x", "~", "10", "9"] {
        try files.create("\(folder)/\(name)", [])
      }
      #expect(try files.list(folder).map(\.name) == ["10", "9", "B", "_x", "a", "b", "~", "é"])
      let modified = try files.list(folder)[0].modified
      let age = SystemClock().now() - modified
      #expect(age < .seconds(3600) && age > .seconds(-3600))
    }
  }

  @Test("a folder that is not empty is not removed, an empty one is")
  func removing() throws {
    try withFolder { folder in
      try files.createFolders("\(folder)/x")
      try files.create("\(folder)/x/a", [])
      #expect(throws: FileError.self) { try files.remove("\(folder)/x") }
      try files.remove("\(folder)/x/a")
      try files.remove("\(folder)/x")
      let left = try files.status("\(folder)/x")
      #expect(left == nil)
    }
  }

  @Test("a path with a zero byte names no file")
  func zeroByte() throws {
    try withFolder { folder in
      try files.create("\(folder)/a", [1])
      #expect(throws: FileError.self) { try files.read("\(folder)/a\u{0}b") }
      #expect(throws: FileError.self) { try files.create("\(folder)/c\u{0}d", []) }
      #expect(try files.list(folder).count == 1)
    }
  }
}
