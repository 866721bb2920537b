// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillDuckDB
import MillEngine
import MillPipelines
import Testing

@Suite("Headers and columns of raw files")
struct HeaderTests {
  @Test("a declared column that a file lacks is null and noted")
  func lacking() async throws {
    let source = try OneSource(["data/a.csv": "id\n1\n"])
    let outcome = try await source.load()
    #expect(try await source.rows() == [["id": 1, "name": nil]])
    #expect(outcome.notes == ["data/a.csv lacks name: null"])
  }

  @Test("a file with none of the declared columns is refused with both lists")
  func none() async throws {
    let source = try OneSource(["data/a.csv": "a,b\n1,2\n"])
    let error = try await source.failure()
    #expect(error.code == "pipeline.definition")
    #expect("\(error)".contains("data/a.csv has none of the columns id, name; it has a, b"))
    #expect("\(error)".hasPrefix("sources/a.yaml: "), "\(error)")
  }

  @Test("what a file has beyond the declared columns is rescued as JSON")
  func rescued() async throws {
    let source = try OneSource([
      "data/a.csv": "x,id,\"y \"\"q\"\"\",name\n7,1,\"a\"\"b\",one\n,2,,two\n"
    ])
    try await source.load()
    #expect(try await source.rows() == [["id": 1, "name": "one"], ["id": 2, "name": "two"]])
    let rescued = try await source.sandbox.rows("bronze.a").map { $0["_rescued"] }
    let texts = rescued.compactMap { $0?.text }
    let text = try #require(texts.first)
    #expect(try JSONValue(parsing: text) == ["x": "7", "y_\"q\"": "a\"b"])
    #expect(rescued.contains(.some(.null)), "a row that has nothing more has nothing rescued")
  }

  @Test("columns in another order in the second file go where they belong")
  func order() async throws {
    let source = try OneSource(
      ["data/a.csv": "id,name\n1,one\n", "data/b.csv": "name,id\ntwo,2\n"],
      pattern: "data/*.csv"
    )
    try await source.load()
    #expect(try await source.rows() == [["id": 1, "name": "one"], ["id": 2, "name": "two"]])
  }

  @Test("columns that are found, not declared, stay as the first file had them")
  func found() async throws {
    let source = try OneSource(
      ["data/a.csv": "id,v\n1,2.5\n2,3\n", "data/b.csv": "id,v,w\n3,x,9\n4,1,8\n"],
      pattern: "data/*.csv",
      columns: nil
    )
    try await source.load()
    let rows = try await source.rows()
    #expect(rows.map { $0["id"] } == [1, 2, 4])
    #expect(try await source.letters().map(\.raw) == ["3,x,9"])
  }

  struct Odd: Sendable, CustomTestStringConvertible {
    var header: String
    var names: [String]
    var testDescription: String { header }
  }

  private static let odd = [
    Odd(header: "a,a,a", names: ["a", "a_2", "a_3"]),
    Odd(header: "a,A,b", names: ["a", "A_2", "b"]),
    Odd(header: "unit price,b;c,d", names: ["unit_price", "b_c", "d"]),
    Odd(
      header: "\"a\"\"; DROP TABLE x --\",it's,\"{x:1}\"",
      names: ["a\"__DROP_TABLE_x_--", "it's", "_x:1_"]
    ),
    Odd(header: "größe,數量,🙂", names: ["größe", "數量", "🙂"]),
    Odd(header: "_source,_rescued,_Loaded_At", names: ["_source_2", "_rescued_2", "_Loaded_At_2"]),
    Odd(
      header: "_ordinal,_malformed,mill_line",
      names: ["_ordinal_2", "_malformed_2", "mill_line"]
    ),
    Odd(header: ",b,", names: ["column", "b", "column_2"]),
    Odd(header: "select,from,column", names: ["select", "from", "column"]),
    Odd(header: "1,2,3.5", names: ["1", "2", "3.5"]),
    Odd(header: "\"x\ny\",\"tab\tt\",=z", names: ["x_y", "tab_t", "_z"]),
    Odd(header: " a , b,c ", names: ["_a_", "_b", "c_"]),
  ]

