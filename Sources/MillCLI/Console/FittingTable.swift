// SPDX-License-Identifier: Apache-2.0

/// A table that leaves out its less important columns where a terminal is too narrow for all.
///
/// Half a number is a wrong number, so a column is shown whole or not at all.
struct FittingTable: Sendable {
  struct Column: Sendable {
    var column: TextTable.Column
    /// The greatest goes first; nothing of rank 0 goes.
    var rank: Int

    init(
      _ header: String,
      _ alignment: TextTable.Alignment = .leading,
      rank: Int = 0,
      widthMax: Int? = nil
    ) {
      column = TextTable.Column(header, alignment, widthMax: widthMax)
      self.rank = rank
    }
  }

  private let columns: [Column]
  private(set) var rows: [[TextTable.Cell]] = []

  init(_ columns: [Column]) {
    self.columns = columns
  }

  /// Adds a row with a cell for each column.
  mutating func append(_ cells: [TextTable.Cell]) {
    precondition(cells.count == columns.count, "a row has another number of cells than columns")
    rows.append(cells)
  }

  /// The table with what fits; nil for everything.
  func table(width: Int?) -> TextTable {
    var kept = Array(columns.indices)
    if let width {
      while naturalWidth(kept) > width,
        let last = kept.filter({ columns[$0].rank > 0 }).max(by: {
          columns[$0].rank < columns[$1].rank
        })
      {
        kept.removeAll { $0 == last }
      }
    }
    var table = TextTable(kept.map { columns[$0].column })
    for row in rows { table.append(kept.map { row[$0] }) }
    return table
  }

  private func naturalWidth(_ kept: [Int]) -> Int {
    let widths = kept.map { position in
      let header = columns[position].column.header.displayWidth
      let widest = rows.reduce(header) { max($0, $1[position].text.printable.displayWidth) }
      return min(widest, columns[position].column.widthMax ?? .max)
    }
    return widths.reduce(0, +) + 2 * max(0, widths.count - 1)
  }
}
