// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillLake
import MillPipelines
import MillQuality
import Testing

@Suite("Models that were treated wrongly once")
struct ReviewTests {
  /// What stops a project with this model, when it is opened or when it runs.
  private func refusal(of sql: String, header: String = "") async throws -> any Failure {
    let text = header.isEmpty ? sql : "/*\n\(header)\n*/\n\(sql)"
    let shop = try Shop(
      "id,name\n1,one\n2,two\n",
      columns: "{id: long, name: string}",
      models: ["silver.m": text]
    )
    do {
      let report = try await shop.sandbox.run()
      #expect(report["silver.m"]?.status == .failed)
      let versions = try await shop.sandbox.versions()
      #expect(versions.keys.allSatisfy { $0.hasPrefix("bronze") }, "\(versions)")
      return try #require(report["silver.m"]?.error)
    } catch let error as any Failure {
      return error
    }
  }

  private func account(_ outcome: NodeOutcome?) throws -> RowAccount.Model {
    guard case .model(let account) = outcome?.account else { throw Missing() }
    return account
  }

  private struct Missing: Error {}

  // MARK: Keys

  @Test(
    "columns that are called as our own helpers are do not disturb deduplication",
    arguments: ["", "expect:\n  - unique: [mill_rows]\n  - range: {column: mill_rank, max: 8}"]
  )
  func helperNames(rules: String) async throws {
    // The greatest v of each key is in the rows whose own ranks and counts say otherwise.
    let shop = try Shop(
      "id,mill_rank,mill_rows,v\n1,1,10,5\n1,2,11,9\n2,1,12,3\n2,7,13,4\n2,5,14,1\n3,4,15,0\n",
      columns: "{id: long, mill_rank: long, mill_rows: long, v: long}",
      header: "keys: [id]\ndedupe: {by: [v]}\n\(rules)"
    )
    let outcome = try await shop.run()
    #expect(
      try await shop.rows() == [
        ["id": 1, "mill_rank": 2, "mill_rows": 11, "v": 9],
        ["id": 2, "mill_rank": 7, "mill_rows": 13, "v": 4],
        ["id": 3, "mill_rank": 4, "mill_rows": 15, "v": 0],
      ]
    )
    #expect(try await shop.quarantine() == [:])
    #expect(try account(outcome).deduplicated == 3)
  }

  @Test("columns that are called as our own helpers are do not disturb rules on keys")
  func helperNamesUnique() async throws {
    let shop = try Shop(
      "id,mill_rank,mill_rows\n1,1,1\n2,1,1\n3,1,2\n",
      columns: "{id: long, mill_rank: long, mill_rows: long}",
      header: "keys: [id]\nexpect:\n  - unique: [mill_rows]\n  - complete: [mill_rank]"
    )
    try await shop.run()
    #expect(
      try await shop.quarantine() == ["1": ["unique_mill_rows"], "2": ["unique_mill_rows"]]
    )
    #expect(try await shop.rows() == [["id": 3, "mill_rank": 1, "mill_rows": 2]])
  }

  // MARK: Values

  @Test(
    "a value outside of what can be published stops the model and nothing is published",
    arguments: [
      "DATE 'infinity'", "DATE '-infinity'", "TIMESTAMP '12000-01-01'",
      "TIMESTAMPTZ '12000-01-01 00:00:00+00'", "TIMESTAMP 'infinity'", "DATE '12000-01-01'",
    ]
  )
  func outOfRange(expression: String) async throws {
    let shop = try Shop(
      "id\n1\n",
      columns: "{id: long}",
      models: ["silver.m": "SELECT id, \(expression) AS v FROM bronze.a"]
    )
    let error = try await shop.failure()
    #expect(error.errorClass == .data, "\(error)")
    #expect("\(error)".contains("models/silver/m.sql"), "\(error)")
    #expect(try await shop.sandbox.versions()["silver.m"] == nil)
  }

  // MARK: Repairs

  private func repaired(_ repair: String, _ rows: String) async throws -> [String] {
    let shop = try Shop(
      rows,
      columns: "{id: long, v: long}",
      header: "repair:\n  - \(repair)"
    )
    try await shop.run()
    return try await shop.sandbox.column("v", of: "silver.m")
  }

  @Test(
    "a default for a long keeps all of its digits",
    arguments: ["9007199254740993", "9223372036854775807", "-9223372036854775808", "0"]
  )
  func exactDefault(value: String) async throws {
    let found = try await repaired("default: {column: v, value: \(value)}", "id,v\n1,\n2,7\n")
    #expect(found == [value, "7"].sorted())
  }

  @Test("the most frequent of large longs is one of them")
  func exactMode() async throws {
    let found = try await repaired(
      "impute: {column: v, with: mode}",
      "id,v\n1,9007199254740993\n2,9007199254740993\n3,9007199254740995\n4,\n"
    )
    #expect(
      found == ["9007199254740993", "9007199254740993", "9007199254740993", "9007199254740995"]
    )
  }

  @Test(
    "a default that is no value of its column is a mistake of the definition",
    arguments: ["1.5", "abc", "9223372036854775808"]
  )
  func wrongDefault(value: String) async throws {
    let error = try await refusal(
      of: "SELECT id, name FROM bronze.a",
      header: "repair:\n  - default: {column: id, value: \(value)}"
    )
    #expect(error.errorClass == .definition, "\(error)")
    #expect("\(error)".contains("models/silver/m.sql"), "\(error)")
    #expect("\(error)".contains("id"), "\(error)")
  }

  // MARK: Rules

  @Test(
    "the tolerance of a rule on keys divides by the rows whose keys are not null",
    arguments: [(0.95, false), (0.05, true)]
  )
  func uniqueMostly(mostly: Double, passes: Bool) async throws {
    let lines = (1...1000).map { number in
      switch number {
      case 1...10: "\(number),same@example.org"
      case 11: "\(number),other@example.org"
      default: "\(number),"
      }
    }
    let shop = try Shop(
      (["id,email"] + lines).joined(separator: "\n") + "\n",
      columns: "{id: long, email: string}",
      header: "expect:\n  - unique: {columns: [email], mostly: \(mostly), on_failure: fail}"
    )
    let report = try await shop.sandbox.run()
    #expect(report["silver.m"]?.status == (passes ? .published : .failed), "\(report.trouble)")
    let result = try #require(report["silver.m"]?.results.first)
    #expect(result.evaluated == 11 && result.violations == 10)
    #expect(result.status == (passes ? .warned : .failed))
    #expect(try await (shop.sandbox.versions()["silver.m"] != nil) == passes)
  }

  @Test("numbers as the bounds of a text column are a mistake of the definition")
  func rangeOfText() async throws {
    for bounds in ["min: 1", "max: 2.5", "min: 0, max: 10"] {
      let error = try await refusal(
        of: "SELECT id, name FROM bronze.a",
        header: "expect:\n  - range: {column: name, \(bounds)}"
      )
      #expect(error.errorClass == .definition, "\(error)")
      #expect("\(error)".contains("models/silver/m.sql"), "\(error)")
      #expect("\(error)".contains("name"), "\(error)")
    }
  }

  @Test(
    "a predicate that reads a table is refused by the name of its rule",
    arguments: [
      "id IN (SELECT id FROM bronze.a)", "EXISTS (FROM bronze.a)", "id = ANY (FROM bronze.a)",
      "id > (SELECT min(id) FROM silver.m)", "id > (SELECT count(*) FROM mill_candidates)",
      "true) AND id IN (SELECT id FROM bronze.a) AND (true",
    ]
  )
  func subquery(predicate: String) async throws {
    let error = try await refusal(
      of: "SELECT id, name FROM bronze.a",
      header: "expect:\n  - sql: {name: asks_others, predicate: \"\(predicate)\"}"
    )
    #expect(error.errorClass == .definition, "\(error)")
    #expect("\(error)".contains("asks_others"), "\(error)")
    #expect("\(error)".contains("models/silver/m.sql"), "\(error)")
  }

  @Test("a predicate that only speaks of queries is taken")
  func noSubquery() async throws {
    let shop = try Shop(
      "id,name\n1,one\n2,(SELECT 1)\n",
      columns: "{id: long, name: string}",
      header: "expect:\n  - sql: {name: q, predicate: \"name <> '(SELECT 1)' AND (id) IN (1, 2)\"}"
    )
    try await shop.run()
    #expect(try await shop.quarantine() == ["2": ["q"]])
  }

  @Test(
    "a model whose rows differ each time they are asked for balances",
    arguments: ["", "keys: [id]\n", "keys: [k]\n"]
  )
  func random(keys: String) async throws {
    let shop = try Shop(
      "id\n" + (1...2000).map { "\($0)\n" }.joined(),
      columns: "{id: long}",
      header: "\(keys)expect:\n  - range: {column: r, max: 0.5}",
      sql: "SELECT id, random() AS r, CAST(floor(random() * 500) AS BIGINT) AS k FROM bronze.a"
    )
    let account = try account(try await shop.run())
    let published = try await shop.rows()
    let rejected = try await shop.sandbox.rows("quarantine.m")
    #expect(account.candidates == 2000)
    #expect(account.published == Int64(published.count))
    #expect(account.quarantined == Int64(rejected.count))
    #expect(
      account.candidates == account.published + account.quarantined + account.deduplicated
    )
    #expect(published.allSatisfy { $0["r"]?.double.map { $0 <= 0.5 } == true })
    #expect(rejected.allSatisfy { $0["r"]?.double.map { $0 > 0.5 } == true })
    let ids = (published + rejected).compactMap { $0["id"]?.integer }
    #expect(Set(ids).count == ids.count, "a row stands in both tables")
    if keys.contains("[k]") {
      let values = published.compactMap { $0["k"]?.integer }
      #expect(Set(values).count == values.count)
    } else {
      #expect(ids.count == 2000)
    }
  }

  // MARK: A run that was killed

  @Test(
    "a quarantine that a killed run left ahead is taken back with the definition",
    arguments: ["keys: [id]", "incremental: {strategy: append}"]
  )
  func quarantineAhead(header: String) async throws {
    let sql = "SELECT id, v FROM bronze.a"
    let before = "/*\n\(header)\nexpect:\n  - complete: [v]\n*/\n\(sql)"
    let after = "/*\n\(header)\nexpect:\n  - range: {column: v, max: 10}\n*/\n\(sql)"
    let shop = try Shop(
      "id,v\n1,5\n2,50\n3,500\n",
      columns: "{id: long, v: long}",
      models: ["silver.m": before]
    )
    try await shop.run()
    let published = try await shop.rows()
    #expect(published.count == 3)
    try shop.sandbox.write("models/silver/m.sql", .text(after))
    try await shop.run()
    #expect(try await shop.quarantine() == ["2": ["range_v"], "3": ["range_v"]])
    // As if the run had been killed between the two commits.
    let version = try #require(try await shop.sandbox.versions()["silver.m"])
    try shop.sandbox.remove(
      "lake/silver/m/_delta_log/\(String(repeating: "0", count: 19))\(version).json"
    )
    #expect(try await shop.rows() == published)
    try shop.sandbox.write("models/silver/m.sql", .text(before))
    try await shop.run()
    #expect(try await shop.rows() == published)
    #expect(try await shop.quarantine() == [:], "rows stand in both tables")
    #expect(try await shop.run().status == .unchanged)
  }

  // MARK: Names

  @Test(
    "a name for a part of the query opens no file of the same name",
    arguments: [
      "WITH \"x.parquet\" AS (SELECT * FROM \"x.parquet\") SELECT * FROM \"x.parquet\"",
      "WITH \"x.csv\" AS (SELECT * FROM \"x.csv\") SELECT * FROM \"x.csv\"",
      "WITH y AS (SELECT 1 AS i), \"x.csv\" AS (SELECT * FROM \"x.csv\") SELECT * FROM \"x.csv\"",
      "WITH y AS (SELECT * FROM \"x.csv\"), \"x.csv\" AS (SELECT 1 AS i) SELECT * FROM y",
      "SELECT * FROM (WITH \"x.csv\" AS (SELECT 1 AS i) SELECT * FROM \"x.csv\") AS y, \"x.csv\"",
    ]
  )
  func shadowed(sql: String) async throws {
    let error = try await refusal(of: sql)
    #expect(error.code == "pipeline.unknown-dataset", "\(error)")
    #expect("\(error)".contains("models/silver/m.sql"), "\(error)")
    #expect("\(error)".contains("no dataset x."), "\(error)")
  }

  @Test("a name for a part of the query opens no file that is there")
  func shadowedFile() async throws {
    let shop = try Shop("id\n1\n", columns: "{id: long}", models: [:])
    let path = shop.sandbox.folder + "/data/a.csv"
    let sql = "WITH \"\(path)\" AS (SELECT * FROM \"\(path)\") SELECT * FROM \"\(path)\""
    try shop.sandbox.write("models/silver/m.sql", .text(sql))
    var text = ""
    do { text = try await shop.sandbox.run().trouble } catch { text = "\(error)" }
    #expect(text.contains("no dataset \(path)"), "\(text)")
    #expect(try await shop.sandbox.versions()["silver.m"] == nil)
  }

  @Test(
    "parts of a query that name themselves or each other are good SQL",
    arguments: [
      "WITH RECURSIVE t(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM t WHERE i < 2) "
        + "SELECT i AS id FROM t",
      "WITH RECURSIVE t AS (SELECT min(id) AS id FROM bronze.a UNION ALL "
        + "SELECT id + 1 FROM t WHERE id < 2) SELECT id FROM t",
      "WITH x AS (SELECT id FROM bronze.a), y AS (SELECT id FROM x) SELECT id FROM y",
      "WITH x AS (WITH y AS (SELECT id FROM bronze.a) SELECT * FROM y) SELECT id FROM x",
      "WITH x AS (SELECT id FROM bronze.a) SELECT id FROM x WHERE id IN (SELECT id FROM x)",
      "WITH x AS MATERIALIZED (SELECT id FROM bronze.a) SELECT id FROM X",
    ]
  )
  func parts(sql: String) async throws {
    let shop = try Shop(
      "id,name\n1,one\n2,two\n",
      columns: "{id: long, name: string}",
      models: ["silver.m": sql]
    )
    try await shop.run()
    #expect(try await shop.rows().map { $0["id"] } == [1, 2])
  }

  @Test(
    "what stands in the engine beside the datasets is refused",
    arguments: [
      "SELECT * FROM (SHOW ALL TABLES)", "SHOW ALL TABLES", "FROM (SHOW TABLES)",
      "SELECT * FROM (DESCRIBE bronze.a)", "SELECT * FROM memory.main.x",
      "SELECT * FROM memory.bronze.a", "SELECT * FROM system.information_schema.tables",
      "SELECT * FROM information_schema.tables", "SELECT * FROM temp.main.x",
      "SELECT * FROM pg_catalog.pg_tables", "SELECT * FROM sqlite_master",
      "SELECT * FROM main.mill_raw", "SELECT * FROM other.bronze.a",
    ]
  )
  func catalogs(sql: String) async throws {
    let error = try await refusal(of: sql)
    #expect([.definition, .data].contains(error.errorClass), "\(error)")
    #expect("\(error)".contains("models/silver/m.sql"), "\(error)")
  }
}
