// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillFeatures
import Testing

/// What every adapter of an online store keeps to; see ``OnlineStoreKind``.
@Suite("An online store")
struct OnlineStoreConformanceTests {
  private let table = OnlineTable.sample()

  private func only(_ store: any OnlineStore, _ key: [UInt8] = [1]) async throws -> OnlineRow? {
    try await store.read([key], of: table)[0]
  }

  private func finish(_ generation: Int64) -> MaterializationState {
    MaterializationState(tables: [:], asOf: Instant(microseconds: 0), generation: generation)
  }

  // MARK: Changes

  @Test("says by a number that something changed, and whose", arguments: OnlineStoreKind.all)
  func changes(kind: OnlineStoreKind) async throws {
    let opening = try kind.place()
    let (store, other) = (try opening(), try opening())
    let tables = [table, OnlineTable.sample("other")]
    var seen = try await store.changes(of: tables)
    func expectChange(_ what: String, _ isChange: Bool = true) async throws {
      let now = try await store.changes(of: tables)
      #expect((now[0] != seen[0]) == isChange, "\(what)")
      #expect(now[1] == seen[1], "\(what)")
      seen = now
    }
    let row = OnlineRow.sample([1], t: 5)
    _ = try await other.write([row], to: table, as: .newest(generation: nil))
    try await expectChange("a new row")
    _ = try await other.write([row], to: table, as: .newest(generation: nil))
    try await expectChange("the same row", false)
    _ = try await other.write([.sample([1], t: 4)], to: table, as: .newest(generation: nil))
    try await expectChange("an older row", false)
    let pass = try await other.begin(table)
    _ = try await other.finish(finish(pass), of: table)
    try await expectChange("a pass without rows")
    try await other.record(finish(pass), of: table)
    try await expectChange("a state")
  }

  // MARK: Newer and older

  @Test("keeps the newest by time, knowledge and id in any order", arguments: OnlineStoreKind.all)
  func newest(kind: OnlineStoreKind) async throws {
    let store = try kind.place()()
    let versions: [(Int64, Int64, [UInt8])] = [
      (Int64.min / 2, 9, []), (-1, 9, [9]), (0, 0, []), (0, 0, [0]), (0, 0, [0, 0]),
      (0, 0, [0, 1]),
      (0, 0, [1]), (0, 0, [0x7F]), (0, 0, [0x80]), (0, 0, [0xFF]), (0, 1, []), (0, 1, [0]),
      (1, -5, []), (1, 0, []), (Int64.max / 2, -9, []),
    ]
    let rows = versions.enumerated().map { number, version in
      OnlineRow.sample([1], t: version.0, k: version.1, id: version.2, UInt8(number))
    }
    for seed in UInt64(0)..<16 {
      var chance = Chance(seed)
      let table = OnlineTable.sample("order\(seed)")
      let order = rows.shuffled(using: &chance)
      var expected = 0
      var best: RowVersion?
      for row in order where best.map({ $0 < row.version }) ?? true {
        best = row.version
        expected += 1
      }
      // One by one, and as a batch that has the key many times.
      var counted = 0
      if seed % 2 == 0 {
        for row in order {
          counted += try await store.write([row], to: table, as: .newest(generation: 1))
        }
      } else {
        counted = try await store.write(order, to: table, as: .newest(generation: nil))
      }
      #expect(counted == expected, "seed \(seed)")
      #expect(try await store.read([[1]], of: table) == [rows.last], "seed \(seed)")
    }
  }

  @Test("changes nothing when the same is written again", arguments: OnlineStoreKind.all)
  func again(kind: OnlineStoreKind) async throws {
    let store = try kind.place()()
    let rows = (UInt8(0)..<50).map { OnlineRow.sample([$0], t: Int64($0), $0) }
    #expect(try await store.write(rows, to: table, as: .newest(generation: 3)) == 50)
    for write in [OnlineWrite.newest(generation: 3), .newest(generation: nil)] {
      #expect(try await store.write(rows, to: table, as: write) == 0)
    }
    #expect(try await store.read(rows.map(\.key), of: table) == rows)
    #expect(try await store.count(of: table) == 50)
  }

  @Test("counts no row that a pass finds as it was", arguments: OnlineStoreKind.all)
  func passAgain(kind: OnlineStoreKind) async throws {
    let store = try kind.place()()
    let rows = (UInt8(0)..<50).map { OnlineRow.sample([$0], t: Int64($0), $0) }
    #expect(try await store.write(rows, to: table, as: .pass(generation: 1)) == 50)
    let again = try await store.write(rows, to: table, as: .pass(generation: 1))
    let later = try await store.write(rows, to: table, as: .pass(generation: 2))
    #expect(again == 0)
    #expect(later == 0)
    #expect(try await store.read(rows.map(\.key), of: table) == rows)
    // They are of the second pass now, whatever was counted.
    #expect(try await store.finish(finish(2), of: table) == 0)
  }

