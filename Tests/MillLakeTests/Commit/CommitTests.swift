// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillLake
import MillTesting
import Testing

@Suite("Committing to a table")
struct CommitTests {
  private func code(_ body: () async throws -> Void) async -> String? {
    do {
      try await body()
      return nil
    } catch {
      return (error as? any Failure)?.code ?? "\(error)"
    }
  }

  @Test("the first commit makes a table that any reader knows")
  func create() async throws {
    let disk = try TableOnDisk()
    #expect(try await disk.commit(.append, "a", rows: 7) == .first)
    let snapshot = try await disk.table.snapshot()
    #expect(snapshot.version == .first)
    #expect(snapshot.tableProtocol == .classic)
    #expect(snapshot.schema == twoColumns)
    #expect(try snapshot.contents.rows == 7)
    #expect(try snapshot.contents.files.map(\.location) == ["\(disk.location)/a"])
    #expect(try await disk.table.exists())
  }

  @Test("an append adds to what is there, an overwrite replaces it, and old versions stay")
  func appendAndOverwrite() async throws {
    let disk = try TableOnDisk()
    try await disk.commit(.append, "a")
    try await disk.commit(.append, "b")
    try await disk.commit(.overwrite, "c")
    try await disk.commit(.append, "d")
    var names: [[String]] = []
    for version in 0...3 { names.append(try await disk.names(at: TableVersion(Int64(version)))) }
    #expect(names == [["a"], ["a", "b"], ["c"], ["c", "d"]])
    #expect(try await disk.table.newestVersion() == TableVersion(3))
    #expect(
      await code { _ = try await disk.table.snapshot(at: TableVersion(4)) } == "lake.no-version"
    )
  }

  @Test(
    "an overwrite with nothing leaves a table without rows, and a create with nothing makes one"
  )
  func empty() async throws {
    let disk = try TableOnDisk()
    try await disk.table.commit(TableChange(mode: .overwrite, files: [], schema: twoColumns))
    #expect(try await disk.names().isEmpty)
    try await disk.commit(.append, "a")
    try await disk.table.commit(TableChange(mode: .overwrite, files: [], schema: twoColumns))
    #expect(try await disk.names().isEmpty)
    #expect(try await disk.table.snapshot().contents.rows == 0)
  }

  @Test("some files can be replaced and the others kept")
  func replacing() async throws {
    let disk = try TableOnDisk()
    try await disk.commit(.append, "a")
    try await disk.commit(.append, "b")
    let snapshot = try await disk.table.snapshot()
    let old = try #require(snapshot.files[path: "a"])
    try await disk.table.commit(
      TableChange(
        mode: .append,
        files: [try disk.file("c")],
        replacing: [old],
        schema: twoColumns,
        expecting: snapshot.version
      )
    )
    #expect(try await disk.names() == ["b", "c"])
  }

  @Test("new columns join at the end, and a column of another type is refused")
  func schemaMerge() async throws {
    let disk = try TableOnDisk()
    try await disk.commit(.append, "a")
    let narrow = Schema([Field("more", .double), Field("id", .long)])
    try await disk.table.commit(
      TableChange(mode: .append, files: [try disk.file("b")], schema: narrow)
    )
    let snapshot = try await disk.table.snapshot()
    #expect(snapshot.schema.names == ["id", "name", "more"])
    let wrong = Schema([Field("id", .integer)])
    #expect(
      await code {
        try await disk.table.commit(
          TableChange(mode: .append, files: [try disk.file("c")], schema: wrong)
        )
      } == "lake.schema-mismatch"
    )
    try await disk.table.commit(
      TableChange(mode: .overwrite, files: [try disk.file("d")], schema: wrong)
    )
    #expect(try await disk.table.snapshot().schema == wrong)
  }

  @Test("a column whose name differs by case alone from an old one is refused, not added")
  func caseOfNames() async throws {
    let disk = try TableOnDisk()
    try await disk.commit(.append, "a")
    #expect(
      await code {
        try await disk.table.commit(
          TableChange(
            mode: .append,
            files: [try disk.file("b")],
            schema: Schema([Field("ID", .long)])
          )
        )
      } == "lake.invalid-name"
    )
    #expect(try await disk.table.snapshot().schema.names == ["id", "name"])
  }

  @Test(
    "a name that Delta tables cannot have is refused",
    arguments: ["", "a b", "a,b", "a;b", "a{", "a}", "a(", "a)", "a\nb", "a\tb", "a=b"]
  )
  func columnNames(name: String) async throws {
    let disk = try TableOnDisk()
    let schema = Schema([Field("id", .long), Field(name, .string)])
    #expect(
      await code {
        try await disk.table.commit(TableChange(mode: .append, files: [], schema: schema))
      } == "lake.invalid-name"
    )
    #expect(try await !disk.table.exists())
  }

  @Test(
    "other names are taken as they are",
    arguments: ["a.b", "ü", "日本", "a\"b", "a'b", "1", "a-b"]
  )
  func goodNames(name: String) async throws {
    let disk = try TableOnDisk()
    let schema = Schema([Field("id", .long), Field(name, .string)])
    try await disk.table.commit(TableChange(mode: .append, files: [], schema: schema))
    #expect(try await disk.table.snapshot().schema == schema)
  }

  @Test("names that differ by case alone, and no columns at all, are refused")
  func ambiguousNames() async throws {
    let disk = try TableOnDisk()
    for schema in [Schema([Field("a", .long), Field("A", .long)]), Schema([])] {
      #expect(
        await code {
          try await disk.table.commit(TableChange(mode: .append, files: [], schema: schema))
        } != nil
      )
    }
    #expect(try await !disk.table.exists())
  }

  @Test("partition columns must exist, be plain, leave another column, and stay")
  func partitions() async throws {
    let disk = try TableOnDisk()
    let nested = Schema([
      Field("id", .long), Field("l", .array(element: .long, containsNull: true)),
    ])
    for (schema, columns) in [
      (twoColumns, ["missing"]), (nested, ["l"]), (twoColumns, ["id", "name"]),
    ] {
      #expect(
        await code {
          try await disk.table.commit(
            TableChange(mode: .append, files: [], schema: schema, partitionColumns: columns)
          )
        } == "lake.schema-mismatch"
      )
    }
    let file = try disk.file("name=x/a", partitionValues: ["name": "x"])
    try await disk.table.commit(
      TableChange(mode: .append, files: [file], schema: twoColumns, partitionColumns: ["name"])
    )
    #expect(await code { try await disk.commit(.append, "b") } == "lake.schema-mismatch")
    let contents = try await disk.table.snapshot().contents
    #expect(contents.partitionColumns == ["name"])
    #expect(contents.files.map(\.partitionValues) == [["name": "x"]])
    #expect(contents.files.map(\.location) == [file.location])
  }

  @Test("a file outside of the table, or one that is not there, is refused")
  func strayFiles() async throws {
    let disk = try TableOnDisk()
    var file = try disk.file("a")
    file.location = disk.folder.path("lake/silver/other/a")
    let change = TableChange(mode: .append, files: [file], schema: twoColumns)
    #expect(await code { try await disk.table.commit(change) } == "lake.path-outside")
    file.location = "\(disk.location)/gone"
    let gone = TableChange(mode: .append, files: [file], schema: twoColumns)
    #expect(await code { try await disk.table.commit(gone) } == "lake.missing-file")
    file.location = "\(disk.location)/../other/a"
    let up = TableChange(mode: .append, files: [file], schema: twoColumns)
    #expect(await code { try await disk.table.commit(up) } == "lake.path-outside")
    #expect(try await !disk.table.exists())
  }

  @Test("`expecting` lands on that version alone")
  func expecting() async throws {
    let disk = try TableOnDisk()
    #expect(
      await code { try await disk.commit(.append, "z", expecting: .first) } == "lake.no-table"
    )
    try await disk.commit(.append, "a")
    try await disk.commit(.append, "b", expecting: .first)
    await #expect(
      throws: LakeError.staleVersion(
        table: "silver.t",
        expected: .first,
        newest: TableVersion(1)
      )
    ) { try await disk.commit(.append, "c", expecting: .first) }
    #expect(
      await code { try await disk.commit(.append, "d", expecting: TableVersion(9)) }
        == "lake.stale-version"
    )
    #expect(try await disk.names() == ["a", "b"])
  }

  @Test("a column that may not be null takes only files that are known to hold none")
  func notNull() async throws {
    let disk = try TableOnDisk()
    let strict = Schema([Field("id", .long, isNullable: false), Field("name", .string)])
    func change(_ name: String, _ nulls: Int64?) throws -> TableChange {
      var file = try disk.file(name)
      file.statistics.columns["id"] = ColumnStatistics(nullCount: nulls)
      return TableChange(mode: .append, files: [file], schema: strict)
    }
    try await disk.table.commit(change("a", 0))
    let some = try change("b", 1)
    #expect(await code { try await disk.table.commit(some) } == "lake.schema-mismatch")
    let unknown = try change("c", nil)
    #expect(await code { try await disk.table.commit(unknown) } == "lake.schema-mismatch")
    #expect(try await disk.names() == ["a"])
  }

  @Test("history says what each commit did, newest first")
  func history() async throws {
    let disk = try TableOnDisk()
    try await disk.commit(.append, "a", rows: 2)
    try await disk.commit(.append, "b", rows: 3)
    try await disk.table.commit(
      TableChange(
        mode: .overwrite,
        files: [try disk.file("c", rows: 4), try disk.file("d", rows: 5)],
        schema: twoColumns,
        runID: "run-1",
        info: ["mine": 1]
      )
    )
    let history = try await disk.table.history()
    #expect(history.map(\.version.number) == [2, 1, 0])
    #expect(history.map(\.filesAdded) == [2, 1, 1])
    #expect(history.map(\.filesRemoved) == [2, 0, 0])
    #expect(history.map(\.rowsAdded) == [9, 3, 2])
    #expect(history.map(\.operation) == ["WRITE", "WRITE", "WRITE"])
    #expect(history[0].info["txnId"] == "run-1")
    #expect(history[0].info["mine"] == 1)
    #expect(history[0].info["readVersion"] == 1)
    #expect(history[1].info["isBlindAppend"] == true)
    #expect(try await disk.table.history(limit: 1).map(\.version.number) == [2])
  }

  @Test("files appended are the difference between versions, unless rows were removed")
  func filesAppended() async throws {
    let disk = try TableOnDisk()
    for name in ["a", "b", "c"] { try await disk.commit(.append, name) }
    func appended(_ old: Int64, _ new: Int64) async throws -> [String]? {
      try await disk.table.filesAppended(after: TableVersion(old), through: TableVersion(new))?
        .map(\.path)
    }
    #expect(try await appended(0, 2) == ["b", "c"])
    #expect(try await appended(1, 1) == [])
    #expect(try await appended(1, 2) == ["c"])
    try await disk.commit(.overwrite, "d")
    #expect(try await appended(0, 3) == nil)
    #expect(try await appended(3, 3) == [])
    // Rows that only moved are no difference.
    try disk.writeLog(
      4,
      [Lines.remove("d"), Lines.add("e")].map { $0.replacing(":true", with: ":false") }
    )
    #expect(try await appended(3, 4) == [])
    // Of a commit that is not in the log nobody knows what it did.
    #expect(try await appended(3, 5) == nil)
  }
}
