// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillFeatures
import MillLake
import MillTables
import MillTiles
import Testing

@Suite("Cases of point-in-time joins that chance does not meet")
struct PointInTimeCaseTests {
  private static let view = FeatureViewDefinition(
    name: "facts",
    entities: ["thing"],
    source: .sql("SELECT * FROM silver.facts"),
    time: "t",
    latest: [.init(name: "v", column: "v")]
  )

  /// The feature `v` of key 1 at each moment, from rows that a query gives.
  private func values(
    of queries: [String],
    _ change: (inout FeatureViewDefinition) throws -> Void = { _ in },
    at moments: [String] = ["TIMESTAMPTZ '2024-05-02 12:00:00Z'"],
    of schema: Schema? = nil,
    respectsKnowledge: Bool = true
  ) async throws -> [Datum] {
    let project = try FeatureProject()
    if let schema {
      let writer = try project.writer("silver.facts")
      try await writer.table.prepare()
      try await writer.create(schema)
    }
    for query in queries { try await project.append("silver.facts", query) }
    var view = Self.view
    view.source = .dataset(try #require(DatasetName("silver.facts")))
    try change(&view)
    let store = project.store(
      FeatureDefinitions(
        entities: [.init(name: "thing", keys: [.init("key", .long)])],
        views: [view]
      )
    )
    let labels = moments.map { "SELECT 1::BIGINT AS key, \($0) AS at" }
    let (manifest, _) = try await store.makeTrainingSet(
      TrainingSetRequest(
        name: "cases",
        labels: Labels(.sql(labels.joined(separator: " UNION ALL "))),
        features: [FeatureReference(view: "facts", feature: nil)],
        respectsKnowledge: respectsKnowledge
      )
    )
    let cells = try await project.cells(
      of: manifest,
      manifest.features.map { ($0.column, $0.type) }
    )
    return cells.flatMap(\.self)
  }

  private static func row(_ t: String, _ v: Int, _ more: String = "") -> String {
    "SELECT 1::BIGINT AS key, \(t) AS t, \(v)::BIGINT AS v\(more.isEmpty ? "" : ", " + more)"
  }

  private static let noon = "TIMESTAMPTZ '2024-05-02 12:00:00Z'"

  @Test(
    "of equal rows the greatest id wins, as its type has the order",
    arguments: [
      ("9::BIGINT", "10::BIGINT"), ("-2::BIGINT", "-1::BIGINT"), ("'9'", "'91'"), ("'B'", "'a'"),
      ("9.5::DOUBLE", "10.5::DOUBLE"), ("9.50::DECIMAL(6,2)", "10.50::DECIMAL(6,2)"),
      ("DATE '1999-12-31'", "DATE '2000-01-01'"),
      ("TIMESTAMPTZ '1969-12-31 00:00:00Z'", "TIMESTAMPTZ '1970-01-01 00:00:00Z'"),
      ("false", "true"), ("NULL::BIGINT", "(-9223372036854775808)::BIGINT"),
    ]
  )
  func ids(least: String, greatest: String) async throws {
    for order in [[(least, 1), (greatest, 2)], [(greatest, 2), (least, 1)]] {
      let rows = order.map { Self.row(Self.noon, $0.1, "\($0.0) AS id") }
      #expect(try await values(of: rows, { $0.id = "id" }) == [.integer(2)])
    }
  }

  @Test("without an id the order of files does not decide between equal rows")
  func noID() async throws {
    let rows = (1...9).map { Self.row(Self.noon, $0) }
    let windowed = { (view: inout FeatureViewDefinition) in
      view.windowed = [
        .init(
          name: "w",
          column: "v",
          aggregations: [.first, .last],
          windows: [.init(word: "1h", window: try Shop.window(3600))]
        )
      ]
    }
    let later = ["TIMESTAMPTZ '2024-05-02 12:00:01Z'"]
    let forward = try await values(of: rows, windowed, at: later)
    let backward = try await values(of: rows.reversed(), windowed, at: later)
    let together = try await values(
      of: [rows.joined(separator: " UNION ALL ")],
      windowed,
      at: later
    )
    #expect(forward == backward && forward == together)
    // The newest row is also the last of the window.
    #expect(forward[0] == forward[2])
  }

  @Test("rows that are equal in everything count each and are one newest value")
  func twins() async throws {
    let row = Self.row(Self.noon, 4)
    let found = try await values(
      of: [row, row],
      {
        $0.windowed = [
          .init(
            name: "w",
            column: "v",
            aggregations: [.sum],
            windows: [.init(word: "1h", window: try Shop.window(3600))]
          )
        ]
      },
      at: ["TIMESTAMPTZ '2024-05-02 12:00:01Z'"]
    )
    #expect(found == [.integer(4), .integer(8)])
  }

  @Test("a doubled hour is read by its first offset, a missing one by the offset before")
  func zones() async throws {
    let moments = [
      // 02:30 of the last Sunday of October is 00:30Z first, then 01:30Z.
      "TIMESTAMPTZ '2024-10-27 00:29:59Z'", "TIMESTAMPTZ '2024-10-27 00:30:00Z'",
      "TIMESTAMPTZ '2024-10-27 01:30:00Z'",
    ]
    let change = { (view: inout FeatureViewDefinition) in view.timeZone = "Europe/Berlin" }
    let naive = Schema([
      Field("key", .long), Field("t", .timestampWithoutZone), Field("v", .long),
    ])
    let doubled = Self.row("TIMESTAMPTZ '2024-10-27 02:30:00Z'", 1)
    let first = try await values(of: [doubled], change, at: moments, of: naive)
    #expect(first == [.null, .integer(1), .integer(1)])
    // 02:30 of the last Sunday of March is not there: 01:30Z by the offset of one hour before it.
    let missing = Self.row("TIMESTAMPTZ '2024-03-31 02:30:00Z'", 1)
    let around = ["TIMESTAMPTZ '2024-03-31 01:29:59Z'", "TIMESTAMPTZ '2024-03-31 01:30:00Z'"]
    #expect(try await values(of: [missing], change, at: around, of: naive) == [.null, .integer(1)])
  }

  @Test("a time without a zone that a SELECT gives is one of the view's zone")
  func zoneOfSelect() async throws {
    let found = try await values(
      of: [Self.row("TIMESTAMPTZ '2024-05-02 14:00:00Z'", 1)],
      {
        $0.source = .sql("SELECT key, CAST(t AS TIMESTAMP) AS t, v FROM silver.facts")
        $0.timeZone = "Europe/Berlin"
      },
      at: ["TIMESTAMPTZ '2024-05-02 11:59:59Z'", Self.noon]
    )
    #expect(found == [.null, .integer(1)])
  }

  @Test("nothing that happens after a label is seen by it, whatever is declared to be known early")
  func negativeDelay() async throws {
    let found = try await values(
      of: [Self.row("TIMESTAMPTZ '2024-05-02 12:00:01Z'", 1)],
      { $0.knowledge = .delay(.seconds(-60)) },
      at: [Self.noon, "TIMESTAMPTZ '2024-05-02 13:00:00Z'"]
    )
    #expect(found == [.null, .integer(1)])
  }

  @Test("a row that was never known is hidden where knowledge counts")
  func neverKnown() async throws {
    let row = Self.row("TIMESTAMPTZ '2024-05-02 11:00:00Z'", 1, "NULL::TIMESTAMPTZ AS known")
    #expect(try await values(of: [row], { $0.knowledge = .column("known") }) == [.null])
  }

  @Test("where knowledge is ignored a row without a time of knowledge is a row like others")
  func unknownKnowledge() async throws {
    let row = Self.row("TIMESTAMPTZ '2024-05-02 11:00:00Z'", 1, "NULL::TIMESTAMPTZ AS known")
    let found = try await values(
      of: [row],
      { $0.knowledge = .column("known") },
      respectsKnowledge: false
    )
    #expect(found == [.integer(1)])
  }

  @Test("a SELECT as source has the types that are published")
  func publishedTypes() async throws {
    let rows = [Self.row(Self.noon, 1), Self.row(Self.noon, 2)]
    let found = try await values(
      of: rows,
      {
        $0.source = .sql("SELECT key, max(t) AS t, sum(v) AS v FROM silver.facts GROUP BY key")
      }
    )
    #expect(found == [.decimal(unscaled: 3, scale: 0)])
  }

  @Test("columns that are called as Millrace calls its own are columns like others")
  func ownNames() async throws {
    let names = [
      "t", "k", "k0", "place", "id", "hop", "known", "stretch", "q", "lo", "v", "v0", "p0", "_row",
      "is_whole", "newest", "next", "c",
    ]
    let cells = names.enumerated().map { "\($0)::BIGINT AS \"\($1)\"" }
    let row = "SELECT 1::BIGINT AS key, \(Self.noon) AS happened, \(cells.joined(separator: ", "))"
    let windowed = ["t", "k", "hop", "v0"]
    let found = try await values(
      of: [row, row],
      {
        $0.time = "happened"
        $0.latest = names.map { .init(name: "newest_\($0)", column: $0) }
        $0.windowed = try windowed.map { name in
          .init(
            name: name,
            column: name,
            filter: "t = 0 AND k = 1",
            aggregations: [.sum, .last],
            windows: [.init(word: "20s", window: try Shop.window(20))]
          )
        }
      },
      at: ["TIMESTAMPTZ '2024-05-02 12:00:01Z'"]
    )
    let numbers = windowed.map { Int64(names.firstIndex(of: $0) ?? -1) }
    #expect(
      found
        == names.indices.map { .integer(Int64($0)) }
        + numbers.flatMap { [.integer(2 * $0), .integer($0)] }
    )
  }

