// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillFeatures
import MillSQLite
import MillTesting
import MillTiles
import Testing

@Suite("The plan of changed definitions")
struct FeaturePlanTests {
  let shop: Shop
  let registry = MemoryRegistry()
  let online: SQLiteOnlineStore

  init() async throws {
    shop = try await Shop()
    online = try SQLiteOnlineStore(path: shop.project.folder.path("online.sqlite"))
  }

  /// A view that is used in part, one that is computed of it, and a service of both.
  private var definitions: FeatureDefinitions {
    get throws {
      var view = try shop.spend
      view.notes = DefinitionNotes(description: "Payments of a card", tags: ["money"])
      view.windowed = []
      view.latest = [
        .init(name: "last_amount", column: "amount"), .init(name: "paid_at", column: "paid_at"),
        .init(name: "unused", column: "known_at"),
      ]
      view.ttl = .seconds(86_400)
      return FeatureDefinitions(
        entities: [shop.card],
        views: [view],
        onDemand: [
          OnDemandDefinition(
            name: "habit",
            inputs: [Field("asked", .double)],
            uses: [
              .init(name: "last", feature: ResolvedFeature(view: "spend", name: "last_amount"))
            ],
            features: [.init(name: "ratio", sql: "asked / nullif(last, 0)")]
          )
        ],
        services: [
          FeatureServiceDefinition(
            name: "fraud",
            features: [
              FeatureReference(view: "habit", feature: nil),
              FeatureReference(view: "spend", feature: "paid_at"),
            ]
          )
        ]
      )
    }
  }

  private func store(_ definitions: FeatureDefinitions, made: String = "one") -> FeatureStore {
    shop.project.store(definitions, upstream: { _ in made }, registry: registry)
  }

  /// Records the definitions, changes them, and plans.
  private func plan(
    made: String = "one",
    _ change: (inout FeatureDefinitions) -> Void
  ) async throws -> FeaturePlan {
    var definitions = try definitions
    try await store(definitions).apply()
    change(&definitions)
    #expect(definitions.check().isEmpty)
    return try await store(definitions, made: made).plan(online: online)
  }

