// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import GRDB
internal import MillCore
public import MillFeatures
internal import Synchronization

/// An online store in one SQLite file: the embedded default.
///
/// Each view has a table with one packed row for each key. Readers go on while one writer writes; a
/// write is one transaction. Several processes may use the file, and one of them may remove it and make
/// it anew: the others then go on with the new one.
///
/// ```swift
/// let store = try SQLiteOnlineStore(path: ".millrace/online.sqlite")
/// ```
public final class SQLiteOnlineStore: OnlineStore {
  /// Where the file is.
  public let path: String
  private let busyTimeout: Duration
  private let opened: Mutex<Opened>
  private let files = BlockingExecutor(name: "mill-online")

  private struct Opened: Sendable {
    var pool: DatabasePool
    /// Which file it is, whatever the path leads to later.
    var identity: String?
  }

  /// Opens the file, or makes it.
  ///
  /// This blocks; all else suspends.
  ///
  /// - Throws: `OnlineStoreError.damaged` for a file that is no such store.
  public init(path: String, busyTimeout: Duration = .seconds(5)) throws(OnlineStoreError) {
    self.path = path
    self.busyTimeout = busyTimeout
    do {
      opened = Mutex(try Self.open(path, busyTimeout))
    } catch {
      throw Self.explain(error, path)
    }
  }

  private static func open(_ path: String, _ busyTimeout: Duration) throws -> Opened {
    var configuration = Configuration()
    configuration.label = "millrace.online"
    configuration.busyMode = .timeout(busyTimeout / .seconds(1))
    configuration.prepareDatabase { database in
      // A power cut may take the last transactions, never a part of one; a pass is repeated then.
      try database.execute(sql: "PRAGMA synchronous = NORMAL")
    }
    let pool = try DatabasePool(path: path, configuration: configuration)
    let opened = Opened(pool: pool, identity: try LocalFileSystem().status(path)?.identity)
    // Whoever only reads need not wait for a writer.
    let isWhole = try pool.read { database in
      try database.tableExists("online_change")
        && database.columns(in: "online_state").contains { $0.name == "whole" }
    }
    guard !isWhole else { return opened }
    try pool.write { database in
      try database.execute(
        sql: """
          CREATE TABLE IF NOT EXISTS online_state (
            name TEXT NOT NULL PRIMARY KEY,
            tables TEXT NOT NULL,
            as_of INTEGER NOT NULL,
            generation INTEGER NOT NULL,
            pending INTEGER NOT NULL,
            whole INTEGER NOT NULL
          ) STRICT, WITHOUT ROWID;
          CREATE TABLE IF NOT EXISTS online_pass (
            name TEXT NOT NULL PRIMARY KEY,
            number INTEGER NOT NULL
          ) STRICT, WITHOUT ROWID;
          CREATE TABLE IF NOT EXISTS online_change (
            name TEXT NOT NULL PRIMARY KEY,
            number INTEGER NOT NULL
          ) STRICT, WITHOUT ROWID;
          """
      )
      // A file of before parts of a source were brought in: all keys are written at the next chance.
      if try !database.columns(in: "online_state").contains(where: { $0.name == "whole" }) {
        try database.execute(
          sql: "ALTER TABLE online_state ADD COLUMN whole INTEGER NOT NULL DEFAULT \(Int64.min)"
        )
      }
    }
    return opened
  }

  /// The file that the path leads to now.
  ///
  /// What is written to a file that was removed, nobody reads.
  private func current() async throws -> DatabasePool {
    do {
      return try await files.run { [self] in
        let identity = try LocalFileSystem().status(path)?.identity
        return try opened.withLock { opened in
          guard opened.identity != identity else { return opened.pool }
          let old = opened.pool
          opened = try Self.open(path, busyTimeout)
          // It is never closed: that would remove the log of the new file, which has its name.
          _ = Unmanaged.passRetained(old)
          return opened.pool
        }
      }
    } catch {
      throw Self.explain(error, path)
    }
  }

  /// Begins a pass; see ``OnlineStore``.
  public func begin(_ table: OnlineTable) async throws -> Int64 {
    try await write { database in
      try Int64.fetchOne(
        database,
        sql: """
          INSERT INTO online_pass (name, number) VALUES (?, 1)
          ON CONFLICT (name) DO UPDATE SET number = number + 1 RETURNING number
          """,
        arguments: [table.description]
      ) ?? 1
    }
  }

