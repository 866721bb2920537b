// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillFeatures
import MillTables
import MillTiles
import Testing

@Suite("Explaining a value")
struct ExplainTests {
  private static let noon = Instant(microseconds: Shop.noon)

  private let shop: Shop

  init() async throws { shop = try await Shop() }

  private func store(
    ttl: Duration? = nil,
    filter: String? = nil,
    hop: Hop? = nil
  ) throws -> FeatureStore {
    var view = try shop.spend
    view.ttl = ttl
    view.windowed[0].filter = filter
    if let hop {
      let window = try #require(Window(length: .seconds(3600), edge: .hop(hop)))
      view.windowed[0].windows[0].window = window
    }
    let habit = OnDemandDefinition(
      name: "habit",
      uses: [.init(name: "n", feature: ResolvedFeature(view: "spend", name: "amount_count_1h"))],
      features: [.init(name: "twice", sql: "2 * n")]
    )
    return shop.project.store(
      FeatureDefinitions(entities: [shop.card], views: [view], onDemand: [habit])
    )
  }

  private func explain(
    _ feature: String,
    of card: Int64,
    in store: FeatureStore,
    at second: Int = 0,
    limit: Int = 20
  ) async throws -> FeatureExplanation {
    try await store.explain(
      try #require(FeatureReference(feature)),
      keys: [.integer(card)],
      at: Self.noon + .seconds(second),
      limit: limit
    )
  }

  /// Seconds from noon, the value and the verdict of each row.
  private func lines(_ explanation: FeatureExplanation) -> [String] {
    explanation.rows.map { row in
      let second = (row.time.microseconds - Shop.noon) / 1_000_000
      return "\(second) \(row.value ?? "null"): \(row.verdict.rawValue)"
    }
  }

