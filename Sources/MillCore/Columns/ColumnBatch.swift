// SPDX-License-Identifier: Apache-2.0

/// Some rows of a result, column by column.
///
/// What has a fixed width lies in one array, texts and blobs one after the other: no object is made
/// for a row or a cell.
public struct ColumnBatch: Sendable {
  /// How many rows there are.
  public let count: Int
  /// The columns, in the order of the query.
  public let columns: [ColumnValues]

  /// Columns of one length.
  public init(count: Int, columns: [ColumnValues]) {
    self.count = count
    self.columns = columns
  }
}

/// One column of a ``ColumnBatch``.
public struct ColumnValues: Sendable {
  /// How values lie in memory.
  public enum Storage: Sendable {
    /// Whole numbers, days and microseconds; 0 and 1 for booleans.
    case integers([Int64])
    /// Doubles and floats.
    case doubles([Double])
    /// Numbers without their point.
    case decimals([Int128], scale: Int)
    /// Texts and blobs.
    case bytes(ByteColumn)
    /// Nested values.
    case data([Datum])
  }

  /// What the values are.
  public let type: DataType
  /// The values; what lies in a row that is null is not defined.
  public let storage: Storage
  /// Which rows are null; empty when none is.
  public let nulls: [Bool]

  /// A column; `nulls` may be empty.
  public init(type: DataType, storage: Storage, nulls: [Bool]) {
    self.type = type
    self.storage = storage
    self.nulls = nulls
  }

  /// Whether a row is null.
  public func isNull(_ row: Int) -> Bool { !nulls.isEmpty && nulls[row] }

  /// One value; NaN is null.
  public subscript(row: Int) -> Datum {
    if isNull(row) { return .null }
    switch storage {
    case .integers(let values):
      switch type {
      case .boolean: return .boolean(values[row] != 0)
      case .date:
        return .date(CivilDate(daysSinceEpoch: Int32(truncatingIfNeeded: values[row])))
      case .timestamp, .timestampWithoutZone:
        return .instant(Instant(microseconds: values[row]))
      default: return .integer(values[row])
      }
    case .doubles(let values): return values[row].isNaN ? .null : .double(values[row])
    case .decimals(let values, let scale): return .decimal(unscaled: values[row], scale: scale)
    case .bytes(let values):
      if case .binary = type {
        return .bytes(values.withBytes { Array($0[values.range(row)]) })
      }
      return .text(values[row])
    case .data(let values): return values[row]
    }
  }

  /// The whole number in a row, or 0.
  public func integer(_ row: Int) -> Int64 {
    guard case .integers(let values) = storage, !isNull(row) else { return 0 }
    return values[row]
  }
}
