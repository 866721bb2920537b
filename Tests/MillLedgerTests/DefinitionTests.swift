// SPDX-License-Identifier: Apache-2.0

import GRDB
import MillCore
import MillLedger
import Testing

@Suite("Versions of features in the ledger")
struct DefinitionTests {
  let folder: TemporaryFolder
  let ledger: Ledger

  init() throws {
    folder = try TemporaryFolder()
    ledger = try Ledger(path: folder.ledgerPath, busyTimeout: .seconds(60))
  }

  private func aView(
    _ name: String = "spend",
    _ hash: String,
    notes: String = #"{"owner":"risk"}"#,
    types: String? = nil
  ) -> DefinitionRecord {
    DefinitionRecord(
      kind: .view,
      name: name,
      hash: hash,
      definition: #"{"of":"\#(hash)"}"#,
      dependsOn: "[]",
      notes: notes,
      types: types
    )
  }

  @discardableResult
  private func record(
    _ definitions: DefinitionRecord...,
    isComplete: Bool = true,
    at instant: Int64 = 1
  ) async throws -> [Int] {
    try await ledger.record(definitions: definitions, isComplete: isComplete, at: instant)
  }

  @Test("numbers are dense for each name, and a hash of before is the version that it was")
  func numbers() async throws {
    #expect(try await record(aView("spend", "a"), aView("limits", "x")) == [1, 1])
    #expect(try await record(aView("spend", "b"), aView("limits", "x"), at: 2) == [2, 1])
    #expect(try await record(aView("spend", "a"), aView("limits", "x"), at: 3) == [1, 1])
    #expect(try await record(aView("spend", "c"), aView("limits", "x"), at: 4) == [3, 1])
    let versions = try await ledger.definitionVersions(of: "spend")
    #expect(versions.map(\.version) == [1, 2, 3])
    #expect(versions.map(\.hash) == ["a", "b", "c"])
    #expect(versions.map(\.recordedAt) == [1, 2, 4])
    let events = try await ledger.definitionEvents(of: "spend")
    #expect(events.map(\.version) == [1, 2, 1, 3])
    #expect(try await ledger.definitionEvents(of: "limits").count == 1)
  }

  @Test("names of different kinds do not meet")
  func kinds() async throws {
    var entity = aView("card", "e")
    entity.kind = .entity
    #expect(try await record(entity, aView("card", "v")) == [1, 1])
    #expect(try await ledger.definitionVersions(of: "card").map(\.kind) == [.entity, .view])
  }

