// SPDX-License-Identifier: Apache-2.0

/// One statement of a text, and where in that text it begins.
struct SQLStatement: Hashable, Sendable {
  let text: String
  /// The line of its first character, counted from one.
  let line: Int
  /// The character of that line where it begins, counted from one.
  let column: Int

  /// A text taken as one statement.
  init(_ text: String) {
    self.init(text: text, line: 1, column: 1)
  }

  init(text: String, line: Int, column: Int) {
    self.text = text
    self.line = line
    self.column = column
  }

  /// Cuts a text at its semicolons, minding quotes, dollar quotes and comments.
  ///
  /// It finds places for errors and no more: DuckDB itself says how many statements a text has, and
  /// when the counts differ its word holds.
  static func split(_ text: String) -> [SQLStatement] {
    var splitter = Splitter(Array(text.utf8))
    return splitter.split()
  }
}

private struct Splitter {
  private let bytes: [UInt8]
  private var index = 0
  private var line = 1
  private var lineStart = 0
  private var start: (offset: Int, line: Int, lineStart: Int)?
  private var statements: [SQLStatement] = []

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  mutating func split() -> [SQLStatement] {
    while index < bytes.count {
      switch bytes[index] {
      case UInt8(ascii: ";"):
        finish()
        step()
      case UInt8(ascii: "-") where peek(1) == UInt8(ascii: "-"):
        while index < bytes.count, bytes[index] != UInt8(ascii: "\n") { step() }
      case UInt8(ascii: "/") where peek(1) == UInt8(ascii: "*"):
        blockComment()
      case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"), UInt8(ascii: "\n"):
        step()
      case UInt8(ascii: "'"), UInt8(ascii: "\""):
        begin()
        quoted()
      case UInt8(ascii: "$"):
        begin()
        dollarQuoted()
      default:
        begin()
        word()
      }
    }
    finish()
    return statements
  }

  private func peek(_ distance: Int) -> UInt8? {
    index + distance < bytes.count ? bytes[index + distance] : nil
  }

  private mutating func step() {
    if bytes[index] == UInt8(ascii: "\n") {
      line += 1
      lineStart = index + 1
    }
    index += 1
  }

  private mutating func begin() {
    if start == nil { start = (index, line, lineStart) }
  }

  private mutating func finish() {
    guard let (offset, line, lineStart) = start else { return }
    start = nil
    statements.append(
      SQLStatement(
        text: String(decoding: bytes[offset..<index], as: UTF8.self),
        line: line,
        column: String(decoding: bytes[lineStart..<offset], as: UTF8.self).count + 1
      )
    )
  }

  private mutating func word() {
    let isEscape = bytes[index] == UInt8(ascii: "e") || bytes[index] == UInt8(ascii: "E")
    let isAlone = index == 0 || !Splitter.isName(bytes[index - 1])
    step()
    guard isEscape, isAlone, peek(0) == UInt8(ascii: "'") else { return }
    quoted(escapes: true)
  }

  private mutating func quoted(escapes: Bool = false) {
    let quote = bytes[index]
    step()
    while index < bytes.count {
      if escapes, bytes[index] == UInt8(ascii: "\\") {
        step()
        if index < bytes.count { step() }
      } else if bytes[index] == quote {
        step()
        guard index < bytes.count, bytes[index] == quote else { return }
        step()
      } else {
        step()
      }
    }
  }

  private mutating func dollarQuoted() {
    var end = index + 1
    while end < bytes.count, Splitter.isName(bytes[end]) { end += 1 }
    let isInsideName = index > 0 && Splitter.isName(bytes[index - 1])
    guard !isInsideName, end < bytes.count, bytes[end] == UInt8(ascii: "$") else { return step() }
    let tag = bytes[index...end]
    repeat { step() } while index <= end
    while index < bytes.count {
      if bytes[index...].starts(with: tag) {
        let close = index + tag.count
        while index < close { step() }
        return
      }
      step()
    }
  }

  private mutating func blockComment() {
    var depth = 0
    while index < bytes.count {
      if bytes[index] == UInt8(ascii: "/"), peek(1) == UInt8(ascii: "*") {
        depth += 1
        step()
        step()
      } else if bytes[index] == UInt8(ascii: "*"), peek(1) == UInt8(ascii: "/") {
        depth -= 1
        step()
        step()
        if depth == 0 { return }
      } else {
        step()
      }
    }
  }

  private static func isName(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), 0x80...0xFF:
      true
    default: false
    }
  }
}
