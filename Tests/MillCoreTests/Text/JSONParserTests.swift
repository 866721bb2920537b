// SPDX-License-Identifier: Apache-2.0

import MillCore
import Testing

@Suite("Reading JSON")
struct JSONParserTests {
  @Test(
    "malformed text is refused at the byte that does not fit",
    arguments: [
      ("", 0, .unexpectedEnd), ("  ", 2, .unexpectedEnd), ("[1,", 3, .unexpectedEnd),
      ("{\"a\"", 4, .unexpectedEnd), ("\"ab", 3, .unexpectedEnd), ("tru", 3, .unexpectedEnd),
      ("-", 1, .unexpectedEnd), ("1.", 2, .unexpectedEnd), ("1e", 2, .unexpectedEnd),
      ("\"\\", 2, .unexpectedEnd), ("\"\\u12", 5, .unexpectedEnd), ("[", 1, .unexpectedEnd),
      ("[1 2]", 3, .unexpectedByte), ("[,1]", 1, .unexpectedByte), ("[1,]", 3, .unexpectedByte),
      ("{a:1}", 1, .unexpectedByte), ("{\"a\" 1}", 5, .unexpectedByte),
      ("{\"a\":1,}", 7, .unexpectedByte), ("'a'", 0, .unexpectedByte),
      ("NaN", 0, .unexpectedByte), ("nul1", 3, .unexpectedByte), ("+1", 0, .unexpectedByte),
      (".5", 0, .unexpectedByte), ("[1}", 2, .unexpectedByte), ("\u{FEFF}1", 0, .unexpectedByte),
      ("\u{A0}1", 0, .unexpectedByte), ("[1/*x*/]", 2, .unexpectedByte),
      ("01", 1, .invalidNumber), ("-x", 1, .invalidNumber), ("1.e5", 2, .invalidNumber),
      ("[1e+]", 4, .invalidNumber), ("-01", 2, .invalidNumber),
      ("\"a\\x\"", 2, .invalidEscape), ("\"\\u12G4\"", 1, .invalidEscape),
      ("\"a\nb\"", 2, .controlCharacter), ("\"\u{0}\"", 1, .controlCharacter),
      ("1 2", 2, .trailingContent), ("{}]", 2, .trailingContent), ("null,", 4, .trailingContent),
      ("0x1", 1, .trailingContent),
    ] as [(String, Int, JSONError.Reason)]
  )
  func malformed(text: String, offset: Int, reason: JSONError.Reason) {
    #expect(throws: JSONError(offset: offset, reason: reason)) {
      try JSONValue(parsing: text)
    }
  }

  @Test(
    "half of a surrogate pair is refused",
    arguments: [
      (#""\uD800""#, 1), (#""a\uDC00""#, 2), (#""\uD800\uD800""#, 1), (#""\uD83Dx""#, 1),
      (#""\uD83D\n""#, 1), (#""\uDE00\uD83D""#, 1), (#""\uD800\u0041""#, 1),
    ]
  )
  func loneSurrogates(text: String, offset: Int) {
    #expect(throws: JSONError(offset: offset, reason: .loneSurrogate)) {
      try JSONValue(parsing: text)
    }
  }

  @Test(
    "escapes become the characters they stand for",
    arguments: [
      (#""\uD83D\uDE00""#, "\u{1F600}"), (#""\ud800\udc00""#, "\u{10000}"),
      (#""\uDBFF\uDFFF""#, "\u{10FFFF}"), (#""\u0000""#, "\u{0}"), (#""\uFFFF""#, "\u{FFFF}"),
      (#""\uD7FF\uE000""#, "\u{D7FF}\u{E000}"),
      (#""x\"\\\/\b\f\n\r\ty""#, "x\"\\/\u{8}\u{C}\n\r\ty"),
      (#""é\u00e9""#, "éé"),
    ]
  )
  func escapes(text: String, expected: String) throws {
    #expect(try JSONValue(parsing: text) == .string(expected))
  }

  @Test(
    "bytes that are not UTF-8 are refused, wherever they stand",
    arguments: [
      ([0x22, 0xFF, 0x22], 1), ([0x22, 0xC0, 0x80, 0x22], 1), ([0x22, 0xED, 0xA0, 0x80, 0x22], 1),
      ([0x31, 0xE2, 0x82], 1), ([0x22, 0xF4, 0x90, 0x80, 0x80, 0x22], 1),
    ] as [([UInt8], Int)]
  )
  func invalidUTF8(bytes: [UInt8], offset: Int) {
    #expect(throws: JSONError(offset: offset, reason: .invalidUTF8)) {
      try JSONValue(parsing: bytes)
    }
  }

  @Test("nesting is allowed up to the bound and refused beyond it", arguments: ["[", "{\"a\":"])
  func nesting(opening: String) throws {
    let closing = opening == "[" ? "]" : "}"
    func text(_ depth: Int) -> String {
      String(repeating: opening, count: depth) + "1" + String(repeating: closing, count: depth)
    }
    #expect(try JSONValue(parsing: text(512)).serialized() == text(512))
    #expect(throws: JSONError(offset: 512 * opening.utf8.count, reason: .tooDeep(depthMax: 512))) {
      try JSONValue(parsing: text(513))
    }
    #expect(throws: JSONError.self) { try JSONValue(parsing: text(1_000_000)) }
  }

  @Test("siblings do not count as depth")
  func siblings() throws {
    let text = "[" + Array(repeating: "[[]]", count: 1000).joined(separator: ",") + "]"
    #expect(try JSONValue(parsing: text, depthMax: 3).array?.count == 1000)
  }

  @Test("white space may stand around everything")
  func whiteSpace() throws {
    let value = try JSONValue(parsing: " \t\r\n{ \"a\" : [ 1 , true , null ] , \"b\" : { } } \n")
    #expect(value == ["a": [1, true, nil], "b": [:]])
  }

  @Test("a slice of bytes counts its offsets from its own beginning")
  func slices() throws {
    let bytes = Array("xx[1,2]xx".utf8)
    #expect(try JSONValue(parsing: bytes[2..<7]) == [1, 2])
    #expect(throws: JSONError(offset: 5, reason: .trailingContent)) {
      try JSONValue(parsing: bytes[2...])
    }
  }

  @Test("a damaged text is read or refused, never a crash", arguments: 0..<20 as Range<UInt64>)
  func damage(seed: UInt64) {
    let random = SeededRandom(seed: seed)
    let good = Array(#"{"a":[1,-2.5e+3,"\uD83D\uDE00é\n",null],"b":{"c":true,"d":[[]]}}"#.utf8)
    for _ in 0..<200 {
      var bytes = good
      for _ in 0...(random.next() % 3) {
        bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random.next())
      }
      bytes.removeLast(Int(random.next() % 4))
      if let value = try? JSONValue(parsing: bytes) {
        #expect((try? JSONValue(parsing: value.bytes)) == value)
      }
    }
  }

  @Test("an error has the place and the reason but not the content")
  func description() {
    let error = #expect(throws: JSONError.self) { try JSONValue(parsing: #"{"secret": x}"#) }
    #expect(error?.code == "json.malformed")
    #expect(error?.errorClass == .data)
    #expect(error?.isRetryable == false)
    #expect(error?.description == "not JSON at byte 11: this byte cannot stand here")
  }
}
