// SPDX-License-Identifier: Apache-2.0

internal import CDuckDB

/// Which parameter of a statement: by number from one, or by the name after `$`.
public enum Parameter: Hashable, Sendable, ExpressibleByIntegerLiteral, ExpressibleByStringLiteral {
  /// The number of the parameter, counted from one.
  case index(Int)
  /// The name without its dollar.
  case name(String)

  /// A number.
  public init(integerLiteral value: Int) { self = .index(value) }

  /// A name.
  public init(stringLiteral value: String) { self = .name(value) }
}

extension Statement {
  /// Forgets all bound parameters.
  public func clearBindings() throws(DuckDBError) {
    try check(duckdb_clear_bindings(raw), "the bindings cannot be cleared")
  }

  /// Binds NULL.
  public func bindNull(at parameter: Parameter) throws(DuckDBError) {
    try check(duckdb_bind_null(raw, try index(of: parameter)))
  }

  /// Binds a BOOLEAN.
  public func bind(_ value: Bool, at parameter: Parameter) throws(DuckDBError) {
    try check(duckdb_bind_boolean(raw, try index(of: parameter), value))
  }

  /// Binds a BIGINT.
  public func bind(_ value: Int, at parameter: Parameter) throws(DuckDBError) {
    try check(duckdb_bind_int64(raw, try index(of: parameter), Int64(value)))
  }

  /// Binds a TINYINT.
  public func bind(_ value: Int8, at parameter: Parameter) throws(DuckDBError) {
    try check(duckdb_bind_int8(raw, try index(of: parameter), value))
  }

  /// Binds a SMALLINT.
  public func bind(_ value: Int16, at parameter: Parameter) throws(DuckDBError) {
    try check(duckdb_bind_int16(raw, try index(of: parameter), value))
  }

  /// Binds a INTEGER.
  public func bind(_ value: Int32, at parameter: Parameter) throws(DuckDBError) {
    try check(duckdb_bind_int32(raw, try index(of: parameter), value))
  }

  /// Binds a BIGINT.
  public func bind(_ value: Int64, at parameter: Parameter) throws(DuckDBError) {
    try check(duckdb_bind_int64(raw, try index(of: parameter), value))
  }

  /// Binds a HUGEINT.
  public func bind(_ value: Int128, at parameter: Parameter) throws(DuckDBError) {
    try check(duckdb_bind_hugeint(raw, try index(of: parameter), duckdb_hugeint(value)))
  }

  /// Binds a UTINYINT.
  public func bind(_ value: UInt8, at parameter: Parameter) throws(DuckDBError) {
    try check(duckdb_bind_uint8(raw, try index(of: parameter), value))
  }

  /// Binds a USMALLINT.
  public func bind(_ value: UInt16, at parameter: Parameter) throws(DuckDBError) {
    try check(duckdb_bind_uint16(raw, try index(of: parameter), value))
  }

  /// Binds a UINTEGER.
  public func bind(_ value: UInt32, at parameter: Parameter) throws(DuckDBError) {
    try check(duckdb_bind_uint32(raw, try index(of: parameter), value))
  }

  /// Binds a UBIGINT.
  public func bind(_ value: UInt64, at parameter: Parameter) throws(DuckDBError) {
    try check(duckdb_bind_uint64(raw, try index(of: parameter), value))
  }

  /// Binds a UHUGEINT.
  public func bind(_ value: UInt128, at parameter: Parameter) throws(DuckDBError) {
    try check(duckdb_bind_uhugeint(raw, try index(of: parameter), duckdb_uhugeint(value)))
  }

  /// Binds a FLOAT.
  public func bind(_ value: Float, at parameter: Parameter) throws(DuckDBError) {
    try check(duckdb_bind_float(raw, try index(of: parameter), value))
  }

  /// Binds a DOUBLE.
  public func bind(_ value: Double, at parameter: Parameter) throws(DuckDBError) {
    try check(duckdb_bind_double(raw, try index(of: parameter), value))
  }

