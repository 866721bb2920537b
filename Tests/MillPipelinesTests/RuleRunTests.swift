// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillPipelines
import MillQuality
import Testing

@Suite("Rules in a run")
struct RuleRunTests {
  @Test("a rule that fails publishes nothing, and only what reads the dataset waits")
  func fail() async throws {
    let shop = try Shop(
      "id,v\n1,5\n2,50\n",
      columns: "{id: long, v: long}",
      models: [
        "silver.m": """
        /*
        expect:
          - range: {column: v, max: 10, on_failure: fail}
          - complete: [v]
        */
        SELECT id, v FROM bronze.a
        """,
        "gold.child": "SELECT * FROM silver.m",
        "gold.other": "SELECT id FROM bronze.a",
      ]
    )
    let error = try await shop.failureOfChecks()
    #expect(error.errorClass == .check)
    #expect("\(error)".contains("range_v failed (1 of 2)"), "\(error)")
    let report = try await shop.sandbox.run()
    #expect(report["gold.child"]?.status == .waiting)
    #expect(report["gold.other"]?.status == .unchanged, "it was published in the first run")
    #expect(report["silver.m"]?.results.first?.violations == 1)
    // The mended data goes through.
    try shop.sandbox.write("data/a.csv", "id,v\n1,5\n2,10\n")
    #expect(try await shop.sandbox.run().trouble == "")
    #expect(try await shop.sandbox.ownRows("gold.child").count == 2)
  }

  @Test("a version that fails its rules leaves the one before in place")
  func failKeeps() async throws {
    let shop = try Shop(
      "id,v\n1,5\n",
      columns: "{id: long, v: long}",
      header: "expect:\n  - range: {column: v, max: 10, on_failure: fail}\n  - complete: [id]"
    )
    try await shop.run()
    try shop.sandbox.write("data/a.csv", "id,v\n1,50\n,5\n")
    let error = try await shop.failure()
    #expect(error.errorClass == .check)
    #expect(try await shop.rows() == [["id": 1, "v": 5]])
  }

  @Test("a rule that warns publishes every row and counts them")
  func warn() async throws {
    let shop = try Shop(
      "id,v\n1,5\n2,50\n3,\n",
      columns: "{id: long, v: long}",
      header: "expect:\n  - range: {column: v, max: 10, on_failure: warn}"
    )
    let outcome = try await shop.run()
    #expect(try await shop.rows().count == 3)
    #expect(try await shop.quarantine() == [:])
    let result = try #require(outcome.results.first)
    #expect(result.status == .warned && result.violations == 1 && result.evaluated == 2)
  }

  @Test(
    "a rule that fails may be broken by no more than its tolerance of the rows that are not null",
    arguments: [(0.75, true), (0.76, false), (0.5, true), (1.0, false)]
  )
  func mostly(share: Double, passes: Bool) async throws {
    // Of four values one is too large; nulls have no vote.
    let shop = try Shop(
      "id,v\n1,1\n2,2\n3,3\n4,40\n5,\n6,\n7,\n",
      columns: "{id: long, v: long}",
      header: "expect:\n  - range: {column: v, max: 10, mostly: \(share), on_failure: fail}"
    )
    let report = try await shop.sandbox.run()
    #expect(report["silver.m"]?.status == (passes ? .published : .failed))
    let result = try #require(report["silver.m"]?.results.first)
    #expect(result.status == (passes ? .warned : .failed))
    #expect(result.evaluated == 4 && result.violations == 1)
  }

  @Test("a rule that quarantines removes its rows whatever its tolerance is")
  func mostlyQuarantine() async throws {
    let shop = try Shop(
      "id,v\n1,1\n2,2\n3,30\n",
      columns: "{id: long, v: long}",
      header: "expect:\n  - range: {column: v, max: 10, mostly: 0.1}"
    )
    try await shop.run()
    #expect(try await shop.quarantine() == ["3": ["range_v"]])
  }

