// SPDX-License-Identifier: Apache-2.0

internal import MillCore

/// A connection with a thread of its own, for callers that await.
///
/// Calls are done one after another. Cancelling a task stops its own statement, running or waiting,
/// and no other.
///
/// ```swift
/// let session = try DuckDBSession(database: Database())
/// let rows = try await session.rows("SELECT 1::BIGINT")  // [[.int(1)]]
/// ```
public actor DuckDBSession {
  private let executor: BlockingExecutor
  private let connection: Connection

  /// A handle to stop or watch the running statement.
  public nonisolated let interrupter: Interrupter

  /// The thread that all calls run on.
  public nonisolated var unownedExecutor: UnownedSerialExecutor {
    executor.asUnownedSerialExecutor()
  }

  /// Opens a connection; its thread starts with the first call.
  public init(database: Database, name: String = "duckdb") throws(DuckDBError) {
    let connection = try database.connect()
    interrupter = connection.interrupter
    self.connection = connection
    executor = BlockingExecutor(name: name)
  }

  /// Stops the running statement, whoever asked for it.
  public nonisolated func interrupt() { interrupter.interrupt() }

  /// How far the running statement is; see ``Connection/trackProgress()``.
  public nonisolated var progress: QueryProgress? { interrupter.progress }

  /// Runs the statements of a text and returns how many rows the last one changed.
  @discardableResult
  public func execute(
    _ sql: String,
    deadline: ContinuousClock.Instant? = nil
  ) async throws(DuckDBError) -> Int {
    try await withConnection { (connection) throws(DuckDBError) in
      try connection.execute(sql, deadline: deadline)
    }
  }

  /// Runs one statement and returns its rows.
  public func rows(
    _ sql: String,
    _ parameters: [Value] = [],
    deadline: ContinuousClock.Instant? = nil
  ) async throws(DuckDBError) -> [[Value]] {
    try await withConnection { (connection) throws(DuckDBError) in
      try connection.query(sql, parameters, deadline: deadline).rows()
    }
  }

  /// Lends the connection to blocking work on the session's thread.
  ///
  /// Cancelling the task, or ``interrupt()``, makes this and every later call inside of the closure
  /// throw `interrupted`.
  public func withConnection<Result: Sendable>(
    _ body: sending (borrowing Connection) throws(DuckDBError) -> Result
  ) async throws(DuckDBError) -> Result {
    let operation = Operation()
    let control = interrupter.control
    let outcome = await withTaskCancellationHandler {
      () -> Swift.Result<Result, DuckDBError> in
      do throws(DuckDBError) {
        let value = try control.run(operation) { () throws(DuckDBError) in try body(connection) }
        return .success(value)
      } catch {
        return .failure(error)
      }
    } onCancel: {
      control.stop(operation, because: .interrupted)
    }
    return try outcome.get()
  }
}
