// SPDX-License-Identifier: Apache-2.0

internal import CDuckDB

/// One column of a chunk, or one field or the elements of it, in DuckDB's own memory.
///
/// It is lent to a closure and cannot be copied out of it.
public struct ColumnVector: ~Copyable {
  /// The type of the values.
  public let type: DuckDBType
  /// How many rows there are.
  public let count: Int

  let raw: duckdb_vector
  let data: UnsafeMutableRawPointer?
  let words: UnsafePointer<UInt64>?

  init(_ raw: duckdb_vector, type: DuckDBType, count: Int) {
    self.raw = raw
    self.type = type
    self.count = count
    data = duckdb_vector_get_data(raw)
    words = duckdb_vector_get_validity(raw).map { UnsafePointer($0) }
  }

  /// Which rows hold a value.
  public var validity: Validity { Validity(words, count: count) }

  /// Whether a row is NULL.
  public func isNull(_ row: Int) -> Bool { !validity[row] }

  /// Reads values of fixed width in place.
  ///
  /// What lies in a row that is NULL is not defined: look at the validity first.
  ///
  /// - Throws: `typeMismatch` unless the column has exactly the SQL type of the element.
  public func withElements<Element: ColumnElement, Result: ~Copyable>(
    as element: Element.Type,
    _ body: (Span<Element>, borrowing Validity) throws(DuckDBError) -> Result
  ) throws(DuckDBError) -> Result {
    guard type == Element.columnType else { throw mismatch("\(Element.columnType)") }
    return try withMemory(body)
  }

  /// Reads what DuckDB stores for the type, on the caller's word for what it means.
  ///
  /// DATE is `Int32` days; TIME and TIMESTAMP are `Int64` in the unit of their name, microseconds
  /// otherwise; DECIMAL is an unscaled `Int16`, `Int32`, `Int64` or `Int128` for up to 4, 9, 18 or
  /// 38 digits; ENUM is a `UInt8`, `UInt16` or `UInt32` code into the names of its type; UUID is
  /// `Int128` with the highest bit turned.
  ///
  /// - Throws: `typeMismatch` when the stored type is another.
  public func withStorage<Element: ColumnElement, Result: ~Copyable>(
    as element: Element.Type,
    _ body: (Span<Element>, borrowing Validity) throws(DuckDBError) -> Result
  ) throws(DuckDBError) -> Result {
    guard let storage = type.storage, storage == Element.columnType else {
      throw mismatch("something stored as \(Element.columnType)")
    }
    return try withMemory(body)
  }

  /// Reads texts or blobs in place.
  public func withText<Result: ~Copyable>(
    _ body: (borrowing TextColumn) throws(DuckDBError) -> Result
  ) throws(DuckDBError) -> Result {
    guard type == .varchar || type == .blob, let data else { throw mismatch("VARCHAR or BLOB") }
    return try body(TextColumn(data, words, count: count))
  }

  /// Reads decimals of any width in place.
  public func withDecimals<Result: ~Copyable>(
    _ body: (borrowing DecimalColumn) throws(DuckDBError) -> Result
  ) throws(DuckDBError) -> Result {
    guard case .decimal(let width, let scale) = type, let data else { throw mismatch("DECIMAL") }
    return try body(DecimalColumn(data, words, count: count, width: width, scale: scale))
  }

  /// Reads lists in place: an entry per row, and all elements of all rows one after another.
  ///
  /// A MAP is a list of structures with the fields `key` and `value`.
  public func withLists<Result: ~Copyable>(
    _ body: (Span<ListEntry>, borrowing Validity, borrowing ColumnVector) throws(DuckDBError) ->
      Result
  ) throws(DuckDBError) -> Result {
    guard let data, let elementType = type.listElement,
      let child = duckdb_list_vector_get_child(raw)
    else { throw mismatch("LIST or MAP") }
    let elements = ColumnVector(
      child,
      type: elementType,
      count: Int(duckdb_list_vector_get_size(raw))
    )
    let entries = data.assumingMemoryBound(to: ListEntry.self)
    return try body(
      UnsafeBufferPointer(start: entries, count: count).span,
      validity,
      elements
    )
  }

  /// Reads the elements of arrays of one size in place: row times size is a row's first element.
  public func withArrayElements<Result: ~Copyable>(
    _ body: (borrowing ColumnVector) throws(DuckDBError) -> Result
  ) throws(DuckDBError) -> Result {
    guard case .array(let elementType, let size) = type,
      let child = duckdb_array_vector_get_child(raw)
    else { throw mismatch("ARRAY") }
    return try body(ColumnVector(child, type: elementType, count: count * size))
  }

  /// Reads one field of structures in place.
  ///
  /// - Throws: `invalidInput` for a field that is not there.
  public func withField<Result: ~Copyable>(
    _ index: Int,
    _ body: (borrowing ColumnVector) throws(DuckDBError) -> Result
  ) throws(DuckDBError) -> Result {
    guard let fields = type.storedFields else { throw mismatch("STRUCT or UNION") }
    guard fields.indices.contains(index),
      let child = duckdb_struct_vector_get_child(raw, idx_t(index))
    else {
      throw DuckDBError(
        kind: .invalidInput,
        message: "Invalid Input Error: no field \(index) among \(fields.count)"
      )
    }
    return try body(ColumnVector(child, type: fields[index].type, count: count))
  }

  func mismatch(_ wanted: String) -> DuckDBError {
    DuckDBError(kind: .typeMismatch, message: "the column is \(type) and was read as \(wanted)")
  }

  private func withMemory<Element: ColumnElement, Result: ~Copyable>(
    _ body: (Span<Element>, borrowing Validity) throws(DuckDBError) -> Result
  ) throws(DuckDBError) -> Result {
    guard let data else {
      guard count == 0 else { throw mismatch("a column with memory of its own") }
      return try body(Span(), validity)
    }
    guard Int(bitPattern: data) % MemoryLayout<Element>.alignment == 0 else {
      // C aligns a HUGEINT to 8 bytes and Swift an Int128 to 16: DuckDB may hand out either.
      let copy = UnsafeMutableBufferPointer<Element>.allocate(capacity: count)
      defer { copy.deallocate() }
      UnsafeMutableRawBufferPointer(copy).copyMemory(
        from: UnsafeRawBufferPointer(start: data, count: count * MemoryLayout<Element>.size)
      )
      return try body(UnsafeBufferPointer(copy).span, validity)
    }
    let elements = data.assumingMemoryBound(to: Element.self)
    return try body(UnsafeBufferPointer(start: elements, count: count).span, validity)
  }
}
