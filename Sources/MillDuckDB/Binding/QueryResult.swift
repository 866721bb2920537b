// SPDX-License-Identifier: Apache-2.0

internal import CDuckDB

/// The C result, kept by every chunk made of it so that no chunk can outlive its memory.
final class ResultHandle {
  fileprivate var raw: duckdb_result
  let connection: ConnectionHandle

  init(_ raw: duckdb_result, on connection: ConnectionHandle) {
    self.raw = raw
    self.connection = connection
  }

  deinit { duckdb_destroy_result(&raw) }
}

/// The rows of one statement, chunk after chunk, each read once.
public struct QueryResult: ~Copyable {
  /// Whether all rows are made before the first is read.
  public enum Delivery: Hashable, Sendable {
    /// The statement has run to its end; rows wait in memory, within the memory limit.
    case materialised
    /// Rows are made as they are read. Another statement on the connection ends the stream.
    case streaming
  }

  /// A column of a result.
  public struct Column: Hashable, Sendable {
    /// Its name, not always unique.
    public let name: String
    /// Its type.
    public let type: DuckDBType
    /// What DuckDB calls the type when it is another type's alias, such as `JSON` for VARCHAR.
    public let alias: String?
  }

  /// The columns in order.
  public let columns: [Column]

  /// How many rows INSERT, UPDATE, DELETE or COPY touched; zero for anything that returns rows.
  public let rowsChanged: Int

  private let handle: ResultHandle
  private let delivery: Delivery
  private let source: SQLStatement
  private let deadline: ContinuousClock.Instant?

  init(
    taking result: duckdb_result,
    state: duckdb_state,
    delivery: Delivery,
    source: SQLStatement,
    deadline: ContinuousClock.Instant?,
    on handle: ConnectionHandle
  ) throws(DuckDBError) {
    var result = result
    guard state == DuckDBSuccess else {
      defer { duckdb_destroy_result(&result) }
      throw QueryResult.error(of: &result, source: source)
        ?? DuckDBError(kind: .internal, message: "DuckDB failed and said nothing")
    }
    var columns: [Column] = []
    for index in 0..<duckdb_column_count(&result) {
      let type = duckdb_column_logical_type(&result, index)
      let name = duckdb_column_name(&result, index).map { String(cString: $0) } ?? ""
      columns.append(Column(name: name, taking: type))
    }
    self.columns = columns
    // DuckDB takes a stream for a materialised result here and would read wild memory.
    rowsChanged = delivery == .materialised ? Int(duckdb_rows_changed(&result)) : 0
    self.handle = ResultHandle(result, on: handle)
    self.delivery = delivery
    self.source = source
    self.deadline = deadline
  }

  /// The next chunk, or nothing at the end of the rows.
  ///
  /// - Throws: what the statement throws, when it streams; `interrupted` and `deadlineExceeded`
  ///   too.
  public mutating func nextChunk() throws(DuckDBError) -> DataChunk? {
    guard delivery == .streaming else { return try fetch() }
    let control = handle.connection.control
    return try control.run(deadline: deadline) { () throws(DuckDBError) in try fetch() }
  }

  /// Reads all chunks that are left.
  public consuming func forEachChunk(
    _ body: (borrowing DataChunk) throws(DuckDBError) -> Void
  ) throws(DuckDBError) {
    while let chunk = try nextChunk() { try body(chunk) }
  }

  /// All rows that are left as values: for small results, since each cell is an allocation or more.
  public consuming func rows() throws(DuckDBError) -> [[Value]] {
    var rows: [[Value]] = []
    try forEachChunk { (chunk) throws(DuckDBError) in
      var block = [[Value]](repeating: [], count: chunk.rowCount)
      for row in block.indices { block[row].reserveCapacity(chunk.columnCount) }
      for column in 0..<chunk.columnCount {
        try chunk.withVector(column) { (vector) throws(DuckDBError) in
          for row in block.indices { block[row].append(try vector.value(at: row)) }
        }
      }
      rows.append(contentsOf: block)
    }
    return rows
  }

  private mutating func fetch() throws(DuckDBError) -> DataChunk? {
    guard let chunk = duckdb_fetch_chunk(handle.raw) else {
      // The end of the rows and an error look the same until the result is asked.
      if let error = QueryResult.error(of: &handle.raw, source: source) { throw error }
      return nil
    }
    return DataChunk(taking: chunk, of: handle, columns: columns)
  }

  private static func error(of result: inout duckdb_result, source: SQLStatement) -> DuckDBError? {
    guard let message = duckdb_result_error(&result) else { return nil }
    let type = duckdb_result_error_type(&result)
    return DuckDBError(message: String(cString: message), type: type, statement: source)
  }
}

extension QueryResult.Column {
  /// Reads a logical type and destroys it.
  init(name: String, taking type: duckdb_logical_type?) {
    var type = type
    defer { duckdb_destroy_logical_type(&type) }
    let alias = type.flatMap { duckdb_logical_type_get_alias($0) }
    defer { duckdb_free(alias) }
    self.init(
      name: name,
      type: type.map { DuckDBType(reading: $0) } ?? .other(0),
      alias: alias.map { String(cString: $0) }
    )
  }
}