  @Test("a column that is called as one inside of the join is read, or refused by its name")
  func innerName() async throws {
    let row = "SELECT 1::BIGINT AS key, \(Self.noon) AS t, 7::BIGINT AS v, 8::BIGINT AS mill_place"
    #expect(try await values(of: [row]) == [.integer(7)])
  }

  @Test("NaN is no value, and -0.0 is 0.0")
  func oddNumbers() async throws {
    let numbers = ["'nan'", "-0.0", "0.0", "NULL"]
    let rows = numbers.enumerated().map { index, number in
      Self.row("TIMESTAMPTZ '2024-05-02 11:0\(index):00Z'", 1, "\(number)::DOUBLE AS x")
    }
    let found = try await values(
      of: rows,
      {
        $0.latest = []
        $0.windowed = [
          .init(
            name: "x",
            column: "x",
            aggregations: [.count, .distinct, .sum, .mean, .quantile(0.5), .variance],
            windows: [.init(word: "1h", window: try Shop.window(3600))]
          )
        ]
      }
    )
    #expect(found == [.integer(2), .integer(1), .double(0), .double(0), .double(0), .double(0)])
  }

  @Test("a source without rows gives nothing, and counts of nothing")
  func empty() async throws {
    let found = try await values(
      of: [],
      {
        $0.windowed = [
          .init(
            name: "v",
            column: "v",
            aggregations: [.sum, .count],
            windows: [.init(word: "1h", window: try Shop.window(3600))]
          )
        ]
      },
      of: Schema([Field("key", .long), Field("t", .timestamp), Field("v", .long)])
    )
    #expect(found == [.null, .null, .integer(0)])
  }

