// SPDX-License-Identifier: Apache-2.0

public import MillCore
public import MillEngine
public import MillLake

/// Rows on their way into a table: a query, and what it reads.
///
/// ```swift
/// let rows = RowSource.query("SELECT 1 AS id, 'a' AS name")
/// ```
public struct RowSource: Sendable {
  /// Defines in a session what the query reads, and gives the query.
  let prepare: @Sendable (any EngineSession) async throws -> String

  /// Rows of a query.
  ///
  /// - Parameter prepare: Defines in the session what the query reads, and gives the query: one
  ///   SELECT in the engine's dialect.
  public init(prepare: @escaping @Sendable (any EngineSession) async throws -> String) {
    self.prepare = prepare
  }

  /// Rows of a query that reads nothing but what it makes.
  public static func query(_ sql: String) -> RowSource {
    RowSource { _ in sql }
  }

  /// Rows of a version of another table.
  public static func contents(_ contents: TableContents) -> RowSource {
    RowSource { session in
      try await session.define(RelationName("mill_given"), as: contents)
      return "SELECT * FROM mill_given"
    }
  }

  /// A few rows that are here.
  ///
  /// - Parameter rows: rows x columns, in the schema's order.
  public static func rows(_ rows: [[JSONValue]], schema: Schema) -> RowSource {
    RowSource { session in
      try await session.define(RelationName("mill_given"), schema: schema, rows: rows)
      return "SELECT * FROM mill_given"
    }
  }
}

/// How a change of a table is made and committed.
public struct WriteOptions: Sendable {
  /// How rows leave a file of which others stay.
  public enum Removal: Sendable {
    /// The rows that stay are written to new files: every reader can read the table.
    case rewrite
    /// A deletion vector hides them: cheap for few rows, and readers must know of vectors.
    case deletionVectors
  }

  /// What becomes of columns that the table does not have.
  public enum NewColumns: Sendable {
    case refuse
    case add
  }

  /// How rows leave files.
  public var removal: Removal
  /// What becomes of columns that the table does not have.
  public var newColumns: NewColumns
  /// Files are cut near this size.
  public var fileSize: ByteCount
  /// What was consumed to make the rows.
  public var transactions: [TransactionIdentifier]
  /// The run that makes the change.
  public var runID: String?
  /// More facts for `commitInfo`.
  public var info: JSONObject
  /// The change lands only on this version.
  public var expecting: TableVersion?
  /// How strictly appends of others are taken.
  public var isolation: TableChange.Isolation
  /// How often the change is made again from the newest version when another writer was first.
  public var attempts: Int

  /// Options with their defaults: rewriting, no new columns, files of 256 MiB, three attempts.
  public init(
    removal: Removal = .rewrite,
    newColumns: NewColumns = .refuse,
    fileSize: ByteCount = ByteCount(bytes: 256 << 20),
    transactions: [TransactionIdentifier] = [],
    runID: String? = nil,
    info: JSONObject = [:],
    expecting: TableVersion? = nil,
    isolation: TableChange.Isolation = .serializable,
    attempts: Int = 3
  ) {
    self.removal = removal
    self.newColumns = newColumns
    self.fileSize = fileSize
    self.transactions = transactions
    self.runID = runID
    self.info = info
    self.expecting = expecting
    self.isolation = isolation
    self.attempts = attempts
  }
}

/// What a change did.
public struct WriteReport: Hashable, Sendable {
  /// The version that the change made; nil when there was nothing to change.
  public var version: TableVersion?
  /// Rows that are new.
  public var inserted: Int64 = 0
  /// Rows that have other values than before.
  public var updated: Int64 = 0
  /// Rows that are gone.
  public var deleted: Int64 = 0
  /// Files of the table that could not hold a row of the change, by the log alone.
  public var filesSkipped = 0
  /// Files that were looked into.
  public var filesRead = 0
  /// Files that the change put in the place of others, or added.
  public var filesWritten = 0
  /// Files that left the table.
  public var filesRemoved = 0
  /// How often the change was made again because others were first.
  public var recomputed = 0

  /// A report of nothing.
  public init() {}
}
