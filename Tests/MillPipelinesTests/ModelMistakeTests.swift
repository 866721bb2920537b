// SPDX-License-Identifier: Apache-2.0

import MillAssembly
import MillCore
import MillPipelines
import Testing

@Suite("Models with mistakes")
struct ModelMistakeTests {
  private static let rows = "id,name\n1,one\n2,two\n"

  /// A model's text, and what is said of it.
  struct Mistake: Sendable, CustomTestStringConvertible {
    var text: String
    /// The line and column where the message puts it.
    var place: String
    /// Parts of the message.
    var says: [String]

    init(_ text: String, _ place: String, _ says: String...) {
      self.text = text
      self.place = place
      self.says = says
    }

    var testDescription: String { text }
  }

  /// What is said when a project with this model is opened or run.
  private func said(of models: [String: String]) async throws -> String {
    let shop = try Shop(Self.rows, columns: "{id: long, name: string}", models: models)
    do {
      let report = try await shop.sandbox.run()
      let versions = try await shop.sandbox.versions()
      #expect(versions.keys.allSatisfy { $0.hasPrefix("bronze") }, "\(versions)")
      return report.trouble
    } catch {
      return "\(error)"
    }
  }

  @Test(
    "a mistake in a model's SQL is told with file, line and column",
    arguments: [
      Mistake("SELECT * FROM bronze.b", "1:15", "no dataset bronze.b", "bronze.a"),
      Mistake("SELECT *\nFROM a", "2:6", "no dataset a", "did you mean bronze.a?"),
      Mistake(
        "/*\nkeys: [id]\n*/\n\nSELECT id\nFROM bronze.aa AS x",
        "6:6",
        "bronze.aa",
        "bronze.a"
      ),
      Mistake("/* keys: [id] */ SELECT id FROM brnze.a", "1:33", "brnze.a", "bronze.a"),
      Mistake("SELECT 'ä🇩🇪', * FROM bronze.b", "1:21", "bronze.b"),
      Mistake("SELECT id FROM bronze.a WHERE id IN (SELECT id FROM silver.x)", "1:53", "silver.x"),
      Mistake("SELECT idd FROM bronze.a", "1:8", "idd", "id"),
      Mistake("/*\nkeys: [id]\n*/\nSELECT id,\n  nam FROM bronze.a", "5:3", "nam", "name"),
      Mistake("/* keys: [id] */ SELECT id, nam FROM bronze.a", "1:29", "nam"),
      Mistake("   SELECT id, nam FROM bronze.a", "1:15", "nam"),
      Mistake("-- c\n\n  SELECT id,\n  nam FROM bronze.a", "4:3", "nam"),
      Mistake("-- c\n  SELECT id, nam FROM bronze.a -- d", "2:14", "nam"),
      Mistake("SELECT upperr(name) FROM bronze.a", "1:8", "upperr", "upper"),
      Mistake("SELECT id\nFROM bronze.a\nWHER id > 1", "3:6", "syntax error"),
      Mistake("/*\nkeys: [id]\n*/\nSELECT id FROM bronze.a WHERE (id > 1", "", "syntax error"),
      Mistake("SELECT id FROM bronze.a; SELECT 1", "", "one SELECT", "2"),
      Mistake("DELETE FROM bronze.a", "", "SELECT"),
      Mistake("CREATE TABLE x AS SELECT 1", "", "SELECT"),
      Mistake("COPY (SELECT 1) TO '/tmp/x'", "", "SELECT"),
      Mistake("ATTACH '/tmp/x.db' AS x", "", "SELECT"),
      Mistake("SET memory_limit = '1GB'", "", "SELECT"),
      Mistake("PRAGMA database_list", "", "SELECT"),
      Mistake("-- nothing\n", "", "SELECT"),
      Mistake("SELECT * FROM read_csv('/etc/passwd')", "1:15", "read_csv", "source"),
      Mistake("SELECT * FROM read_text('/etc/passwd')", "1:15", "read_text"),
      Mistake("SELECT * FROM glob('/*')", "1:15", "glob"),
      Mistake("SELECT * FROM duckdb_settings()", "1:15", "duckdb_settings"),
      Mistake("SELECT * FROM '/etc/passwd'", "1:15", "/etc/passwd"),
      Mistake("SELECT * FROM '/etc/x.csv' AS x, bronze.a", "1:15", "/etc/x.csv"),
      Mistake("SELECT (SELECT content FROM read_text('/etc/passwd')) AS x", "", "read_text"),
      Mistake("SELECT getenv('HOME') AS home FROM bronze.a", "", "getenv"),
      Mistake("SELECT id, id FROM bronze.a", "", "id", "AS"),
      Mistake("SELECT id AS \"a b\" FROM bronze.a", "", "a b", "AS"),
      Mistake("SELECT id, id + 1 AS ID FROM bronze.a", "", "ID"),
      Mistake("SELECT CAST(name AS BIGINT) AS n FROM bronze.a", "", "does not fit"),
    ]
  )
  func mistakes(mistake: Mistake) async throws {
    let text = try await said(of: ["silver.m": mistake.text])
    let place = mistake.place.isEmpty ? "" : ":\(mistake.place): "
    #expect(text.contains("models/silver/m.sql\(place)"), "\(text)")
    for part in mistake.says { #expect(text.contains(part), "\(text)") }
  }

  @Test("a failing cast names no value to a stranger")
  func noValues() async throws {
    let shop = try Shop(
      "id,name\n1,secret-4711\n",
      models: ["silver.m": "SELECT CAST(name AS BIGINT) AS n FROM bronze.a"]
    )
    let error = try await shop.failure()
    #expect(error.errorClass == .data)
    #expect(!error.description.contains("4711"), "\(error)")
  }

  @Test("models that wait for each other are named in their circle")
  func circle() async throws {
    let text = try await said(of: [
      "silver.x": "SELECT * FROM silver.y", "silver.y": "SELECT * FROM gold.z",
      "gold.z": "SELECT * FROM silver.x",
    ])
    #expect(text.contains("wait for each other"), "\(text)")
    for name in ["silver.x", "silver.y", "gold.z"] { #expect(text.contains(name), "\(text)") }
  }

  @Test("a model that reads itself is a circle")
  func itself() async throws {
    let text = try await said(of: ["silver.m": "SELECT * FROM silver.m"])
    #expect(text.contains("wait for each other: silver.m → silver.m"), "\(text)")
  }

  @Test("a rule that looks into a descendant is a circle")
  func circleByRule() async throws {
    let text = try await said(of: [
      "silver.m":
        "/*\nexpect:\n  - reference: {column: id, to: gold.g}\n*/\nSELECT id FROM bronze.a",
      "gold.g": "SELECT id FROM silver.m",
    ])
    #expect(text.contains("wait for each other"), "\(text)")
  }

  @Test("one name in silver and gold is refused, since they share a quarantine")
  func repeated() async throws {
    let text = try await said(of: [
      "silver.m": "SELECT id FROM bronze.a", "gold.m": "SELECT id FROM bronze.a",
    ])
    #expect(text.contains("m is defined twice"), "\(text)")
    #expect(text.contains("models/silver/m.sql") && text.contains("models/gold/m.sql"), "\(text)")
  }

  @Test(
    "what is good SQL is taken, however it ends and whatever it calls its parts",
    arguments: [
      "SELECT id FROM bronze.a;", "SELECT id FROM bronze.a ;\n\n",
      "SELECT id FROM bronze.a -- done",
      "SELECT id FROM bronze.a; -- done", "SELECT id FROM bronze.a /* done */",
      "SELECT id FROM bronze.a; /* done; */\n", "-- first\nSELECT id FROM bronze.a",
      "FROM bronze.a SELECT id", "SELECT id FROM BRONZE.A", "SELECT id FROM \"bronze\".\"a\"",
      "WITH silver AS (SELECT id FROM bronze.a) SELECT id FROM silver",
      "WITH a AS (SELECT id FROM bronze.a) SELECT id FROM a",
      "SELECT a.id FROM bronze.a AS a JOIN bronze.a AS b USING (id)",
      "SELECT id FROM bronze.a UNION SELECT id FROM bronze.a",
      "SELECT i AS id FROM range(1, 3) AS r(i)", "SELECT ';' AS s, id FROM bronze.a",
      "SELECT id FROM bronze.a WHERE name <> 'x' -- it's; \"good\"",
      "VALUES (1), (2)", "SELECT unnest([1, 2]) AS id",
      "SELECT id FROM bronze.a QUALIFY row_number() OVER (ORDER BY id) < 9",
    ]
  )
  func good(sql: String) async throws {
    let shop = try Shop(Self.rows, columns: "{id: long, name: string}", models: ["silver.m": sql])
    let outcome = try await shop.run()
    #expect(outcome.status == .published)
    #expect(try await shop.rows().count == 2)
    #expect(try await shop.sandbox.run()["silver.m"]?.status == .unchanged)
  }

  @Test("a model may read what was rejected, and is made after it is")
  func fromQuarantine() async throws {
    let shop = try Shop(
      "id,name\n1,one\n2,\nx,y\n",
      columns: "{id: long, name: string}",
      models: [
        "silver.m": "/*\nexpect:\n  - complete: [name]\n*/\nSELECT id, name FROM bronze.a",
        "gold.rejected": "SELECT id FROM quarantine.m",
        "gold.dead": "SELECT raw FROM dead_letters.a",
      ]
    )
    try await shop.run()
    #expect(try await shop.sandbox.ownRows("gold.rejected") == [["id": 2]])
    #expect(try await shop.sandbox.ownRows("gold.dead") == [["raw": "x,y"]])
  }

  @Test("a model that reads an empty quarantine waits for nothing")
  func fromEmptyQuarantine() async throws {
    let shop = try Shop(
      Self.rows,
      columns: "{id: long, name: string}",
      models: [
        "silver.m": "/*\nexpect:\n  - complete: [name]\n*/\nSELECT id, name FROM bronze.a",
        "gold.rejected": "SELECT id FROM quarantine.m",
      ]
    )
    let report = try await shop.sandbox.run()
    #expect(report.trouble == "")
    #expect(try await shop.sandbox.ownRows("gold.rejected").isEmpty)
  }

  @Test(
    "a column that a header names and the SELECT lacks is told with the nearest",
    arguments: [
      "expect:\n  - complete: [nme]", "expect:\n  - unique: [id, nme]",
      "expect:\n  - range: {column: nme, min: 1}", "expect:\n  - pattern: {column: nme, regex: x}",
      "expect:\n  - allowed: {column: nme, values: [x]}", "keys: [nme]",
      "expect:\n  - reference: {column: nme, to: bronze.a, key: id}",
      "keys: [id]\ndedupe: {by: [nme]}", "partition_by: [nme]",
      "repair:\n  - default: {column: nme, value: x}",
    ]
  )
  func unknownColumn(header: String) async throws {
    let shop = try Shop(Self.rows, columns: "{id: long, name: string}", header: header)
    let error = try await shop.failure()
    #expect(error.errorClass == .definition)
    #expect("\(error)".hasPrefix("models/silver/m.sql"), "\(error)")
    #expect("\(error)".contains("nme") && "\(error)".contains("did you mean name?"), "\(error)")
  }

  @Test("a rule on a column of the other table that is not there says which rule")
  func unknownKey() async throws {
    let shop = try Shop(
      Self.rows,
      columns: "{id: long, name: string}",
      header: "expect:\n  - reference: {name: known, column: id, to: bronze.a, key: idd}"
    )
    let error = try await shop.failure()
    #expect("\(error)".hasPrefix("models/silver/m.sql"), "\(error)")
    #expect("\(error)".contains("idd"), "\(error)")
  }

  @Test(
    "SQL in rules is confined like that of models",
    arguments: [
      "- query: {name: q, sql: \"SELECT * FROM read_csv('/etc/passwd')\"}",
      "- query: {name: q, sql: \"SELECT * FROM '/etc/passwd'\"}",
      "- sql: {name: q, predicate: \"(SELECT count(*) FROM read_text('/etc/passwd')) > 0\"}",
      "- sql: {name: q, predicate: \"(SELECT count(*) FROM '/etc/passwd') > 0\"}",
    ]
  )
  func confinedRules(rule: String) async throws {
    let text = try await said(of: [
      "silver.m": "/*\nexpect:\n  \(rule)\n*/\nSELECT id FROM bronze.a"
    ])
    #expect(!text.isEmpty)
    #expect(text.contains("models/silver/m.sql"), "\(text)")
  }

  @Test("a fault keeps its descendants waiting and nothing else")
  func waiting() async throws {
    let shop = try Shop(
      Self.rows,
      columns: "{id: long, name: string}",
      models: [
        "silver.bad": "SELECT idd FROM bronze.a", "gold.child": "SELECT * FROM silver.bad",
        "gold.grandchild": "SELECT * FROM gold.child", "silver.good": "SELECT id FROM bronze.a",
        "gold.other": "SELECT * FROM silver.good",
      ]
    )
    let report = try await shop.sandbox.run()
    #expect(
      report.statuses == [
        "bronze.a": .published, "silver.bad": .failed, "gold.child": .waiting,
        "gold.grandchild": .waiting, "silver.good": .published, "gold.other": .published,
      ]
    )
    #expect(report["gold.grandchild"]?.reason == "waits for silver.bad")
    try shop.sandbox.write("models/silver/bad.sql", "SELECT id FROM bronze.a")
    let second = try await shop.sandbox.run()
    #expect(second.statuses.filter { $0.value == .published }.count == 3)
  }
}