  @Test("keeps the first of two rows of one version", arguments: OnlineStoreKind.all)
  func equal(kind: OnlineStoreKind) async throws {
    let store = try kind.place()()
    let first = OnlineRow.sample([1], t: 5, k: 6, id: [7], 1)
    let second = OnlineRow.sample([1], t: 5, k: 6, id: [7], 2)
    #expect(try await store.write([first], to: table, as: .newest(generation: 1)) == 1)
    for write in [OnlineWrite.newest(generation: 1), .newest(generation: nil)] {
      #expect(try await store.write([second], to: table, as: write) == 0)
      #expect(try await only(store) == first)
    }
    let pushed = OnlineTable.sample("pushed")
    _ = try await store.write([first], to: pushed, as: .newest(generation: nil))
    _ = try await store.write([second], to: pushed, as: .pass(generation: 1))
    #expect(try await store.read([[1]], of: pushed) == [first])
  }

  @Test("never lets an older row over a newer one", arguments: OnlineStoreKind.all)
  func older(kind: OnlineStoreKind) async throws {
    let store = try kind.place()()
    let new = OnlineRow.sample([1], t: 5, k: 5, id: [5], 1)
    _ = try await store.write([new], to: table, as: .newest(generation: 9))
    for old in [
      OnlineRow.sample([1], t: 4, k: 9, id: [9], 2), .sample([1], t: 5, k: 4, id: [9], 2),
      .sample([1], t: 5, k: 5, id: [4, 9], 2), .sample([1], t: 5, k: 5, 2),
    ] {
      // A greater generation makes nothing newer.
      for write in [OnlineWrite.newest(generation: 10), .newest(generation: nil)] {
        #expect(try await store.write([old], to: table, as: write) == 0)
        #expect(try await only(store) == new)
      }
    }
  }

  // MARK: Passes

  @Test(
    "lets a pass replace what passes wrote, even by an older row",
    arguments: OnlineStoreKind.all
  )
  func pass(kind: OnlineStoreKind) async throws {
    let store = try kind.place()()
    let wrong = OnlineRow.sample([1], t: 50, 1)
    let right = OnlineRow.sample([1], t: 10, 2)
    for first in [OnlineWrite.pass(generation: 1), .newest(generation: 1)] {
      let table = OnlineTable.sample("view\(first == .pass(generation: 1))")
      _ = try await store.write([wrong], to: table, as: first)
      _ = try await store.write([right], to: table, as: .pass(generation: 2))
      #expect(try await store.read([[1]], of: table) == [right])
      // A pass that was broken off is taken up under its own number.
      _ = try await store.write([wrong], to: table, as: .pass(generation: 2))
      #expect(try await store.read([[1]], of: table) == [wrong])
    }
  }

  @Test("keeps a pushed row that is newer than that of a pass", arguments: OnlineStoreKind.all)
  func pushed(kind: OnlineStoreKind) async throws {
    let store = try kind.place()()
    let pushed = OnlineRow.sample([1], t: 50, 1)
    _ = try await store.write([pushed], to: table, as: .newest(generation: nil))
    let older = OnlineRow.sample([1], t: 49, 2)
    #expect(try await store.write([older], to: table, as: .pass(generation: 7)) == 0)
    #expect(try await only(store) == pushed)
    #expect(try await store.finish(finish(7), of: table) == 0)
    #expect(try await only(store) == pushed)
    // A newer row of a pass takes over, and is the pass's from then on.
    let newer = OnlineRow.sample([1], t: 51, 3)
    #expect(try await store.write([newer], to: table, as: .pass(generation: 8)) == 1)
    #expect(try await only(store) == newer)
    #expect(try await store.finish(finish(9), of: table) == 1)
    #expect(try await only(store) == nil)
  }

