// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import MillCore
import MillDuckDB
import MillLake
import MillTables

/// Many small files put together, beside a plain COPY of DuckDB over the same files.
struct LakeCompact: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compact",
    abstract: "Compaction of many small files, against a plain COPY of DuckDB (target 1.3)."
  )

  @OptionGroup var options: LakeOptions
  @Option(help: "Files of the table (default 2000; small: 100).") var files: Int?
  @Option(help: "Rows of each file.") var rows = 1000
  @Option(help: "Seed of the values.") var seed = 1

  func run() throws {
    let workshop = try LakeWorkshop(options)
    defer { workshop.close() }
    let files = options.size(files, 2000, small: 100)
    let table = workshop.path("table")
    workshop.note("writing a table of \(files) files")
    try workshop.deltalake([
      "make-small", "--table", table, "--files", "\(files)", "--rows", "\(rows)",
      "--seed", "\(seed)",
    ])
    var ours: [Measurement] = []
    var plain: [Measurement] = []
    var results: [[String: Double]] = []
    try workshop.alternate([
      {
        let copy = try workshop.copy(table, as: "copy")
        ours += try workshop.millrace(["part-compact", copy])
        results += try workshop.millrace(["part-check", copy]).map(\.facts)
        try workshop.remove("copy")
      },
      {
        let copy = try workshop.copy(table, as: "copy")
        let target = workshop.path("one.parquet")
        plain += try workshop.millrace(["part-copy", copy, target])
        results += try workshop.millrace(["part-check", target]).map(\.facts)
        try workshop.remove("copy")
        try workshop.remove("one.parquet")
      },
    ])
    for result in results where result != results[0] {
      throw ChildError(description: "one side has \(result), the other \(results[0])")
    }
    guard results[0]["rows"] == Double(files * rows) else {
      throw ChildError(description: "the results have \(results[0])")
    }
    var report = LakeReport(
      "lake compact",
      sizes: ["files": files, "rows": rows, "seed": seed],
      rounds: options.rounds
    )
    let millrace = try LakeReport.Side("millrace", ours, of: "compact")
    report.compare(
      "compact \(files) files of \(rows) rows (target 1.3)",
      try LakeReport.Side("DuckDB COPY", plain, of: "compact"),
      millrace,
      notes: [
        "\(whole(try millrace.fact("files_removed"))) files became "
          + "\(whole(try millrace.fact("files_written"))); both have "
          + "\(whole(results[0]["rows"] ?? 0)) rows and the same values",
        "millrace also reads the log, takes statistics, syncs and commits",
      ]
    )
    try report.print(asJSON: options.json)
  }
}

/// The compaction that is measured.
struct LakeCompactPart: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "part-compact",
    shouldDisplay: false
  )

  @Argument var table: String

  func run() async throws {
    let engine = try LakeTable.engine(LakeTable.parent(of: table))
    let delta = LakeTable.at(table, try DuckDBCheckpoints())
    let writer = TableWriter(delta, engine: engine, world: .system())
    let (report, found) = try await metered("compact") { try await writer.compact() }
    try found.with([
      "files_removed": Double(report.filesRemoved), "files_written": Double(report.filesWritten),
    ]).print()
  }
}

/// A plain COPY of the same files into one, by the same library with the same bounds.
struct LakeCopyPart: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "part-copy", shouldDisplay: false)

  @Argument var table: String
  @Argument var target: String

  func run() async throws {
    let database = try LakeTable.plain(LakeTable.parent(of: table))
    let connection = try database.connect()
    let files = try FileManager.default.contentsOfDirectory(atPath: table)
      .filter { $0.hasSuffix(".parquet") }.sorted().map { "'\(table)/\($0)'" }
    let (_, found) = try await metered("compact") {
      try connection.execute(
        """
        COPY (SELECT * FROM read_parquet([\(files.joined(separator: ", "))]))
        TO '\(target)' (FORMAT parquet)
        """
      )
    }
    try found.print()
  }
}
