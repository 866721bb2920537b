// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import GRDB
internal import MillCore
public import MillFeatures

/// An online store in one SQLite file: the embedded default.
///
/// Each view has a table with one packed row for each key. Readers go on while one writer writes; a
/// write is one transaction. Several processes may use the file.
///
/// ```swift
/// let store = try SQLiteOnlineStore(path: ".millrace/online.sqlite")
/// ```
public final class SQLiteOnlineStore: OnlineStore {
  /// Where the file is.
  public let path: String
  private let pool: DatabasePool

  /// Opens the file, or makes it.
  ///
  /// This blocks; all else suspends.
  ///
  /// - Throws: `OnlineStoreError.damaged` for a file that is no such store.
  public init(path: String, busyTimeout: Duration = .seconds(5)) throws(OnlineStoreError) {
    self.path = path
    do {
      var configuration = Configuration()
      configuration.label = "millrace.online"
      configuration.busyMode = .timeout(busyTimeout / .seconds(1))
      configuration.prepareDatabase { database in
        // A power cut may take the last transactions, never a part of one; a pass is repeated then.
        try database.execute(sql: "PRAGMA synchronous = NORMAL")
      }
      pool = try DatabasePool(path: path, configuration: configuration)
      // Whoever only reads need not wait for a writer.
      guard try !pool.read({ try $0.tableExists("online_pass") }) else { return }
      try pool.write { database in
        try database.execute(
          sql: """
            CREATE TABLE IF NOT EXISTS online_state (
              name TEXT NOT NULL PRIMARY KEY,
              tables TEXT NOT NULL,
              as_of INTEGER NOT NULL,
              generation INTEGER NOT NULL,
              pending INTEGER NOT NULL
            ) STRICT, WITHOUT ROWID;
            CREATE TABLE IF NOT EXISTS online_pass (
              name TEXT NOT NULL PRIMARY KEY,
              number INTEGER NOT NULL
            ) STRICT, WITHOUT ROWID;
            """
        )
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
    return try await self.write { database in
      try Self.create(name, database)
      let statement = try database.cachedStatement(
        sql: """
          INSERT INTO \(name) (key, t, k, id, generation, payload) VALUES (?, ?, ?, ?, ?, ?)
          ON CONFLICT (key) DO UPDATE SET t = excluded.t, k = excluded.k, id = excluded.id,
            generation = max(generation, excluded.generation), payload = excluded.payload
          WHERE \(condition)
          """
      )
      var changed = 0
      for row in rows {
        try statement.execute(arguments: [
          Data(row.key), row.version.time.microseconds, row.version.knowledge.microseconds,
          Data(row.version.id), generation, Data(row.payload),
        ])
        changed += database.changesCount
      }
      return changed
    }
  }

  /// The rows of keys; see ``OnlineStore``.
  public func read(_ keys: [[UInt8]], of table: OnlineTable) async throws -> [OnlineRow?] {
    let name = Self.name(of: table)
    return try await read { database in
      guard try Self.exists(name, database) else { return keys.map { _ in nil } }
      let statement = try database.cachedStatement(
        sql: "SELECT t, k, id, payload FROM \(name) WHERE key = ?"
      )
      return try keys.map { key in
        guard let row = try Row.fetchOne(statement, arguments: [Data(key)]) else { return nil }
        let id: Data = row[2]
        let payload: Data = row[3]
        return OnlineRow(
          key: key,
          version: RowVersion(
            time: Instant(microseconds: row[0]),
            knowledge: Instant(microseconds: row[1]),
            id: Array(id)
          ),
          payload: Array(payload)
        )
      }
    }
  }

  /// Ends a pass; see ``OnlineStore``.
  public func finish(
    _ state: MaterializationState,
    of table: OnlineTable
  ) async throws -> Int {
    let name = Self.name(of: table)
    let path = path
    return try await write { database in
      if let last = try Self.generation(of: table, database), last > state.generation {
        throw OnlineStoreError.superseded(store: path, table: table.description)
      }
      try Self.create(name, database)
      try database.execute(
        sql: "DELETE FROM \(name) WHERE generation >= 0 AND generation < ?",
        arguments: [state.generation]
      )
      let gone = database.changesCount
      try Self.record(state, table, database)
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
    }
  }

  /// How far a view was brought in; see ``OnlineStore``.
  public func state(of table: OnlineTable) async throws -> MaterializationState? {
    let path = path
    return try await read { database in
      let row = try Row.fetchOne(
        database,
        sql: "SELECT tables, as_of, generation, pending FROM online_state WHERE name = ?",
        arguments: [table.description]
      )
      guard let row else { return nil }
      let text: String = row[0]
      guard let object = (try? JSONValue(parsing: text))?.object else {
        throw OnlineStoreError.damaged(store: path, detail: "the state of \(table) is no JSON")
      }
      var tables: [String: Int64] = [:]
      for (name, version) in object { tables[name] = version.integer }
      return MaterializationState(
        tables: tables,
        asOf: Instant(microseconds: row[1]),
        generation: row[2],
        pending: row[3]
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
        INSERT INTO online_state (name, tables, as_of, generation, pending)
        VALUES (?, ?, ?, ?, ?)
        ON CONFLICT (name) DO UPDATE SET tables = excluded.tables, as_of = excluded.as_of,
          generation = excluded.generation, pending = excluded.pending
        """,
      arguments: [
        table.description, JSONValue.object(tables).serialized(), state.asOf.microseconds,
        state.generation, state.pending,
      ]
    )
  }

  /// Views are words, and hashes hexadecimal digits: quoting is for keywords and other scripts.
  private static func name(of table: OnlineTable) -> String {
    "\"online_" + table.description.split(separator: "\"").joined(separator: "\"\"") + "\""
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
    try database.tableExists(
      name.dropFirst().dropLast().split(separator: "\"\"").joined(separator: "\"")
    )
  }

  private func write<Value: Sendable>(
    _ body: @escaping @Sendable (Database) throws -> Value
  ) async throws -> Value {
    do {
      return try await pool.write(body)
    } catch {
      throw Self.explain(error, path)
    }
  }

  private func read<Value: Sendable>(
    _ body: @escaping @Sendable (Database) throws -> Value
  ) async throws -> Value {
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
    case .SQLITE_CORRUPT, .SQLITE_NOTADB:
      return .damaged(store: path, detail: error.message ?? "the file is no database")
    default:
      return .unavailable(store: path, detail: error.message ?? "\(error.resultCode)")
    }
  }
}
