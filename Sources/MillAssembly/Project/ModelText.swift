// SPDX-License-Identifier: Apache-2.0

internal import MillPipelines

/// The two halves of a model's file.
struct ModelText {
  /// The YAML of the first block comment, with spaces in place of all that stands before it, so
  /// that its lines and columns are those of the file; nil if there is no header.
  var header: String?
  /// What follows the header.
  var sql: String
  /// The line of the file on which the SQL begins, from 1.
  var sqlLine: Int
}

extension ProjectFile {
  /// Tells the header of a model from its SELECT; nil if that is not possible, which was reported.
  func modelText() -> ModelText? {
    var scanner = SQLScanner(text)
    let comments = scanner.skipSpaceAndLineComments()
    guard scanner.isAtBlockComment else { return withoutHeader(comments, scanner) }
    let start = scanner.offset
    guard let content = scanner.skipBlockComment() else {
      report("the header comment is not closed", at: place(ofByte: start), hint: "end it with */")
      return nil
    }
    let bytes = scanner.bytes
    var model = ModelText(header: nil, sql: "", sqlLine: 1)
    if content.contains(where: { !isSpace(bytes[$0]) }) {
      let before = String(decoding: bytes[..<content.lowerBound], as: UTF8.self).unicodeScalars
      let blank = String(String.UnicodeScalarView(before.map { $0 == "\n" ? "\n" : " " }))
      model.header = blank + String(decoding: bytes[content], as: UTF8.self)
    }
    let end = scanner.offset
    scanner.skipSpace()
    guard checkSelect(after: end) else { return nil }
    // The SQL keeps its columns: a line that it shares with the header's end is filled up.
    let lineStart = bytes[..<scanner.offset].lastIndex(of: newline).map { $0 + 1 } ?? 0
    let shared = bytes[lineStart..<max(lineStart, end)]
    let blank = String(repeating: " ", count: String(decoding: shared, as: UTF8.self).count)
    model.sql = blank + String(decoding: bytes[max(lineStart, end)...], as: UTF8.self)
    model.sqlLine = Self.position(ofByte: scanner.offset, in: bytes).line
    return model
  }

  /// The whole file is SQL, unless a header was meant to be there.
  private func withoutHeader(
    _ comments: [(offset: Int, text: String)],
    _ scanner: SQLScanner
  ) -> ModelText? {
    let commented = comments.first { isKey($0.text) }?.offset
    if let meant = isKey(scanner.restOfLine) ? scanner.offset : commented {
      report(
        "the header is not a block comment",
        at: place(ofByte: meant),
        hint: "put it between /* and */, before the SELECT"
      )
      return nil
    }
    guard checkSelect(after: 0) else { return nil }
    var rest = scanner
    while let comment = rest.nextBlockComment() {
      let lines = String(decoding: rest.bytes[comment], as: UTF8.self)
        .split(whereSeparator: \.isNewline)
      if let first = lines.first(where: { !$0.allSatisfy(\.isWhitespace) }), isKey(String(first)) {
        report(
          "the header stands too late to be read",
          at: place(ofByte: comment.lowerBound - 2),
          hint: "move it before the SELECT"
        )
        return nil
      }
    }
    return ModelText(header: nil, sql: text, sqlLine: 1)
  }

  /// Whether a line is one of a header, such as `keys: [id]`.
  private func isKey(_ line: String) -> Bool {
    let word = line.drop { $0 == " " || $0 == "\t" }
    return KnownKeys.model.names.contains { word.hasPrefix($0 + ":") }
  }

  private func checkSelect(after start: Int) -> Bool {
    var scanner = SQLScanner(text)
    scanner.offset = start
    scanner.skipSpaceAndComments()
    guard scanner.offset < scanner.bytes.count else {
      report(
        "the model has no SELECT",
        at: place(ofByte: start),
        hint: start == 0 ? "write one SELECT" : "write one SELECT below the header"
      )
      return false
    }
    let word = scanner.word
    let begins = ["select", "with", "from", "values", "table", "pivot", "unpivot"]
    guard scanner.bytes[scanner.offset] == UInt8(ascii: "(") || begins.contains(word.lowercased())
    else {
      let shown = word.isEmpty ? String(scanner.restOfLine.prefix(1)) : word
      report(
        "a model is one SELECT, this begins with `\(shown)`",
        at: place(ofByte: scanner.offset),
        hint: "write only the SELECT: the table is made from its rows"
      )
      return false
    }
    return true
  }
}

private let newline = UInt8(ascii: "\n")

private func isSpace(_ byte: UInt8) -> Bool {
  byte == UInt8(ascii: " ") || (9...13).contains(byte)
}

/// Finds comments, as far as a header needs it: what the SQL means is left to the engine.
private struct SQLScanner {
  let bytes: [UInt8]
  var offset = 0

  init(_ text: String) {
    bytes = Array(text.utf8)
  }

  var isAtBlockComment: Bool { starts("/*") }

  var restOfLine: String {
    String(decoding: bytes[offset...].prefix { $0 != newline }, as: UTF8.self)
  }

  /// The letters that come next.
  var word: String {
    String(restOfLine.prefix { $0.isLetter || $0 == "_" })
  }

  private func starts(_ text: StaticString) -> Bool {
    bytes[offset...].starts(with: UnsafeBufferPointer(start: text.utf8Start, count: 2))
  }

  mutating func skipSpace() {
    while offset < bytes.count, isSpace(bytes[offset]) { offset += 1 }
  }

  /// Gives back the line comments, without their dashes.
  mutating func skipSpaceAndLineComments() -> [(offset: Int, text: String)] {
    var comments: [(offset: Int, text: String)] = []
    skipSpace()
    while starts("--") {
      let line = restOfLine
      comments.append((offset, String(line.dropFirst(2).drop { $0 == " " })))
      offset += line.utf8.count
      skipSpace()
    }
    return comments
  }

  mutating func skipSpaceAndComments() {
    repeat {
      _ = skipSpaceAndLineComments()
    } while isAtBlockComment && skipBlockComment() != nil
  }

  /// Moves behind a comment and gives back what is in it; nil if it has no end.
  mutating func skipBlockComment() -> Range<Int>? {
    let start = offset + 2
    var end = start
    while end + 1 < bytes.count {
      if bytes[end] == UInt8(ascii: "*"), bytes[end + 1] == UInt8(ascii: "/") {
        offset = end + 2
        return start..<end
      }
      end += 1
    }
    return nil
  }

  /// Moves behind the next comment that is not part of a text or a quoted name.
  mutating func nextBlockComment() -> Range<Int>? {
    while offset < bytes.count {
      let byte = bytes[offset]
      if isAtBlockComment { return skipBlockComment() }
      if starts("--") {
        offset += restOfLine.utf8.count
      } else if byte == UInt8(ascii: "'") || byte == UInt8(ascii: "\"") {
        offset = bytes[(offset + 1)...].firstIndex(of: byte).map { $0 + 1 } ?? bytes.count
      } else {
        offset += 1
      }
    }
    return nil
  }
}
