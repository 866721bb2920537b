// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillPipelines
import Testing

@Suite("Sources that were treated wrongly once")
struct ReviewSourceTests {
  /// A value in a column of its own and what is said of it.
  struct Cell: Sendable, CustomTestStringConvertible {
    var type: String
    var value: String
    /// Text as it comes back; nil for a dead letter.
    var loaded: String?

    init(_ type: String, _ value: String, _ loaded: String? = nil) {
      self.type = type
      self.value = value
      self.loaded = loaded
    }

    var testDescription: String { "\(type) \(value)" }
  }

  private func column(_ cell: Cell, more: String = "") async throws -> [String] {
    let source = try OneSource(
      ["data/a.csv": .text("id,v\n1,\(cell.value)\n")],
      columns: "{id: long, v: '\(cell.type)'}",
      more: more
    )
    try await source.load()
    return try await source.sandbox.column("v", of: "bronze.a")
  }

  // MARK: Values

  @Test(
    "numbers in JSON that are loaded as text keep every digit",
    arguments: ["1.10", "100000000000000000.25", "0.12345678901234567890", "-0.0", "7"]
  )
  func jsonText(number: String) async throws {
    let source = try OneSource(
      ["data/a.jsonl": .text("{\"id\":1,\"v\":\(number)}\n{\"id\":2,\"v\":\"\(number)\"}\n")],
      columns: "{id: long, v: string}"
    )
    try await source.load()
    #expect(try await source.sandbox.column("v", of: "bronze.a") == [number, number])
  }

  @Test(
    "a text's own zone counts more than the declared one, which is for texts without",
    arguments: [
      ("2024-06-01 12:00:00 UTC", "2024-06-01 12:00:00+00"),
      ("2024-06-01 12:00:00Z", "2024-06-01 12:00:00+00"),
      ("2024-06-01T12:00:00+02:00", "2024-06-01 10:00:00+00"),
      ("2024-06-01 12:00:00", "2024-06-01 16:00:00+00"),
      ("2024-01-01 12:00:00", "2024-01-01 17:00:00+00"),
    ]
  )
  func zones(text: String, instant: String) async throws {
    let found = try await column(Cell("timestamp", text), more: "time_zone: America/New_York\n")
    #expect(found == [instant])
  }

