// SPDX-License-Identifier: Apache-2.0

/// What a query does with rows, read from its bound plan.
public enum QueryShape: Hashable, Sendable {
  /// Each output row comes from one row of one table.
  case rowLocal
  /// Each output row comes from one row of the driving table, looked up in others.
  case lookup(driving: RelationName)
  /// Row-local queries one below the other (UNION ALL).
  case stacked
  /// Rows are combined; the reason names how.
  case combining(reason: String)

  /// Whether the query is cheaper to run again than to keep.
  public var isCheap: Bool {
    switch self {
    case .rowLocal, .stacked: true
    case .lookup, .combining: false
    }
  }

  /// Whether new rows of one input give new rows and change no others.
  public var isRowLocal: Bool {
    switch self {
    case .rowLocal, .lookup: true
    case .stacked, .combining: false
    }
  }
}
