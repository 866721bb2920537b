// SPDX-License-Identifier: Apache-2.0

public import MillCore
internal import MillDuckDB
public import MillEngine
public import MillLake
internal import MillSQL
public import MillTables

/// One Delta table with an engine that may read and write it: of a project, or anywhere on the disk.
///
/// ```swift
/// let open = try OpenTable(folder: "/data/orders", report: nil)
/// try await open.rows(where: "day = '2024-03-03'").opened  // files that were looked into
/// ```
public struct OpenTable: Sendable {
  /// The table.
  public let table: DeltaTable
  /// The engine, confined to the table's folder or the project's.
  public let engine: any Engine
  private let world: World

  init(table: DeltaTable, engine: any Engine, world: World) {
    self.table = table
    self.engine = engine
    self.world = world
  }

  /// A table of whoever made it, by its folder.
  ///
  /// - Parameters:
  ///   - folder: Absolute.
  ///   - outputs: Folders that rows may be written to besides.
  public init(
    folder: String,
    outputs: [String] = [],
    memory: ByteCount = ByteCount(bytes: 2 << 30),
    world: World = .system(),
    report: (@Sendable (LakeNotice) -> Void)? = nil
  ) throws {
    let lake = Lake(
      location: folder,
      world: world,
      checkpoints: LazyCheckpoints { try DuckDBCheckpoints() },
      report: report
    )
    self.init(
      table: lake.table(at: folder),
      engine: LazyEngine(dialect: .duckDB) {
        try DuckDBEngine(
          DuckDBEngine.Configuration(
            memory: ByteCount(bytes: memory.bytes / 4 * 3),
            folders: [folder] + outputs
          )
        )
      },
      world: world
    )
  }

  /// Changes the table's rows.
  public var writer: TableWriter { TableWriter(table, engine: engine, world: world) }

  /// Rows of a version, and how many files were opened for them.
  public struct Rows: Sendable {
    /// The version.
    public var snapshot: Snapshot
    /// The rows; values other than numbers and booleans come as text.
    public var rows: ResultTable
    /// Files that may hold a row of the condition.
    public var opened: Int
  }

  /// The first rows of a version, or of those that satisfy a condition.
  ///
  /// Only files that can hold such a row, by their partition and their statistics, are opened.
  ///
  /// - Throws: `LakeError.damagedFile` when a data file is gone or cut.
  public func rows(
    at version: TableVersion? = nil,
    where condition: String? = nil,
    limit: Int = 20
  ) async throws -> Rows {
    let (snapshot, contents, query) = try await selection(version, condition)
    return try await diagnosing(snapshot) {
      let session = try await engine.session(named: "rows \(table.name)")
      do {
        try await session.define(RelationName("mill_rows"), as: contents)
        let rows = try await session.rows("\(query) LIMIT \(max(0, limit))", limit: max(0, limit))
        await session.close()
        return Rows(snapshot: snapshot, rows: rows, opened: contents.files.count)
      } catch {
        await session.close()
        throw error
      }
    }
  }

  /// Writes the rows of a version, or some of them, to one Parquet file.
  ///
  /// - Parameters:
  ///   - file: An absolute path at which nothing is yet.
  ///   - order: A column by which the rows are ordered, and that is left out of the file.
  /// - Returns: The version, the rows written and the files opened for them.
  public func export(
    to file: String,
    at version: TableVersion? = nil,
    where condition: String? = nil,
    inOrderOf order: String? = nil
  ) async throws -> (snapshot: Snapshot, rows: Int64, opened: Int) {
    guard !file.hasPrefix(table.store.location + "/") else {
      throw LakeError.refused(
        table: table.name,
        reason: "\(file) lies in the table's own folder; write the rows elsewhere"
      )
    }
    let disk = world.files
    let thread = BlockingExecutor(name: "mill-export")
    var (snapshot, contents, query) = try await selection(version, condition)
    if let order {
      let columns = snapshot.schema.names.filter { $0 != order }
      let dialect = SQLDialects.named(engine.dialect)
      query = """
        SELECT \(dialect.list(columns)) FROM (\(query)) AS mill_ordered
        ORDER BY \(dialect.quote(order))
        """
    }
    let folder = file.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(file[..<$0]) } ?? "/"
    let temporary = "\(folder)/.millrace-\(world.makeID())"
    try await thread.run {
      guard try disk.status(file) == nil else { throw FileError.alreadyExists(path: file) }
      try disk.createFolders(temporary)
    }
    let outcome: Result<(snapshot: Snapshot, rows: Int64, opened: Int), any Error>
    do {
      outcome = .success(try await write(query, contents, snapshot, temporary, file, thread))
    } catch {
      outcome = .failure(error)
    }
    try await thread.run {
      for name in try disk.names(in: temporary) { try disk.remove("\(temporary)/\(name)") }
      try disk.remove(temporary)
    }
    return try outcome.get()
  }

  private func write(
    _ query: String,
    _ contents: TableContents,
    _ snapshot: Snapshot,
    _ temporary: String,
    _ file: String,
    _ thread: BlockingExecutor
  ) async throws -> (snapshot: Snapshot, rows: Int64, opened: Int) {
    let disk = world.files
    return try await diagnosing(snapshot) {
      let session = try await engine.session(named: "export \(table.name)")
      do {
        try await session.define(RelationName("mill_rows"), as: contents)
        var target = WriteTarget(location: temporary, fileSize: ByteCount(bytes: 1 << 60))
        target.keepsEmptyFiles = true
        let files = try await session.write(query, to: target)
        await session.close()
        guard let made = files.first, files.count == 1 else {
          throw EngineError.failed(message: "the rows came in \(files.count) files instead of one")
        }
        try await thread.run { try disk.rename(made.location, to: file) }
        return (snapshot, made.statistics.rows ?? 0, contents.files.count)
      } catch {
        await session.close()
        throw error
      }
    }
  }

  private func selection(
    _ version: TableVersion?,
    _ condition: String?
  ) async throws -> (Snapshot, TableContents, String) {
    let snapshot = try await table.snapshot(at: version)
    guard let condition else { return (snapshot, try snapshot.contents, "SELECT * FROM mill_rows") }
    let contents = try snapshot.contents(
      matching: try await engine.predicate(of: condition)
    )
    return (snapshot, contents, "SELECT * FROM mill_rows WHERE (\n\(condition)\n)")
  }

  /// Says of a failed read which file is at fault, when one is.
  private func diagnosing<T>(
    _ snapshot: Snapshot,
    _ body: () async throws -> T
  ) async throws -> T {
    do {
      return try await body()
    } catch let error as EngineError where error.errorClass != .cancelled {
      if let damage = try await table.damage(of: snapshot) { throw damage }
      throw error
    }
  }
}
