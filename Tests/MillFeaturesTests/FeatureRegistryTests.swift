// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillFeatures
import MillTesting
import MillTiles
import Testing

@Suite("The feature registry: history, search, lineage")
struct FeatureRegistryTests {
  let shop: Shop
  let registry = MemoryRegistry()

  init() async throws { shop = try await Shop() }

  private var definitions: FeatureDefinitions {
    get throws {
      var view = try shop.spend
      view.windowed[0].filter = "amount > 0"
      view.notes = DefinitionNotes(
        description: "Payments of a card",
        owner: "risk",
        tags: ["money"]
      )
      return FeatureDefinitions(
        entities: [shop.card],
        views: [
          view,
          FeatureViewDefinition(
            name: "asked",
            entities: ["card"],
            source: .sql("SELECT card, paid_at, amount AS sum FROM silver.payments"),
            time: "paid_at",
            latest: [.init(name: "sum", column: "sum")],
            notes: DefinitionNotes(description: "Sums", deprecated: "use spend")
          ),
        ],
        onDemand: [
          OnDemandDefinition(
            name: "habit",
            inputs: [Field("asked", .double)],
            uses: [
              .init(name: "last", feature: ResolvedFeature(view: "spend", name: "last_amount")),
              .init(name: "all", feature: ResolvedFeature(view: "spend", name: "amount_sum_1h")),
            ],
            features: [
              .init(name: "ratio", sql: "asked / nullif(last, 0)"),
              .init(name: "share", sql: "asked / nullif(\"all\", 0)"),
            ]
          )
        ],
        services: [
          FeatureServiceDefinition(
            name: "fraud",
            features: [
              FeatureReference(view: "habit", feature: "ratio"),
              FeatureReference(view: "spend", feature: "amount_count_1h"),
            ]
          )
        ]
      )
    }
  }

  private func open(_ definitions: FeatureDefinitions) async throws -> FeatureStore {
    try await FeatureStore.open(
      definitions,
      in: FeatureEnvironment(
        lake: shop.project.lake,
        engine: shop.project.engine,
        world: shop.project.world,
        registry: FeatureRegistry(registry)
      )
    )
  }

  // MARK: History

  @Test("a history tells what each version changed, the newest first, and when a name was gone")
  func history() async throws {
    var definitions = try definitions
    try await open(definitions).apply()
    definitions.views[0].knowledge = .delay(.seconds(60))
    try await open(definitions).apply()
    definitions.views[0].notes.owner = "fraud"
    try await open(definitions).apply()
    try await open(FeatureDefinitions(entities: [shop.card])).apply()
    let moments = try await FeatureRegistry(registry).moments(of: "spend")
    #expect(moments.map(\.version) == [nil, 2, 2, 1])
    #expect(moments.map(\.isFirst) == [false, false, false, true])
    #expect(moments[1].changes.map(\.change) == [.notes])
    #expect(
      moments[2].changes.flatMap(\.details) == [
        .init("knowledge", "known_at", nil), .init("delay", nil, "1 min"),
      ]
    )
    let habit = try await FeatureRegistry(registry).moments(of: "habit")
    #expect(habit.map(\.version) == [nil, 2, 1])
    #expect(habit[1].changes.isEmpty)
    let failure = await failure { _ = try await FeatureRegistry(registry).moments(of: "spent") }
    #expect(failure?.code == "registry.never-recorded")
    #expect(failure?.text.contains("did you mean spend?") == true)
  }

  // MARK: Search

  @Test(
    "every word has to be met, names weigh most, and what is deprecated comes last",
    arguments: [
      ("amount", ["spend.last_amount", "spend.amount_count_1h", "spend.amount_sum_1h"]),
      ("AMOUNT risk 1h", ["spend.amount_count_1h", "spend.amount_sum_1h"]),
      ("money", ["spend"]),
      ("sum", ["spend.amount_sum_1h", "habit", "asked.sum", "asked"]),
      ("card", ["card", "spend", "asked"]),
      ("fraud", ["fraud"]),
      ("spend nothing", []),
      ("", []),
    ]
  )
  func search(words: String, expected: [String]) throws {
    let found = FeatureSearch(try definitions).find([words])
    if words == "amount" {
      #expect(Set(found.prefix(3).map(\.title)) == Set(expected))
    } else {
      #expect(found.map(\.title) == expected)
    }
  }

  // MARK: Lineage

  private func names(
    _ lineage: FeatureLineage,
    from text: String,
    _ direction: FeatureLineage.Direction
  ) -> Set<String> {
    let roots = lineage.nodes(named: text)
    let edges = lineage.edges(from: roots, direction)
    return Set(
      edges.map { edge in
        let node = direction == .upstream ? edge.input : edge.output
        return edge.role.map { "\(node.name) \($0)" } ?? node.name
      }
    )
  }

  @Test("a column goes into features, what is computed of them, services and training sets")
  func downstream() async throws {
    let store = try await open(try definitions)
    let set = try await store.makeTrainingSet(
      try shop.request(Shop.three, ["spend.amount_sum_1h"])
    ).manifest
    let lineage = try await store.lineage()
    #expect(
      names(lineage, from: "silver.payments.known_at", .downstream) == [
        "spend.last_amount knowledge", "spend.amount_sum_1h knowledge",
        "spend.amount_count_1h knowledge", "habit.ratio as last", "habit.share as all", "fraud",
        set.id,
      ]
    )
    #expect(
      names(lineage, from: "spend.last_amount", .downstream) == ["habit.ratio as last", "fraud"]
    )
  }

  @Test("a service is made from columns in their roles; of a SELECT its tables are told")
  func upstream() async throws {
    let lineage = try await open(try definitions).lineage()
    #expect(
      names(lineage, from: "habit.share", .upstream) == [
        "spend.amount_sum_1h as all", "silver.payments.amount value",
        "silver.payments.amount where", "silver.payments.card key", "silver.payments.paid_at time",
        "silver.payments.known_at knowledge", "silver.payments",
      ]
    )
    #expect(
      names(lineage, from: "asked", .upstream) == ["the SELECT of asked", "silver.payments"]
    )
    #expect(lineage.nodes(named: "nothing").isEmpty)
  }

  @Test("a training set of another definition says so, and is found by name and id")
  func trainingSets() async throws {
    var definitions = try definitions
    let set = try await open(definitions).makeTrainingSet(
      try shop.request(Shop.three, ["spend.last_amount"])
    ).manifest
    definitions.views[0].ttl = .seconds(60)
    let lineage = try await open(definitions).lineage()
    for text in [set.id, "training.fraud", String(set.id.prefix(6))] {
      #expect(lineage.nodes(named: text).map(\.name) == [set.id], "\(text)")
    }
    let steps = lineage.steps(from: .init(.trainingSet, set.id), .upstream)
    #expect(steps.map(\.role) == ["by another definition"])
  }
}
