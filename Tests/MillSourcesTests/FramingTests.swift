// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillSources
import Testing

struct FramingCase: Sendable, CustomTestStringConvertible {
  var name: String
  var text: String
  var records: Int64
  var blank: Int64 = 0
  var irregular: [Irregular] = []
  var header: [String]?
  var longest: Int64?

  /// Line, lines covered, offset, length, reason.
  struct Irregular: Sendable, Equatable {
    var line: Int64
    var lines: Int64 = 1
    var offset: Int64
    var bytes: String
    var reason: IrregularReason
  }

  var testDescription: String { name }
}

private let ab = ["a", "b"]

private let csvCases: [FramingCase] = [
  FramingCase(name: "empty", text: "", records: 0),
  FramingCase(name: "only a byte order mark", text: "\u{FEFF}", records: 0),
  FramingCase(name: "only blank lines", text: "\n\r\n\n", records: 0, blank: 3),
  FramingCase(name: "header alone", text: "a,b\n", records: 0, header: ab),
  FramingCase(name: "header without newline", text: "a,b", records: 0, header: ab),
  FramingCase(name: "plain", text: "a,b\n1,2\n3,4\n", records: 2, header: ab, longest: 3),
  FramingCase(name: "no final newline", text: "a,b\n1,2\n3,4", records: 2, header: ab),
  FramingCase(
    name: "CRLF",
    text: "a,b\r\n1,2\r\n\r\n3,4\r\n",
    records: 2,
    blank: 1,
    header: ab,
    longest: 3
  ),
  FramingCase(name: "CR at the end of the file", text: "a,b\r\n1,2\r", records: 1, header: ab),
  FramingCase(
    name: "CR alone is blank at the end",
    text: "a,b\n\r",
    records: 0,
    blank: 1,
    header: ab
  ),
  FramingCase(name: "quoted then CR at the end", text: "a,b\n1,\"2\"\r", records: 1, header: ab),
  FramingCase(name: "lone CR is data", text: "a,b\n1\r,2\n\r3,4\n", records: 2, header: ab),
  FramingCase(name: "byte order mark", text: "\u{FEFF}a,b\n1,2\n", records: 1, header: ab),
  FramingCase(
    name: "quoted header after a mark",
    text: "\u{FEFF}\"a\",b\n1,2\n",
    records: 1,
    header: ab
  ),
  FramingCase(
    name: "blank lines before the header",
    text: "\n\na,b\n1,2\n",
    records: 1,
    blank: 2,
    header: ab
  ),
  FramingCase(
    name: "blank lines between",
    text: "a,b\n\n1,2\n\r\n3,4\n\n",
    records: 2,
    blank: 3,
    header: ab
  ),
  FramingCase(name: "white space is a record", text: "a\n \n", records: 1, header: ["a"]),
  FramingCase(
    name: "empty quotes are a record",
    text: "a\n\"\"\n",
    records: 1,
    header: ["a"],
    longest: 2
  ),
  FramingCase(name: "empty fields", text: "a,b\n,\n", records: 1, header: ab, longest: 1),
  FramingCase(
    name: "quotes hide delimiter and newline",
    text: "a,b\n\"1,1\",\"2\n2\r\n\n2\"\n3,4\n",
    records: 2,
    header: ab,
    longest: 15
  ),
  FramingCase(
    name: "doubled quotes",
    text: "a,b\n\"x\"\"y\",\"\"\"\"\n1,2\n",
    records: 2,
    header: ab
  ),
  FramingCase(
    name: "quote inside a bare field",
    text: "a,b\n5\" disk,x\"y\"\n1,2\n",
    records: 2,
    header: ab
  ),
  FramingCase(
    name: "space before a quote is a bare field",
    text: "a,b\n \"x,y\"\n",
    records: 1,
    header: ab
  ),
  FramingCase(
    name: "quoted header",
    text: "\"a,1\",\"b\"\"2\n\"\r\n1,2\n",
    records: 1,
    header: ["a,1", "b\"2\n"]
  ),
  FramingCase(
    name: "ragged",
    text: "a,b\n1\n1,2\n1,2,3\n",
    records: 3,
    irregular: [
      .init(line: 2, offset: 4, bytes: "1", reason: .tooFewFields(expected: 2, found: 1)),
      .init(line: 4, offset: 10, bytes: "1,2,3", reason: .tooManyFields(expected: 2, found: 3)),
    ],
    header: ab
  ),
  FramingCase(
    name: "ragged last line without newline, CRLF",
    text: "a,b\r\n1,2\r\n1,2,3",
    records: 2,
    irregular: [
      .init(line: 3, offset: 10, bytes: "1,2,3", reason: .tooManyFields(expected: 2, found: 3))
    ],
    header: ab
  ),
  FramingCase(
    name: "unclosed quote takes the rest",
    text: "a,b\n1,2\n3,\"4\n5,6\n",
    records: 2,
    irregular: [
      .init(line: 3, lines: 2, offset: 8, bytes: "3,\"4\n5,6\n", reason: .unclosedQuote)
    ],
    header: ab
  ),
  FramingCase(
    name: "text after a closing quote",
    text: "a,b\n\"1\" ,2\n\"1\"\r,2\n1,2\n",
    records: 3,
    irregular: [
      .init(line: 2, offset: 4, bytes: "\"1\" ,2", reason: .textAfterClosingQuote),
      .init(line: 3, offset: 11, bytes: "\"1\"\r,2", reason: .textAfterClosingQuote),
    ],
    header: ab
  ),
  FramingCase(
    name: "lines count through quoted newlines",
    text: "a,b\n\"1\n1\",2\n\"x\ny\",\n\"p\nq\"\n",
    records: 3,
    irregular: [
      .init(
        line: 6,
        lines: 2,
        offset: 19,
        bytes: "\"p\nq\"",
        reason: .tooFewFields(expected: 2, found: 1)
      )
    ],
    header: ab
  ),
]

