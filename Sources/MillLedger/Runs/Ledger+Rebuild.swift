// SPDX-License-Identifier: Apache-2.0

internal import GRDB

extension Ledger {
  /// Forgets all history that the logs of the tables can tell again, in one transaction.
  ///
  /// Runs, nodes, verdicts, lineage and hashes of files go. Plans, versions of features and their
  /// statistics stay: no log holds them.
  public func eraseForRebuild() async throws(LedgerError) {
    try await write { database in
      for table in ["edge", "quality", "node", "run", "file_identity"] {
        try database.execute(sql: "DELETE FROM \(table)")
      }
    }
  }

  /// Puts back one run as the logs tell it, in one transaction.
  ///
  /// Doing it twice is the same as doing it once. Records already there are brought up to date,
  /// none is removed, so a run may be put back table by table.
  public func restore(
    run: RunRecord,
    nodes: [NodeRecord] = [],
    quality: [QualityRecord] = [],
    edges: [LineageEdge] = []
  ) async throws(LedgerError) {
    try await write { database in
      // Never INSERT OR REPLACE: it would delete the run first, and all its nodes with it.
      try insert(
        run,
        into: database,
        onConflict: """
          ON CONFLICT (id) DO UPDATE SET
            started_at = excluded.started_at, ended_at = excluded.ended_at,
            status = excluded.status, selectors = excluded.selectors,
            millrace_version = excluded.millrace_version, error_code = excluded.error_code,
            error_message = excluded.error_message
          """
      )
      try upsert(nodes, into: database)
      try upsert(quality, into: database)
      try upsert(edges, into: database)
    }
  }
}
