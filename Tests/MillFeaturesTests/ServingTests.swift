// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillFeatures
import MillSQLite
import MillTesting
import MillTiles
import Testing

/// The last amount of a card, served from memory over a store that tests can steer.
struct ServingStage {
  let shop: Shop
  /// As another process has it.
  let other: SQLiteOnlineStore
  let online: SteeredOnlineStore
  let serving: FeatureServing

  init(memory: ByteCount = ByteCount(bytes: 1 << 20)) async throws {
    shop = try await Shop()
    let path = shop.project.folder.path("online.sqlite")
    other = try SQLiteOnlineStore(path: path)
    online = SteeredOnlineStore(try SQLiteOnlineStore(path: path))
    serving = FeatureServing(
      online,
      world: shop.project.world,
      settings: FeatureServing.Settings(memory: memory, staleness: .milliseconds(100))
    )
  }

  var now: Instant { shop.project.clock.now() }

  func pass(_ duration: Duration) { shop.project.clock.advance(by: duration) }

  var last: FeatureViewDefinition {
    get throws {
      var view = try shop.spend
      view.name = "last"
      view.windowed = []
      return view
    }
  }

  func store(_ views: [FeatureViewDefinition]) -> FeatureStore {
    shop.project.store(FeatureDefinitions(entities: [shop.card], views: views))
  }

  /// The view, materialized and served.
  func begin(_ view: FeatureViewDefinition? = nil) async throws {
    let view = try view ?? last
    let store = store([view])
    _ = try await store.materialize(view.name, into: other)
    #expect(try await serving.serve(store).served == [view.name])
  }

  func table(_ view: FeatureViewDefinition? = nil) throws -> OnlineTable {
    let view = try view ?? last
    return OnlineTable(view: view.name, hash: store([view]).hash(of: view), content: .latest)
  }

  /// A row of a card as it would be materialized: what it cost, and when.
  func row(_ card: Int64, _ cents: Int128, at time: Instant) -> OnlineRow {
    OnlineRow(
      key: EntityKey.encode([.integer(card)]) ?? [],
      version: RowVersion(time: time, knowledge: time, id: [1]),
      payload: PackedCells.pack([.decimal(unscaled: cents, scale: 2)])
    )
  }

  /// The value or the status of each card.
  func ask(_ cards: [Int64?], _ view: String = "last") async throws -> [String] {
    let plan = try serving.plan([FeatureReference(view: view, feature: "last_amount")])
    let keys = cards.map { [$0.map { Datum.integer($0) } ?? .null] }
    return try await serving.ask(plan, keys, at: now).words
  }
}

extension ServedAnswer {
  /// The first value of each entity, or why there is none.
  var words: [String] {
    cells.map { $0[0].status == .present ? $0[0].text : $0[0].status.rawValue }
  }
}

@Suite("Serving while others write")
struct ServingChangeTests {
  @Test(
    "what another process wrote is seen within twice the staleness, and asked for no more often"
  )
  func foreign() async throws {
    let stage = try await ServingStage()
    try await stage.begin()
    #expect(try await stage.ask([1, 2, 9, nil]) == ["2.50", "7.00", "NOT_FOUND", "NOT_FOUND"])
    let asked = stage.online.count(.changes)
    let rows = [stage.row(1, 999, at: stage.now), stage.row(9, 1, at: stage.now)]
    _ = try await stage.other.write(rows, to: try stage.table(), as: .newest(generation: nil))
    #expect(try await stage.ask([1, 2, 9]) == ["2.50", "7.00", "NOT_FOUND"])
    stage.pass(.milliseconds(200))
    #expect(try await stage.ask([1]) == ["2.50"])
    #expect(stage.online.count(.changes) == asked)
    stage.pass(.microseconds(1))
    #expect(try await stage.ask([1, 2, 9]) == ["9.99", "7.00", "0.01"])
    #expect(stage.online.count(.changes) == asked + 1)
  }

