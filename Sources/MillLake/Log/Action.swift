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
  /// Settings that an application keeps with the table.
  case domain(DomainMetadata)
  /// A file of the change data feed: no part of the table's rows.
  case change(ChangeFile)
  /// A file that holds file actions for a checkpoint.
  case sidecar(SidecarFile)
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
  /// Which of its rows are not in the table; nil for none.
  public var deletionVector: DeletionVectorReference?
  /// Fields of the action that Millrace does not act upon, kept as they were.
  public var others: JSONObject

  /// A file that joins the table with its rows, unless `dataChange` says that they were there.
  public init(
    path: String,
    partitionValues: [String: String?] = [:],
    size: Int64,
    modificationTime: Int64,
    dataChange: Bool = true,
    stats: String? = nil,
    tags: [String: String] = [:],
    deletionVector: DeletionVectorReference? = nil,
    others: JSONObject = [:]
  ) {
    self.path = path
    self.partitionValues = partitionValues
    self.size = size
    self.modificationTime = modificationTime
    self.dataChange = dataChange
    self.stats = stats
    self.tags = tags
    self.deletionVector = deletionVector
    self.others = others
  }

  /// What tells this file of the table from every other.
  public var key: FileKey { FileKey(path: path, vectorID: deletionVector?.uniqueID) }

  /// The action that takes this file out of the table.
  public func removal(at milliseconds: Int64, dataChange: Bool = true) -> RemoveFile {
    RemoveFile(
      path: path,
      deletionTimestamp: milliseconds,
      dataChange: dataChange,
      partitionValues: partitionValues,
      size: size,
      deletionVector: deletionVector
    )
  }
}

/// A file of a table together with the rows that are deleted from it.
///
/// The same Parquet file with another vector is another file of the table.
///
/// > Source: Delta transaction log protocol, "Action Reconciliation".
public struct FileKey: Hashable, Sendable, CustomStringConvertible {
  /// The path in our own spelling, since two writers may escape one name differently.
  public let path: String
  /// The vector's identity; nil for none.
  public let vectorID: String?

  /// The key of a path as a log has it.
  public init(path: String, vectorID: String?) {
    self.path = LogPath.normalized(path)
    self.vectorID = vectorID
  }

  /// Compares by bytes, as a disk does.
  public static func == (left: Self, right: Self) -> Bool {
    left.path.utf8.elementsEqual(right.path.utf8) && left.vectorID == right.vectorID
  }

  /// Hashes the path's bytes.
  public func hash(into hasher: inout Hasher) {
    var path = path
    path.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
  }

  /// The path, and the vector where there is one.
  public var description: String { vectorID.map { "\(path)#\($0)" } ?? path }
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
  /// The vector that the add action had.
  public var deletionVector: DeletionVectorReference?

  /// A removal; without a timestamp vacuum cannot judge the file's age.
  public init(
    path: String,
    deletionTimestamp: Int64?,
    dataChange: Bool = true,
    partitionValues: [String: String?]? = nil,
    size: Int64? = nil,
    deletionVector: DeletionVectorReference? = nil
  ) {
    self.path = path
    self.deletionTimestamp = deletionTimestamp
    self.dataChange = dataChange
    self.partitionValues = partitionValues
    self.size = size
    self.deletionVector = deletionVector
  }

  /// What tells this file of the table from every other.
  public var key: FileKey { FileKey(path: path, vectorID: deletionVector?.uniqueID) }
}

/// Settings that an application keeps with a table, such as the columns of a clustering.
///
/// > Source: Delta transaction log protocol, "Domain Metadata".
public struct DomainMetadata: Hashable, Sendable {
  /// Whose settings these are.
  public var domain: String
  /// The settings, in a form of the application's own.
  public var configuration: String
  /// Whether the settings were taken away.
  public var isRemoved: Bool

  /// Settings of one domain.
  public init(domain: String, configuration: String, isRemoved: Bool = false) {
    self.domain = domain
    self.configuration = configuration
    self.isRemoved = isRemoved
  }
}

/// A file that tells which rows a commit changed.
///
/// > Source: Delta transaction log protocol, "Add CDC File".
public struct ChangeFile: Hashable, Sendable {
  /// The path as the log has it.
  public var path: String
  /// Text of each partition column, nil for null.
  public var partitionValues: [String: String?]
  /// Length of the file in bytes.
  public var size: Int64

  /// A file under `_change_data`.
  public init(path: String, partitionValues: [String: String?] = [:], size: Int64) {
    self.path = path
    self.partitionValues = partitionValues
    self.size = size
  }
}

/// A Parquet file with the file actions of a checkpoint, in `_delta_log/_sidecars`.
///
/// > Source: Delta transaction log protocol, "Sidecar Files".
public struct SidecarFile: Hashable, Sendable {
  /// The file's name, or an absolute path.
  public var path: String
  /// Length of the file in bytes.
  public var sizeInBytes: Int64

  /// A sidecar that a checkpoint names.
  public init(path: String, sizeInBytes: Int64) {
    self.path = path
    self.sizeInBytes = sizeInBytes
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
