// SPDX-License-Identifier: Apache-2.0

import MillAssembly
import MillCore
import MillLake
import MillPipelines
import Testing

@Suite("What a model publishes")
struct PublishTests {
  private func schema(_ shop: Shop) async throws -> [String: String] {
    try await shop.sandbox.withWorkspace { workspace in
      let dataset = try #require(DatasetName("silver.m"))
      let schema = try await workspace.lake.table(dataset).snapshot().schema
      return Dictionary(uniqueKeysWithValues: schema.fields.map { ($0.name, "\($0.type)") })
    }
  }

  @Test(
    "columns are published in the types of Delta and no value changes on the way",
    arguments: [
      ("sum(id)", "decimal(38,0)", "3"), ("sum(CAST(id AS HUGEINT))", "decimal(38,0)", "3"),
      (
        "CAST(170141183460469231731687303715884105 AS HUGEINT)", "decimal(38,0)",
        "170141183460469231731687303715884105"
      ),
      ("CAST(18446744073709551615 AS UBIGINT)", "decimal(20,0)", "18446744073709551615"),
      ("sum(CAST(id AS DECIMAL(12,2)))", "decimal(38,2)", "3.00"), ("avg(id)", "double", "1.5"),
      ("TIMESTAMP '2025-01-01 12:00:00.123456'", "timestamp", "2025-01-01 12:00:00.123456+00"),
      ("TIMESTAMPTZ '2025-01-01 12:00:00+02'", "timestamp", "2025-01-01 10:00:00+00"),
      ("CAST('2025-01-01' AS DATE)", "date", "2025-01-01"),
      ("TIME '12:00:01'", "string", "12:00:01"),
      ("INTERVAL 90 MINUTE", "string", "01:30:00"), ("count(*)", "long", "2"),
      ("NULL", "string", "null"),
      ("CAST('a' AS ENUM ('a', 'b'))", "string", "a"), ("CAST(200 AS UTINYINT)", "short", "200"),
      ("CAST(4294967295 AS UINTEGER)", "long", "4294967295"), ("[1, NULL, 3]", "", "[1,null,3]"),
      (
        "UUID '00000000-0000-0000-0000-000000000001'", "string",
        "00000000-0000-0000-0000-000000000001"
      ),
    ]
  )
  func types(expression: String, type: String, value: String) async throws {
    let shop = try Shop(
      "id\n1\n2\n",
      columns: "{id: long}",
      models: ["silver.m": "SELECT \(expression) AS v, count(*) AS n FROM bronze.a"]
    )
    try await shop.run()
    #expect(try await shop.sandbox.column("v", of: "silver.m") == [value])
    if !type.isEmpty { #expect(try await schema(shop)["v"] == type) }
  }

  @Test("a value that its published type cannot hold stops the model instead of being bent")
  func lossy() async throws {
    for expression in [
      "CAST('170141183460469231731687303715884105727' AS HUGEINT)",
      "TIMESTAMP_NS '2025-01-01 00:00:00.123456789'",
    ] {
      let shop = try Shop(
        "id\n1\n",
        columns: "{id: long}",
        models: ["silver.m": "SELECT \(expression) AS v FROM bronze.a"]
      )
      let error = try await shop.failure()
      #expect(error.errorClass == .data, "\(error)")
    }
  }

  @Test("of rows with one key the greatest by `dedupe.by` is kept, then the least by its bytes")
  func dedupe() async throws {
    let shop = try Shop(
      "id,at,v\n1,2025-01-01,b\n1,2025-01-02,z\n1,2025-01-02,a\n2,,x\n2,2025-01-01,y\n3,,q\n,,n\n,,n\n",
      columns: "{id: long, at: date, v: string}",
      header: "keys: [id]\ndedupe: {by: [at]}"
    )
    let outcome = try await shop.run()
    #expect(
      try await shop.rows()
        == ProjectSandbox.sorted([
          ["id": 1, "at": "2025-01-02", "v": "a"], ["id": 2, "at": "2025-01-01", "v": "y"],
          ["id": 3, "at": nil, "v": "q"], ["id": nil, "at": nil, "v": "n"],
          ["id": nil, "at": nil, "v": "n"],
        ])
    )
    guard case .model(let account) = outcome.account else { return }
    #expect(account.deduplicated == 3)
  }

