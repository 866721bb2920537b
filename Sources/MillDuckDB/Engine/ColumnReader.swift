// SPDX-License-Identifier: Apache-2.0

internal import MillCore
internal import MillEngine

/// Gathers the chunks of a result into whole columns.
struct ColumnReader {
  private let types: [DataType]
  private var integers: [[Int64]]
  private var doubles: [[Double]]
  private var decimals: [[Int128]]
  private var bytes: [ByteColumn]
  private var data: [[Datum]]
  private var nulls: [[Bool]]
  private(set) var count = 0

  /// - Parameter types: The published type of each column.
  init(_ types: [DataType]) {
    self.types = types
    integers = types.map { _ in [] }
    doubles = types.map { _ in [] }
    decimals = types.map { _ in [] }
    bytes = types.map { _ in ByteColumn() }
    data = types.map { _ in [] }
    nulls = types.map { _ in [] }
  }

  mutating func append(_ chunk: borrowing DataChunk) throws(DuckDBError) {
    for column in types.indices { try append(chunk, column) }
    count += chunk.rowCount
  }

  private mutating func append(
    _ chunk: borrowing DataChunk,
    _ column: Int
  ) throws(DuckDBError) {
    let rows = chunk.rowCount
    switch chunk.columns[column].type {
    case .boolean: try fixed(chunk, column, as: Bool.self) { $0 ? 1 : 0 }
    case .tinyint: try fixed(chunk, column, as: Int8.self) { Int64($0) }
    case .smallint: try fixed(chunk, column, as: Int16.self) { Int64($0) }
    case .integer, .date: try fixed(chunk, column, as: Int32.self) { Int64($0) }
    case .bigint, .timestamp, .timestampWithZone:
      try fixed(chunk, column, as: Int64.self) { $0 }
    case .float:
      let known = try chunk.withStorage(column, as: Float.self) {
        (values, validity) throws(DuckDBError) -> [Bool] in
        for row in 0..<rows { doubles[column].append(Double(values[row])) }
        return Self.nulls(validity, rows)
      }
      add(known, column, rows)
    case .double:
      let known = try chunk.withStorage(column, as: Double.self) {
        (values, validity) throws(DuckDBError) -> [Bool] in
        for row in 0..<rows { doubles[column].append(values[row]) }
        return Self.nulls(validity, rows)
      }
      add(known, column, rows)
    case .decimal:
      var known: [Bool] = []
      try chunk.withDecimals(column) { (values) throws(DuckDBError) in
        for row in 0..<rows {
          let value = values[row]
          if value == nil, known.isEmpty { known = Array(repeating: false, count: rows) }
          if value == nil { known[row] = true }
          decimals[column].append(value ?? 0)
        }
      }
      add(known, column, rows)
    case .varchar, .blob:
      var known: [Bool] = []
      try chunk.withText(column) { (values) throws(DuckDBError) in
        for row in 0..<rows {
          if values.isNull(row) {
            if known.isEmpty { known = Array(repeating: false, count: rows) }
            known[row] = true
          }
          bytes[column].append(values[row])
        }
      }
      add(known, column, rows)
    default:
      for row in 0..<rows {
        data[column].append(Datum(try chunk.value(column: column, row: row)))
      }
      add([], column, rows)
    }
  }

  private mutating func fixed<Element: ColumnElement>(
    _ chunk: borrowing DataChunk,
    _ column: Int,
    as element: Element.Type,
    _ number: (Element) -> Int64
  ) throws(DuckDBError) {
    let rows = chunk.rowCount
    let known = try chunk.withStorage(column, as: element) {
      (values, validity) throws(DuckDBError) -> [Bool] in
      for row in 0..<rows { integers[column].append(number(values[row])) }
      return Self.nulls(validity, rows)
    }
    add(known, column, rows)
  }

  private static func nulls(_ validity: borrowing Validity, _ rows: Int) -> [Bool] {
    if validity.isAllValid { return [] }
    var nulls: [Bool] = []
    nulls.reserveCapacity(rows)
    for row in 0..<rows { nulls.append(!validity[row]) }
    return nulls
  }

  private mutating func add(_ known: [Bool], _ column: Int, _ rows: Int) {
    if known.isEmpty, nulls[column].isEmpty { return }
    // Chunks before this one had no null.
    if nulls[column].isEmpty { nulls[column] = Array(repeating: false, count: count) }
    nulls[column] += known.isEmpty ? Array(repeating: false, count: rows) : known
  }

  consuming func finish() -> ColumnBatch {
    var columns: [ColumnValues] = []
    for (column, type) in types.enumerated() {
      let storage: ColumnValues.Storage =
        switch type {
        case .boolean, .byte, .short, .integer, .long, .date, .timestamp, .timestampWithoutZone:
          .integers(integers[column])
        case .float, .double: .doubles(doubles[column])
        case .decimal(_, let scale): .decimals(decimals[column], scale: scale)
        case .string, .binary: .bytes(bytes[column])
        case .array, .map, .structure, .void: .data(data[column])
        }
      columns.append(ColumnValues(type: type, storage: storage, nulls: nulls[column]))
    }
    return ColumnBatch(count: count, columns: columns)
  }
}

extension Datum {
  /// A cell of a result; a map or a structure, which no answer holds, is null.
  fileprivate init(_ value: Value) {
    self =
      switch value {
      case .bool(let value): .boolean(value)
      case .int(let value): .integer(value)
      case .float(let value): value.isNaN ? .null : .double(Double(value))
      case .double(let value): value.isNaN ? .null : .double(value)
      case .decimal(let unscaled, let scale): .decimal(unscaled: unscaled, scale: scale)
      case .text(let text): .text(text)
      case .bytes(let bytes): .bytes(bytes)
      case .date(let days): .date(CivilDate(daysSinceEpoch: days))
      case .timestamp(let microseconds), .timestampWithZone(let microseconds):
        .instant(Instant(microseconds: microseconds))
      case .list(let values): .list(values.map { Datum($0) })
      default: .null
      }
  }
}
