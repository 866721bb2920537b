// SPDX-License-Identifier: Apache-2.0

internal import GRDB
internal import GRDBSQLite
internal import MillCore
internal import MillFeatures

/// A prepared statement that takes and gives bytes without a copy in between.
///
/// GRDB makes a value of each cell, which costs more than what SQLite does with a row. The statement is
/// GRDB's all the same: prepared once, and used within one of its transactions.
struct RowStatement {
  /// Keeps what the pointer leads to.
  private let owner: Statement
  private let database: Database

  private var statement: OpaquePointer { owner.sqliteStatement }

  init(_ sql: String, _ database: Database) throws {
    self.database = database
    owner = try database.cachedStatement(sql: sql)
  }

  func bind(_ number: Int64, at index: Int32) throws {
    try check(sqlite3_bind_int64(statement, index, number))
  }

  /// The bytes are not copied: they have to stay where they are until ``run()``.
  func bind(_ bytes: UnsafeRawBufferPointer, at index: Int32) throws {
    // Of no bytes there is no address, and that would be a null.
    guard let start = bytes.baseAddress else {
      return try check(sqlite3_bind_zeroblob(statement, index, 0))
    }
    try check(sqlite3_bind_blob64(statement, index, start, UInt64(bytes.count), nil))
  }

  /// Runs the statement to its end.
  ///
  /// - Returns: How many rows it changed.
  func run() throws -> Int {
    defer { sqlite3_reset(statement) }
    let code = sqlite3_step(statement)
    guard code == SQLITE_DONE else { throw error(code) }
    return Int(sqlite3_changes64(database.sqliteConnection))
  }

  /// Runs the statement and hands out its first row, if it has one.
  func first<Value>(_ body: (borrowing Cells) throws -> Value) throws -> Value? {
    defer { sqlite3_reset(statement) }
    let code = sqlite3_step(statement)
    if code == SQLITE_DONE { return nil }
    guard code == SQLITE_ROW else { throw error(code) }
    return try body(Cells(statement: statement))
  }

  /// The cells of a row while the statement stands on it.
  struct Cells: ~Copyable {
    fileprivate let statement: OpaquePointer

    /// A whole number; nil for a cell that is none.
    func integer(_ column: Int32) -> Int64? {
      guard sqlite3_column_type(statement, column) == SQLITE_INTEGER else { return nil }
      return sqlite3_column_int64(statement, column)
    }

    /// Bytes; nil for a cell that is none.
    func bytes(_ column: Int32) -> [UInt8]? {
      guard sqlite3_column_type(statement, column) == SQLITE_BLOB else { return nil }
      let count = Int(sqlite3_column_bytes(statement, column))
      return Array(
        UnsafeRawBufferPointer(start: sqlite3_column_blob(statement, column), count: count)
      )
    }
  }

  private func check(_ code: Int32) throws {
    guard code == SQLITE_OK else { throw error(code) }
  }

  private func error(_ code: Int32) -> DatabaseError {
    DatabaseError(
      resultCode: ResultCode(rawValue: code),
      message: sqlite3_errmsg(database.sqliteConnection).map { String(cString: $0) }
    )
  }
}

extension RowStatement {
  /// Runs a statement whose parameters are key, t, k, id, payload and generation.
  func run(_ row: OnlineRow, _ generation: Int64) throws -> Int {
    try row.key.withUnsafeBytes { key in
      try row.version.id.withUnsafeBytes { id in
        try row.payload.withUnsafeBytes { payload in
          try bind(key, at: 1)
          try bind(row.version.time.microseconds, at: 2)
          try bind(row.version.knowledge.microseconds, at: 3)
          try bind(id, at: 4)
          try bind(payload, at: 5)
          try bind(generation, at: 6)
          return try run()
        }
      }
    }
  }
}
