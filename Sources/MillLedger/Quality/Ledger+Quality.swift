// SPDX-License-Identifier: Apache-2.0

internal import GRDB

extension Ledger {
  /// Writes down verdicts in one transaction; told again, the later word counts.
  public func record(quality: [QualityRecord]) async throws(LedgerError) {
    guard !quality.isEmpty else { return }
    try await write { database in
      try upsert(quality, into: database)
    }
  }

  /// Verdicts, newest first, of one dataset, one run, or all.
  public func quality(
    dataset: String? = nil,
    runID: String? = nil,
    limit: Int
  ) async throws(LedgerError) -> [QualityRecord] {
    try await read { database in
      var conditions: [String] = []
      var arguments: StatementArguments = []
      if let dataset {
        conditions.append("dataset = ?")
        arguments += [dataset]
      }
      if let runID {
        conditions.append("run_id = ?")
        arguments += [runID]
      }
      arguments += [max(0, limit)]
      let condition = conditions.isEmpty ? "" : "WHERE " + conditions.joined(separator: " AND ")
      let rows = try Row.fetchAll(
        database,
        sql: """
          SELECT * FROM quality \(condition)
          ORDER BY recorded_at DESC, run_id DESC, dataset, rule LIMIT ?
          """,
        arguments: arguments
      )
      return try rows.map { try QualityRecord(RecordReader(row: $0)) }
    }
  }
}

/// Adds verdicts, or replaces those of the same run, dataset and rule.
func upsert(_ quality: [QualityRecord], into database: Database) throws {
  let statement = try database.makeStatement(
    sql: """
      INSERT INTO quality (run_id, dataset, rule, table_version, kind, severity, status,
        evaluated, violations, mostly, recorded_at)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (run_id, dataset, rule) DO UPDATE SET
        table_version = excluded.table_version, kind = excluded.kind,
        severity = excluded.severity, status = excluded.status, evaluated = excluded.evaluated,
        violations = excluded.violations, mostly = excluded.mostly,
        recorded_at = excluded.recorded_at
      """
  )
  for record in quality {
    try statement.execute(arguments: [
      record.runID, record.dataset, record.rule, record.tableVersion, record.kind,
      record.severity, record.status.rawValue, record.evaluated, record.violations,
      record.mostly, record.recordedAt,
    ])
  }
}

extension QualityRecord {
  init(_ reader: RecordReader) throws {
    self.init(
      runID: try reader.text("run_id"),
      dataset: try reader.text("dataset"),
      tableVersion: try reader.optionalInteger("table_version"),
      rule: try reader.text("rule"),
      kind: try reader.text("kind"),
      severity: try reader.text("severity"),
      status: try reader.choice("status"),
      evaluated: try reader.integer("evaluated"),
      violations: try reader.integer("violations"),
      mostly: try reader.optionalDouble("mostly"),
      recordedAt: try reader.integer("recorded_at")
    )
  }
}