  @Test(
    "a range holds both of its bounds, in every type",
    arguments: [
      (
        "date", "2024-12-31", "2025-01-01", "2025-01-31", "2025-02-01", "'2025-01-01'",
        "'2025-01-31'"
      ),
      (
        "timestamp", "2024-12-31 23:59:59.999999", "2025-01-01 00:00:00", "2025-01-31 12:00:00",
        "2025-01-31 12:00:00.000001", "'2025-01-01T00:00:00Z'", "'2025-01-31T12:00:00Z'"
      ),
      ("'decimal(12,2)'", "0.09", "0.10", "99.99", "100.00", "0.1", "99.99"),
      ("'decimal(12,2)'", "0.09", "0.10", "99.99", "100.00", "0.099", "99.994"),
      (
        "'decimal(38,2)'", "90071992547409931.02", "90071992547409931.03", "90071992547409931.05",
        "90071992547409931.06", "90071992547409931.03", "90071992547409931.05"
      ),
      (
        "long", "9007199254740992", "9007199254740993", "9007199254740995", "9007199254740996",
        "9007199254740993", "9007199254740995"
      ),
      ("long", "0", "1", "2", "3", "0.5", "2.5"),
      (
        "long", "9007199254740992", "9007199254740993", "9007199254740995", "9007199254740996",
        "9007199254740992.5", "9007199254740995.5"
      ),
      ("double", "0.0999", "0.1", "0.3", "0.3001", "0.1", "0.3"),
      ("double", "-1e-9", "0", "1e9", "1.1e9", "0", "1e9"),
    ]
  )
  func range(
    type: String,
    below: String,
    low: String,
    high: String,
    above: String,
    minimum: String,
    maximum: String
  ) async throws {
    let shop = try Shop(
      "id,v\n1,\(below)\n2,\(low)\n3,\(high)\n4,\(above)\n5,\n",
      columns: "{id: long, v: \(type)}",
      header: "expect:\n  - range: {column: v, min: \(minimum), max: \(maximum)}"
    )
    try await shop.run()
    #expect(try await shop.quarantine() == ["1": ["range_v"], "4": ["range_v"]])
    #expect(try await shop.rows().map { $0["id"] } == [2, 3, 5])
  }

  @Test("of a repeated key all rows go, and keys with a null are not compared")
  func unique() async throws {
    let shop = try Shop(
      "id,a,b\n1,x,1\n2,x,1\n3,x,2\n4,x,\n5,x,\n6,,1\n7,,1\n8,,\n9,,\n",
      columns: "{id: long, a: string, b: long}",
      header: "expect:\n  - unique: [a, b]"
    )
    let outcome = try await shop.run()
    #expect(try await shop.quarantine() == ["1": ["unique_a_b"], "2": ["unique_a_b"]])
    #expect(outcome.results.first?.violations == 2)
    #expect(try await shop.rows().count == 7)
  }

  @Test("text is unique by its bytes", arguments: [true, false])
  func uniqueBytes(isSame: Bool) async throws {
    let shop = try Shop(
      "id,a\n1,\u{E9}\n2,\(isSame ? "\u{E9}" : "e\u{301}")\n3,A\n4,a\n5,a \n",
      columns: "{id: long, a: string}",
      header: "expect:\n  - unique: [a]"
    )
    try await shop.run()
    #expect(try await shop.quarantine().count == (isSame ? 2 : 0))
  }

