// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillFeatures
import MillLake
import MillTesting
import Testing

@Suite("Labels come from files, tables and queries")
struct TrainingSetLabelTests {
  private static let expected = [
    Shop.row(2, 700, nil, 0), Shop.row(1, 250, 1250, 2), Shop.row(9, nil, nil, 0),
  ]

  private static let query = """
    SELECT card::BIGINT AS card, make_timestamptz(\(Shop.noon)) AS at, label::BIGINT AS label
    FROM (VALUES (2, 0), (1, 1), (9, 0)) AS v(card, label)
    """

  private func cells(_ shop: Shop, _ labels: Labels) async throws -> [[Datum]] {
    try await shop.cells(try await shop.store.makeTrainingSet(shop.request(labels)).manifest)
  }

  @Test("a query, a table, a version of it and its Parquet file give the same set of rows")
  func sources() async throws {
    let shop = try await Shop()
    try await shop.project.append("gold.labels", Self.query)
    let table = try shop.project.table("gold.labels")
    let file = try #require(try await table.snapshot().contents.files.first).location
    let name = try #require(DatasetName("gold.labels"))
    try await shop.project.append(
      "gold.labels",
      "SELECT 1::BIGINT AS card, "
        + "make_timestamptz(0) AS at, 7::BIGINT AS label"
    )
    #expect(try await cells(shop, Labels(.sql(Self.query))) == Self.expected)
    #expect(try await cells(shop, Labels(.dataset(name, TableVersion(1)))) == Self.expected)
    #expect(try await cells(shop, Labels(.file(file))) == Self.expected)
    let all = try await cells(shop, Labels(.dataset(name, nil)))
    #expect(all.count == 4 && all.contains(Shop.row(1, nil, nil, 0)))
    let joined = Labels(.sql("SELECT * FROM gold.labels WHERE label < 7 ORDER BY card"))
    #expect(try await cells(shop, joined).map { $0[0] } == [.integer(1), .integer(2), .integer(9)])
    let manifest = try await shop.store.makeTrainingSet(shop.request(joined)).manifest
    #expect(manifest.labelTables == ["gold.labels": 2])
  }

  @Test("CSV with one delimiter or another", arguments: [",", ";", "\t", "|"])
  func delimiters(delimiter: String) async throws {
    let shop = try await Shop()
    let lines = [
      ["card", "at", "label"], ["2", "2024-05-02T12:00:00Z", "0"],
      ["1", "2024-05-02T12:00:00Z", "1"], ["9", "2024-05-02T12:00:00Z", "0"],
    ].map { $0.joined(separator: delimiter) }
    let path = try shop.project.file("labels.csv", lines.joined(separator: "\n") + "\n")
    #expect(try await cells(shop, Labels(.file(path))) == Self.expected)
  }

  @Test("a key of text in a CSV stays text whatever it looks like")
  func textKey() async throws {
    let project = try FeatureProject()
    try await project.append(
      "silver.facts",
      "SELECT '007' AS card, make_timestamptz(0) AS t, 1::BIGINT AS v UNION ALL "
        + "SELECT '7', make_timestamptz(0), 2"
    )
    let store = project.store(
      FeatureDefinitions(
        entities: [.init(name: "card", keys: [.init("card", .string)])],
        views: [
          FeatureViewDefinition(
            name: "facts",
            entities: ["card"],
            source: .dataset(try #require(DatasetName("silver.facts"))),
            time: "t",
            latest: [.init(name: "v", column: "v")]
          )
        ]
      )
    )
    let path = try project.file("labels.csv", "card,at\n007,2024-05-02\n7,2024-05-02\n")
    let (manifest, _) = try await store.makeTrainingSet(
      TrainingSetRequest(
        name: "texts",
        labels: Labels(.file(path)),
        features: [FeatureReference(view: "facts", feature: "v")]
      )
    )
    let cells = try await project.cells(of: manifest, [("v", .long)])
    #expect(cells == [[.integer(1)], [.integer(2)]])
  }

  @Test(
    "a label time without a zone is one of the zone that is declared",
    arguments: ["csv", "sql", "parquet"]
  )
  func zone(kind: String) async throws {
    let shop = try await Shop()
    let labels: Labels.Source
    let query = "SELECT 1::BIGINT AS card, TIMESTAMP '2024-05-02 14:00:00' AS at, 0 AS label"
    switch kind {
    case "csv":
      labels = .file(
        try shop.project.file("labels.csv", "card,at,label\n1,2024-05-02 14:00:00,0\n")
      )
    case "sql": labels = .sql(query)
    default:
      let path = shop.project.folder.path("naive.parquet")
      try await shop.project.copy(query, to: path)
      labels = .file(path)
    }
    #expect(
      try await cells(shop, Labels(labels, timeZone: "Europe/Berlin"))
        == [Shop.row(1, 250, 1250, 2)]
    )
  }

  @Test("a day of a CSV is one moment, whether its column is named or found")
  func days() async throws {
    let shop = try await Shop()
    // 23:00Z of the day before: after midnight in Berlin, before midnight in UTC.
    try await shop.pay([(7, -46_800, "3.00")])
    let path = try shop.project.file("labels.csv", "card,at,label\n7,2024-05-02,0\n")
    let found = try await cells(shop, Labels(.file(path), timeZone: "Europe/Berlin"))
    let named = try await cells(shop, Labels(.file(path), time: "at", timeZone: "Europe/Berlin"))
    #expect(found == named)
  }

  @Test("a column of labels may be called as a feature is inside of a view")
  func ownNames() async throws {
    let shop = try await Shop()
    let labels = Labels(
      .sql(
        "SELECT 1::BIGINT AS card, make_timestamptz(\(Shop.noon)) AS at, "
          + "0::DOUBLE AS spend__amount_sum_1h"
      )
    )
    #expect(try await cells(shop, labels) == [Shop.row(1, 250, 1250, 2)])
  }

  @Test("a whole number beyond the key's type is a key that nobody has")
  func wideKey() async throws {
    let shop = try await Shop()
    var definitions = try shop.definitions
    definitions.entities[0].keys[0].type = .integer
    let store = shop.project.store(definitions)
    let labels = Shop.labels([("1", "0"), ("3000000000", "0")])
    let (manifest, _) = try await store.makeTrainingSet(shop.request(labels))
    #expect(
      try await shop.cells(manifest)
        == [Shop.row(1, 250, 1250, 2), Shop.row(3_000_000_000, nil, nil, 0)]
    )
  }
}