  /// Puts rows in; see ``OnlineStore``.
  public func write(
    _ rows: [OnlineRow],
    to table: OnlineTable,
    as write: OnlineWrite
  ) async throws -> Int {
    let name = Self.name(of: table)
    let generation: Int64
    let condition: String
    let isNewer = "(excluded.t, excluded.k, excluded.id) > (t, k, id)"
    switch write {
    case .newest(let pass):
      generation = pass ?? -1
      condition = isNewer
    case .pass(let pass):
      generation = pass
      condition =
        "(generation >= 0 AND generation <= excluded.generation) "
        + "OR (generation < 0 AND \(isNewer))"
    }
    // In the order of the table, neighbours are written together.
    let rows = rows.sorted { $0.key.lexicographicallyPrecedes($1.key) }
    return try await self.write { database in
      try Self.create(name, database)
      // Most rows are new, or are as they are: the one takes one look, the other two.
      let new = try RowStatement(
        """
        INSERT INTO \(name) (key, t, k, id, payload, generation) VALUES (?, ?, ?, ?, ?, ?)
        ON CONFLICT (key) DO NOTHING
        """,
        database
      )
      // A pass meets most rows as they are: they are marked as met, and are no change.
      let met = try RowStatement(
        """
        UPDATE \(name) SET generation = max(generation, ?6)
        WHERE key = ?1 AND t = ?2 AND k = ?3 AND id = ?4 AND payload = ?5 AND generation >= 0
        """,
        database
      )
      let other = try RowStatement(
        """
        INSERT INTO \(name) (key, t, k, id, payload, generation) VALUES (?, ?, ?, ?, ?, ?)
        ON CONFLICT (key) DO UPDATE SET t = excluded.t, k = excluded.k, id = excluded.id,
          payload = excluded.payload, generation = CASE WHEN excluded.generation < 0 THEN -1
            ELSE max(generation, excluded.generation) END
        WHERE \(condition)
        """,
        database
      )
      var changed = 0
      for row in rows {
        if try new.run(row, generation) > 0 {
          changed += 1
          continue
        }
        if generation >= 0, try met.run(row, generation) > 0 { continue }
        changed += try other.run(row, generation)
      }
      if changed > 0 { try Self.note(table, database) }
      return changed
    }
  }

  /// The rows of keys; see ``OnlineStore``.
  public func read(_ keys: [[UInt8]], of table: OnlineTable) async throws -> [OnlineRow?] {
    let name = Self.name(of: table)
    let path = path
    return try await read { database in
      guard try Self.exists(name, database) else { return keys.map { _ in nil } }
      let statement = try RowStatement(
        "SELECT t, k, id, payload FROM \(name) WHERE key = ?",
        database
      )
      return try keys.map { key in
        try key.withUnsafeBytes { bytes in
          try statement.bind(bytes, at: 1)
          return try statement.first { cells in
            guard let time = cells.integer(0), let knowledge = cells.integer(1),
              let id = cells.bytes(2), let payload = cells.bytes(3)
            else {
              throw OnlineStoreError.damaged(
                store: path,
                detail: "a row of \(table) has cells of another type"
              )
            }
            return OnlineRow(
              key: key,
              version: RowVersion(
                time: Instant(microseconds: time),
                knowledge: Instant(microseconds: knowledge),
                id: id
              ),
              payload: payload
            )
          }
        }
      }
    }
  }

  /// Ends a pass; see ``OnlineStore``.
  public func finish(
    _ state: MaterializationState,
    of table: OnlineTable,
    rest: OnlineRest
  ) async throws -> Int {
    let name = Self.name(of: table)
    let path = path
    return try await write { database in
      if let last = try Self.generation(of: table, database), last > state.generation {
        throw OnlineStoreError.superseded(store: path, table: table.description)
      }
      try Self.create(name, database)
      var gone = 0
      if rest == .goes {
        try database.execute(
          sql: "DELETE FROM \(name) WHERE generation >= 0 AND generation < ?",
          arguments: [state.generation]
        )
        gone = database.changesCount
      }
      try Self.record(state, table, database)
      try Self.note(table, database)
      return gone
    }
  }

