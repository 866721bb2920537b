// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillDuckDB
import MillEngine
import MillFeatures
import MillLake
import MillTables
import MillTesting
import Testing

/// A lake in a folder of its own, the real engine, and features over it.
struct FeatureProject: Sendable {
  let folder: TemporaryFolder
  let engine: DuckDBEngine
  /// Later than the files of the test, so that none of them is from the future.
  let clock = SteppedClock(start: Instant(microseconds: 1_900_000_000_000_000))
  let world: World
  let lake: Lake

  init(seed: UInt64 = 1) throws {
    folder = try TemporaryFolder("features")
    world = World.virtual(seed: seed, clock: clock)
    engine = try DuckDBEngine(
      DuckDBEngine.Configuration(
        memory: ByteCount(bytes: 512 << 20),
        threads: 2,
        folders: [folder.path]
      )
    )
    lake = Lake(
      location: folder.path("lake"),
      world: world,
      checkpoints: try DuckDBCheckpoints()
    )
  }

  func table(_ name: String) throws -> DeltaTable {
    lake.table(try #require(DatasetName(name)))
  }

  func writer(_ name: String) throws -> TableWriter {
    let table = try table(name)
    return TableWriter(table, engine: engine, world: world)
  }

  /// Adds the rows of a query to a table, which is made when it is not there.
  func append(_ name: String, _ query: String) async throws {
    let writer = try writer(name)
    try await writer.table.prepare()
    try await writer.append(.query(query))
  }

  func store(
    _ definitions: FeatureDefinitions,
    upstream: (@Sendable (DatasetName) -> String?)? = nil,
    registry: MemoryRegistry? = nil,
    statistics: (any StatisticsStorage)? = nil
  ) -> FeatureStore {
    FeatureStore(
      definitions,
      in: FeatureEnvironment(
        lake: lake,
        engine: engine,
        world: world,
        definitionHash: upstream,
        registry: registry.map { FeatureRegistry($0) },
        statistics: statistics
      )
    )
  }

  /// Writes a text file into the folder and gives its absolute path.
  func file(_ name: String, _ text: String) throws -> String {
    let path = folder.path(name)
    try LocalFileSystem().create(path, Array(text.utf8))
    return path
  }

  /// Runs queries over one version of a table, which is called `t`.
  func read(
    _ name: String,
    at version: Int64? = nil,
    _ query: String
  ) async throws -> [[JSONValue]] {
    let snapshot = try await table(name).snapshot(at: version.map { TableVersion($0) })
    let session = try await engine.session(named: "read \(name)")
    try await session.define(RelationName("t"), as: try snapshot.contents)
    let rows = try await session.rows(query, limit: 100_000).rows
    await session.close()
    return rows
  }

  /// The cells of a training set in the order of its labels: rows x columns.
  func cells(
    of manifest: TrainingSetManifest,
    _ columns: [(name: String, type: DataType)]
  ) async throws -> [[Datum]] {
    let list = columns.map { column in
      let name = "\"\(column.name)\""
      return switch column.type {
      case .array: "list_transform(\(name), lambda item: CAST(item AS VARCHAR))"
      case .timestamp: "CAST(epoch_us(\(name)) AS VARCHAR)"
      default: "CAST(\(name) AS VARCHAR)"
      }
    }
    let rows = try await read(
      "training.\(manifest.name)",
      at: manifest.version,
      "SELECT \(list.joined(separator: ", ")) FROM t ORDER BY _row"
    )
    return rows.map { row in zip(row, columns).map { datum($0, $1.type) } }
  }

  private func datum(_ cell: JSONValue, _ type: DataType) -> Datum {
    switch (cell, type) {
    case (.array(let items), .array(let element, _)): .list(items.map { datum($0, element) })
    case (.string(let text), .decimal(_, let scale)):
      Int128(text.filter { $0 != "." }).map { .decimal(unscaled: $0, scale: scale) } ?? .null
    case (.string(let text), .double): Double(text).map { .double($0) } ?? .null
    case (.string(let text), .timestamp):
      Int64(text).map { .instant(Instant(microseconds: $0)) } ?? .null
    case (.string(let text), .string): .text(text)
    case (.string(let text), _): Int64(text).map { .integer($0) } ?? .text(text)
    default: .null
    }
  }
}

/// What a piece of work fails with: the code and the message, or nil.
func failure(_ body: () async throws -> Void) async -> (code: String, text: String)? {
  do {
    try await body()
    return nil
  } catch let error as any Failure {
    return (error.code, "\(error)")
  } catch {
    return ("\(type(of: error))", "\(error)")
  }
}

extension FeatureProject {
  /// Writes the rows of a query to a Parquet file as they are, also in types that are not published.
  func copy(_ query: String, to path: String) async throws {
    let session = try await engine.session(named: "copy")
    _ = try await session.rows("COPY (\(query)) TO '\(path)' (FORMAT parquet)", limit: 10)
    await session.close()
  }
}