  @Test("removes what a pass did not find, but nothing pushed", arguments: OnlineStoreKind.all)
  func gone(kind: OnlineStoreKind) async throws {
    let store = try kind.place()()
    let rows = (UInt8(0)..<100).map { OnlineRow.sample([$0], t: 1, $0) }
    _ = try await store.write(rows, to: table, as: .pass(generation: 1))
    #expect(try await store.finish(finish(1), of: table) == 0)
    let pushed = (UInt8(100)..<130).map { OnlineRow.sample([$0], t: 2, 200) }
    #expect(try await store.write(pushed, to: table, as: .newest(generation: nil)) == 30)
    let other = OnlineTable.sample(hash: "b")
    _ = try await store.write(rows, to: other, as: .pass(generation: 1))
    _ = try await store.write(Array(rows.prefix(30)), to: table, as: .pass(generation: 2))
    // 30 stay for the pass, 30 were pushed, 70 are gone; another table is not looked at.
    #expect(try await store.finish(finish(2), of: table) == 70)
    #expect(try await store.count(of: table) == 60)
    #expect(try await store.count(of: other) == 100)
    #expect(try await store.finish(finish(2), of: table) == 0)
    let found = try await store.read(rows.map(\.key), of: table)
    for (index, row) in found.enumerated() {
      #expect(row == (index < 30 ? rows[index] : nil))
    }
    // An empty pass takes everything but what was pushed.
    #expect(try await store.finish(finish(3), of: table) == 30)
    #expect(try await store.count(of: table) == 30)
  }

  @Test("gives the state back as it was recorded", arguments: OnlineStoreKind.all)
  func states(kind: OnlineStoreKind) async throws {
    let open = try kind.place()
    let store = try open()
    #expect(try await store.state(of: table) == nil)
    let states = [
      MaterializationState(tables: [:], asOf: Instant(microseconds: 0), generation: 0),
      MaterializationState(
        tables: ["a": 1],
        asOf: .earliest,
        generation: 1,
        pendingFrom: .earliest
      ),
      MaterializationState(
        tables: ["silver.payments": 0, "silver.cards": .max, "gold.\"é'\n": 7],
        asOf: .latest,
        generation: .max,
        pendingFrom: Instant(microseconds: 0)
      ),
    ]
    for state in states {
      #expect(try await store.finish(state, of: table) == 0)
      #expect(try await store.state(of: table) == state)
      #expect(try await store.state(of: .sample(hash: "b")) == nil)
      #expect(try await store.state(of: .sample(keeping: .tiles)) == nil)
      // Whoever opens the place anew finds it too.
      #expect(try await open().state(of: table) == state)
    }
    let last = MaterializationState(
      tables: ["b": 2],
      asOf: .earliest,
      generation: .max,
      pendingFrom: .latest
    )
    try await store.record(last, of: table)
    #expect(try await store.state(of: table) == last)
  }

  @Test("numbers passes upwards, also those that never end", arguments: OnlineStoreKind.all)
  func begins(kind: OnlineStoreKind) async throws {
    let open = try kind.place()
    var last: Int64?
    for _ in 0..<5 {
      let number = try await open().begin(table)
      if let last { #expect(number > last) }
      last = number
      #expect(try await open().state(of: table) == nil)
    }
    #expect(try await open().begin(.sample(hash: "b")) >= 0)
  }

  @Test("refuses the end of a pass that a later one has overtaken", arguments: OnlineStoreKind.all)
  func superseded(kind: OnlineStoreKind) async throws {
    let store = try kind.place()()
    let first = try await store.begin(table)
    let second = try await store.begin(table)
    let old = OnlineRow.sample([1], t: 1, 1)
    let new = OnlineRow.sample([1], t: 1, 2)
    _ = try await store.write([new], to: table, as: .pass(generation: second))
    // What a later pass wrote stays, whatever the earlier one says.
    _ = try await store.write([old], to: table, as: .pass(generation: first))
    #expect(try await only(store) == new)
    _ = try await store.finish(finish(second), of: table)
    let ended = await failure { _ = try await store.finish(finish(first), of: table) }
    #expect(ended?.code == "online.superseded")
    let recorded = await failure { try await store.record(finish(first), of: table) }
    #expect(recorded?.code == "online.superseded")
    #expect(try await only(store) == new)
    #expect(try await store.state(of: table) == finish(second))
  }

  @Test("keeps a row that was pushed over one of a pass", arguments: OnlineStoreKind.all)
  func pushedOver(kind: OnlineStoreKind) async throws {
    let store = try kind.place()()
    _ = try await store.write([.sample([1], t: 1, 1)], to: table, as: .pass(generation: 1))
    let pushed = OnlineRow.sample([1], t: 2, 2)
    _ = try await store.write([pushed], to: table, as: .newest(generation: nil))
    _ = try await store.finish(finish(2), of: table)
    let found = try await only(store)
    #expect(found == pushed)
  }

  // MARK: Keys and tables

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
