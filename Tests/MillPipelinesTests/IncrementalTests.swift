// SPDX-License-Identifier: Apache-2.0

import MillAssembly
import MillCore
import MillLake
import MillPipelines
import MillTesting
import Testing

@Suite("Models that read new rows only")
struct IncrementalTests {
  private static let columns = "{id: long, v: long}"
  private static let append = "incremental: {strategy: append}"

  private func shop(
    _ header: String = "",
    sql: String = "SELECT id, v * 2 AS w FROM bronze.a WHERE id <> 4"
  ) throws -> Shop {
    try Shop(
      "id,v\n1,10\n2,20\n4,40\n",
      columns: Self.columns,
      header: Self.append + (header.isEmpty ? "" : "\n" + header),
      sql: sql
    )
  }

  /// What a full run over the same files publishes, in a project of its own.
  private func whole(_ shop: Shop) async throws -> [String: TableState] {
    let twin = try Shop("", columns: Self.columns, models: [:])
    try twin.sandbox.remove("data/a.csv")
    for name in ["data/a.csv", "data/b.csv", "data/c.csv", "models/silver/m.sql", "sources/b.yaml"]
    {
      guard let bytes = try? shop.sandbox.read(name) else { continue }
      try twin.sandbox.write(name, .bytes(Array(bytes)))
    }
    let report = try await twin.sandbox.run()
    #expect(report.trouble == "")
    return try await twin.sandbox.tables()
  }

  private func account(_ outcome: NodeOutcome) throws -> RowAccount.Model {
    guard case .model(let account) = outcome.account else {
      throw Missing()
    }
    return account
  }

  private struct Missing: Error {}