@Suite("Framing")
struct FramingTests {
  @Test("CSV is cut the same way whatever the chunks", arguments: csvCases)
  func csv(_ example: FramingCase) throws {
    let scratch = try Scratch()
    let path = try scratch.file("x.csv", example.text)
    for size in chunkSizes {
      let found = try scan(path: path, options: ScanOptions(format: .csv), chunkBytes: size)
      #expect(found.records == example.records, "chunks of \(size)")
      #expect(found.blankLines == example.blank, "chunks of \(size)")
      #expect(found.headerFields == example.header, "chunks of \(size)")
      #expect(found.irregularCount == Int64(example.irregular.count), "chunks of \(size)")
      #expect(found.hasByteOrderMark == example.text.utf8.starts(with: [0xEF, 0xBB, 0xBF]))
      #expect(found.decompressedBytes == Int64(example.text.utf8.count))
      if let longest = example.longest { #expect(found.longestRecordBytes == longest) }
      let irregular = found.irregular.map {
        FramingCase.Irregular(
          line: $0.line,
          lines: $0.lineCount,
          offset: $0.byteOffset,
          bytes: text($0.bytes),
          reason: $0.reason
        )
      }
      #expect(irregular == example.irregular, "chunks of \(size)")
      #expect(found.irregular.allSatisfy { !$0.isTruncated })
      let all = Array(example.text.utf8)
      for record in found.irregular {
        let start = Int(record.byteOffset)
        #expect(Array(all[start..<(start + Int(record.length))]) == record.bytes)
      }
    }
  }

  @Test(
    "JSON lines: white space alone is blank",
    arguments: [
      ("", 0, 0), ("{}\n", 1, 0), ("{}", 1, 0), ("{}\r\n\r\n \t\n{}\n", 2, 2),
      ("\u{FEFF}{}\n", 1, 0),
      ("  {\"a\": 1}  \n\n\n[]", 2, 2), ("   ", 0, 1), ("\n\n", 0, 2), ("\u{FEFF}", 0, 0),
    ]
  )
  func jsonLines(_ example: (String, Int64, Int64)) throws {
    let scratch = try Scratch()
    let path = try scratch.file("x.jsonl", example.0)
    for size in chunkSizes {
      let found = try scan(path: path, options: ScanOptions(format: .jsonLines), chunkBytes: size)
      #expect(found.records == example.1, "chunks of \(size)")
      #expect(found.blankLines == example.2, "chunks of \(size)")
      #expect(found.physicalLines == example.1 + example.2)
      #expect(found.headerFields == nil)
    }
  }

  @Test("too long a JSON line is irregular and found again by its offset")
  func longJSON() throws {
    let scratch = try Scratch()
    let path = try scratch.file("x.jsonl", "{}\n\n[1,2,3,4,5]\r\n[1,2,3,4]\r\n")
    for size in chunkSizes {
      let options = ScanOptions(format: .jsonLines, maximumRecordBytes: 9)
      let found = try scan(path: path, options: options, chunkBytes: size)
      #expect(found.records == 3)
      #expect(
        found.irregular == [
          IrregularRecord(
            line: 3,
            lineCount: 1,
            byteOffset: 4,
            length: 11,
            reason: .tooLong(limit: 9),
            bytes: Array("[1,2,3,4,5]".utf8)
          )
        ]
      )
    }
  }

