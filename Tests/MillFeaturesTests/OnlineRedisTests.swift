// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillFeatures
import MillRedis
import MillTesting
import Testing

/// What is of Redis alone, beside the suite that every adapter passes.
@Suite("The online store on Redis", .enabled(if: RedisServer.isInstalled))
struct OnlineRedisTests {
  private let table = OnlineTable.sample()

  private static func rows(_ range: Range<Int>, t: Int64 = 1, size: Int = 1) -> [OnlineRow] {
    range.map { number in
      var row = OnlineRow.sample(
        [UInt8(number >> 16 & 255), UInt8(number >> 8 & 255), UInt8(number & 255)],
        t: t
      )
      row.payload = Array(repeating: UInt8(number % 256), count: size)
      return row
    }
  }

  private static func state(_ generation: Int64, asOf: Int64 = 0) -> MaterializationState {
    MaterializationState(
      tables: ["silver.a": 3],
      asOf: Instant(microseconds: asOf),
      generation: generation
    )
  }

  // MARK: Layout

  @Test("keeps a table in one key, whose name says which")
  func layout() async throws {
    let server = try RedisServer()
    let store = server.store(prefix: "team:a")
    let view = OnlineTable.sample("a{b}*:ü", hash: "c", keeping: .tiles)
    _ = try await store.write(Self.rows(0..<3), to: view, as: .pass(generation: 1))
    _ = try await store.finish(Self.state(1), of: view)
    let name = "team:a:tests:a%7bb%7d%2a%3a%c3%bc_tiles_cccccccccccc"
    #expect(try server.ask("KEYS *") == .array([.bytes(Array(name.utf8))]))
    #expect(try server.ask("HGET \(name) count") == .bytes(Array("3".utf8)))
    #expect(try server.ask("HLEN \(name)") == .integer(6))
    #expect(try server.ask("TTL \(name)") == .integer(-1))
  }

  @Test("tells projects and prefixes apart")
  func prefixes() async throws {
    let server = try RedisServer()
    let stores = [("a", "b:c"), ("a:b", "c"), ("a", "b"), ("b", "a")].map { prefix, project in
      server.store(prefix: prefix) { $0.project = project }
    }
    for (number, store) in stores.enumerated() {
      _ = try await store.write(Self.rows(0..<number), to: table, as: .newest(generation: nil))
    }
    for (number, store) in stores.enumerated() {
      #expect(try await store.count(of: table) == number)
    }
  }

  @Test("uses the database that it was told")
  func databases() async throws {
    let server = try RedisServer()
    let second = server.store { $0.endpoint.database = 2 }
    _ = try await second.write(Self.rows(0..<3), to: table, as: .newest(generation: nil))
    #expect(try await server.store().count(of: table) == 0)
    #expect(try await second.count(of: table) == 3)
    let none = server.store { $0.endpoint.database = 99 }
    let error = await failure { _ = try await none.count(of: table) }
    #expect(error?.code == "online.unavailable")
    #expect(error?.text.contains("DB index is out of range") == true)
  }

  // MARK: Sizes

  @Test("takes and gives more rows than a piece has, and rows larger than a piece")
  func large() async throws {
    let store = try RedisServer.shared().store(prefix: RedisServer.makePrefix())
    let many = Self.rows(0..<9001)
    #expect(try await store.write(many, to: table, as: .pass(generation: 1)) == many.count)
    #expect(try await store.read(many.map(\.key), of: table) == many)
    #expect(try await store.count(of: table) == many.count)
    let large = Self.rows(0..<3, t: 2, size: 3 << 20)
    #expect(try await store.write(large, to: table, as: .newest(generation: nil)) == 3)
    #expect(try await store.read(large.map(\.key), of: table) == large)
    #expect(try await store.sample(9001, of: table).count == 9001)
    // What was pushed stays.
    #expect(try await store.finish(Self.state(2), of: table) == many.count - 3)
    #expect(try await store.count(of: table) == 3)
  }

