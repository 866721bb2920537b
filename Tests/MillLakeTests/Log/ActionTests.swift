// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillLake
import Testing

@Suite("Actions as lines of a commit")
struct ActionTests {
  private func read(_ line: String) throws -> Action { try Action(line: Array(line.utf8)) }

  private func reason(_ line: String) -> String? {
    do {
      _ = try read(line)
      return nil
    } catch {
      return (error as? ActionError)?.reason
    }
  }

  private static let schema = Schema([
    Field("id", .long, isNullable: false),
    Field("tags", .array(element: .string, containsNull: true)),
    Field("price", .decimal(precision: 38, scale: 10), metadata: ["comment": "in \"euro\" ü"]),
  ])

  static let actions: [Action] = [
    .add(AddFile(path: "part-1.parquet", size: 0, modificationTime: 0)),
    .add(
      AddFile(
        path: "p=a%2520b/x",
        partitionValues: ["p": "a b", "q": nil, "r": ""],
        size: 1 << 42,
        modificationTime: -1,
        dataChange: false,
        stats: #"{"numRecords":1,"minValues":{"id":9007199254740993}}"#
      )
    ),
    .remove(RemoveFile(path: "x", deletionTimestamp: nil)),
    .remove(
      RemoveFile(
        path: "x",
        deletionTimestamp: 5,
        dataChange: false,
        partitionValues: ["p": nil],
        size: 7
      )
    ),
    .metadata(TableMetadata(id: "1", schema: schema)),
    .metadata(
      TableMetadata(
        id: "1",
        name: "n",
        description: "a \n b",
        schema: schema,
        partitionColumns: ["id"],
        createdTime: 3,
        configuration: ["delta.appendOnly": "true", "mine": "ü"]
      )
    ),
    .protocol(.classic),
    .protocol(
      TableProtocol(
        minReaderVersion: 3,
        minWriterVersion: 7,
        readerFeatures: ["deletionVectors"],
        writerFeatures: []
      )
    ),
    .transaction(TransactionIdentifier(appID: "millrace/silver.x/0b", version: -3)),
    .transaction(TransactionIdentifier(appID: "é", version: 3, lastUpdated: 4)),
    .commitInfo(["operation": "WRITE", "z": nil, "a": [1.5, true]]),
    .domain(DomainMetadata(domain: "d", configuration: "{}")),
    .domain(DomainMetadata(domain: "d", configuration: "", isRemoved: true)),
    .change(ChangeFile(path: "_change_data/x", partitionValues: ["p": nil], size: 3)),
    .sidecar(SidecarFile(path: "x.parquet", sizeInBytes: 4)),
  ]

  @Test("what is written is read back the same", arguments: actions)
  func roundTrip(action: Action) throws {
    #expect(!action.line.contains("\n"))
    #expect(try read(action.line) == action)
  }

  @Test("an unknown action is kept whole")
  func unknown() throws {
    let line = #"{"novelty":{"b":[1,2.50],"a":null}}"#
    let action = try read(line)
    let exact = try #require(JSONNumber(text: "2.50"))
    #expect(action == .other(name: "novelty", ["b": [1, .number(exact)], "a": nil]))
    #expect(action.line == line)
  }

  @Test("unknown fields are kept as they were and null fields are as good as absent")
  func nullFields() throws {
    let add = try read(
      #"{"remove":null,"add":{"path":"x","partitionValues":{"p":null},"size":1,"#
        + #""modificationTime":2,"dataChange":true,"stats":null,"tags":null,"deletionVector":null,"#
        + #""baseRowId":null,"novelty":[1]},"txn":null}"#
    )
    #expect(
      add
        == .add(
          AddFile(
            path: "x",
            partitionValues: ["p": nil],
            size: 1,
            modificationTime: 2,
            others: ["novelty": [1]]
          )
        )
    )
    let remove = try read(#"{"remove":{"path":"x","dataChange":true,"deletionTimestamp":null}}"#)
    #expect(remove == .remove(RemoveFile(path: "x", deletionTimestamp: nil)))
    let demands = try read(
      #"{"protocol":{"minReaderVersion":1,"minWriterVersion":2,"readerFeatures":null}}"#
    )
    #expect(demands == .protocol(.classic))
  }

  @Test(
    "a line that is no single action is refused",
    arguments: [
      "", "1", "[]", "{}", #"{"add":null}"#, #"{"add":{}"#, "nonsense", #"{"add":[]}"#,
      #"{"add":{"path":"x"}}"#, #"{"add":{"path":7,"size":1}}"#,
      #"{"add":{"path":"x","size":"1"}}"#,
      #"{"add":{"path":"x","size":1.5}}"#, #"{"add":{"path":"x","size":99999999999999999999}}"#,
      #"{"remove":{}}"#, #"{"txn":{"appId":"a"}}"#, #"{"txn":{"appId":"a","version":null}}"#,
      #"{"protocol":{"minReaderVersion":1}}"#, #"{"metaData":{"id":"1"}}"#,
      #"{"metaData":{"id":"1","schemaString":"{}"}}"#,
      #"{"metaData":{"id":"1","schemaString":"{\"type\":\"struct\",\"fields\":[]}","format":{"provider":"orc"}}}"#,
    ]
  )
  func refused(line: String) {
    #expect(reason(line) != nil)
  }

  @Test("a line with two actions is refused, since one of them would be lost")
  func twoActions() {
    #expect(
      reason(#"{"remove":{"path":"x","dataChange":true},"add":{"path":"y","size":1}}"#) != nil
    )
  }

  @Test("a partition value that is not text is refused, since it would be read as null")
  func partitionValueOfAnotherType() {
    #expect(reason(#"{"add":{"path":"x","partitionValues":{"p":1},"size":1}}"#) != nil)
    #expect(reason(#"{"add":{"path":"x","partitionValues":[],"size":1}}"#) != nil)
  }

  @Test("statistics come back with exact numbers and nulls")
  func statistics() throws {
    let schema = Schema([Field("b", .long), Field("a", .decimal(precision: 38, scale: 2))])
    let wide = try #require(JSONNumber(text: "12345678901234567890123456789012345.67"))
    let statistics = FileStatistics(
      rows: 3,
      columns: [
        "a": ColumnStatistics(minimum: .number(wide), maximum: .number(wide), nullCount: 1),
        "b": ColumnStatistics(minimum: 1, nullCount: 0),
      ]
    )
    let text = try #require(statistics.statsText(for: schema))
    #expect(FileStatistics(statsText: text, schema: schema) == statistics)
    #expect(FileStatistics(statsText: "nonsense", schema: schema) == FileStatistics(rows: nil))
    #expect(FileStatistics(statsText: nil, schema: schema) == FileStatistics(rows: nil))
    #expect(FileStatistics(rows: nil).statsText(for: schema) == nil)
  }
}
