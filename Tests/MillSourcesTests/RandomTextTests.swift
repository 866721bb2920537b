// SPDX-License-Identifier: Apache-2.0

import MillSources
import Testing

/// What a byte-by-byte reading says, written as plainly as possible.
private struct Oracle {
  var records = 0
  var blank = 0
  /// Offset, length, reason.
  var irregular: [(Int, Int, IrregularReason)] = []
  /// The text without its irregular records.
  var clean: [UInt8] = []

  init(_ text: [UInt8], expected: Int) {
    let comma = UInt8(ascii: ",")
    let quote = UInt8(ascii: "\"")
    var isHeader = true
    var start = 0
    while start < text.count {
      var index = start
      var fields = 1
      var isQuoted = false
      var isFieldStart = true
      var reason: IrregularReason?
      var end: Int?
      while index < text.count, end == nil {
        let byte = text[index]
        let next = index + 1 < text.count ? text[index + 1] : nil
        if isQuoted {
          if byte == quote, next == quote {
            index += 1
          } else if byte == quote {
            isQuoted = false
            let afterNext = index + 2 < text.count ? text[index + 2] : nil
            let endsLine = next == 0x0D && (afterNext == 0x0A || afterNext == nil)
            if next != nil, next != comma, next != 0x0A, !endsLine {
              reason = .textAfterClosingQuote
            }
          }
        } else if byte == 0x0A {
          end = index
        } else if byte == comma {
          fields += 1
          isFieldStart = true
          index += 1
          continue
        } else if byte == quote, isFieldStart {
          isQuoted = true
        }
        isFieldStart = false
        index += 1
      }
      var length = (end ?? text.count) - start
      let after = end.map { $0 + 1 } ?? text.count
      if isQuoted {
        reason = .unclosedQuote
      }
      if length > 0, text[start + length - 1] == 0x0D { length -= 1 }
      if reason == nil, fields < expected {
        reason = .tooFewFields(expected: expected, found: fields)
      }
      if reason == nil, fields > expected {
        reason = .tooManyFields(expected: expected, found: fields)
      }
      if length == 0 {
        blank += 1
        reason = nil
      } else if isHeader {
        isHeader = false
        reason = nil
      } else {
        records += 1
      }
      if let reason {
        irregular.append((start, length, reason))
      } else {
        clean += text[start..<after]
      }
      start = after
    }
  }
}

@Suite("Random text")
struct RandomTextTests {
  @Test("records written by RFC 4180 come back in number, whatever the chunks", arguments: 0..<40)
  func roundTrip(seed: UInt64) throws {
    var random = Seeded(seed)
    let columns = Int.random(in: 1...7, using: &random)
    let count = Int.random(in: 0...60, using: &random)
    let lineEnd = Bool.random(using: &random) ? "\n" : "\r\n"
    let alphabet = [
      "a", "bc", ",", "\"", "\n", "\r\n", "\r", "é", "漢", "😀", " ", "", "longer text",
    ]
    var file = (0..<columns).map { "c\($0)" }.joined(separator: ",") + lineEnd
    for _ in 0..<count {
      let fields = (0..<columns).map { _ in
        let parts = Int.random(in: 0...4, using: &random)
        let value = (0..<parts).map { _ in alphabet.randomElement(using: &random) ?? "" }.joined()
        let mustQuote = value.utf8.contains { [10, 13, 34, 44].contains($0) } || columns == 1
        let quotes = mustQuote || Bool.random(using: &random)
        // By scalars: a character-wise replacement would miss a quote that carries an accent.
        let doubled = value.unicodeScalars.map { $0 == "\"" ? "\"\"" : String($0) }.joined()
        return quotes ? "\"" + doubled + "\"" : value
      }
      file += fields.joined(separator: ",") + lineEnd
    }
    if Bool.random(using: &random) { file.unicodeScalars.removeLast(lineEnd.unicodeScalars.count) }
    let scratch = try Scratch()
    let path = try scratch.file("x.csv", file)
    for size in chunkSizes + [Int.random(in: 1...300, using: &random)] {
      let found = try scan(path: path, options: ScanOptions(format: .csv), chunkBytes: size)
      #expect(found.records == Int64(count), "seed \(seed), chunks of \(size)")
      #expect(found.irregularCount == 0, "seed \(seed), chunks of \(size)")
      #expect(found.blankLines == 0, "seed \(seed), chunks of \(size)")
    }
  }

  @Test("any text is framed and copied as the oracle says", arguments: 0..<200)
  func noise(seed: UInt64) throws {
    var random = Seeded(seed &+ 1_000_000)
    let alphabet = [
      "a", "bcd", ",", ",", ",", "\"", "\"", "\n", "\n", "\r\n", "\r", "é", "1,2,3\n",
      "\"x\",\"y\nz\",1\n",
    ]
    var file = "c0,c1,c2\n"
    for _ in 0..<Int.random(in: 0...120, using: &random) {
      file += alphabet.randomElement(using: &random) ?? ""
    }
    let bytes = Array(file.utf8)
    let oracle = Oracle(bytes, expected: 3)
    let scratch = try Scratch()
    let path = try scratch.file("x.csv", bytes)
    let options = ScanOptions(format: .csv, keptIrregularRecords: 1000)
    for size in chunkSizes {
      let found = try scan(path: path, options: options, chunkBytes: size)
      #expect(found.records == Int64(oracle.records), "seed \(seed), chunks of \(size)")
      #expect(found.blankLines == Int64(oracle.blank), "seed \(seed), chunks of \(size)")
      #expect(found.irregular.map(\.byteOffset) == oracle.irregular.map { Int64($0.0) })
      #expect(found.irregular.map(\.length) == oracle.irregular.map { Int64($0.1) })
      #expect(found.irregular.map(\.reason) == oracle.irregular.map(\.2), "seed \(seed)")
      let lines = found.irregular.map { record in
        Int64(bytes[..<Int(record.byteOffset)].count { $0 == 10 } + 1)
      }
      #expect(found.irregular.map(\.line) == lines, "seed \(seed), chunks of \(size)")
      let target = scratch.path + "/clean-\(size).csv"
      try copyRegular(path: path, options: options, scan: found, to: target, chunkBytes: size)
      #expect(try contents(target) == oracle.clean, "seed \(seed), chunks of \(size)")
    }
  }
}
