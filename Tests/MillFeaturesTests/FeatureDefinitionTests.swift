// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillEngine
import MillFeatures
import MillLake
import MillTesting
import MillTiles
import Testing

/// A change of a definition, and its name.
struct DefinitionChange: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let apply: @Sendable (inout FeatureDefinitions) throws -> Void

  init(_ name: String, _ apply: @escaping @Sendable (inout FeatureDefinitions) throws -> Void) {
    testDescription = name
    self.apply = apply
  }

  /// Changes that decide values.
  static let ofValues = [
    DefinitionChange("source") { $0.views[0].source = .dataset(try named("silver.other")) },
    DefinitionChange("a SELECT as source") { $0.views[0].source = .sql("SELECT 1") },
    DefinitionChange("time") { $0.views[0].time = "known_at" },
    DefinitionChange("zone") { $0.views[0].timeZone = "Europe/Berlin" },
    DefinitionChange("knowledge column") { $0.views[0].knowledge = .column("paid_at") },
    DefinitionChange("no knowledge") { $0.views[0].knowledge = .delay(.zero) },
    DefinitionChange("delay") { $0.views[0].knowledge = .delay(.microseconds(1)) },
    DefinitionChange("id") { $0.views[0].id = "amount" },
    DefinitionChange("time to live") { $0.views[0].ttl = .microseconds(1) },
    DefinitionChange("key column") { $0.views[0].keyColumns = ["card": "card_no"] },
    DefinitionChange("key type") { $0.entities[0].keys[0].type = .string },
    DefinitionChange("one more key") { $0.entities[0].keys.append(.init("shop", .long)) },
    DefinitionChange("latest column") { $0.views[0].latest[0].column = "card" },
    DefinitionChange("latest name") { $0.views[0].latest[0].name = "newest" },
    DefinitionChange("one latest value less") { $0.views[0].latest = [] },
    DefinitionChange("aggregated column") { $0.views[0].windowed[0].column = "card" },
    DefinitionChange("rows instead of a column") { $0.views[0].windowed[0].column = nil },
    DefinitionChange("filter") { $0.views[0].windowed[0].filter = "amount > 1" },
    DefinitionChange("another filter") { $0.views[0].windowed[0].filter = "amount > 2" },
    DefinitionChange("function") { $0.views[0].windowed[0].aggregations = [.sum, .mean] },
    DefinitionChange("window") {
      $0.views[0].windowed[0].windows[0].window = try Shop.window(3601)
    },
    DefinitionChange("edge") {
      let window = Window(length: .seconds(3600), edge: .hop(.minute))
      $0.views[0].windowed[0].windows[0].window = try #require(window)
    },
    DefinitionChange("hop") {
      let window = Window(length: .seconds(3600), edge: .hop(.fiveMinutes))
      $0.views[0].windowed[0].windows[0].window = try #require(window)
    },
    DefinitionChange("prefix of names") { $0.views[0].windowed[0].name = "paid" },
  ]

  /// Changes that are for people.
  static let ofWords = [
    DefinitionChange("description") { $0.views[0].notes.description = "what cards spend" },
    DefinitionChange("owner") { $0.views[0].notes.owner = "risk" },
    DefinitionChange("tags") { $0.views[0].notes.tags = ["money"] },
    DefinitionChange("deprecation") { $0.views[0].notes.deprecated = "use other" },
    DefinitionChange("place") { $0.views[0].place = SourcePlace(path: "features/a.yaml", line: 3) },
    DefinitionChange("place of aggregates") {
      $0.views[0].windowed[0].place = SourcePlace(path: "features/a.yaml", line: 9)
    },
    DefinitionChange("notes of the entity") { $0.entities[0].notes.owner = "cards" },
    DefinitionChange("place of the entity") { $0.entities[0].place = SourcePlace(path: "e.yaml") },
    DefinitionChange("another view") {
      var other = $0.views[0]
      other.name = "other"
      $0.views.insert(other, at: 0)
      $0.views.swapAt(0, 1)
    },
    DefinitionChange("services") { $0.services = [] },
  ]

  private static func named(_ name: String) throws -> DatasetName {
    try #require(DatasetName(name))
  }
}

/// An engine that nobody may ask for anything: a hash takes no look at data.
private struct NoEngine: Engine {
  struct Asked: Error {}

  var dialect: DialectName { .duckDB }
  func references(in query: String) async throws -> [TableReference] { throw Asked() }
  func predicate(of condition: String) async throws -> TablePredicate { throw Asked() }
  func expression(of text: String) async throws -> Expression { throw Asked() }
  func session(named name: String) async throws -> any EngineSession { throw Asked() }
  func shutdown() async {}
}

