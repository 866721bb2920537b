// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillLake
import MillTesting
import Testing

@Suite("Logs that other writers left")
struct DamagedLogTests {
  @Test("a hole in the log is refused and named")
  func gap() async throws {
    let disk = try TableOnDisk()
    try disk.writeLog(0, [Lines.classic, Lines.metadata()])
    try disk.writeLog(2, [Lines.add("a")])
    await #expect(throws: LakeError.gap(table: "silver.t", missing: TableVersion(1))) {
      try await disk.table.snapshot()
    }
    await #expect(throws: LakeError.gap(table: "silver.t", missing: TableVersion(1))) {
      try await disk.commit(.append, "x")
    }
  }

  @Test("a damaged line is named by version and line")
  func corruptLine() async throws {
    let disk = try TableOnDisk()
    try disk.writeLog(0, [Lines.classic, Lines.metadata()])
    try disk.writeLog(1, [Lines.add("a"), "", #"{"add":{"path":"b","#])
    await #expect {
      try await disk.table.snapshot()
    } throws: { error in
      guard case .corruptCommit("silver.t", TableVersion(1), 3, _)? = error as? LakeError else {
        return false
      }
      return "\(error)".contains("version 1, line 3")
    }
    #expect(try await disk.names(at: .first).isEmpty)
  }

  @Test("a log file cut short is refused rather than read in part")
  func truncated() async throws {
    let disk = try TableOnDisk()
    let text = [Lines.classic, Lines.metadata(), Lines.add("a")].joined(separator: "\n")
    try disk.writeLog(0, [String(text.dropLast(4))])
    await #expect {
      try await disk.table.snapshot()
    } throws: { error in
      (error as? LakeError)?.code == "lake.corrupt-commit"
    }
  }

  @Test("names that are no commits do not count: checkpoints, sums, temporary files")
  func otherNames() async throws {
    let disk = try TableOnDisk()
    try disk.writeLog(0, [Lines.classic, Lines.metadata(), Lines.add("a%20b")])
    for name in [
      ".tmp-1", "00000000000000000000.crc", "00000000000000000000.checkpoint.parquet",
      "_last_checkpoint", "00000000000000000000.00000000000000000001.compacted.json", "1.json",
      "+0000000000000000001.json", "-0000000000000000001.json", "000000000000000000001.json",
    ] {
      try LocalFileSystem().create("\(disk.location)/_delta_log/\(name)", [1])
    }
    let snapshot = try await disk.table.snapshot()
    #expect(snapshot.version == .first)
    #expect(try snapshot.contents.files.map(\.location) == ["\(disk.location)/a b"])
    #expect(try snapshot.contents.rows == 1)
  }

  @Test("a folder without a log is no table")
  func noTable() async throws {
    let disk = try TableOnDisk()
    #expect(try await !disk.table.exists())
    #expect(try await disk.table.newestVersion() == nil)
    #expect(try await disk.table.snapshotIfExists() == nil)
    await #expect(throws: LakeError.noTable(table: "silver.t")) { try await disk.table.snapshot() }
  }

  @Test("a writer that needs more than is known here is refused by name, a reader is served")
  func writerFeatures() async throws {
    let disk = try TableOnDisk()
    try disk.writeLog(
      0,
      [
        #"{"protocol":{"minReaderVersion":1,"minWriterVersion":7,"writerFeatures":["rowTracking"]}}"#,
        Lines.metadata(), Lines.add("a"),
      ]
    )
    #expect(try await disk.names() == ["a"])
    await #expect(
      throws: LakeError.unsupported(
        table: "silver.t",
        version: .first,
        feature: "the writer feature rowTracking"
      )
    ) { try await disk.commit(.append, "x") }
    #expect(try await disk.names() == ["a"])
  }

  @Test("an append-only table takes appends and nothing that removes rows")
  func appendOnly() async throws {
    let disk = try TableOnDisk()
    try disk.writeLog(
      0,
      [Lines.classic, Lines.metadata(#"{"delta.appendOnly":"true"}"#), Lines.add("a")]
    )
    try await disk.commit(.append, "b")
    await #expect {
      try await disk.commit(.overwrite, "c")
    } throws: { error in
      (error as? LakeError)?.code == "lake.append-only" && "\(error)".contains("appendOnly")
    }
    #expect(try await disk.names() == ["a", "b"])
  }

  @Test("rows that nobody judged by an invariant are refused, and those that somebody did are not")
  func invariants() async throws {
    let disk = try TableOnDisk()
    let invariant = #"{"delta.invariants":"{\"expression\":{\"expression\":\"id > 0\"}}"}"#
    try disk.writeLog(0, [Lines.classic, Lines.metadata(idMetadata: invariant), Lines.add("a")])
    await #expect {
      try await disk.commit(.append, "b")
    } throws: { error in
      (error as? LakeError)?.code == "lake.constraint" && "\(error)".contains("id > 0")
    }
    let judged = TableChange(
      mode: .append,
      files: [try disk.file("c")],
      schema: twoColumns,
      checked: ["invariant id"]
    )
    #expect(try await disk.table.commit(judged) == TableVersion(1))
  }

  @Test("settings and identity of another writer's table survive our commits")
  func foreignSettings() async throws {
    let disk = try TableOnDisk()
    try disk.writeLog(0, [Lines.classic, Lines.metadata(#"{"mine":"ü"}"#), Lines.add("a")])
    try await disk.table.commit(
      TableChange(
        mode: .append,
        files: [try disk.file("b")],
        schema: Schema(twoColumns.fields + [Field("more", .double)])
      )
    )
    let snapshot = try await disk.table.snapshot()
    #expect(snapshot.metadata.id == "0b")
    #expect(snapshot.metadata.configuration == ["mine": "ü"])
    #expect(snapshot.schema.names == ["id", "name", "more"])
  }
}
