// SPDX-License-Identifier: Apache-2.0

internal import CDuckDB

extension DuckDBError {
  /// An error about SQL text, with the place read out of DuckDB's excerpt.
  ///
  /// DuckDB ends a message with `LINE n: excerpt` and a line of carets. The excerpt of a long line
  /// is cut, and `n` may count from the statement rather than from the text, so the excerpt is
  /// looked up in the text. Carets are placed by display width; a few wide characters may shift the
  /// column.
  init(message: String, type: duckdb_error_type? = nil, statement: SQLStatement? = nil) {
    let kind = type.map { Kind($0) } ?? Kind(messagePrefix: message)
    let place = Excerpt(endOf: message)?.place(in: statement)
    self.init(kind: kind, message: message, line: place?.line, column: place?.column)
  }
}

/// The last lines of a DuckDB message: a quoted line of SQL and where the carets begin under it.
struct Excerpt {
  private let line: Int
  private let text: String
  private let caret: Int
  private let isCutAtStart: Bool

  init?(endOf message: String) {
    let lines = message.split(separator: "\n", omittingEmptySubsequences: false)
    for index in lines.indices.dropLast().reversed() where lines[index].hasPrefix("LINE ") {
      let carets = lines[index + 1]
      let rest = lines[index].dropFirst(5)
      guard
        let colon = rest.firstRange(of: ": "),
        let number = Int(rest[..<colon.lowerBound]),
        let caret = carets.firstIndex(of: "^"),
        carets[..<caret].allSatisfy({ $0 == " " || $0 == "\t" })
      else { continue }
      let prefixLength = lines[index].count - rest[colon.upperBound...].count
      let excerpt = rest[colon.upperBound...]
      line = number
      isCutAtStart = excerpt.hasPrefix("...")
      let cut = isCutAtStart ? 3 : 0
      var body = excerpt.dropFirst(cut)
      if body.hasSuffix("...") { body = body.dropLast(3) }
      text = String(body)
      let width = carets.distance(from: carets.startIndex, to: caret) - prefixLength - cut
      self.caret = Excerpt.characters(of: body, inWidth: width)
      return
    }
    return nil
  }

  /// The place in the whole text, or in the excerpt when the text is not known.
  func place(in statement: SQLStatement?) -> (line: Int, column: Int?) {
    guard let statement else { return (line, isCutAtStart ? nil : caret + 1) }
    let lines = statement.text.split(separator: "\n", omittingEmptySubsequences: false)
    let numbers = [line - 1] + lines.indices.filter { $0 != line - 1 }
    for number in numbers where lines.indices.contains(number) {
      guard let range = lines[number].firstRange(of: text) else { continue }
      let indent = lines[number].distance(from: lines[number].startIndex, to: range.lowerBound)
      let column = indent + caret + 1
      return (
        statement.line + number,
        number == 0 ? statement.column + column - 1 : column
      )
    }
    return (statement.line + line - 1, isCutAtStart ? nil : caret + 1)
  }

  private static func characters(of text: Substring, inWidth width: Int) -> Int {
    var left = width
    var count = 0
    for character in text {
      guard left > 0 else { break }
      let isWide = character.unicodeScalars.contains {
        (0x1100...0x115F).contains($0.value)
          || (0x2E80...0xA4CF).contains($0.value) || (0xAC00...0xD7A3).contains($0.value)
          || (0xF900...0xFAFF).contains($0.value) || (0xFE30...0xFE6F).contains($0.value)
          || (0xFF00...0xFF60).contains($0.value) || (0x1F300...0x1FAFF).contains($0.value)
      }
      left -= isWide ? 2 : 1
      count += 1
    }
    return count + max(left, 0)
  }
}