  @Test("odd and repeated names become names that a table can have", arguments: odd)
  func undeclared(odd: Odd) async throws {
    let source = try OneSource(
      ["data/a.csv": .text("\(odd.header)\nx,y,z\nu,,w\n")],
      columns: nil,
      more: "csv: {delimiter: ','}\n"
    )
    let outcome = try await source.load()
    #expect(outcome.notes == [])
    let row = { (values: [JSONValue]) in
      Dictionary(uniqueKeysWithValues: zip(odd.names, values))
    }
    #expect(
      try await source.rows()
        == ProjectSandbox.sorted([row(["x", "y", "z"]), row(["u", nil, "w"])])
    )
    // A second run finds the names that it gave the first time.
    try source.sandbox.write("data/a.csv", .text("\(odd.header)\nx,y,z\nu,,w\n"))
    #expect(try await source.sandbox.run().trouble == "")
  }

  @Test("odd names that are declared are found under the names of the file")
  func declared() async throws {
    let source = try OneSource(
      ["data/a.csv": "unit price,\"a\"\"; DROP TABLE x --\"\n2.5,x\nbad,y\n"],
      columns: "{unit price: double, 'a\"; DROP TABLE x --': string}"
    )
    let outcome = try await source.load()
    #expect(outcome.notes == [])
    #expect(
      try await source.rows() == [["unit_price": 2.5, "a\"__DROP_TABLE_x_--": "x"]]
    )
    #expect(try await source.letters().map(\.column) == ["unit_price"])
  }

  @Test("a file without a header takes its names from the declaration")
  func noHeader() async throws {
    let source = try OneSource(
      ["data/a.csv": "1;one\n2;two\nx;three\n"],
      more: "csv: {header: false, delimiter: ';'}\n"
    )
    try await source.load()
    #expect(try await source.rows() == [["id": 1, "name": "one"], ["id": 2, "name": "two"]])
    #expect(
      try await source.letters()
        == [Letter(line: 3, byteOffset: 12, reason: "not-of-type", column: "id", raw: "x;three")]
    )
  }

  @Test("the delimiter is found where none is declared", arguments: [",", ";", "\t", "|"])
  func delimiter(delimiter: String) async throws {
    let lines = (0..<20).map { ["\($0)", "name \($0)", "2025-01-01"].joined(separator: delimiter) }
    let header = ["id", "name", "day"].joined(separator: delimiter)
    let source = try OneSource(
      ["data/a.csv": .text(([header] + lines).joined(separator: "\n"))],
      columns: nil
    )
    try await source.load()
    let rows = try await source.rows()
    #expect(rows.count == 20)
    #expect(rows.first == ["id": 0, "name": "name 0", "day": "2025-01-01"])
  }

  // MARK: Parquet

  private func parquet(_ query: String) async throws -> ProjectSandbox.Content {
    let scratch = try ProjectSandbox()
    let engine = try DuckDBEngine(DuckDBEngine.Configuration(threads: 1, folders: [scratch.folder]))
    let session = try await engine.session(named: "test")
    // Not by the session's own writing, which casts to published types.
    let path = scratch.folder + "/out.parquet"
    _ = try await session.rows("COPY (\(query)) TO '\(path)' (FORMAT parquet)", limit: 1)
    await session.close()
    await engine.shutdown()
    return .bytes(Array(try scratch.read("out.parquet")))
  }

  @Test("a Parquet file is loaded with the types that it has")
  func parquetFile() async throws {
    let content = try await parquet(
      "SELECT i AS id, 'n' || i AS name, CAST(i AS DECIMAL(10,2)) / 4 AS share, "
        + "TIMESTAMP '2025-01-01 00:00:00' AS at FROM range(3) AS r(i)"
    )
    let source = try OneSource(["data/a.parquet": content], columns: nil)
    let outcome = try await source.load()
    #expect(outcome.account?.isBalanced == true)
    let rows = try await source.rows()
    #expect(rows.count == 3)
    #expect(rows.first?["id"] == 0)
    #expect(rows.first?["at"] == "2025-01-01 00:00:00+00")
  }

  @Test("values of a Parquet file that a declared type cannot hold are dead letters")
  func parquetValues() async throws {
    let content = try await parquet(
      "SELECT * FROM (VALUES (1, '1.5'), (2, 'x'), (3, NULL)) AS v(id, v)"
    )
    let source = try OneSource(["data/a.parquet": content], columns: "{id: long, v: double}")
    try await source.load()
    #expect(try await source.rows() == [["id": 1, "v": 1.5], ["id": 3, "v": nil]])
    let letters = try await source.letters()
    #expect(letters.map(\.line) == [2])
    #expect(letters.map(\.column) == ["v"])
  }

  @Test(
    "numbers of a Parquet file are not rounded into a declared type",
    arguments: [
      ("DOUBLE '2.5'", "long"), ("CAST(1.239 AS DECIMAL(10,3))", "decimal(10,2)"),
      ("CAST(9007199254740993 AS BIGINT)", "double"), ("DOUBLE '1e300'", "float"),
    ]
  )
  func parquetRounding(value: String, type: String) async throws {
    let content = try await parquet("SELECT CAST(1 AS BIGINT) AS id, \(value) AS v")
    let source = try OneSource(["data/a.parquet": content], columns: "{id: long, v: '\(type)'}")
    try await source.load()
    #expect(try await source.rows() == [])
    #expect(try await source.letters().map(\.column) == ["v"])
  }

  @Test("times of a Parquet file without a zone are of the declared zone, others stay as they are")
  func parquetTimes() async throws {
    let content = try await parquet(
      "SELECT CAST(1 AS BIGINT) AS id, TIMESTAMP '2025-07-01 12:00:00' AS naive, "
        + "TIMESTAMPTZ '2025-07-01 12:00:00+00' AS fixed"
    )
    let source = try OneSource(
      ["data/a.parquet": content],
      columns: nil,
      more: "time_zone: America/New_York\n"
    )
    try await source.load()
    #expect(
      try await source.rows()
        == [["id": 1, "naive": "2025-07-01 16:00:00+00", "fixed": "2025-07-01 12:00:00+00"]]
    )
  }

  @Test("odd names of a Parquet file lose no column")
  func parquetNames() async throws {
    let content = try await parquet(
      "SELECT CAST(1 AS BIGINT) AS id, 'x' AS \"unit price\", 'y' AS \"_source\""
    )
    let source = try OneSource(["data/a.parquet": content], columns: nil)
    let outcome = try await source.load()
    #expect(outcome.notes == [])
    #expect(try await source.rows() == [["id": 1, "unit_price": "x", "_source_2": "y"]])
  }

  @Test("a damaged Parquet file is refused and nothing published")
  func parquetDamaged() async throws {
    guard case .bytes(let bytes) = try await parquet("SELECT CAST(1 AS BIGINT) AS id") else {
      return
    }
    let source = try OneSource(["data/a.parquet": .bytes(Array(bytes.dropLast(9)))], columns: nil)
    let error = try await source.failure()
    #expect("\(error)".contains("a.parquet"), "\(error)")
  }

  // MARK: Time zones

  @Test(
    "a naive time is of the declared zone; of a doubled hour the first, of a missing hour before",
    arguments: [
      ("America/New_York", "2025-01-15 12:00:00", "2025-01-15 17:00:00+00"),
      ("America/New_York", "2025-07-15 12:00:00", "2025-07-15 16:00:00+00"),
      ("America/New_York", "2025-11-02 00:59:59", "2025-11-02 04:59:59+00"),
      ("America/New_York", "2025-11-02 01:30:00", "2025-11-02 05:30:00+00"),
      ("America/New_York", "2025-11-02 02:00:00", "2025-11-02 07:00:00+00"),
      ("America/New_York", "2025-03-09 02:30:00", "2025-03-09 07:30:00+00"),
      ("America/New_York", "2025-03-09 03:00:00", "2025-03-09 07:00:00+00"),
      ("America/New_York", "2025-03-09 01:59:59.999999", "2025-03-09 06:59:59.999999+00"),
      ("America/New_York", "2025-11-02T01:30:00-05:00", "2025-11-02 06:30:00+00"),
      ("America/New_York", "2025-11-02T01:30:00Z", "2025-11-02 01:30:00+00"),
      ("America/New_York", "2025-01-15", "2025-01-15 05:00:00+00"),
      ("Europe/Berlin", "2025-10-26 02:30:00", "2025-10-26 00:30:00+00"),
      ("Europe/Berlin", "2025-03-30 02:30:00", "2025-03-30 01:30:00+00"),
      ("Asia/Kolkata", "2025-01-15 12:00:00", "2025-01-15 06:30:00+00"),
      // Here the clocks go by half an hour.
      ("Australia/Lord_Howe", "2025-04-06 01:45:00", "2025-04-05 14:45:00+00"),
      ("Australia/Lord_Howe", "2025-10-05 02:15:00", "2025-10-04 15:45:00+00"),
    ]
  )
  func timeZone(zone: String, text: String, instant: String) async throws {
    let source = try OneSource(
      ["data/a.csv": .text("id,at\n1,\(text)\n")],
      columns: "{id: long, at: timestamp}",
      more: "time_zone: \(zone)\n"
    )
    try await source.load()
    #expect(try await source.sandbox.column("at", of: "bronze.a") == [instant])
  }

  @Test("a time that is none in the declared zone is a dead letter", arguments: ["noon", "25:00"])
  func noTime(text: String) async throws {
    let source = try OneSource(
      ["data/a.csv": .text("id,at\n1,\(text)\n")],
      columns: "{id: long, at: timestamp}",
      more: "time_zone: America/New_York\n"
    )
    try await source.load()
    #expect(try await source.letters().map(\.column) == ["at"])
  }
}
