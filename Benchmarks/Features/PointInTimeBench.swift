// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import MillCore
import MillDuckDB
import MillEngine
import MillFeatures
import MillLake
import MillTables

/// Labels joined with features as of their time, beside an ASOF join of raw DuckDB.
struct FeaturesBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "features",
    abstract: "Features: the point-in-time join, against DuckDB's ASOF join by hand.",
    subcommands: [
      PointInTimeBench.self, PointInTimePrepare.self, PointInTimeRaw.self, PointInTimeSet.self,
    ]
  )
}

/// A training set of ten latest values, against the textbook query over the same Parquet file.
struct PointInTimeBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pit",
    abstract: "A training set, against raw DuckDB's ASOF join of the same files."
  )

  @OptionGroup var options: LakeOptions
  @Option(help: "Rows of the source (default 2000000; small: 50000).") var rows: Int?
  @Option(help: "Labels (default 200000; small: 5000).") var labels: Int?
  @Option(help: "A Parquet file of features in place of made ones, as feast_bench.py makes it.")
  var featureFile: String?
  @Option(help: "A Parquet file of labels in place of made ones.") var labelFile: String?

  func run() throws {
    let workshop = try LakeWorkshop(options)
    defer { workshop.close() }
    let rows = options.size(rows, 2_000_000, small: 50_000)
    let labels = options.size(labels, 200_000, small: 5000)
    let work = workshop.folder
    var prepare = ["part-pit-prepare", work, "--rows", "\(rows)", "--labels", "\(labels)"]
    if let featureFile { prepare += ["--feature-file", featureFile] }
    if let labelFile { prepare += ["--label-file", labelFile] }
    workshop.note("writing \(rows) rows of features and \(labels) labels")
    try workshop.run("features", prepare)
    var raw: [Measurement] = []
    var ours: [Measurement] = []
    try workshop.alternate([
      { raw += try workshop.run("features", ["part-pit-raw", work]) },
      { ours += try workshop.run("features", ["part-pit-set", work]) },
    ])
    var report = LakeReport(
      "features pit",
      sizes: ["rows": rows, "labels": labels],
      rounds: options.rounds
    )
    let peer = try LakeReport.Side("DuckDB ASOF", raw, of: "join")
    for (measure, title) in [
      ("ignored", "as it lies, knowledge ignored as the peer does"),
      ("clustered", "clustered by key and time, knowledge ignored"),
      ("respected", "as it lies, rows hidden until they were known"),
    ] {
      let side = try LakeReport.Side("millrace", ours, of: measure)
      if measure != "respected" {
        for fact in ["rows", "f1 values", "f1 sum", "f6 sum"]
        where try abs(peer.fact(fact) - side.fact(fact)) > 1e-6 * max(1, abs(peer.fact(fact))) {
          throw ChildError(description: "the sides differ in \(fact)")
        }
      }
      report.compare(
        "\(labels) labels x \(rows) rows x 10 features, \(title)",
        peer,
        side,
        notes: [
          "\(whole(try side.fact("rows"))) rows, f1: \(whole(try side.fact("f1 values"))) values, "
            + "sum \(fixed(try side.fact("f1 sum"), 6)); f6: sum \(whole(try side.fact("f6 sum")))",
          "millrace also keeps the rows as a Delta table, with statistics and a manifest",
        ]
      )
    }
    try report.print(asJSON: options.json)
  }
}

extension LakeWorkshop {
  /// Runs a part of another benchmark of this program.
  @discardableResult
  func run(_ bench: String, _ arguments: [String]) throws -> [Measurement] {
    try measurements(of: ["/proc/self/exe", bench] + arguments)
  }
}

/// The project of the measures.
private enum PointInTimeProject {
  static func lake(_ folder: String) throws -> Lake {
    Lake(location: "\(folder)/lake", world: .system(), checkpoints: try DuckDBCheckpoints())
  }

  static func store(
    _ folder: String,
    _ engine: any Engine,
    source: String
  ) throws -> FeatureStore {
    let names = (0..<10).map { "f\($0)" }
    guard let dataset = DatasetName(source) else {
      throw ChildError(description: "\(source) is no dataset")
    }
    return FeatureStore(
      FeatureDefinitions(
        entities: [EntityDefinition(name: "driver", keys: [.init("driver_id", .long)])],
        views: [
          FeatureViewDefinition(
            name: "stats",
            entities: ["driver"],
            source: .dataset(dataset),
            time: "event_timestamp",
            knowledge: .column("created_timestamp"),
            ttl: .seconds(86_400),
            latest: names.map { .init(name: $0, column: $0) }
          )
        ]
      ),
      in: FeatureEnvironment(lake: try lake(folder), engine: engine, world: .system())
    )
  }
}