  @Test("each bad row is in quarantine once, with the exact set of its rules")
  func sets() async throws {
    let shop = try Shop(
      "id,v,s\n1,5,ok\n2,50,ok\n3,50,bad\n4,,bad\n5,,\n6,5,ok\n7,7,ok\n7,7,ok\n8,60,bad\n8,60,bad\n",
      columns: "{id: long, v: long, s: string}",
      header: """
        expect:
          - range: {name: r, column: v, max: 10}
          - complete: {name: c, columns: [v, s]}
          - pattern: {name: p, column: s, regex: '^ok$'}
          - allowed: {name: w, column: s, values: [ok], on_failure: warn}
          - unique: {name: u, columns: [id]}
          - sql: {name: q, predicate: id <> 6}
        """
    )
    let outcome = try await shop.run()
    let rows = try await shop.sandbox.rows("quarantine.m")
    var sets: [String: [[String]]] = [:]
    for row in rows {
      sets[ProjectSandbox.text(row["id"] ?? .null), default: []]
        .append(row["_rules"]?.array?.compactMap(\.text).sorted() ?? [])
    }
    // Once a row is out, it is named with all that it broke, warnings included.
    // Rules on keys look at what the rules of a row left over: the eights are gone by then.
    #expect(
      sets == [
        "2": [["r"]], "3": [["p", "r", "w"]], "4": [["c", "p", "w"]], "5": [["c"]], "6": [["q"]],
        "7": [["u"], ["u"]], "8": [["p", "r", "w"], ["p", "r", "w"]],
      ]
    )
    #expect(try await shop.rows() == [["id": 1, "v": 5, "s": "ok"]])
    let counts = Dictionary(uniqueKeysWithValues: outcome.results.map { ($0.rule, $0.violations) })
    #expect(counts == ["r": 4, "c": 2, "p": 4, "w": 4, "u": 2, "q": 1])
  }

  @Test("a value that another table lacks is rejected, a null is not")
  func reference() async throws {
    let shop = try Shop(
      "id,parent\n1,\n2,1\n3,9\n4,2\n",
      columns: "{id: long, parent: long}",
      header: "expect:\n  - reference: {column: parent, to: bronze.a, key: id}"
    )
    let outcome = try await shop.run()
    #expect(try await shop.quarantine() == ["3": ["reference_parent"]])
    #expect(outcome.results.first?.evaluated == 3)
  }

  @Test("a reference over several columns compares them together")
  func compoundReference() async throws {
    let shop = try Shop(
      "id,x,y\n1,a,1\n2,b,2\n3,a,2\n4,a,\n",
      columns: "{id: long, x: string, y: long}",
      models: [
        "silver.pairs": "SELECT x, y AS z FROM bronze.a WHERE id < 3",
        "silver.m": """
        /*
        expect:
          - reference: {name: pair, columns: [x, y], to: silver.pairs, keys: [x, z]}
        */
        SELECT id, x, y FROM bronze.a
        """,
      ]
    )
    try await shop.run()
    #expect(try await shop.quarantine() == ["3": ["pair"]])
  }

  @Test("a query sees the rows that would be published, under the dataset's name")
  func query() async throws {
    let header = """
      keys: [id]
      expect:
        - complete: [v]
        - query: {name: sum_is_small, sql: "SELECT 1 FROM silver.m HAVING sum(v) > LIMIT"}
      """
    for (limit, passes) in [("6", true), ("5", false)] {
      let shop = try Shop(
        "id,v\n1,1\n2,2\n2,2\n3,\n4,3\n",
        columns: "{id: long, v: long}",
        header: header.replacing("LIMIT", with: limit)
      )
      let report = try await shop.sandbox.run()
      #expect(report["silver.m"]?.status == (passes ? .published : .failed), "\(report.trouble)")
    }
  }

  @Test("a query may look into other tables and warn")
  func queryOther() async throws {
    let shop = try Shop(
      "id,v\n1,1\n2,2\n",
      columns: "{id: long, v: long}",
      header: """
        expect:
          - query:
              name: nothing_lost
              sql: "SELECT id FROM bronze.a EXCEPT SELECT id FROM silver.m"
              on_failure: warn
        """,
      sql: "SELECT id FROM bronze.a WHERE id = 1"
    )
    let outcome = try await shop.run()
    #expect(outcome.results.first?.violations == 1)
    #expect(outcome.results.first?.status == .warned)
  }

  @Test("a query rule with a mistake in it is told with the model's file")
  func queryMistake() async throws {
    let shop = try Shop(
      "id,v\n1,1\n",
      columns: "{id: long, v: long}",
      header: "expect:\n  - query: {name: q, sql: \"SELECT vv FROM silver.m\"}"
    )
    let error = try await shop.failure()
    #expect("\(error)".hasPrefix("models/silver/m.sql"), "\(error)")
    #expect("\(error)".contains("vv"), "\(error)")
  }

  @Test("the number of rows is that of the rows published", arguments: [(2, true), (3, false)])
  func rowCount(minimum: Int, passes: Bool) async throws {
    let shop = try Shop(
      "id,v\n1,1\n2,2\n3,\n",
      columns: "{id: long, v: long}",
      header: "expect:\n  - complete: [v]\n  - rows: {min: \(minimum)}"
    )
    let report = try await shop.sandbox.run()
    #expect(report["silver.m"]?.status == (passes ? .published : .failed))
  }

  @Test("repairs are made in their order, before the rules judge, and are counted")
  func repairs() async throws {
    let shop = try Shop(
      "id,v,w,s\n1,1,1.0,\n2,,3.0,x\n3,4,,x\n4,500,-7.5,y\n",
      columns: "{id: long, v: long, w: double, s: string}",
      header: """
        repair:
          - impute: {column: v, with: median}
          - clamp: {column: v, min: 0, max: 100}
          - impute: {column: w, with: mean}
          - clamp: {column: w, min: 0}
          - impute: {column: s, with: mode}
        expect:
          - complete: [v, w, s]
          - range: {column: v, max: 100, on_failure: fail}
        """
    )
    let outcome = try await shop.run()
    #expect(
      try await shop.rows()
        == ProjectSandbox.sorted([
          ["id": 1, "v": 1, "w": 1.0, "s": "x"], ["id": 2, "v": 4, "w": 3.0, "s": "x"],
          ["id": 3, "v": 4, "w": 0.0, "s": "x"], ["id": 4, "v": 100, "w": 0.0, "s": "y"],
        ])
    )
    guard case .model(let account) = outcome.account else { return }
    #expect(
      account.repaired == [
        "impute median v": 1, "clamp v": 1, "impute mean w": 1, "clamp w": 2, "impute mode s": 1,
      ]
    )
  }
}

extension Shop {
  fileprivate func failureOfChecks() async throws -> any Failure {
    let report = try await sandbox.run()
    #expect(try await sandbox.versions().keys.sorted() == ["bronze.a", "gold.other"])
    return try #require(report["silver.m"]?.error)
  }
}
