// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillPipelines
import Testing

@Suite("Files that are not as they should be")
struct BadInputTests {
  private static let text = "id,name\n1,one\n2,two\n"
  private static let gzipped: [UInt8] = bytes(
    "1f8b0800000000000203cb4cd1c94bcc4de532d4c9cf4be532d22929cfe7020069f3234314000000"
  )
  private static let zstandard: [UInt8] = bytes(
    "28b52ffd0458a1000069642c6e616d650a312c6f6e650a322c74776f0a8411ff6c"
  )
  private static let two: [[String: JSONValue]] = [
    ["id": 1, "name": "one"], ["id": 2, "name": "two"],
  ]

  private static func bytes(_ hexadecimal: String) -> [UInt8] {
    let digits = Array(hexadecimal)
    return stride(from: 0, to: digits.count, by: 2).compactMap {
      UInt8(String(digits[$0...$0 + 1]), radix: 16)
    }
  }

  // MARK: The file as a whole

  @Test("packed files are read, whatever they are called", arguments: ["a.csv.gz", "a.csv.zst"])
  func packed(name: String) async throws {
    let content = name.hasSuffix("gz") ? Self.gzipped : Self.zstandard
    let source = try OneSource(["data/\(name)": .bytes(content)])
    try await source.load()
    #expect(try await source.rows() == Self.two)
  }

