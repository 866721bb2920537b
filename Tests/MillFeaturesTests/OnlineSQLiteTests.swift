// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillFeatures
import MillSQLite
import MillTesting
import Synchronization
import Testing

/// Whether something that goes on elsewhere is over.
private final class Ending: Sendable {
  private let state = Mutex(false)

  var hasCome: Bool { state.withLock { $0 } }
  func come() { state.withLock { $0 = true } }
}

@Suite("The online store in one file")
struct OnlineSQLiteTests {
  private let folder: TemporaryFolder
  private let table = OnlineTable.sample()
  private var path: String { folder.path("online.sqlite") }

  init() throws { folder = try TemporaryFolder("sqlite") }

  private static func rows(_ range: Range<Int>, t: Int64 = 1) -> [OnlineRow] {
    range.map { number in
      OnlineRow.sample(
        [UInt8(number >> 16 & 255), UInt8(number >> 8 & 255), UInt8(number & 255)],
        t: t,
        UInt8(number % 256)
      )
    }
  }

  /// A file with rows in it and no log beside it.
  private func fill(_ count: Int) async throws {
    try await Task {
      let store = try SQLiteOnlineStore(path: path)
      _ = try await store.write(Self.rows(0..<count), to: table, as: .pass(generation: 1))
      let state = MaterializationState(
        tables: ["silver.a": 3],
        asOf: Instant(microseconds: 9),
        generation: 1
      )
      _ = try await store.finish(state, of: table)
    }.value
  }

  @Test("a file that was removed and made anew is the store from then on, also for who had it open")
  func replaced() async throws {
    let store = try SQLiteOnlineStore(path: path)
    let old = OnlineRow.sample([1], t: 1, 1)
    _ = try await store.write([old], to: table, as: .newest(generation: nil))
    let number = try await store.changes(of: [table])
    #expect(try await store.read([[1]], of: table) == [old])
    for name in ["", "-wal", "-shm"] { try LocalFileSystem().remove(path + name) }
    let other = try SQLiteOnlineStore(path: path)
    let new = OnlineRow.sample([2], t: 1, 2)
    _ = try await other.write([new], to: table, as: .newest(generation: nil))
    #expect(try await store.changes(of: [table]) != number)
    #expect(try await store.read([[1], [2]], of: table) == [nil, new])
    _ = try await store.write([old], to: table, as: .newest(generation: nil))
    #expect(try await other.read([[1], [2]], of: table) == [old, new])
    // Nobody made it anew: whoever writes does.
    for name in ["", "-wal", "-shm"] { try LocalFileSystem().remove(path + name) }
    _ = try await store.write([new], to: table, as: .newest(generation: nil))
    #expect(try await SQLiteOnlineStore(path: path).read([[1], [2]], of: table) == [nil, new])
  }

  @Test("takes 100,000 rows; meanwhile others are refused after their time, and readers go on")
  func large() async throws {
    let store = try SQLiteOnlineStore(path: path)
    let other = try SQLiteOnlineStore(path: path, busyTimeout: .milliseconds(20))
    let reader = try SQLiteOnlineStore(path: path)
    let table = table
    let first = OnlineRow.sample([0xFF], t: 7, 7)
    _ = try await store.write([first], to: table, as: .newest(generation: nil))
    let rows = Self.rows(0..<100_000)
    var refused: [OnlineStoreError] = []
    var seen: [Int] = []
    // On a busy machine nobody else may get to write while the rows are written: they are once more.
    for round in 1...20 where refused.isEmpty {
      let ending = Ending()
      let writing = Task {
        defer { ending.come() }
        return try await store.write(rows, to: table, as: .pass(generation: Int64(round)))
      }
      while !ending.hasCome {
        do {
          _ = try await other.write([first], to: .sample("other"), as: .newest(generation: nil))
        } catch let error as OnlineStoreError {
          refused.append(error)
          #expect(try await reader.read([first.key], of: table) == [first])
          seen.append(try await reader.count(of: table))
          // Whoever opens the file only to read need not wait either.
          let late = try SQLiteOnlineStore(path: path, busyTimeout: .milliseconds(20))
          #expect(try await late.read([first.key], of: table) == [first])
        }
      }
      #expect(try await writing.value == (round == 1 ? 100_000 : 0))
    }
    #expect(!refused.isEmpty, "nothing was written while the rows were")
    #expect(refused.allSatisfy { $0.code == "online.busy" && $0.isRetryable })
    #expect(Set(seen).isSubset(of: [1, 100_001]), "a write was seen in part")
    #expect(try await store.count(of: table) == 100_001)
    let some = Swift.stride(from: 0, to: 100_000, by: 997).map { rows[$0] }
    #expect(try await reader.read(some.map(\.key), of: table) == some)
    let state = MaterializationState(tables: [:], asOf: .earliest, generation: 100)
    #expect(try await store.finish(state, of: table) == 100_000)
  }

