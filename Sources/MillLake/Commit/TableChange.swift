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

  /// How the files meet those that are there.
  public var mode: Mode
  /// Files that an engine has written into the table's folder.
  public var files: [DataFile]
  /// Files of the table that these ones replace, under `append`; an overwrite replaces all.
  public var replacing: [AddFile]
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

  /// Whether the commit stands on nothing that another writer could change.
  var isBlindAppend: Bool { mode == .append && replacing.isEmpty && expecting == nil }

  /// A change that consumed nothing and stands on whichever version is newest.
  public init(
    mode: Mode,
    files: [DataFile],
    replacing: [AddFile] = [],
    schema: Schema,
    partitionColumns: [String] = [],
    transactions: [TransactionIdentifier] = [],
    runID: String? = nil,
    info: JSONObject = [:],
    description: String? = nil,
    expecting: TableVersion? = nil
  ) {
    self.mode = mode
    self.files = files
    self.replacing = replacing
    self.schema = schema
    self.partitionColumns = partitionColumns
    self.transactions = transactions
    self.runID = runID
    self.info = info
    self.description = description
    self.expecting = expecting
  }
}
