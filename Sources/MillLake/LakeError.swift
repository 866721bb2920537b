// SPDX-License-Identifier: Apache-2.0

public import MillCore

/// Why a table could not be read or changed.
///
/// Nothing is ever half-committed. On any case of a commit the table is unchanged, but for one: after
/// `storage` the commit may stand whole, when the disk refused only to make its name durable.
@nonexhaustive
public enum LakeError: Failure, Equatable {
  /// The folder holds no table.
  case noTable(table: String)
  /// A version was asked for that the log does not have.
  case noVersion(table: String, version: TableVersion, oldest: TableVersion, newest: TableVersion)
  /// Another writer took this version first and changed what this commit stands on.
  case conflict(table: String, version: TableVersion, reason: String)
  /// The caller's `expecting` version is not the newest any more.
  case staleVersion(table: String, expected: TableVersion, newest: TableVersion)
  /// A version between the oldest and the newest is missing.
  case gap(table: String, missing: TableVersion)
  /// A log file is not what the protocol says.
  case corruptCommit(table: String, version: TableVersion, line: Int, reason: String)
  /// The table needs a protocol feature that this version of Millrace does not have.
  case unsupported(table: String, version: TableVersion, feature: String)
  /// A log entry points outside of the table's folder.
  case pathOutside(table: String, version: TableVersion, path: String)
  /// The new rows do not fit the table's schema.
  case schemaMismatch(table: String, detail: String)
  /// A name that Delta tables cannot have.
  case invalidName(table: String, name: String, reason: String)
  /// A data file that the log names is gone.
  case missingFile(table: String, version: TableVersion, path: String)
  /// The disk or object store refused.
  case storage(table: String, cause: FileError)

  /// `lake.` and the case, or the code of the disk's own refusal.
  public var code: String {
    switch self {
    case .noTable: "lake.no-table"
    case .noVersion: "lake.no-version"
    case .conflict: "lake.conflict"
    case .staleVersion: "lake.stale-version"
    case .gap: "lake.gap"
    case .corruptCommit: "lake.corrupt-commit"
    case .unsupported: "lake.unsupported"
    case .pathOutside: "lake.path-outside"
    case .schemaMismatch: "lake.schema-mismatch"
    case .invalidName: "lake.invalid-name"
    case .missingFile: "lake.missing-file"
    case .storage(_, let cause): cause.code
    }
  }

  /// A lost race may be tried again; a damaged log or a full disk needs somebody to act.
  public var errorClass: ErrorClass {
    switch self {
    case .conflict, .staleVersion: .transient
    case .noTable, .noVersion, .invalidName: .definition
    case .schemaMismatch: .data
    case .storage(_, let cause): cause.errorClass
    default: .outside
    }
  }

  /// What happened, to which table and version, and what to do.
  public var description: String {
    switch self {
    case .noTable(let table):
      "there is no table \(table): nothing has been published to it yet"
    case .noVersion(let table, let version, let oldest, let newest):
      "table \(table) has no version \(version): it has \(oldest) to \(newest)"
    case .conflict(let table, let version, let reason):
      "table \(table): another writer committed version \(version) first and \(reason); "
        + "nothing was written, run again"
    case .staleVersion(let table, let expected, let newest):
      "table \(table) is at version \(newest), not \(expected) as expected: nothing was written"
    case .gap(let table, let missing):
      "the log of table \(table) is damaged: version \(missing) is missing, "
        + "restore \(missing.logFileName) from a backup"
    case .corruptCommit(let table, let version, let line, let reason):
      "the log of table \(table) is damaged: version \(version), line \(line): \(reason)"
    case .unsupported(let table, let version, let feature):
      "table \(table), version \(version) needs \(feature), which this Millrace cannot handle"
    case .pathOutside(let table, let version, let path):
      "table \(table), version \(version) names a file outside of its folder: \(path)"
    case .schemaMismatch(let table, let detail):
      "the new rows do not fit table \(table): \(detail)"
    case .invalidName(let table, let name, let reason):
      "table \(table): the column name \"\(name)\" cannot be published: \(reason)"
    case .missingFile(let table, let version, let path):
      "table \(table), version \(version): the data file \(path) is gone"
    case .storage(let table, let cause):
      "table \(table): \(cause)"
    }
  }
}
