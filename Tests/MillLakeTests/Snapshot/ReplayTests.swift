// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillLake
import MillTesting
import Testing

@Suite("Folding a log into a table")
struct ReplayTests {
  private static let metadata = Action.metadata(TableMetadata(id: "1", schema: twoColumns))

  private func add(_ path: String, size: Int64 = 1) -> Action {
    .add(AddFile(path: path, size: size, modificationTime: 0))
  }

  private func remove(_ path: String) -> Action {
    .remove(RemoveFile(path: path, deletionTimestamp: 1))
  }

  private func replay(_ commits: [[Action]]) throws -> Snapshot {
    var replay = Replay(table: "t")
    for (version, actions) in commits.enumerated() {
      try replay.apply(actions, version: TableVersion(Int64(version)))
    }
    return try replay.snapshot(location: "/t", committedAt: .earliest)
  }

  @Test("a path that one commit removes and adds is in the table, whichever line comes first")
  func removeAndAdd() throws {
    let first = [.protocol(.classic), Self.metadata, add("a"), add("b")]
    for second in [[remove("a"), add("a", size: 2)], [add("a", size: 2), remove("a")]] {
      let snapshot = try replay([first, second])
      #expect(snapshot.files.map(\.size).sorted() == [1, 2])
    }
  }

  @Test("a removed file is gone, comes back when added again, and removing twice is harmless")
  func removal() throws {
    let first = [.protocol(.classic), Self.metadata, add("a")]
    #expect(try replay([first, [remove("a")]]).files.isEmpty)
    #expect(try replay([first, [remove("a")], [remove("a"), remove("z")]]).files.isEmpty)
    #expect(try replay([first, [remove("a")], [add("a")]]).files.count == 1)
  }

  @Test("of each application the latest progress counts, even when it is a smaller number")
  func transactions() throws {
    func txn(_ id: String, _ version: Int64) -> Action {
      .transaction(TransactionIdentifier(appID: id, version: version))
    }
    let snapshot = try replay([
      [.protocol(.classic), Self.metadata, txn("a", 5), txn("b", 1)], [txn("a", 3)], [],
    ])
    #expect(snapshot.transactionVersion("a") == 3)
    #expect(snapshot.transactionVersion("b") == 1)
    #expect(snapshot.transactionVersion("c") == nil)
    #expect(snapshot.version == TableVersion(2))
  }

  @Test("the latest metadata replaces the former whole, and a changed schema is remembered")
  func metadata() throws {
    let wider = Schema(twoColumns.fields + [Field("more", .double)])
    let second = TableMetadata(id: "1", schema: wider, configuration: ["k": "v"])
    let snapshot = try replay([
      [.protocol(.classic), Self.metadata], [.metadata(second)],
    ])
    #expect(snapshot.metadata == second)
  }

  @Test("versions come in order from the first")
  func order() {
    var replay = Replay(table: "t")
    #expect(throws: LakeError.gap(table: "t", missing: .first)) {
      try replay.apply([], version: TableVersion(1))
    }
  }

  @Test("a log without protocol or without metadata is refused")
  func incomplete() {
    for actions in [[Action.protocol(.classic)], [Self.metadata], []] {
      #expect {
        try replay([actions])
      } throws: { error in
        (error as? LakeError)?.code == "lake.corrupt-commit"
      }
    }
    #expect(throws: LakeError.noTable(table: "t")) { try replay([]) }
  }

  @Test("reader features that are not known here are refused by name, at the version that asks")
  func features() {
    let wanted = TableProtocol(
      minReaderVersion: 3,
      minWriterVersion: 7,
      readerFeatures: ["novelty", "deletionVectors"],
      writerFeatures: ["novelty", "deletionVectors"]
    )
    #expect(
      throws: LakeError.unsupported(
        table: "t",
        version: TableVersion(1),
        feature: "the reader feature novelty"
      )
    ) {
      try replay([[.protocol(.classic), Self.metadata], [.protocol(wanted)]])
    }
    #expect(
      throws: LakeError.unsupported(
        table: "t",
        version: .first,
        feature: "reader version 4 (writer version 7)"
      )
    ) {
      let wanted = TableProtocol(minReaderVersion: 4, minWriterVersion: 7)
      return try replay([[.protocol(wanted), Self.metadata]])
    }
  }

  @Test("a feature that a later commit takes back is not asked for any more")
  func featureDropped() throws {
    let wanted = TableProtocol(
      minReaderVersion: 3,
      minWriterVersion: 7,
      readerFeatures: ["novelty"],
      writerFeatures: ["novelty"]
    )
    let snapshot = try replay([[.protocol(wanted), Self.metadata], [.protocol(.classic)]])
    #expect(snapshot.tableProtocol == .classic)
  }

  @Test(
    "column mapping counts only under a protocol that has it",
    arguments: [ColumnMapping.id, .name, .none]
  )
  func columnMapping(mode: ColumnMapping) throws {
    let mapped = TableMetadata(
      id: "1",
      schema: twoColumns,
      configuration: ["delta.columnMapping.mode": mode.rawValue]
    )
    #expect(try replay([[.protocol(.classic), .metadata(mapped)]]).mapping == .none)
    let wanted = TableProtocol(minReaderVersion: 2, minWriterVersion: 5)
    #expect(try replay([[.protocol(wanted), .metadata(mapped)]]).mapping == mode)
  }

  @Test("a file outside of the table is refused, whether it comes or goes")
  func outside() {
    for action in [add("../x"), remove("s3://b/x")] {
      #expect {
        try replay([[.protocol(.classic), Self.metadata, action]])
      } throws: { error in
        (error as? LakeError)?.code == "lake.path-outside"
      }
    }
  }

  @Test("two spellings of one path are one file")
  func spellings() throws {
    let snapshot = try replay([
      [.protocol(.classic), Self.metadata, add("p=a%20b/x"), add("q=%C3%BC")],
      [remove("p=a b/x"), remove("q=%c3%bc")],
    ])
    #expect(snapshot.files.isEmpty)
  }
}
