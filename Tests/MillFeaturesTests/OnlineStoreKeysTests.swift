// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillFeatures
import Testing

/// What every adapter of an online store keeps to beyond the order of rows; see ``OnlineStoreKind``.
@Suite("The keys and tables of an online store")
struct OnlineStoreKeysTests {
  private let table = OnlineTable.sample()

  private func finish(_ generation: Int64) -> MaterializationState {
    MaterializationState(tables: [:], asOf: Instant(microseconds: 0), generation: generation)
  }

  @Test("takes a sample that is spread over all keys", arguments: OnlineStoreKind.all)
  func sample(kind: OnlineStoreKind) async throws {
    let store = try kind.place()()
    #expect(try await store.sample(10, of: table).isEmpty)
    #expect(try await store.count(of: table) == 0)
    let rows = (0..<1000).map { OnlineRow.sample([UInt8($0 / 250), UInt8($0 % 250)], t: 1) }
    _ = try await store.write(rows, to: table, as: .pass(generation: 1))
    let all = Set(rows.map(\.key))
    for (asked, expected) in [(0, 0), (-1, 0), (1, 1), (8, 8), (1000, 1000), (5000, 1000)] {
      let keys = try await store.sample(asked, of: table)
      #expect(keys.count == expected)
      #expect(Set(keys).count == keys.count && Set(keys).isSubset(of: all))
    }
    #expect(Set(try await store.sample(8, of: table).map { $0[0] }).count == 4)
    #expect(try await store.sample(8, of: table) == store.sample(8, of: table))
    // Almost as many as there are, but not all: the last keys are asked for as often as the first.
    let most = try await store.sample(600, of: table)
    #expect(most.count == 600)
    #expect(Set(most.map { $0[0] }).count == 4)
  }

  @Test("keeps tables of two definitions, contents and views apart", arguments: OnlineStoreKind.all)
  func apart(kind: OnlineStoreKind) async throws {
    let store = try kind.place()()
    let tables = [
      OnlineTable.sample(), .sample(hash: "b"), .sample(keeping: .tiles),
      .sample(hash: "b", keeping: .tiles),
      .sample("spend2"), .sample("spend_latest"), .sample("spend_tiles", keeping: .tiles),
    ]
    for (number, table) in tables.enumerated() {
      let row = OnlineRow.sample([1], t: Int64(number), UInt8(number))
      #expect(try await store.write([row], to: table, as: .pass(generation: 1)) == 1)
    }
    for (number, table) in tables.enumerated() {
      #expect(try await store.read([[1]], of: table)[0]?.payload == [UInt8(number)])
      #expect(try await store.count(of: table) == 1)
    }
    #expect(try await store.finish(finish(2), of: tables[0]) == 1)
    for table in tables.dropFirst() { #expect(try await store.count(of: table) == 1) }
  }

  @Test("finds keys of any bytes, and payloads of any", arguments: OnlineStoreKind.all)
  func bytes(kind: OnlineStoreKind) async throws {
    let store = try kind.place()()
    var keys: [[UInt8]] = [
      [], [0], [0, 0], [0, 1], [1, 0], [0xFF], [0xFF, 0xFF], Array("é".utf8),
      Array("e\u{301}".utf8),
      Array("A".utf8), Array("a".utf8), Array("a ".utf8), Array("1".utf8), Array("1.0".utf8),
      Array("'; DROP TABLE online_state; --".utf8), Array(repeating: 0x61, count: 10_000),
      Array(repeating: 0x61, count: 10_001),
    ]
    keys += (0...255).map { [7, UInt8($0)] }
    let rows = keys.enumerated().map { number, key in
      OnlineRow(
        key: key,
        version: RowVersion(time: .earliest, knowledge: .latest, id: key.reversed()),
        payload: number == 0 ? [] : key + [0, 0xFF, UInt8(number % 256)]
      )
    }
    #expect(try await store.write(rows, to: table, as: .newest(generation: 1)) == rows.count)
    #expect(try await store.read(keys, of: table) == rows)
    // Asked for twice, in another order, and with strangers between.
    let asked = [keys[3], [9], keys[0], keys[3], keys[0] + [0x80], keys[15]]
    #expect(
      try await store.read(asked, of: table) == [rows[3], nil, rows[0], rows[3], nil, rows[15]]
    )
    #expect(Set(try await store.sample(1000, of: table)) == Set(keys))
  }

