// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import MillCore
import MillDuckDB
import MillEngine
import MillLake
import MillTables

/// Changes one table for ever, until somebody kills the process; `scripts/soak` is that somebody.
///
/// Each writer appends rows `(writer, number)` with ascending numbers and keeps in the table itself,
/// as a transaction, how far it got, so that a killed writer goes on where it stopped. In between it
/// upserts, compacts, makes checkpoints, vacuums and cleans up the log. A line on standard output says
/// that a batch is committed: those rows may never be lost, nor any row be there twice.
struct SoakWriter: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "soak-writer",
    abstract: "Changes a table until it is killed.",
    shouldDisplay: false
  )

  @Argument(help: "The table's folder, absolute.") var folder: String
  @Option(help: "The writer's own number.") var writer: Int = 0
  @Option(help: "Batches to commit; without an end by default.") var batches = Int.max

  func run() async throws {
    let world = World.system()
    let engine = try DuckDBEngine(
      DuckDBEngine.Configuration(
        memory: ByteCount(bytes: 256 << 20),
        threads: 1,
        folders: [folder]
      )
    )
    let table = DeltaTable(
      name: "soak",
      store: LocalObjectStore(
        location: folder,
        world: world,
        thread: BlockingExecutor(name: "soak")
      ),
      world: world,
      checkpoints: try DuckDBCheckpoints(),
      cache: SnapshotCache()
    )
    let changes = TableWriter(table, engine: engine, world: world)
    let appID = "soak/\(writer)"
    var next = try await table.snapshotIfExists()?.transactionVersion(appID) ?? 0
    var made = 0
    while made < batches {
      let count = Int64(1 + world.random.next() % 5)
      var options = WriteOptions(attempts: 1000)
      options.transactions = [TransactionIdentifier(appID: appID, version: next + count)]
      let rows = RowSource.query(
        """
        SELECT \(writer)::BIGINT AS writer, n::BIGINT AS number, 0::BIGINT AS touched
        FROM range(\(next), \(next + count)) AS r(n)
        """
      )
      try await changes.append(rows, options)
      next += count
      made += 1
      print("\(writer) \(next)")
      flushOutput()
      try await tend(changes, next)
    }
  }

  /// Something else now and then.
  private func tend(_ changes: TableWriter, _ next: Int64) async throws {
    let table = changes.table
    do {
      switch SystemRandom().next() % 12 {
      case 0: _ = try await changes.compact(to: ByteCount(bytes: 1 << 20))
      case 1: try await table.checkpoint()
      case 2:
        _ = try await table.vacuum(
          VacuumOptions(retention: .seconds(1), allowsShortRetention: true)
        )
      case 3: _ = try await table.cleanUpLog(retention: .seconds(1))
      case 4, 5:
        let from = max(0, next - 20)
        _ = try await changes.upsert(
          .query(
            """
            SELECT \(writer)::BIGINT AS writer, n::BIGINT AS number, \(next)::BIGINT AS touched
            FROM range(\(from), \(next)) AS r(n)
            """
          ),
          keys: ["writer", "number"],
          WriteOptions(attempts: 50)
        )
      default: break
      }
    } catch let error as LakeError {
      switch error {
      // Beside others, tending may lose; a file or commit may be gone by the time that it is read.
      case .conflict, .busy, .staleVersion, .refused, .gap, .noVersion: break
      default: throw error
      }
    } catch let error as EngineError where error.errorClass == .outside {
      // A version of which another writer vacuumed the files while it was read.
    }
  }
}

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// What is printed must be out before the process is killed.
private func flushOutput() {
  fflush(nil)
}