  @Test(
    "a value that would be bent on the way is a dead letter",
    arguments: [
      Cell("date", "2001-02-03 17:30:00"), Cell("date", "infinity"), Cell("date", "-infinity"),
      Cell("date", "epoch"), Cell("date", "20000-01-01"),
      Cell("timestamp", "2025-01-01 00:00:00.123456789"),
      Cell("timestamp", "2025-01-01 00:00:00.123456001"), Cell("timestamp", "epoch"),
      Cell("timestamp", "infinity"), Cell("timestamp", "-infinity"),
      Cell("timestamp", "20000-01-01 00:00:00"),
      Cell("timestamp", "0000-01-01 00:00:00"),
      Cell("timestamp", "9999-12-31 23:00:00-05"), Cell("timestamp", "0001-01-01 00:00:00+05"),
      Cell("timestamp", "2001-02-03 (BC) 00:00:00"), Cell("date", "2001-02-03 (BC)"),
      Cell("date", "0000-01-01"), Cell("double", "1e400"), Cell("double", "inf"),
      Cell("double", "-inf"), Cell("double", "Infinity"), Cell("double", "-1e400"),
      Cell("float", "inf"), Cell("long", "0x10"), Cell("long", "1_000"),
    ]
  )
  func bent(cell: Cell) async throws {
    let source = try OneSource(
      ["data/a.csv": .text("id,v\n1,\(cell.value)\n2,\n")],
      columns: "{id: long, v: '\(cell.type)'}"
    )
    try await source.load()
    #expect(try await source.rows() == [["id": 2, "v": nil]])
    #expect(
      try await source.letters() == [
        Letter(
          line: 2,
          byteOffset: 5,
          reason: "not-of-type",
          column: "v",
          raw: "1,\(cell.value)"
        )
      ]
    )
  }

  @Test(
    "a plain value beside those is loaded",
    arguments: [
      Cell("date", "2001-02-03", "2001-02-03"), Cell("date", "9999-12-31", "9999-12-31"),
      Cell("date", "0001-01-01", "0001-01-01"),
      Cell("timestamp", "2001-02-03 17:30:00", "2001-02-03 17:30:00+00"),
      Cell("timestamp", "2025-01-01 00:00:00.123456", "2025-01-01 00:00:00.123456+00"),
      Cell("timestamp", "2025-01-01 00:00:00.123456000", "2025-01-01 00:00:00.123456+00"),
      Cell("double", "0.5", "0.5"), Cell("double", "-2.25", "-2.25"), Cell("double", "nan", "null"),
      Cell("float", "0.5", "0.5"), Cell("long", "16", "16"), Cell("long", "-1000", "-1000"),
    ]
  )
  func plain(cell: Cell) async throws {
    #expect(try await column(cell) == [cell.loaded])
  }

  @Test("without a word about nulls only an empty field of CSV is null")
  func nullsOfCSV() async throws {
    let source = try OneSource(["data/a.csv": "id,name\n1,\n2,NA\n3,NULL\n4,null\n5,N/A\n6,-\n"])
    try await source.load()
    #expect(
      try await source.rows() == [
        ["id": 1, "name": nil], ["id": 2, "name": "NA"], ["id": 3, "name": "NULL"],
        ["id": 4, "name": "null"], ["id": 5, "name": "N/A"], ["id": 6, "name": "-"],
      ]
    )
  }

  @Test("without a word about nulls no text of JSON is null")
  func nullsOfJSON() async throws {
    let lines = ["\"\"", "\"NA\"", "\"null\"", "null", "\"NULL\""].enumerated().map {
      "{\"id\":\($0.offset + 1),\"name\":\($0.element)}"
    }
    let source = try OneSource(["data/a.jsonl": .text(lines.joined(separator: "\n") + "\n")])
    try await source.load()
    #expect(
      try await source.rows() == [
        ["id": 1, "name": ""], ["id": 2, "name": "NA"], ["id": 3, "name": "null"],
        ["id": 4, "name": nil], ["id": 5, "name": "NULL"],
      ]
    )
  }

  @Test("texts that are declared to be null are, and no others")
  func declaredNulls() async throws {
    let csv = try OneSource(
      ["data/a.csv": "id,name\n1,\n2,NA\n3,-999\n4,NULL\n"],
      more: "nulls: ['NA', '-999']\n"
    )
    try await csv.load()
    #expect(
      try await csv.rows() == [
        ["id": 1, "name": ""], ["id": 2, "name": nil], ["id": 3, "name": nil],
        ["id": 4, "name": "NULL"],
      ]
    )
    let json = try OneSource(
      ["data/a.jsonl": .text(#"{"id":1,"name":""}"# + "\n" + #"{"id":2,"name":"NA"}"# + "\n")],
      more: "nulls: ['NA']\n"
    )
    try await json.load()
    #expect(try await json.rows() == [["id": 1, "name": ""], ["id": 2, "name": nil]])
  }

  // MARK: Records and columns

  @Test("large records that do not fit keep all of their bytes, however many there are")
  func largeLetters() async throws {
    // More than the scan holds at once.
    let count = 70
    let long = String(repeating: "x", count: 1_000_000)
    let bad = (0..<count).map { "\($0 + 2),\(long),\($0)\n" }.joined()
    let source = try OneSource(
      ["data/a.csv": .text("id,name\n1,a\n\(bad)100,b\n101\n")],
      memory: "1GiB"
    )
    try source.sandbox.write(
      "models/gold/lengths.sql",
      "SELECT line, length(raw) AS n, right(raw, 4) AS tail FROM dead_letters.a"
    )
    let outcome = try await source.load()
    #expect(outcome.account?.isBalanced == true)
    #expect(try await source.rows().compactMap { $0["id"]?.integer }.sorted() == [1, 100])
    let letters = try await source.sandbox.ownRows("gold.lengths")
    #expect(letters.count == count + 1)
    for letter in letters {
      let line = try #require(letter["line"]?.integer)
      guard line < Int64(count) + 3 else {
        #expect(letter["n"] == 3 && letter["tail"] == "101")
        continue
      }
      // Line 3 holds record 2.
      let expected = "\(line - 1),\(long),\(line - 3)"
      #expect(letter["n"] == .int(expected.count), "line \(line)")
      #expect(letter["tail"] == .string(String(expected.suffix(4))), "line \(line)")
    }
  }

  @Test("a header that differs in letter case alone gives its columns", arguments: [true, false])
  func letterCase(isDeclared: Bool) async throws {
    let source = try OneSource(
      [
        "data/a.csv": "id,name\n1,a\n", "data/b.csv": "ID,Name\n2,b\n",
        "data/c.csv": "Id,NAME\n3,c\n",
      ],
      pattern: "data/*.csv",
      columns: isDeclared ? "{id: long, name: string}" : nil,
      more: "csv: {delimiter: ','}\n"
    )
    let outcome = try await source.load()
    #expect(
      try await source.rows() == [
        ["id": 1, "name": "a"], ["id": 2, "name": "b"], ["id": 3, "name": "c"],
      ]
    )
    #expect(!outcome.notes.contains { $0.contains("lacks") }, "\(outcome.notes)")
    let rescued = try await source.sandbox.rows("bronze.a").compactMap { $0["_rescued"]?.text }
    #expect(rescued == [])
  }

  @Test("columns declared in another letter case than the header's are loaded")
  func declaredLetterCase() async throws {
    let source = try OneSource(
      ["data/a.csv": "id,name\n1,a\nx,b\n"],
      columns: "{ID: long, Name: string}"
    )
    try await source.load()
    #expect(try await source.rows() == [["ID": 1, "Name": "a"]])
    #expect(try await source.letters().map(\.column) == ["ID"])
  }

  // MARK: Files

  @Test("a pattern that never matched a file is an error, and none that matches no more")
  func noFiles() async throws {
    let source = try OneSource(["data/notes.txt": "hello"], pattern: "data/*.csv")
    let error = try await source.failure()
    #expect(error.errorClass == .outside, "\(error)")
    #expect("\(error)".contains("data/*.csv"), "\(error)")
    try source.sandbox.write("data/a.csv", "id,name\n1,a\n")
    let loaded = try await source.load()
    #expect(loaded.notes == [])
    try source.sandbox.remove("data/a.csv")
    let outcome = try await source.load()
    #expect(outcome.status == .unchanged)
    #expect(outcome.notes.contains { $0.contains("data/*.csv") }, "\(outcome.notes)")
    #expect(try await source.rows() == [["id": 1, "name": "a"]])
  }

  @Test("another time zone of a loaded source is told, or loads the files again when it may")
  func changedZone() async throws {
    for isReplacing in [false, true] {
      let source = try OneSource(
        ["data/a.csv": "id,at\n1,2024-06-01 12:00:00\n"],
        columns: "{id: long, at: timestamp}",
        more: "on_change: \(isReplacing ? "replace" : "report")\n"
      )
      let first = try await source.load()
      #expect(first.notes == [])
      #expect(try await source.sandbox.column("at", of: "bronze.a") == ["2024-06-01 12:00:00+00"])
      let definition = try source.sandbox.read("sources/a.yaml")
      try source.sandbox.write(
        "sources/a.yaml",
        .bytes(Array(definition) + Array("time_zone: America/New_York\n".utf8))
      )
      let second = try await source.load()
      let instants = try await source.sandbox.column("at", of: "bronze.a")
      if isReplacing {
        #expect(second.status == .published)
        #expect(instants == ["2024-06-01 16:00:00+00"])
        #expect(try await source.load().status == .unchanged)
      } else {
        #expect(second.status == .unchanged)
        #expect(second.notes.count == 1, "\(second.notes)")
        #expect(second.notes.first?.contains("on_change: replace") == true, "\(second.notes)")
        #expect(instants == ["2024-06-01 12:00:00+00"])
      }
    }
  }

  @Test("files with very long paths are replaced when they change")
  func longPath() async throws {
    let folder =
      "data/"
      + ["a", "b", "c"].map { String(repeating: $0, count: 120) }
      .joined(separator: "/")
    let one = "\(folder)/one-\(String(repeating: "x", count: 30)).csv"
    let two = "\(folder)/two-\(String(repeating: "x", count: 30)).csv"
    #expect(one.utf8.count >= 400)
    let source = try OneSource(
      [one: "id,name\n1,a\nx,b\n", two: "id,name\n2,a\n"],
      pattern: "\(folder)/*.csv",
      more: "on_change: replace\n"
    )
    try await source.load()
    try source.sandbox.write(one, "id,name\n1,new\n3,c\ny,d\nz,e\n")
    try await source.load()
    #expect(
      try await source.rows() == [
        ["id": 1, "name": "new"], ["id": 2, "name": "a"], ["id": 3, "name": "c"],
      ]
    )
    #expect(try await source.letters().map(\.raw) == ["y,d", "z,e"])
  }
}
