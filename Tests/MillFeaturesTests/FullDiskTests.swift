// SPDX-License-Identifier: Apache-2.0

import Foundation
import MillCore
import MillDuckDB
import MillEngine
import MillFeatures
import MillSQLite
import MillTesting
import Testing

/// Real processes that bring views in while a disk is full.
@Suite("A full disk", .serialized, .enabled(if: SmallDisk.isAvailable))
struct FullDiskTests {
  private let folder: TemporaryFolder
  private var meters: Meters

  init() throws {
    folder = try TemporaryFolder("full-disk")
    meters = try Meters(in: folder.path, meters: 500, readings: 2_000, seed: 7)
  }

  private func done(_ arguments: [String]) throws -> String {
    let outcome = try meters.program.run(arguments)
    try #require(outcome.isDone, "\(arguments): \(outcome.text)")
    return outcome.text
  }

  private static func materialize(_ step: Meters.Step) -> [String] {
    ["features", "materialize", "--json", "--as-of", step.asOf]
  }

  /// What a command says of its error with `--json`.
  private func error(_ arguments: [String]) throws -> (code: String, message: String)? {
    let outcome = try meters.program.run(arguments)
    guard !outcome.isDone else { return nil }
    #expect(outcome.ending == .exited(3), "\(outcome.text)")
    // The answer comes first, then the same for people.
    let end = outcome.text.range(of: "\n}")?.upperBound ?? outcome.text.endIndex
    let json = try JSONValue(parsing: String(outcome.text[..<end]))["error"]
    return (json?["code"]?.text ?? "", json?["message"]?.text ?? outcome.text)
  }

  /// The store as it stands, read beside its full disk.
  private func rows(_ disk: SmallDisk) throws -> StoredRows {
    let copy = try TemporaryFolder("full-disk-copy")
    let name = "\(meters.state)/online.sqlite"
    for end in ["", "-wal"] where FileManager.default.fileExists(atPath: disk.path(name + end)) {
      try LocalFileSystem().create(
        copy.path("online.sqlite\(end)"),
        try LocalFileSystem().read(disk.path(name + end))
      )
    }
    return try SoakedFile(path: copy.path("online.sqlite")).read()
  }

  @Test(
    "of ledger and online store stops a materialization with 3, loses nothing that is served, and once there is room the next ends it"
  )
  mutating func state() async throws {
    try meters.apply(.beginning)
    _ = try done(["run"])
    _ = try done(Self.materialize(.beginning))
    let store = SoakedFile(path: "\(meters.state)/online.sqlite")
    let before = (rows: try store.read(), copy: try store.copy())
    try meters.apply(.growth)
    _ = try done(["run"])
    _ = try done(Self.materialize(.growth))
    let after = try store.read()
    try store.restore(before.copy)

    let disk = try SmallDisk(over: meters.state, kibibytes: 8192)
    meters.program.disk = disk
    // A server that has it open goes on reading what it has.
    let served = try SQLiteOnlineStore(path: disk.path("\(meters.state)/online.sqlite"))
    let table = OnlineTable(view: "meter_profile", hash: "none", content: .latest)
    #expect(try await served.changes(of: [table]) == [0])
    var codes: Set<String> = []
    for room in [0, 8, 24, 40, 60, 80, 100, 150, 200, 300] {
      try disk.fill(leaving: room)
      guard let error = try error(Self.materialize(.growth)) else { continue }
      codes.insert(error.code)
      #expect(["ledger.full", "online.full"].contains(error.code), "\(room) KiB: \(error)")
      #expect(error.message.contains("\(meters.state)/"), "\(room) KiB: \(error)")
      #expect(error.message.contains("make room"), "\(room) KiB: \(error)")
      let strangers = try rows(disk).strangers(before: before.rows, after: after)
      #expect(strangers.isEmpty, "\(room) KiB: \(strangers.prefix(3))")
      #expect(try await served.changes(of: [table]) == [0])
      #expect(try await served.state(of: table) == nil)
    }
    #expect(codes.contains("online.full"))
    try disk.free()
    _ = try done(Self.materialize(.growth))
    #expect(try rows(disk).differences(from: after) == [])
    _ = try done(["features", "verify"])
  }

