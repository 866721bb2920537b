// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillFeatures
import MillSQLite
import MillTesting
import MillTiles
import Testing

@Suite("Answers from memory are those of the online store")
struct ServingPropertyTests {
  /// A history that was brought in, and both ways to answer from it.
  private struct Stage {
    let history: OnlineHistory
    let project: FeatureProject
    let online: SteeredOnlineStore
    let reader: OnlineReader
    let serving: FeatureServing
    let plan: ServingPlan

    init(_ seed: UInt64) async throws {
      history = try OnlineHistory(seed)
      project = try FeatureProject(seed: seed)
      online = SteeredOnlineStore(
        try SQLiteOnlineStore(path: project.folder.path("online.sqlite"))
      )
      try await history.append(history.rows, to: project)
      let store = project.store(history.definitions)
      let asOf = Instant(microseconds: history.asOf)
      _ = try await store.materialize("facts", into: online, asOf: asOf)
      let references = history.features.map { FeatureReference(view: "facts", feature: $0.name) }
      reader = try await store.reader(of: references, from: online)
      serving = FeatureServing(online, world: project.world)
      #expect(try await serving.serve(store).served == ["facts"])
      plan = try serving.plan(references)
    }

    /// What both say of entities, and where they differ.
    func differences(_ entities: [[Datum]], at time: Int64) async throws -> [String] {
      let time = Instant(microseconds: time)
      let expected = try await reader.read(entities, at: time).cells
      let found = try await serving.ask(plan, entities, at: time).cells
      guard expected != found else { return [] }
      return zip(entities, zip(expected, found)).flatMap { entity, pair in
        zip(plan.features, zip(pair.0, pair.1)).compactMap { feature, pair in
          pair.0 == pair.1
            ? nil : "\(feature) of \(entity) at \(time): \(pair.1), expected \(pair.0)"
        }
      }
    }
  }

  @Test(
    "at any time, in any order, for keys that are known, unknown and null",
    arguments: UInt64(0)..<4
  )
  func answers(seed: UInt64) async throws {
    let stage = try await Stage(seed)
    var chance = Chance(seed &+ 77)
    var keys = (0..<OnlineHistory.keyCount).map(stage.history.key)
    keys.append(stage.history.key(0).map { _ in .null })
    keys.append([.integer(7)] + stage.history.key(0).dropFirst().map { _ in .null })
    keys.append([.integer(99_999)] + stage.history.key(0).dropFirst())
    let moments = (stage.history.moments() + stage.history.moments()).shuffled(using: &chance)
    var wrong: [String] = []
    for q in moments {
      // Some are asked for twice in one request, and all were asked for before at another time.
      let asked = (0..<40).compactMap { _ in keys.randomElement(using: &chance) }
      wrong += try await stage.differences(asked, at: q)
      let reads = stage.online.count(.read)
      wrong += try await stage.differences(asked, at: q)
      // The reader reads both tables; the server, for what it has just answered, none.
      #expect(stage.online.count(.read) - reads == 2)
    }
    #expect(wrong.isEmpty, "seed \(seed): \(wrong.count); \(wrong.prefix(3))")
  }

  @Test("and outlive no hop that leaves and no time to live", arguments: UInt64(0)..<4)
  func edges(seed: UInt64) async throws {
    let stage = try await Stage(seed)
    let history = stage.history
    var chance = Chance(seed &+ 78)
    var wrong: [String] = []
    var asked = 0
    for number in (0..<OnlineHistory.keyCount).shuffled(using: &chance).prefix(6) {
      let key = history.key(number)
      var edges: Set<Int64> = []
      for row in history.rows where row.key == key {
        for moment in [row.t, row.k].compactMap({ $0 }) {
          edges.formUnion([moment, moment + history.ttl, moment + history.ttl + 1])
          for span in history.spans {
            let start = history.floor(moment, span.hop.microseconds)
            let end = start + span.hop.microseconds
            edges.formUnion([start, end, start + span.length, end + span.length])
          }
        }
      }
      // Time goes on, so that what is in memory is from before the edge.
      let moments = Set(edges.flatMap { [$0 - 1, $0, $0 + 1] }).filter { $0 >= history.asOf }
      for moment in moments.sorted() {
        asked += 1
        wrong += try await stage.differences([key], at: moment)
      }
    }
    #expect(asked > 100)
    #expect(wrong.isEmpty, "seed \(seed): \(wrong.count) of \(asked); \(wrong.prefix(3))")
  }
}
