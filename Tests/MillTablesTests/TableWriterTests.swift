// SPDX-License-Identifier: Apache-2.0

import Foundation
import MillCore
import MillDuckDB
import MillEngine
import MillLake
import MillTables
import MillTesting
import Testing

@Suite("Changing rows", .serialized)
struct TableWriterTests {
  private let disk: WriterOnDisk

  init() throws {
    disk = try WriterOnDisk()
  }

  private func rows(_ values: [(Int, String, String, String)]) -> RowSource {
    WriterOnDisk.payments(values)
  }

  private func filled(_ settings: [String: String] = [:]) async throws {
    try await disk.writer.create(WriterOnDisk.schema, settings: settings)
    try await disk.writer.append(
      rows([(1, "a", "1", "2024-01-01"), (2, "b", "2", "2024-01-02"), (3, "c", "3", "2024-01-03")])
    )
  }

  @Test("a CHECK constraint is held against the rows there are and against all that come")
  func check() async throws {
    try await filled()
    let setting = ["delta.constraints.positive": Optional("amount > 0")]
    #expect(
      await code { try await disk.writer.set(["delta.constraints.small": "amount < 3"]) }
        == "lake.constraint"
    )
    try await disk.writer.set(setting)
    #expect(try await disk.table.snapshot().tableProtocol.minWriterVersion == 3)
    let bad = rows([(9, "z", "-1", "2024-01-01")])
    #expect(await code { try await disk.writer.append(bad) } == "lake.constraint")
    #expect(await code { try await disk.writer.upsert(bad, keys: ["id"]) } == "lake.constraint")
    #expect(
      await code { try await disk.writer.update(set: ["amount": "-amount"], where: "id = 1") }
        == "lake.constraint"
    )
    // A constraint that is null for a row is broken by it, as in Delta.
    #expect(
      await code {
        try await disk.writer.append(
          .query(
            "SELECT 5::BIGINT AS id, 'n' AS name, NULL::DECIMAL(10,2) AS amount, NULL::DATE AS day"
          )
        )
      } == "lake.constraint"
    )
    try await disk.writer.append(rows([(9, "z", "1", "2024-01-01")]))
    #expect(try await disk.rows().count == 4)
    #expect(
      await code {
        try await disk.table.commit(
          TableChange(
            mode: .append,
            files: [
              DataFile(
                location: "\(disk.table.store.location)/x",
                sizeInBytes: 1,
                statistics: FileStatistics(rows: 1)
              )
            ],
            schema: WriterOnDisk.schema
          )
        )
      } == "lake.missing-file"
    )
  }

  @Test("a column that may not be null is held so, also inside of a structure")
  func notNull() async throws {
    let inner = DataType.structure([Field("x", .long, isNullable: false)])
    try await disk.writer.create(
      Schema([Field("id", .long, isNullable: false), Field("s", inner)])
    )
    try await disk.writer.append(.query("SELECT 1::BIGINT AS id, {'x': 1::BIGINT} AS s"))
    try await disk.writer.append(
      .query("SELECT 2::BIGINT AS id, NULL::STRUCT(x BIGINT) AS s")
    )
    for bad in [
      "SELECT NULL::BIGINT AS id, {'x': 1::BIGINT} AS s",
      "SELECT 3::BIGINT AS id, {'x': NULL::BIGINT} AS s",
    ] {
      #expect(
        await code { try await disk.writer.append(.query(bad)) } == "lake.constraint",
        "\(bad)"
      )
    }
    #expect(
      await code { try await disk.writer.append(.query("SELECT {'x': 1::BIGINT} AS s")) }
        == "lake.constraint"
    )
    #expect(try await disk.rows().count == 2)
  }

  @Test("columns that the table does not have are refused by name, or added when that is meant")
  func newColumns() async throws {
    try await filled()
    let wider = RowSource.query("SELECT 4::BIGINT AS id, 'd' AS name, 7 AS extra")
    do {
      try await disk.writer.append(.query("SELECT 4::BIGINT AS id, 'd' AS nam"))
      Issue.record("a column that is not there was taken")
    } catch let error as LakeError {
      #expect("\(error)".contains("did you mean name?"))
    }
    try await disk.writer.append(wider, WriteOptions(newColumns: .add))
    #expect(try await disk.table.snapshot().schema.names.last == "extra")
    #expect(try await disk.rows("CAST(id AS BIGINT)").map { $0[4] } == [.null, .null, .null, "7"])
    #expect(
      await code { try await disk.writer.append(.query("SELECT 'x' AS id")) }
        == "lake.schema-mismatch"
    )
  }

  @Test("an upsert refuses null and repeated keys, and leaves columns alone that it does not name")
  func upsert() async throws {
    try await filled()
    for bad in [
      "SELECT NULL::BIGINT AS id, 'x' AS name",
      "SELECT * FROM (VALUES (1::BIGINT, 'x'), (1, 'y')) AS v(id, name)",
    ] {
      #expect(
        await code { try await disk.writer.upsert(.query(bad), keys: ["id"]) } == "lake.constraint"
      )
    }
    let report = try await disk.writer.upsert(
      .query("SELECT * FROM (VALUES (2::BIGINT, 'B'), (7, 'new')) AS v(id, name)"),
      keys: ["id"]
    )
    #expect(report.updated == 1)
    #expect(report.inserted == 1)
    #expect(
      try await disk.rows("CAST(id AS BIGINT)") == [
        ["1", "a", "1.00", "2024-01-01"], ["2", "B", "2.00", "2024-01-02"],
        ["3", "c", "3.00", "2024-01-03"], ["7", "new", .null, .null],
      ]
    )
  }

  @Test("rows with null keys in the table are no match for anything and stay")
  func nullKeysStay() async throws {
    try await filled()
    try await disk.writer.append(
      .query(
        "SELECT NULL::BIGINT AS id, 'null' AS name, 0::DECIMAL(10,2) AS amount, NULL::DATE AS day"
      )
    )
    for removal in [WriteOptions.Removal.rewrite, .deletionVectors] {
      try await disk.writer.upsert(
        rows([(1, "again", "9", "2024-01-01")]),
        keys: ["id"],
        WriteOptions(removal: removal)
      )
      #expect(try await disk.rows().count == 4, "\(removal)")
      #expect(try await disk.rows().contains { $0[1] == "null" }, "\(removal)")
    }
  }

  @Test("a predicate opens only the files that can hold a row of it")
  func pruning() async throws {
    try await disk.writer.create(WriterOnDisk.schema, partitionedBy: ["day"])
    for id in 0..<10 {
      try await disk.writer.append(rows([(id, "n\(id)", "\(id)", "2024-01-0\(1 + id % 5)")]))
    }
    let snapshot = try await disk.table.snapshot()
    for (condition, count) in [
      ("id = 4", 1), ("id >= 8", 2), ("day = '2024-01-02'", 2), ("name = 'n3'", 1),
      ("id BETWEEN 2 AND 4", 3), ("id IN (1, 9)", 2), ("day > DATE '2024-01-04'", 2),
      ("id = 4 OR day = DATE '2024-01-01'", 3), ("NOT (id < 9)", 1), ("id IS NULL", 0),
      ("lower(name) = 'n3'", 10), ("amount > 7.5", 2), ("id = 99", 0),
    ] {
      let predicate = try await disk.engine.predicate(of: condition)
      #expect(snapshot.files(matching: predicate).count == count, "\(condition)")
    }
    let report = try await disk.writer.delete(where: "id = 4")
    #expect(report.deleted == 1)
    #expect(report.filesSkipped == 9)
    #expect(report.filesRead <= 1)
    for bad in ["id = 1) OR (1 = 1; DROP TABLE x", "id IN (SELECT 1)", "1 = 1) UNION SELECT (1"] {
      #expect(await code { try await disk.writer.delete(where: bad) } == "engine.sql", "\(bad)")
    }
  }

  @Test("an append-only table is put together and never loses a row")
  func appendOnly() async throws {
    try await filled(["delta.appendOnly": "true"])
    try await disk.writer.append(rows([(4, "d", "4", "2024-01-04")]))
    #expect(await code { try await disk.writer.delete(where: "id = 1") } == "lake.append-only")
    #expect(
      await code { try await disk.writer.upsert(rows([(1, "x", "1", "2024-01-01")]), keys: ["id"]) }
        == "lake.append-only"
    )
    #expect(try await disk.writer.compact().filesRemoved == 2)
    #expect(try await disk.rows().count == 4)
  }

  @Test("expectVersion lands on that version or not at all")
  func expectVersion() async throws {
    try await filled()
    let options = WriteOptions(expecting: .first)
    for _ in 0..<2 {
      #expect(
        await code { try await disk.writer.delete(where: "id = 1", options) }
          == "lake.stale-version"
      )
    }
    #expect(
      try await disk.writer.delete(where: "id = 1", WriteOptions(expecting: TableVersion(1)))
        .deleted
        == 1
    )
  }

  @Test("a diff counts what was added, removed and changed, by key and without")
  func diff() async throws {
    try await filled()
    try await disk.writer.update(set: ["name": "'B'"], where: "id = 2")
    try await disk.writer.delete(where: "id = 3")
    try await disk.writer.append(rows([(4, "d", "4", "2024-01-04")]))
    let byKey = try await disk.writer.diff(
      from: TableVersion(1),
      to: TableVersion(4),
      keys: ["id"]
    )
    #expect((byKey.added, byKey.removed, byKey.changed) == (1, 1, 1))
    #expect(byKey.rows.rows.map { $0[0] } == ["before", "after", "removed", "added"])
    let byRow = try await disk.writer.diff(from: TableVersion(1), to: TableVersion(4))
    #expect((byRow.added, byRow.removed, byRow.changed) == (2, 2, nil))
    let none = try await disk.writer.diff(from: TableVersion(4), to: TableVersion(4), keys: ["id"])
    #expect((none.added, none.removed, none.changed) == (0, 0, 0))
    _ = try await disk.writer.compact()
    let moved = try await disk.writer.diff(
      from: TableVersion(4),
      to: try await disk.table.snapshot().version
    )
    #expect((moved.added, moved.removed) == (0, 0))
  }

  @Test("a change data feed tells what each commit did to single rows")
  func changeDataFeed() async throws {
    try await filled(["delta.enableChangeDataFeed": "true"])
    try await disk.writer.upsert(
      rows([(2, "B", "2", "2024-01-02"), (4, "d", "4", "2024-01-04")]),
      keys: ["id"]
    )
    try await disk.writer.delete(where: "id = 1")
    let folder = "\(disk.table.store.location)/_change_data"
    let session = try await disk.engine.session(named: "feed")
    let found = try await session.rows(
      """
      SELECT id, name, _change_type FROM read_parquet('\(folder)/*.parquet') ORDER BY ALL
      """,
      limit: 100
    ).rows
    await session.close()
    #expect(
      found == [
        [1, "a", "delete"], [2, "B", "update_postimage"], [2, "b", "update_preimage"],
        [4, "d", "insert"],
      ]
    )
    _ = try await disk.requireReadableByOthers()
  }

  @Test("clustering leaves the rows and brings those near each other together", arguments: [1, 2])
  func cluster(columns: Int) async throws {
    let x = "((i * 7919) % 1000)::BIGINT AS x, ((i * 104729) % 997)::BIGINT AS y"
    try await disk.writer.append(
      .query("SELECT i::BIGINT AS i, \(x), md5(i::VARCHAR) AS pad FROM range(500000) AS r(i)")
    )
    let before = try await digest()
    let by = Array(["x", "y"].prefix(columns))
    let report = try await disk.writer.cluster(by: by, to: ByteCount(bytes: 1 << 20))
    #expect(report.filesWritten > 3)
    #expect(try await digest() == before)
    let snapshot = try await disk.table.snapshot()
    for column in by {
      let predicate = try await disk.engine.predicate(of: "\(column) = 5")
      #expect(snapshot.files(matching: predicate).count < snapshot.files.count, "\(column)")
    }
    let again = try await disk.writer.cluster(by: by, onlyWorn: true)
    #expect(again.versions.isEmpty, "what is clustered already is left alone")
  }

  /// What the rows are, whatever their order.
  private func digest() async throws -> [[JSONValue]] {
    let session = try await disk.engine.session(named: "digest")
    try await session.define(RelationName("t"), as: try await disk.table.snapshot().contents)
    let rows = try await session.rows(
      "SELECT count(*), CAST(bit_xor(hash(i, x, y, pad)) AS VARCHAR) FROM t",
      limit: 1
    ).rows
    await session.close()
    return rows
  }

  @Test("old rows move to a colder table once, whenever the move is cut off")
  func archive() async throws {
    try await filled()
    let cold = DeltaTable(
      name: "cold",
      store: LocalObjectStore(
        location: disk.folder.path("cold"),
        below: disk.folder.path,
        world: disk.world,
        thread: WriterOnDisk.thread
      ),
      world: disk.world
    )
    // The clock of the test stands in November 2023, so the age is told from the day after.
    var policy = LifecyclePolicy(compactTo: nil)
    policy.archive = LifecyclePolicy.Age(column: "day", after: .seconds(-86_400 * 50))
    // A move that was cut off between its two commits.
    let table = try await disk.table.snapshot()
    let appID = "millrace/archive/\(table.metadata.id)"
    var half = WriteOptions(newColumns: .add)
    half.transactions = [TransactionIdentifier(appID: appID, version: table.version.number)]
    half.info = ["millrace": ["archived": "cut off"]]
    let colder = TableWriter(cold, engine: disk.engine, world: disk.world)
    try await colder.append(rows([(1, "a", "1", "2024-01-01")]), half)
    let report = try await disk.writer.maintain(policy, archive: cold)
    #expect(report.archivedRows > 0)
    let here = try await disk.rows().map { $0[0] }
    let session = try await disk.engine.session(named: "cold")
    try await session.define(RelationName("c"), as: try await cold.snapshot().contents)
    let there = try await session.rows("SELECT CAST(id AS VARCHAR) FROM c ORDER BY id", limit: 10)
      .rows.map { $0[0] }
    await session.close()
    #expect((here + there).map { $0.text ?? "" }.sorted() == ["1", "2", "3"])
    #expect(there.count == Int(report.archivedRows))
    #expect(try await disk.writer.maintain(policy, archive: cold).archivedRows == 0)
    #expect(
      await code { _ = try await disk.writer.maintain(policy, archive: disk.table) }
        == "lake.refused"
    )
  }
}