  @Test("the header is found below blank lines, and says where")
  func headerLine() throws {
    let scratch = try Scratch()
    let path = try scratch.file("x.csv", "\n\r\na,b\n1,2\n")
    #expect(try scan(path: path, options: ScanOptions(format: .csv)).headerLine == 3)
  }

  @Test("other delimiters and quotes are obeyed")
  func dialect() throws {
    let scratch = try Scratch()
    let path = try scratch.file("x.csv", "1|'2|2'|3\n1|\"2|3\n")
    let format = SourceFormat.csv(
      delimiter: UInt8(ascii: "|"),
      quote: UInt8(ascii: "'"),
      hasHeader: false
    )
    let found = try scan(path: path, options: ScanOptions(format: format))
    #expect(found.records == 2)
    #expect(found.irregularCount == 0)
    #expect(found.headerFields == nil)
  }

  @Test("without a header the first record, or the caller, says how many fields are right")
  func expectedFields() throws {
    let scratch = try Scratch()
    let path = try scratch.file("x.csv", "1,2\n1,2,3\n1,2\n")
    let format = SourceFormat.csv(
      delimiter: UInt8(ascii: ","),
      quote: UInt8(ascii: "\""),
      hasHeader: false
    )
    #expect(try scan(path: path, options: ScanOptions(format: format)).irregular.map(\.line) == [2])
    let three = ScanOptions(format: format, expectedFields: 3)
    #expect(try scan(path: path, options: three).irregular.map(\.line) == [1, 3])
  }

  @Test("what is kept of irregular records is bounded, what is counted is not")
  func bounds() throws {
    let scratch = try Scratch()
    let long = String(repeating: "x", count: 1000)
    let path = try scratch.file("x.csv", "a,b\n" + String(repeating: long + "\n", count: 50))
    let options = ScanOptions(
      format: .csv,
      keptIrregularRecords: 10,
      keptBytesPerRecord: 300,
      keptBytes: 1000
    )
    for size in chunkSizes {
      let found = try scan(path: path, options: options, chunkBytes: size)
      #expect(found.irregularCount == 50)
      #expect(found.irregular.count == 10)
      #expect(found.irregular.map(\.bytes.count) == [300, 300, 300, 100, 0, 0, 0, 0, 0, 0])
      #expect(found.irregular.allSatisfy { $0.isTruncated && $0.length == 1000 })
      #expect(found.irregular[9].byteOffset == 4 + 9 * 1001)
    }
  }

  @Test("a line of 10 MB is a record, and irregular only above the limit")
  func tenMegabytes() throws {
    let scratch = try Scratch()
    let long = [UInt8](repeating: UInt8(ascii: "x"), count: 10_000_000)
    let bytes = Array("a,b\n1,".utf8) + long + Array("\n3,4\n".utf8)
    let path = try scratch.file("x.csv", bytes)
    let found = try scan(path: path, options: ScanOptions(format: .csv))
    #expect(found.records == 2)
    #expect(found.longestRecordBytes == 10_000_002)
    #expect(found.irregularCount == 0)
    let bounded = ScanOptions(format: .csv, maximumRecordBytes: 1 << 20)
    let strict = try scan(path: path, options: bounded)
    #expect(strict.irregular.map(\.reason) == [.tooLong(limit: 1 << 20)])
    #expect(strict.irregular.map(\.bytes.count) == [64 << 10])
    #expect(strict.irregular.map(\.length) == [10_000_002])
  }

  @Test(
    "a header that names nothing or cannot be read is refused",
    arguments: [
      (",,\n1,2,3\n", "source.empty-header"), ("\"\"\n1\n", "source.empty-header"),
      ("a,\"b\n1,2\n", "source.broken-header"), ("\"a\"x,b\n", "source.broken-header"),
      ("a,b\r1,2\r3,4\r", "source.carriage-return-lines"),
    ]
  )
  func headers(_ example: (String, String)) throws {
    let scratch = try Scratch()
    let path = try scratch.file("x.csv", example.0)
    for size in chunkSizes {
      let error = sourceError {
        try scan(path: path, options: ScanOptions(format: .csv), chunkBytes: size)
      }
      #expect(error?.code == example.1)
      #expect(error?.errorClass == .data)
      #expect(error?.description.contains(path) == true)
    }
  }

  @Test(
    "a delimiter that is the quote, a line end or not ASCII is refused",
    arguments: [34, 10, 200]
  )
  func unusable(delimiter: UInt8) throws {
    let scratch = try Scratch()
    let path = try scratch.file("x.csv", "a\n")
    let format = SourceFormat.csv(delimiter: delimiter, quote: 34, hasHeader: true)
    let error = sourceError { try scan(path: path, options: ScanOptions(format: format)) }
    #expect(error?.code == "source.unusable-format")
    #expect(error?.errorClass == .definition)
  }
}
