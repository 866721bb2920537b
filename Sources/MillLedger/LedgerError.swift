// SPDX-License-Identifier: Apache-2.0

public import MillCore

/// Why the ledger did not answer, or did not take what it was told.
///
/// A write lands whole or not at all. The tables of the lake are untouched by any of these.
@nonexhaustive
public enum LedgerError: Failure, Equatable {
  /// Another process held the file for longer than the busy timeout. Run again.
  case locked(path: String)
  /// The file is damaged, or is no SQLite database at all.
  case corrupt(path: String, detail: String)
  /// The file is a sound database of some other program, which is left alone.
  case notALedger(path: String)
  /// A newer Millrace has written this file; `migrations` are those unknown to this one.
  case tooNew(path: String, migrations: [String])
  /// The disk of the file is full.
  case full(path: String)
  /// The system refused the file: a missing folder, missing rights.
  case refused(path: String, resultCode: Int32, detail: String)
  /// No run of this id stands in the ledger.
  case unknownRun(id: String)
  /// The record breaks a rule of the schema, such as a run begun twice: a mistake of Millrace.
  case contradiction(path: String, detail: String)

  /// A stable name: `ledger.` and the case.
  public var code: String {
    switch self {
    case .locked: "ledger.locked"
    case .corrupt: "ledger.corrupt"
    case .notALedger: "ledger.not-a-ledger"
    case .tooNew: "ledger.too-new"
    case .full: "ledger.full"
    case .refused: "ledger.refused"
    case .unknownRun: "ledger.unknown-run"
    case .contradiction: "ledger.contradiction"
    }
  }

  /// Transient if another process was in the way; `outside` if the file or disk is at fault.
  public var errorClass: ErrorClass {
    switch self {
    case .locked: .transient
    case .corrupt, .full, .refused: .outside
    case .notALedger, .tooNew, .unknownRun: .definition
    case .contradiction: .bug
    }
  }

  /// What happened to which file, and what to do about it.
  public var description: String {
    switch self {
    case .locked(let path):
      "the ledger \(path) is held by another process: run again when that one is done"
    case .corrupt(let path, let detail):
      "the ledger \(path) is damaged (\(detail)): no data is lost, for the tables' own logs hold "
        + "it; `millrace ledger rebuild` makes the ledger anew from them"
    case .notALedger(let path):
      "\(path) is a database of another program, not a ledger: move it away, or put the "
        + "project's .millrace folder elsewhere"
    case .tooNew(let path, let migrations):
      "the ledger \(path) was written by a newer millrace "
        + "(unknown here: \(migrations.joined(separator: ", "))): upgrade millrace"
    case .full(let path):
      "there is no room for the ledger \(path) on its disk: make room, then do it again; nothing was "
        + "recorded, and the tables are as they were"
    case .refused(let path, let resultCode, let detail):
      "the ledger \(path) cannot be used: \(detail) (SQLite \(resultCode)): check that its folder "
        + "is there and may be written"
    case .unknownRun(let id):
      "there is no run \(id) in the ledger: `millrace runs` lists those it holds"
    case .contradiction(let path, let detail):
      "the ledger \(path) refused a record: \(detail); this is a mistake of millrace, please "
        + "report it"
    }
  }
}
