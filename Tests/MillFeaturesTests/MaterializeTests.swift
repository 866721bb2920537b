// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillFeatures
import MillSQLite
import MillTables
import MillTesting
import MillTiles
import Testing

@Suite("Online answers are what the oracle says")
struct MaterializePropertyTests {
  @Test("at the moment of materialization and long after it", arguments: UInt64(0)..<4)
  func answers(seed: UInt64) async throws {
    let history = try OnlineHistory(seed)
    let project = try FeatureProject(seed: seed)
    let online = try SQLiteOnlineStore(path: project.folder.path("online.sqlite"))
    // In several files, most of which come later; with rows of the future in all.
    let half = history.rows.count / 2
    try await history.append(history.rows.prefix(half), to: project)
    let store = project.store(history.definitions)
    let asOf = Instant(microseconds: history.asOf)
    let early = Instant(microseconds: history.asOf - OnlineHistory.hour)
    var report = try await store.materialize("facts", into: online, asOf: early)
    #expect(report.kind == .all)
    try await check(history, Array(history.rows.prefix(half)), early, store, online, [0, 3])
    let most = history.rows.count * 3 / 4
    try await history.append(history.rows[half..<most], to: project)
    report = try await store.materialize("facts", into: online, asOf: asOf - .microseconds(2))
    #expect(report.keys > 100 && report.keys <= OnlineHistory.keyCount)
    try await history.append(history.rows[most...], to: project)
    report = try await store.materialize("facts", into: online, asOf: asOf)
    #expect(report.removed == 0)
    // Of windows only the hops of new rows were computed, and the answers are those of all rows.
    let view = try #require(history.definitions.views.first)
    let table = OnlineTable(view: "facts", hash: store.hash(of: view), content: .tiles)
    let state = try await online.state(of: table)
    #expect(state?.wholeAsOf == early)
    try await check(history, history.rows, asOf, store, online, nil)
    #expect(try await store.verify("facts", in: online).different == 0)
    // A week later what lay in the future is there.
    let later = asOf + .seconds(7 * 86_400)
    report = try await store.materialize("facts", into: online, asOf: later)
    try await check(history, history.rows, later, store, online, [0])
    #expect(try await store.verify("facts", in: online).different == 0)
    report = try await store.materialize("facts", into: online, asOf: later)
    #expect(report.kind == .none)
  }

  private func check(
    _ history: OnlineHistory,
    _ known: [HistoryRow],
    _ asOf: Instant,
    _ store: FeatureStore,
    _ online: any OnlineStore,
    _ places: [Int]?
  ) async throws {
    let reader = try await store.reader(
      of: history.features.map { FeatureReference(view: "facts", feature: $0.name) },
      from: online
    )
    let width = history.hasShop ? 2 : 1
    var keys = (0..<OnlineHistory.keyCount).map(history.key)
    keys.append(Array(repeating: .null, count: width))
    keys.append([.integer(99_999)] + Array(repeating: .text("s0"), count: width - 1))
    let moments = history.moments().map { $0 - history.asOf + asOf.microseconds }
    var wrong: [String] = []
    for (place, q) in moments.enumerated() where places?.contains(place) ?? true {
      // A part of the entities is enough for most moments.
      let asked = keys.enumerated().filter { place == 0 || ($0.offset + place) % 4 == 0 }
        .map(\.element)
      let answer = try await reader.read(asked, at: Instant(microseconds: q))
      #expect(answer.features.map(\.name) == history.features.map(\.name))
      wrong += OnlineHistory.mistakes(
        answer,
        asked,
        history.features,
        from: known,
        asOf: asOf.microseconds,
        ttl: history.ttl,
        kept: history.kept,
        at: q
      )
    }
    #expect(
      wrong.isEmpty,
      "seed \(history.seed): \(wrong.count) cells; \(wrong.prefix(3).joined(separator: "\n"))"
    )
  }
}

@Suite("Bringing a view into an online store")
struct MaterializeTests {
  static let noon = Instant(microseconds: Shop.noon)

  let shop: Shop
  let online: SQLiteOnlineStore

  init() async throws {
    shop = try await Shop()
    online = try SQLiteOnlineStore(path: shop.project.folder.path("online.sqlite"))
  }

  // MARK: Views

