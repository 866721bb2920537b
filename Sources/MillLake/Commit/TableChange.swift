// SPDX-License-Identifier: Apache-2.0

public import MillCore

/// What one commit does to a table.
public struct TableChange: Sendable {
  /// How the new files meet those that are there.
  public enum Mode: String, Sendable {
    /// The new files join the others; an append conflicts with no other append.
    case append = "Append"
    /// The new files replace all others.
    case overwrite = "Overwrite"
  }

  /// What somebody else must not have changed meanwhile for the commit to be right.
  public enum Reads: Sendable {
    /// Nothing was read: a blind append.
    case nothing
    /// Only the files that the commit replaces, whose rows it keeps: compaction.
    case replaced
    /// These files, found by a condition; new files that may hold rows of it count as well.
    case files(Set<FileKey>, where: TablePredicate)
    /// Everything.
    case table
  }

  /// How strictly commits by others that only appended are taken.
  public enum Isolation: Sendable {
    /// As if all commits had been made one after the other in the order of their versions.
    case serializable
    /// Appends of others that read nothing may slip in before this commit.
    case writeSerializable
  }

  /// How the files meet those that are there.
  public var mode: Mode
  /// Files that an engine has written into the table's folder.
  public var files: [DataFile]
  /// Files of the table that these ones replace, under `append`; an overwrite replaces all.
  public var replacing: [AddFile]
  /// Files that are on disk already and join the table as they are: of an older version that is
  /// restored, or with another deletion vector.
  public var returning: [AddFile]
  /// Files of the change data feed that tell what the commit does to single rows.
  public var changeFiles: [DataFile]
  /// The schema of the files; an append may add columns at the end, an overwrite may change all.
  public var schema: Schema
  /// The columns that the files are parted by; an append cannot change them.
  public var partitionColumns: [String]
  /// What was consumed to make these rows.
  public var transactions: [TransactionIdentifier]
  /// The run that made the commit.
  public var runID: String?
  /// More facts for `commitInfo`.
  public var info: JSONObject
  /// What the table holds, in the words of its owner; nil keeps what was said before.
  public var description: String?
  /// The commit lands only on this version; nil means on whichever is newest.
  public var expecting: TableVersion?
  /// What the history calls the commit.
  public var operation: String
  /// What the operation was told, for the history.
  public var parameters: JSONObject
  /// False when rows only move between files.
  public var isDataChange: Bool
  /// What was read to make the change; nil takes it from the mode.
  public var reads: Reads?
  /// The version that was read, after which commits are checked for conflicts; nil for the newest.
  public var readVersion: TableVersion?
  /// How strictly appends of others are taken.
  public var isolation: Isolation
  /// Settings of the table to change; nil takes one away.
  public var settings: [String: String?]
  /// The schema and settings of the table after the change, whole, in the place of what the other
  /// fields say; nil for what they say.
  public var metadata: TableMetadata?
  /// Capabilities that the table demands from here on.
  public var features: Set<TableFeature>
  /// Settings of applications to keep with the table.
  public var domains: [DomainMetadata]
  /// The table's constraints by which the caller has judged all new rows.
  public var checked: Set<String>
  /// For how long the commit is tried again when others were first.
  public var patience: Duration

  /// Whether the commit stands on nothing that another writer could change.
  var isBlindAppend: Bool {
    guard mode == .append, replacing.isEmpty, returning.isEmpty, expecting == nil else {
      return false
    }
    if case .nothing = effectiveReads { return true }
    return false
  }

  var effectiveReads: Reads {
    if let reads { return reads }
    if mode == .overwrite { return .table }
    return replacing.isEmpty ? .nothing : .files(Set(replacing.map(\.key)), where: .constant(false))
  }

  /// A change that consumed nothing and stands on whichever version is newest.
  public init(
    mode: Mode,
    files: [DataFile],
    replacing: [AddFile] = [],
    returning: [AddFile] = [],
    changeFiles: [DataFile] = [],
    schema: Schema,
    partitionColumns: [String] = [],
    transactions: [TransactionIdentifier] = [],
    runID: String? = nil,
    info: JSONObject = [:],
    description: String? = nil,
    expecting: TableVersion? = nil,
    operation: String = "WRITE",
    parameters: JSONObject = [:],
    isDataChange: Bool = true,
    reads: Reads? = nil,
    readVersion: TableVersion? = nil,
    isolation: Isolation = .serializable,
    settings: [String: String?] = [:],
    metadata: TableMetadata? = nil,
    features: Set<TableFeature> = [],
    domains: [DomainMetadata] = [],
    checked: Set<String> = [],
    patience: Duration = .seconds(60)
  ) {
    self.mode = mode
    self.files = files
    self.replacing = replacing
    self.returning = returning
    self.changeFiles = changeFiles
    self.schema = schema
    self.partitionColumns = partitionColumns
    self.transactions = transactions
    self.runID = runID
    self.info = info
    self.description = description
    self.expecting = expecting
    self.operation = operation
    self.parameters = parameters
    self.isDataChange = isDataChange
    self.reads = reads
    self.readVersion = readVersion
    self.isolation = isolation
    self.settings = settings
    self.metadata = metadata
    self.features = features
    self.domains = domains
    self.checked = checked
    self.patience = patience
  }
}
