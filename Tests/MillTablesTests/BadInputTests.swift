// SPDX-License-Identifier: Apache-2.0

import Foundation
import MillAssembly
import MillCore
import MillDuckDB
import MillEngine
import MillLake
import MillTables
import MillTesting
import Testing

@Suite("Tables in bad shape, odd names and great numbers", .serialized)
struct TableBadInputTests {
  private static let two = Schema([Field("id", .long), Field("v", .string)])

  private func filled(_ disk: WriterOnDisk) async throws {
    try await disk.writer.create(Self.two)
    for id in 0..<3 { try await disk.writer.append(.query("SELECT \(id)::BIGINT AS id, 'x' AS v")) }
  }

  @Test(
    "a data file that is gone or cut is named with its version and the oldest readable one",
    arguments: ["gone", "cut"]
  )
  func damagedFile(how: String) async throws {
    let disk = try WriterOnDisk()
    try await filled(disk)
    try await disk.writer.overwrite(with: .query("SELECT 9::BIGINT AS id, 'y' AS v"))
    let third = try await disk.table.snapshot(at: TableVersion(2))
    let file = try #require(try third.contents.files.first)
    if how == "gone" {
      try LocalFileSystem().remove(file.location)
    } else {
      let bytes = try LocalFileSystem().read(file.location)
      try LocalFileSystem().remove(file.location)
      try LocalFileSystem().create(file.location, Array(bytes.prefix(bytes.count / 2)))
    }
    let open = try OpenTable(folder: disk.table.store.location)
    do {
      _ = try await open.rows(at: TableVersion(3))
      Issue.record("the version has a damaged file and was read")
    } catch let error as LakeError {
      guard case .damagedFile(_, let version, let path, _, let oldest) = error else {
        Issue.record("\(error)")
        return
      }
      #expect(version == TableVersion(3))
      #expect(file.location.hasSuffix(path))
      // Versions 0 to 2 read fewer files: which of them are whole depends on which file it was.
      #expect(oldest != nil && oldest != TableVersion(3))
    }
    #expect(try await open.rows().rows.rows.count == 1)
  }

