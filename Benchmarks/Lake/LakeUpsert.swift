// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import MillCore
import MillDuckDB
import MillEngine
import MillLake
import MillTables

/// New rows put into a large table by their keys, beside deltalake's merge.
struct LakeUpsert: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "upsert",
    abstract: "An upsert of new rows into a large table, against deltalake's merge."
  )

  @OptionGroup var options: LakeOptions
  @Option(help: "Rows of the table (default 10000000; small: 200000).") var rows: Int?
  @Option(help: "New rows, half with keys of the table (default 100000; small: 2000).")
  var new: Int?
  @Option(help: "Files of the table.") var files = 20
  @Option(help: "Seed of the values.") var seed = 1

  func run() throws {
    let workshop = try LakeWorkshop(options)
    defer { workshop.close() }
    let rows = options.size(rows, 10_000_000, small: 200_000)
    let new = options.size(new, 100_000, small: 2000)
    let table = workshop.path("table")
    let source = workshop.path("new.parquet")
    workshop.note("writing a table of \(rows) rows")
    try workshop.millrace([
      "part-rows", table, source, "--rows", "\(rows)", "--new", "\(new)", "--files", "\(files)",
      "--seed", "\(seed)",
    ])
    var ours: [Measurement] = []
    var vectors: [Measurement] = []
    var peers: [Measurement] = []
    var results: [(side: String, facts: [String: Double])] = []
    func upsert(_ side: String, _ work: (String) throws -> [Measurement]) throws -> [Measurement] {
      let copy = try workshop.copy(table, as: "copy")
      let found = try work(copy)
      results += try workshop.millrace(["part-check", copy]).map { (side, $0.facts) }
      try workshop.remove("copy")
      return found
    }
    try workshop.alternate([
      {
        ours += try upsert("millrace") { copy in
          try workshop.millrace(["part-upsert", copy, source])
        }
      },
      {
        peers += try upsert("deltalake") { copy in
          try workshop.deltalake(["merge", "--table", copy, "--source", source])
        }
      },
      {
        vectors += try upsert("millrace with deletion vectors") { copy in
          try workshop.millrace(["part-upsert", copy, source, "--deletion-vectors"])
        }
      },
    ])
    // A checksum over all values tells more than counts and sums do.
    for result in results where result.facts != results[0].facts {
      throw ChildError(
        description: "\(result.side) has \(result.facts), \(results[0].side) \(results[0].facts)"
      )
    }
    guard results[0].facts["rows"] == Double(rows + new - new / 2) else {
      throw ChildError(description: "the results have \(results[0].facts)")
    }
    var report = LakeReport(
      "lake upsert",
      sizes: ["rows": rows, "new": new, "files": files, "seed": seed],
      rounds: options.rounds
    )
    let peer = try LakeReport.Side("deltalake", peers, of: "upsert")
    for (title, runs) in [("rewriting files", ours), ("by deletion vectors", vectors)] {
      let millrace = try LakeReport.Side("millrace", runs, of: "upsert")
      report.compare(
        "upsert \(new) rows into \(rows) in \(files) files, \(title)",
        peer,
        millrace,
        notes: [
          "\(whole(try millrace.fact("inserted"))) inserted, "
            + "\(whole(try millrace.fact("updated"))) updated; files touched and written: "
            + "deltalake \(whole(try peer.fact("files_removed"))) and "
            + "\(whole(try peer.fact("files_written"))), "
            + "millrace \(whole(try millrace.fact("files_removed"))) and "
            + "\(whole(try millrace.fact("files_written")))",
          "both tables have \(whole(results[0].facts["rows"] ?? 0)) rows, amounts of "
            + "\(fixed(results[0].facts["amounts"] ?? 0)) and the same values",
        ]
      )
    }
    try report.print(asJSON: options.json)
  }
}

