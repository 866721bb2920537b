// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import GRDB

extension Ledger {
  /// Writes down a run that begins; a second one of the same id is a `contradiction`.
  public func begin(_ run: RunRecord) async throws(LedgerError) {
    try await write { database in
      try insert(run, into: database, onConflict: "")
    }
  }

  /// Writes down how a run ended.
  ///
  /// - Throws: `unknownRun` if it never began.
  public func finish(
    runID: String,
    status: RunRecord.Status,
    error: RecordedError? = nil,
    at instant: Int64
  ) async throws(LedgerError) {
    let found = try await write { database in
      try database.execute(
        sql: """
          UPDATE run SET status = ?, error_code = ?, error_message = ?, ended_at = ? WHERE id = ?
          """,
        arguments: [status.rawValue, error?.code, error?.message, instant, runID]
      )
      return database.changesCount > 0
    }
    guard found else { throw .unknownRun(id: runID) }
  }

  /// Writes down one attempt at one dataset; told again, the later word counts.
  public func record(_ node: NodeRecord) async throws(LedgerError) {
    try await record(nodes: [node])
  }

  /// Writes down many attempts in one transaction.
  public func record(nodes: [NodeRecord]) async throws(LedgerError) {
    guard !nodes.isEmpty else { return }
    try await write { database in
      try upsert(nodes, into: database)
    }
  }

  /// The newest runs, newest first.
  public func runs(limit: Int) async throws(LedgerError) -> [RunRecord] {
    try await read { database in
      let rows = try Row.fetchAll(
        database,
        sql: "SELECT * FROM run ORDER BY started_at DESC, id DESC LIMIT ?",
        arguments: [max(0, limit)]
      )
      return try rows.map { try RunRecord(RecordReader(row: $0)) }
    }
  }

  /// One run with all that it did; nil if there is no such run.
  public func run(id: String) async throws(LedgerError) -> RunHistory? {
    try await read { database in
      guard
        let row = try Row.fetchOne(database, sql: "SELECT * FROM run WHERE id = ?", arguments: [id])
      else { return nil }
      let nodes = try Row.fetchAll(
        database,
        sql: "SELECT * FROM node WHERE run_id = ? ORDER BY started_at, dataset, attempt",
        arguments: [id]
      )
      return RunHistory(
        run: try RunRecord(RecordReader(row: row)),
        nodes: try nodes.map { try NodeRecord(RecordReader(row: $0)) }
      )
    }
  }

  /// The newest attempt at a dataset, of one status or of any; nil if there was none.
  public func latestNode(
    dataset: String,
    status: NodeRecord.Status? = nil
  ) async throws(LedgerError) -> NodeRecord? {
    try await read { database in
      let row = try Row.fetchOne(
        database,
        sql: """
          SELECT * FROM node WHERE dataset = ?1 AND (?2 IS NULL OR status = ?2)
          ORDER BY started_at DESC, run_id DESC, attempt DESC LIMIT 1
          """,
        arguments: [dataset, status?.rawValue]
      )
      return try row.map { try NodeRecord(RecordReader(row: $0)) }
    }
  }

  /// Marks as interrupted what a dead process left as running.
  ///
  /// Call it while holding the run lock: then no other run can be alive.
  ///
  /// - Returns: The ids of those runs, oldest first.
  @discardableResult
  public func markInterruptedRuns(
    except id: String? = nil,
    at instant: Int64
  ) async throws(LedgerError) -> [String] {
    try await write { database in
      let ids = try String.fetchAll(
        database,
        sql: """
          SELECT id FROM run WHERE status = 'running' AND (?1 IS NULL OR id <> ?1)
          ORDER BY started_at, id
          """,
        arguments: [id]
      )
      for id in ids {
        try database.execute(
          sql: "UPDATE run SET status = 'interrupted', ended_at = ? WHERE id = ?",
          arguments: [instant, id]
        )
      }
      return ids
    }
  }
}

// MARK: - Rows

/// Adds a run; `onConflict` is the clause for an id that is there already.
func insert(_ run: RunRecord, into database: Database, onConflict clause: String) throws {
  let selectors = String(decoding: try JSONEncoder().encode(run.selectors), as: UTF8.self)
  try database.execute(
    sql: """
      INSERT INTO run (id, started_at, ended_at, status, selectors, millrace_version,
        error_code, error_message)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?) \(clause)
      """,
    arguments: [
      run.id, run.startedAt, run.endedAt, run.status.rawValue, selectors, run.millraceVersion,
      run.error?.code, run.error?.message,
    ]
  )
}

/// Adds nodes, or replaces those of the same run, dataset and attempt.
func upsert(_ nodes: [NodeRecord], into database: Database) throws {
  let statement = try database.makeStatement(
    sql: """
      INSERT INTO node (run_id, dataset, attempt, status, reason, started_at, ended_at,
        table_version, account, error_code, error_message, cpu_microseconds, bytes_read)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (run_id, dataset, attempt) DO UPDATE SET
        status = excluded.status, reason = excluded.reason, started_at = excluded.started_at,
        ended_at = excluded.ended_at, table_version = excluded.table_version,
        account = excluded.account, error_code = excluded.error_code,
        error_message = excluded.error_message, cpu_microseconds = excluded.cpu_microseconds,
        bytes_read = excluded.bytes_read
      """
  )
  for node in nodes {
    try statement.execute(arguments: [
      node.runID, node.dataset, node.attempt, node.status.rawValue, node.reason, node.startedAt,
      node.endedAt, node.tableVersion, node.account, node.errorCode, node.errorMessage,
      node.cpuMicroseconds, node.bytesRead,
    ])
  }
}

extension RunRecord {
  init(_ reader: RecordReader) throws {
    guard
      let selectors = try? JSONDecoder().decode(
        [String].self,
        from: Data(try reader.text("selectors").utf8)
      )
    else { throw RecordReader.Mismatch(column: "selectors", expected: "list of texts") }
    self.init(
      id: try reader.text("id"),
      startedAt: try reader.integer("started_at"),
      endedAt: try reader.optionalInteger("ended_at"),
      status: try reader.choice("status"),
      selectors: selectors,
      millraceVersion: try reader.text("millrace_version"),
      error: try reader.optionalText("error_code").map {
        RecordedError(code: $0, message: try reader.optionalText("error_message") ?? "")
      }
    )
  }
}

extension NodeRecord {
  init(_ reader: RecordReader) throws {
    self.init(
      runID: try reader.text("run_id"),
      dataset: try reader.text("dataset"),
      attempt: Int(try reader.integer("attempt")),
      status: try reader.choice("status"),
      reason: try reader.text("reason"),
      startedAt: try reader.integer("started_at"),
      endedAt: try reader.optionalInteger("ended_at"),
      tableVersion: try reader.optionalInteger("table_version"),
      account: try reader.text("account"),
      errorCode: try reader.optionalText("error_code"),
      errorMessage: try reader.optionalText("error_message"),
      cpuMicroseconds: try reader.optionalInteger("cpu_microseconds"),
      bytesRead: try reader.optionalInteger("bytes_read")
    )
  }
}