  @Test("says of a file that is no database that it is damaged, and leaves it alone")
  func noDatabase() throws {
    let files = LocalFileSystem()
    for text in ["hello", String(repeating: "no database at all\n", count: 1000)] {
      try? files.remove(path)
      try files.create(path, Array(text.utf8))
      let error = #expect(throws: OnlineStoreError.self) { try SQLiteOnlineStore(path: path) }
      #expect(error?.code == "online.damaged")
      #expect(error?.isRetryable == false)
      #expect(error?.description.contains(path) == true)
      #expect(error?.description.contains("millrace features materialize") == true)
      #expect(try files.read(path) == Array(text.utf8))
    }
  }

  @Test("says of a folder, and of a place that is not there, that they do not answer")
  func nowhere() throws {
    for path in [folder.path, folder.path("no/such/folder/online.sqlite")] {
      let error = #expect(throws: OnlineStoreError.self) { try SQLiteOnlineStore(path: path) }
      #expect(error?.code == "online.unavailable", "\(path): \(String(describing: error))")
    }
  }

  @Test("makes an empty file a store")
  func emptyFile() async throws {
    try LocalFileSystem().create(path, [])
    let store = try SQLiteOnlineStore(path: path)
    #expect(try await store.state(of: table) == nil)
    #expect(try await store.write([.sample([1])], to: table, as: .newest(generation: nil)) == 1)
  }

  @Test("reads a file that was cut short rightly or says that it is damaged")
  func truncated() async throws {
    try await fill(4000)
    let files = LocalFileSystem()
    let whole = try files.read(path)
    #expect(whole.count > 50_000)
    var damaged = 0
    for share in 1..<12 {
      try Self.removeAll(path)
      try files.create(path, Array(whole.prefix(whole.count * share / 12)))
      damaged += try await look("cut to \(share)/12")
    }
    for count in [99, 511, 512, 4095, 4096, 8192] {
      try Self.removeAll(path)
      try files.create(path, Array(whole.prefix(count)))
      damaged += try await look("cut to \(count) bytes")
    }
    #expect(damaged == 17)
  }

  @Test("reads a file with a page of noise rightly or says that it is damaged")
  func noise() async throws {
    try await fill(4000)
    let files = LocalFileSystem()
    let whole = try files.read(path)
    let pages = whole.count / 4096
    var damaged = 0
    for seed in UInt64(0)..<12 {
      var chance = Chance(seed)
      let page = seed == 0 ? 0 : Int.random(in: 1..<pages, using: &chance)
      var bytes = whole
      for index in page * 4096..<(page + 1) * 4096 {
        bytes[index] = UInt8.random(in: 0...255, using: &chance)
      }
      try Self.removeAll(path)
      try files.create(path, bytes)
      damaged += try await look("seed \(seed), page \(page)")
    }
    #expect(damaged > 6)
  }

  /// Reads all that is in the file.
  ///
  /// - Returns: 1 where the damage was found.
  private func look(_ what: String) async throws -> Int {
    let rows = Self.rows(0..<4000)
    do {
      let store = try SQLiteOnlineStore(path: path, busyTimeout: .milliseconds(50))
      _ = try await store.state(of: table)
      let found = try await store.read(rows.map(\.key), of: table)
      _ = try await store.sample(10, of: table)
      _ = try await store.count(of: table)
      for (row, expected) in zip(found, rows) where row != expected {
        Issue.record("\(what): another row is read, and nothing said")
        break
      }
      return 0
    } catch let error as OnlineStoreError {
      #expect(error.code == "online.damaged", "\(what): \(error)")
      return 1
    }
  }

  private static func removeAll(_ path: String) throws {
    for end in ["", "-wal", "-shm"] { try? LocalFileSystem().remove(path + end) }
  }
}
