// SPDX-License-Identifier: Apache-2.0

public import MillCore
public import MillEngine
public import MillLake
internal import MillSQL

/// Checkpoints and sidecars of Delta tables by DuckDB's Parquet reader and writer.
///
/// A checkpoint of 100,000 files is read column by column into a ``FileBlock``: no object and no
/// JSON is made for a file.
///
/// ```swift
/// let table = DeltaTable(name: "t", store: store, world: .system(), checkpoints: try DuckDBCheckpoints())
/// ```
public final class DuckDBCheckpoints: CheckpointFormat {
  private let session: DuckDBSession
  private let dialect = DuckDBDialect()

  /// Opens a small database of its own, which holds nothing between calls.
  ///
  /// - Parameter memory: Bounds what reading and writing a checkpoint may use.
  /// - Throws: `EngineError` when a setting is refused.
  public init(memory: ByteCount = ByteCount(bytes: 256 << 20)) throws(EngineError) {
    do {
      let database = try Database(configuration: [
        "memory_limit": "\(memory.bytes) bytes", "threads": "1",
        "autoinstall_known_extensions": "false", "autoload_known_extensions": "false",
      ])
      try database.connect().execute("SET GLOBAL TimeZone = 'UTC'")
      session = try DuckDBSession(database: database, name: "mill-checkpoint")
    } catch {
      throw EngineError(error)
    }
  }

  /// Shares the database of an engine.
  init(sharing database: Database) throws(EngineError) {
    do {
      session = try DuckDBSession(database: database, name: "mill-checkpoint")
    } catch {
      throw EngineError(error)
    }
  }

  // MARK: Reading

  /// Reads one Parquet file of a checkpoint; see ``CheckpointFormat``.
  public func readCheckpoint(
    _ location: String,
    partitionColumns: [String]?,
    includingRemoved: Bool
  ) async throws -> CheckpointPart {
    let file = dialect.literal(RelationSQL.exactly(location))
    let source = "read_parquet([\(file)], hive_partitioning = false)"
    let columns = try await engineErrors { () async throws(DuckDBError) in
      try await session.withConnection { (connection) throws(DuckDBError) in
        try connection.prepare("SELECT * FROM \(source)").columns
      }
    }
    var members: [String: [String: DuckDBType]] = [:]
    for column in columns {
      guard case .structure(let fields) = column.type else { continue }
      members[column.name] = Dictionary(
        fields.map { ($0.name, $0.type) },
        uniquingKeysWith: { first, _ in first }
      )
    }
    var actions: [Action] = []
    for (name, key) in Self.stateKinds where members[name]?[key] != nil {
      actions += try await self.actions(name, key, source)
    }
    var part = CheckpointPart(files: nil, actions: actions)
    if members["add"]?["path"] != nil {
      let columns = partitionColumns ?? part.partitionColumns ?? []
      part.files = try await files(source, members["add"] ?? [:], columns, location)
    }
    if includingRemoved, members["remove"]?["path"] != nil {
      part.removed = try await self.actions("remove", "path", source).compactMap {
        if case .remove(let file) = $0 { file } else { nil }
      }
    }
    return part
  }

  /// The kinds of actions that are few, and a member that is never null in one.
  private static let stateKinds = [
    ("protocol", "minReaderVersion"), ("metaData", "id"), ("txn", "appId"),
    ("domainMetadata", "domain"), ("sidecar", "path"),
  ]

  private func actions(
    _ kind: String,
    _ key: String,
    _ source: String
  ) async throws -> [Action] {
    let name = dialect.quote(kind)
    let rows = try await engineErrors { () async throws(DuckDBError) in
      try await session.rows(
        """
        SELECT CAST(to_json(\(name)) AS VARCHAR) FROM \(source)
        WHERE \(name).\(dialect.quote(key)) IS NOT NULL
        """
      )
    }
    return try rows.map { row in
      guard case .text(let json)? = row.first else {
        throw EngineError.io(message: "an action \(kind) has no content")
      }
      do throws(ActionError) {
        return try Action(line: Array("{\"\(kind)\":\(json)}".utf8))
      } catch {
        throw EngineError.io(message: error.reason)
      }
    }
  }

