// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillEngine
import MillFeatures
import MillLake
import MillTables
import MillTesting
import Testing

@Suite("Training sets are stored, pinned and made again")
struct TrainingSetTests {
  @Test("every label row is kept in its order, equal ones too")
  func order() async throws {
    let shop = try await Shop()
    let labels = Shop.labels([
      ("2", "0"), ("1", "1"), ("1", "1"), ("NULL", "0"), ("9", "0"), ("1", "1"),
    ])
    let (manifest, isNew) = try await shop.store.makeTrainingSet(shop.request(labels))
    #expect(isNew)
    #expect(manifest.rows == 6)
    let one = Shop.row(1, 250, 1250, 2)
    let cells = try await shop.cells(manifest)
    #expect(
      cells == [
        Shop.row(2, 700, nil, 0), one, one, [.null] + Shop.row(0, nil, nil, 0).dropFirst(),
        Shop.row(9, nil, nil, 0), one,
      ]
    )
    let numbers = try await shop.project.read("training.fraud", "SELECT _row FROM t ORDER BY _row")
    #expect(numbers == (0..<6).map { [.int($0)] })
  }

  @Test("the same request gives the same set, anything else another one")
  func identity() async throws {
    let shop = try await Shop()
    let store = try shop.store
    let first = try await store.makeTrainingSet(shop.request())
    let again = try await store.makeTrainingSet(shop.request())
    #expect(first.isNew && !again.isNew)
    #expect(first.manifest == again.manifest)
    var ids: Set<String> = [first.manifest.id]
    let others = [
      try shop.request(Shop.labels([("1", "0"), ("2", "1"), ("9", "1")])),
      try shop.request(Shop.labels([("2", "1"), ("1", "0"), ("9", "0")])),
      try shop.request(Shop.labels([("1", "0"), ("2", "1")])),
      try shop.request(Shop.three, ["spend.last_amount"]),
      try shop.request(name: "other"),
      try shop.request(fullNames: true),
    ]
    for request in others {
      let made = try await store.makeTrainingSet(request)
      #expect(made.isNew)
      #expect(ids.insert(made.manifest.id).inserted)
    }
    try await shop.pay([(1, -5, "1.00")])
    let later = try await store.makeTrainingSet(shop.request())
    #expect(later.isNew && ids.insert(later.manifest.id).inserted)
  }

  @Test("a label that is null and one that reads like a null give two sets")
  func nullLabels() async throws {
    let shop = try await Shop()
    let store = try shop.store
    let null = try await store.makeTrainingSet(
      shop.request(Shop.labels([("1", "'a'"), ("2", "NULL")]))
    )
    let text = try await store.makeTrainingSet(
      shop.request(Shop.labels([("1", "'a'"), ("2", "'\\N'")]))
    )
    #expect(text.isNew && text.manifest.id != null.manifest.id)
  }

  @Test("values with separators inside do not give the set of other values")
  func separators() async throws {
    func labels(_ left: String, _ right: String) -> Labels {
      Labels(
        .sql(
          "SELECT 1::BIGINT AS card, make_timestamptz(\(Shop.noon)) AS at, \(left) AS a, "
            + "\(right) AS b"
        )
      )
    }
    let shop = try await Shop()
    let store = try shop.store
    let first = try await store.makeTrainingSet(
      shop.request(labels("'x' || chr(31) || 'y'", "'z'"))
    )
    let second = try await store.makeTrainingSet(
      shop.request(labels("'x'", "'y' || chr(31) || 'z'"))
    )
    #expect(second.isNew && first.manifest.id != second.manifest.id)
  }

  @Test("a request is told from its manifest, and the manifest is read back")
  func manifest() async throws {
    let shop = try await Shop()
    let store = try shop.store
    let (made, _) = try await store.makeTrainingSet(shop.request(fullNames: true))
    #expect(try TrainingSetManifest(json: made.json, id: made.id) == made)
    #expect(made.tables == ["silver.payments": 1])
    #expect(made.labelColumns == ["card", "at", "label"])
    #expect(made.timeColumn == "at")
    #expect(made.views.map(\.knowledge) == ["the column known_at"])
    #expect(
      made.features.map(\.column) == [
        "spend__last_amount", "spend__amount_sum_1h", "spend__amount_count_1h",
      ]
    )
    let sum = made.features[1]
    #expect(sum.feature == "spend.amount_sum_1h")
    #expect(sum.nulls == 2 && sum.minimum == "12.50" && sum.maximum == "12.50" && sum.mean == 12.5)
    #expect(try await store.trainingSets().sets == [made])
    for word in [made.id, "fraud", "training.fraud", String(made.id.prefix(5))] {
      #expect(try await store.trainingSet(word) == made)
    }
    let unknown = await failure { _ = try await store.trainingSet("frau") }
    #expect(unknown?.code == "features.unknown")
    #expect(unknown?.text.contains("did you mean fraud?") == true)
  }

  @Test("no labels give an empty set with all columns")
  func noLabels() async throws {
    let shop = try await Shop()
    let labels = Labels(
      .sql("SELECT 1::BIGINT AS card, make_timestamptz(0) AS at, 0 AS label WHERE false")
    )
    let (manifest, _) = try await shop.store.makeTrainingSet(shop.request(labels))
    #expect(manifest.rows == 0)
    #expect(try await shop.cells(manifest).isEmpty)
  }

  @Test("two who ask for one set at the same time both get it")
  func race() async throws {
    let shop = try await Shop()
    let (store, request) = (try shop.store, try shop.request())
    async let one = store.makeTrainingSet(request)
    async let other = store.makeTrainingSet(request)
    let (first, second) = (try? await one, try? await other)
    #expect(first != nil && second != nil)
    #expect(first?.manifest.id == second?.manifest.id)
    #expect(try await store.trainingSets().sets.count == 1)
  }

  @Test("a set whose making stopped before its manifest is made again")
  func crash() async throws {
    let shop = try await Shop()
    let (store, request) = (try shop.store, try shop.request())
    let (manifest, _) = try await store.makeTrainingSet(request)
    let before = try await shop.cells(manifest)
    // The manifest is what is written last.
    try await shop.project.table("training.fraud").store
      .delete("_millrace/training/\(manifest.id).json")
    let again = await failure { _ = try await store.makeTrainingSet(request) }
    #expect(again == nil, "\(again?.text ?? "")")
    let found = try await store.trainingSets().sets
    try #require(found.count == 1)
    #expect(try await shop.cells(found[0]) == before)
  }

  @Test("labels of many row groups keep their order")
  func manyLabels() async throws {
    let shop = try await Shop()
    let labels = Labels(
      .sql(
        "SELECT (range % 10)::BIGINT AS card, make_timestamptz(\(Shop.noon) + range) AS at, "
          + "range AS mark FROM range(300000)"
      )
    )
    let (manifest, _) = try await shop.store.makeTrainingSet(
      shop.request(labels, ["spend.last_amount"])
    )
    #expect(manifest.rows == 300_000)
    let found = try await shop.project.read(
      "training.fraud",
      "SELECT count(*), count(DISTINCT _row), count(*) FILTER (WHERE _row <> mark) FROM t"
    )
    #expect(found == [[.int(300_000), .int(300_000), .int(0)]])
  }

  // MARK: Later

  @Test("what a set was made of, and the set itself, survive maintenance")
  func maintenance() async throws {
    let shop = try await Shop()
    let store = try shop.store
    let (manifest, _) = try await store.makeTrainingSet(shop.request())
    let before = try await shop.cells(manifest)
    let source = try shop.project.writer("silver.payments")
    let kept = try await source.table.snapshot().files.paths
    #expect(try await source.table.tags().map(\.name) == ["training-\(manifest.id)"])
    // Two versions more: of these the first is nobody's.
    try await source.delete(where: "card = 1")
    let garbage = try await source.table.snapshot().files.paths
    try await source.delete(where: "card = 2")
    _ = try await store.makeTrainingSet(shop.request(Shop.labels([("3", "0")])))
    shop.project.clock.advance(by: .seconds(40 * 86_400))
    let options = VacuumOptions(retention: .zero, allowsShortRetention: true)
    let report = try await source.table.vacuum(options)
    _ = try await shop.project.table("training.fraud").vacuum(options)
    #expect(Set(report.files).isSuperset(of: garbage))
    #expect(Set(report.files).isDisjoint(with: kept))
    #expect(try await shop.cells(manifest) == before)
    #expect(try await store.reproduce(manifest).cells == 0)
  }

  /// Seeds of histories without quantiles, whose values the oracle knows to 1 % only.
  @Test(
    "a set is made again from its versions, and stale cells are counted one by one",
    arguments: [UInt64(1), 5, 8, 11]
  )
  func stale(seed: UInt64) async throws {
    let scenario = Scenario(seed)
    let then = scenario.rows.dropLast(scenario.rows.count / 5)
    let (project, request) = try await scenario.project(holding: then)
    let store = project.store(try scenario.definitions)
    let (manifest, _) = try await store.makeTrainingSet(request)
    try await scenario.append(scenario.rows[then.endIndex...], to: project)
    #expect(try await store.reproduce(manifest).cells == 0)
    let found = try await store.stale(manifest)
    let (old, new) = (Oracle(Array(then)), Oracle(scenario.rows))
    let expected = scenario.features.map { feature in
      scenario.questions.filter { question in
        differ(
          old.answer(feature.wanted, question, knowledge: scenario.respectsKnowledge),
          new.answer(feature.wanted, question, knowledge: scenario.respectsKnowledge)
        )
      }.count
    }
    #expect(found.differing.map { Int($0.cells) } == expected)
    #expect(found.cells > 0)
    #expect(found.redefined == [])
    let table = try #require(found.tables.first { $0.name == "silver.events" })
    #expect(table.now == table.then + 1)
    // What was stored is as it was.
    #expect(try await store.reproduce(manifest).cells == 0)
  }

  private func differ(_ old: Expected, _ new: Expected) -> Bool {
    switch (old, new) {
    case (.exactly(let old), .exactly(let new)): old != new
    case (.near(let old, _), .near(let new, _)):
      abs(old - new) > 1e-9 * max(abs(old), abs(new))
    default: true
    }
  }

  @Test("a view that is defined otherwise since is named, and nothing is compared")
  func redefined() async throws {
    let shop = try await Shop()
    let (manifest, _) = try await shop.store.makeTrainingSet(shop.request())
    var definitions = try shop.definitions
    definitions.views[0].ttl = .seconds(1)
    let store = shop.project.store(definitions)
    let error = await failure { _ = try await store.reproduce(manifest) }
    #expect(error?.code == "features.training-set")
    #expect(error?.text.contains("spend is defined otherwise") == true)
    let stale = try await store.stale(manifest)
    #expect(stale.redefined == ["spend"])
    // Card 1 paid a minute before, card 2 two hours.
    #expect(stale.differing.map(\.cells) == [2, 0, 0])
    definitions.views = []
    let none = await failure { _ = try await shop.project.store(definitions).reproduce(manifest) }
    #expect(none?.code == "features.training-set")
  }

  // MARK: One table for labels and features

  @Test("labels of an older version of the source do not change what the set was made of")
  func labelsOfSource() async throws {
    let shop = try await Shop()
    let payments = try #require(DatasetName("silver.payments"))
    try await shop.pay([(1, -120, "4.00"), (2, -7260, "6.00")])
    let store = try shop.store
    let (manifest, _) = try await store.makeTrainingSet(
      TrainingSetRequest(
        name: "own",
        labels: Labels(.dataset(payments, TableVersion(1)), time: "paid_at"),
        features: [FeatureReference(view: "spend", feature: nil)]
      )
    )
    #expect(manifest.rows == 4)
    // The label of card 1 a minute before noon sees the payment that version 1 does not have.
    let sums = try await shop.project.cells(
      of: manifest,
      [("amount_sum_1h", .decimal(precision: 38, scale: 2))]
    )
    #expect(sums.contains([.decimal(unscaled: 1400, scale: 2)]))
    #expect(try await store.reproduce(manifest).cells == 0)
    #expect(try await store.stale(manifest).cells == 0)
  }
}