  @Test("rows that were brought in by a clock that is ahead are answered for as of its time")
  func clocks() async throws {
    let stage = try await ServingStage()
    try await stage.begin()
    let table = try stage.table()
    var state = try #require(try await stage.other.state(of: table))
    state.asOf = stage.now + .seconds(3)
    let rows = [stage.row(1, 999, at: state.asOf)]
    _ = try await stage.other.write(rows, to: table, as: .newest(generation: state.generation))
    try await stage.other.record(state, of: table)
    stage.pass(.seconds(1))
    let plan = try stage.serving.plan([FeatureReference(view: "last", feature: "last_amount")])
    var cards = KeyColumn()
    cards.append(.integer(1))
    var answer = try await stage.serving.answer(plan, keys: [cards], count: 1)
    #expect(answer.words == ["9.99"])
    #expect(answer.time == state.asOf)
    // Whoever names an earlier time is refused as ever.
    let time = stage.now
    #expect(
      await failure {
        _ = try await stage.serving.answer(plan, keys: [cards], count: 1, at: time)
      }?.code == "features.past"
    )
    stage.pass(.seconds(5))
    answer = try await stage.serving.answer(plan, keys: [cards], count: 1)
    #expect(answer.time == stage.now)
  }

  @Test("what is written through the server is seen by the next answer")
  func own() async throws {
    let stage = try await ServingStage()
    try await stage.begin()
    #expect(try await stage.ask([1, 2, 9]) == ["2.50", "7.00", "NOT_FOUND"])
    let rows = [stage.row(1, 999, at: stage.now), stage.row(9, 1, at: stage.now)]
    _ = try await stage.serving.store.write(
      rows,
      to: try stage.table(),
      as: .newest(generation: nil)
    )
    #expect(try await stage.ask([1, 2, 9]) == ["9.99", "7.00", "0.01"])
    // Other keys are still in memory, also once the store was asked.
    stage.pass(.seconds(1))
    let reads = stage.online.count(.read)
    #expect(try await stage.ask([1, 2, 9]) == ["9.99", "7.00", "0.01"])
    #expect(stage.online.count(.read) == reads)
  }

  @Test("what is materialized through the server is seen, and what it removes is gone")
  func finish() async throws {
    let stage = try await ServingStage()
    try await stage.begin()
    #expect(try await stage.ask([1, 2]) == ["2.50", "7.00"])
    let store = stage.serving.store
    let table = try stage.table()
    let pass = try await store.begin(table)
    let now = stage.now
    _ = try await store.write([stage.row(1, 5, at: now)], to: table, as: .pass(generation: pass))
    let state = MaterializationState(tables: [:], asOf: now, generation: pass)
    #expect(try await store.finish(state, of: table) == 2)
    #expect(try await stage.ask([1, 2]) == ["0.05", "NOT_FOUND"])
  }

  @Test("a row that was read before a write and rendered after it does not stay")
  func race() async throws {
    let stage = try await ServingStage()
    try await stage.begin()
    let gate = stage.online.hold(.read)
    let early = Task { try await stage.ask([1]) }
    await gate.arrival()
    _ = try await stage.serving.store.write(
      [stage.row(1, 999, at: stage.now)],
      to: try stage.table(),
      as: .newest(generation: nil)
    )
    gate.open()
    #expect(try await early.value == ["2.50"])
    #expect(try await stage.ask([1]) == ["9.99"])
  }

  @Test("a row that was read before another process wrote does not stay either")
  func foreignRace() async throws {
    let stage = try await ServingStage()
    try await stage.begin()
    _ = try await stage.ask([2])
    let gate = stage.online.hold(.read)
    let early = Task { try await stage.ask([1]) }
    await gate.arrival()
    _ = try await stage.other.write(
      [stage.row(1, 999, at: stage.now)],
      to: try stage.table(),
      as: .newest(generation: nil)
    )
    await stage.serving.refresh()
    gate.open()
    #expect(try await early.value == ["2.50"])
    #expect(try await stage.ask([1]) == ["9.99"])
  }

  @Test("a change is not lost when the store fails right after it told of it")
  func lostChange() async throws {
    let stage = try await ServingStage()
    try await stage.begin()
    #expect(try await stage.ask([1]) == ["2.50"])
    _ = try await stage.other.write(
      [stage.row(1, 999, at: stage.now)],
      to: try stage.table(),
      as: .newest(generation: nil)
    )
    stage.online.fail(.state)
    await stage.serving.refresh()
    await stage.serving.refresh()
    #expect(stage.serving.health.unreachableSince == nil)
    #expect(try await stage.ask([1]) == ["9.99"])
  }

  @Test("a change by another process is not taken for the server's own that is under way")
  func ownAndForeign() async throws {
    let stage = try await ServingStage()
    try await stage.begin()
    #expect(try await stage.ask([1, 2]) == ["2.50", "7.00"])
    let table = try stage.table()
    let gate = stage.online.hold(.write)
    let own = Task {
      try await stage.serving.store.write(
        [stage.row(3, 3, at: stage.now)],
        to: table,
        as: .newest(generation: nil)
      )
    }
    // The store has it and is asked for changes before the server hears that its write is done.
    await gate.arrival()
    await stage.serving.refresh()
    gate.open()
    #expect(try await own.value == 1)
    #expect(try await stage.ask([1, 2]) == ["2.50", "7.00"])
    _ = try await stage.other.write(
      [stage.row(1, 999, at: stage.now)],
      to: table,
      as: .newest(generation: nil)
    )
    await stage.serving.refresh()
    #expect(try await stage.ask([1, 2]) == ["9.99", "7.00"])
  }

  @Test("a write that failed half way leaves nothing old behind")
  func brokenWrite() async throws {
    let stage = try await ServingStage()
    try await stage.begin()
    let serving = FeatureServing(
      BreakingOnlineStore(base: stage.online, point: .write(after: 1)),
      world: stage.shop.project.world
    )
    try await serving.serve(stage.store([try stage.last]))
    let plan = try serving.plan([FeatureReference(view: "last", feature: "last_amount")])
    func ask() async throws -> [String] {
      try await serving.ask(plan, [[.integer(1)], [.integer(2)]], at: stage.now).words
    }
    #expect(try await ask() == ["2.50", "7.00"])
    let rows = [stage.row(1, 999, at: stage.now), stage.row(2, 999, at: stage.now)]
    await #expect(throws: BreakingOnlineStore.Broken.self) {
      _ = try await serving.store.write(rows, to: try stage.table(), as: .newest(generation: nil))
    }
    #expect(try await ask() == ["9.99", "7.00"])
  }

  @Test("a row of the future is not there until its moment, and is from then on")
  func future() async throws {
    let stage = try await ServingStage()
    try await stage.begin()
    let moment = stage.now + .seconds(5)
    _ = try await stage.other.write(
      [stage.row(7, 700, at: moment)],
      to: try stage.table(),
      as: .newest(generation: nil)
    )
    let plan = try stage.serving.plan([FeatureReference(view: "last", feature: "last_amount")])
    for (shift, expected) in [(-2, "NOT_FOUND"), (-1, "NOT_FOUND"), (0, "7.00"), (1, "7.00")] {
      let time = moment + .microseconds(shift)
      #expect(try await stage.serving.ask(plan, [[.integer(7)]], at: time).words == [expected])
    }
  }

  @Test("memory stays in its bound, and answers are right while rows go for room")
  func eviction() async throws {
    let stage = try await ServingStage(memory: ByteCount(bytes: 16 * 1024))
    try await stage.begin()
    let rows = (Int64(100)..<400).map { stage.row($0, Int128($0), at: stage.now) }
    let table = try stage.table()
    _ = try await stage.other.write(rows, to: table, as: .newest(generation: nil))
    await stage.serving.refresh()
    var chance = Chance(5)
    for _ in 0..<30 {
      let cards = (0..<40).map { _ in Int64.random(in: 90..<410, using: &chance) }
      let expected = cards.map { card in
        (100..<400).contains(card)
          ? "\(card / 100).\(card % 100 < 10 ? "0" : "")\(card % 100)" : "NOT_FOUND"
      }
      #expect(try await stage.ask(cards) == expected)
      #expect(stage.serving.health.memory.bytes <= 16 * 1024)
    }
    #expect(stage.serving.health.rows < 100)
  }
}