  private func files(
    _ source: String,
    _ members: [String: DuckDBType],
    _ partitionColumns: [String],
    _ location: String
  ) async throws -> FileBlock? {
    var stats = members["stats"] == nil ? "CAST(NULL AS VARCHAR)" : "add.stats"
    if members["stats_parsed"] != nil {
      stats = "coalesce(\(stats), CAST(to_json(add.stats_parsed) AS VARCHAR))"
    }
    func json(_ member: String, _ condition: String) -> String {
      members[member] == nil
        ? "CAST(NULL AS VARCHAR)"
        : "CASE WHEN \(condition) THEN CAST(to_json(add.\(member)) AS VARCHAR) END"
    }
    let values = partitionColumns.map { column in
      members["partitionValues"] == nil
        ? "CAST(NULL AS VARCHAR)"
        : "map_extract_value(add.partitionValues, \(dialect.literal(column)))"
    }
    let time = members["modificationTime"] == nil ? "0" : "add.modificationTime"
    let query = """
      SELECT add.path, CAST(add.size AS BIGINT), CAST(coalesce(\(time), 0) AS BIGINT), \(stats),
        \(json("tags", "add.tags IS NOT NULL AND cardinality(add.tags) > 0")),
        \(json("deletionVector", "add.deletionVector.storageType IS NOT NULL"))
        \(values.map { ", \($0)" }.joined())
      FROM \(source)
      """
    let outcome = try await engineErrors { () async throws(DuckDBError) in
      try await session.withConnection {
        (connection) throws(DuckDBError) -> Result<FileBlock?, ActionError> in
        var builder = FileBlock.Builder(partitionColumns: partitionColumns)
        var result = try connection.query(query, delivery: .streaming)
        while let chunk = try result.nextChunk() {
          if let problem = try Self.append(chunk, partitionColumns.count, to: &builder) {
            return .failure(problem)
          }
        }
        return .success(builder.count == 0 ? nil : builder.finish())
      }
    }
    switch outcome {
    case .success(let block): return block
    case .failure(let problem): throw EngineError.io(message: problem.reason)
    }
  }

  /// Takes a chunk over, column by column.
  private static func append(
    _ chunk: borrowing DataChunk,
    _ partitionCount: Int,
    to builder: inout FileBlock.Builder
  ) throws(DuckDBError) -> ActionError? {
    var problem: ActionError?
    let rows = chunk.rowCount
    try chunk.withText(0) { (paths) throws(DuckDBError) in
      try chunk.withColumn(1, as: Int64.self) { (sizes, _) throws(DuckDBError) in
        try chunk.withColumn(2, as: Int64.self) { (times, _) throws(DuckDBError) in
          try chunk.withText(3) { (stats) throws(DuckDBError) in
            try chunk.withText(4) { (tags) throws(DuckDBError) in
              try chunk.withText(5) { (vectors) throws(DuckDBError) in
                // Few rows are none of a file: to leave them out here is cheaper than a filter, which
                // copies all others.
                for row in 0..<rows where !paths.isNull(row) {
                  let isInside = builder.append(
                    path: paths[row],
                    size: sizes[row],
                    modified: times[row],
                    stats: stats.isNull(row) ? nil : stats[row]
                  )
                  guard isInside else {
                    problem = ActionError(
                      reason: "the path \(paths.string(row) ?? "") is none inside of the table"
                    )
                    return
                  }
                  builder.appendTags(tags.isNull(row) ? nil : tags[row])
                  guard let vector = vectors.string(row) else { continue }
                  do throws(ActionError) {
                    try builder.setVector(vector)
                  } catch {
                    problem = error
                    return
                  }
                }
              }
            }
          }
        }
      }
    }
    guard problem == nil else { return problem }
    try chunk.withText(0) { (paths) throws(DuckDBError) in
      for column in 0..<partitionCount {
        try chunk.withText(6 + column) { (values) throws(DuckDBError) in
          for row in 0..<rows where !paths.isNull(row) {
            builder.appendPartition(column, values.isNull(row) ? nil : values[row])
          }
        }
      }
    }
    return nil
  }

  // MARK: Writing