  @Test("removes what a pass did not find, beside a writer and a reader")
  func sweep() async throws {
    let prefix = RedisServer.makePrefix()
    let server = try RedisServer.shared()
    let store = server.store(prefix: prefix)
    let all = Self.rows(0..<20_000)
    _ = try await store.write(all, to: table, as: .pass(generation: 1))
    let kept = all.enumerated().filter { $0.offset % 5 == 0 }.map(\.element)
    _ = try await store.write(kept, to: table, as: .pass(generation: 2))
    let table = table
    let other = server.store(prefix: prefix)
    async let added = other.write(
      Self.rows(30_000..<36_000),
      to: table,
      as: .newest(generation: nil)
    )
    #expect(try await store.finish(Self.state(2), of: table) == all.count - kept.count)
    #expect(try await added == 6000)
    #expect(try await store.count(of: table) == kept.count + 6000)
    for (index, row) in try await store.read(all.map(\.key), of: table).enumerated() {
      #expect(row == (index % 5 == 0 ? all[index] : nil))
    }
  }

  @Test(
    "cuts rows into pieces of bounded number and size",
    arguments: [
      ([1, 1], [2]), (Array(repeating: 1, count: 1001), [500, 500, 1]),
      ([1 << 20, 1, 1 << 21, 1 << 19, 1 << 18], [1, 1, 1, 2]), ([], []),
    ]
  )
  func pieces(sizes: [Int], expected: [Int]) {
    let rows = sizes.map { size in
      OnlineRow(
        key: [1],
        version: RowVersion(time: .earliest, knowledge: .earliest),
        payload: Array(repeating: 0, count: size)
      )
    }
    let pieces = RedisOnlineStore.pieces(of: rows)
    #expect(pieces.map(\.count) == expected)
    #expect(pieces.flatMap { Array($0) } == Array(rows.indices))
  }

  // MARK: Who wins

  @Test("keeps the greatest version when many stores write the same keys", arguments: 0..<3)
  func races(seed: Int) async throws {
    let prefix = RedisServer.makePrefix()
    let server = try RedisServer.shared()
    var chance = Chance(UInt64(seed) &+ 91)
    let edges: [Int64] = [
      .min, .min + 1, -1 << 32, -1, 0, 1, 1 << 32, 1 << 53, 1 << 53 + 1, .max - 1, .max,
    ]
    let rows = (0..<600).map { _ in
      OnlineRow(
        key: [UInt8.random(in: 0..<20, using: &chance)],
        version: RowVersion(
          time: Instant(microseconds: edges.randomElement(using: &chance) ?? 0),
          knowledge: Instant(microseconds: edges.randomElement(using: &chance) ?? 0),
          id: (0..<Int.random(in: 0...3, using: &chance)).map { _ in
            [0, 1, 0x7F, 0x80, 0xFF].randomElement(using: &chance) ?? 0
          }
        ),
        payload: Array(withUnsafeBytes(of: chance.next()) { $0 })
      )
    }
    let table = table
    try await withThrowingTaskGroup(of: Void.self) { group in
      for part in 0..<4 {
        let store = server.store(prefix: prefix)
        let mine = rows.enumerated().filter { $0.offset % 4 == part }.map(\.element)
        group.addTask {
          for start in stride(from: 0, to: mine.count, by: 7) {
            let batch = Array(mine[start..<min(start + 7, mine.count)])
            _ = try await store.write(batch, to: table, as: .newest(generation: nil))
          }
        }
      }
      try await group.waitForAll()
    }
    let store = server.store(prefix: prefix)
    for (key, mine) in Dictionary(grouping: rows, by: \.key) {
      let best = try #require(mine.map(\.version).max())
      let found = try #require(try await store.read([key], of: table)[0])
      #expect(found.version == best)
      #expect(mine.contains(found))
    }
  }

  @Test("works on when the server forgets its scripts")
  func scripts() async throws {
    let server = try RedisServer()
    let store = server.store()
    let row = OnlineRow.sample([1], t: 1)
    for round in 1...3 {
      let pass = try await store.begin(table)
      #expect(pass == Int64(round))
      _ = try await store.write([row], to: table, as: .pass(generation: pass))
      #expect(try server.ask("SCRIPT FLUSH") == .status("OK"))
      _ = try await store.write([row], to: table, as: .pass(generation: pass))
      #expect(try server.ask("SCRIPT FLUSH") == .status("OK"))
      #expect(try await store.finish(Self.state(pass), of: table) == 0)
      #expect(try await store.sample(5, of: table) == [[1]])
    }
  }

