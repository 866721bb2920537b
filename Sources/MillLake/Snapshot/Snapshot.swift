// SPDX-License-Identifier: Apache-2.0

public import MillCore

/// A table at one version: immutable, and cheap to pass around.
public struct Snapshot: Sendable {
  /// The table's name, as errors say it.
  public let table: String
  /// The table's folder or URI.
  public let location: String
  /// The commit after which the table looked like this.
  public let version: TableVersion
  /// The schema and settings in force.
  public let metadata: TableMetadata
  /// What the table demands of readers and writers.
  public let tableProtocol: TableProtocol
  /// The files by their path in the log.
  public let files: [String: AddFile]
  /// The newest progress of each application.
  public let transactions: [String: TransactionIdentifier]
  /// When the newest commit was made.
  public let committedAt: Instant
  /// The newest commit's `commitInfo`.
  public let commitInfo: JSONObject
  /// Whether the schema changed since the table was made, so that old files may lack columns.
  public let schemaChanged: Bool

  /// All columns, in order.
  public var schema: Schema { metadata.schema }

  /// The progress that this application committed, or nil.
  public func transactionVersion(_ appID: String) -> Int64? {
    transactions[appID]?.version
  }

  /// What an engine needs to read this version.
  public var contents: TableContents {
    TableContents(
      schema: schema,
      partitionColumns: metadata.partitionColumns,
      files: files.values.sorted { $0.path < $1.path }.map(dataFile),
      mayLackColumns: schemaChanged
    )
  }

  /// The contents reduced to some of the files.
  public func contents(of some: [AddFile]) -> TableContents {
    TableContents(
      schema: schema,
      partitionColumns: metadata.partitionColumns,
      files: some.sorted { $0.path < $1.path }.map(dataFile),
      mayLackColumns: schemaChanged
    )
  }

  private func dataFile(_ file: AddFile) -> DataFile {
    DataFile(
      // Replay refused every path that does not decode to a name inside of the table.
      location: "\(location)/\(LogPath.decode(file.path) ?? file.path)",
      partitionValues: file.partitionValues,
      sizeInBytes: file.size,
      statistics: FileStatistics(statsText: file.stats),
      tags: file.tags
    )
  }
}

/// One commit as the history shows it.
public struct CommitSummary: Sendable {
  /// The version that the commit made.
  public let version: TableVersion
  /// When the commit file was made, by the clock of the disk.
  public let committedAt: Instant
  /// The `commitInfo` of the commit; empty when it has none.
  public let info: JSONObject
  /// Add actions in the commit, those of compaction included.
  public let filesAdded: Int
  /// Remove actions in the commit, those of compaction included.
  public let filesRemoved: Int
  /// Rows in the files added; nil if the writer of one did not say.
  public let rowsAdded: Int64?

  /// What the writer called the commit, such as `WRITE`.
  public var operation: String { info["operation"]?.text ?? "UNKNOWN" }
}