  @Test("tells of a latest value which row counts, which is older, later or not known yet")
  func latest() async throws {
    try await shop.pay([(1, 60, "9.00")])
    try await shop.pay([(1, -30, "8.00")], known: 500)
    let found = try await explain("spend.last_amount", of: 1, in: store())
    #expect(
      lines(found) == [
        "60 9.00: after the question", "-30 8.00: not known yet", "-60 2.50: counts",
        "-3600 10.00: an older row",
      ]
    )
    #expect(found.value == .decimal(unscaled: 250, scale: 2) && found.reason == nil)
    #expect(found.feature == ResolvedFeature(view: "spend", name: "last_amount"))
    #expect(found.asOf == Self.noon && !found.isCut && found.tables == ["silver.payments": 3])
    #expect(found.rule.contains("the newest row at or before 2024-05-02T12:00:00Z"))
    #expect(found.rows[1].knowledge == Self.noon + .seconds(500))
    // A row at the moment itself counts for a latest value.
    let exact = try await explain("spend.last_amount", of: 1, in: store(), at: -60)
    #expect(lines(exact).last(where: { $0.hasSuffix("counts") }) == "-60 2.50: counts")
    let early = try await explain("spend.last_amount", of: 1, in: store(), at: -3601)
    #expect(early.value == .null)
    #expect(early.reason == "no row counts: after the question")
  }

  @Test("tells that a time to live was over")
  func expired() async throws {
    try await shop.pay([(2, -9000, "1.00")])
    let found = try await explain("spend.last_amount", of: 2, in: store(ttl: .seconds(7199)))
    #expect(
      lines(found) == ["-7200 7.00: past its time to live", "-9000 1.00: an older row"]
    )
    #expect(found.value == .null)
    #expect(found.reason == "no row counts: an older row, past its time to live")
    #expect(found.rule.contains("not before 2024-05-02T10:00:01Z"))
    let edge = try await explain("spend.last_amount", of: 2, in: store(ttl: .seconds(7200)))
    #expect(lines(edge)[0] == "-7200 7.00: counts")
    #expect(edge.value == .decimal(unscaled: 700, scale: 2))
  }

  @Test("tells of a window what is in it, before it, left out, and after it")
  func window() async throws {
    try await shop.pay([(1, -3601, "4.00"), (1, 0, "6.00"), (1, -90, "5.00")])
    try await shop.pay([(1, -30, "8.00")], known: 500)
    try await shop.pay([(1, -45, "NULL")])
    let found = try await explain("spend.amount_sum_1h", of: 1, in: store(filter: "amount > 3"))
    #expect(
      lines(found) == [
        "0 6.00: after the question", "-30 8.00: not known yet",
        "-45 null: left out by the condition", "-60 2.50: left out by the condition",
        "-90 5.00: counts", "-3600 10.00: counts", "-3601 4.00: before the window",
      ]
    )
    #expect(found.value == .decimal(unscaled: 1500, scale: 2) && found.reason == nil)
    #expect(
      found.rule.contains("rows from 2024-05-02T11:00:00Z on and before 2024-05-02T12:00:00Z")
    )
    let hops = try await explain(
      "spend.amount_sum_1h",
      of: 1,
      in: store(hop: .hour),
      at: -1
    )
    #expect(lines(hops).last == "-3601 4.00: counts")
    #expect(hops.value == .decimal(unscaled: 2150, scale: 2))
  }

  @Test("says why there is no value")
  func reasons() async throws {
    try await shop.pay([(4, -10, "NULL"), (5, -10, "1.00")])
    let stranger = try await explain("spend.last_amount", of: 99, in: store())
    #expect(stranger.rows.isEmpty && stranger.value == .null)
    #expect(stranger.reason == "the source has no row of this entity")
    let null = try await explain("spend.last_amount", of: 4, in: store())
    #expect(null.reason == "the newest row has null here, and no other row fills it in")
    #expect(lines(null) == ["-10 null: counts"])
    let sum = try await explain("spend.amount_sum_1h", of: 4, in: store())
    #expect(sum.reason == "the rows of the window give no value: all are null, or too few")
    let filtered = try await explain("spend.amount_sum_1h", of: 5, in: store(filter: "amount > 2"))
    #expect(filtered.reason == "no row counts: left out by the condition")
    let before = try await explain("spend.amount_sum_1h", of: 2, in: store())
    #expect(before.reason == "no row counts: before the window")
    // A count of nothing is a value.
    let count = try await explain("spend.amount_count_1h", of: 2, in: store())
    #expect(count.value == .integer(0) && count.reason == nil)
  }

  @Test("agrees with a training set of the same moment")
  func agrees() async throws {
    let store = try store()
    let (manifest, _) = try await store.makeTrainingSet(
      try shop.request(Shop.labels([("1", "0"), ("2", "0"), ("3", "0"), ("99", "0")]))
    )
    for row in try await shop.cells(manifest) {
      guard case .integer(let card) = row[0] else { continue }
      for (feature, value) in zip(
        ["last_amount", "amount_sum_1h", "amount_count_1h"],
        row.dropFirst()
      ) {
        let found = try await explain("spend.\(feature)", of: card, in: store)
        #expect(found.value == value, "\(feature) of \(card)")
      }
    }
  }

  @Test("lists the nearest rows only, and says that there are more")
  func limit() async throws {
    try await shop.pay((0..<30).map { (card: 8, second: -100 - $0, amount: "\($0).00") })
    try await shop.pay((0..<30).map { (card: 8, second: 100 + $0, amount: "\($0).00") })
    let few = try await explain("spend.last_amount", of: 8, in: store(), limit: 5)
    #expect(few.rows.count == 5 && few.isCut)
    #expect(lines(few)[0] == "-100 0.00: counts")
    for (limit, isCut) in [(59, true), (60, false), (1000, false)] {
      let found = try await explain("spend.amount_count_1h", of: 8, in: store(), limit: limit)
      #expect(found.rows.count == min(limit, 60) && found.isCut == isCut)
      #expect(found.value == .integer(30))
    }
  }

  @Test("refuses what has no rows of its own, and names that nobody has")
  func refused() async throws {
    let store = try store()
    for (feature, code, text) in [
      ("habit.twice", "features.definition", "explain spend.amount_count_1h"),
      ("spend", "features.definition", "name one feature of a view"),
      ("spend.last_amont", "features.unknown", "did you mean spend.last_amount?"),
      ("spnd.last_amount", "features.unknown", "did you mean spend"),
    ] {
      let found = await failure { _ = try await explain(feature, of: 1, in: store) }
      #expect(found?.code == code, "\(feature)")
      #expect(found?.text.contains(text) == true, "\(found?.text ?? "")")
    }
  }

  @Test("finds no rows of an entity whose key is null")
  func nullKey() async throws {
    try await shop.project.append(
      "silver.names",
      """
      SELECT 'null' AS card, make_timestamptz(\(Shop.noon)) AS paid_at,
        make_timestamptz(\(Shop.noon)) AS known_at, 1.00::DECIMAL(12,2) AS amount
      """
    )
    var view = try shop.spend
    view.source = .dataset(try #require(DatasetName("silver.names")))
    let entity = EntityDefinition(name: "card", keys: [.init("card", .string)])
    let store = shop.project.store(FeatureDefinitions(entities: [entity], views: [view]))
    let reference = FeatureReference(view: "spend", feature: "last_amount")
    let named = try await store.explain(reference, keys: [.text("null")], at: Self.noon)
    #expect(named.rows.count == 1)
    let nobody = try await store.explain(reference, keys: [.null], at: Self.noon)
    #expect(nobody.value == .null)
    #expect(nobody.rows.isEmpty)
  }
}
