// SPDX-License-Identifier: Apache-2.0

public import MillCore

/// One line of a commit.
///
/// > Source: Delta transaction log protocol, "Actions".
public enum Action: Hashable, Sendable {
  case add(AddFile)
  case remove(RemoveFile)
  case metadata(TableMetadata)
  case `protocol`(TableProtocol)
  case transaction(TransactionIdentifier)
  case commitInfo(JSONObject)
  /// A kind that this version does not know, or need not act upon: kept as it was.
  case other(name: String, JSONValue)
}

/// A file becomes part of the table.
public struct AddFile: Hashable, Sendable {
  /// The path as the log has it: relative to the table, percent-encoded.
  public var path: String
  public var partitionValues: [String: String?]
  public var size: Int64
  /// Milliseconds since 1970.
  public var modificationTime: Int64
  /// False when rows only moved (compaction).
  public var dataChange: Bool
  /// The statistics as JSON text, exactly as they stood.
  public var stats: String?

  public init(
    path: String,
    partitionValues: [String: String?] = [:],
    size: Int64,
    modificationTime: Int64,
    dataChange: Bool = true,
    stats: String? = nil
  ) {
    self.path = path
    self.partitionValues = partitionValues
    self.size = size
    self.modificationTime = modificationTime
    self.dataChange = dataChange
    self.stats = stats
  }
}

/// A file stops being part of the table; it stays on disk for time travel until vacuum.
public struct RemoveFile: Hashable, Sendable {
  public var path: String
  /// Milliseconds since 1970.
  public var deletionTimestamp: Int64?
  public var dataChange: Bool
  public var partitionValues: [String: String?]?
  public var size: Int64?

  public init(
    path: String,
    deletionTimestamp: Int64?,
    dataChange: Bool = true,
    partitionValues: [String: String?]? = nil,
    size: Int64? = nil
  ) {
    self.path = path
    self.deletionTimestamp = deletionTimestamp
    self.dataChange = dataChange
    self.partitionValues = partitionValues
    self.size = size
  }
}

/// The table's schema and settings; a later one replaces an earlier one whole.
public struct TableMetadata: Hashable, Sendable {
  public var id: String
  public var name: String?
  public var description: String?
  public var schema: Schema
  public var partitionColumns: [String]
  /// Milliseconds since 1970.
  public var createdTime: Int64?
  public var configuration: [String: String]

  public init(
    id: String,
    name: String? = nil,
    description: String? = nil,
    schema: Schema,
    partitionColumns: [String] = [],
    createdTime: Int64? = nil,
    configuration: [String: String] = [:]
  ) {
    self.id = id
    self.name = name
    self.description = description
    self.schema = schema
    self.partitionColumns = partitionColumns
    self.createdTime = createdTime
    self.configuration = configuration
  }
}

/// What a reader and a writer must be able to do.
public struct TableProtocol: Hashable, Sendable {
  public var minReaderVersion: Int
  public var minWriterVersion: Int
  public var readerFeatures: [String]?
  public var writerFeatures: [String]?

  /// The oldest protocol: every reader of Delta can read it.
  public static let classic = TableProtocol(minReaderVersion: 1, minWriterVersion: 2)

  public init(
    minReaderVersion: Int,
    minWriterVersion: Int,
    readerFeatures: [String]? = nil,
    writerFeatures: [String]? = nil
  ) {
    self.minReaderVersion = minReaderVersion
    self.minWriterVersion = minWriterVersion
    self.readerFeatures = readerFeatures
    self.writerFeatures = writerFeatures
  }
}

/// The progress of one application, committed with the rows that it stands for.
///
/// A writer that finds its own version here has done that work already: this is what makes a
/// repeated run write nothing twice.
public struct TransactionIdentifier: Hashable, Sendable {
  public var appID: String
  public var version: Int64
  /// Milliseconds since 1970.
  public var lastUpdated: Int64?

  public init(appID: String, version: Int64, lastUpdated: Int64? = nil) {
    self.appID = appID
    self.version = version
    self.lastUpdated = lastUpdated
  }
}
