// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillFeatures
import MillSQLite
import MillTesting
import MillTiles
import Testing

@Suite("Bringing a stretch of time in once more")
struct BackfillTests {
  let shop: Shop
  let online: SQLiteOnlineStore
  let store: FeatureStore

  init() async throws {
    shop = try await Shop()
    online = try SQLiteOnlineStore(path: shop.project.folder.path("online.sqlite"))
    var view = try shop.spend
    let hour = try #require(Window(length: .seconds(3600), edge: .hop(.fiveMinutes)))
    let exact = try #require(Window(length: .seconds(3600), edge: .exact))
    view.windowed[0].windows = [.init(word: "1h", window: hour), .init(word: "e", window: exact)]
    view.eventsPerKeyMax = 10
    store = shop.project.store(FeatureDefinitions(entities: [shop.card], views: [view]))
  }

  private func tables() throws -> [OnlineTable] {
    let view = try #require(store.definitions.view("spend"))
    return [OnlineTable.Content.latest, .tiles].map { content in
      OnlineTable(view: "spend", hash: store.hash(of: view), content: content)
    }
  }

  private func answers(from online: any OnlineStore) async throws -> [[FeatureValue]] {
    let reader = try await store.reader(
      of: [FeatureReference(view: "spend", feature: nil)],
      from: online
    )
    let keys = (1...9).map { [Datum.integer($0)] }
    return try await reader.read(keys, at: Instant(microseconds: Shop.noon + 50_000_000)).rows
  }

  @Test("puts back what a store lost, of that time and no other")
  func lost() async throws {
    // Payments from an hour before noon to half a minute past it.
    try await shop.pay([(4, -3000, "4.00"), (4, -20, "5.00"), (6, -10, "6.00")])
    let clock = Instant(microseconds: Shop.noon + 40_000_000)
    _ = try await store.materialize("spend", into: online, asOf: clock)
    let whole = try await answers(from: online)
    // Another store that says it has all and has nothing.
    let other = try SQLiteOnlineStore(path: shop.project.folder.path("other.sqlite"))
    for table in try tables() {
      var state = try #require(try await online.state(of: table))
      state.generation = try await other.begin(table)
      _ = try await other.finish(state, of: table)
    }
    let empty = try await answers(from: other)
    #expect(empty.allSatisfy { $0.allSatisfy { $0.status == .notFound } })
    // Half a minute before noon: card 4's newest payment and all of card 6.
    let noon = Instant(microseconds: Shop.noon)
    let last = noon - .seconds(30)..<noon
    var report = try await store.backfill("spend", last, into: other, asOf: clock)
    #expect(report.kind == .range && report.keys == 2 && report.removed == 0)
    let some = try await answers(from: other)
    #expect(some[5] == whole[5])
    #expect(some[3] == whole[3], "a payment of 50 minutes before is of the same key")
    #expect(some[0] == empty[0])
    report = try await store.backfill("spend", .earliest..<noon, into: other, asOf: clock)
    #expect(report.kind == .range)
    #expect(try await answers(from: other) == whole)
    // The same again changes nothing, and an older stretch makes nothing older.
    #expect(
      try await store.backfill("spend", .earliest..<noon, into: other, asOf: clock).changed == 0
    )
    _ = try await store.backfill(
      "spend",
      .earliest..<noon - .seconds(600),
      into: other,
      asOf: clock
    )
    #expect(try await answers(from: other) == whole)
    #expect(try await store.verify("spend", in: other).different == 0)
  }

  @Test("of a view that was never brought in brings all in")
  func first() async throws {
    let noon = Instant(microseconds: Shop.noon)
    let report = try await store.backfill("spend", noon..<noon + .seconds(1), into: online)
    #expect(report.kind == .all)
    #expect(try await store.verify("spend", in: online).different == 0)
  }
}

@Suite("A view that is one SELECT")
struct SelectedViewTests {
  private func view(_ sql: String) throws -> FeatureDefinitions {
    FeatureDefinitions(
      entities: [EntityDefinition(name: "card", keys: [.init("card", .long)])],
      views: [
        FeatureViewDefinition(
          name: "picked",
          entities: ["card"],
          source: .sql(sql),
          time: "paid_at",
          latest: [.init(name: "amount", column: "amount")]
        )
      ]
    )
  }

  @Test(
    "is read by its new rows alone only where each row comes from one row",
    arguments: [
      ("SELECT card, paid_at, amount FROM silver.payments WHERE amount > 0", true),
      (
        "SELECT card, max(paid_at) AS paid_at, sum(amount) AS amount FROM silver.payments GROUP BY card",
        false
      ),
      (
        "SELECT card, paid_at, sum(amount) OVER (PARTITION BY card ORDER BY paid_at) AS amount FROM silver.payments",
        false
      ),
    ]
  )
  func additions(sql: String, isAdded: Bool) async throws {
    let shop = try await Shop()
    let online = try SQLiteOnlineStore(path: shop.project.folder.path("online.sqlite"))
    let store = shop.project.store(try view(sql))
    let asOf = Instant(microseconds: Shop.noon + 100_000_000)
    _ = try await store.materialize("picked", into: online, asOf: asOf)
    try await shop.pay([(1, 70, "8.00")])
    let report = try await store.materialize("picked", into: online, asOf: asOf)
    #expect(report.kind == (isAdded ? .added : .all))
    #expect(try await store.verify("picked", in: online).different == 0)
  }
}

@Suite("A pass that was broken off")
struct BrokenPassTests {
  @Test(
    "is made good by one over all rows, whether the tables changed since or not",
    arguments: [true, false]
  )
  func brokenOff(isChanged: Bool) async throws {
    let shop = try await Shop()
    let online = try SQLiteOnlineStore(path: shop.project.folder.path("online.sqlite"))
    var view = try shop.spend
    let hour = try #require(Window(length: .seconds(3600), edge: .hop(.fiveMinutes)))
    view.windowed[0].windows = [.init(word: "1h", window: hour)]
    let store = shop.project.store(FeatureDefinitions(entities: [shop.card], views: [view]))
    let asOf = Instant(microseconds: Shop.noon + 100_000_000)
    _ = try await store.materialize("spend", into: online, asOf: asOf)
    #expect(try await store.materialize("spend", into: online, asOf: asOf).kind == .none)
    // Somebody writes rows of other versions over those of cards 1 and 3, and is killed.
    for content in [OnlineTable.Content.latest, .tiles] {
      let table = OnlineTable(view: "spend", hash: store.hash(of: view), content: content)
      let pass = try await online.begin(table)
      let keys = try await online.sample(10, of: table)
      let rows = try await online.read(keys, of: table).compactMap { $0 }
      #expect(rows.count > 1)
      let mixed = zip(rows, rows.reversed()).map { row, other in
        OnlineRow(key: row.key, version: row.version, payload: other.payload)
      }
      _ = try await online.write(mixed, to: table, as: .pass(generation: pass))
    }
    #expect(try await store.verify("spend", in: online).different > 0)
    if isChanged { try await shop.pay([(9, 40, "9.00")]) }
    let report = try await store.materialize("spend", into: online, asOf: asOf)
    #expect(report.kind == .all)
    #expect(try await store.verify("spend", in: online).different == 0)
    #expect(try await store.materialize("spend", into: online, asOf: asOf).kind == .none)
  }
}