/// The rows of the measures, all made of their number and a seed.
enum LakeRows {
  /// Amounts are quarters, so that sums of any order are the same.
  static func query(_ ids: String, seed: Int) -> String {
    func chance(_ salt: Int, _ count: Int) -> String {
      "(hash(id + \(1_000_003 * seed + salt)) % \(count))::BIGINT"
    }
    return """
      SELECT id, \(chance(1, 1_000_000)) AS customer, \(chance(2, 40_000))::DOUBLE / 4 AS amount,
        'city ' || \(chance(3, 50)) AS city,
        make_timestamptz(1704067200000000 + id * 1000000) AS ts
      FROM (\(ids)) AS ids
      """
  }
}

/// Writes the table and the file with the new rows.
struct LakeRowsPart: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "part-rows", shouldDisplay: false)

  @Argument var table: String
  @Argument var source: String
  @Option var rows: Int
  @Option var new: Int
  @Option var files: Int
  @Option var seed: Int

  func run() async throws {
    let folder = LakeTable.parent(of: table)
    let engine = try LakeTable.engine(folder)
    let delta = LakeTable.at(table, try DuckDBCheckpoints(), cache: SnapshotCache())
    let writer = TableWriter(delta, engine: engine, world: .system())
    for file in 0..<files {
      // Whole numbers, so that every file has its share.
      let ids = (rows * file / files, rows * (file + 1) / files)
      try await writer.append(
        .query(
          LakeRows.query("SELECT range AS id FROM range(\(ids.0), \(ids.1))", seed: seed)
        )
      )
    }
    let known = new / 2
    let connection = try LakeTable.plain(folder).connect()
    let ids = """
      SELECT range * \(max(1, rows / max(1, known))) AS id FROM range(\(known))
      UNION ALL SELECT \(rows) + range FROM range(\(new - known))
      """
    // In no order of the keys, as new rows come.
    try connection.execute(
      """
      COPY (SELECT * FROM (\(LakeRows.query(ids, seed: seed + 1))) AS new ORDER BY hash(id))
      TO '\(source)' (FORMAT parquet)
      """
    )
  }
}

/// The upsert that is measured; reading the file is part of it.
struct LakeUpsertPart: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "part-upsert", shouldDisplay: false)

  @Argument var table: String
  @Argument var source: String
  @Flag var deletionVectors = false

  func run() async throws {
    let engine = try LakeTable.engine(LakeTable.parent(of: table))
    let delta = LakeTable.at(table, try DuckDBCheckpoints())
    let writer = TableWriter(delta, engine: engine, world: .system())
    let (report, found) = try await metered("upsert") {
      try await writer.upsert(
        .query("SELECT * FROM read_parquet('\(source)')"),
        keys: ["id"],
        WriteOptions(removal: deletionVectors ? .deletionVectors : .rewrite)
      )
    }
    try found.with([
      "inserted": Double(report.inserted), "updated": Double(report.updated),
      "files_written": Double(report.filesWritten), "files_removed": Double(report.filesRemoved),
    ]).print()
  }
}

/// Counts the rows of a table, or of a Parquet file, and what their values come to.
struct LakeCheckPart: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "part-check", shouldDisplay: false)

  @Argument var path: String

  func run() async throws {
    let engine = try LakeTable.engine(LakeTable.parent(of: path))
    let session = try await engine.session(named: "check")
    let relation = RelationName("bench_rows")
    if path.hasSuffix(".parquet") {
      try await session.define(
        relation,
        as: "SELECT * FROM read_parquet('\(path)')",
        keeping: .view
      )
    } else {
      let snapshot = try await LakeTable.at(path, try DuckDBCheckpoints()).snapshot()
      try await session.define(relation, as: try snapshot.contents)
    }
    // The checksum is cut to what a floating-point number of JSON holds exactly.
    let found = try await session.rows(
      """
      SELECT count(*), CAST(sum(amount) AS DOUBLE),
        CAST(bit_xor(hash(id, customer, amount, city, ts)) % 9007199254740992 AS BIGINT)
      FROM bench_rows
      """,
      limit: 1
    )
    await session.close()
    try Measurement(
      measure: "check",
      wallSeconds: 0,
      cpuSeconds: 0,
      peakMebibytes: 0,
      facts: [
        "rows": found.rows[0][0].double ?? 0, "amounts": found.rows[0][1].double ?? 0,
        "checksum": found.rows[0][2].double ?? 0,
      ]
    ).print()
  }
}