  @Test("only new rows are read, and the table is what a full run makes of all")
  func newRows() async throws {
    let shop = try shop("keys: [id]\nexpect:\n  - range: {column: w, max: 99}")
    let first = try await shop.run()
    #expect(try account(first).isIncremental == false)
    try shop.sandbox.write("data/b.csv", "id,v\n5,50\n4,1\n6,6\nx,y\n")
    let second = try await shop.run()
    let account = try account(second)
    #expect(account.isIncremental)
    #expect(account.inputs == ["bronze.a": 3])
    #expect(account.candidates == 2 && account.published == 1 && account.quarantined == 1)
    #expect(account.filtered == 1)
    #expect(second.reason.hasSuffix(": only new rows"), "\(second.reason)")
    let both = try await shop.sandbox.withWorkspace { workspace in
      try await workspace.lake.table(#require(DatasetName("bronze.a")))
        .snapshot().contents.files.map(\.sizeInBytes)
    }
    #expect(both.count == 2)
    #expect(second.bytesRead < both.reduce(0, +), "\(second.bytesRead) of \(both)")
    #expect(both.contains(second.bytesRead))
    #expect(try await shop.sandbox.tables() == whole(shop))
    #expect(try await shop.run().status == .unchanged)
  }

  @Test("three loads one after the other are what one load of all is")
  func threeLoads() async throws {
    let shop = try shop("keys: [id]\nexpect:\n  - range: {column: w, max: 99}\n  - complete: [w]")
    try await shop.run()
    try shop.sandbox.write("data/b.csv", "id,v\n5,50\n6,\n7,7\n")
    try await shop.run()
    try shop.sandbox.write("data/c.csv", "id,v\n8,80\n9,\n10,10\n")
    let third = try await shop.run()
    #expect(try account(third).isIncremental)
    #expect(try await shop.sandbox.tables() == whole(shop))
  }

  @Test(
    "everything is made again where new rows would change old ones",
    arguments: [
      // A key that is published already.
      ("keys: [id]", "id,v\n1,11\n7,70\n"),
      // A rule on keys.
      ("expect:\n  - unique: [id]", "id,v\n1,11\n7,70\n"),
      // Rules on the whole.
      ("expect:\n  - rows: {min: 3}", "id,v\n7,70\n"),
      (
        "expect:\n  - query: {name: q, sql: 'SELECT 1 FROM silver.m HAVING sum(w) < 100'}",
        "id,v\n7,70\n"
      ),
    ]
  )
  func wholeAgain(header: String, new: String) async throws {
    let shop = try shop(
      header,
      sql: header.hasPrefix("expect:\n  - rows") || header.hasPrefix("expect:\n  - query")
        ? "SELECT id, v * 2 AS w FROM bronze.a"
        : "SELECT id, v * 2 AS w FROM bronze.a WHERE id <> 4"
    )
    try await shop.run()
    try shop.sandbox.write("data/b.csv", .text(new))
    let second = try await shop.run()
    #expect(try account(second).isIncremental == false, "\(second.reason)")
    #expect(try await shop.sandbox.tables() == whole(shop))
  }

  @Test("a row whose key is in quarantine already makes everything again")
  func keyInQuarantine() async throws {
    let shop = try shop("expect:\n  - unique: [id]\n  - range: {column: w, max: 99}")
    try shop.sandbox.write("data/a.csv", "id,v\n1,10\n2,20\n2,21\n3,90\n")
    try await shop.run()
    #expect(try await shop.rows().map { $0["id"] } == [1])
    try shop.sandbox.write("data/b.csv", "id,v\n2,22\n3,3\n7,7\n")
    try await shop.run()
    #expect(try await shop.sandbox.tables() == whole(shop))
  }

  @Test("two new rows with one key that is published already reject all three")
  func keyTwiceInNewAndOld() async throws {
    let shop = try shop("expect:\n  - unique: [id]")
    try await shop.run()
    try shop.sandbox.write("data/b.csv", "id,v\n1,11\n1,12\n7,7\n")
    try await shop.run()
    #expect(try await shop.sandbox.tables() == whole(shop))
  }

  @Test("a rule that looks into the table that grows sees all of it")
  func ownReference() async throws {
    let shop = try shop(
      "expect:\n  - reference: {column: w, to: bronze.a, key: id}",
      sql: "SELECT id, v AS w FROM bronze.a"
    )
    try shop.sandbox.write("data/a.csv", "id,v\n1,\n2,1\n3,5\n")
    try await shop.run()
    try shop.sandbox.write("data/b.csv", "id,v\n4,1\n5,4\n")
    try await shop.run()
    let expected = try await whole(shop)
    #expect(expected["silver.m"]?.rows.count == 5)
    #expect(try await shop.sandbox.tables() == expected)
  }

  @Test("two new rows with one key are treated as in a full run")
  func keyTwiceInNew() async throws {
    let shop = try shop("keys: [id]\ndedupe: {by: [w]}")
    try await shop.run()
    try shop.sandbox.write("data/b.csv", "id,v\n7,70\n7,71\n7,69\n")
    let second = try await shop.run()
    #expect(try account(second).deduplicated == 2)
    #expect(try await shop.sandbox.tables() == whole(shop))
  }

  @Test("a changed definition makes everything again")
  func definition() async throws {
    let shop = try shop()
    try await shop.run()
    try shop.sandbox.write("data/b.csv", "id,v\n7,70\n")
    try shop.sandbox.write(
      "models/silver/m.sql",
      .text("/*\n\(Self.append)\n*/\nSELECT id, v * 3 AS w FROM bronze.a WHERE id <> 4")
    )
    let second = try await shop.run()
    #expect(try account(second).isIncremental == false)
    #expect(try await shop.sandbox.tables() == whole(shop))
  }

  @Test("a replaced file makes everything again")
  func replaced() async throws {
    let shop = try shop()
    try await shop.run()
    try shop.sandbox.write("data/a.csv", "id,v\n1,11\n")
    let second = try await shop.run()
    #expect(try account(second).isIncremental == false, "\(second.reason)")
    #expect(try await shop.sandbox.tables() == whole(shop))
  }

  @Test(
    "new rows of a table that is only looked up make everything again",
    arguments: [true, false]
  )
  func lookedUp(isBoth: Bool) async throws {
    let shop = try Shop(
      "id,v\n1,10\n2,20\n",
      columns: Self.columns,
      header: Self.append,
      sql: "SELECT a.id, a.v, b.name FROM bronze.a AS a LEFT JOIN bronze.b AS b USING (id)"
    )
    try shop.sandbox.write(
      "sources/b.yaml",
      "files: names/*.csv\ncolumns: {id: long, name: string}\n"
    )
    try shop.sandbox.write("names/1.csv", "id,name\n1,one\n")
    try await shop.run()
    // New rows of the driving table alone are appended.
    try shop.sandbox.write("data/b.csv", "id,v\n3,30\n1,11\n")
    #expect(try account(try await shop.run()).isIncremental)
    try shop.sandbox.write("names/2.csv", "id,name\n2,two\n3,three\n")
    if isBoth { try shop.sandbox.write("data/c.csv", "id,v\n2,22\n") }
    #expect(try account(try await shop.run()).isIncremental == false)
    var expected: [[String: JSONValue]] = [
      ["id": 1, "v": 10, "name": "one"], ["id": 2, "v": 20, "name": "two"],
      ["id": 3, "v": 30, "name": "three"], ["id": 1, "v": 11, "name": "one"],
    ]
    if isBoth { expected.append(["id": 2, "v": 22, "name": "two"]) }
    #expect(try await shop.rows() == ProjectSandbox.sorted(expected))
  }

  @Test(
    "a SELECT that combines rows is refused by name",
    arguments: [
      ("SELECT id, count(*) AS n FROM bronze.a GROUP BY id", "groups rows"),
      ("SELECT count(*) AS n FROM bronze.a", "groups rows"),
      ("SELECT DISTINCT id FROM bronze.a", "DISTINCT"),
      ("SELECT id, sum(v) OVER (ORDER BY id) AS s FROM bronze.a", "window"),
      ("SELECT id FROM bronze.a ORDER BY id LIMIT 1", ""),
      ("SELECT id FROM bronze.a UNION ALL SELECT id FROM bronze.a", "stacks"),
      ("SELECT id FROM bronze.a WHERE v > (SELECT avg(v) FROM bronze.a)", ""),
      ("SELECT unnest([id, v]) AS x FROM bronze.a", ""),
      ("SELECT a.id FROM bronze.a AS a FULL JOIN bronze.a AS b USING (id)", ""),
      ("SELECT a.id FROM bronze.a AS a JOIN bronze.a AS b USING (id)", ""),
      ("SELECT i AS id FROM range(3) AS r(i)", "reads"),
    ]
  )
  func refused(sql: String, reason: String) async throws {
    let error = try await shop(sql: sql).failure()
    #expect(error.errorClass == .definition)
    #expect("\(error)".contains("append") && "\(error)".contains("use `full`"), "\(error)")
    #expect("\(error)".contains(reason), "\(error)")
  }

  @Test("what a SELECT makes of the time of the run is refused or made whole")
  func volatileFunctions() async throws {
    // Whatever a row becomes must not depend on the run it was read in; random() and now() do.
    let shop = try shop(sql: "SELECT id, row_number() OVER () AS n FROM bronze.a")
    let error = try await shop.failure()
    #expect(error.errorClass == .definition)
  }
}