  @Test("of the ledger's keeps a first materialization from beginning, and from nothing else")
  mutating func ledger() throws {
    try meters.apply(.beginning)
    _ = try done(["run"])
    let disk = try SmallDisk(over: meters.state, kibibytes: 8192)
    meters.program.disk = disk
    try disk.fill()
    let error = try error(Self.materialize(.beginning))
    #expect(error?.code == "ledger.full", "\(String(describing: error))")
    #expect(error?.message.contains("\(meters.state)/ledger.sqlite") == true)
    try disk.free()
    _ = try done(Self.materialize(.beginning))
    _ = try done(["features", "verify"])
  }

  @Test(
    "of temporary files stops a materialization with 3, and once there is room the next ends it"
  )
  mutating func spill() throws {
    try meters.apply(.beginning)
    try meters.write(
      """
      views:
        wide:
          description: A view whose rows do not fit into memory
          entity: meter
          sql: |
            SELECT meter_id || repeat('-', 900) || r.range AS meter_id, read_at, state
            FROM silver.readings CROSS JOIN range(150) AS r
          time: read_at
          features: [state]

      """,
      to: "features/wide.yaml"
    )
    let settings = "\(meters.folder)/millrace.yaml"
    try String(contentsOfFile: settings, encoding: .utf8)
      .replacingOccurrences(of: "memory: 1GiB", with: "memory: 256MiB")
      .write(toFile: settings, atomically: true, encoding: .utf8)
    _ = try done(["run"])
    _ = try done(["features", "materialize", "last_reading", "--as-of", Meters.Step.beginning.asOf])
    let store = SoakedFile(path: "\(meters.state)/online.sqlite")
    let before = try store.read()
    let wide = Self.materialize(.beginning) + ["wide"]
    do {
      let disk = try SmallDisk(over: "\(meters.state)/tmp", kibibytes: 4096)
      meters.program.disk = disk
      let error = try error(wide)
      #expect(error?.code == "engine.no-space", "\(String(describing: error))")
      #expect(error?.message.contains("make room") == true, "\(String(describing: error))")
      #expect(
        error?.message.contains("\(meters.state)/tmp") == true,
        "\(String(describing: error))"
      )
      #expect(try store.read().rows == before.rows)
      let left = try FileManager.default.subpathsOfDirectory(
        atPath: disk.path("\(meters.state)/tmp")
      )
      #expect(left.filter { $0.contains("duckdb_temp") } == [])
      meters.program.disk = nil
    }
    _ = try done(wide)
    #expect(try store.read().states.count == 2)
  }
}

/// What the engine may write to disk besides its results.
@Suite("The bound of temporary disk")
struct TemporaryDiskTests {
  @Test("is kept: a query that needs more is refused with it, and none of its files is left")
  func bound() async throws {
    let folder = try TemporaryFolder("temporary-disk")
    let engine = try DuckDBEngine(
      DuckDBEngine.Configuration(
        memory: ByteCount(bytes: 48 << 20),
        temporary: ByteCount(bytes: 2 << 20),
        temporaryFolder: folder.path("tmp"),
        threads: 1,
        folders: [folder.path]
      )
    )
    let session = try await engine.session(named: "spill")
    let query = """
      SELECT sum(place + length(key)) FROM (
        SELECT key, row_number() OVER (PARTITION BY key ORDER BY number) AS place
        FROM (SELECT repeat('-', 200) || number AS key, number FROM range(400000) AS t(number)))
      """
    let error = await failure { _ = try await session.rows(query, limit: 1) }
    #expect(error?.code == "engine.resources", "\(String(describing: error))")
    #expect(error?.text.contains("`temp` in millrace.yaml") == true)
    #expect(error?.text.contains("PRAGMA") == false, "\(error?.text ?? "")")
    await session.close()
    await engine.shutdown()
    let left = try FileManager.default.subpathsOfDirectory(atPath: folder.path)
    #expect(left.filter { $0.hasSuffix(".tmp") } == [])
  }
}
