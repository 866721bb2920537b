// SPDX-License-Identifier: Apache-2.0

internal import CDuckDB

#if canImport(Darwin)
  internal import Darwin
#elseif canImport(Glibc)
  internal import Glibc
#endif

/// A prepared statement and the parameters bound to it so far.
public struct Statement: ~Copyable {
  let raw: duckdb_prepared_statement
  let source: SQLStatement
  let handle: ConnectionHandle

  init(preparing source: SQLStatement, on handle: ConnectionHandle) throws(DuckDBError) {
    var raw: duckdb_prepared_statement?
    let state = duckdb_prepare(handle.raw, source.text, &raw)
    try self.init(raw, state, source: source, on: handle)
  }

  init(
    preparing index: Int,
    of extracted: duckdb_extracted_statements?,
    text source: SQLStatement,
    on handle: ConnectionHandle
  ) throws(DuckDBError) {
    guard let extracted else {
      throw DuckDBError(kind: .internal, message: "DuckDB gave no statements")
    }
    var raw: duckdb_prepared_statement?
    let state = duckdb_prepare_extracted_statement(handle.raw, extracted, idx_t(index), &raw)
    try self.init(raw, state, source: source, on: handle)
  }

  private init(
    _ raw: duckdb_prepared_statement?,
    _ state: duckdb_state,
    source: SQLStatement,
    on handle: ConnectionHandle
  ) throws(DuckDBError) {
    guard state == DuckDBSuccess, let raw else {
      var raw = raw
      defer { duckdb_destroy_prepare(&raw) }
      guard let prepared = raw, let message = duckdb_prepare_error(prepared) else {
        throw DuckDBError(kind: .internal, message: "DuckDB prepared nothing and said nothing")
      }
      throw DuckDBError(message: String(cString: message), statement: source)
    }
    self.raw = raw
    self.source = source
    self.handle = handle
  }

  deinit {
    var raw: duckdb_prepared_statement? = raw
    duckdb_destroy_prepare(&raw)
  }

  /// How many parameters the statement takes.
  public var parameterCount: Int { Int(duckdb_nparams(raw)) }

  /// The names of the parameters in the order of their numbers; `?` and `$1` are named by number.
  public var parameterNames: [String] {
    (0..<parameterCount).map { index in
      guard let name = duckdb_parameter_name(raw, idx_t(index + 1)) else { return "\(index + 1)" }
      defer { duckdb_free(UnsafeMutablePointer(mutating: name)) }
      return String(cString: name)
    }
  }

  /// The columns of the rows to come; empty as long as their types hang on unbound parameters.
  public var columns: [QueryResult.Column] {
    (0..<duckdb_prepared_statement_column_count(raw)).compactMap { index in
      let name = duckdb_prepared_statement_column_name(raw, index)
      defer { duckdb_free(UnsafeMutablePointer(mutating: name)) }
      let type = duckdb_prepared_statement_column_logical_type(raw, index)
      guard let name, type != nil else { return nil }
      return QueryResult.Column(name: String(cString: name), taking: type)
    }
  }

  /// Runs the statement with the parameters bound now.
  ///
  /// - Throws: `interrupted` or `deadlineExceeded` when it was stopped; the connection stays
  ///   usable.
  public func execute(
    delivery: QueryResult.Delivery = .materialised,
    deadline: ContinuousClock.Instant? = nil
  ) throws(DuckDBError) -> QueryResult {
    let control = handle.control
    return try control.run(deadline: deadline) { () throws(DuckDBError) in
      var pending: duckdb_pending_result?
      let begun =
        switch delivery {
        case .materialised: duckdb_pending_prepared(raw, &pending)
        // Deprecated by the header since 1.0 and kept in 2.0, which has no other way to stream.
        case .streaming: duckdb_pending_prepared_streaming(raw, &pending)
        }
      defer { duckdb_destroy_pending(&pending) }
      guard begun == DuckDBSuccess, let started = pending else {
        let message = pending.flatMap { duckdb_pending_error($0) }.map { String(cString: $0) }
        throw DuckDBError(message: message ?? "Internal Error: nothing begun", statement: source)
      }
      // Beginning wiped out any interrupt that came earlier, so this is the time to look.
      try control.checkStopped()
      if delivery == .materialised { Self.work(on: started) }
      var result = duckdb_result()
      let state = duckdb_execute_pending(started, &result)
      return try QueryResult(
        taking: result,
        state: state,
        delivery: delivery,
        source: source,
        deadline: deadline,
        on: handle
      )
    }
  }

  /// Takes part in the work until there is a result.
  ///
  /// `duckdb_execute_pending` alone asks for a task all the time while the engine's other threads do the
  /// last ones, which costs a processor. So who finds none waits a little, and no longer than a part of
  /// what was waited already.
  private static func work(on pending: duckdb_pending_result) {
    var pause: UInt32 = 16
    var blocked = 0
    while true {
      let started = ContinuousClock.now
      switch duckdb_pending_execute_task(pending) {
      case DUCKDB_PENDING_RESULT_NOT_READY:
        pause = 16
        // A task that is blocked says not ready as well, at once, and so does a very small one.
        blocked = started.duration(to: .now) < .microseconds(4) ? blocked + 1 : 0
        if blocked > 64 { usleep(pause) }
      case DUCKDB_PENDING_NO_TASKS_AVAILABLE:
        usleep(pause)
        pause = min(pause * 2, 512)
      default: return
      }
    }
  }
}