  /// The last amount of a card alone: what is read incrementally.
  private var last: FeatureViewDefinition {
    get throws {
      var view = try shop.spend
      view.name = "last"
      view.windowed = []
      return view
    }
  }

  /// Sums over hops alone.
  private var sums: FeatureViewDefinition {
    get throws {
      var view = try shop.spend
      view.name = "sums"
      view.latest = []
      let hour = try #require(Window(length: .seconds(3600), edge: .hop(.fiveMinutes)))
      view.windowed[0].windows = [.init(word: "1h", window: hour)]
      return view
    }
  }

  private var store: FeatureStore {
    get throws {
      shop.project.store(
        FeatureDefinitions(entities: [shop.card], views: [try last, try sums, try shop.spend])
      )
    }
  }

  private func table(_ view: FeatureViewDefinition) throws -> OnlineTable {
    let content: OnlineTable.Content = view.latest.isEmpty ? .tiles : .latest
    return OnlineTable(view: view.name, hash: try store.hash(of: view), content: content)
  }

  private func amounts(
    _ cards: [Int64],
    at second: Int = 0,
    from store: FeatureStore? = nil
  ) async throws -> [String] {
    let store = try store ?? self.store
    let reader = try await store.reader(
      of: [FeatureReference(view: "last", feature: nil)],
      from: online
    )
    let answer = try await reader.read(cards.map { [.integer($0)] }, at: Self.noon(second))
    return answer.rows.map { $0[0].status == .present ? $0[0].value.text : $0[0].status.rawValue }
  }

  private func sums(_ cards: [Int64], at second: Int = 0) async throws -> [String] {
    let reader = try await store.reader(
      of: [FeatureReference(view: "sums", feature: nil)],
      from: online
    )
    let answer = try await reader.read(cards.map { [.integer($0)] }, at: Self.noon(second))
    return answer.rows.map { row in
      "\(row[0].value.text) of \(row[1].value.text)"
        + (row[1].status == .present ? "" : " \(row[1].status.rawValue)")
    }
  }

  private static func noon(_ second: Int) -> Instant { noon + .seconds(second) }

  private func materialize(
    _ view: String = "last",
    at second: Int = 0
  ) async throws -> MaterializationReport {
    try await store.materialize(view, into: online, asOf: Self.noon(second))
  }

  // MARK: What is read

  @Test("reads all at first, nothing while nothing changes, and then only what was added")
  func kinds() async throws {
    let shop = try await Shop()
    let online = try SQLiteOnlineStore(path: shop.project.folder.path("second.sqlite"))
    let store = shop.project.store(
      FeatureDefinitions(entities: [shop.card], views: [try last, try sums])
    )
    func materialize(_ view: String, at second: Int) async throws -> MaterializationReport {
      try await store.materialize(view, into: online, asOf: Self.noon(second))
    }
    for view in ["last", "sums"] {
      let first = try await materialize(view, at: 3600)
      // The payment of card 2 is beyond the windows.
      let keys = view == "last" ? 3 : 2
      #expect(first.kind == .all && first.keys == keys)
      #expect(first.changed == keys && first.removed == 0)
      #expect(first.view == view && first.tables == ["silver.payments": 1])
      let second = try await materialize(view, at: 3600)
      #expect(second.kind == .none && second.keys == 0 && second.changed == 0)
      #expect(second.tables == ["silver.payments": 1])
      #expect(try await materialize(view, at: 7200).kind == .none)
    }
    try await shop.pay([(2, 10, "8.00"), (9, 20, "9.00"), (1, -5000, "3.00")])
    let added = try await materialize("last", at: 7200)
    #expect(added.kind == .added && added.keys == 3 && added.removed == 0)
    // The row of card 1 is older than the one that is there.
    #expect(added.changed == 2 && added.tables == ["silver.payments": 2])
    try await shop.pay([(9, 7100, "9.50")])
    let windows = try await materialize("sums", at: 7200)
    #expect(windows.kind == .added && windows.tables == ["silver.payments": 3])
    // All rows but the last of card 9 are older than any window reaches.
    #expect(windows.keys == 1 && windows.changed == 1)
  }

