// SPDX-License-Identifier: Apache-2.0

internal import CDuckDB

/// The C connection, kept open by everything made from it.
final class ConnectionHandle {
  let raw: duckdb_connection
  let control: ConnectionControl
  private let database: Database

  init(_ raw: duckdb_connection, database: Database) {
    self.raw = raw
    nonisolated(unsafe) let shared = raw
    control = ConnectionControl(shared)
    self.database = database
  }

  deinit {
    control.close()
    var raw: duckdb_connection? = raw
    duckdb_disconnect(&raw)
  }
}

/// A connection to a database: one transaction and one statement at a time.
///
/// Every call blocks its thread, so use it from a thread of your own or through ``DuckDBSession``.
/// The connection closes when it and all statements, results and appenders made from it are gone.
public struct Connection: ~Copyable {
  let handle: ConnectionHandle

  /// A handle that other threads may use to stop the work here.
  public var interrupter: Interrupter { Interrupter(control: handle.control) }

  /// Runs the statements of a text one after another and drops their rows.
  ///
  /// - Returns: how many rows the last statement inserted, changed or deleted.
  /// - Throws: the first error; statements before it have been done, unless a transaction is open.
  ///   When the text does not parse, nothing is run.
  @discardableResult
  public func execute(
    _ sql: String,
    deadline: ContinuousClock.Instant? = nil
  ) throws(DuckDBError) -> Int {
    try handle.control.run(deadline: deadline) { () throws(DuckDBError) in
      var rowsChanged = 0
      try forEachStatement(of: sql) { (statement) throws(DuckDBError) in
        try handle.control.checkStopped()
        rowsChanged = try statement.execute().rowsChanged
      }
      return rowsChanged
    }
  }

  /// Runs one statement and returns its rows.
  ///
  /// ```swift
  /// let rows = try connection.query("SELECT 40 + ?", [.int(2)]).rows()  // [[.hugeint(42)]] or so
  /// ```
  /// - Throws: `invalidInput` for a text of several statements or parameters of a wrong number.
  public func query(
    _ sql: String,
    _ parameters: [Value] = [],
    delivery: QueryResult.Delivery = .materialised,
    deadline: ContinuousClock.Instant? = nil
  ) throws(DuckDBError) -> QueryResult {
    let statement = try prepare(sql)
    guard statement.parameterCount == parameters.count else {
      throw DuckDBError(
        kind: .invalidInput,
        message: """
          Invalid Input Error: the statement has \(statement.parameterCount) parameters, \
          \(parameters.count) were given
          """
      )
    }
    for (offset, value) in parameters.enumerated() {
      try statement.bind(value, at: .index(offset + 1))
    }
    return try statement.execute(delivery: delivery, deadline: deadline)
  }

  /// Parses and binds one statement for repeated use.
  public func prepare(_ sql: String) throws(DuckDBError) -> Statement {
    try sql.checkHasNoNUL()
    return try handle.control.run { () throws(DuckDBError) in
      // DuckDB shows a statement without the space and comments before it, yet counts the caret
      // from the text's beginning: so it is given the statement alone.
      let statements = SQLStatement.split(sql)
      let isAlone = statements.count == 1
      return try Statement(preparing: isAlone ? statements[0] : SQLStatement(sql), on: handle)
    }
  }

  /// Opens a fast way into a table; rows go in at ``Appender/close()`` at the latest.
  public func appender(
    table: String,
    schema: String? = nil,
    catalog: String? = nil
  ) throws(DuckDBError) -> Appender {
    try Appender(table: table, schema: schema, catalog: catalog, on: handle)
  }

  /// Makes ``Interrupter/progress`` tell something: DuckDB does not count unless asked to.
  public func trackProgress() throws(DuckDBError) {
    try execute(
      """
      SET enable_progress_bar = true; SET enable_progress_bar_print = false; \
      SET progress_bar_time = 0
      """
    )
  }

  /// How many statements a text holds, by DuckDB's own parser.
  public func statementCount(of sql: String) throws(DuckDBError) -> Int {
    try sql.checkHasNoNUL()
    var extracted: duckdb_extracted_statements?
    let count = try extract(sql, into: &extracted)
    duckdb_destroy_extracted(&extracted)
    return count
  }

  private func extract(
    _ sql: String,
    into extracted: inout duckdb_extracted_statements?
  ) throws(DuckDBError) -> Int {
    let count = duckdb_extract_statements(handle.raw, sql, &extracted)
    guard count == 0, let statements = extracted,
      let message = duckdb_extract_statements_error(statements)
    else { return Int(count) }
    let error = DuckDBError(message: String(cString: message), statement: SQLStatement(sql))
    duckdb_destroy_extracted(&extracted)
    throw error
  }

  /// Gives the statements one by one, each prepared only when those before it are done.
  ///
  /// A statement cut out by DuckDB has lost its text and so the place of its errors. It is
  /// therefore prepared from our own cut of the text, as long as both found the same number of
  /// statements.
  private func forEachStatement(
    of sql: String,
    _ body: (borrowing Statement) throws(DuckDBError) -> Void
  ) throws(DuckDBError) {
    try sql.checkHasNoNUL()
    var extracted: duckdb_extracted_statements?
    let count = try extract(sql, into: &extracted)
    defer { duckdb_destroy_extracted(&extracted) }
    let parts = SQLStatement.split(sql)
    for index in 0..<count {
      let statement =
        if parts.count == count {
          try Statement(preparing: parts[index], on: handle)
        } else {
          try Statement(preparing: index, of: extracted, text: SQLStatement(sql), on: handle)
        }
      try body(statement)
    }
  }
}
