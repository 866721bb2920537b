// SPDX-License-Identifier: Apache-2.0

import Foundation
import GRDB
import MillCore
import MillLedger
import Testing

@Suite("The ledger's file")
struct LedgerFileTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  @Test("a new file is in WAL mode and bears our mark")
  func newFile() async throws {
    let ledger = try Ledger(path: folder.ledgerPath)
    #expect(try await ledger.runs(limit: 1).isEmpty)
    let (mode, mark) = try await folder.otherConnection().read { database in
      (
        try String.fetchOne(database, sql: "PRAGMA journal_mode"),
        try Int64.fetchOne(database, sql: "PRAGMA application_id")
      )
    }
    #expect(mode == "wal")
    #expect(mark == 0x4D49_4C4C)
  }

  @Test("two ledgers writing to one file at once lose nothing")
  func twoWriters() async throws {
    let ledgers = [
      try Ledger(path: folder.ledgerPath, busyTimeout: .seconds(60)),
      try Ledger(path: folder.ledgerPath, busyTimeout: .seconds(60)),
    ]
    try await withThrowingTaskGroup { group in
      for (writer, ledger) in ledgers.enumerated() {
        group.addTask {
          for number in 0..<100 {
            let id = "w\(writer)-\(number)"
            try await ledger.begin(aRun(id))
            try await ledger.record(aNode(id, "silver.flights"))
            try await ledger.finish(runID: id, status: .succeeded, at: 2_000)
          }
        }
      }
      try await group.waitForAll()
    }
    let runs = try await ledgers[0].runs(limit: 1_000)
    #expect(runs.count == 200)
    #expect(runs.allSatisfy { $0.status == .succeeded })
  }

  @Test("many that open a new file at once all get it", arguments: 0..<10)
  func openingAtOnce(round: Int) async throws {
    let path = folder.ledgerPath
    try await withThrowingTaskGroup { group in
      for opener in 0..<8 {
        group.addTask {
          let ledger = try Ledger(path: path, busyTimeout: .seconds(60))
          try await ledger.begin(aRun("\(opener)"))
        }
      }
      try await group.waitForAll()
    }
    #expect(try await Ledger(path: path).runs(limit: 100).count == 8)
  }

  @Test("a file that is no database is called corrupt", arguments: [2, 30, 100, 600, 100_000])
  func noDatabase(size: Int) throws {
    try Data(repeating: UInt8(ascii: "x"), count: size)
      .write(to: URL(fileURLWithPath: folder.ledgerPath))
    let error = #expect(throws: LedgerError.self) { try Ledger(path: folder.ledgerPath) }
    #expect(error?.code == "ledger.corrupt")
    #expect(error?.description.contains("millrace ledger rebuild") == true)
    #expect(error?.isRetryable == false)
  }

  @Test("a damaged page is called corrupt")
  func damagedPage() async throws {
    do {
      let ledger = try Ledger(path: folder.ledgerPath)
      for number in 0..<50 { try await ledger.begin(aRun("r\(number)")) }
    }
    let url = URL(fileURLWithPath: folder.ledgerPath)
    var bytes = try Data(contentsOf: url)
    let firstPageEnd = 4_096
    try #require(bytes.count > firstPageEnd)
    bytes.replaceSubrange(
      firstPageEnd..<bytes.count,
      with: Data(repeating: 0xFF, count: bytes.count - firstPageEnd)
    )
    try bytes.write(to: url)
    let error = await #expect(throws: LedgerError.self) {
      _ = try await Ledger(path: folder.ledgerPath).runs(limit: 100)
    }
    #expect(error?.code == "ledger.corrupt")
  }

  @Test("a damaged ledger set aside makes room for an empty one")
  func settingAside() async throws {
    try Data("nonsense, and enough of it".utf8)
      .write(to: URL(fileURLWithPath: folder.ledgerPath))
    let aside = try Ledger.setAside(path: folder.ledgerPath, suffix: ".damaged")
    #expect(FileManager.default.fileExists(atPath: aside))
    #expect(try await Ledger(path: folder.ledgerPath).runs(limit: 1).isEmpty)
  }

  @Test("a database of another program is left alone")
  func foreignDatabase() async throws {
    try await folder.otherConnection().write { database in
      try database.execute(sql: "CREATE TABLE run (mine TEXT); INSERT INTO run VALUES ('x')")
    }
    #expect(throws: LedgerError.notALedger(path: folder.ledgerPath)) {
      try Ledger(path: folder.ledgerPath)
    }
    let names = try await folder.otherConnection().read { database in
      try String.fetchAll(database, sql: "SELECT name FROM sqlite_schema")
    }
    #expect(names == ["run"])
  }

  @Test("a file of a newer millrace is refused and not touched")
  func newerSchema() async throws {
    _ = try Ledger(path: folder.ledgerPath)
    try await folder.otherConnection().write { database in
      try database.execute(sql: "INSERT INTO grdb_migrations VALUES ('999-from-the-future')")
    }
    let error = #expect(throws: LedgerError.self) { try Ledger(path: folder.ledgerPath) }
    #expect(error == .tooNew(path: folder.ledgerPath, migrations: ["999-from-the-future"]))
    #expect(error?.code == "ledger.too-new")
  }

  @Test("an older file is brought up to date and keeps its rows")
  func olderSchema() async throws {
    do {
      let ledger = try Ledger(path: folder.ledgerPath)
      try await ledger.begin(aRun("r1"))
    }
    try await folder.otherConnection().write { database in
      try database.execute(
        sql: """
          DROP TABLE plan;
          DROP TABLE file_identity;
          DELETE FROM grdb_migrations WHERE identifier = '002-plans-and-files';
          """
      )
    }
    let ledger = try Ledger(path: folder.ledgerPath)
    #expect(try await ledger.plan(dataset: "gold.delays") == nil)
    #expect(try await ledger.runs(limit: 10).map(\.id) == ["r1"])
  }

  @Test("a lock held by another is a transient error, and reading goes on meanwhile")
  func heldLock() async throws {
    let ledger = try Ledger(path: folder.ledgerPath, busyTimeout: .milliseconds(20))
    let other = try folder.otherConnection()
    try await other.writeWithoutTransaction { try $0.execute(sql: "BEGIN EXCLUSIVE") }
    let error = await #expect(throws: LedgerError.self) { try await ledger.begin(aRun("r1")) }
    #expect(error == .locked(path: folder.ledgerPath))
    #expect(error?.code == "ledger.locked")
    #expect(error?.errorClass == .transient)
    #expect(error?.isRetryable == true)
    #expect(try await ledger.runs(limit: 1).isEmpty)
    try await other.writeWithoutTransaction { try $0.execute(sql: "COMMIT") }
    try await ledger.begin(aRun("r1"))
    #expect(try await ledger.runs(limit: 1).count == 1)
  }

  @Test("a new file that another holds cannot be opened in time")
  func heldNewFile() async throws {
    let other = try folder.otherConnection()
    try await other.writeWithoutTransaction { try $0.execute(sql: "BEGIN EXCLUSIVE") }
    #expect(throws: LedgerError.locked(path: folder.ledgerPath)) {
      try Ledger(path: folder.ledgerPath, busyTimeout: .milliseconds(20))
    }
    try await other.writeWithoutTransaction { try $0.execute(sql: "COMMIT") }
  }

  @Test("a missing folder is named")
  func missingFolder() {
    let error = #expect(throws: LedgerError.self) {
      try Ledger(path: folder.path + "/none/ledger.sqlite")
    }
    #expect(error?.code == "ledger.refused")
    #expect(error?.description.contains("folder") == true)
  }
}
