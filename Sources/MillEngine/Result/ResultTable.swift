// SPDX-License-Identifier: Apache-2.0

public import MillCore

/// A small result, brought into this process.
public struct ResultTable: Sendable {
  /// The columns' names, in the order of the cells.
  public var columns: [String]
  /// rows x columns; numbers, booleans and null as such, everything else as text.
  public var rows: [[JSONValue]]

  /// Rows as they came; each has one cell for each column.
  public init(columns: [String], rows: [[JSONValue]]) {
    self.columns = columns
    self.rows = rows
  }

  /// The integer in a row and column; counts come back this way.
  public func integer(_ row: Int, _ column: Int) -> Int64? {
    guard rows.indices.contains(row), rows[row].indices.contains(column) else { return nil }
    return rows[row][column].integer
  }
}