  @Test("the same rows in another order publish the same rows", arguments: 0..<3)
  func order(turn: Int) async throws {
    let lines = (0..<60).map { "\($0 % 7),\($0 % 3),v\($0 * 37 % 60),\($0 % 5)" }
    let turned = Array(lines[(turn * 17)...] + lines[..<(turn * 17)])
    var published: [[[String: JSONValue]]] = []
    for order in [lines, turned.reversed()] {
      let shop = try Shop(
        (["k,t,v,w"] + order).joined(separator: "\n"),
        columns: "{k: long, t: long, v: string, w: long}",
        header: "keys: [k]\ndedupe: {by: [t]}\nexpect:\n  - range: {column: w, max: 3}"
      )
      try await shop.run()
      published.append(try await shop.rows())
    }
    #expect(published[0] == published[1])
  }

  @Test("rows that differ in a list alone are told apart as well")
  func listOrder() async throws {
    var published: [[[String: JSONValue]]] = []
    for lines in [["1,a", "1,b", "1,c"], ["1,c", "1,b", "1,a"], ["1,b", "1,c", "1,a"]] {
      let shop = try Shop(
        (["k,v"] + lines).joined(separator: "\n"),
        columns: "{k: long, v: string}",
        header: "keys: [k]",
        sql: "SELECT k, [v] AS list, {'v': v} AS s FROM bronze.a"
      )
      try await shop.run()
      published.append(try await shop.rows())
    }
    #expect(published[0] == published[1] && published[0] == published[2])
  }

  static let special = [
    "plain", "a/b", "a=b", "50%", "%2F", "it's", "\"q\"", "sp ace", " lead", "größe", "🙂", "..",
    "a:b*?",
    "__HIVE_DEFAULT_PARTITION__", "NULL", "a\\b", "x&y#z", "[1]",
  ]