  // MARK: Passes

  @Test("lets two passes overlap: the later one decides, the earlier one is told")
  func overlap() async throws {
    let prefix = RedisServer.makePrefix()
    let server = try RedisServer.shared()
    let (first, second) = (server.store(prefix: prefix), server.store(prefix: prefix))
    let rows = Self.rows(0..<1000)
    let early = try await first.begin(table)
    _ = try await first.write(Array(rows[..<600]), to: table, as: .pass(generation: early))
    let late = try await second.begin(table)
    _ = try await second.write(Array(rows[400...]), to: table, as: .pass(generation: late))
    #expect(try await second.finish(Self.state(late, asOf: 2), of: table) == 400)
    // It goes on as if nothing had happened, until it asks.
    let written = await failure {
      _ = try await first.write(Array(rows[..<600]), to: table, as: .pass(generation: early))
    }
    #expect(written?.code == "online.superseded")
    let ended = await failure { _ = try await first.finish(Self.state(early), of: table) }
    #expect(ended?.code == "online.superseded")
    #expect(try await first.state(of: table) == Self.state(late, asOf: 2))
    #expect(try await first.count(of: table) == 600)
  }

  @Test("ends a pass although an earlier one goes on, and takes the earlier one's end as well")
  func orderly() async throws {
    let prefix = RedisServer.makePrefix()
    let server = try RedisServer.shared()
    let (first, second) = (server.store(prefix: prefix), server.store(prefix: prefix))
    let rows = Self.rows(0..<100)
    let early = try await first.begin(table)
    let late = try await second.begin(table)
    _ = try await second.write(rows, to: table, as: .pass(generation: late))
    _ = try await first.write(rows, to: table, as: .pass(generation: early))
    #expect(try await first.finish(Self.state(early), of: table) == 0)
    #expect(try await second.finish(Self.state(late), of: table) == 0)
    #expect(try await second.count(of: table) == 100)
  }

  @Test(
    "finds out that a server lost a part of a pass, and says that somebody must begin again",
    arguments: Loss.allCases
  )
  func losses(loss: Loss) async throws {
    let server = try RedisServer()
    let store = server.store()
    let other = server.store()
    let rows = Self.rows(0..<100)
    let pass = try await store.begin(table)
    _ = try await store.write(Array(rows[..<50]), to: table, as: .pass(generation: pass))
    let key = String(decoding: store.key(of: table), as: UTF8.self)
    switch loss {
    case .everything: try server.ask("FLUSHALL")
    case .everythingAndAnotherPass:
      try server.ask("FLUSHALL")
      #expect(try await other.begin(table) == pass)
    case .theLastSeconds:
      // As a server does that is restarted from what it saved before.
      let saved = try server.ask("DUMP \(key)")
      _ = try await store.write(Array(rows[50..<70]), to: table, as: .pass(generation: pass))
      guard case .bytes(let bytes) = saved else {
        Issue.record("nothing was saved: \(saved)")
        return
      }
      let restored = try server.ask(
        [.word("RESTORE"), .word(key), .word("0"), bytes, .word("REPLACE")]
      )
      #expect(restored == .status("OK"))
    }
    let written = await failure {
      _ = try await store.write(Array(rows[70...]), to: table, as: .pass(generation: pass))
    }
    #expect(written?.code == "online.superseded")
    let ended = await failure { _ = try await store.finish(Self.state(pass), of: table) }
    #expect(ended?.code == "online.superseded")
    #expect(try await store.state(of: table) == nil)
    let again = try await store.begin(table)
    _ = try await store.write(rows, to: table, as: .pass(generation: again))
    _ = try await store.finish(Self.state(again), of: table)
    #expect(try await store.read(rows.map(\.key), of: table) == rows)
  }