  @Test("a packed file with a line that is no record is read and the line kept")
  func packedWithDeadLetter() async throws {
    // Two members, as `cat a.gz b.gz` makes them: the second header has no number.
    let source = try OneSource(["data/a.csv.gz": .bytes(Self.gzipped + Self.gzipped)])
    let outcome = try await source.load()
    #expect(try await source.rows().count == 4)
    #expect(
      try await source.letters()
        == [Letter(line: 4, byteOffset: 20, reason: "not-of-type", column: "id", raw: "id,name")]
    )
    #expect(outcome.account?.isBalanced == true)
  }

  @Test("a packed file that stops in its middle is refused with file and byte", arguments: [0, 1])
  func truncated(which: Int) async throws {
    let content = which == 0 ? Self.gzipped : Self.zstandard
    let path = which == 0 ? "data/a.csv.gz" : "data/a.csv.zst"
    let source = try OneSource([path: .bytes(Array(content.dropLast(5)))])
    let error = try await source.failure()
    #expect(error.code == "source.truncated-compressed")
    #expect(error.errorClass == .data)
    #expect("\(error)".hasPrefix("\(path) ends at byte \(content.count - 5), "), "\(error)")
    // The whole file, fetched again, loads.
    try source.sandbox.write(path, .bytes(content))
    try await source.load()
    #expect(try await source.rows() == Self.two)
  }

  @Test("one bad file of several publishes none of them")
  func oneOfSeveral() async throws {
    let source = try OneSource(
      [
        "data/a.csv": .text(Self.text),
        "data/b.csv": .bytes(Array("id,name\n3,\u{E9}".utf8) + [0xFF]),
      ],
      pattern: "data/*.csv"
    )
    let error = try await source.failure()
    #expect(error.code == "source.not-utf8")
    #expect("\(error)".hasPrefix("data/b.csv is not UTF-8 at byte 12 of its text, in line 2"))
    try source.sandbox.write("data/b.csv", "id,name\n3,three\n")
    try await source.load()
    #expect(try await source.rows().count == 3)
  }

  @Test("text that is not UTF-8 is refused with file, byte and line")
  func notUTF8() async throws {
    let latin1 = Array("id,name\n1,M".utf8) + [0xFC] + Array("ller\n".utf8)
    let error = try await OneSource(["data/a.csv": .bytes(latin1)]).failure()
    #expect(error.code == "source.not-utf8")
    #expect("\(error)".hasPrefix("data/a.csv is not UTF-8 at byte 11 of its text, in line 2"))
  }

  @Test("a missing file is named as the definition spells it")
  func missing() async throws {
    let error = try await OneSource([:], pattern: "data/a.csv").failure()
    #expect(error.code == "source.not-found")
    #expect("\(error)".hasPrefix("there is no file data/a.csv: "), "\(error)")
  }

  @Test("a pattern that matches nothing is an error, in a folder that is there as in none")
  func noMatch() async throws {
    let error = try await OneSource([:], pattern: "data/*.csv").failure()
    #expect(error.code == "source.not-found")
    #expect("\(error)".hasPrefix("there is no file data: "), "\(error)")
    let source = try OneSource(["data/notes.txt": "hello"], pattern: "data/*.csv")
    let unmatched = try await source.failure()
    #expect(unmatched.code == "pipeline.no-files" && unmatched.errorClass == .outside)
    #expect("\(unmatched)".contains("data/*.csv"))
  }

  @Test(
    "an empty file is noted, and the source is usable when it is filled",
    arguments: [true, false]
  )
  func empty(isDeclared: Bool) async throws {
    let source = try OneSource(
      ["data/a.csv": "", "data/b.csv": "\n\n"],
      pattern: "data/*.csv",
      columns: isDeclared ? "{id: long, name: string}" : nil,
      more: "csv: {delimiter: ','}\n"
    )
    let outcome = try await source.load()
    #expect(outcome.notes == ["data/a.csv is empty", "data/b.csv is empty"])
    #expect(outcome.account == .load(load(files: 2, lines: 2, blank: 2)))
    try source.sandbox.write("data/c.csv", .text(Self.text))
    try await source.load()
    #expect(try await source.rows() == Self.two)
  }

  @Test("an empty file whose delimiter is to be found is noted as well")
  func emptyWithoutDelimiter() async throws {
    let source = try OneSource(["data/a.csv": ""], pattern: "data/*.csv", columns: nil)
    let outcome = try await source.load()
    #expect(outcome.notes == ["data/a.csv is empty"])
  }

  @Test("a file that has a header alone gives a table without rows", arguments: ["\n", ""])
  func headerOnly(end: String) async throws {
    let source = try OneSource(["data/a.csv": "id,name\(end)"])
    let outcome = try await source.load()
    #expect(outcome.account == .load(load(files: 1)))
    #expect(try await source.rows().isEmpty)
    #expect(try await source.sandbox.versions()["bronze.a"] == 0)
  }

  private func load(
    files: Int64,
    lines: Int64 = 0,
    bronze: Int64 = 0,
    deadLetters: Int64 = 0,
    blank: Int64 = 0
  ) -> RowAccount.Load {
    var load = RowAccount.Load()
    load.files = files
    load.lines = lines
    load.bronze = bronze
    load.deadLetters = deadLetters
    load.blank = blank
    return load
  }

  // MARK: Records

  @Test("a line of ten megabytes loads", arguments: ["csv", "jsonl"])
  func longLine(format: String) async throws {
    let long = String(repeating: "x", count: 10_000_000)
    let text =
      format == "csv"
      ? "id,name\n1,\(long)\n2,b\n" : "{\"id\":1,\"name\":\"\(long)\"}\n{\"id\":2,\"name\":\"b\"}\n"
    let source = try OneSource(
      ["data/a.\(format)": .text(text)],
      memory: "1GiB"
    )
    try await source.load()
    let rows = try await source.rows()
    #expect(rows.count == 2)
    #expect(rows.contains { $0["name"]?.text?.utf8.count == 10_000_000 })
  }

  @Test(
    "a line over max_record_bytes is a dead letter and the others load",
    arguments: ["csv", "jsonl"]
  )
  func tooLongLine(format: String) async throws {
    let long = String(repeating: "x", count: 5_000)
    let isCSV = format == "csv"
    let lines =
      isCSV
      ? ["1,a", "2,\(long)", "3,c"]
      : [
        #"{"id":1,"name":"a"}"#, "{\"id\":2,\"name\":\"\(long)\"}", #"{"id":3,"name":"c"}"#,
      ]
    let text = (isCSV ? "id,name\n" : "") + lines.joined(separator: "\n") + "\n"
    let source = try OneSource(
      ["data/a.\(format)": .text(text)],
      settings: "max_record_bytes: 4KiB\n"
    )
    try await source.load()
    #expect(try await source.rows() == [["id": 1, "name": "a"], ["id": 3, "name": "c"]])
    let letters = try await source.letters()
    #expect(letters.count == 1)
    #expect(letters.first?.reason == "too-long")
    #expect(letters.first?.line == (isCSV ? 3 : 2))
    #expect(letters.first?.byteOffset == (isCSV ? 12 : 20))
    #expect(letters.first.map { lines[1].hasPrefix($0.raw) && $0.raw.utf8.count == 4096 } == true)
  }

  @Test("records with too few or too many fields are dead letters with their exact text")
  func ragged() async throws {
    let source = try OneSource(["data/a.csv": "id,name\n1,a\n2\n3,c,x\n\n4,\"d\n5,e\n"])
    let outcome = try await source.load()
    #expect(try await source.rows() == [["id": 1, "name": "a"]])
    #expect(
      try await source.letters() == [
        Letter(line: 3, byteOffset: 12, reason: "too-few-fields", raw: "2"),
        Letter(line: 4, byteOffset: 14, reason: "too-many-fields", raw: "3,c,x"),
        Letter(line: 6, byteOffset: 21, reason: "unclosed-quote", raw: "4,\"d\n5,e\n"),
      ]
    )
    #expect(
      outcome.account == .load(load(files: 1, lines: 5, bronze: 1, deadLetters: 3, blank: 1))
    )
  }

  @Test(
    "line ends inside of quotes belong to the value, line ends outside do not",
    arguments: ["\n", "\r\n"]
  )
  func lineEnds(end: String) async throws {
    let text = ["id,name", "1,\"a\nb\"", "2,\"c \"\"d\"\", e\"", "3,f"].joined(separator: end)
    let source = try OneSource(["data/a.csv": .text(text + end)])
    try await source.load()
    #expect(
      try await source.rows() == [
        ["id": 1, "name": "a\nb"], ["id": 2, "name": "c \"d\", e"], ["id": 3, "name": "f"],
      ]
    )
  }

  @Test("the line of a dead letter counts the lines inside of quotes before it")
  func linesInQuotes() async throws {
    let source = try OneSource(["data/a.csv": "id,name\n1,\"a\nb\nc\"\nx,d\n2,e\n"])
    try await source.load()
    #expect(try await source.rows().count == 2)
    #expect(
      try await source.letters()
        == [Letter(line: 5, byteOffset: 18, reason: "not-of-type", column: "id", raw: "x,d")]
    )
  }

  @Test("a mark of byte order is no part of the first name")
  func byteOrderMark() async throws {
    let source = try OneSource(["data/a.csv": "\u{FEFF}id,name\n1,one\n2,two\nx,y\n"])
    try await source.load()
    #expect(try await source.rows() == Self.two)
    #expect(try await source.letters().map(\.raw) == ["x,y"])
  }

  @Test("more dead letters than max_dead_letters leave the file alone")
  func tooMany() async throws {
    let bad = (0..<11).map { "x\($0),a\n" }.joined()
    let source = try OneSource(
      ["data/a.csv": .text("id,name\n1,a\n\(bad)")],
      settings: "max_dead_letters: 10\n"
    )
    let error = try #require(try await source.failure() as? PipelineError)
    guard case .tooManyDeadLetters(_, let file, let count, let limit, let example) = error else {
      Issue.record("\(error)")
      return
    }
    #expect(file == "data/a.csv" && count == 11 && limit == 10)
    #expect(example.contains("id"), "\(example)")
    try source.sandbox.write("data/a.csv", .text("id,name\n1,a\n\(bad.dropLast(6))\n"))
    try await source.load()
    #expect(try await source.letters().count == 10)
  }

  @Test("ragged lines count towards max_dead_letters together with bad values")
  func tooManyTogether() async throws {
    let bad = (0..<6).map { "x\($0),a\n\($0)\n" }.joined()
    let source = try OneSource(
      ["data/a.csv": .text("id,name\n1,a\n\(bad)")],
      settings: "max_dead_letters: 10\n"
    )
    let error = try #require(try await source.failure() as? PipelineError)
    #expect(error.code == "pipeline.too-many-dead-letters")
  }

  // MARK: JSON

  @Test("JSON that is not what it should be is kept line by line")
  func json() async throws {
    let lines = [
      #"{"id":1,"name":"a"}"#, #"[1,2]"#, #"{"id":2,"name":{"first":"b","n":[1,2.5]}}"#,
      #"{"id":3,"name":"c","extra":{"k":1.10},"o\"dd":null}"#, #"{"id":"4","name":null}"#,
      #"{"id":5"#, #""text""#, #"{"name":"no id"}"#, "", #"{"id":"x","name":"f"}"#,
      #"{"id":6.0,"name":true}"#, #"{"id":6.5,"name":"g"}"#, "null",
    ]
    let source = try OneSource(["data/a.jsonl": .text(lines.joined(separator: "\n") + "\n")])
    let outcome = try await source.load()
    let rows = try await source.rows()
    #expect(
      rows
        == ProjectSandbox.sorted([
          ["id": 1, "name": "a"], ["id": 2, "name": #"{"first":"b","n":[1,2.5]}"#],
          ["id": 3, "name": "c"], ["id": 4, "name": nil], ["id": nil, "name": "no id"],
          ["id": 6, "name": "true"],
        ])
    )
    let rescued = try await source.sandbox.rows("bronze.a").compactMap { $0["_rescued"]?.text }
    #expect(rescued.count == 1)
    let object = try JSONValue(parsing: rescued.first ?? "null")
    #expect(object["extra"]?["k"]?.double == 1.1, "\(rescued)")
    #expect(object["o\"dd"]?.isNull == true, "\(rescued)")
    let letters = try await source.letters()
    #expect(letters.map(\.line) == [2, 6, 7, 10, 12, 13])
    #expect(letters.map(\.raw) == [1, 5, 6, 9, 11, 12].map { lines[$0] })
    #expect(
      letters.map(\.reason) == [
        "not-an-object", "not-an-object", "not-an-object", "not-of-type", "not-of-type",
        "not-an-object",
      ]
    )
    #expect(letters.map(\.column) == [nil, nil, nil, "id", "id", nil])
    #expect(
      outcome.account == .load(load(files: 1, lines: 13, bronze: 6, deadLetters: 6, blank: 1))
    )
  }

  @Test(
    "numbers in JSON keep all of their digits",
    arguments: [
      ("decimal(38,0)", "123456789012345678901234567890", "123456789012345678901234567890"),
      ("decimal(12,2)", "1.10", "1.10"), ("long", "9223372036854775807", "9223372036854775807"),
      ("decimal(20,2)", "12345678901234567.89", "12345678901234567.89"), ("double", "0.1", "0.1"),
    ]
  )
  func jsonDigits(type: String, number: String, expected: String) async throws {
    let found = try await jsonColumn(type: type, number: number)
    #expect(found == [expected, expected])
  }

  @Test(
    "numbers in JSON that are loaded as text keep all of their digits",
    arguments: ["1.10", "0.12345678901234567890"]
  )
  func jsonFraction(number: String) async throws {
    let found = try await jsonColumn(type: "string", number: number)
    #expect(found == [number, number])
  }

  /// What becomes of a number in JSON, once as such and once as text.
  private func jsonColumn(type: String, number: String) async throws -> [String] {
    let source = try OneSource(
      ["data/a.jsonl": .text("{\"id\":1,\"v\":\(number)}\n{\"id\":2,\"v\":\"\(number)\"}\n")],
      columns: "{id: long, v: '\(type)'}"
    )
    try await source.load()
    return try await source.sandbox.column("v", of: "bronze.a")
  }

  @Test("a value whose type changes half-way is a dead letter, not a new type for all")
  func typeChanges() async throws {
    let lines = (1...400).map { #"{"id":\#($0),"name":"n"}"# } + [#"{"id":"late","name":"n"}"#]
    let source = try OneSource(["data/a.jsonl": .text(lines.joined(separator: "\n"))])
    try await source.load()
    #expect(try await source.rows().count == 400)
    #expect(try await source.letters().map(\.line) == [401])
  }

  @Test("of a repeated key one value is loaded and no other line is touched")
  func repeatedKey() async throws {
    let source = try OneSource(["data/a.jsonl": #"{"id":1,"id":2,"name":"a"}"#])
    try await source.load()
    let rows = try await source.rows()
    #expect(rows.count == 1)
    #expect(rows.first?["name"] == "a")
  }

  @Test("keys of JSON lines with odd names are found and loaded when nothing is declared")
  func undeclaredJSON() async throws {
    let source = try OneSource(
      ["data/a.jsonl": #"{"id":1,"unit price":2.5,"a/b~c":"x","_source":"s"}"#],
      columns: nil
    )
    let outcome = try await source.load()
    #expect(outcome.notes == [])
    #expect(
      try await source.rows()
        == [["id": 1, "unit_price": 2.5, "a/b~c": "x", "_source_2": "s"]]
    )
  }

  @Test("a second file of JSON lines is loaded when nothing is declared, its new keys rescued")
  func undeclaredJSONTwice() async throws {
    let source = try OneSource(
      [
        "data/a.jsonl": #"{"id":1,"unit price":2.5}"#,
        "data/b.jsonl": #"{"unit price":3.5,"id":2,"more":[1]}"#,
        "data/c.jsonl": #"{"id":3}"#,
      ],
      pattern: "data/*.jsonl",
      columns: nil
    )
    try await source.load()
    let rows = try await source.rows()
    #expect(
      rows == [
        ["id": 1, "unit_price": 2.5], ["id": 2, "unit_price": 3.5], ["id": 3, "unit_price": nil],
      ]
    )
    let rescued = try await source.sandbox.rows("bronze.a").compactMap { $0["_rescued"]?.text }
    #expect(rescued == [#"{"more":[1]}"#])
  }

  // MARK: Values

  @Test(
    "a value that its type cannot hold exactly is a dead letter, never rounded",
    arguments: [
      ("long", "2.5"), ("long", "1e-1"), ("long", "2.00000000001"), ("long", "abc"),
      ("long", "9223372036854775808"), ("long", "-9223372036854775809"), ("integer", "2147483648"),
      ("short", "32768"), ("byte", "-129"), ("decimal(10,2)", "1.239"), ("decimal(10,2)", "1e-3"),
      ("decimal(12,6)", "1e-9"), ("decimal(12,6)", "1.5e-8"), ("decimal(10,2)", "123456789.00"),
      ("decimal(10,2)", "1.00000000000000001"), ("decimal(10,2)", "1e-30"),
      ("date", "2025-02-29"), ("date", "29.02.2024"), ("timestamp", "2025-13-01 00:00:00"),
      ("timestamp", "noon"), ("boolean", "maybe"), ("double", "1,5x"),
    ]
  )
  func refused(type: String, value: String) async throws {
    let source = try OneSource(
      ["data/a.csv": .text("id,v\n1,\"\(value)\"\n2,\n")],
      columns: "{id: long, v: '\(type)'}"
    )
    try await source.load()
    #expect(try await source.rows() == [["id": 2, "v": nil]])
    #expect(
      try await source.letters() == [
        Letter(line: 2, byteOffset: 5, reason: "not-of-type", column: "v", raw: "1,\"\(value)\"")
      ]
    )
  }

  @Test(
    "a value that its type holds exactly is loaded, however it is written",
    arguments: [
      ("long", "2.0", "2"), ("long", "1e3", "1000"),
      ("long", "-9223372036854775808", "-9223372036854775808"),
      ("long", "9223372036854775807.0", "9223372036854775807"), ("byte", "-128", "-128"),
      ("decimal(10,2)", "1.2", "1.20"), ("decimal(10,2)", "1.2300", "1.23"),
      ("decimal(10,2)", "1.5e1", "15.00"), ("decimal(10,2)", "-0.05", "-0.05"),
      (
        "decimal(38,0)", "99999999999999999999999999999999999999",
        "99999999999999999999999999999999999999"
      ),
      ("double", "NaN", "null"), ("double", "nan", "null"), ("double", "1e-3", "0.001"),
      ("float", "NaN", "null"), ("boolean", "true", "true"), ("date", "2024-02-29", "2024-02-29"),
      ("timestamp", "2025-01-01 12:00:00.123456", "2025-01-01 12:00:00.123456+00"),
      ("timestamp", "2025-01-01T12:00:00+02:00", "2025-01-01 10:00:00+00"),
      ("timestamp", "2025-01-01T12:00:00Z", "2025-01-01 12:00:00+00"),
      ("string", "  x ", "  x "), ("string", "NULL", "NULL"), ("string", "NA", "NA"),
    ]
  )
  func loaded(type: String, value: String, expected: String) async throws {
    let source = try OneSource(
      ["data/a.csv": .text("id,v\n1,\(value)\n")],
      columns: "{id: long, v: '\(type)'}"
    )
    try await source.load()
    #expect(try await source.sandbox.column("v", of: "bronze.a") == [expected])
    #expect(try await source.sandbox.versions()["dead_letters.a"] == nil)
  }

  @Test("text that means null is null in every type")
  func nulls() async throws {
    let source = try OneSource(
      ["data/a.csv": "id,name\n-999,-999\n1,\nNA,x\n"],
      more: "nulls: ['-999', 'NA']\n"
    )
    try await source.load()
    #expect(
      try await source.rows()
        == ProjectSandbox.sorted([
          ["id": nil, "name": nil], ["id": 1, "name": ""], ["id": nil, "name": "x"],
        ])
    )
  }
}
