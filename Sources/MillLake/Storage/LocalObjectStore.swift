// SPDX-License-Identifier: Apache-2.0

public import MillCore

/// An ``ObjectStore`` in a local folder.
///
/// Put-if-absent is a temporary file, synced, then `link(2)` to the final name, then a sync of the
/// folder. A plain rename would overwrite the other writer's commit, and `O_EXCL` in place would
/// show readers half a file.
///
/// > Source: Delta transaction log protocol, "Atomicity"; `link(2)`.
public struct LocalObjectStore: ObjectStore {
  /// The absolute folder of the store.
  public let location: String
  private let standing: String
  private let world: World
  private let thread: BlockingExecutor

  /// - Parameters:
  ///   - location: An absolute folder; it is made when something is written.
  ///   - standing: A folder above it whose own name is durable; nil for the one directly above.
  public init(
    location: String,
    below standing: String? = nil,
    world: World,
    thread: BlockingExecutor
  ) {
    self.location = location
    self.standing = standing ?? Self.folder(of: location)
    self.world = world
    self.thread = thread
  }

  /// The bytes of the file of this name.
  public func read(_ key: String) async throws(FileError) -> [UInt8] {
    try await perform { files throws(FileError) in try files.read(self.path(key)) }
  }

  /// Makes the file durable under a temporary name, then gives it its own.
  public func putIfAbsent(_ key: String, _ bytes: [UInt8]) async throws(FileError) {
    let target = path(key)
    let folder = Self.folder(of: target)
    let temporary = "\(folder)/.\(world.makeID()).tmp"
    try await perform { files throws(FileError) in
      if try files.status(folder) == nil { try self.makeFolders(folder, files) }
      do throws(FileError) {
        try files.create(temporary, bytes)
        try files.syncFile(temporary)
        try Self.link(temporary, as: target, files)
      } catch {
        // The temporary name is garbage either way; failing to remove it changes nothing.
        try? files.remove(temporary)
        throw error
      }
      try? files.remove(temporary)
      try files.syncFolder(folder)
    }
  }

  /// Syncs the files, then each folder that leads to them from the root.
  public func makeDurable(_ keys: [String]) async throws(FileError) {
    try await perform { files throws(FileError) in
      var folders: Set<String> = []
      for key in keys {
        let target = self.path(key)
        try files.syncFile(target)
        var folder = Self.folder(of: target)
        // A file is as durable as the names of all folders that lead to it.
        while folder.utf8.count >= self.location.utf8.count, folders.insert(folder).inserted {
          folder = Self.folder(of: folder)
        }
      }
      for folder in folders.sorted() {
        try files.syncFolder(folder)
      }
    }
  }

  /// The names in a folder; a folder that is not there holds none.
  public func list(_ prefix: String) async throws(FileError) -> [StoredObject] {
    try await perform { files throws(FileError) in
      do throws(FileError) {
        return try files.list(self.path(prefix)).map { entry in
          var object = StoredObject(
            name: entry.name,
            size: entry.size,
            modified: entry.modified,
            isPrefix: entry.isFolder
          )
          object.isLink = entry.isLink
          return object
        }
      } catch {
        if case .notFound = error { return [] }
        throw error
      }
    }
  }

  /// The names in a folder, in one read of the folder whatever their number.
  public func names(_ prefix: String) async throws(FileError) -> [String] {
    try await perform { files throws(FileError) in
      do throws(FileError) {
        return try files.names(in: self.path(prefix))
      } catch {
        if case .notFound = error { return [] }
        throw error
      }
    }
  }

  /// Syncs the file that an engine wrote, then gives it its name as ``putIfAbsent(_:_:)`` does.
  public func publish(_ temporary: String, as key: String) async throws(FileError) {
    let source = path(temporary)
    let target = path(key)
    try await perform { files throws(FileError) in
      do throws(FileError) {
        try files.syncFile(source)
        try Self.link(source, as: target, files)
      } catch {
        // The temporary name is garbage either way; failing to remove it changes nothing.
        try? files.remove(source)
        throw error
      }
      try? files.remove(source)
      try files.syncFolder(Self.folder(of: target))
    }
  }

  /// Makes the bytes durable under a temporary name, then moves it over the old one.
  public func replace(_ key: String, _ bytes: [UInt8]) async throws(FileError) {
    let target = path(key)
    let folder = Self.folder(of: target)
    let temporary = "\(folder)/.\(world.makeID()).tmp"
    try await perform { files throws(FileError) in
      if try files.status(folder) == nil { try self.makeFolders(folder, files) }
      do throws(FileError) {
        try files.create(temporary, bytes)
        try files.syncFile(temporary)
        try files.rename(temporary, to: target)
      } catch {
        try? files.remove(temporary)
        throw error
      }
      try files.syncFolder(folder)
    }
  }

  /// What the disk knows of one name.
  public func status(_ key: String) async throws(FileError) -> StoredObject? {
    try await perform { files throws(FileError) in
      try files.status(self.path(key)).map {
        StoredObject(name: $0.name, size: $0.size, modified: $0.modified, isPrefix: $0.isFolder)
      }
    }
  }

  /// Removes a file, or a folder that is empty.
  public func delete(_ key: String) async throws(FileError) {
    try await perform { files throws(FileError) in
      do throws(FileError) {
        try files.remove(self.path(key))
      } catch {
        if case .notFound = error { return }
        throw error
      }
    }
  }

  /// Makes the folder, and durable the names that lead to it.
  public func prepare(_ prefix: String) async throws(FileError) {
    try await perform { files throws(FileError) in
      try self.makeFolders(self.path(prefix), files)
    }
  }

  private func path(_ key: String) -> String {
    key.isEmpty ? location : "\(location)/\(key)"
  }

  static func folder(of path: String) -> String {
    guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  /// Puts the file in place, unless somebody else has the name.
  private static func link(
    _ temporary: String,
    as target: String,
    _ files: any FileSystem
  ) throws(FileError) {
    do throws(FileError) {
      try files.link(temporary, as: target)
    } catch {
      // A network file system may do what it was asked, lose the answer, be asked again and say
      // that the name is taken: by ourselves. Our file has our identity.
      guard case .alreadyExists = error, let ours = try files.status(temporary),
        try files.status(target)?.identity == ours.identity
      else { throw error }
    }
  }

  /// Makes folders and the names that lead to them durable, so that no commit stands in a folder
  /// that a power cut takes away.
  ///
  /// Names are synced also when the folders are there: who made them may have stopped before.
  private func makeFolders(_ folder: String, _ files: any FileSystem) throws(FileError) {
    if try files.status(folder) == nil { try files.createFolders(folder) }
    var parent = folder
    repeat {
      parent = Self.folder(of: parent)
      try files.syncFolder(parent)
    } while parent.utf8.count > standing.utf8.count
  }

  private func perform<T: Sendable>(
    _ body: @escaping @Sendable (any FileSystem) throws(FileError) -> T
  ) async throws(FileError) -> T {
    let files = world.files
    let outcome: Result<T, FileError>
    do {
      outcome = try await thread.run {
        Result { () throws(FileError) -> T in try body(files) }
      }
    } catch {
      throw .system(operation: "run", path: location, errno: 0, message: "\(error)")
    }
    return try outcome.get()
  }
}
