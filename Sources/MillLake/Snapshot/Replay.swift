// SPDX-License-Identifier: Apache-2.0

package import MillCore

/// The fold of a log into a table's state; pure, so that it is tested without a disk.
///
/// > Source: Delta transaction log protocol, "Action Reconciliation".
package struct Replay {
  package let table: String
  package private(set) var next = TableVersion.first
  package private(set) var metadata: TableMetadata?
  package private(set) var tableProtocol: TableProtocol?
  package private(set) var files: [String: AddFile] = [:]
  package private(set) var transactions: [String: TransactionIdentifier] = [:]
  package private(set) var commitInfo = JSONObject()
  package private(set) var schemaChanged = false

  package init(table: String) {
    self.table = table
  }

  /// Applies the next commit; versions come in order.
  package mutating func apply(_ actions: [Action], version: TableVersion) throws(LakeError) {
    guard version == next else { throw .gap(table: table, missing: next) }
    next = version.successor
    commitInfo = JSONObject()
    // Order inside a commit has no meaning, so removes go first: a path that one commit both
    // removes and adds is in the table afterwards.
    for case .remove(let file) in actions {
      files[try checked(file.path, version)] = nil
    }
    for action in actions {
      switch action {
      case .add(let file): files[try checked(file.path, version)] = file
      case .metadata(let new):
        if let old = metadata, old.schema != new.schema { schemaChanged = true }
        metadata = new
      case .protocol(let new):
        try Self.requireReadable(new, table: table, version: version)
        tableProtocol = new
      case .transaction(let identifier): transactions[identifier.appID] = identifier
      case .commitInfo(let info): commitInfo = info
      case .remove, .other: break
      }
    }
    if let metadata { try requireReadable(metadata, version) }
  }

  /// The state after the last commit applied.
  package func snapshot(location: String, committedAt: Instant) throws(LakeError) -> Snapshot {
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
    return Snapshot(
      table: table,
      location: location,
      version: version,
      metadata: metadata,
      tableProtocol: tableProtocol,
      files: files,
      transactions: transactions,
      committedAt: committedAt,
      commitInfo: commitInfo,
      schemaChanged: schemaChanged
    )
  }

  /// The path in our own spelling, since two writers may escape one name differently.
  private func checked(_ path: String, _ version: TableVersion) throws(LakeError) -> String {
    guard let name = LogPath.decode(path) else {
      throw .pathOutside(table: table, version: version, path: path)
    }
    return LogPath.encode(name)
  }

  private func requireReadable(
    _ metadata: TableMetadata,
    _ version: TableVersion
  ) throws(LakeError) {
    if let mode = metadata.configuration["delta.columnMapping.mode"], mode != "none" {
      throw .unsupported(table: table, version: version, feature: "column mapping by \(mode)")
    }
  }

  /// Refuses a protocol that a reader must know more for.
  package static func requireReadable(
    _ wanted: TableProtocol,
    table: String,
    version: TableVersion
  ) throws(LakeError) {
    guard wanted.minReaderVersion > 1 else { return }
    let features = wanted.readerFeatures ?? []
    throw .unsupported(
      table: table,
      version: version,
      feature: features.isEmpty
        ? "reader version \(wanted.minReaderVersion)"
        : "the reader features " + features.sorted().joined(separator: ", ")
    )
  }

  /// Refuses a protocol that a writer must know more for, and rules that it could not keep.
  package static func requireWritable(
    _ snapshot: Snapshot,
    removing: Bool
  ) throws(LakeError) {
    if removing, snapshot.metadata.configuration["delta.appendOnly"] == "true" {
      throw .unsupported(
        table: snapshot.table,
        version: snapshot.version,
        feature: "to keep every row (delta.appendOnly)"
      )
    }
    if let field = snapshot.schema.fields.first(where: \.hasInvariant) {
      throw .unsupported(
        table: snapshot.table,
        version: snapshot.version,
        feature: "the invariant on column \(field.name)"
      )
    }
    let wanted = snapshot.tableProtocol
    guard wanted.minWriterVersion > 2 else { return }
    let features = wanted.writerFeatures ?? []
    throw .unsupported(
      table: snapshot.table,
      version: snapshot.version,
      feature: features.isEmpty
        ? "writer version \(wanted.minWriterVersion)"
        : "the writer features " + features.sorted().joined(separator: ", ")
    )
  }
}

extension Field {
  /// Whether each row must satisfy an expression here, or in a member.
  ///
  /// > Source: Delta transaction log protocol, "Column Invariants".
  fileprivate var hasInvariant: Bool {
    metadata["delta.invariants"].map { !$0.isNull } ?? false || type.hasInvariant
  }
}

extension DataType {
  fileprivate var hasInvariant: Bool {
    switch self {
    case .array(let element, _): element.hasInvariant
    case .map(let key, let value, _): key.hasInvariant || value.hasInvariant
    case .structure(let fields): fields.contains { $0.hasInvariant }
    default: false
    }
  }
}
