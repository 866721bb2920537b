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
  /// A time was asked for at which the table did not exist yet, or that has not come.
  case noTime(table: String, asked: Instant, oldest: Instant, newest: Instant)
  /// A checkpoint cannot be read, and the commits that it stands for are gone.
  case corruptCheckpoint(table: String, version: TableVersion, file: String, reason: String)
  /// A log file is not what the protocol says.
  case corruptCommit(table: String, version: TableVersion, line: Int, reason: String)
  /// The table needs a protocol feature that this version of Millrace does not have.
  case unsupported(table: String, version: TableVersion, feature: String)
  /// A log entry points outside of the table's folder.
  case pathOutside(table: String, version: TableVersion, path: String)
  /// The table says which rows it may hold, and nobody has shown that the new ones are such.
  case constraint(table: String, name: String, detail: String)
  /// The table takes no change that removes rows.
  case appendOnly(table: String, operation: String)
  /// Others kept committing first until the time for the commit was over.
  case busy(table: String, seconds: Int64, attempts: Int)
  /// A tag of this name is there already, or none is.
  case tag(table: String, name: String, problem: String)
  /// A setting of the table or of maintenance that would lose what must be kept.
  case refused(table: String, reason: String)
  /// Somebody asked to stop.
  case cancelled(table: String)
  /// The new rows do not fit the table's schema.
  case schemaMismatch(table: String, detail: String)
  /// A name that Delta tables cannot have.
  case invalidName(table: String, name: String, reason: String)
  /// A data file that the log names is gone.
  case missingFile(table: String, version: TableVersion, path: String)
  /// A data file is not as the log says; the oldest version whose files are all whole is named.
  case damagedFile(
    table: String,
    version: TableVersion,
    path: String,
    problem: String,
    oldestReadable: TableVersion?
  )
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
    case .noTime: "lake.no-time"
    case .corruptCheckpoint: "lake.corrupt-checkpoint"
    case .constraint: "lake.constraint"
    case .appendOnly: "lake.append-only"
    case .busy: "lake.busy"
    case .tag: "lake.tag"
    case .refused: "lake.refused"
    case .cancelled: "lake.cancelled"
    case .damagedFile: "lake.damaged-file"
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
    case .conflict, .staleVersion, .busy: .transient
    case .noTable, .noVersion, .noTime, .invalidName, .appendOnly, .tag, .refused: .definition
    case .schemaMismatch, .constraint: .data
    case .cancelled: .cancelled
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
    case .noTime(let table, let asked, let oldest, let newest):
      "table \(table) has no version as of \(asked): it knows the time from \(oldest) to \(newest)"
    case .corruptCheckpoint(let table, let version, let file, let reason):
      "the log of table \(table) is damaged: version \(version) cannot be read from \(file) "
        + "(\(reason)), and the commits before it are gone: restore it from a backup"
    case .constraint(let table, let name, let detail):
      "table \(table): \(name): \(detail); nothing was written"
    case .appendOnly(let table, let operation):
      "table \(table) keeps every row (delta.appendOnly), which \(operation) would not: "
        + "nothing was written"
    case .busy(let table, let seconds, let attempts):
      "table \(table): other writers were first \(attempts) times in \(seconds) s; "
        + "nothing was written, run again"
    case .tag(let table, let name, let problem):
      "table \(table): tag \(name): \(problem)"
    case .refused(let table, let reason):
      "table \(table): \(reason)"
    case .cancelled(let table):
      "table \(table): the work was stopped"
    case .damagedFile(let table, let version, let path, let problem, let oldest):
      "table \(table), version \(version): the data file \(path) \(problem); "
        + (oldest.map { "the oldest version that can be read is \($0)" }
          ?? "no version of the table can be read whole")
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