  @Test(
    "names with percent signs, spaces, slashes, quotes and other scripts are values like any other"
  )
  func partitionNames() async throws {
    let disk = try WriterOnDisk()
    try await disk.writer.create(
      Schema([Field("id", .long), Field("p", .string)]),
      partitionedBy: ["p"]
    )
    let names = [
      "50%", "a b", "x/y", "k=v", "..", "it's", "q\"q", "ü", "u\u{308}", "中", "a%20b", "#?&+", "\\",
    ]
    for (id, name) in names.enumerated() {
      let text = name.replacing("'", with: "''")
      try await disk.writer.append(.query("SELECT \(id)::BIGINT AS id, '\(text)' AS p"))
    }
    try await disk.writer.append(.query("SELECT 100::BIGINT AS id, NULL::VARCHAR AS p"))
    let rows = try await disk.rows("CAST(id AS BIGINT)")
    #expect(
      rows.dropLast().map { $0[1].text.map { Array($0.utf8) } } == names.map { Array($0.utf8) }
    )
    #expect(rows.last?[1] == .null)
    let open = try OpenTable(folder: disk.table.store.location)
    for (id, name) in names.enumerated() {
      let found = try await open.rows(where: "p = '\(name.replacing("'", with: "''"))'")
      #expect(found.rows.rows.map { $0[0].integer } == [Int64(id)], "\(name)")
      #expect(found.opened == 1, "\(name)")
    }
    _ = try await disk.writer.compact()
    #expect(try await disk.rows("CAST(id AS BIGINT)") == rows)
    let theirs = try await disk.requireReadableByOthers()
    if let theirs { #expect(theirs["row_count"]?.integer == Int64(names.count + 1)) }
  }

  @Test("two thousand columns and a hundred levels of nesting are written and read")
  func wideAndDeep() async throws {
    let disk = try WriterOnDisk()
    let columns = (0..<2000).map { "\($0)::BIGINT AS c\($0)" }.joined(separator: ", ")
    try await disk.writer.append(.query("SELECT \(columns)"))
    try await disk.writer.append(.query("SELECT \(columns)"))
    _ = try await disk.writer.compact()
    #expect(try await disk.table.snapshot().schema.fields.count == 2000)
    #expect(try await disk.rows("1").map { $0[1999] } == ["1999", "1999"])
    let deep = try WriterOnDisk("deep")
    var value = "1::BIGINT"
    for level in 0..<100 { value = "{'l\(level)': \(value)}" }
    try await deep.writer.append(.query("SELECT \(value) AS deep"))
    // deltalake reads no schema that deep.
    #expect(try await deep.rows().count == 1)
  }

  @Test("a read-only folder refuses writes and is read")
  func readOnly() async throws {
    let disk = SimulatedDisk()
    disk.loadFolder("/lake")
    disk.readOnlyPaths = ["/lake"]
    let world = World.virtual(seed: 1, files: disk)
    let table = DeltaTable(
      name: "t",
      store: LocalObjectStore(
        location: "/lake/t",
        below: "/lake",
        world: world,
        thread: WriterOnDisk.thread
      ),
      world: world
    )
    let change = TableChange(mode: .append, files: [], schema: Self.two)
    #expect(await code { try await table.commit(change) } == "file.not-permitted")
    #expect(try await table.snapshotIfExists() == nil)
  }

  @Test("a disk without hard links is refused, since two writers could not be kept apart")
  func noLinks() async throws {
    let disk = SimulatedDisk(supportsLinks: false)
    disk.loadFolder("/lake")
    let world = World.virtual(seed: 1, files: disk)
    let table = DeltaTable(
      name: "t",
      store: LocalObjectStore(
        location: "/lake/t",
        below: "/lake",
        world: world,
        thread: WriterOnDisk.thread
      ),
      world: world
    )
    let change = TableChange(mode: .append, files: [], schema: Self.two)
    #expect(await code { try await table.commit(change) } == "file.links-unsupported")
    #expect(try await table.snapshotIfExists() == nil)
  }

  @Test("a log of a million entries is read in bounded memory")
  func millionEntries() async throws {
    let disk = try WriterOnDisk()
    try await disk.writer.create(Self.two)
    let log = "\(disk.table.store.location)/_delta_log"
    // Half of the entries take away what the other half brought.
    for part in 0..<10 {
      var text = ""
      text.reserveCapacity(20_000_000)
      for number in 0..<50_000 {
        let path = "part-\(part)-\(number)-0f3d6a1e.parquet"
        text += #"{"add":{"path":""# + path
        text += #"","partitionValues":{},"size":1000,"modificationTime":1,"dataChange":true,"#
        text += #""stats":"{\"numRecords\":10}"}}"# + "\n"
      }
      try LocalFileSystem().create(
        "\(log)/\(TableVersion(Int64(2 * part + 1)).logFileName)",
        Array(text.utf8)
      )
      text = ""
      for number in 0..<50_000 where number % 10 != 0 || part % 2 == 0 {
        text += #"{"remove":{"path":"part-\#(part)-\#(number)-0f3d6a1e.parquet","#
        text += #""deletionTimestamp":1,"dataChange":true}}"# + "\n"
      }
      try LocalFileSystem().create(
        "\(log)/\(TableVersion(Int64(2 * part + 2)).logFileName)",
        Array(text.utf8)
      )
    }
    let before = residentPeak()
    let snapshot = try await disk.table.snapshot()
    #expect(snapshot.files.count == 25_000)
    #expect(snapshot.rows == 250_000)
    // Less than a kilobyte for each entry of the greatest commit, and nothing for those that left.
    #expect(residentPeak() - before < 400 << 20, "\((residentPeak() - before) >> 20) MiB")
  }

  /// The most memory that this process has had, in bytes.
  private func residentPeak() -> Int {
    let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") } ?? ""
    return (Int(line.filter(\.isNumber)) ?? 0) * 1024
  }
}