  @Test("notes have a history without a new version")
  func notes() async throws {
    try await record(aView("spend", "a"))
    #expect(try await record(aView("spend", "a", notes: #"{"owner":"fraud"}"#), at: 2) == [1])
    try await record(aView("spend", "a", notes: #"{"owner":"fraud"}"#), at: 3)
    let events = try await ledger.definitionEvents(of: "spend")
    #expect(events.map(\.notes) == [#"{"owner":"risk"}"#, #"{"owner":"fraud"}"#])
    #expect(events.map(\.recordedAt) == [1, 2])
    #expect(try await ledger.definitionVersions(of: "spend").count == 1)
  }

  @Test("types that nobody knows now stay those of the version, and not of another")
  func types() async throws {
    try await record(aView("spend", "a", types: #"{"f":"long"}"#))
    try await record(aView("spend", "a"), at: 2)
    #expect(try await ledger.definitionEvents(of: "spend").count == 1)
    try await record(aView("spend", "a", types: #"{"f":"string"}"#), at: 3)
    try await record(aView("spend", "b"), at: 4)
    let events = try await ledger.definitionEvents(of: "spend")
    #expect(events.map(\.types) == [#"{"f":"long"}"#, #"{"f":"string"}"#, nil])
  }

  @Test("what is missing among all is gone; among some it is left alone")
  func gone() async throws {
    try await record(aView("spend", "a"), aView("limits", "x"))
    try await record(aView("limits", "x"), isComplete: false, at: 2)
    #expect(try await ledger.definitionEvents(of: "spend").count == 1)
    try await record(aView("limits", "x"), at: 3)
    try await record(aView("limits", "x"), at: 4)
    #expect(try await ledger.definitionEvents(of: "spend").map(\.version) == [1, nil])
    #expect(try await record(aView("limits", "x"), aView("spend", "a"), at: 5) == [1, 1])
    #expect(try await ledger.definitionEvents(of: "spend").map(\.version) == [1, nil, 1])
  }

  @Test("a version cannot be rewritten, by nobody")
  func immutable() async throws {
    try await record(aView("spend", "a"))
    let other = try folder.otherConnection()
    await #expect(throws: DatabaseError.self) {
      try await other.write { try $0.execute(sql: "UPDATE feature_definition SET hash = 'z'") }
    }
    #expect(try await ledger.definitionVersions().map(\.hash) == ["a"])
  }

  @Test("what is as it was is read under a lock that another holds for writing")
  func unchanged() async throws {
    try await record(aView("spend", "a"))
    let hasty = try Ledger(path: folder.ledgerPath, busyTimeout: .milliseconds(20))
    let other = try folder.otherConnection()
    try await other.writeWithoutTransaction { try $0.execute(sql: "BEGIN IMMEDIATE") }
    #expect(
      try await hasty.record(definitions: [aView("spend", "a")], isComplete: true, at: 2) == [1]
    )
    let error = await #expect(throws: LedgerError.self) {
      try await hasty.record(definitions: [aView("spend", "b")], isComplete: true, at: 2)
    }
    #expect(error?.isRetryable == true)
    try await other.writeWithoutTransaction { try $0.execute(sql: "ROLLBACK") }
  }

  @Test("several writers at once number every definition once and leave no hole")
  func writers() async throws {
    let path = folder.ledgerPath
    let numbers = try await withThrowingTaskGroup(of: [String: Int].self) { group in
      for writer in 0..<4 {
        group.addTask {
          let ledger = try Ledger(path: path, busyTimeout: .seconds(60))
          var numbers: [String: Int] = [:]
          for round in 0..<25 {
            // Half of the definitions are those of another writer as well.
            let hash = round.isMultiple(of: 2) ? "shared-\(round)" : "own-\(writer)-\(round)"
            numbers[hash] =
              try await ledger.record(
                definitions: [
                  DefinitionRecord(
                    kind: .view,
                    name: "spend",
                    hash: hash,
                    definition: hash,
                    dependsOn: "[]",
                    notes: "{}"
                  )
                ],
                isComplete: true,
                at: Int64(round)
              ).first
          }
          return numbers
        }
      }
      var all: [[String: Int]] = []
      for try await numbers in group { all.append(numbers) }
      return all
    }
    let versions = try await ledger.definitionVersions(of: "spend")
    #expect(versions.map(\.version) == Array(1...(13 + 4 * 12)))
    let byHash = Dictionary(uniqueKeysWithValues: versions.map { ($0.hash, $0.version) })
    for numbers in numbers {
      for (hash, number) in numbers { #expect(byHash[hash] == number) }
    }
  }

  @Test("of each definition the newest statistics are kept, and no more than a bound")
  func statistics() async throws {
    for number in 1...(Ledger.statisticsKept + 5) {
      try await ledger.record(
        StatisticsRecord(
          view: "spend",
          hash: "a",
          asOf: Int64(number),
          recordedAt: Int64(number),
          statistics: "{}"
        )
      )
    }
    try await ledger.record(
      StatisticsRecord(view: "spend", hash: "b", asOf: 1, recordedAt: 99, statistics: "[]")
    )
    let kept = try await ledger.statistics(view: "spend", hash: "a", limit: 1_000)
    #expect(kept.map(\.asOf) == (6...35).reversed().map { Int64($0) })
    #expect(try await ledger.statistics(view: "spend", limit: 2).map(\.hash) == ["b", "a"])
    #expect(try await ledger.statistics(view: "limits").isEmpty)
  }

  @Test("a rebuild of the history leaves versions and statistics alone")
  func rebuild() async throws {
    try await record(aView("spend", "a"))
    try await ledger.eraseForRebuild()
    #expect(try await ledger.definitionVersions().count == 1)
  }
}
