// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillFeatures
import MillSQLite
import MillTesting
import MillTiles
import Testing

@Suite("Statistics of materialized features")
struct StatisticsTests {
  static let noon: Int64 = 1_714_651_200_000_000

  let project: FeatureProject
  let online: SQLiteOnlineStore
  let kept = MemoryStatistics()

  init() throws {
    project = try FeatureProject()
    online = try SQLiteOnlineStore(path: project.folder.path("online.sqlite"))
  }

  private var asOf: Instant { Instant(microseconds: Self.noon) }

  /// A row for each card from 1 to `cards`, an hour before noon.
  private func append(cards: ClosedRange<Int>, _ cells: String, minutes: Int = 60) async throws {
    try await project.append(
      "silver.facts",
      """
      SELECT card::BIGINT AS card, make_timestamptz(\(Self.noon - Int64(minutes) * 60_000_000)) AS at,
        \(cells)
      FROM range(\(cards.lowerBound), \(cards.upperBound + 1)) AS r(card)
      """
    )
  }

  private func view(_ columns: [String]) throws -> FeatureViewDefinition {
    FeatureViewDefinition(
      name: "facts",
      entities: ["card"],
      source: .dataset(try #require(DatasetName("silver.facts"))),
      time: "at",
      latest: columns.map { .init(name: $0, column: $0) }
    )
  }

  private func store(
    _ view: FeatureViewDefinition,
    keeping storage: (any StatisticsStorage)? = nil
  ) -> FeatureStore {
    project.store(
      FeatureDefinitions(
        entities: [EntityDefinition(name: "card", keys: [.init("card", .long)])],
        views: [view]
      ),
      statistics: storage ?? kept
    )
  }

  private func count(_ view: FeatureViewDefinition) async throws -> ViewStatistics {
    let report = try await store(view).materialize("facts", into: online, asOf: asOf)
    #expect(report.notCounted == nil)
    return try #require(report.statistics)
  }

  @Test("numbers are counted over the newest row of each key")
  func numbers() async throws {
    try await append(cards: 1...100, "-1.0::DOUBLE AS amount", minutes: 90)
    try await append(cards: 1...100, "CASE WHEN card <= 90 THEN card::DOUBLE END AS amount")
    let statistics = try await count(try view(["amount"]))
    let amount = try #require(statistics.features.first)
    #expect((amount.rows, amount.nulls, amount.distinct) == (100, 10, 90))
    #expect((amount.minimum, amount.maximum) == ("1.0", "90.0"))
    #expect(amount.mean == 45.5)
    // The sample variance of 1 to n is n (n + 1) / 12.
    let deviation = try #require(amount.deviation)
    #expect(abs(deviation * deviation - 90 * 91 / 12) < 1e-9)
    #expect(amount.quantiles.map(\.fraction) == FeatureStatistics.fractions)
    #expect(amount.quantiles.map(\.value) == [1, 5, 23, 45, 68, 86, 90])
    #expect(amount.top.isEmpty && amount.lengths == nil)
    #expect(amount.histogram.reduce(0) { $0 + $1.count } == 90)
    #expect(statistics.isApproximate == false)
    #expect(statistics.tables == ["silver.facts": 2])
    #expect(statistics.sourceRows == 200)
  }

  @Test("a histogram holds every value once, whatever lies far outside")
  func histogram() async throws {
    try await append(
      cards: 1...1000,
      """
      (CASE card WHEN 1 THEN -1e9 WHEN 2 THEN 1e9 WHEN 3 THEN 'NaN' WHEN 4 THEN 'inf'
        ELSE card END)::DOUBLE AS amount, 7.5::DOUBLE AS same
      """
    )
    let statistics = try await count(try view(["amount", "same"]))
    let amount = try #require(statistics.features.first)
    #expect(amount.histogram.count == FeatureStatistics.binsMax)
    #expect(amount.histogram.reduce(0) { $0 + $1.count } == 998)
    #expect(amount.histogram.first?.lower == -1e9)
    #expect(amount.histogram.last.map { $0.upper >= 1e9 } == true)
    #expect(zip(amount.histogram, amount.histogram.dropFirst()).allSatisfy { $0.upper == $1.lower })
    // Equal stretches of equal numbers.
    #expect(amount.histogram.dropFirst().dropLast().allSatisfy { (48...50).contains($0.count) })
    #expect(amount.mean.map { $0.isFinite } == true)
    #expect(statistics.features.last?.histogram.isEmpty == true)
    #expect(statistics.features.last?.deviation == 0)
  }

  @Test("values that are few are listed with how often they are, the most frequent first")
  func frequencies() async throws {
    try await append(
      cards: 1...100,
      """
      CASE WHEN card <= 60 THEN 'DE' WHEN card <= 90 THEN 'FR' WHEN card <= 95 THEN repeat('x', 500)
        END AS country,
      card > 75 AS is_new, (card % 3)::INTEGER AS grade, 'id ' || card AS id
      """
    )
    let features = try await count(try view(["country", "is_new", "grade", "id"])).features
    func top(_ index: Int) -> [String] { features[index].top.map { "\($0.value) \($0.count)" } }
    #expect(top(0) == ["DE 60", "FR 30", String(repeating: "x", count: 64) + " 5"])
    #expect(features[0].nulls == 5)
    #expect(top(1) == ["false 75", "true 25"])
    #expect(top(2) == ["1 34", "0 33", "2 33"])
    #expect(features[3].top.isEmpty)
    #expect(features[3].distinct == 100)
    #expect(features[0].mean == nil && features[0].quantiles.isEmpty)
  }

  @Test("no more than a bound of values is listed")
  func frequenciesAreBounded() async throws {
    try await append(cards: 1...1000, "'c' || (card % 30) AS country")
    let feature = try #require(try await count(try view(["country"])).features.first)
    #expect(feature.distinct == 30)
    #expect(feature.top.count == FeatureStatistics.topMax)
  }

  @Test("of lists the lengths are counted, of other types what they have")
  func others() async throws {
    try await append(
      cards: 1...10,
      """
      CASE WHEN card > 2 THEN range(card)::BIGINT[] END AS list, DATE '2024-01-01' AS day,
        (card * 1.25)::DECIMAL(12,2) AS price, make_timestamptz(card) AS moment, encode('a') AS bytes
      """
    )
    let features = try await count(
      try view(["list", "day", "price", "moment", "bytes"])
    ).features
    #expect(features[0].lengths == .init(minimum: 3, mean: 6.5, maximum: 10))
    #expect(features[0].nulls == 2)
    #expect(features[1].top.map(\.value) == ["2024-01-01"])
    #expect(features[2].maximum == "12.50")
    #expect(features[2].mean == 6.875)
    #expect(features[3].minimum?.hasPrefix("1970-01-01") == true)
    #expect((features[4].distinct, features[4].minimum) == (1, nil))
  }

  @Test("windows are counted as they are answered as of the materialization")
  func windows() async throws {
    try await append(cards: 1...50, "card::BIGINT AS amount", minutes: 30)
    try await append(cards: 1...20, "card::BIGINT AS amount", minutes: 24 * 60)
    try await append(cards: 60...69, "1::BIGINT AS amount", minutes: 60 * 30)
    var view = try view(["amount"])
    view.windowed = [
      .init(
        name: "amount",
        column: "amount",
        aggregations: [.sum, .count, .mean, .distinct, .quantile(0.5), .topK(2)],
        windows: try ["1h", "24h"].map { word in
          let length = try #require(Duration(text: word))
          let hop = try #require(Hop.default(for: length))
          return .init(word: word, window: try #require(Window(length: length, edge: .hop(hop))))
        }
      )
    ]
    let features = try await count(view).features
    #expect(features.map(\.feature) == view.featureNames)
    let store = store(view)
    let reader = try await store.reader(of: [.init(view: "facts", feature: nil)], from: online)
    // Cards 60 to 69 have no tile in reach, so that the store does not know their windows.
    let answer = try await reader.read((1...50).map { [.integer($0)] }, at: asOf)
    for (index, feature) in features.enumerated() where index > 0 {
      let values = answer.rows.map { $0[index].value }
      #expect(feature.rows == 50, "\(feature.feature)")
      #expect(feature.nulls == values.count { $0.isNull }, "\(feature.feature)")
      let numbers = values.compactMap { value -> Double? in
        switch value {
        case .integer(let value): Double(value)
        case .double(let value): value
        default: nil
        }
      }
      guard let mean = feature.mean else { continue }
      #expect(!numbers.isEmpty)
      #expect(
        abs(mean - numbers.reduce(0, +) / Double(numbers.count)) < 1e-9,
        "\(feature.feature)"
      )
      #expect(feature.maximum.flatMap(Double.init) == numbers.max(), "\(feature.feature)")
    }
    #expect(features.first { $0.feature == "amount_top2_24h" }?.lengths?.maximum == 1)
  }

  @Test("a count is made again when everything was read, or a tenth came to the tables")
  func again() async throws {
    try await append(cards: 1...100, "card::DOUBLE AS amount")
    let view = try view(["amount"])
    _ = try await count(view)
    let store = store(view)
    var report = try await store.materialize("facts", into: online, asOf: asOf)
    #expect(report.kind == .none && report.statistics == nil)
    try await append(cards: 101...109, "card::DOUBLE AS amount")
    report = try await store.materialize("facts", into: online, asOf: asOf)
    #expect(report.kind == .added && report.statistics == nil && report.notCounted == nil)
    try await append(cards: 110...110, "card::DOUBLE AS amount")
    report = try await store.materialize("facts", into: online, asOf: asOf)
    #expect(report.kind == .added)
    // All keys are counted, though one was read.
    #expect(report.statistics?.features.first?.rows == 110)
    #expect(report.statistics?.features.first?.maximum == "110.0")
    #expect(try await store.statistics(of: "facts").map { $0.features[0].rows } == [110, 100])
  }

  @Test("of another definition nothing is shown, and a view may want no statistics")
  func definitions() async throws {
    try await append(cards: 1...10, "card::DOUBLE AS amount")
    var view = try view(["amount"])
    _ = try await count(view)
    let hash = store(view).hash(of: view)
    view.keepsStatistics = false
    #expect(store(view).hash(of: view) == hash)
    #expect(try await store(view).statistics(of: "facts").count == 1)
    view.latest.append(.init(name: "more", column: "amount"))
    #expect(try await store(view).statistics(of: "facts").isEmpty)
    let report = try await store(view).materialize("facts", into: online, asOf: asOf)
    #expect(report.kind == .all && report.statistics == nil)
    #expect(await kept.all.count == 1)
  }

  @Test("what cannot be kept is reported, and the values are served all the same")
  func failing() async throws {
    struct Full: StatisticsStorage {
      func record(_ statistics: ViewStatistics) async throws {
        throw OnlineStoreError.unavailable(store: "x", detail: "no space")
      }
      func statistics(of view: String, hash: String?) async throws -> [ViewStatistics] { [] }
    }
    try await append(cards: 1...10, "card::DOUBLE AS amount")
    let view = try view(["amount"])
    let report = try await store(view, keeping: Full())
      .materialize("facts", into: online, asOf: asOf)
    #expect(report.notCounted?.contains("no space") == true)
    #expect(report.statistics == nil)
    #expect(report.changed == 10)
    #expect(try await store(view).materialize("facts", into: online, asOf: asOf).kind == .none)
  }

  @Test("an empty view has statistics of nothing")
  func empty() async throws {
    try await append(cards: 1...1, "card::DOUBLE AS amount, 'x' AS text", minutes: -60)
    let statistics = try await count(try view(["amount", "text"]))
    #expect(statistics.features.map(\.rows) == [0, 0])
    #expect(statistics.features.allSatisfy { $0.mean == nil && $0.top.isEmpty })
  }

  @Test("statistics are read as they were written")
  func json() async throws {
    try await append(
      cards: 1...40,
      "card::DOUBLE AS amount, 'a' AS text, [card]::BIGINT[] AS list"
    )
    let statistics = try await count(try view(["amount", "text", "list"]))
    let text = statistics.json.serialized()
    #expect(ViewStatistics(json: try JSONValue(parsing: text)) == statistics)
    #expect(ViewStatistics(json: ["view": "facts"]) == nil)
  }
}
