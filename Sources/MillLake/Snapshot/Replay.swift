// SPDX-License-Identifier: Apache-2.0

package import MillCore

/// The fold of a log into a table's state; pure, so that it is tested without a disk.
///
/// > Source: Delta transaction log protocol, "Action Reconciliation".
package struct Replay: Sendable {
  package let table: String
  package private(set) var next: TableVersion
  package private(set) var metadata: TableMetadata?
  package private(set) var tableProtocol: TableProtocol?
  package private(set) var transactions: [String: TransactionIdentifier] = [:]
  package private(set) var domains: [String: DomainMetadata] = [:]
  package private(set) var commitInfo = JSONObject()
  private var files: FileList
  /// Which files commits named since they were last brought into `files`, and those added.
  private var touched: Set<FileKey> = []
  private var added: [FileKey: AddFile] = [:]
  /// The versions whose commits said what is in force, for messages.
  private var protocolVersion = TableVersion.first
  private var metadataVersion = TableVersion.first

  /// How many files are kept as actions before they are put together into columns.
  static let recentMax = 8192

  /// A table before its first commit.
  package init(table: String) {
    self.table = table
    next = .first
    files = FileList()
  }

  /// A table as a checkpoint has it.
  package init(
    table: String,
    checkpoint version: TableVersion,
    _ parts: [CheckpointPart]
  ) throws(LakeError) {
    self.table = table
    next = version.successor
    protocolVersion = version
    metadataVersion = version
    files = FileList(blocks: parts.compactMap(\.files))
    for part in parts {
      for action in part.actions { try apply(action, version) }
    }
  }

  /// A table as a snapshot of it stood, for the commits after it.
  package init(_ snapshot: Snapshot) {
    table = snapshot.table
    next = snapshot.version.successor
    metadata = snapshot.metadata
    tableProtocol = snapshot.tableProtocol
    transactions = snapshot.transactions
    domains = snapshot.domains
    files = snapshot.files
    protocolVersion = snapshot.version
    metadataVersion = snapshot.version
  }

  /// Applies the next commit; versions come in order.
  package mutating func apply(_ actions: [Action], version: TableVersion) throws(LakeError) {
    guard version == next else { throw .gap(table: table, missing: next) }
    next = version.successor
    commitInfo = JSONObject()
    // Order inside a commit has no meaning, so removes go first: a path that one commit both
    // removes and adds is in the table afterwards.
    for case .remove(let file) in actions {
      guard LogPath.decode(file.path) != nil else {
        throw .pathOutside(table: table, version: version, path: file.path)
      }
      let key = file.key
      touched.insert(key)
      added[key] = nil
    }
    for action in actions { try apply(action, version) }
    if added.count >= Self.recentMax { settle() }
  }

  private mutating func apply(_ action: Action, _ version: TableVersion) throws(LakeError) {
    switch action {
    case .add(let file):
      guard LogPath.decode(file.path) != nil else {
        throw .pathOutside(table: table, version: version, path: file.path)
      }
      let key = file.key
      touched.insert(key)
      added[key] = file
    case .metadata(let new):
      metadata = new
      metadataVersion = version
    case .protocol(let new):
      tableProtocol = new
      protocolVersion = version
    case .transaction(let identifier): transactions[identifier.appID] = identifier
    case .domain(let domain): domains[domain.domain] = domain.isRemoved ? nil : domain
    case .commitInfo(let info): commitInfo = info
    case .remove, .change, .sidecar, .other: break
    }
  }

  /// Takes from a commit only what its writer said of it.
  package mutating func takeInfo(of actions: [Action]) {
    for case .commitInfo(let info) in actions { commitInfo = info }
  }

  private mutating func settle() {
    files.apply(touched: touched, added: added)
    touched = []
    added = [:]
    guard let metadata else { return }
    files.compactRecent(
      over: Self.recentMax,
      partitionColumns: metadata.physicalPartitionColumns(tableProtocol)
    )
  }

  /// The state after the last commit applied.
  ///
  /// - Throws: `LakeError.corruptCommit` without a schema or a protocol; `.unsupported` for what a
  ///   reader must know more for.
  package consuming func snapshot(
    location: String,
    committedAt: Instant,
    checkpoint: TableVersion? = nil,
    notices: [LakeNotice] = []
  ) throws(LakeError) -> Snapshot {
    guard next != .first else { throw .noTable(table: table) }
    let version = TableVersion(next.number - 1)
    guard let metadata, let tableProtocol else {
      throw .corruptCommit(
        table: table,
        version: version,
        line: 0,
        reason: metadata == nil ? "no metaData in the log" : "no protocol in the log"
      )
    }
    try tableProtocol.requireReadable(table: table, version: protocolVersion)
    settle()
    return Snapshot(
      table: table,
      location: location,
      version: version,
      metadata: metadata,
      tableProtocol: tableProtocol,
      files: files,
      transactions: transactions,
      domains: domains,
      committedAt: committedAt,
      commitInfo: commitInfo,
      checkpoint: checkpoint,
      notices: notices
    )
  }
}
