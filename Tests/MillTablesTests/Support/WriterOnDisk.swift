// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillDuckDB
import MillEngine
import MillLake
import MillTables
import MillTesting
import Testing

/// A table of payments in a folder of its own, with the real engine.
struct WriterOnDisk: Sendable {
  let folder: TemporaryFolder
  let table: DeltaTable
  let engine: DuckDBEngine
  let writer: TableWriter
  let world: World

  static let thread = BlockingExecutor(name: "mill-tables-test")
  static let schema = Schema([
    Field("id", .long), Field("name", .string), Field("amount", .decimal(precision: 10, scale: 2)),
    Field("day", .date),
  ])

  init(
    _ name: String = "t",
    in folder: TemporaryFolder? = nil,
    engine: DuckDBEngine? = nil,
    seed: UInt64 = 1,
    files: (any FileSystem)? = nil
  ) throws {
    let folder = try folder ?? TemporaryFolder("tables")
    self.folder = folder
    world = World.virtual(seed: seed, files: files ?? LocalFileSystem())
    self.engine =
      try engine
      ?? DuckDBEngine(
        DuckDBEngine.Configuration(
          memory: ByteCount(bytes: 512 << 20),
          threads: 2,
          folders: [folder.path]
        )
      )
    table = DeltaTable(
      name: name,
      store: LocalObjectStore(
        location: folder.path(name),
        below: folder.path,
        world: world,
        thread: Self.thread
      ),
      world: world,
      checkpoints: try DuckDBCheckpoints()
    )
    writer = TableWriter(table, engine: self.engine, world: world)
  }

  /// The rows of a version as text, ordered.
  func rows(
    _ order: String = "ALL",
    at version: TableVersion? = nil
  ) async throws -> [[JSONValue]] {
    let snapshot = try await table.snapshot(at: version)
    let session = try await engine.session(named: "rows")
    try await session.define(RelationName("t"), as: try snapshot.contents)
    let rows = try await session.rows(
      "SELECT CAST(COLUMNS(*) AS VARCHAR) FROM t ORDER BY \(order)",
      limit: 100_000
    ).rows
    await session.close()
    return rows
  }

  /// Rows `(id, name, amount, day)` as a source.
  static func payments(_ rows: [(Int, String, String, String)]) -> RowSource {
    guard !rows.isEmpty else {
      return .query(
        "SELECT 0::BIGINT AS id, '' AS name, 0::DECIMAL(10,2) AS amount, DATE '2024-01-01' AS day "
          + "WHERE false"
      )
    }
    let values = rows.map { "(\($0.0), '\($0.1)', \($0.2), DATE '\($0.3)')" }
    return .query(
      """
      SELECT id::BIGINT AS id, name, amount::DECIMAL(10,2) AS amount, day
      FROM (VALUES \(values.joined(separator: ", "))) AS v(id, name, amount, day)
      """
    )
  }

  /// deltalake reads the table without any problem; where there is no deltalake this says so.
  func requireReadableByOthers(at version: TableVersion? = nil) async throws -> JSONValue? {
    let found = try await deltaCheck(table: table.store.location, version: version)
    guard let found else { return nil }
    #expect(found["error"] == nil, "\(found["error"] ?? nil)")
    #expect(found["problems"] == [], "\(found["problems"] ?? nil)")
    return found
  }
}

/// The code of the failure that a piece of work throws, or nil.
func code(_ body: () async throws -> Void) async -> String? {
  do {
    try await body()
    return nil
  } catch let error as any Failure {
    return error.code
  } catch {
    return "\(error)"
  }
}