  @Test("a source that is cut into partitions is one source")
  func partitioned() async throws {
    let project = try FeatureProject()
    let writer = try project.writer("silver.facts")
    try await writer.table.prepare()
    let query = """
      SELECT range % 5 AS key, make_timestamptz(range * 1000000) AS t, range AS v FROM range(400)
      """
    try await writer.append(.query(query), partitionedBy: ["key"])
    try await writer.append(.query("SELECT key, t, v + 400 AS v FROM (\(query))"))
    var view = Self.view
    view.source = .dataset(try #require(DatasetName("silver.facts")))
    view.id = "v"
    let store = project.store(
      FeatureDefinitions(
        entities: [.init(name: "thing", keys: [.init("key", .long)])],
        views: [view]
      )
    )
    let labels = "SELECT range AS key, make_timestamptz(333000000) AS at FROM range(6)"
    let (manifest, _) = try await store.makeTrainingSet(
      TrainingSetRequest(
        name: "parted",
        labels: Labels(.sql(labels)),
        features: [FeatureReference(view: "facts", feature: nil)]
      )
    )
    let cells = try await project.cells(of: manifest, [("v", .long)])
    #expect(cells.flatMap(\.self) == [730, 731, 732, 733, 729].map { .integer($0) } + [.null])
  }

  @Test("rows that a deletion vector or a correction took away are not seen")
  func deleted() async throws {
    let project = try FeatureProject()
    let rows = (0..<50).map { Self.row("make_timestamptz(\($0))", $0) }
    try await project.append("silver.facts", rows.joined(separator: " UNION ALL "))
    let writer = try project.writer("silver.facts")
    try await writer.delete(where: "v >= 40", .init(removal: .deletionVectors))
    try await writer.delete(where: "v = 20 OR v = 39", .init(removal: .deletionVectors))
    var view = Self.view
    view.source = .dataset(try #require(DatasetName("silver.facts")))
    let store = project.store(
      FeatureDefinitions(
        entities: [.init(name: "thing", keys: [.init("key", .long)])],
        views: [view]
      )
    )
    let labels =
      "SELECT 1::BIGINT AS key, make_timestamptz(q) AS at "
      + "FROM (VALUES (60), (20), (19), (0)) AS v(q)"
    let (manifest, _) = try await store.makeTrainingSet(
      TrainingSetRequest(
        name: "vectors",
        labels: Labels(.sql(labels)),
        features: [FeatureReference(view: "facts", feature: nil)]
      )
    )
    let cells = try await project.cells(of: manifest, [("v", .long)])
    #expect(cells == [[.integer(38)], [.integer(19)], [.integer(19)], [.integer(0)]])
  }
}
