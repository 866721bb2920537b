// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import GRDB

/// What happened and what is known: runs, nodes, verdicts, lineage, plans, hashes of files, versions
/// of features.
///
/// One SQLite file, `.millrace/ledger.sqlite`. It is an index of what the logs of the tables already
/// prove: losing it loses history, never data, and `millrace ledger rebuild` makes it anew. Several
/// processes may use the same file at once; each call is one transaction.
///
/// Writes are not cancelled with the task that asks for them, so a run that is being interrupted
/// can still say so. None takes longer than the busy timeout and its own work.
///
/// ```swift
/// let ledger = try Ledger(path: ".millrace/ledger.sqlite")
/// try await ledger.begin(run)
/// try await ledger.finish(runID: run.id, status: .succeeded, at: now)
/// ```
public final class Ledger: Sendable {
  /// Where the file is.
  public let path: String
  private let queue: DatabaseQueue

  /// Opens a ledger, makes the file if there is none, and brings an older one up to date.
  ///
  /// This blocks for at most about the busy timeout; all other calls suspend instead.
  ///
  /// - Parameters:
  ///   - path: The file; its folder must be there.
  ///   - busyTimeout: How long to wait for another process before `ledger.locked`.
  /// - Throws: `locked`, `corrupt`, `notALedger`, `tooNew` or `refused`.
  public init(path: String, busyTimeout: Duration = .seconds(5)) throws(LedgerError) {
    self.path = path
    do {
      queue = try Self.open(path: path, busyTimeout: busyTimeout)
    } catch {
      throw Self.explain(error, path: path)
    }
  }

  /// Moves a damaged ledger out of the way, so that the next opening makes an empty one.
  ///
  /// No process may have it open. Nothing is deleted: the file and its `-wal` and `-shm` get
  /// `suffix` added to their names.
  ///
  /// - Returns: The new path of the file.
  public static func setAside(path: String, suffix: String) throws(LedgerError) -> String {
    let files = FileManager.default
    do {
      for part in ["-shm", "-wal", ""] where files.fileExists(atPath: path + part) {
        try files.moveItem(atPath: path + part, toPath: path + suffix + part)
      }
    } catch {
      throw .refused(path: path, resultCode: 0, detail: error.localizedDescription)
    }
    return path + suffix
  }

  // MARK: - Access for the other files of this room

  /// One write transaction, which other processes see whole or not at all.
  func write<Value: Sendable>(
    _ body: @escaping @Sendable (Database) throws -> Value
  ) async throws(LedgerError) -> Value {
    let queue = queue
    return try await unlessCancelled { try await queue.write(body) }
  }

  /// One read transaction: a view of a single moment.
  func read<Value: Sendable>(
    _ body: @escaping @Sendable (Database) throws -> Value
  ) async throws(LedgerError) -> Value {
    let queue = queue
    return try await unlessCancelled { try await queue.read(body) }
  }

  /// Runs in a task of its own, awaited here, that the caller's cancellation does not reach.
  private func unlessCancelled<Value: Sendable>(
    _ work: @escaping @Sendable () async throws -> Value
  ) async throws(LedgerError) -> Value {
    switch await Task(operation: { try await work() }).result {
    case .success(let value): return value
    case .failure(let error): throw Self.explain(error, path: path)
    }
  }
}

// MARK: - Opening

extension Ledger {
  private static func open(path: String, busyTimeout: Duration) throws -> DatabaseQueue {
    var configuration = Configuration()
    configuration.label = "millrace.ledger"
    configuration.foreignKeysEnabled = true
    configuration.busyMode = .timeout(busyTimeout / .seconds(1))
    configuration.prepareDatabase { database in
      try database.execute(sql: "PRAGMA synchronous = NORMAL")
    }
    // SQLite does not wait where waiting could be for ever, such as when two connections turn the
    // same new file to WAL at once: there it says busy immediately, and we try again.
    let deadline = ContinuousClock.now + busyTimeout
    while true {
      do {
        let queue = try DatabaseQueue(path: path, configuration: configuration)
        try queue.inDatabase(checkOwner)
        try queue.inDatabase(useWriteAheadLog)
        try migrate(queue, path: path)
        return queue
      } catch let error as DatabaseError where error.resultCode == .SQLITE_BUSY {
        guard ContinuousClock.now < deadline else { throw error }
        Thread.sleep(forTimeInterval: 0.01)
      }
    }
  }