  /// Binds a VARCHAR; NUL characters are kept.
  public func bind(_ value: String, at parameter: Parameter) throws(DuckDBError) {
    let index = try index(of: parameter)
    var value = value
    let state = value.withUTF8 { bytes in
      bytes.withMemoryRebound(to: CChar.self) { bytes in
        duckdb_bind_varchar_length(raw, index, bytes.baseAddress ?? emptyText, idx_t(bytes.count))
      }
    }
    try check(state)
  }

  /// Binds a BLOB.
  public func bind(_ value: [UInt8], at parameter: Parameter) throws(DuckDBError) {
    let index = try index(of: parameter)
    let state = value.withUnsafeBytes { bytes in
      duckdb_bind_blob(
        raw,
        index,
        bytes.baseAddress ?? UnsafeRawPointer(emptyText),
        idx_t(bytes.count)
      )
    }
    try check(state)
  }

  /// Binds a DATE, in days since 1970-01-01.
  public func bind(dateInDays days: Int32, at parameter: Parameter) throws(DuckDBError) {
    try check(duckdb_bind_date(raw, try index(of: parameter), duckdb_date(days: days)))
  }

  /// Binds a TIME, in microseconds since midnight.
  public func bind(timeInMicroseconds micros: Int64, at parameter: Parameter) throws(DuckDBError) {
    try check(duckdb_bind_time(raw, try index(of: parameter), duckdb_time(micros: micros)))
  }

  /// Binds a TIMESTAMP, in microseconds since 1970-01-01 on a clock without a zone.
  public func bind(
    timestampInMicroseconds micros: Int64,
    at parameter: Parameter
  ) throws(DuckDBError) {
    let value = duckdb_timestamp(micros: micros)
    try check(duckdb_bind_timestamp(raw, try index(of: parameter), value))
  }

  /// Binds a TIMESTAMP WITH TIME ZONE, in UTC microseconds since 1970-01-01.
  public func bind(
    timestampWithZoneInMicroseconds micros: Int64,
    at parameter: Parameter
  ) throws(DuckDBError) {
    let value = duckdb_timestamp(micros: micros)
    try check(duckdb_bind_timestamp_tz(raw, try index(of: parameter), value))
  }

  /// Binds an INTERVAL.
  public func bind(_ value: Interval, at parameter: Parameter) throws(DuckDBError) {
    try check(duckdb_bind_interval(raw, try index(of: parameter), duckdb_interval(value)))
  }

  /// Binds a DECIMAL: an unscaled number over ten to the power of the scale.
  public func bind(
    decimal unscaled: Int128,
    width: Int = 38,
    scale: Int,
    at parameter: Parameter
  ) throws(DuckDBError) {
    let value = try duckdb_decimal(unscaled: unscaled, width: width, scale: scale)
    try check(duckdb_bind_decimal(raw, try index(of: parameter), value))
  }

  /// Binds any value; lists and structures need elements of one type.
  public func bind(_ value: Value, at parameter: Parameter) throws(DuckDBError) {
    let index = try index(of: parameter)
    let handle = try ValueHandle(value)
    try check(duckdb_bind_value(raw, index, handle.raw))
  }

  private func index(of parameter: Parameter) throws(DuckDBError) -> idx_t {
    switch parameter {
    case .index(let index):
      guard (1...max(parameterCount, 1)).contains(index), parameterCount > 0 else {
        throw DuckDBError(
          kind: .invalidInput,
          message: "Invalid Input Error: no parameter \(index) among \(parameterCount)"
        )
      }
      return idx_t(index)
    case .name(let name):
      try name.checkHasNoNUL()
      var index: idx_t = 0
      guard duckdb_bind_parameter_index(raw, &index, name) == DuckDBSuccess else {
        throw DuckDBError(
          kind: .invalidInput,
          message: "Invalid Input Error: no parameter is named \(name)"
        )
      }
      return index
    }
  }

  private func check(
    _ state: duckdb_state,
    _ otherwise: String = "the parameter cannot be bound"
  ) throws(DuckDBError) {
    guard state != DuckDBSuccess else { return }
    guard let message = duckdb_prepare_error(raw) else {
      throw DuckDBError(kind: .invalidInput, message: "Invalid Input Error: \(otherwise)")
    }
    throw DuckDBError(message: String(cString: message), statement: source)
  }
}
