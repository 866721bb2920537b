// SPDX-License-Identifier: Apache-2.0

internal import CDuckDB

/// The fast way to put rows into a table: value after value, row after row.
///
/// Rows are kept back and written in blocks, so an error may concern an earlier row. What was not
/// yet written when the appender is dropped without ``close()`` is thrown away. After an error the
/// appender is of no more use.
///
/// ```swift
/// let appender = try connection.appender(table: "readings")
/// try appender.append(1 as Int32)
/// try appender.append("north")
/// try appender.endRow()
/// try appender.close()
/// ```
public struct Appender: ~Copyable {
  private let raw: duckdb_appender
  private let handle: ConnectionHandle

  init(
    table: String,
    schema: String?,
    catalog: String?,
    on handle: ConnectionHandle
  ) throws(DuckDBError) {
    try table.checkHasNoNUL()
    try schema?.checkHasNoNUL()
    try catalog?.checkHasNoNUL()
    var raw: duckdb_appender?
    let state = duckdb_appender_create_ext(handle.raw, catalog, schema, table, &raw)
    guard state == DuckDBSuccess, let raw else {
      var raw = raw
      let error = Appender.error(of: raw)
      _ = duckdb_appender_destroy(&raw)
      throw error
    }
    self.raw = raw
    self.handle = handle
  }

  deinit {
    // Destroying would write what is left; nobody asked for that. Nobody is left to hear an error.
    _ = duckdb_appender_clear(raw)
    var raw: duckdb_appender? = raw
    _ = duckdb_appender_destroy(&raw)
  }

  /// How many values make a row.
  public var columnCount: Int { Int(duckdb_appender_column_count(raw)) }

  /// Ends a row.
  ///
  /// - Throws: `invalidInput` when the row has too few values, or any error of writing a full
  ///   block.
  public func endRow() throws(DuckDBError) { try check(duckdb_appender_end_row(raw)) }

  /// Writes the rows appended so far.
  ///
  /// - Throws: `constraint` when a row is not let in; then none of the block is.
  public func flush() throws(DuckDBError) {
    try handle.control.run { () throws(DuckDBError) in try check(duckdb_appender_flush(raw)) }
  }

  /// Writes the rows and ends the appender.
  public consuming func close() throws(DuckDBError) {
    try handle.control.run { () throws(DuckDBError) in try check(duckdb_appender_close(raw)) }
  }

  /// Appends NULL.
  public func appendNull() throws(DuckDBError) { try check(duckdb_append_null(raw)) }

  /// Appends the default of the column.
  public func appendDefault() throws(DuckDBError) { try check(duckdb_append_default(raw)) }

  /// Appends a BOOLEAN.
  public func append(_ value: Bool) throws(DuckDBError) {
    try check(duckdb_append_bool(raw, value))
  }

  /// Appends a BIGINT.
  public func append(_ value: Int) throws(DuckDBError) {
    try check(duckdb_append_int64(raw, Int64(value)))
  }

  /// Appends a TINYINT.
  public func append(_ value: Int8) throws(DuckDBError) {
    try check(duckdb_append_int8(raw, value))
  }

  /// Appends a SMALLINT.
  public func append(_ value: Int16) throws(DuckDBError) {
    try check(duckdb_append_int16(raw, value))
  }

  /// Appends a INTEGER.
  public func append(_ value: Int32) throws(DuckDBError) {
    try check(duckdb_append_int32(raw, value))
  }

  /// Appends a BIGINT.
  public func append(_ value: Int64) throws(DuckDBError) {
    try check(duckdb_append_int64(raw, value))
  }

  /// Appends a HUGEINT.
  public func append(_ value: Int128) throws(DuckDBError) {
    try check(duckdb_append_hugeint(raw, duckdb_hugeint(value)))
  }

  /// Appends a UTINYINT.
  public func append(_ value: UInt8) throws(DuckDBError) {
    try check(duckdb_append_uint8(raw, value))
  }