  @Test("knows views by any name", arguments: OnlineStoreKind.all)
  func names(kind: OnlineStoreKind) async throws {
    let store = try kind.place()()
    let names = [
      "select", "group by", "a.b", "a'b", "a;b", "a--b", "%_", "[x]", "`x`", "", " ", "ü",
      "用户", "sqlite_x", "a\"b", "a\\b", "a\nb", String(repeating: "long", count: 60),
    ]
    for (number, name) in names.enumerated() {
      let row = OnlineRow.sample([1], t: 1, UInt8(number))
      let table = OnlineTable.sample(name)
      #expect(try await store.read([[1]], of: table) == [nil], "\(name)")
      #expect(
        try await store.write([row], to: table, as: .newest(generation: Int64(number))) == 1,
        "\(name)"
      )
      _ = try await store.finish(finish(Int64(number)), of: table)
    }
    for (number, name) in names.enumerated() {
      let table = OnlineTable.sample(name)
      #expect(try await store.read([[1]], of: table)[0]?.payload == [UInt8(number)], "\(name)")
      #expect(try await store.count(of: table) == 1, "\(name)")
      #expect(try await store.state(of: table)?.generation == Int64(number), "\(name)")
      #expect(try await store.sample(5, of: table) == [[1]], "\(name)")
    }
  }

  @Test("tells views apart by the case of letters and by quotes", arguments: OnlineStoreKind.all)
  func nearNames(kind: OnlineStoreKind) async throws {
    let pairs = [("Spend", "spend"), ("a\"b", "a\"\"b"), ("", "\""), ("ü", "u\u{308}")]
    for (left, right) in pairs {
      let store = try kind.place()()
      _ = try await store.write(
        [.sample([1], t: 2, 1)],
        to: .sample(left),
        as: .pass(generation: 1)
      )
      let found = try await store.read([[1]], of: .sample(right))
      #expect(found == [nil], "\(left) and \(right)")
    }
  }

  @Test("takes batches of nothing", arguments: OnlineStoreKind.all)
  func empty(kind: OnlineStoreKind) async throws {
    let store = try kind.place()()
    #expect(try await store.read([], of: table) == [])
    for write in [OnlineWrite.newest(generation: nil), .pass(generation: 1)] {
      #expect(try await store.write([], to: table, as: write) == 0)
    }
    #expect(try await store.count(of: table) == 0)
    #expect(try await store.read([[], [1]], of: table) == [nil, nil])
    #expect(try await store.state(of: table) == nil)
    #expect(try await store.finish(finish(1), of: .sample("never")) == 0)
    #expect(try await store.count(of: .sample("never")) == 0)
    #expect(try await store.state(of: .sample("never")) == finish(1))
  }

  // MARK: Many at once

  @Test(
    "is one place for all who open it, with writers and readers at once",
    arguments: OnlineStoreKind.all
  )
  func concurrent(kind: OnlineStoreKind) async throws {
    let open = try kind.place()
    let table = table
    let keys = (UInt8(0)..<40).map { [$0] }
    let stores = try (0..<4).map { _ in try open() }
    let rounds = 24
    try await withThrowingTaskGroup(of: Void.self) { group in
      for (writer, store) in stores.enumerated() {
        group.addTask {
          var chance = Chance(UInt64(writer))
          for round in (0..<rounds).shuffled(using: &chance) {
            let stamp = Int64(round * 4 + writer)
            let rows = keys.map { key in
              OnlineRow.sample(key, t: stamp / 8, k: stamp % 8, UInt8(stamp % 256))
            }
            _ = try await store.write(rows, to: table, as: .newest(generation: 1))
          }
        }
      }
      for _ in 0..<2 {
        let reader = try open()
        group.addTask {
          var last: RowVersion?
          for _ in 0..<80 {
            let found = try await reader.read(keys, of: table)
            // All keys are written at once, so they are all of one write.
            #expect(Set(found.map { $0?.version }).count == 1)
            guard let row = found[0] else { continue }
            let stamp = row.version.time.microseconds * 8 + row.version.knowledge.microseconds
            #expect(row.payload == [UInt8(stamp % 256)])
            if let last { #expect(last <= row.version, "a value went back in time") }
            last = row.version
          }
        }
      }
      try await group.waitForAll()
    }
    let newest = Int64(rounds * 4 - 1)
    for store in stores {
      for row in try await store.read(keys, of: table) {
        #expect(row?.payload == [UInt8(newest % 256)])
      }
    }
  }

  @Test("does as a dictionary does", arguments: OnlineStoreKind.all, UInt64(0)..<4)
  func model(adapter: OnlineStoreKind, seed: UInt64) async throws {
    var chance = Chance(seed &* 977 &+ 5)
    let open = try adapter.place()
    var store = try open()
    let tables = [OnlineTable.sample(), .sample(keeping: .tiles), .sample(hash: "b")]
    var models = tables.map { _ in OnlineModel() }
    var generations: [Int64] = tables.map { _ in 0 }
    let keys = (UInt8(0)..<24).map { [$0 % 3, $0] }
    for step in 0..<100 {
      let place = Int.random(in: 0..<tables.count, using: &chance)
      let table = tables[place]
      let kind = Int.random(in: 0..<7, using: &chance)
      // What is pushed over rows of a pass is another test's.
      let among = kind < 2 ? 0..<8 : 8..<keys.count
      let rows = (0..<Int.random(in: 0...12, using: &chance)).map { _ in
        OnlineRow.sample(
          keys[Int.random(in: among, using: &chance)],
          t: Int64.random(in: -2...2, using: &chance),
          k: Int64.random(in: -1...1, using: &chance),
          id: (0..<Int.random(in: 0...2, using: &chance)).map { _ in
            UInt8.random(in: 0...1, using: &chance)
          },
          UInt8.random(in: 0...255, using: &chance)
        )
      }
      let moment = "seed \(seed), step \(step)"
      switch kind {
      case 0, 1:
        let expected = models[place].write(rows, as: .newest(generation: nil))
        let found = try await store.write(rows, to: table, as: .newest(generation: nil))
        #expect(found == expected, "\(moment)")
      case 2, 3:
        let write = OnlineWrite.newest(generation: generations[place])
        let expected = models[place].write(rows, as: write)
        #expect(try await store.write(rows, to: table, as: write) == expected, "\(moment)")
      case 4, 5:
        let write = OnlineWrite.pass(generation: generations[place] + 1)
        // What is counted of rows that replace newer ones is another test's.
        let least = models[place].write(rows, as: write)
        #expect(try await store.write(rows, to: table, as: write) >= least, "\(moment)")
      default:
        generations[place] += 1
        let expected = models[place].finish(generations[place])
        let state = finish(generations[place])
        #expect(try await store.finish(state, of: table) == expected, "\(moment)")
        #expect(try await store.state(of: table) == state, "\(moment)")
      }
      if chance.one(in: 20) { store = try open() }
      for (table, model) in zip(tables, models) {
        let found = try await store.read(keys, of: table)
        let expected = keys.map { model.rows[$0]?.row }
        #expect(found == expected, "\(moment)")
        #expect(try await store.count(of: table) == model.rows.count, "\(moment)")
        if found != expected { return }
      }
    }
  }
}