@Suite("Definitions of features")
struct FeatureDefinitionTests {
  private func definitions() throws -> FeatureDefinitions {
    let view = FeatureViewDefinition(
      name: "spend",
      entities: ["card"],
      source: .dataset(try #require(DatasetName("silver.payments"))),
      time: "paid_at",
      knowledge: .column("known_at"),
      latest: [.init(name: "last_amount", column: "amount")],
      windowed: [
        .init(
          name: "amount",
          column: "amount",
          aggregations: [.sum, .count],
          windows: [.init(word: "1h", window: try Shop.window(3600))]
        )
      ]
    )
    return FeatureDefinitions(
      entities: [EntityDefinition(name: "card", keys: [.init("card", .long)])],
      views: [view],
      services: [
        FeatureServiceDefinition(
          name: "fraud",
          features: [FeatureReference(view: "spend", feature: nil)]
        )
      ]
    )
  }

  private func hash(
    _ definitions: FeatureDefinitions,
    upstream: @escaping @Sendable (DatasetName) -> String? = { _ in nil }
  ) throws -> String {
    let world = World.virtual(seed: 1)
    let environment = FeatureEnvironment(
      lake: Lake(location: "/nowhere", world: world),
      engine: NoEngine(),
      world: world,
      definitionHash: upstream
    )
    return FeatureStore(definitions, in: environment).hash(of: definitions.views[0])
  }

  // MARK: Hashes

  @Test("a change that decides values gives another hash", arguments: DefinitionChange.ofValues)
  func values(change: DefinitionChange) throws {
    var changed = try definitions()
    try change.apply(&changed)
    #expect(try hash(changed) != hash(definitions()))
  }

  @Test("no two changes give one hash")
  func allDiffer() throws {
    var hashes: Set<String> = [try hash(definitions())]
    for change in DefinitionChange.ofValues {
      var changed = try definitions()
      try change.apply(&changed)
      let hash = try hash(changed)
      #expect(hash.count == 64)
      #expect(hashes.insert(hash).inserted, "\(change.testDescription)")
    }
  }

  @Test("a change for people leaves the hash", arguments: DefinitionChange.ofWords)
  func words(change: DefinitionChange) throws {
    var changed = try definitions()
    try change.apply(&changed)
    #expect(try hash(changed) == hash(definitions()))
  }

  @Test("what makes the source is part of the hash")
  func upstream() throws {
    let plain = try hash(definitions())
    let one = try hash(definitions()) { $0.description == "silver.payments" ? "1" : nil }
    let two = try hash(definitions()) { _ in "2" }
    #expect(Set([plain, one, two]).count == 3)
    #expect(try hash(definitions()) { $0.name == "other" ? "1" : nil } == plain)
  }

  // MARK: Mistakes

  @Test("definitions that fit together have no mistakes")
  func good() throws {
    #expect(try definitions().check() == [])
  }

  @Test(
    "every mistake is found and named",
    arguments: [
      (
        DefinitionChange("entity") { $0.views[0].entities = ["cart"] },
        "there is no entity cart: did you mean card?"
      ),
      (
        DefinitionChange("key type") { $0.entities[0].keys[0].type = .double },
        "the key card is a double"
      ),
      (
        DefinitionChange("key time") { $0.entities[0].keys[0].type = .timestamp },
        "the key card is a timestamp"
      ),
      (
        DefinitionChange("view twice") { $0.views.append($0.views[0]) },
        "the view is defined in a.yaml already"
      ),
      (
        DefinitionChange("entity twice") { $0.entities.append($0.entities[0]) },
        "the entity is defined in "
      ),
      (
        DefinitionChange("service twice") { $0.services.append($0.services[0]) },
        "the service is defined in "
      ),
      (
        DefinitionChange("no features") {
          $0.views[0].latest = []
          $0.views[0].windowed = []
          $0.services = []
        }, "neither `features` nor `aggregates`"
      ),
      (
        DefinitionChange("key column") { $0.views[0].keyColumns = ["cart": "c"] },
        "`keys` names cart, which is no key of card"
      ),
      (
        DefinitionChange("two keys of one name") {
          $0.entities.append(.init(name: "wallet", keys: [.init("card", .long)]))
          $0.views[0].entities.append("wallet")
        }, "two of its entities have a key card"
      ),
      (
        DefinitionChange("two features of one name") {
          $0.views[0].latest.append(.init(name: "amount_sum_1h", column: "x"))
        }, "two of its features are named amount_sum_1h"
      ),
      (
        DefinitionChange("a feature with a key's name") {
          $0.views[0].latest.append(.init(name: "card", column: "x"))
        }, "the feature card has the name of a key"
      ),
      (
        DefinitionChange("service of no view") {
          $0.services[0].features = [.init(view: "spent", feature: nil)]
        }, "the service fraud: there is no view spent: did you mean spend?"
      ),
      (
        DefinitionChange("service of no feature") {
          $0.services[0].features = [.init(view: "spend", feature: "amount_sun_1h")]
        }, "did you mean spend.amount_sum_1h?"
      ),
      (
        DefinitionChange("negative delay") {
          $0.views[0].knowledge = .delay(.seconds(-60))
        }, "delay"
      ),
      (DefinitionChange("negative time to live") { $0.views[0].ttl = .seconds(-60) }, "ttl"),
      (DefinitionChange("no keys") { $0.entities[0].keys = [] }, "key"),
      (
        DefinitionChange("two features that differ in case") {
          $0.views[0].latest.append(.init(name: "Last_Amount", column: "x"))
        }, "two of its features are named"
      ),
    ] as [(DefinitionChange, String)]
  )
  func mistake(change: DefinitionChange, hint: String) throws {
    var changed = try definitions()
    changed.views[0].place = SourcePlace(path: "a.yaml")
    try change.apply(&changed)
    let found = changed.check()
    #expect(!found.isEmpty)
    #expect(found.contains { "\($0)".contains(hint) }, "\(found)")
  }

  @Test("mistakes that only data show are found with their place")
  func bound() async throws {
    let shop = try await Shop()
    func mistakes(_ change: (inout FeatureViewDefinition) -> Void) async throws -> [String] {
      var definitions = try shop.definitions
      definitions.views[0].place = SourcePlace(path: "a.yaml", line: 4)
      change(&definitions.views[0])
      return try await shop.project.store(definitions).check().mistakes.map { "\($0)" }
    }
    #expect(try await mistakes { _ in } == [])
    let expected: [((inout FeatureViewDefinition) -> Void, String)] = [
      ({ $0.time = "paid_on" }, "silver.payments has no column paid_on: did you mean paid_at?"),
      (
        { $0.time = "amount" },
        "the column amount has the type decimal(12,2), and a timestamp or a date"
      ),
      ({ $0.knowledge = .column("now_at") }, "did you mean known_at?"),
      ({ $0.id = "payment" }, "has no column payment"),
      ({ $0.latest[0].column = "amoun" }, "did you mean amount?"),
      (
        { $0.keyColumns = ["card": "amount"] },
        "the column amount has the type decimal(12,2), and long"
      ),
      ({ $0.windowed[0].column = "paid_at" }, "another type for sum"),
      ({ $0.windowed[0].column = nil }, "another type for sum"),
      ({ $0.windowed[0].filter = "amuont > 1" }, "amuont"),
      ({ $0.source = .sql("SELECT * FROM silver.payments WHERE") }, "spend"),
    ]
    for (change, hint) in expected {
      let found = try await mistakes(change)
      #expect(found.count == 1 && found[0].contains(hint), "\(hint): \(found)")
    }
    var definitions = try shop.definitions
    definitions.views[0].source = .dataset(try #require(DatasetName("silver.nothing")))
    let unchecked = try await shop.project.store(definitions).check()
    #expect(unchecked.mistakes.isEmpty)
    #expect(unchecked.unchecked == ["spend, since silver.nothing has not been made"])
  }

  // MARK: Names

  @Test("a feature is asked for in three ways")
  func references() throws {
    #expect(FeatureReference("spend.sum") == FeatureReference(view: "spend", feature: "sum"))
    #expect(FeatureReference("spend:sum") == FeatureReference(view: "spend", feature: "sum"))
    #expect(FeatureReference("spend") == FeatureReference(view: "spend", feature: nil))
    for text in ["", ".", "spend.", ".sum", "a.b.c", "a:b:c", "a b", "spend.sum;", "1a.b"] {
      #expect(FeatureReference(text) == nil, "\(text)")
    }
    #expect(FeatureReference("spend:sum")?.description == "spend.sum")
  }

  @Test("views are spread out, and each feature is there once, in the order of asking")
  func resolving() throws {
    let names = try definitions().resolve([
      FeatureReference(view: "spend", feature: "amount_count_1h"),
      FeatureReference(view: "spend", feature: nil),
      FeatureReference(view: "spend", feature: "last_amount"),
    ]).map(\.description)
    #expect(names == ["spend.amount_count_1h", "spend.last_amount", "spend.amount_sum_1h"])
  }

  @Test(
    "functions have words for names",
    arguments: [
      (Aggregation.sum, "sum"), (.quantile(0.95), "p95"), (.quantile(0.999), "p99_9"),
      (.quantile(0.5), "p50"), (.topK(5), "top5"), (.variancePopulation, "variance_pop"),
    ]
  )
  func words(aggregation: Aggregation, word: String) {
    #expect(aggregation.word == word)
  }
}