  @Test("the same definitions are nothing to speak of, and have the hashes that serving goes by")
  func same() async throws {
    let plan = try await plan { _ in }
    #expect(plan.items.isEmpty)
    #expect(plan.verdict == .compatible)
    let store = store(try definitions)
    let view = try #require(store.definitions.views.first)
    let habit = try #require(store.definitions.onDemand.first)
    let recorded = try await FeatureRegistry(registry).newest()
    #expect(recorded.first { $0.facts.kind == .view }?.facts.hash == store.hash(of: view))
    #expect(recorded.first { $0.facts.kind == .onDemand }?.facts.hash == store.hash(of: habit))
    #expect(
      recorded.first { $0.facts.kind == .view }?.facts.types?["last_amount"]
        == .decimal(precision: 12, scale: 2)
    )
  }

  /// Each change, what it is called, and what it asks for.
  struct Case: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var made = "one"
    var change: @Sendable (inout FeatureDefinitions) -> Void
    /// kind, name, feature, change and verdict, as text.
    var items: [String]
    var verdict: FeaturePlan.Verdict
  }

  static let cases: [Case] = [
    Case(
      testDescription: "notes",
      change: { $0.views[0].notes.owner = "risk" },
      items: ["view spend – notes compatible"],
      verdict: .compatible
    ),
    Case(
      testDescription: "a feature is added",
      change: { $0.views[0].latest.append(.init(name: "more", column: "amount")) },
      items: ["view spend more added compatible"],
      verdict: .compatible
    ),
    Case(
      testDescription: "a feature that is used by nobody goes",
      change: { $0.views[0].latest.removeLast() },
      items: ["view spend unused removed compatible"],
      verdict: .compatible
    ),
    Case(
      testDescription: "a feature of a service goes",
      change: {
        $0.views[0].latest.remove(at: 1)
        $0.services[0].features.removeLast()
      },
      items: [
        "view spend paid_at removed breaking", "service fraud spend.paid_at removed breaking",
      ],
      verdict: .breaking
    ),
    Case(
      testDescription: "a feature is called otherwise",
      change: { $0.views[0].latest[2].name = "known" },
      items: ["view spend known renamed compatible"],
      verdict: .compatible
    ),
    Case(
      testDescription: "a feature of a service is called otherwise",
      change: {
        $0.views[0].latest[1].name = "payment_time"
        $0.services[0].features[1].feature = "payment_time"
      },
      items: [
        "view spend payment_time renamed breaking",
        "service fraud spend.payment_time added compatible",
        "service fraud spend.paid_at removed breaking",
      ],
      verdict: .breaking
    ),
    Case(
      testDescription: "a feature that is used is of another type",
      change: { $0.views[0].latest[0].column = "card" },
      items: [
        "view spend last_amount computation rematerialise",
        "view spend last_amount type breaking",
        "on_demand habit – computation rematerialise",
      ],
      verdict: .breaking
    ),
    Case(
      testDescription: "the time to live touches latest values, and what is computed of them",
      change: { $0.views[0].ttl = .seconds(60) },
      items: [
        "view spend – computation rematerialise", "on_demand habit – computation rematerialise",
      ],
      verdict: .rematerialise
    ),
    Case(
      testDescription: "rows are known from another time on",
      change: { $0.views[0].knowledge = .delay(.seconds(5)) },
      items: [
        "view spend – computation rematerialise", "on_demand habit – computation rematerialise",
      ],
      verdict: .rematerialise
    ),
    Case(
      testDescription: "the source is made otherwise",
      made: "two",
      change: { _ in },
      items: [
        "view spend – computation rematerialise", "on_demand habit – computation rematerialise",
      ],
      verdict: .rematerialise
    ),
    Case(
      testDescription: "the order of features",
      change: { $0.views[0].latest.swapAt(0, 2) },
      items: ["view spend – order compatible"],
      verdict: .compatible
    ),
    Case(
      testDescription: "a key is of another type",
      change: { $0.entities[0].keys[0].type = .integer },
      items: [
        "entity card – keys rematerialise", "view spend – keys breaking",
        "on_demand habit – computation rematerialise",
      ],
      verdict: .breaking
    ),
    Case(
      testDescription: "an expression",
      change: { $0.onDemand[0].features[0].sql = "asked - last" },
      items: ["on_demand habit ratio computation rematerialise"],
      verdict: .rematerialise
    ),
    Case(
      testDescription: "a request has to say something else",
      change: {
        $0.onDemand[0].inputs[0].name = "now"
        $0.onDemand[0].features[0].sql = "now / nullif(last, 0)"
      },
      items: [
        "on_demand habit – keys breaking", "on_demand habit ratio computation rematerialise",
      ],
      verdict: .breaking
    ),
    Case(
      testDescription: "a service more",
      change: {
        $0.services.append(
          FeatureServiceDefinition(
            name: "more",
            features: [FeatureReference(view: "spend", feature: nil)]
          )
        )
      },
      items: ["service more – added compatible"],
      verdict: .compatible
    ),
    Case(
      testDescription: "a service is gone",
      change: { $0.services = [] },
      items: ["service fraud – removed breaking"],
      verdict: .breaking
    ),
    Case(
      testDescription: "a view is called otherwise",
      change: {
        $0.views[0].name = "payments"
        $0.onDemand[0].uses[0].feature.view = "payments"
        $0.services[0].features[1].view = "payments"
      },
      items: [
        "view payments – renamed breaking", "on_demand habit – computation rematerialise",
        "service fraud payments.paid_at added compatible",
        "service fraud spend.paid_at removed breaking",
      ],
      verdict: .breaking
    ),
  ]

  @Test("tells what each change is and asks for", arguments: cases)
  func changes(_ test: Case) async throws {
    let plan = try await plan(made: test.made, test.change)
    let items = plan.items.map { item in
      "\(item.kind.rawValue) \(item.name) \(item.feature ?? "–") \(item.change.rawValue) "
        + item.verdict.rawValue
    }
    #expect(items == test.items)
    #expect(plan.verdict == test.verdict)
    #expect(plan.unknown.isEmpty)
  }

  @Test("values that are served have to be made again where the definition is another one")
  func served() async throws {
    let store = store(try definitions)
    _ = try await store.materialize("spend", into: online)
    let plan = try await plan { $0.views[0].latest.append(.init(name: "more", column: "amount")) }
    #expect(plan.items.map(\.verdict) == [.rematerialise])
  }

  @Test("users are services, also through on-demand features, and the newest training sets")
  func users() async throws {
    let store = store(try definitions)
    let request = try shop.request(Shop.three, ["spend.last_amount"])
    let first = try await store.makeTrainingSet(request).manifest
    let second = try await store.makeTrainingSet(
      try shop.request(Shop.three, ["spend.unused"])
    ).manifest
    #expect(first.id != second.id)
    let plan = try await plan { $0.views[0].latest.removeAll { $0.name == "unused" } }
    #expect(plan.items.map(\.verdict) == [.breaking])
    #expect(plan.items.first?.users == [FeatureUser(.trainingSet, "fraud", id: second.id)])
    // The service asks for what is computed of it, not for it.
    let through = try await self.plan { $0.views[0].latest[0].column = "card" }
    #expect(
      through.items.first?.users == [
        FeatureUser(.service, "fraud"), FeatureUser(.onDemand, "habit"),
      ]
    )
    let ttl = try await self.plan { $0.views[0].ttl = nil }
    #expect(
      ttl.items.first?.users == [
        FeatureUser(.service, "fraud"), FeatureUser(.onDemand, "habit"),
        FeatureUser(.trainingSet, "fraud", id: second.id),
      ]
    )
  }

  @Test("what was recorded and is used by a service of then counts, though that is gone as well")
  func usersOfThen() async throws {
    let plan = try await plan { definitions in
      definitions.services = []
      definitions.onDemand = []
      definitions.views = []
    }
    #expect(plan.verdict == .breaking)
    let view = try #require(plan.items.first { $0.kind == .view })
    #expect(view.users == [FeatureUser(.service, "fraud"), FeatureUser(.onDemand, "habit")])
  }

  @Test("a version of then, and what is online, can be compared with")
  func baselines() async throws {
    var definitions = try definitions
    try await store(definitions).apply()
    _ = try await store(definitions).materialize("spend", into: online)
    definitions.views[0].ttl = .seconds(60)
    try await store(definitions).apply()
    definitions.views[0].ttl = .seconds(30)
    let store = store(definitions)
    func ttl(_ plan: FeaturePlan) -> (Int?, String?) {
      let item = plan.items.first { $0.kind == .view }
      return (item?.version, item?.details.first?.before)
    }
    #expect(ttl(try await store.plan(online: online)) == (2, "1 min"))
    let first = try await store.plan(["spend"], against: .version(1), online: online)
    #expect(ttl(first) == (1, "1 d"))
    let served = try await store.plan(against: .online, online: online)
    #expect(ttl(served) == (1, "1 d"))
    #expect(served.items.allSatisfy { $0.change != .notes })
    let failure = await failure {
      _ = try await store.plan(["spend"], against: .version(9), online: online)
    }
    #expect(failure?.code == "registry.no-version")
    #expect(failure?.text.contains("the newest is v2") == true)
  }

  @Test("materializing and making a training set record what is defined")
  func recording() async throws {
    let store = store(try definitions)
    #expect(await registry.allVersions.isEmpty)
    _ = try await store.materialize("spend", into: online)
    #expect(await registry.allVersions.count == 4)
    #expect(await registry.allEvents.first { $0.kind == .view }?.types != nil)
    #expect(await registry.allEvents.first { $0.kind == .onDemand }?.types == nil)
    _ = try await store.makeTrainingSet(
      try shop.request(
        Labels(
          .sql("SELECT 1::BIGINT AS card, make_timestamptz(\(Shop.noon)) AS at, 2.0 AS asked")
        ),
        ["habit"]
      )
    )
    #expect(await registry.allVersions.count == 4)
    #expect(await registry.allEvents.last { $0.kind == .onDemand }?.types == ["ratio": .double])
  }

  @Test("a view whose source is not there yet says that its types were not compared")
  func unmade() async throws {
    var definitions = try definitions
    definitions.views.append(
      FeatureViewDefinition(
        name: "later",
        entities: ["card"],
        source: .dataset(try #require(DatasetName("silver.nothing"))),
        time: "at",
        latest: [.init(name: "x", column: "x")]
      )
    )
    let plan = try await store(definitions).plan(online: online)
    #expect(plan.unknown.count == 1)
    #expect(plan.unknown.first?.hasPrefix("later: silver.nothing") == true)
  }
}
