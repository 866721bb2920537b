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
  /// The files.
  public let files: FileList
  /// The newest progress of each application.
  public let transactions: [String: TransactionIdentifier]
  /// The settings that applications keep with the table.
  public let domains: [String: DomainMetadata]
  /// When the newest commit was made.
  public let committedAt: Instant
  /// The newest commit's `commitInfo`.
  public let commitInfo: JSONObject
  /// The checkpoint from which the version was read; nil when every commit was read.
  public let checkpoint: TableVersion?
  /// What was amiss in the log and could be got around.
  public let notices: [LakeNotice]

  /// All columns, in order.
  public var schema: Schema { metadata.schema }

  /// By what the columns are found in the files.
  ///
  /// > Source: Delta transaction log protocol, "Column Mapping": the setting counts only under a
  /// > protocol that has it.
  public var mapping: ColumnMapping {
    guard tableProtocol.hasColumnMapping else { return .none }
    return metadata.configuration["delta.columnMapping.mode"].flatMap(ColumnMapping.init) ?? .none
  }

  /// The progress that this application committed, or nil; a restore to before its first commit
  /// leaves -1, which is none.
  public func transactionVersion(_ appID: String) -> Int64? {
    guard let version = transactions[appID]?.version, version != -1 else { return nil }
    return version
  }

  /// Rows of the table; nil if the writer of one file did not say.
  public var rows: Int64? { files.rows }

  /// What an engine needs to read this version.
  ///
  /// - Throws: `LakeError.pathOutside` or `.corruptCommit` for a deletion vector that is not the
  ///   table's own or not what the protocol says.
  public var contents: TableContents {
    get throws(LakeError) { try contents(of: files) }
  }

  /// The contents reduced to the files that may hold a row of a predicate.
  public func contents(matching predicate: TablePredicate) throws(LakeError) -> TableContents {
    try contents(of: files(matching: predicate))
  }

  /// The contents reduced to some of the files.
  ///
  /// - Parameter withStatistics: Whether bounds and nulls are read as well as counts.
  public func contents(
    of some: some Sequence<AddFile>,
    withStatistics: Bool = false
  ) throws(LakeError) -> TableContents {
    let mapping = mapping
    var names: [String: String] = [:]
    for column in metadata.partitionColumns {
      names[schema[name: column]?.physicalName(mapping) ?? column] = column
    }
    var found: [DataFile] = []
    for file in some {
      found.append(
        try dataFile(file, partitionNames: names, mapping, withStatistics: withStatistics)
      )
    }
    found.sort { $0.location < $1.location }
    return TableContents(
      schema: schema,
      partitionColumns: metadata.partitionColumns,
      files: found,
      mapping: mapping
    )
  }

  /// The files that may hold a row of a predicate, judged by the log alone.
  ///
  /// - Complexity: One look at the statistics of each file that its partition does not exclude.
  public func files(matching predicate: TablePredicate) -> [AddFile] {
    files.matching(skipping(predicate))
  }

  package func skipping(_ predicate: TablePredicate) -> FileSkipping {
    FileSkipping(
      predicate,
      schema: schema,
      partitionColumns: metadata.partitionColumns,
      mapping: mapping
    )
  }

  private func dataFile(
    _ file: AddFile,
    partitionNames: [String: String],
    _ mapping: ColumnMapping,
    withStatistics: Bool
  ) throws(LakeError) -> DataFile {
    guard let name = LogPath.decode(file.path) else {
      throw .pathOutside(table: table, version: version, path: file.path)
    }
    var values = file.partitionValues
    if mapping != .none {
      values = [:]
      for (key, value) in file.partitionValues { values[partitionNames[key] ?? key] = value }
    }
    return DataFile(
      location: "\(location)/\(name)",
      partitionValues: values,
      sizeInBytes: file.size,
      statistics: withStatistics
        ? FileStatistics(statsText: file.stats, schema: schema, mapping)
        : FileStatistics(rows: file.numRecords),
      tags: file.tags,
      deletedRows: try deletedRows(of: file)
    )
  }

  private func deletedRows(of file: AddFile) throws(LakeError) -> DeletedRows? {
    guard let vector = file.deletionVector else { return nil }
    let place: DeletedRows.Place
    do {
      switch vector.storageType {
      case .inline: place = .inline(try vector.inlineBytes())
      case .relative:
        guard let path = try vector.relativePath() else { return nil }
        place = .file(location: "\(location)/\(path)", offset: vector.offset ?? 1)
      case .absolute:
        let path = vector.pathOrInlineDv
        let plain = path.hasPrefix("file://") ? String(path.dropFirst(7)) : path
        // An absolute path may lead into the table's own folder and nowhere else.
        guard plain.hasPrefix(location + "/"),
          LogPath.decode(LogPath.encode(String(plain.dropFirst(location.count + 1)))) != nil
        else { throw LakeError.pathOutside(table: table, version: version, path: path) }
        place = .file(location: plain, offset: vector.offset ?? 1)
      }
    } catch let error as LakeError {
      throw error
    } catch {
      throw .corruptCommit(
        table: table,
        version: version,
        line: 0,
        reason: "the deletion vector of \(file.path): \(error)"
      )
    }
    return DeletedRows(
      place: place,
      sizeInBytes: vector.sizeInBytes,
      cardinality: vector.cardinality
    )
  }
}

extension AddFile {
  /// Rows in the file by its statistics, those that a deletion vector hides included.
  public var numRecords: Int64? {
    guard var stats else { return nil }
    return stats.withUTF8 { FileList.records(UnsafeRawBufferPointer($0)) }
  }
}

extension TableMetadata {
  /// The names that partition values have in the log, under a protocol.
  package func physicalPartitionColumns(_ tableProtocol: TableProtocol?) -> [String] {
    let mapping = tableProtocol?.mapping(self) ?? .none
    return partitionColumns.map { schema[name: $0]?.physicalName(mapping) ?? $0 }
  }
}

/// Something amiss that was got around, for whoever looks after the table.
public struct LakeNotice: Hashable, Sendable, CustomStringConvertible {
  /// The table.
  public var table: String
  /// What was amiss and what was done instead.
  public var description: String

  /// A notice about a table.
  public init(table: String, _ description: String) {
    self.table = table
    self.description = description
  }
}

/// One commit as the history shows it.
public struct CommitSummary: Sendable {
  /// The version that the commit made.
  public let version: TableVersion
  /// When the commit was made, by its own word or by the clock of the disk.
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
