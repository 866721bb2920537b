// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillFeatures
import MillSQLite
import MillTables
import MillTesting
import MillTiles
import Testing

@Suite("Verifying an online store")
struct VerifyTests {
  private static let asOf = Instant(microseconds: Shop.noon) + .seconds(120)

  private let shop: Shop
  private let online: SQLiteOnlineStore

  init() async throws {
    shop = try await Shop()
    online = try SQLiteOnlineStore(path: shop.project.folder.path("online.sqlite"))
  }

  private var view: FeatureViewDefinition {
    get throws {
      var view = try shop.spend
      let day = try #require(Window(length: .seconds(86_400), edge: .hop(.hour)))
      view.windowed[0].windows = [.init(word: "1d", window: day)]
      view.windowed[0].aggregations = [.sum, .count, .mean]
      return view
    }
  }

  private var store: FeatureStore {
    get throws {
      shop.project.store(FeatureDefinitions(entities: [shop.card], views: [try view]))
    }
  }

  private func table(_ content: OnlineTable.Content) throws -> OnlineTable {
    OnlineTable(view: "spend", hash: try store.hash(of: view), content: content)
  }

  private func materialize() async throws {
    _ = try await store.materialize("spend", into: online, asOf: Self.asOf)
  }

  private func row(_ card: Int64, _ content: OnlineTable.Content) async throws -> OnlineRow {
    let key = try #require(EntityKey.encode([.integer(card)]))
    return try #require(try await online.read([key], of: table(content))[0])
  }

  @Test("finds no difference where there is none, over every cell")
  func sound() async throws {
    try await materialize()
    let report = try await store.verify("spend", in: online)
    #expect(report.asOf == Self.asOf && report.entities == 3 && report.different == 0)
    #expect(
      report.features.map(\.feature.name) == [
        "last_amount", "amount_sum_1d", "amount_count_1d", "amount_mean_1d",
      ]
    )
    #expect(report.features.allSatisfy { $0.compared == 3 && $0.example == nil })
    let fewer = try await store.verify("spend", in: online, sampling: 2)
    #expect(fewer.entities == 2 && fewer.features.allSatisfy { $0.compared == 2 })
    // The source goes on; what is in the store is held against what it was made of.
    try await shop.pay([(1, 30, "500.00")])
    #expect(try await store.verify("spend", in: online).different == 0)
    try await materialize()
    #expect(try await store.verify("spend", in: online).different == 0)
  }

  @Test("finds a latest value that is another one, and says of whom")
  func latest() async throws {
    try await materialize()
    var row = try await row(2, .latest)
    row.payload = PackedCells.pack([.decimal(unscaled: 701, scale: 2)])
    _ = try await online.write([row], to: table(.latest), as: .pass(generation: 1))
    let report = try await store.verify("spend", in: online)
    #expect(report.different == 1)
    #expect(report.features.map(\.different) == [1, 0, 0, 0])
    let example = try #require(report.features[0].example)
    #expect(example.keys == ["2"] && example.online == "7.01" && example.offline == "7.00")
  }

  @Test("finds tiles that are those of another key")
  func tiles() async throws {
    try await materialize()
    var row = try await row(2, .tiles)
    row.payload = try await self.row(1, .tiles).payload
    _ = try await online.write([row], to: table(.tiles), as: .pass(generation: 1))
    let report = try await store.verify("spend", in: online)
    #expect(report.features.map(\.different) == [0, 1, 1, 1])
    #expect(report.features[1].example?.online == "12.50")
    #expect(report.features[1].example?.offline == "7.00")
  }

  @Test("finds bytes that are no values", arguments: [OnlineTable.Content.latest, .tiles])
  func noise(content: OnlineTable.Content) async throws {
    try await materialize()
    let good = try await row(1, content)
    let reader = try await store.reader(
      of: [FeatureReference(view: "spend", feature: nil)],
      from: online
    )
    var chance = Chance(5)
    for kind in 0..<14 {
      var row = good
      switch kind {
      case 0: row.payload = []
      case 1: row.payload = [2] + row.payload.dropFirst()
      case 2: row.payload += [0]
      case 3..<9: row.payload = Array(row.payload.prefix((kind - 2) * (kind - 2)))
      default:
        row.payload = [1] + (0..<kind * 3).map { _ in UInt8.random(in: 11...255, using: &chance) }
      }
      if row.payload == good.payload { continue }
      _ = try await online.write([row], to: table(content), as: .pass(generation: 1))
      let answer = try await reader.read([[.integer(1)]], at: Self.asOf)
      let cells = answer.rows[0]
      let bad = content == .latest ? cells.prefix(1) : cells.dropFirst()
      #expect(bad.allSatisfy { $0.status == .invalid && $0.value == .null }, "kind \(kind)")
      let report = try await store.verify("spend", in: online)
      #expect(report.different == bad.count, "kind \(kind)")
      #expect(report.features.compactMap(\.example).allSatisfy { $0.online == "null" })
    }
  }

  @Test("finds a key that the source does not have")
  func stranger() async throws {
    try await materialize()
    var row = try await row(1, .latest)
    row.key = try #require(EntityKey.encode([.integer(404)]))
    _ = try await online.write([row], to: table(.latest), as: .newest(generation: nil))
    let report = try await store.verify("spend", in: online)
    #expect(report.entities == 4 && report.different == 1)
    #expect(report.features[0].example?.keys == ["404"])
  }

  @Test("compares nothing where the store has no keys")
  func empty() async throws {
    _ = try await shop.project.writer("silver.payments").delete(where: "true")
    try await materialize()
    let report = try await store.verify("spend", in: online)
    #expect(report.entities == 0 && report.different == 0)
    #expect(report.features.allSatisfy { $0.compared == 0 })
  }
}
