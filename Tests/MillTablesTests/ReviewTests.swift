// SPDX-License-Identifier: Apache-2.0

import MillAssembly
import MillCore
import MillDuckDB
import MillEngine
import MillLake
import MillTables
import MillTesting
import Testing

/// What reviewers found, each as a test.
@Suite("Found in review", .serialized)
struct TableReviewTests {
  private let disk: WriterOnDisk

  init() throws {
    disk = try WriterOnDisk()
  }

  @Test("a day is compared with text as the engine does, so no file is left out for its spelling")
  func typedLiterals() async throws {
    try await disk.writer.append(.query("SELECT '2024-1-5' AS s"))
    let snapshot = try await disk.table.snapshot()
    let typed = try await disk.engine.predicate(of: "s = DATE '2024-01-05'")
    #expect(snapshot.files(matching: typed).count == 1)
    let text = try await disk.engine.predicate(of: "s = '2024-01-05'")
    #expect(snapshot.files(matching: text).isEmpty)
    #expect(try await disk.writer.delete(where: "s = DATE '2024-01-05'").deleted == 1)
  }

  @Test("partitions are replaced by value, however another writer spells them")
  func partitionsByValue() async throws {
    try await disk.writer.create(
      Schema([Field("id", .long), Field("at", .timestamp)]),
      partitionedBy: ["at"]
    )
    let row = "TIMESTAMPTZ '2024-01-01 00:00:00+00' AS at"
    try await disk.writer.append(.query("SELECT 1::BIGINT AS id, \(row)"))
    let current = try await disk.table.snapshot()
    let file = try #require(Array(current.files).first)
    var foreign = file
    foreign.partitionValues = ["at": "2024-01-01T00:00:00.000000Z"]
    try await disk.table.commit(
      TableChange(
        mode: .append,
        files: [],
        replacing: [file],
        schema: current.schema,
        partitionColumns: ["at"]
      )
    )
    try await disk.table.commit(
      TableChange(
        mode: .append,
        files: [],
        returning: [foreign],
        schema: current.schema,
        partitionColumns: ["at"]
      )
    )
    try await disk.writer.overwritePartitions(with: .query("SELECT 2::BIGINT AS id, \(row)"))
    #expect(try await disk.rows().map { $0[0] } == ["2"])
  }

  @Test(
    "a constraint of a log is one condition on one row, or nobody is judged by it",
    arguments: ["true) OR (id IN (SELECT 1)", "id > 0) IS NULL OR (true", "id > 0 -- all"]
  )
  func forgedConstraint(text: String) async throws {
    try await disk.writer.create(
      Schema([Field("id", .long)]),
      settings: ["delta.constraints.forged": text]
    )
    let found = await code {
      try await disk.writer.append(.query("SELECT (-1)::BIGINT AS id"))
    }
    #expect(found == "lake.constraint", "\(text)")
  }

  @Test("new rows that lack columns and meet several rows of one key are refused")
  func repeatedKeys() async throws {
    let two = "SELECT * FROM (VALUES (1::BIGINT, 'x', 1), (1, 'y', 2)) AS v(id, name, n)"
    try await disk.writer.append(.query(two))
    #expect(
      await code {
        try await disk.writer.upsert(.query("SELECT 1::BIGINT AS id, 'z' AS name"), keys: ["id"])
      } == "lake.constraint"
    )
    let report = try await disk.writer.upsert(
      .query("SELECT * FROM (VALUES (1::BIGINT, 'z', 3), (2, 'w', 4)) AS v(id, name, n)"),
      keys: ["id"]
    )
    #expect((report.updated, report.inserted) == (2, 1))
    #expect(try await disk.rows() == [["1", "z", "3"], ["2", "w", "4"]])
  }

  @Test("rewrites keep files of different tags apart, and their tags")
  func tags() async throws {
    try await disk.writer.create(Schema([Field("id", .long)]))
    for source in ["one", "two"] {
      let session = try await disk.engine.session(named: "tag")
      var files = try await session.write(
        "SELECT n::BIGINT AS id FROM range(10) AS r(n)",
        to: WriteTarget(location: disk.table.store.location)
      )
      await session.close()
      for index in files.indices { files[index].tags["source"] = source }
      try await disk.table.commit(
        TableChange(mode: .append, files: files, schema: Schema([Field("id", .long)]))
      )
    }
    func sources() async throws -> [String?] {
      try await disk.table.snapshot().files.map { $0.tags["source"] }
        .sorted { ($0 ?? "") < ($1 ?? "") }
    }
    try await disk.writer.delete(where: "id = 3")
    #expect(try await sources() == ["one", "two"])
    try await disk.writer.update(set: ["id": "id + 100"], where: "id = 4")
    #expect(try await sources() == ["one", "two"])
    try await disk.writer.upsert(.query("SELECT 5::BIGINT AS id"), keys: ["id"])
    #expect(try await sources() == [nil, "one", "two"])
    #expect(try await disk.rows().count == 17)
  }

  @Test(
    "a folder whose name has wildcards holds a table like any other",
    arguments: ["n [x]", "a*"]
  )
  func wildcards(name: String) async throws {
    let folder = try TemporaryFolder("wild")
    let inside = try WriterOnDisk(name, in: folder)
    try await inside.writer.append(.query("SELECT 1::BIGINT AS id"))
    let open = try OpenTable(folder: inside.table.store.location)
    #expect(try await open.rows().rows.rows == [[1]])
    #expect(
      await code { _ = try await open.export(to: inside.table.store.location + "/x.parquet") }
        == "lake.refused"
    )
  }

  @Test("column mapping is not switched on a table that is there")
  func mappingIsFixed() async throws {
    try await disk.writer.append(.query("SELECT 1::BIGINT AS id"))
    #expect(
      await code { try await disk.writer.set(["delta.columnMapping.mode": "name"]) }
        == "lake.refused"
    )
  }

  @Test("counts and sizes that no file has are refused or unknown, and stop no program")
  func forgedNumbers() async throws {
    try await disk.writer.append(.query("SELECT 1::BIGINT AS id"))
    let log = "\(disk.table.store.location)/_delta_log"
    let stats = #""stats":"{\"numRecords\":9223372036854775807}"}}"#
    let lines = ["x", "y"].map { name in
      #"{"add":{"path":""# + name
        + #"","partitionValues":{},"size":1,"modificationTime":1,"dataChange":true,"# + stats
    }
    let next = TableVersion(try await disk.table.snapshot().version.number + 1)
    try LocalFileSystem().create(
      "\(log)/\(next.logFileName)",
      Array(lines.joined(separator: "\n").utf8)
    )
    #expect(try await disk.table.snapshot().rows == nil)
    #expect(try await disk.table.history().first?.rowsAdded == nil)
    let forged = lines[0].replacing(#""size":1"#, with: #""size":9223372036854775807"#)
    try LocalFileSystem().create("\(log)/\(next.successor.logFileName)", Array(forged.utf8))
    #expect(await code { _ = try await disk.table.snapshot() } == "lake.corrupt-commit")
  }
}