/// Makes the files, and two tables of the features: as they lie, and clustered.
struct PointInTimePrepare: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "part-pit-prepare",
    shouldDisplay: false
  )

  @Argument var folder: String
  @Option var rows: Int
  @Option var labels: Int
  @Option var featureFile: String?
  @Option var labelFile: String?

  func run() async throws {
    let connection = try LakeTable.plain(folder).connect()
    try connection.execute("SET TimeZone = 'UTC'")
    let features = "\(folder)/features.parquet"
    if let featureFile {
      try FileManager.default.copyItem(atPath: featureFile, toPath: features)
    } else {
      try connection.execute("COPY (\(madeFeatures)) TO '\(features)'")
    }
    if let labelFile {
      try FileManager.default.copyItem(atPath: labelFile, toPath: "\(folder)/labels.parquet")
    } else {
      try connection.execute("COPY (\(madeLabels)) TO '\(folder)/labels.parquet'")
    }
    let engine = try LakeTable.engine(folder)
    let lake = try PointInTimeProject.lake(folder)
    for (name, order) in [
      ("silver.stats", ""), ("silver.clustered", "ORDER BY driver_id, event_timestamp"),
    ] {
      guard let dataset = DatasetName(name) else { continue }
      let writer = TableWriter(lake.table(dataset), engine: engine, world: .system())
      _ = try await writer.append(
        RowSource { _ in "SELECT * FROM read_parquet('\(features)') \(order)" }
      )
    }
  }

  /// As feast_bench.py has it: half a percent of the rows are corrections that came an hour later.
  private var madeFeatures: String {
    let start = 1_767_225_600_000_000
    let span = 30 * 86_400 * 1_000_000
    let values = (0..<10).map { index -> String in
      let chance = "hash(n, \(index + 10))"
      return switch index {
      case 0...5: "(\(chance) % 2000001)::DOUBLE / 1000000 - 1 AS f\(index)"
      case 6...8: "(\(chance) % 1000)::BIGINT AS f\(index)"
      default: "'c' || (\(chance) % 32) AS f\(index)"
      }
    }
    return """
      SELECT (hash(m, 1) % 10000)::BIGINT AS driver_id,
        make_timestamptz(\(start) + (hash(m, 2) % \(span))::BIGINT) AS event_timestamp,
        make_timestamptz(\(start) + (hash(m, 2) % \(span))::BIGINT
          + (hash(m, 3) % 600000000)::BIGINT
          + CASE WHEN m <> n THEN 3600000000 ELSE 0 END) AS created_timestamp,
        \(values.joined(separator: ", "))
      FROM (SELECT n, CASE WHEN n >= \(rows - rows / 200) THEN n - \(rows / 2) ELSE n END AS m
        FROM range(\(rows)) AS r(n))
      """
  }

  private var madeLabels: String {
    """
    SELECT (hash(n, 21) % 10100)::BIGINT AS driver_id,
      make_timestamptz(1767225600000000 + (hash(n, 22) % 2592000000000)::BIGINT)
        AS event_timestamp, (hash(n, 23) % 1000)::DOUBLE AS label
    FROM range(\(labels)) AS r(n)
    """
  }
}

/// The textbook query: the newest correction of each time, then ASOF, then the time to live.
struct PointInTimeRaw: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "part-pit-raw",
    shouldDisplay: false
  )

  @Argument var folder: String

  func run() async throws {
    let connection = try LakeTable.plain(folder).connect()
    try connection.execute("SET TimeZone = 'UTC'")
    let values = (0..<10).map {
      "CASE WHEN e.event_timestamp - f.event_timestamp <= INTERVAL 86400 SECOND THEN f.f\($0) END "
        + "AS f\($0)"
    }
    let (_, measured) = try await metered("join") {
      try connection.execute(
        """
        CREATE TABLE joined AS
        SELECT e.*, \(values.joined(separator: ", "))
        FROM read_parquet('\(folder)/labels.parquet') AS e
        ASOF LEFT JOIN (
          SELECT * FROM read_parquet('\(folder)/features.parquet')
          QUALIFY row_number() OVER (PARTITION BY driver_id, event_timestamp
            ORDER BY created_timestamp DESC) = 1) AS f
        ON e.driver_id = f.driver_id AND e.event_timestamp >= f.event_timestamp
        """
      )
    }
    let rows = try connection.query(
      "SELECT count(*), count(f1), round(sum(f1), 6), sum(f6)::DOUBLE FROM joined"
    ).rows()
    var facts: [String: Double] = [:]
    for (name, value) in zip(["rows", "f1 values", "f1 sum", "f6 sum"], rows.first ?? []) {
      switch value {
      case .int(let number): facts[name] = Double(number)
      case .double(let number): facts[name] = number
      default: break
      }
    }
    try measured.with(facts).print()
  }
}

/// Training sets of the same labels.
struct PointInTimeSet: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "part-pit-set",
    shouldDisplay: false
  )

  @Argument var folder: String

  func run() async throws {
    let engine = try LakeTable.engine(folder)
    for (measure, source, isRespected) in [
      ("ignored", "silver.stats", false), ("clustered", "silver.clustered", false),
      ("respected", "silver.stats", true),
    ] {
      let store = try PointInTimeProject.store(folder, engine, source: source)
      let name = "set_\(getpid())_\(measure)"
      let (manifest, measured) = try await metered(measure) {
        try await store.makeTrainingSet(
          TrainingSetRequest(
            name: name,
            labels: Labels(.file("\(folder)/labels.parquet"), time: "event_timestamp"),
            features: [FeatureReference(view: "stats", feature: nil)],
            respectsKnowledge: isRespected
          )
        ).manifest
      }
      guard let dataset = DatasetName(layer: .training, name: name) else { continue }
      let session = try await engine.session(named: "check")
      try await session.define(
        RelationName("t"),
        as: try await PointInTimeProject.lake(folder).table(dataset).snapshot().contents
      )
      let rows = try await session.columns(
        "SELECT count(*)::DOUBLE, count(f1)::DOUBLE, round(sum(f1), 6), sum(f6)::DOUBLE FROM t",
        limit: 1
      )
      await session.close()
      var facts = ["manifest rows": Double(manifest.rows)]
      for (index, name) in ["rows", "f1 values", "f1 sum", "f6 sum"].enumerated() {
        if case .double(let value) = rows.columns[index][0] { facts[name] = value }
      }
      try measured.with(facts).print()
    }
  }
}
