// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillTesting
import Testing

@Suite("JSON piece by piece")
struct JSONPiecesTests {
  private static let texts = [
    #"{"features":["a:b","c:d"],"entities":{"k":[1,-2.5e3,null,"x\u00e9\ud83d\ude00\n"]},"f":true}"#,
    #" [ ] "#, #"{}"#, #"{"":{"":[[[]]]},"a":false}"#, #"["\"\\\/\b\f\n\r\t\u0000"]"#, #"-0.0e-0"#,
    #"[0,-0,1E+5,1e5,0.5,123456789012345678901234567890]"#, #""lone""#, #"null"#, "[\t1\r\n,\n2 ]",
    #"{"a":1,"a":2,"b":[{"c":null}]}"#, #""é\u0065\u0301🦀""#,
  ]

  /// What the parser says of a whole text when it is walked over.
  private static func walk(_ bytes: Span<UInt8>, depthMax: Int) throws -> [String] {
    _ = try UTF8Span(validating: bytes)
    var parser = JSONParser(depthMax: depthMax)
    var strings: [String] = []
    try walk(bytes, &parser, &strings)
    try parser.end(bytes)
    return strings
  }

  private static func walk(
    _ bytes: Span<UInt8>,
    _ parser: inout JSONParser,
    _ strings: inout [String]
  ) throws {
    switch try parser.beginning(bytes) {
    case .array:
      try parser.enter()
      var isFirst = true
      while try parser.nextElement(bytes, &isFirst) { try walk(bytes, &parser, &strings) }
    case .object:
      try parser.enter()
      var isFirst = true
      while let key = try parser.nextKey(bytes, &isFirst) {
        strings.append(key)
        try walk(bytes, &parser, &strings)
      }
    case .string:
      var copy = parser
      let whole = try copy.string(bytes)
      if let range = try parser.stringRange(bytes) {
        let piece = bytes.extracting(range).withUnsafeBufferPointer {
          String(decoding: $0, as: UTF8.self)
        }
        #expect(piece.utf8.elementsEqual(whole.utf8))
      }
      #expect(parser.offset == copy.offset)
      strings.append(whole)
    case .number: try parser.number(bytes)
    case .boolean, .null: _ = try parser.value(bytes)
    }
  }

  /// Keys and texts in the order in which they are written.
  private static func strings(_ value: JSONValue) -> [String] {
    switch value {
    case .string(let text): [text]
    case .array(let values): values.flatMap(strings)
    case .object(let object): object.flatMap { [$0.0] + strings($0.1) }
    default: []
    }
  }

  private static func mutants(of text: String) -> [[UInt8]] {
    let bytes = Array(text.utf8)
    var mutants = bytes.indices.map { Array(bytes[..<$0]) }
    let others: [UInt8] = Array(#"{}[],:"\0u1.e-tn "#.utf8) + [0, 0x1F, 0x80, 0xC3, 0xFF]
    for place in bytes.indices {
      var less = bytes
      less.remove(at: place)
      mutants.append(less)
      for other in others {
        var changed = bytes
        changed[place] = other
        mutants.append(changed)
        mutants.append(Array(bytes[..<place]) + [other] + bytes[place...])
      }
    }
    return mutants
  }

  @Test("takes exactly the texts that are read whole, with the same strings", arguments: texts)
  func same(text: String) throws {
    #expect((try? JSONValue(parsing: text, depthMax: 8)) != nil)
    for bytes in Self.mutants(of: text) + [Array(text.utf8)] {
      let whole = try? JSONValue(parsing: bytes, depthMax: 8)
      let pieces = try? Self.walk(bytes.span, depthMax: 8)
      var parser = JSONParser(depthMax: 8)
      let isSkipped: Bool
      do {
        _ = try UTF8Span(validating: bytes.span)
        try parser.skip(bytes.span)
        try parser.end(bytes.span)
        isSkipped = true
      } catch {
        isSkipped = false
      }
      let shown = String(decoding: bytes, as: UTF8.self)
      #expect((whole != nil) == (pieces != nil), "\(shown)")
      #expect((whole != nil) == isSkipped, "\(shown)")
      // Of keys that are given twice, the whole keeps one.
      if let whole, let pieces, Set(pieces).count == pieces.count {
        #expect(Self.strings(whole) == pieces, "\(shown)")
      }
    }
  }

  @Test("goes as deep as it is told, and no deeper")
  func depth() {
    for depth in [7, 8, 9, 100_000] {
      let text = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
      var parser = JSONParser(depthMax: 8)
      let bytes = Array(text.utf8)
      #expect(((try? parser.skip(bytes.span)) != nil) == (depth <= 8))
      #expect(((try? JSONValue(parsing: bytes, depthMax: 8)) != nil) == (depth <= 8))
    }
  }
}
