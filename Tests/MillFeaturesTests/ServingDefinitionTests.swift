// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillFeatures
import MillTesting
import MillTiles
import Testing

@Suite("Serving while definitions change")
struct ServingDefinitionTests {
  /// The last amount as one says it at a till: an integer, so that its type is another one.
  private func changed(_ stage: ServingStage) throws -> FeatureViewDefinition {
    var view = try stage.last
    view.latest = [
      .init(name: "last_amount", column: "amount"), .init(name: "last_card", column: "card"),
    ]
    return view
  }

  @Test("the earlier definition is served until the new one is materialized, then the new one")
  func waits() async throws {
    let stage = try await ServingStage()
    try await stage.begin()
    #expect(try await stage.ask([1]) == ["2.50"])
    let store = stage.store([try changed(stage)])
    var taken = try await stage.serving.serve(store)
    #expect(taken.waiting == ["last"])
    #expect(taken.served.isEmpty && taken.problems.isEmpty)
    #expect(try await stage.ask([1]) == ["2.50"])
    _ = try await store.materialize("last", into: stage.serving.store)
    taken = try await stage.serving.serve(store)
    #expect(taken.served == ["last"])
    let plan = try stage.serving.plan([FeatureReference(view: "last", feature: "last_card")])
    let answer = try await stage.serving.ask(plan, [[.integer(1)]], at: stage.now)
    #expect(answer.words == ["1"])
    #expect(try await stage.ask([1]) == ["2.50"])
  }

  @Test("a service or a view that gains a feature goes on as it was until that is there")
  func gains() async throws {
    let stage = try await ServingStage()
    func store(_ view: FeatureViewDefinition) throws -> FeatureStore {
      stage.shop.project.store(
        FeatureDefinitions(
          entities: [stage.shop.card],
          views: [view],
          services: [
            FeatureServiceDefinition(
              name: "fraud",
              features: view.latest.map { FeatureReference(view: "last", feature: $0.name) }
            )
          ]
        )
      )
    }
    try await stage.begin()
    try await stage.serving.serve(try store(try stage.last))
    func names() throws -> [[String]] {
      [
        try stage.serving.plan(service: "fraud").features.map(\.name),
        try stage.serving.plan([FeatureReference(view: "last", feature: nil)]).features.map(\.name),
      ]
    }
    #expect(try names() == [["last_amount"], ["last_amount"]])
    let new = try store(try changed(stage))
    #expect(try await stage.serving.serve(new).waiting == ["last"])
    #expect(try names() == [["last_amount"], ["last_amount"]])
    _ = try await new.materialize("last", into: stage.serving.store)
    #expect(try await stage.serving.serve(new).served == ["last"])
    #expect(try names().allSatisfy { $0 == ["last_amount", "last_card"] })
  }

  @Test("features on demand that come later are computed of rows that are in memory already")
  func onDemandLater() async throws {
    let stage = try await ServingStage()
    try await stage.begin()
    #expect(try await stage.ask([1]) == ["2.50"])
    let double = OnDemandDefinition(
      name: "double",
      inputs: [],
      uses: [.init(name: "amount", feature: ResolvedFeature(view: "last", name: "last_amount"))],
      features: [.init(name: "twice", sql: "amount + amount")]
    )
    let store = stage.shop.project.store(
      FeatureDefinitions(
        entities: [stage.shop.card],
        views: [try stage.last],
        onDemand: [double]
      )
    )
    #expect(try await stage.serving.serve(store).served == ["last"])
    let plan = try stage.serving.plan([FeatureReference(view: "double", feature: "twice")])
    let answer = try await stage.serving.ask(plan, [[.integer(1)]], at: stage.now)
    #expect(answer.words == ["5.00"])
  }

  @Test("features on demand over a view that waits are computed of what is served, or not at all")
  func onDemandWaiting() async throws {
    let stage = try await ServingStage()
    try await stage.begin()
    #expect(try await stage.ask([1]) == ["2.50"])
    let double = OnDemandDefinition(
      name: "double",
      inputs: [],
      uses: [.init(name: "amount", feature: ResolvedFeature(view: "last", name: "last_amount"))],
      features: [.init(name: "twice", sql: "amount + amount")]
    )
    let store = stage.shop.project.store(
      FeatureDefinitions(
        entities: [stage.shop.card],
        views: [try changed(stage)],
        onDemand: [double]
      )
    )
    #expect(try await stage.serving.serve(store).waiting == ["last"])
    let plan = try stage.serving.plan([FeatureReference(view: "double", feature: "twice")])
    let answer = try await stage.serving.ask(plan, [[.integer(1)]], at: stage.now)
    #expect(answer.words == ["5.00"])
  }

  @Test("a view that is gone is unknown, with the nearest name")
  func removed() async throws {
    let stage = try await ServingStage()
    try await stage.begin()
    #expect(try await stage.ask([1]) == ["2.50"])
    var view = try stage.last
    view.name = "lasts"
    let store = stage.store([view])
    let taken = try await stage.serving.serve(store)
    #expect(taken.problems["lasts"] == .notServed(view: "lasts"))
    #expect(
      await failure { _ = try await stage.ask([1]) }?.text.contains("did you mean lasts?") == true
    )
    #expect(
      await failure { _ = try await stage.ask([1], "lasts") }?.code == "features.not-served"
    )
    _ = try await store.materialize("lasts", into: stage.serving.store)
    try await stage.serving.serve(store)
    #expect(try await stage.ask([1], "lasts") == ["2.50"])
  }

  @Test("a definition that its source does not carry leaves the earlier one served")
  func broken() async throws {
    let stage = try await ServingStage()
    try await stage.begin()
    var view = try stage.last
    view.latest = [.init(name: "last_amount", column: "amounts")]
    #expect(try await stage.serving.serve(stage.store([view])).waiting == ["last"])
    #expect(try await stage.ask([1]) == ["2.50"])
    // Where nothing was served before, it is said why.
    let serving = FeatureServing(stage.online, world: stage.shop.project.world)
    let taken = try await serving.serve(stage.store([view]))
    #expect(taken.problems["last"]?.code == "features.no-column")
    let refused = await failure {
      _ = try serving.plan([FeatureReference(view: "last", feature: "last_amount")])
    }
    #expect(refused?.code == "features.no-column")
  }

  @Test("plans are kept by their words until definitions change, and long words are not kept")
  func plans() async throws {
    let stage = try await ServingStage()
    try await stage.begin()
    var made = 0
    func plan(_ words: [UInt8]) throws {
      _ = try stage.serving.plan(words) { serving in
        made += 1
        return try serving.plan([FeatureReference(view: "last", feature: "last_amount")])
      }
    }
    try plan([1, 2])
    try plan([1, 2])
    #expect(made == 1)
    try await stage.serving.serve(stage.store([try stage.last]))
    try plan([1, 2])
    #expect(made == 2)
    let long = [UInt8](repeating: 1, count: 1 << 20)
    try plan(long)
    try plan(long)
    #expect(made == 4)
  }
}