  /// Appends a USMALLINT.
  public func append(_ value: UInt16) throws(DuckDBError) {
    try check(duckdb_append_uint16(raw, value))
  }

  /// Appends a UINTEGER.
  public func append(_ value: UInt32) throws(DuckDBError) {
    try check(duckdb_append_uint32(raw, value))
  }

  /// Appends a UBIGINT.
  public func append(_ value: UInt64) throws(DuckDBError) {
    try check(duckdb_append_uint64(raw, value))
  }

  /// Appends a UHUGEINT.
  public func append(_ value: UInt128) throws(DuckDBError) {
    try check(duckdb_append_uhugeint(raw, duckdb_uhugeint(value)))
  }

  /// Appends a FLOAT.
  public func append(_ value: Float) throws(DuckDBError) {
    try check(duckdb_append_float(raw, value))
  }

  /// Appends a DOUBLE.
  public func append(_ value: Double) throws(DuckDBError) {
    try check(duckdb_append_double(raw, value))
  }

  /// Appends a INTERVAL.
  public func append(_ value: Interval) throws(DuckDBError) {
    try check(duckdb_append_interval(raw, duckdb_interval(value)))
  }

  /// Appends a VARCHAR; NUL characters are kept.
  public func append(_ value: String) throws(DuckDBError) {
    var value = value
    let state = value.withUTF8 { bytes in
      bytes.withMemoryRebound(to: CChar.self) { bytes in
        duckdb_append_varchar_length(raw, bytes.baseAddress ?? emptyText, idx_t(bytes.count))
      }
    }
    try check(state)
  }

  /// Appends a BLOB.
  public func append(_ value: [UInt8]) throws(DuckDBError) {
    let state = value.withUnsafeBytes { bytes in
      duckdb_append_blob(
        raw,
        bytes.baseAddress ?? UnsafeRawPointer(emptyText),
        idx_t(bytes.count)
      )
    }
    try check(state)
  }

  /// Appends a DATE, in days since 1970-01-01.
  public func append(dateInDays days: Int32) throws(DuckDBError) {
    try check(duckdb_append_date(raw, duckdb_date(days: days)))
  }

  /// Appends a TIME, in microseconds since midnight.
  public func append(timeInMicroseconds micros: Int64) throws(DuckDBError) {
    try check(duckdb_append_time(raw, duckdb_time(micros: micros)))
  }

  /// Appends a TIMESTAMP, in microseconds since 1970-01-01, of UTC when the column has a zone.
  public func append(timestampInMicroseconds micros: Int64) throws(DuckDBError) {
    try check(duckdb_append_timestamp(raw, duckdb_timestamp(micros: micros)))
  }

  /// Appends any value; DuckDB casts it to the type of the column.
  public func append(_ value: Value) throws(DuckDBError) {
    switch value {
    case .null: try appendNull()
    case .bool(let value): try append(value)
    case .int(let value): try append(value)
    case .uint(let value): try append(value)
    case .double(let value): try append(value)
    case .text(let value): try append(value)
    case .bytes(let value): try append(value)
    default:
      let handle = try ValueHandle(value)
      try check(duckdb_append_value(raw, handle.raw))
    }
  }

  private func check(_ state: duckdb_state) throws(DuckDBError) {
    guard state != DuckDBSuccess else { return }
    throw Appender.error(of: raw)
  }

  private static func error(of raw: duckdb_appender?) -> DuckDBError {
    var data = raw.flatMap { duckdb_appender_error_data($0) }
    defer { duckdb_destroy_error_data(&data) }
    guard let data, duckdb_error_data_has_error(data),
      let message = duckdb_error_data_message(data)
    else { return DuckDBError(kind: .other(0), message: "DuckDB refused an append") }
    return DuckDBError(message: String(cString: message), type: duckdb_error_data_error_type(data))
  }
}
