// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillFeatures
import MillLake
import MillSQLite
import MillTables
import MillTesting
import MillTiles
import Testing

@Suite("Features computed on demand")
struct OnDemandTests {
  private static let expressions = [
    "n + ask", "n * ask", "ask - n", "-ask", "abs(ask)", "ask / n", "ask // n", "ask % n",
    "price / nullif(mean, 0)", "abs(mean - price) > 3", "price * price", "price / mean",
    "CAST(total AS DOUBLE) + price", "coalesce(n, 0) - coalesce(ask, 1)",
    "CASE WHEN name = 'a' THEN n ELSE ask END", "lower(name) || 'x'", "name = 'é'",
    "coalesce(n + ask, 0)", "ask IS NULL", "price > mean AND name IS NOT NULL", "ask IN (1, 2, n)",
  ]

  private let shop: Shop
  private let online: SQLiteOnlineStore

  init() async throws {
    shop = try await Shop()
    online = try SQLiteOnlineStore(path: shop.project.folder.path("online.sqlite"))
  }

  private func definitions(_ expressions: [String]) throws -> FeatureDefinitions {
    var view = try shop.spend
    view.latest = []
    view.windowed[0].aggregations = [.sum, .count, .mean]
    let hours = try #require(Window(length: .seconds(7200), edge: .hop(.fiveMinutes)))
    view.windowed[0].windows = [.init(word: "2h", window: hours)]
    func use(_ name: String, _ feature: String) -> OnDemandDefinition.Use {
      .init(name: name, feature: ResolvedFeature(view: "spend", name: feature))
    }
    let habit = OnDemandDefinition(
      name: "habit",
      inputs: [Field("ask", .long), Field("price", .double), Field("name", .string)],
      uses: [
        use("n", "amount_count_2h"), use("total", "amount_sum_2h"), use("mean", "amount_mean_2h"),
      ],
      features: expressions.enumerated().map { .init(name: "f\($0.offset)", sql: $0.element) }
    )
    return FeatureDefinitions(entities: [shop.card], views: [view], onDemand: [habit])
  }

  private func requests(_ seed: UInt64) -> [(card: Datum, request: [Datum])] {
    var chance = Chance(seed)
    let numbers: [Int64] = [0, 1, 2, -1, -7, .max, .min, .max - 1, .min + 1, 1 << 62, 100]
    let prices = [0, -0.0, 1, 2.5, 6.25, -3, 1e100, 1e308, -1e308, 1e-308, 0.1]
    let names = ["a", "A", "é", "e\u{301}", "", "É"]
    return (0..<150).map { _ in
      func some(_ value: Datum) -> Datum { chance.one(in: 7) ? .null : value }
      let card: Datum = some(.integer(Int64.random(in: 1...4, using: &chance)))
      let ask = some(.integer(numbers.randomElement(using: &chance) ?? 0))
      let price = some(.double(prices.randomElement(using: &chance) ?? 0))
      let name = some(.text(names.randomElement(using: &chance) ?? ""))
      return (card, [ask, price, name])
    }
  }