  /// Says how far an addition went; see ``OnlineStore``.
  public func record(_ state: MaterializationState, of table: OnlineTable) async throws {
    let path = path
    try await write { database in
      guard try Self.generation(of: table, database) == state.generation else {
        throw OnlineStoreError.superseded(store: path, table: table.description)
      }
      try Self.record(state, table, database)
      try Self.note(table, database)
    }
  }

  /// The numbers of changes; see ``OnlineStore``.
  public func changes(of tables: [OnlineTable]) async throws -> [Int64] {
    // It is asked often, and by whoever keeps rows: a new file is seen here.
    _ = try await current()
    return try await read { database in
      let statement = try database.cachedStatement(
        sql: "SELECT number FROM online_change WHERE name = ?"
      )
      return try tables.map { table in
        try Int64.fetchOne(statement, arguments: [table.description]) ?? 0
      }
    }
  }

  /// The pass that was begun last; see ``OnlineStore``.
  public func lastPass(of table: OnlineTable) async throws -> Int64 {
    try await read { database in
      try Int64.fetchOne(
        database,
        sql: "SELECT number FROM online_pass WHERE name = ?",
        arguments: [table.description]
      ) ?? 0
    }
  }

  /// How far a view was brought in; see ``OnlineStore``.
  public func state(of table: OnlineTable) async throws -> MaterializationState? {
    let path = path
    _ = try await current()
    return try await read { database in
      let row = try Row.fetchOne(
        database,
        sql: "SELECT tables, as_of, generation, pending, whole FROM online_state WHERE name = ?",
        arguments: [table.description]
      )
      guard let row else { return nil }
      let text: String = try Self.cell(row, 0, path)
      guard let object = (try? JSONValue(parsing: text))?.object else {
        throw OnlineStoreError.damaged(store: path, detail: "the state of \(table) is no JSON")
      }
      var tables: [String: Int64] = [:]
      for (name, version) in object { tables[name] = version.integer }
      return MaterializationState(
        tables: tables,
        asOf: Instant(microseconds: try Self.cell(row, 1, path)),
        generation: try Self.cell(row, 2, path),
        pendingFrom: Self.moment(try Self.cell(row, 3, path)),
        wholeAsOf: Instant(microseconds: try Self.cell(row, 4, path))
      )
    }
  }

  /// Some keys, spread over all; see ``OnlineStore``.
  public func sample(_ count: Int, of table: OnlineTable) async throws -> [[UInt8]] {
    let name = Self.name(of: table)
    return try await read { database in
      guard count > 0, try Self.exists(name, database) else { return [] }
      let all = try Int.fetchOne(database, sql: "SELECT count(*) FROM \(name)") ?? 0
      let wanted = min(count, all)
      return try Data.fetchAll(
        database,
        sql: """
          SELECT key FROM (SELECT key, row_number() OVER (ORDER BY key) - 1 AS number FROM \(name))
          WHERE (number + 1) * ? / ? > number * ? / ?
          """,
        arguments: [wanted, max(1, all), wanted, max(1, all)]
      ).map { Array($0) }
    }
  }

  /// How many keys there are; see ``OnlineStore``.
  public func count(of table: OnlineTable) async throws -> Int {
    let name = Self.name(of: table)
    return try await read { database in
      guard try Self.exists(name, database) else { return 0 }
      return try Int.fetchOne(database, sql: "SELECT count(*) FROM \(name)") ?? 0
    }
  }

  // MARK: Steps

  /// Says that something of a table is another one now.
  ///
  /// Numbers begin anywhere, so that those of a file that was made anew are others.
  private static func note(_ table: OnlineTable, _ database: Database) throws {
    let statement = try database.cachedStatement(
      sql: """
        INSERT INTO online_change (name, number) VALUES (?, abs(random() / 4) + 1)
        ON CONFLICT (name) DO UPDATE SET number = number + 1
        """
    )
    try statement.execute(arguments: [table.description])
  }

  /// The pass that ended last.
  private static func generation(
    of table: OnlineTable,
    _ database: Database
  ) throws -> Int64? {
    try Int64.fetchOne(
      database,
      sql: "SELECT generation FROM online_state WHERE name = ?",
      arguments: [table.description]
    )
  }