  @Test("sees late rows whenever they happened")
  func late() async throws {
    _ = try await materialize(at: 100)
    #expect(try await amounts([1, 2, 3, 4], at: 100) == ["2.50", "7.00", "1.00", "NOT_FOUND"])
    // Card 2 paid before its newest payment and after it; card 4 long ago.
    try await shop.pay([(2, -7300, "6.00"), (2, -30, "5.00"), (4, -86_400, "4.00")], known: 90)
    let report = try await materialize(at: 100)
    #expect(report.kind == .added && report.changed == 2)
    #expect(try await amounts([1, 2, 3, 4], at: 100) == ["2.50", "5.00", "1.00", "4.00"])
    _ = try await materialize("sums", at: 100)
    #expect(
      try await sums([1, 2, 4], at: 100) == ["12.50 of 2", "5.00 of 1", "null of 0 NOT_FOUND"]
    )
  }

  @Test("takes a row of equal time by knowledge, the corrected one")
  func corrected() async throws {
    _ = try await materialize(at: 100)
    try await shop.pay([(1, -60, "99.00")], known: 50)
    #expect(try await materialize(at: 100).kind == .added)
    #expect(try await amounts([1], at: 100) == ["99.00"])
    // One that was known earlier corrects nothing.
    try await shop.pay([(1, -60, "1.11")], known: 40)
    #expect(try await materialize(at: 100).changed == 0)
    #expect(try await amounts([1], at: 100) == ["99.00"])
  }

  @Test("forgets what was deleted at the source, also when an older row is the newest then")
  func deleted() async throws {
    for view in ["last", "sums"] { _ = try await materialize(view, at: 100) }
    let writer = try shop.project.writer("silver.payments")
    _ = try await writer.delete(where: "card = 2 OR (card = 1 AND amount = 2.50)")
    let report = try await materialize(at: 100)
    #expect(report.kind == .all && report.removed == 1)
    #expect(try await amounts([1, 2, 3], at: 100) == ["10.00", "NOT_FOUND", "1.00"])
    _ = try await materialize("sums", at: 100)
    #expect(
      try await sums([1, 2, 3], at: 100) == ["10.00 of 1", "null of 0 NOT_FOUND", "1.00 of 1"]
    )
    for view in ["last", "sums"] {
      #expect(try await store.verify(view, in: online).different == 0)
    }
  }

  @Test("takes a row whose value was changed in place")
  func updated() async throws {
    for view in ["last", "sums"] { _ = try await materialize(view, at: 100) }
    let writer = try shop.project.writer("silver.payments")
    _ = try await writer.update(set: ["amount": "77"], where: "amount = 2.50")
    for view in ["last", "sums"] { #expect(try await materialize(view, at: 100).kind == .all) }
    #expect(try await amounts([1], at: 100) == ["77.00"])
    #expect(try await sums([1], at: 100) == ["87.00 of 2"])
  }

  @Test("counts no key as changed whose row is the same after all was read")
  func unchanged() async throws {
    _ = try await materialize(at: 100)
    let writer = try shop.project.writer("silver.payments")
    _ = try await writer.update(set: ["amount": "77"], where: "amount = 2.50")
    let report = try await materialize(at: 100)
    #expect(report.changed == 1)
  }

  @Test("leaves rows of the future to a later call, by event time and by knowledge")
  func future() async throws {
    // Card 3 pays a minute past noon; card 5 before noon, which is known only later.
    try await shop.pay([(5, -10, "5.00")], known: 600)
    for view in ["last", "sums"] {
      #expect(try await materialize(view).kind == .all)
      let state = try await online.state(of: try table(view == "last" ? last : sums))
      #expect(state?.pendingFrom == Self.noon + .seconds(60))
    }
    #expect(try await amounts([1, 3, 5]) == ["2.50", "NOT_FOUND", "NOT_FOUND"])
    // Nobody knows them by asking later: they are taken by a later call.
    #expect(try await amounts([3, 5], at: 3600) == ["NOT_FOUND", "NOT_FOUND"])
    #expect(try await materialize("last", at: 60).kind == .all)
    #expect(try await materialize("sums", at: 60).kind == .added)
    #expect(try await amounts([3, 5], at: 60) == ["1.00", "NOT_FOUND"])
    // A window ends before its moment.
    #expect(try await sums([3, 5], at: 61) == ["null of 0 NOT_FOUND", "null of 0 NOT_FOUND"])
    for view in ["last", "sums"] { _ = try await materialize(view, at: 601) }
    #expect(try await amounts([3, 5], at: 601) == ["1.00", "5.00"])
    #expect(try await sums([3, 5], at: 601) == ["1.00 of 1", "5.00 of 1"])
    for view in ["last", "sums"] {
      let state = try await online.state(of: try table(view == "last" ? last : sums))
      #expect(state != nil && state?.pendingFrom == nil)
      #expect(try await materialize(view, at: 700).kind == .none)
    }
  }

  @Test("reads what was added alone although a row lies far in the future, and takes that in time")
  func farFuture() async throws {
    _ = try await materialize("last", at: 60)
    try await shop.pay([(6, 100_000, "6.00")])
    #expect(try await materialize("last", at: 70).kind == .added)
    #expect(try await materialize("last", at: 80).kind == .none)
    try await shop.pay([(7, 75, "7.00")])
    #expect(try await materialize("last", at: 90).kind == .added)
    #expect(try await amounts([6, 7], at: 90) == ["NOT_FOUND", "7.00"])
    let state = try await online.state(of: try table(last))
    #expect(state?.pendingFrom == Self.noon + .seconds(100_000))
    #expect(try await materialize("last", at: 100_001).kind == .all)
    #expect(try await amounts([6, 7], at: 100_001) == ["6.00", "7.00"])
  }

  @Test("refuses a time before that of the rows, in a call and in a question")
  func past() async throws {
    for view in ["last", "sums"] {
      _ = try await materialize(view, at: 30)
      let earlier = await failure { _ = try await materialize(view, at: 29) }
      #expect(earlier?.code == "features.older")
      #expect(earlier?.text.contains(view) == true)
    }
    let question = await failure { _ = try await amounts([1], at: 29) }
    #expect(question?.code == "features.past")
    let window = await failure { _ = try await sums([1], at: 29) }
    #expect(window?.code == "features.past")
    #expect(try await amounts([1], at: 30) == ["2.50"])
  }

  // MARK: What is served

  @Test("serves no view that was never brought in, and none in another definition")
  func notServed() async throws {
    let never = await failure { _ = try await amounts([1]) }
    #expect(never?.code == "features.not-served")
    #expect(never?.text.contains("last") == true)
    let verified = await failure { _ = try await store.verify("last", in: online) }
    #expect(verified?.code == "features.not-served")
    _ = try await materialize(at: 100)
    #expect(try await amounts([1], at: 100) == ["2.50"])
    var changed = try last
    changed.ttl = .seconds(100)
    let other = shop.project.store(FeatureDefinitions(entities: [shop.card], views: [changed]))
    let unserved = await failure { _ = try await amounts([1], at: 100, from: other) }
    #expect(unserved?.code == "features.not-served")
    #expect(try await other.materialize("last", into: online, asOf: Self.noon(100)).kind == .all)
    #expect(try await amounts([1], at: 100, from: other) == ["OUTSIDE_MAX_AGE"])
    // The rows of the first definition are untouched by those of the second.
    #expect(try await amounts([1], at: 100) == ["2.50"])
    // What is for people changes nothing.
    var described = try last
    described.notes.description = "the newest"
    let same = shop.project.store(FeatureDefinitions(entities: [shop.card], views: [described]))
    #expect(try await amounts([1], at: 100, from: same) == ["2.50"])
  }

  @Test("refuses exact windows by the name of the window")
  func exact() async throws {
    let found = await failure { _ = try await materialize("spend", at: 100) }
    #expect(found?.code == "features.definition")
    #expect(found?.text.contains("spend") == true && found?.text.contains("1h") == true)
    #expect(found?.text.contains("exact") == true)
    #expect(found?.text.contains("max_events_per_key") == true)
    #expect(try store.isServable(try shop.spend) == false)
    #expect(try store.isServable(try last) && store.isServable(try sums))
  }

  @Test("names the view that was meant")
  func misspelled() async throws {
    for body in [
      { (shop: MaterializeTests) in _ = try await shop.materialize("lasst") },
      { (shop: MaterializeTests) in _ = try await shop.store.verify("lasst", in: shop.online) },
    ] {
      let found = await failure { try await body(self) }
      #expect(found?.code == "features.unknown")
      #expect(found?.text.contains("did you mean last?") == true, "\(found?.text ?? "")")
    }
  }

  @Test("lets hops leave although no event comes")
  func leaving() async throws {
    _ = try await materialize("sums", at: 0)
    // Payments an hour and a minute before noon, in hops of five minutes.
    #expect(try await sums([1], at: 0) == ["12.50 of 2"])
    #expect(try await sums([1], at: 299) == ["12.50 of 2"])
    #expect(try await sums([1], at: 300) == ["2.50 of 1"])
    #expect(try await sums([1], at: 3599) == ["2.50 of 1"])
    #expect(try await sums([1], at: 3600) == ["null of 0"])
    #expect(try await sums([1], at: 86_400 * 365) == ["null of 0"])
  }

  @Test("keeps what was pushed through later calls")
  func pushed() async throws {
    _ = try await materialize(at: 100)
    let key = try #require(EntityKey.encode([.integer(1)]))
    let pushed = OnlineRow(
      key: key,
      version: RowVersion(time: Self.noon(90), knowledge: Self.noon(90)),
      payload: PackedCells.pack([.decimal(unscaled: 4242, scale: 2)])
    )
    let table = try table(last)
    #expect(try await online.write([pushed], to: table, as: .newest(generation: nil)) == 1)
    #expect(try await amounts([1], at: 100) == ["42.42"])
    _ = try await shop.project.writer("silver.payments").delete(where: "card <> 3")
    #expect(try await materialize(at: 100).kind == .all)
    let found = try await amounts([1, 2, 3], at: 100)
    #expect(found.dropFirst() == ["NOT_FOUND", "1.00"])
    #expect(found[0] == "42.42")
  }

  // MARK: Broken off

  @Test("does broken off work again, with the same result")
  func brokenOff() async throws {
    for point in [BreakingOnlineStore.Point.write(after: 1), .write(after: 2), .finish] {
      let online = try SQLiteOnlineStore(path: shop.project.folder.path("\(point).sqlite"))
      let broken = BreakingOnlineStore(base: online, point: point)
      for view in ["last", "sums"] {
        await #expect(throws: BreakingOnlineStore.Broken.self) {
          try await store.materialize(view, into: broken, asOf: Self.noon(100))
        }
        let table = try table(view == "last" ? last : sums)
        #expect(try await online.state(of: table) == nil)
        let report = try await store.materialize(view, into: online, asOf: Self.noon(100))
        let keys = view == "last" ? 3 : 2
        #expect(report.kind == .all && report.keys == keys)
        #expect(try await online.count(of: table) == keys)
        #expect(try await store.verify(view, in: online).different == 0)
      }
    }
    // An addition that was not recorded is added once more.
    _ = try await materialize(at: 100)
    try await shop.pay([(1, 50, "3.00"), (8, 50, "8.00")])
    let broken = BreakingOnlineStore(base: online, point: .record)
    await #expect(throws: BreakingOnlineStore.Broken.self) {
      try await store.materialize("last", into: broken, asOf: Self.noon(100))
    }
    let report = try await materialize(at: 100)
    #expect(report.kind == .added && report.keys == 2)
    #expect(try await amounts([1, 8], at: 100) == ["3.00", "8.00"])
  }

  @Test("forgets a key that only a broken off call found")
  func brokenOffAndDeleted() async throws {
    let broken = BreakingOnlineStore(base: online, point: .finish)
    await #expect(throws: BreakingOnlineStore.Broken.self) {
      try await store.materialize("last", into: broken, asOf: Self.noon(100))
    }
    _ = try await shop.project.writer("silver.payments").delete(where: "card = 2")
    #expect(try await materialize(at: 100).kind == .all)
    let found = try await amounts([1, 2], at: 100)
    #expect(found == ["2.50", "NOT_FOUND"])
  }

  @Test("brings in a source of no rows")
  func noRows() async throws {
    _ = try await materialize(at: 100)
    _ = try await shop.project.writer("silver.payments").delete(where: "true")
    let report = try await materialize(at: 100)
    #expect(report.kind == .all && report.keys == 0 && report.removed == 3)
    #expect(try await amounts([1], at: 100) == ["NOT_FOUND"])
    #expect(try await materialize(at: 100).kind == .none)
  }
}
