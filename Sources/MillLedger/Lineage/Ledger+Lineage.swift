// SPDX-License-Identifier: Apache-2.0

internal import GRDB

extension Ledger {
  /// Writes down what a run read for what it wrote, in one transaction.
  ///
  /// Give all inputs of an output together: the newest run of an output is taken to have named
  /// them all, see ``LineageScope/current``.
  public func record(edges: [LineageEdge]) async throws(LedgerError) {
    guard !edges.isEmpty else { return }
    try await write { database in
      try upsert(edges, into: database)
    }
  }

  /// The lineage, one edge for each pair of input and output, in order of output and input.
  public func edges(
    _ scope: LineageScope = .current
  ) async throws(LedgerError) -> [LineageEdge] {
    try await read { database in
      let rows = try Row.fetchAll(
        database,
        sql: """
          WITH ranked AS (
            SELECT *,
              row_number() OVER (
                PARTITION BY output, input ORDER BY recorded_at DESC, run_id DESC
              ) AS age_of_pair,
              first_value(run_id) OVER (
                PARTITION BY output ORDER BY recorded_at DESC, run_id DESC
              ) AS newest_run
            FROM edge
          )
          SELECT * FROM ranked
          WHERE age_of_pair = 1
            AND (?1 OR run_id = newest_run OR substr(input, 1, length(?2)) = ?2)
          ORDER BY output, input
          """,
        arguments: [scope == .ever, LineageEdge.filePrefix]
      )
      return try rows.map { try LineageEdge(RecordReader(row: $0)) }
    }
  }
}

/// Adds edges, or replaces those of the same run, input and output.
func upsert(_ edges: [LineageEdge], into database: Database) throws {
  let statement = try database.makeStatement(
    sql: """
      INSERT INTO edge (output, input, run_id, input_version, output_version, recorded_at)
      VALUES (?, ?, ?, ?, ?, ?)
      ON CONFLICT (output, input, run_id) DO UPDATE SET
        input_version = excluded.input_version, output_version = excluded.output_version,
        recorded_at = excluded.recorded_at
      """
  )
  for edge in edges {
    try statement.execute(arguments: [
      edge.output, edge.input, edge.runID, edge.inputVersion, edge.outputVersion,
      edge.recordedAt,
    ])
  }
}

extension LineageEdge {
  init(_ reader: RecordReader) throws {
    self.init(
      input: try reader.text("input"),
      output: try reader.text("output"),
      runID: try reader.text("run_id"),
      inputVersion: try reader.optionalInteger("input_version"),
      outputVersion: try reader.optionalInteger("output_version"),
      recordedAt: try reader.integer("recorded_at")
    )
  }
}