  private static func record(
    _ state: MaterializationState,
    _ table: OnlineTable,
    _ database: Database
  ) throws {
    let tables = JSONObject(state.tables.sorted { $0.key < $1.key }.map { ($0, .int($1)) })
    try database.execute(
      sql: """
        INSERT INTO online_state (name, tables, as_of, generation, pending, whole)
        VALUES (?, ?, ?, ?, ?, ?)
        ON CONFLICT (name) DO UPDATE SET tables = excluded.tables, as_of = excluded.as_of,
          generation = excluded.generation, pending = excluded.pending, whole = excluded.whole
        """,
      arguments: [
        table.description, JSONValue.object(tables).serialized(), state.asOf.microseconds,
        state.generation, state.pendingFrom?.microseconds ?? .max, state.wholeAsOf.microseconds,
      ]
    )
  }

  /// The last moment of all stands for none.
  private static func moment(_ microseconds: Int64) -> Instant? {
    microseconds == .max ? nil : Instant(microseconds: microseconds)
  }

  /// A cell that another program may have written.
  private static func cell<Value: DatabaseValueConvertible>(
    _ row: Row,
    _ index: Int,
    _ path: String
  ) throws -> Value {
    let found: DatabaseValue = row[index]
    guard let value = Value.fromDatabaseValue(found) else {
      throw OnlineStoreError.damaged(
        store: path,
        detail: "the column \(index) of a row is no \(Value.self)"
      )
    }
    return value
  }

  /// SQLite takes names that differ in case for one: all but lower-case letters, digits and underscores
  /// is written in hexadecimal digits.
  private static func name(of table: OnlineTable) -> String {
    let encoded = table.description.utf8.map { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
        UInt8(ascii: "_"):
        String(UnicodeScalar(byte))
      default: "$" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
      }
    }
    return "\"online_\(encoded.joined())\""
  }

  private static func create(_ name: String, _ database: Database) throws {
    try database.execute(
      sql: """
        CREATE TABLE IF NOT EXISTS \(name) (
          key BLOB NOT NULL PRIMARY KEY,
          t INTEGER NOT NULL,
          k INTEGER NOT NULL,
          id BLOB NOT NULL,
          generation INTEGER NOT NULL,
          payload BLOB NOT NULL
        ) STRICT, WITHOUT ROWID
        """
    )
  }

  private static func exists(_ name: String, _ database: Database) throws -> Bool {
    try database.tableExists(String(name.dropFirst().dropLast()))
  }

  private func write<Value: Sendable>(
    _ body: @escaping @Sendable (Database) throws -> Value
  ) async throws -> Value {
    let pool = try await current()
    do {
      return try await pool.write(body)
    } catch {
      throw Self.explain(error, path)
    }
  }

  private func read<Value: Sendable>(
    _ body: @escaping @Sendable (Database) throws -> Value
  ) async throws -> Value {
    let pool = opened.withLock(\.pool)
    do {
      return try await pool.read(body)
    } catch {
      throw Self.explain(error, path)
    }
  }

  private static func explain(_ error: any Error, _ path: String) -> OnlineStoreError {
    if let error = error as? OnlineStoreError { return error }
    guard let error = error as? DatabaseError else {
      return .unavailable(store: path, detail: "\(error)")
    }
    switch error.resultCode {
    // A statement of ours that makes no sense meets tables of another shape.
    case .SQLITE_CORRUPT, .SQLITE_NOTADB, .SQLITE_ERROR:
      return .damaged(store: path, detail: error.message ?? "the file is no database")
    case .SQLITE_BUSY, .SQLITE_LOCKED:
      return .busy(
        store: path,
        detail: "another process writes to it (\(error.message ?? "locked")): try again"
      )
    case .SQLITE_FULL:
      return .full(store: path, detail: "the disk of its folder is full")
    // The memory that processes share lies in a file beside it, of which nothing else is ever refused.
    case .SQLITE_IOERR where error.extendedResultCode == .SQLITE_IOERR_SHMSIZE:
      return .full(store: path, detail: "the disk of its folder is full")
    default:
      return .unavailable(store: path, detail: error.message ?? "\(error.resultCode)")
    }
  }
}