  @Test("rows are split by any text and by null, and come back as they were")
  func partitions() async throws {
    let lines = Self.special.enumerated().map { index, text in
      "\(index),\"\(text.replacing("\"", with: "\"\""))\""
    }
    let shop = try Shop(
      (["id,p"] + lines + ["98,", "99,"]).joined(separator: "\n") + "\n",
      columns: "{id: long, p: string}",
      header: "partition_by: [p]"
    )
    try await shop.run()
    let rows = try await shop.rows()
    #expect(rows.count == Self.special.count + 2)
    for (index, text) in Self.special.enumerated() {
      #expect(rows.first { $0["id"] == .int(index) }?["p"] == .string(text), "\(text)")
    }
    #expect(rows.filter { $0["p"] == .some(.null) }.count == 2)
  }

  @Test("rows are split by more values than are read one by one, and by several types")
  func manyPartitions() async throws {
    let lines = (0..<230).map {
      "\($0),p\($0)%/x,2025-01-\($0 % 28 < 9 ? "0" : "")\($0 % 28 + 1),\($0 % 2 == 0)"
    }
    let shop = try Shop(
      (["id,p,d,b"] + lines + ["900,,,"]).joined(separator: "\n") + "\n",
      columns: "{id: long, p: string, d: date, b: boolean}",
      header: "partition_by: [p, d, b]"
    )
    try await shop.run()
    let rows = try await shop.rows()
    #expect(rows.count == 231)
    for row in rows {
      guard let id = row["id"]?.integer, id < 900 else { continue }
      #expect(row["p"] == .string("p\(id)%/x"))
      #expect(row["b"] == .bool(id % 2 == 0))
    }
    #expect(rows.contains(["id": 900, "p": nil, "d": nil, "b": nil]))
  }

  @Test(
    "numbers and instants come back from partitions as they were",
    arguments: [
      ("timestamp", "2025-01-01 12:00:00.123456", "2025-01-01 12:00:00.123456+00"),
      ("timestamp", "0900-01-01 00:00:00", "0900-01-01 00:00:00+00"),
      ("'decimal(10,2)'", "-1.50", "-1.50"), ("double", "0.1", "0.1"), ("long", "-5", "-5"),
      ("date", "2024-02-29", "2024-02-29"),
    ]
  )
  func typedPartitions(type: String, text: String, value: String) async throws {
    let shop = try Shop(
      "id,p\n1,\(text)\n2,\n",
      columns: "{id: long, p: \(type)}",
      header: "partition_by: [p]"
    )
    try await shop.run()
    #expect(try await shop.sandbox.column("p", of: "silver.m") == [value, "null"].sorted())
  }

  @Test("empty text in a partition column is refused, since it would come back as null")
  func emptyPartition() async throws {
    let shop = try Shop(
      "id,p\n1,x\n2,\n",
      columns: "{id: long, p: string}",
      header: "partition_by: [p]",
      sql: "SELECT id, coalesce(p, '') AS p FROM bronze.a"
    )
    let error = try await shop.failure()
    #expect(error.errorClass == .data)
    #expect("\(error)".contains("column p has empty text"), "\(error)")
  }

  @Test("a table made anew keeps its old versions readable, whatever its columns were")
  func oldVersions() async throws {
    let shop = try Shop(
      "id,v\n1,a\n",
      columns: "{id: long, v: string}",
      models: ["silver.m": "SELECT id, v FROM bronze.a"]
    )
    try await shop.run()
    try shop.sandbox.write("data/a.csv", "id,v\n1,b\n2,c\n")
    try await shop.run()
    try shop.sandbox.write(
      "models/silver/m.sql",
      "/*\npartition_by: [w]\n*/\nSELECT CAST(id AS VARCHAR) AS id, upper(v) AS w FROM bronze.a"
    )
    let outcome = try await shop.run()
    #expect(outcome.reason == "its definition changed")
    #expect(try await shop.sandbox.ownRows("silver.m", at: 0) == [["id": 1, "v": "a"]])
    #expect(
      try await shop.sandbox.ownRows("silver.m", at: 1) == [
        ["id": 1, "v": "b"], ["id": 2, "v": "c"],
      ]
    )
    #expect(
      try await shop.sandbox.ownRows("silver.m", at: 2) == [
        ["id": "1", "w": "B"], ["id": "2", "w": "C"],
      ]
    )
  }

  @Test("a quarantine forgets rows that are good now")
  func mended() async throws {
    let shop = try Shop(
      "id,v\n1,\n2,x\n",
      columns: "{id: long, v: string}",
      header: "expect:\n  - complete: [v]"
    )
    try await shop.run()
    #expect(try await shop.quarantine() == ["1": ["complete_v"]])
    try shop.sandbox.write("data/a.csv", "id,v\n1,y\n2,x\n")
    try await shop.run()
    #expect(try await shop.quarantine() == [:])
    #expect(try await shop.rows().count == 2)
  }

  @Test("a SELECT without rows publishes a table without rows")
  func noRows() async throws {
    let shop = try Shop(
      "id\n1\n",
      columns: "{id: long}",
      models: [
        "silver.m": "SELECT id FROM bronze.a WHERE id > 5",
        "gold.g": "SELECT sum(id) AS s FROM silver.m",
      ]
    )
    let outcome = try await shop.run()
    #expect(outcome.status == .published)
    #expect(try await shop.rows().isEmpty)
    #expect(try await shop.sandbox.ownRows("gold.g") == [["s": nil]])
    guard case .model(let account) = outcome.account else { return }
    #expect(account.filtered == 1 && account.candidates == 0)
  }

  @Test("NaN and infinity pass through a model as what they are, and a range rejects NaN")
  func notANumber() async throws {
    let shop = try Shop(
      "id\n1\n2\n3\n",
      columns: "{id: long}",
      header: "expect:\n  - range: {column: v, min: 0}",
      sql: """
        SELECT id, CASE id WHEN 1 THEN CAST('NaN' AS DOUBLE)
          WHEN 2 THEN CAST('Infinity' AS DOUBLE) ELSE 1 END AS v FROM bronze.a
        """
    )
    try await shop.run()
    #expect(try await shop.quarantine() == ["1": ["range_v"]])
    #expect(try await shop.rows().map { $0["id"] } == [2, 3])
  }
}