  enum Loss: CaseIterable {
    case everything
    case everythingAndAnotherPass
    case theLastSeconds
  }

  @Test("finds out that a server lost a part of an addition")
  func lostAddition() async throws {
    let server = try RedisServer()
    let store = server.store()
    let pass = try await store.begin(table)
    _ = try await store.finish(Self.state(pass), of: table)
    let key = String(decoding: store.key(of: table), as: UTF8.self)
    guard case .bytes(let saved) = try server.ask("DUMP \(key)") else { return }
    let write = OnlineWrite.newest(generation: pass)
    _ = try await store.write(Self.rows(0..<10), to: table, as: write)
    try server.ask([.word("RESTORE"), .word(key), .word("0"), saved, .word("REPLACE")])
    let written = await failure {
      _ = try await store.write(Self.rows(10..<20), to: table, as: write)
    }
    #expect(written?.code == "online.superseded")
    // From the beginning it can be done.
    _ = try await store.write(Self.rows(0..<20), to: table, as: write)
    try await store.record(Self.state(pass, asOf: 5), of: table)
    #expect(try await store.count(of: table) == 20)
    #expect(try server.ask("HSTRLEN \(key) open") == .integer(0))
    // And the loss just before the end is found out too.
    guard case .bytes(let second) = try server.ask("DUMP \(key)") else { return }
    _ = try await store.write(Self.rows(20..<30), to: table, as: write)
    try server.ask([.word("RESTORE"), .word(key), .word("0"), second, .word("REPLACE")])
    let recorded = await failure {
      try await store.record(Self.state(pass, asOf: 6), of: table)
    }
    #expect(recorded?.code == "online.superseded")
  }

  @Test("never shows a number of changes twice, also after everything was lost")
  func changesAfterLoss() async throws {
    let server = try RedisServer()
    let store = server.store()
    var seen: Set<Int64> = []
    for round in 0..<4 {
      for t in 0..<5 {
        _ = try await store.write(
          [.sample([1], t: Int64(t))],
          to: table,
          as: .newest(generation: nil)
        )
        let number = try await store.changes(of: [table])[0]
        #expect(seen.insert(number).inserted, "round \(round): \(number)")
      }
      try server.ask("FLUSHALL")
      #expect(try await store.changes(of: [table]) == [0])
    }
  }

  @Test("keeps a list of open work that does not grow without end")
  func abandoned() async throws {
    let server = try RedisServer()
    let store = server.store()
    for _ in 0..<200 { _ = try await server.store().begin(table) }
    let key = String(decoding: store.key(of: table), as: UTF8.self)
    #expect(try server.ask("HSTRLEN \(key) open") == .integer(1280))
    let pass = try await store.begin(table)
    _ = try await store.write(Self.rows(0..<5), to: table, as: .pass(generation: pass))
    _ = try await store.finish(Self.state(pass), of: table)
    #expect(try server.ask("HSTRLEN \(key) open") == .integer(0))
  }

  // MARK: Samples

  @Test("spreads a sample of more keys than it looks at, without a key twice")
  func spread() {
    var spread = KeySpread(40, capacity: 100)
    for round in 0..<2 {
      for number in 0..<5000 where number % 2 == round || number % 7 == 0 {
        spread.add([UInt8(number / 250), UInt8(number % 250)])
      }
    }
    let keys = spread.finish()
    #expect(keys.count == 40 && Set(keys).count == 40)
    #expect(Set(keys.map { $0[0] / 5 }).count == 4, "a part of the keys is not in the sample")
    var few = KeySpread(10, capacity: 100)
    for number in (0..<20).reversed() { few.add([UInt8(number)]) }
    #expect(few.finish() == (0..<10).map { [UInt8($0 * 2)] })
  }

  @Test("sweeps in steps that follow the time that they take")
  func pace() {
    var pace = SweepPace()
    for _ in 0..<20 { pace.took(.milliseconds(1)) }
    #expect(pace.count == 1024)
    pace.took(.milliseconds(5))
    #expect(pace.count == 1024)
    for _ in 0..<20 { pace.took(.milliseconds(50)) }
    #expect(pace.count == 16)
  }
}
