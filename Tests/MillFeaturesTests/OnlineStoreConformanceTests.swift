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
}
