// SPDX-License-Identifier: Apache-2.0

/// A place in a file, shown with its line and a caret below it.
///
/// ```
/// silver/flights.sql:3:10: there is no column departd
///   2 | SELECT
///   3 |   origin, departd
///     |           ^^^^^^^
/// ```
struct CodeFrame: Sendable {
  /// Tabs reach to the next multiple of this.
  static let tabWidth = 4

  var file: String
  /// The whole text of the file.
  var source: String
  /// Counted from one.
  var line: Int
  /// Counted from one, in characters as a person sees them; nil marks the line as a whole.
  var column: Int?
  /// Characters that the carets underline.
  var length: Int
  var message: String
  /// Lines shown before the one that is meant.
  var contextLines: Int

  init(
    file: String,
    source: String,
    line: Int,
    column: Int? = nil,
    length: Int = 1,
    message: String,
    contextLines: Int = 2
  ) {
    self.file = file
    self.source = source
    self.line = line
    self.column = column
    self.length = length
    self.message = message
    self.contextLines = contextLines
  }

  /// The line and column, from one, of a byte of the text; past the end is the end.
  static func position(ofByte offset: Int, in source: String) -> (line: Int, column: Int) {
    let utf8 = source.utf8
    let end = utf8.index(utf8.startIndex, offsetBy: max(0, offset), limitedBy: utf8.endIndex)
    let before = source[..<(end ?? source.endIndex)]
    let lines = splitLines(before)
    return (lines.count, (lines.last?.count ?? 0) + 1)
  }

  /// The frame, without a line end after its last line.
  func render(style: Style = .plain, width: Int? = nil) -> String {
    let place = [file.printable, "\(line)"] + (column.map { ["\($0)"] } ?? [])
    let head = style.bold(place.joined(separator: ":") + ":") + " " + message
    let lines = Self.splitLines(source[...])
    guard lines.indices.contains(line - 1) else { return head }
    let gutterWidth = String(line).count
    var result = [head]
    let room = width.map { max(20, $0 - gutterWidth - 5) } ?? .max
    let marked = column.map { max(0, $0 - 1) } ?? 0
    let focus = Frame(lines[line - 1], markedAt: marked, length: length, room: room)
    for number in max(1, line - max(0, contextLines))...line {
      let isMarked = number == line
      let text =
        isMarked ? focus.text : Frame.cut(Frame.cells(lines[number - 1]), focus.start, room)
      let digits = String(number)
      let gutter = String(repeating: " ", count: gutterWidth - digits.count) + digits
      let bar = isMarked ? style.red("\(gutter) |") : style.dim("\(gutter) |")
      result.append(text.isEmpty ? "  \(bar)" : "  \(bar) \(text)")
    }
    if column != nil {
      let gutter = String(repeating: " ", count: gutterWidth)
      result.append(
        "  " + style.dim("\(gutter) |") + " " + String(repeating: " ", count: focus.caretStart)
          + style.red(String(repeating: "^", count: focus.caretCount))
      )
    }
    return result.joined(separator: "\n")
  }

  /// Lines as editors count them; Swift's `isNewline` would also count form feeds and U+2028.
  private static func splitLines(_ text: Substring) -> [Substring] {
    text.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" || $0 == "\r" }
  }

  /// The marked line, cut to the room there is, and where the carets go.
  private struct Frame {
    /// The first cell that is shown.
    var start: Int
    var text: String
    var caretStart: Int
    var caretCount: Int

    init(_ line: Substring, markedAt position: Int, length: Int, room: Int) {
      let cells = Frame.cells(line)
      let position = min(position, cells.count)
      let end = min(cells.count, position + max(1, length))
      let total = Frame.width(cells[...])
      var start = 0
      if total > room {
        // What is marked stands at a third, with what led to it on its left.
        while start < position, Frame.width(cells[start..<position]) > room / 3 { start += 1 }
      }
      self.start = start
      text = Frame.cut(cells, start, room)
      // A cut at the left shows as one column of `…`, as wide as what it stands for is not.
      caretStart = Frame.width(cells[start..<position]) + (start > 0 ? 1 : 0)
      let marked = max(1, Frame.width(cells[position..<max(position, end)]))
      let free = room == .max ? marked : max(1, room - caretStart)
      caretCount = min(marked, free)
    }

    /// The line character by character, tabs made into spaces and controls made visible.
    static func cells(_ line: Substring) -> [String] {
      var column = 0
      return line.map { character in
        let cell =
          character == "\t"
          ? String(repeating: " ", count: tabWidth - column % tabWidth)
          : String(character).printable
        column += cell.displayWidth
        return cell
      }
    }

    static func width(_ cells: ArraySlice<String>) -> Int {
      cells.reduce(0) { $0 + $1.displayWidth }
    }

    static func cut(_ cells: [String], _ start: Int, _ room: Int) -> String {
      guard start < cells.count else { return start > 0 ? "…" : "" }
      let text = (start > 0 ? "…" : "") + cells[start...].joined()
      return text.truncated(toWidth: room)
    }
  }
}