  /// Refuses a database that another program has filled.
  private static func checkOwner(_ database: Database) throws {
    let reader = try Row.fetchOne(
      database,
      sql: """
        SELECT (SELECT application_id FROM pragma_application_id) AS owner,
          (SELECT count(*) FROM sqlite_schema WHERE name NOT LIKE '%grdb_migrations%') AS things
        """
    ).map(RecordReader.init(row:))
    guard let reader else { return }
    let (owner, things) = (try reader.integer("owner"), try reader.integer("things"))
    if owner != LedgerSchema.applicationID, owner != 0 || things > 0 { throw ForeignDatabase() }
  }

  private static func useWriteAheadLog(_ database: Database) throws {
    // GRDB's own way writes a scratch table at each opening, and so would need the write lock.
    let mode = try String.fetchOne(database, sql: "PRAGMA journal_mode = WAL")
    guard mode == "wal" else {
      throw DatabaseError(
        resultCode: .SQLITE_IOERR,
        message: "this file system cannot hold a write-ahead log (shared memory is missing)"
      )
    }
  }

  private static func migrate(_ queue: DatabaseQueue, path: String) throws {
    let migrator = LedgerSchema.migrator
    let known = Set(migrator.migrations)
    // Each step is a transaction, but another process may take a step between our look and our
    // move, which then fails on what is there already. The work is done by whoever was first.
    var failure: (any Error)?
    for _ in 0...(known.count + 1) {
      let (unknown, isComplete) = try queue.inDatabase { database in
        // Asked first because GRDB takes a table that appears while it looks for damage.
        let hasBegun = try Bool.fetchOne(
          database,
          sql: "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'grdb_migrations')"
        )
        guard hasBegun == true else { return ([String](), false) }
        return (
          try migrator.appliedIdentifiers(database).subtracting(known).sorted(),
          try migrator.hasCompletedMigrations(database)
        )
      }
      guard unknown.isEmpty else { throw LedgerError.tooNew(path: path, migrations: unknown) }
      if isComplete { return }
      do {
        try migrator.migrate(queue)
      } catch let error as DatabaseError where error.resultCode != .SQLITE_BUSY {
        failure = error
      }
    }
    throw failure ?? DatabaseError(message: "the migrations do not come to an end")
  }

  private struct ForeignDatabase: Error {}

  /// Turns what GRDB throws into what a person can act on.
  private static func explain(_ error: any Error, path: String) -> LedgerError {
    switch error {
    case let error as LedgerError:
      return error
    case is ForeignDatabase:
      return .notALedger(path: path)
    case let error as RecordReader.Mismatch:
      return .corrupt(path: path, detail: "column \(error.column) holds no \(error.expected)")
    case let error as DatabaseError:
      // Not error.description, which quotes the values of the statement.
      let detail = error.message ?? "\(error.resultCode)"
      switch error.resultCode {
      case .SQLITE_BUSY, .SQLITE_LOCKED:
        return .locked(path: path)
      case .SQLITE_FULL:
        return .full(path: path)
      // The memory that processes share lies in a file beside it, of which nothing else is ever refused.
      case .SQLITE_IOERR where error.extendedResultCode == .SQLITE_IOERR_SHMSIZE:
        return .full(path: path)
      case .SQLITE_NOTADB, .SQLITE_CORRUPT:
        return .corrupt(path: path, detail: detail)
      case .SQLITE_ERROR where detail.contains("no such table"),
        .SQLITE_ERROR where detail.contains("no such column"):
        return .corrupt(path: path, detail: detail)
      case .SQLITE_CONSTRAINT, .SQLITE_ERROR, .SQLITE_MISUSE, .SQLITE_RANGE, .SQLITE_TOOBIG:
        return .contradiction(path: path, detail: detail)
      default:
        return .refused(
          path: path,
          resultCode: error.extendedResultCode.rawValue,
          detail: detail
        )
      }
    default:
      return .refused(path: path, resultCode: 0, detail: "\(type(of: error))")
    }
  }
}
