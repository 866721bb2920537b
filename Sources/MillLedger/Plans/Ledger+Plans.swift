// SPDX-License-Identifier: Apache-2.0

internal import GRDB

extension Ledger {
  /// Writes down the bound plan of a dataset; earlier plans of other definitions are kept.
  public func record(_ plan: PlanRecord) async throws(LedgerError) {
    try await write { database in
      try database.execute(
        sql: """
          INSERT INTO plan (dataset, definition_hash, plan_json, sql_text, recorded_at)
          VALUES (?, ?, ?, ?, ?)
          ON CONFLICT (dataset, definition_hash) DO UPDATE SET
            plan_json = excluded.plan_json, sql_text = excluded.sql_text,
            recorded_at = excluded.recorded_at
          """,
        arguments: [
          plan.dataset, plan.definitionHash, plan.planJSON, plan.sqlText, plan.recordedAt,
        ]
      )
    }
  }

  /// The newest plan of a dataset; nil if it was never planned.
  public func plan(dataset: String) async throws(LedgerError) -> PlanRecord? {
    try await read { database in
      let row = try Row.fetchOne(
        database,
        sql: """
          SELECT * FROM plan WHERE dataset = ?
          ORDER BY recorded_at DESC, definition_hash LIMIT 1
          """,
        arguments: [dataset]
      )
      return try row.map { row in
        let reader = RecordReader(row: row)
        return PlanRecord(
          dataset: try reader.text("dataset"),
          definitionHash: try reader.text("definition_hash"),
          planJSON: try reader.text("plan_json"),
          sqlText: try reader.text("sql_text"),
          recordedAt: try reader.integer("recorded_at")
        )
      }
    }
  }
}
