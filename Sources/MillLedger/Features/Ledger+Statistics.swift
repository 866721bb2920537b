// SPDX-License-Identifier: Apache-2.0

internal import GRDB

extension Ledger {
  /// Of each view and definition so many statistics are kept, the newest ones.
  public static let statisticsKept = 30

  /// Writes down what was counted of a view, and forgets what is older than the newest
  /// ``statisticsKept`` of its definition.
  public func record(_ statistics: StatisticsRecord) async throws(LedgerError) {
    try await write { database in
      try database.execute(
        sql: """
          INSERT INTO feature_statistics (view, hash, sequence, as_of, recorded_at, statistics)
          SELECT ?1, ?2, coalesce(max(sequence), 0) + 1, ?3, ?4, ?5 FROM feature_statistics
          WHERE view = ?1 AND hash = ?2
          """,
        arguments: [
          statistics.view, statistics.hash, statistics.asOf, statistics.recordedAt,
          statistics.statistics,
        ]
      )
      try database.execute(
        sql: """
          DELETE FROM feature_statistics WHERE view = ?1 AND hash = ?2 AND sequence <= (
            SELECT max(sequence) FROM feature_statistics WHERE view = ?1 AND hash = ?2) - ?3
          """,
        arguments: [statistics.view, statistics.hash, Self.statisticsKept]
      )
    }
  }

  /// What was counted of a view in one definition or in all, the newest first.
  public func statistics(
    view: String,
    hash: String? = nil,
    limit: Int = Ledger.statisticsKept
  ) async throws(LedgerError) -> [StatisticsRecord] {
    try await read { database in
      let rows = try Row.fetchAll(
        database,
        sql: """
          SELECT * FROM feature_statistics WHERE view = ?1 AND (?2 IS NULL OR hash = ?2)
          ORDER BY recorded_at DESC, sequence DESC, hash LIMIT ?3
          """,
        arguments: [view, hash, max(0, limit)]
      )
      return try rows.map { row in
        let reader = RecordReader(row: row)
        return StatisticsRecord(
          view: try reader.text("view"),
          hash: try reader.text("hash"),
          asOf: try reader.integer("as_of"),
          recordedAt: try reader.integer("recorded_at"),
          statistics: try reader.text("statistics")
        )
      }
    }
  }
}