  /// Writes a classic checkpoint; see ``CheckpointFormat``.
  public func writeCheckpoint(
    _ contents: CheckpointContents,
    to location: String
  ) async throws -> Int64 {
    let table = "mill_checkpoint"
    let actions = contents.actions.map(\.kindAndBody)
    let removed = contents.removed.map { Action.remove($0).kindAndBody }
    let files = contents.files
    let target = dialect.literal(location)
    return try await engineErrors { () async throws(DuckDBError) in
      try await session.withConnection { (connection) throws(DuckDBError) -> Int64 in
        try connection.execute(
          """
          CREATE OR REPLACE TEMP TABLE \(table) (kind VARCHAR, body VARCHAR, path VARCHAR,
            partition_values VARCHAR, size BIGINT, modified BIGINT, stats VARCHAR, tags VARCHAR,
            deletion_vector VARCHAR)
          """
        )
        let appender = try connection.appender(table: table)
        for (kind, body) in actions + removed {
          try appender.append(kind)
          try appender.append(body)
          for _ in 0..<7 { try appender.appendNull() }
          try appender.endRow()
        }
        for file in files { try Self.append(file, to: appender) }
        try appender.close()
        let columns = Self.structures.map { kind, structure in
          "CASE WHEN kind = '\(kind)' THEN from_json(body, '\(structure)') END AS \(kind)"
        }
        let add = """
          CASE WHEN kind = 'add' THEN struct_pack(path := path,
            partitionValues := from_json(partition_values, '"MAP(VARCHAR, VARCHAR)"'),
            size := size, modificationTime := modified, dataChange := false, stats := stats,
            tags := from_json(tags, '"MAP(VARCHAR, VARCHAR)"'),
            deletionVector := from_json(deletion_vector, '\(Self.vectorStructure)')) END AS add
          """
        let result = try connection.query(
          """
          COPY (SELECT \(add), \(columns.joined(separator: ", ")) FROM \(table))
          TO \(target) (FORMAT parquet)
          """
        )
        let rows = try result.rows()
        try connection.execute("DROP TABLE \(table)")
        return rows.first?.first?.count ?? 0
      }
    }
  }

  private static func append(
    _ file: AddFile,
    to appender: borrowing Appender
  ) throws(DuckDBError) {
    try appender.append("add")
    try appender.appendNull()
    try appender.append(file.path)
    try appender.append(file.partitionValuesText)
    try appender.append(file.size)
    try appender.append(file.modificationTime)
    if let stats = file.stats { try appender.append(stats) } else { try appender.appendNull() }
    if file.tags.isEmpty { try appender.appendNull() } else { try appender.append(file.tagsText) }
    if let vector = file.deletionVectorText {
      try appender.append(vector)
    } else {
      try appender.appendNull()
    }
    try appender.endRow()
  }

  private static let vectorStructure =
    #"{"storageType":"VARCHAR","pathOrInlineDv":"VARCHAR","offset":"INTEGER","#
    + #""sizeInBytes":"INTEGER","cardinality":"BIGINT"}"#

  /// > Source: Delta transaction log protocol, "Checkpoint Schema".
  private static let structures: [(String, String)] = [
    (
      "remove",
      #"{"path":"VARCHAR","deletionTimestamp":"BIGINT","dataChange":"BOOLEAN","#
        + #""extendedFileMetadata":"BOOLEAN","partitionValues":"MAP(VARCHAR, VARCHAR)","#
        + #""size":"BIGINT","deletionVector":"# + vectorStructure + "}"
    ),
    (
      "metaData",
      #"{"id":"VARCHAR","name":"VARCHAR","description":"VARCHAR","format":{"provider":"VARCHAR","#
        + #""options":"MAP(VARCHAR, VARCHAR)"},"schemaString":"VARCHAR","#
        + #""partitionColumns":["VARCHAR"],"createdTime":"BIGINT","#
        + #""configuration":"MAP(VARCHAR, VARCHAR)"}"#
    ),
    (
      "protocol",
      #"{"minReaderVersion":"INTEGER","minWriterVersion":"INTEGER","#
        + #""readerFeatures":["VARCHAR"],"writerFeatures":["VARCHAR"]}"#
    ),
    ("txn", #"{"appId":"VARCHAR","version":"BIGINT","lastUpdated":"BIGINT"}"#),
    ("domainMetadata", #"{"domain":"VARCHAR","configuration":"VARCHAR","removed":"BOOLEAN"}"#),
  ]
}
