// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillDuckDB
import MillEngine
import MillLake
import Synchronization

/// The tables and the engine of the measures, with the same bounds in all of them.
enum LakeTable {
  /// Memory of the engine, and of the plain DuckDB beside it.
  static let memory = ByteCount(bytes: 1536 << 20)
  /// Threads of every side.
  static let threads = 2

  private static let thread = BlockingExecutor(name: "bench-files")

  /// A table in an absolute folder.
  static func at(
    _ folder: String,
    _ checkpoints: (any CheckpointFormat)?,
    cache: SnapshotCache? = nil,
    files: (any FileSystem)? = nil
  ) -> DeltaTable {
    var world = World.system()
    if let files { world.files = files }
    return DeltaTable(
      name: "bench",
      store: LocalObjectStore(location: folder, world: world, thread: thread),
      world: world,
      checkpoints: checkpoints,
      cache: cache
    )
  }

  /// An engine that may read and write in the folder that holds the tables.
  static func engine(_ folder: String) throws -> DuckDBEngine {
    try DuckDBEngine(
      DuckDBEngine.Configuration(
        memory: memory,
        temporaryFolder: temporaryFolder(folder),
        threads: threads,
        folders: [folder]
      )
    )
  }

  /// DuckDB with the settings that the engine has.
  static func plain(_ folder: String) throws -> Database {
    try Database(configuration: [
      "memory_limit": "\(memory.bytes) bytes", "threads": "\(threads)",
      "temp_directory": temporaryFolder(folder),
    ])
  }

  private static func temporaryFolder(_ folder: String) -> String { "\(folder)/tmp" }

  /// The folder above an absolute path.
  static func parent(of path: String) -> String {
    path.lastIndex(of: "/").map { String(path[..<$0]) } ?? path
  }
}

/// The disk, with every call counted by its kind.
final class CountingFileSystem: FileSystem {
  private let base = LocalFileSystem()
  private let state = Mutex<[String: Int]>([:])

  /// Calls since the last ``reset()``, by kind.
  var counts: [String: Int] { state.withLock { $0 } }

  func reset() {
    state.withLock { $0 = [:] }
  }

  private func count(_ kind: String) {
    state.withLock { $0[kind, default: 0] += 1 }
  }

  func read(_ path: String) throws(FileError) -> [UInt8] {
    count("read")
    return try base.read(path)
  }

  func create(_ path: String, _ bytes: [UInt8]) throws(FileError) {
    count("create")
    try base.create(path, bytes)
  }

  func syncFile(_ path: String) throws(FileError) {
    count("syncFile")
    try base.syncFile(path)
  }

  func syncFolder(_ path: String) throws(FileError) {
    count("syncFolder")
    try base.syncFolder(path)
  }

  func link(_ existing: String, as name: String) throws(FileError) {
    count("link")
    try base.link(existing, as: name)
  }

  func rename(_ source: String, to target: String) throws(FileError) {
    count("rename")
    try base.rename(source, to: target)
  }

  func remove(_ path: String) throws(FileError) {
    count("remove")
    try base.remove(path)
  }

  func createFolders(_ path: String) throws(FileError) {
    count("createFolders")
    try base.createFolders(path)
  }

  func list(_ path: String) throws(FileError) -> [FileEntry] {
    count("list")
    return try base.list(path)
  }

  func names(in path: String) throws(FileError) -> [String] {
    count("names")
    return try base.names(in: path)
  }

  func status(_ path: String) throws(FileError) -> FileEntry? {
    count("status")
    return try base.status(path)
  }
}

/// Checkpoints, with those counted that were read and written.
final class CountingCheckpoints: CheckpointFormat {
  private let base: any CheckpointFormat
  private let state = Mutex<[String: Int]>([:])

  init(_ base: any CheckpointFormat) {
    self.base = base
  }

  /// Files since the last ``reset()``, by what became of them.
  var counts: [String: Int] { state.withLock { $0 } }

  func reset() {
    state.withLock { $0 = [:] }
  }

  func readCheckpoint(
    _ location: String,
    partitionColumns: [String]?,
    includingRemoved: Bool
  ) async throws -> CheckpointPart {
    state.withLock { $0["readCheckpoint", default: 0] += 1 }
    return try await base.readCheckpoint(
      location,
      partitionColumns: partitionColumns,
      includingRemoved: includingRemoved
    )
  }

  func writeCheckpoint(_ contents: CheckpointContents, to location: String) async throws -> Int64 {
    state.withLock { $0["writeCheckpoint", default: 0] += 1 }
    return try await base.writeCheckpoint(contents, to: location)
  }
}
