// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import MillCore
import MillDuckDB
import MillEngine
import MillLake
import MillQuality

/// Twelve rules on an existing table, bad rows written, against raw DuckDB that only counts.
struct QualityBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "quality",
    abstract: "Twelve rules on a Parquet file, bad rows written, against counting in raw DuckDB."
  )

  @Argument(help: "quality_N.parquet of the peer benchmark's generator.") var file: String
  @Option(help: "Runs of each side; the one of least CPU counts.") var repeats = 3

  func run() throws {
    let folder = NSTemporaryDirectory() + "mill-bench-\(getpid())"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    _ = try measureSelf(["quality-prepare", file, folder + "/table"])
    let raw = try least(of: repeats) { try measureSelf(["quality-script", file]) }
    let mill = try least(of: repeats) { try measureSelf(["quality-inspect", folder]) }
    _ = try measureSelf(["quality-script", file], quiet: false)
    _ = try measureSelf(["quality-inspect", folder], quiet: false)
    print("  raw       \(fixed(raw.cpuSeconds)) s CPU, peak \(fixed(raw.peakMebibytes, 0)) MiB")
    print("  millrace  \(fixed(mill.cpuSeconds)) s CPU, peak \(fixed(mill.peakMebibytes, 0)) MiB")
    print("  ratio     \(fixed(mill.cpuSeconds / raw.cpuSeconds))")
  }
}

/// Raw DuckDB: one scan that counts ten rules, two groupings that count the other two.
struct QualityScript: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "quality-script",
    shouldDisplay: false
  )

  @Argument var file: String

  func run() throws {
    let database = try Database(configuration: ["memory_limit": "768MiB", "threads": "2"])
    let connection = try database.connect()
    let counted = try connection.query(
      """
      SELECT count(*) FILTER (customer_id IS NULL), count(*) FILTER (discount IS NULL),
        count(*) FILTER (amount < 0 OR amount > 10000),
        count(*) FILTER (quantity < 1 OR quantity > 100),
        count(*) FILTER (discount < 0 OR discount > 1),
        count(*) FILTER (order_date < DATE '2024-01-01' OR order_date > DATE '2025-12-31'),
        count(*) FILTER (ship_ts < TIMESTAMP '2024-01-01' OR ship_ts >= TIMESTAMP '2026-03-01'),
        count(*) FILTER (NOT regexp_matches(email, '^[a-z0-9._]+@[a-z0-9]+\\.com$')),
        count(*) FILTER (NOT regexp_matches(sku, '^[A-Z]{2}-[0-9]{5}$')),
        count(*) FILTER (ship_ts < order_date)
      FROM read_parquet('\(file)')
      """
    ).rows()
    let ids = try connection.query(
      "SELECT sum(n)::BIGINT FROM (SELECT count(*) n FROM read_parquet('\(file)') GROUP BY id HAVING count(*) > 1)"
    ).rows()
    let lines = try connection.query(
      """
      SELECT sum(n)::BIGINT FROM (SELECT count(*) n FROM read_parquet('\(file)')
        GROUP BY order_no, line_no HAVING count(*) > 1)
      """
    ).rows()
    print(
      "raw counts",
      (counted + ids + lines).flatMap { $0 }.map { "\($0)" }.joined(separator: " ")
    )
  }
}

/// The same rules through `DataQualityValidator`, each bad row written once with its rules.
struct QualityInspect: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "quality-inspect",
    shouldDisplay: false
  )

  @Argument var folder: String

  func run() async throws {
    let engine = try QualityPrepare.engine(folder)
    let session = try await engine.session(named: "bench")
    let contents = try await QualityPrepare.table(folder).snapshot().contents
    let relation = RelationName("orders")
    try await session.define(relation, as: contents)
    let validator = DataQualityValidator(rules: Self.rules, mode: .inspect)
    let verdict = try await validator.judge(
      relation,
      schema: contents.schema,
      in: session,
      nullCounts: contents.nullCounts
    )
    if let bad = verdict.bad {
      _ = try await session.write(bad, to: WriteTarget(location: folder + "/bad"))
    }
    await session.close()
    print("millrace  ", verdict.results.map { "\($0.violations)" }.joined(separator: " "))
    print("bad rows  ", verdict.quarantined, "of", verdict.candidates)
  }

  static let rules: [Rule] = [
    Rule(.complete(columns: ["customer_id"])),
    Rule(.complete(columns: ["discount"])),
    Rule(.range(column: "amount", minimum: 0, maximum: 10000)),
    Rule(.range(column: "quantity", minimum: 1, maximum: 100)),
    Rule(.range(column: "discount", minimum: 0, maximum: 1)),
    Rule(.range(column: "order_date", minimum: "2024-01-01", maximum: "2025-12-31")),
    Rule(
      .range(column: "ship_ts", minimum: "2024-01-01", maximum: "2026-02-28T23:59:59.999999Z")
    ),
    Rule(.pattern(column: "email", regex: "^[a-z0-9._]+@[a-z0-9]+\\.com$")),
    Rule(.pattern(column: "sku", regex: "^[A-Z]{2}-[0-9]{5}$")),
    Rule(name: "ships_after_order", check: .predicate(sql: "ship_ts >= order_date")),
    Rule(.unique(columns: ["id"])),
    Rule(.unique(columns: ["order_no", "line_no"])),
  ]
}

/// Publishes the peer's file as a table, with the casts that every table gets.
struct QualityPrepare: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "quality-prepare",
    shouldDisplay: false
  )

  @Argument var file: String
  @Argument var table: String

  func run() async throws {
    let path = URL(fileURLWithPath: file).path
    let folder = URL(fileURLWithPath: table).deletingLastPathComponent().path
    let engine = try Self.engine(
      folder,
      URL(fileURLWithPath: path).deletingLastPathComponent().path
    )
    let session = try await engine.session(named: "prepare")
    let query = "SELECT * FROM read_parquet('\(path)')"
    let schema = try await session.describe(query).schema
    let files = try await session.write(query, to: WriteTarget(location: table))
    await session.close()
    try await Self.table(folder).commit(TableChange(mode: .append, files: files, schema: schema))
  }

  static func table(_ folder: String) -> DeltaTable {
    DeltaTable(
      name: "orders",
      store: LocalObjectStore(
        location: folder + "/table",
        world: .system(),
        thread: BlockingExecutor(name: "bench-files")
      ),
      world: .system()
    )
  }

  static func engine(_ folders: String...) throws -> DuckDBEngine {
    try DuckDBEngine(
      DuckDBEngine.Configuration(
        memory: ByteCount(bytes: 768 << 20),
        temporaryFolder: folders[0] + "/tmp",
        threads: 2,
        folders: folders
      )
    )
  }
}