  @Test("are online what a training set has at the same moment")
  func agree() async throws {
    let store = shop.project.store(try definitions(Self.expressions))
    let asOf = Instant(microseconds: Shop.noon) + .seconds(90)
    _ = try await store.materialize("spend", into: online, asOf: asOf)
    let reader = try await store.reader(
      of: [FeatureReference(view: "habit", feature: nil)],
      from: online
    )
    #expect(reader.inputs.map(\.name) == ["ask", "price", "name"])
    let asked = requests(3)
    let answer = try await reader.read(
      asked.map { [$0.card] },
      requests: asked.map(\.request),
      at: asOf
    )
    let bound = try await store.bind(definitions(Self.expressions).views[0])
    #expect(bound.view.name == "spend")
    let labels = try shop.project.writer("gold.labels")
    try await labels.table.prepare()
    try await labels.append(
      .rows(
        asked.map { asked in
          ([asked.card] + asked.request).map(Self.json) + [.string("\(asOf)")]
        },
        schema: Schema([
          Field("card", .long), Field("ask", .long), Field("price", .double),
          Field("name", .string), Field("at", .timestamp),
        ])
      )
    )
    let (manifest, _) = try await store.makeTrainingSet(
      TrainingSetRequest(
        name: "habit",
        labels: Labels(.dataset(try #require(DatasetName("gold.labels")), nil)),
        features: [FeatureReference(view: "habit", feature: nil)]
      )
    )
    let columns = manifest.features.map { (name: $0.column, type: $0.type) }
    try #require(columns.map(\.name) == Self.expressions.indices.map { "f\($0)" })
    let trained = try await shop.project.cells(of: manifest, columns)
    try #require(trained.count == asked.count)
    var wrong: [String] = []
    for (row, (online, trained)) in zip(answer.rows, trained).enumerated() {
      for (column, (cell, expected)) in zip(online, trained).enumerated() {
        // Booleans come out of SQL as text here.
        let value: Datum =
          if case .boolean(let value) = cell.value { .text("\(value)") } else {
            cell.value
          }
        if value == expected { continue }
        wrong.append("\(Self.expressions[column]) of \(asked[row]): \(cell), SQL \(expected)")
      }
    }
    #expect(wrong.isEmpty, "\(wrong.count) cells; \(wrong.prefix(5).joined(separator: "\n"))")
  }

  private static func json(_ value: Datum) -> JSONValue {
    switch value {
    case .integer(let number): .int(number)
    case .double(let number): .real(number)
    case .text(let text): .string(text)
    default: .null
    }
  }

  @Test("say what became of them: present, null, or invalid on overflow")
  func statuses() async throws {
    let store = shop.project.store(
      try definitions(["n + ask", "price / nullif(mean, 0)", "ask / 0", "coalesce(mean, 1.5)"])
    )
    let asOf = Instant(microseconds: Shop.noon)
    _ = try await store.materialize("spend", into: online, asOf: asOf)
    let reader = try await store.reader(
      of: [FeatureReference(view: "habit", feature: nil)],
      from: online
    )
    func read(_ card: Int64, _ request: [Datum]?) async throws -> [FeatureValue] {
      let requests = request.map { [$0] } ?? []
      return try await reader.read([[.integer(card)]], requests: requests, at: asOf).rows[0]
    }
    let most = try await read(1, [.integer(.max), .double(12.5), .text("")])
    #expect(most.map(\.status) == [.invalid, .present, .null, .present])
    #expect(most.map(\.value) == [.null, .double(2), .null, .double(6.25)])
    // A value is as old as the rows that it is made of.
    #expect(most[1].time == asOf - .seconds(60))
    let few = try await read(1, [.integer(3), .null, .null])
    #expect(few.map(\.value) == [.integer(5), .null, .null, .double(6.25)])
    #expect(few.map(\.status) == [.present, .null, .null, .present])
    // Nothing is known of the card: its count is 0, and the expression decides.
    let unknown = try await read(77, [.integer(.max), .double(1), .null])
    #expect(unknown.map(\.value) == [.integer(.max), .null, .null, .double(1.5)])
    #expect(unknown.map(\.status) == [.present, .null, .null, .present])
    let silent = try await read(1, nil)
    #expect(silent.map(\.value) == [.null, .null, .null, .double(6.25)])
  }

  @Test("may be asked for beside the features that they use")
  func beside() async throws {
    let store = shop.project.store(try definitions(["n + ask"]))
    let asOf = Instant(microseconds: Shop.noon)
    _ = try await store.materialize("spend", into: online, asOf: asOf)
    for features in [
      ["spend.amount_count_2h", "habit.f0"], ["habit.f0", "spend.amount_count_2h"], ["habit.f0"],
      ["habit", "spend"],
    ] {
      let references = try features.map { try #require(FeatureReference($0)) }
      let reader = try await store.reader(of: references, from: online)
      let answer = try await reader.read(
        [[.integer(1)], [.integer(2)]],
        requests: [[.integer(10)], [.integer(20)]],
        at: asOf
      )
      for (row, (count, sum)) in zip(answer.rows, [(2, 12), (1, 21)] as [(Int64, Int64)]) {
        #expect(row.count == answer.features.count)
        for (feature, cell) in zip(answer.features, row) {
          if feature.name == "amount_count_2h" { #expect(cell.value == .integer(count)) }
          if feature.name == "f0" { #expect(cell.value == .integer(sum)) }
        }
      }
    }
  }
}