@Suite("Serving while the store is away")
struct ServingOutageTests {
  @Test("gives the last known values, says since when, and is back within the staleness")
  func outage() async throws {
    let stage = try await ServingStage()
    try await stage.begin()
    #expect(try await stage.ask([1, 8]) == ["2.50", "NOT_FOUND"])
    stage.online.isGone = true
    stage.pass(.milliseconds(300))
    let since = stage.now
    let plan = try stage.serving.plan([FeatureReference(view: "last", feature: "last_amount")])
    func ask(_ cards: [Int64]) async throws -> ServedAnswer {
      try await stage.serving.ask(plan, cards.map { [.integer($0)] }, at: stage.now)
    }
    var answer = try await ask([1, 2, 8])
    #expect(answer.words == ["2.50", "INVALID", "NOT_FOUND"])
    #expect(answer.unreachableSince == since)
    stage.pass(.seconds(5))
    answer = try await ask([1])
    #expect(answer.words == ["2.50"])
    #expect(answer.unreachableSince == since)
    #expect(stage.serving.health.unreachableSince == since)
    #expect(await failure { _ = try await ask([2, 3]) }?.code == "online.unavailable")
    stage.online.isGone = false
    stage.pass(.milliseconds(201))
    answer = try await ask([1, 2, 8])
    #expect(answer.words == ["2.50", "7.00", "NOT_FOUND"])
    #expect(answer.unreachableSince == nil)
    #expect(stage.serving.health.problem == nil)
  }

  @Test("a read that fails is an outage as well")
  func failedRead() async throws {
    let stage = try await ServingStage()
    try await stage.begin()
    #expect(try await stage.ask([1]) == ["2.50"])
    stage.online.fail(.read)
    let plan = try stage.serving.plan([FeatureReference(view: "last", feature: "last_amount")])
    var answer = try await stage.serving.ask(plan, [[.integer(1)], [.integer(2)]], at: stage.now)
    #expect(answer.words == ["2.50", "INVALID"])
    #expect(answer.unreachableSince == stage.now)
    stage.pass(.milliseconds(201))
    answer = try await stage.serving.ask(plan, [[.integer(1)], [.integer(2)]], at: stage.now)
    #expect(answer.words == ["2.50", "7.00"])
  }

