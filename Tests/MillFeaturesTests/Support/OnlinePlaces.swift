// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillFeatures
import MillSQLite
import MillTesting
import Testing

/// A kind of online store that the conformance suite is run for.
struct OnlineStoreKind: Sendable, CustomTestStringConvertible {
  /// Opens the same place each time; the place goes when nobody holds the function.
  typealias Opening = @Sendable () throws -> any OnlineStore

  let testDescription: String
  /// Makes a new place with nothing in it.
  let place: @Sendable () throws -> Opening

  static let sqlite = OnlineStoreKind(testDescription: "SQLite") {
    let folder = try TemporaryFolder("online")
    // A store whose folder is gone takes nothing: it must not go before the store.
    return {
      SteeredOnlineStore(
        try SQLiteOnlineStore(path: folder.path("online.sqlite")),
        holding: folder
      )
    }
  }

  /// In the one server of this run; a place is a prefix of keys.
  static let redis = OnlineStoreKind(testDescription: "Redis") {
    let server = try RedisServer.shared()
    let prefix = RedisServer.makePrefix()
    return { server.store(prefix: prefix) }
  }

  /// Another adapter is added here and passes the same suite.
  static let all = [sqlite] + (RedisServer.isInstalled ? [redis] : [])
}

extension OnlineTable {
  /// A table of a view in a definition that is told apart by one letter.
  static func sample(
    _ view: String = "spend",
    hash: Character = "a",
    keeping content: Content = .latest
  ) -> OnlineTable {
    OnlineTable(view: view, hash: String(repeating: hash, count: 64), content: content)
  }
}

extension OnlineRow {
  /// A row of few words; its payload says which it is.
  static func sample(
    _ key: [UInt8],
    t: Int64 = 0,
    k: Int64 = 0,
    id: [UInt8] = [],
    _ mark: UInt8 = 0
  ) -> OnlineRow {
    OnlineRow(
      key: key,
      version: RowVersion(
        time: Instant(microseconds: t),
        knowledge: Instant(microseconds: k),
        id: id
      ),
      payload: [mark]
    )
  }
}

/// What an online store promises, as a dictionary.
struct OnlineModel {
  struct Held: Equatable {
    var row: OnlineRow
    /// Nil for a row that was pushed.
    var generation: Int64?
  }

  private(set) var rows: [[UInt8]: Held] = [:]

  /// - Returns: How many rows are new, or newer than what was there.
  mutating func write(_ batch: [OnlineRow], as write: OnlineWrite) -> Int {
    var newer = 0
    for row in batch {
      let old = rows[row.key]
      let isNewer = old.map { $0.row.version < row.version } ?? true
      newer += isNewer ? 1 : 0
      switch write {
      case .newest(let generation):
        // What a later pass has begun to write stays of that pass.
        let kept = generation.map { max($0, (old?.generation ?? nil) ?? $0) }
        if isNewer { rows[row.key] = Held(row: row, generation: kept) }
      case .pass(let generation):
        let isReplaced = old.map { old in old.generation.map { $0 <= generation } ?? isNewer }
        if isReplaced ?? true {
          rows[row.key] = Held(row: row, generation: generation)
        }
      }
    }
    return newer
  }

  /// - Returns: How many rows went.
  mutating func finish(_ generation: Int64) -> Int {
    let before = rows.count
    rows = rows.filter { _, held in held.generation.map { $0 >= generation } ?? true }
    return before - rows.count
  }
}

/// A store that breaks down at a call of its own choice, as a process that is killed does.
struct BreakingOnlineStore: OnlineStore {
  /// What comes no further.
  enum Point: Sendable {
    case finish
    case record
    case write(after: Int)
  }

  struct Broken: Error {}

  let base: any OnlineStore
  let point: Point

  func write(
    _ rows: [OnlineRow],
    to table: OnlineTable,
    as write: OnlineWrite
  ) async throws -> Int {
    guard case .write(let count) = point else {
      return try await base.write(rows, to: table, as: write)
    }
    _ = try await base.write(Array(rows.prefix(count)), to: table, as: write)
    throw Broken()
  }

  func begin(_ table: OnlineTable) async throws -> Int64 { try await base.begin(table) }

  func read(_ keys: [[UInt8]], of table: OnlineTable) async throws -> [OnlineRow?] {
    try await base.read(keys, of: table)
  }

  func finish(
    _ state: MaterializationState,
    of table: OnlineTable,
    rest: OnlineRest
  ) async throws -> Int {
    if case .finish = point { throw Broken() }
    return try await base.finish(state, of: table, rest: rest)
  }

  func record(_ state: MaterializationState, of table: OnlineTable) async throws {
    if case .record = point { throw Broken() }
    try await base.record(state, of: table)
  }

  func lastPass(of table: OnlineTable) async throws -> Int64 {
    try await base.lastPass(of: table)
  }

  func state(of table: OnlineTable) async throws -> MaterializationState? {
    try await base.state(of: table)
  }

  func changes(of tables: [OnlineTable]) async throws -> [Int64] {
    try await base.changes(of: tables)
  }

  func sample(_ count: Int, of table: OnlineTable) async throws -> [[UInt8]] {
    try await base.sample(count, of: table)
  }

  func count(of table: OnlineTable) async throws -> Int { try await base.count(of: table) }
}
