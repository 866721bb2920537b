// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillLake
import MillTesting
import Synchronization

/// The schema of the tables in these tests, whose files are not Parquet: the lake never opens them.
let twoColumns = Schema([Field("id", .long), Field("name", .string)])

/// A table in a folder of its own.
struct TableOnDisk: Sendable {
  let folder: TemporaryFolder
  let table: DeltaTable
  let files: any FileSystem

  static let thread = BlockingExecutor(name: "mill-lake-test")

  /// A table at `lake/silver/t` of a new folder.
  ///
  /// - Parameter disk: What stands between the table and the real disk.
  init(
    in folder: TemporaryFolder? = nil,
    seed: UInt64 = 1,
    disk: (any FileSystem)? = nil,
    thread: BlockingExecutor = Self.thread
  ) throws {
    let folder = try folder ?? TemporaryFolder("lake")
    let files = disk ?? LocalFileSystem()
    let world = World.virtual(seed: seed, files: files)
    self.folder = folder
    self.files = files
    table = DeltaTable(
      name: "silver.t",
      store: LocalObjectStore(
        location: Self.location(in: folder),
        below: folder.path,
        world: world,
        thread: thread
      ),
      world: world
    )
  }

  static func location(in folder: TemporaryFolder) -> String { folder.path("lake/silver/t") }

  var location: String { Self.location(in: folder) }

  /// Writes a data file past the table's disk, as an engine does.
  func file(
    _ name: String,
    rows: Int64 = 1,
    partitionValues: [String: String?] = [:]
  ) throws -> DataFile {
    let path = "\(location)/\(name)"
    let disk = LocalFileSystem()
    try disk.createFolders(String(path[..<(path.lastIndex(of: "/") ?? path.endIndex)]))
    try disk.create(path, Self.content(name))
    return DataFile(
      location: path,
      partitionValues: partitionValues,
      sizeInBytes: Int64(Self.content(name).count),
      statistics: FileStatistics(rows: rows)
    )
  }

  static func content(_ name: String) -> [UInt8] { Array("the rows of \(name)".utf8) }

  /// One commit with one file of this name.
  @discardableResult
  func commit(
    _ mode: TableChange.Mode,
    _ name: String,
    rows: Int64 = 1,
    transactions: [TransactionIdentifier] = [],
    expecting: TableVersion? = nil
  ) async throws -> TableVersion {
    try await table.commit(
      TableChange(
        mode: mode,
        files: [try file(name, rows: rows)],
        schema: twoColumns,
        transactions: transactions,
        expecting: expecting
      )
    )
  }

  /// The names of the files in a version.
  func names(at version: TableVersion? = nil) async throws -> [String] {
    try await table.snapshot(at: version).files.paths
  }

  /// Puts a log file in place as some other writer made it.
  func writeLog(_ version: Int64, _ lines: [String]) throws {
    let disk = LocalFileSystem()
    try disk.createFolders("\(location)/_delta_log")
    try disk.create(
      "\(location)/_delta_log/\(TableVersion(version).logFileName)",
      Array((lines.joined(separator: "\n") + "\n").utf8)
    )
  }
}

/// Lines of logs that other writers make.
enum Lines {
  static let classic = #"{"protocol":{"minReaderVersion":1,"minWriterVersion":2}}"#

  static func metadata(_ configuration: String = "{}", idMetadata: String = "{}") -> String {
    let schema =
      #"{"type":"struct","fields":[{"name":"id","type":"long","nullable":true,"metadata":"#
      + idMetadata
      + #"},{"name":"name","type":"string","nullable":true,"metadata":{}}]}"#
    return #"{"metaData":{"id":"0b","format":{"provider":"parquet","options":{}},"schemaString":"#
      + JSONValue.string(schema).serialized()
      + #","partitionColumns":[],"configuration":\#(configuration)}}"#
  }

  static func add(_ path: String, rows: Int = 1) -> String {
    #"{"add":{"path":"\#(path)","partitionValues":{},"size":1,"modificationTime":1,"#
      + #""dataChange":true,"stats":"{\"numRecords\":\#(rows)}"}}"#
  }

  static func remove(_ path: String) -> String {
    #"{"remove":{"path":"\#(path)","deletionTimestamp":1,"dataChange":true}}"#
  }
}

/// A store that lets somebody else go first, once, just before a key is put.
final class OvertakenStore: ObjectStore {
  private let base: any ObjectStore
  private let overtake: Mutex<(@Sendable () async throws -> Void)?>

  init(_ base: any ObjectStore, by overtake: @escaping @Sendable () async throws -> Void) {
    self.base = base
    self.overtake = Mutex(overtake)
  }

  var location: String { base.location }

  func putIfAbsent(_ key: String, _ bytes: [UInt8]) async throws(FileError) {
    let other = overtake.withLock { action in
      defer { action = nil }
      return action
    }
    // A failure of the other writer shows in what the table holds afterwards.
    try? await other?()
    try await base.putIfAbsent(key, bytes)
  }

  func read(_ key: String) async throws(FileError) -> [UInt8] { try await base.read(key) }
  func makeDurable(_ keys: [String]) async throws(FileError) { try await base.makeDurable(keys) }
  func list(_ prefix: String) async throws(FileError) -> [StoredObject] {
    try await base.list(prefix)
  }
  func status(_ key: String) async throws(FileError) -> StoredObject? {
    try await base.status(key)
  }
  func publish(_ temporary: String, as key: String) async throws(FileError) {
    try await base.publish(temporary, as: key)
  }
  func replace(_ key: String, _ bytes: [UInt8]) async throws(FileError) {
    try await base.replace(key, bytes)
  }
  func delete(_ key: String) async throws(FileError) { try await base.delete(key) }
  func prepare(_ prefix: String) async throws(FileError) { try await base.prepare(prefix) }
}
