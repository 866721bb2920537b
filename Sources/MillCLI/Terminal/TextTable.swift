// SPDX-License-Identifier: Apache-2.0

/// Rows under headings, two spaces apart and without boxes.
///
/// ```
/// DATASET         STATUS          ROWS
/// bronze.flights  succeeded  1,234,567
/// gold.delays     skipped           31
/// ```
struct TextTable: Sendable {
  enum Alignment: Sendable {
    case leading, trailing
  }

  struct Column: Sendable {
    var header: String
    var alignment: Alignment
    /// Columns of the terminal at most; longer texts end in `…`.
    var widthMax: Int?

    init(_ header: String, _ alignment: Alignment = .leading, widthMax: Int? = nil) {
      self.header = header
      self.alignment = alignment
      self.widthMax = widthMax
    }
  }

  struct Cell: Sendable, ExpressibleByStringInterpolation {
    var text: String
    var ink: Ink?

    init(_ text: String, _ ink: Ink? = nil) {
      self.text = text
      self.ink = ink
    }

    init(stringLiteral text: String) {
      self.init(text)
    }
  }

  /// A column is never made narrower than this to fit the terminal.
  static let widthMinimum = 8

  var columns: [Column]
  private(set) var rows: [[Cell]] = []

  init(_ columns: [Column]) {
    self.columns = columns
  }

  /// Adds a row; cells that are left out are empty.
  mutating func append(_ cells: [Cell]) {
    precondition(cells.count <= columns.count, "a row has more cells than the table has columns")
    let missing = repeatElement(Cell(""), count: columns.count - cells.count)
    rows.append((cells + missing).map { Cell($0.text.printable, $0.ink) })
  }

  /// The table with a line end after each line; `width` nil cuts nothing for the terminal's sake.
  func render(style: Style = .plain, width: Int? = nil) -> String {
    let widths = columnWidths(fitting: width)
    let header = columns.map { Cell($0.header, .heading) }
    return ([header] + rows).map { line($0, widths, style) + "\n" }.joined()
  }

  private func line(_ cells: [Cell], _ widths: [Int], _ style: Style) -> String {
    var result = ""
    // Spaces wait until something follows them, so that no line ends in one.
    var spaces = 0
    for (position, cell) in cells.enumerated() {
      let text = cell.text.truncated(toWidth: widths[position])
      let padding = widths[position] - text.displayWidth
      if position > 0 { spaces += 2 }
      if columns[position].alignment == .trailing { spaces += padding }
      if !text.isEmpty {
        result += String(repeating: " ", count: spaces) + style.paint(text, cell.ink)
        spaces = 0
      }
      if columns[position].alignment == .leading { spaces += padding }
    }
    return result
  }

  private func columnWidths(fitting width: Int?) -> [Int] {
    var widths = columns.enumerated().map { position, column in
      let widest = rows.reduce(column.header.displayWidth) {
        max($0, $1[position].text.displayWidth)
      }
      return min(widest, column.widthMax ?? .max)
    }
    guard let width else { return widths }
    var excess = widths.reduce(0, +) + 2 * max(0, columns.count - 1) - width
    while excess > 0 {
      // The widest gives way, numbers last: half a number is a wrong number.
      let candidates = widths.indices.filter {
        widths[$0] > Self.widthMinimum && columns[$0].alignment == .leading
      }
      guard let widest = candidates.max(by: { widths[$0] < widths[$1] }) else { break }
      widths[widest] -= 1
      excess -= 1
    }
    return widths
  }
}
