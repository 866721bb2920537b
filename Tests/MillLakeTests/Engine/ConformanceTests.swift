// SPDX-License-Identifier: Apache-2.0

import Foundation
import MillCore
import MillDuckDB
import MillEngine
import MillLake
import MillTesting
import Testing

/// One case of the conformance tables: a table that somebody else wrote, and what is in it.
struct ConformanceCase: Sendable, CustomTestStringConvertible {
  var folder: String
  var json: JSONValue

  var testDescription: String { folder.split(separator: "/").suffix(2).joined(separator: "/") }

  /// All cases, or none, loudly, where there is no shared data.
  static let all: [ConformanceCase] = {
    guard let root = requireShared("data/delta-conformance") else { return [] }
    var found: [ConformanceCase] = []
    for group in ["golden", "kernel", "delta-rs", "generated"] {
      for name in (try? FileManager.default.contentsOfDirectory(atPath: "\(root)/\(group)")) ?? [] {
        let folder = "\(root)/\(group)/\(name)"
        guard let bytes = FileManager.default.contents(atPath: "\(folder)/case.json"),
          let json = try? JSONValue(parsing: Array(bytes))
        else { continue }
        found.append(ConformanceCase(folder: folder, json: json))
      }
    }
    return found.sorted { $0.folder < $1.folder }
  }()
}

/// Tables of Spark, delta-kernel and delta-rs, read by our lake and our engine.
@Suite("Tables of other writers", .serialized)
struct ConformanceTests {
  static let engine: Result<DuckDBEngine, any Error> = Result {
    try DuckDBEngine(
      DuckDBEngine.Configuration(
        memory: ByteCount(bytes: 512 << 20),
        threads: 2,
        folders: [requireShared("data/delta-conformance") ?? "/nowhere"]
      )
    )
  }

  static let checkpoints: Result<DuckDBCheckpoints, any Error> = Result { try DuckDBCheckpoints() }

  private func table(_ folder: String) throws -> DeltaTable {
    let world = World.system()
    return DeltaTable(
      name: folder,
      store: LocalObjectStore(
        location: "\(folder)/delta",
        world: world,
        thread: TableOnDisk.thread
      ),
      world: world,
      checkpoints: try Self.checkpoints.get()
    )
  }

  @Test(
    "every version that a case names has its rows or is refused",
    arguments: ConformanceCase.all
  )
  func rows(_ item: ConformanceCase) async throws {
    let table = try table(item.folder)
    for (name, wanted) in item.json["versions"]?.object ?? [:] {
      let version = Int64(name).map { TableVersion($0) }
      if let refusal = wanted["error"]?.text {
        await #expect(throws: (any Error).self, "version \(name) is to be refused: \(refusal)") {
          let snapshot = try await table.snapshot(at: version)
          if let damage = try await table.damage(of: snapshot) { throw damage }
        }
        continue
      }
      let snapshot = try await table.snapshot(at: version)
      if item.folder.hasSuffix("delta-rs/table_with_edge_timestamps") {
        // The peer that made the expectation cannot hold INT96 of the year 9999 and wrote 1816; the
        // table's own statistics say 9999.
        try await holdToStatistics(snapshot)
        continue
      }
      if version == nil, let latest = item.json["latest"]?.integer {
        #expect(snapshot.version.number == latest)
      }
      let (rows, missing, extra) = try await compare(
        snapshot,
        with: "\(item.folder)/\(wanted["expected"]?.text ?? "")"
      )
      #expect(rows == wanted["rows"]?.integer, "version \(name)")
      #expect(missing == 0, "version \(name): \(missing) expected rows are not there")
      #expect(extra == 0, "version \(name): \(extra) rows are not expected")
      if let known = snapshot.rows { #expect(known == rows, "version \(name): rows by statistics") }
    }
  }

  private func holdToStatistics(_ snapshot: Snapshot) async throws {
    let session = try await Self.engine.get().session(named: "edge")
    try await session.define(RelationName("actual"), as: try snapshot.contents)
    let rows = try await session.rows(
      "SELECT CAST(BIG_DATE AS VARCHAR), SOME_VALUE FROM actual ORDER BY SOME_VALUE",
      limit: 10
    ).rows
    await session.close()
    #expect(rows == [["9999-12-31 00:00:00+00", 1], ["9999-12-30 00:00:00+00", 2]])
  }

  /// Rows, expected rows that are missing, rows that are not expected.
  private func compare(
    _ snapshot: Snapshot,
    with expected: String
  ) async throws -> (rows: Int64, missing: Int64, extra: Int64) {
    let session = try await Self.engine.get().session(named: "conformance")
    do {
      try await session.define(RelationName("actual"), as: try snapshot.contents)
      let pattern =
        expected.hasSuffix(".parquet") && !isFolder(expected)
        ? expected : "\(expected)/**/*.parquet"
      let names = snapshot.schema.fields
      // Both sides as text, so that maps and nested values compare by what is in them.
      let ours = names.map { "CAST(\(quoted($0.name)) AS VARCHAR)" }.joined(separator: ", ")
      let theirs = names.map {
        "CAST(CAST(\(quoted($0.name)) AS \(DuckDBTypeText.of($0.type))) AS VARCHAR)"
      }.joined(separator: ", ")
      let source =
        "read_parquet('\(pattern)', hive_partitioning = false, union_by_name = true)"
      let rows = try await session.rows(
        """
        SELECT (SELECT count(*) FROM actual),
          (SELECT count(*) FROM (SELECT \(theirs) FROM \(source)
            EXCEPT ALL SELECT \(ours) FROM actual)),
          (SELECT count(*) FROM (SELECT \(ours) FROM actual
            EXCEPT ALL SELECT \(theirs) FROM \(source)))
        """,
        limit: 1
      )
      await session.close()
      return (rows.integer(0, 0) ?? -1, rows.integer(0, 1) ?? -1, rows.integer(0, 2) ?? -1)
    } catch {
      await session.close()
      throw error
    }
  }

  private func quoted(_ name: String) -> String {
    "\"" + name.replacingOccurrences(of: "\"", with: "\"\"") + "\""
  }

  private func isFolder(_ path: String) -> Bool {
    var isFolder: ObjCBool = false
    return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
      && isFolder.boolValue
  }
}

/// DuckDB's names of our types, written apart from the product's own map.
enum DuckDBTypeText {
  static func of(_ type: DataType) -> String {
    switch type {
    case .string: "VARCHAR"
    case .long: "BIGINT"
    case .integer, .void: "INTEGER"
    case .short: "SMALLINT"
    case .byte: "TINYINT"
    case .float: "REAL"
    case .double: "DOUBLE"
    case .decimal(let precision, let scale): "DECIMAL(\(precision), \(scale))"
    case .boolean: "BOOL"
    case .binary: "BLOB"
    case .date: "DATE"
    case .timestamp: "TIMESTAMPTZ"
    case .timestampWithoutZone: "TIMESTAMP"
    case .array(let element, _): of(element) + "[]"
    case .map(let key, let value, _): "MAP(\(of(key)), \(of(value)))"
    case .structure(let fields):
      "STRUCT("
        + fields.map {
          "\"\($0.name.replacingOccurrences(of: "\"", with: "\"\""))\" \(of($0.type))"
        }.joined(separator: ", ") + ")"
    }
  }
}
