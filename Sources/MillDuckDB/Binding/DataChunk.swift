// SPDX-License-Identifier: Apache-2.0

internal import CDuckDB

/// Some rows of a result, at most 2048, column by column in DuckDB's own memory.
///
/// Nothing is copied: what a closure is handed is valid until the closure returns.
///
/// ```swift
/// var sum: Int64 = 0
/// try chunk.withColumn(0, as: Int64.self) { values, validity in
///   for row in values.indices where validity[row] { sum &+= values[row] }
/// }
/// ```
public struct DataChunk: ~Copyable {
  /// How many rows the chunk holds.
  public let rowCount: Int
  /// The columns of the result.
  public let columns: [QueryResult.Column]

  private let raw: duckdb_data_chunk
  private let result: ResultHandle

  init(taking raw: duckdb_data_chunk, of result: ResultHandle, columns: [QueryResult.Column]) {
    self.raw = raw
    self.result = result
    self.columns = columns
    rowCount = Int(duckdb_data_chunk_get_size(raw))
  }

  deinit {
    var raw: duckdb_data_chunk? = raw
    duckdb_destroy_data_chunk(&raw)
  }

  /// How many columns the chunk holds.
  public var columnCount: Int { columns.count }

  /// Reads a column in place, whatever its type.
  ///
  /// - Throws: `invalidInput` for a column that is not there.
  public func withVector<Result: ~Copyable>(
    _ column: Int,
    _ body: (borrowing ColumnVector) throws(DuckDBError) -> Result
  ) throws(DuckDBError) -> Result {
    guard columns.indices.contains(column),
      let vector = duckdb_data_chunk_get_vector(raw, idx_t(column))
    else {
      throw DuckDBError(
        kind: .invalidInput,
        message: "Invalid Input Error: no column \(column) among \(columns.count)"
      )
    }
    return try body(ColumnVector(vector, type: columns[column].type, count: rowCount))
  }

  /// Reads a column of fixed width in place.
  ///
  /// - Throws: `typeMismatch` when the column has another type; DATE, DECIMAL and the like are read
  ///   by ``ColumnVector/withStorage(as:_:)``, which says so.
  public func withColumn<Element: ColumnElement, Result: ~Copyable>(
    _ column: Int,
    as element: Element.Type,
    _ body: (Span<Element>, borrowing Validity) throws(DuckDBError) -> Result
  ) throws(DuckDBError) -> Result {
    try withVector(column) { (vector) throws(DuckDBError) in
      try vector.withElements(as: element, body)
    }
  }

  /// Reads a column in place by what DuckDB stores: days, microseconds, unscaled decimals, codes.
  public func withStorage<Element: ColumnElement, Result: ~Copyable>(
    _ column: Int,
    as element: Element.Type,
    _ body: (Span<Element>, borrowing Validity) throws(DuckDBError) -> Result
  ) throws(DuckDBError) -> Result {
    try withVector(column) { (vector) throws(DuckDBError) in
      try vector.withStorage(as: element, body)
    }
  }

  /// Reads a column of texts or blobs in place.
  public func withText<Result: ~Copyable>(
    _ column: Int,
    _ body: (borrowing TextColumn) throws(DuckDBError) -> Result
  ) throws(DuckDBError) -> Result {
    try withVector(column) { (vector) throws(DuckDBError) in try vector.withText(body) }
  }

  /// Reads a DECIMAL column of any width in place.
  public func withDecimals<Result: ~Copyable>(
    _ column: Int,
    _ body: (borrowing DecimalColumn) throws(DuckDBError) -> Result
  ) throws(DuckDBError) -> Result {
    try withVector(column) { (vector) throws(DuckDBError) in try vector.withDecimals(body) }
  }

  /// One cell as a value.
  public func value(column: Int, row: Int) throws(DuckDBError) -> Value {
    try withVector(column) { (vector) throws(DuckDBError) in try vector.value(at: row) }
  }
}
