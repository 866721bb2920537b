// SPDX-License-Identifier: Apache-2.0

public import MillCore

/// One line of a commit.
///
/// > Source: Delta transaction log protocol, "Actions".
public enum Action: Hashable, Sendable {
  /// A file joins the table.
  case add(AddFile)
  /// A file leaves the table.
  case remove(RemoveFile)
  /// The schema and settings from here on.
  case metadata(TableMetadata)
  /// The demands on readers and writers from here on.
  case `protocol`(TableProtocol)
  /// How far an application got.
  case transaction(TransactionIdentifier)
  /// Who made the commit and how: free JSON, for people and for lineage.
  case commitInfo(JSONObject)
  /// A kind that this version does not know, or need not act upon: kept as it was.
  case other(name: String, JSONValue)
}

/// A file becomes part of the table.
public struct AddFile: Hashable, Sendable {
  /// The path as the log has it: relative to the table, percent-encoded.
  public var path: String
  /// Text of each partition column, nil for null.
  public var partitionValues: [String: String?]
  /// Length of the file in bytes.
  public var size: Int64
  /// Milliseconds since 1970.
  public var modificationTime: Int64
  /// False when rows only moved (compaction).
  public var dataChange: Bool
  /// The statistics as JSON text, exactly as they stood.
  public var stats: String?
  /// What its writer says of the file.
  public var tags: [String: String]

  /// A file that joins the table with its rows, unless `dataChange` says that they were there.
  public init(
    path: String,
    partitionValues: [String: String?] = [:],
    size: Int64,
    modificationTime: Int64,
    dataChange: Bool = true,
    stats: String? = nil,
    tags: [String: String] = [:]
  ) {
    self.path = path
    self.partitionValues = partitionValues
    self.size = size
    self.modificationTime = modificationTime
    self.dataChange = dataChange
    self.stats = stats
    self.tags = tags
  }
}

/// A file stops being part of the table; it stays on disk for time travel until vacuum.
public struct RemoveFile: Hashable, Sendable {
  /// The path exactly as the add action had it.
  public var path: String
  /// Milliseconds since 1970.
  public var deletionTimestamp: Int64?
  /// False when the rows stay in the table, in other files.
  public var dataChange: Bool
  /// Text of each partition column, as the add action had it; nil when the writer left it out.
  public var partitionValues: [String: String?]?
  /// Length of the file in bytes; nil when the writer left it out.
  public var size: Int64?

  /// A removal; without a timestamp vacuum cannot judge the file's age.
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
  /// A UUID that the table keeps for life, whatever it is called.
  public var id: String
  /// The name that its creator gave it; Millrace knows a table by its dataset.
  public var name: String?
  /// What the table holds, in the words of its owner.
  public var description: String?
  /// The columns as they are from this commit on.
  public var schema: Schema
  /// The columns that files are parted by, in the order of the folders.
  public var partitionColumns: [String]
  /// Milliseconds since 1970.
  public var createdTime: Int64?
  /// Settings by key, those of other writers kept as they were.
  public var configuration: [String: String]

  /// Metadata as a commit carries it; `id` stays the same over the table's life.
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
  /// The least version of the reading rules: 3 means that features are listed.
  public var minReaderVersion: Int
  /// The least version of the writing rules: 7 means that features are listed.
  public var minWriterVersion: Int
  /// The features that a reader must have; present under reader version 3 alone.
  public var readerFeatures: [String]?
  /// The features that a writer must have; present under writer version 7 alone.
  public var writerFeatures: [String]?

  /// The oldest protocol: every reader of Delta can read it.
  public static let classic = TableProtocol(minReaderVersion: 1, minWriterVersion: 2)

  /// Demands on readers and writers; the lists belong to versions 3 and 7.
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
  /// Who did the work: for Millrace `millrace/<dataset>/<input table id>`.
  public var appID: String
  /// How far the work got, in the application's own count.
  public var version: Int64
  /// Milliseconds since 1970.
  public var lastUpdated: Int64?

  /// Progress to commit; `lastUpdated` is set when the commit is made.
  public init(appID: String, version: Int64, lastUpdated: Int64? = nil) {
    self.appID = appID
    self.version = version
    self.lastUpdated = lastUpdated
  }
}