  @Test(
    "a store that is busy is not gone: what is known is given unverified, and it is asked again"
  )
  func busy() async throws {
    let stage = try await ServingStage()
    try await stage.begin()
    #expect(try await stage.ask([1]) == ["2.50"])
    let plan = try stage.serving.plan([FeatureReference(view: "last", feature: "last_amount")])
    func ask(_ cards: [Int64]) async throws -> ServedAnswer {
      try await stage.serving.ask(plan, cards.map { [.integer($0)] }, at: stage.now)
    }
    // It does not come to a read.
    stage.online.fail(.read, with: SteeredOnlineStore.busy)
    var answer = try await ask([1, 2])
    #expect(answer.words == ["2.50", "INVALID"])
    #expect(answer.unreachableSince == stage.now)
    #expect(stage.serving.health.unreachableSince == nil)
    #expect(stage.serving.health.problem == SteeredOnlineStore.busy)
    // The next question is put to it, although it was not asked for changes since.
    answer = try await ask([1, 2])
    #expect(answer.words == ["2.50", "7.00"])
    stage.online.fail(.read, with: SteeredOnlineStore.busy)
    #expect(await failure { _ = try await ask([3]) }?.code == "online.busy")
    #expect(try await ask([3]).words != ["INVALID"])
    // It does not come to say what changed: nobody knows whether what is in memory still is so.
    stage.pass(.milliseconds(201))
    stage.online.fail(.changes, with: SteeredOnlineStore.busy)
    answer = try await ask([1, 2])
    #expect(answer.words == ["2.50", "7.00"])
    #expect(answer.unreachableSince == stage.now)
    #expect(stage.serving.health.unreachableSince == nil)
    stage.pass(.milliseconds(201))
    answer = try await ask([1, 2])
    #expect(answer.unreachableSince == nil)
    #expect(stage.serving.health.problem == nil)
  }

  @Test(
    "a value whose time to live ends is not used longer, and what was changed meanwhile is seen"
  )
  func ttl() async throws {
    let stage = try await ServingStage()
    var view = try stage.last
    view.ttl = .seconds(60)
    try await stage.begin(view)
    _ = try await stage.other.write(
      [stage.row(1, 999, at: stage.now)],
      to: try stage.table(view),
      as: .newest(generation: nil)
    )
    await stage.serving.refresh()
    let moment = stage.now
    #expect(try await stage.ask([1, 8, 2]) == ["9.99", "NOT_FOUND", "OUTSIDE_MAX_AGE"])
    stage.online.isGone = true
    stage.pass(.seconds(60))
    #expect(try await stage.ask([1, 8, 2]) == ["9.99", "NOT_FOUND", "OUTSIDE_MAX_AGE"])
    stage.pass(.microseconds(1))
    #expect(try await stage.ask([1, 8, 2]) == ["OUTSIDE_MAX_AGE", "NOT_FOUND", "OUTSIDE_MAX_AGE"])
    let plan = try stage.serving.plan([FeatureReference(view: "last", feature: "last_amount")])
    let cells = try await stage.serving.ask(plan, [[.integer(1)]], at: stage.now).cells
    #expect(cells[0][0].time == moment.microseconds)
    #expect(cells[0][0].text == "null")
    // What another process changes while nobody can look is seen once somebody can.
    _ = try await stage.other.write(
      [stage.row(1, 1000, at: stage.now)],
      to: try stage.table(view),
      as: .newest(generation: nil)
    )
    stage.online.isGone = false
    await stage.serving.refresh()
    #expect(try await stage.ask([1]) == ["10.00"])
  }

  @Test("a row that comes to count meanwhile is not taken for none")
  func future() async throws {
    let stage = try await ServingStage()
    try await stage.begin()
    _ = try await stage.other.write(
      [stage.row(7, 700, at: stage.now + .seconds(5))],
      to: try stage.table(),
      as: .newest(generation: nil)
    )
    await stage.serving.refresh()
    #expect(try await stage.ask([1, 7]) == ["2.50", "NOT_FOUND"])
    stage.online.isGone = true
    stage.pass(.seconds(6))
    #expect(try await stage.ask([1, 7]) == ["2.50", "INVALID"])
  }

  @Test("a store that is away at the start is heard of later")
  func start() async throws {
    let stage = try await ServingStage()
    let store = stage.store([try stage.last])
    _ = try await store.materialize("last", into: stage.other)
    stage.online.isGone = true
    let refused = await failure { _ = try await stage.serving.serve(store) }
    #expect(refused?.code == "online.unavailable")
    stage.online.isGone = false
    #expect(try await stage.serving.serve(store).served == ["last"])
    #expect(try await stage.ask([1]) == ["2.50"])
  }
}
