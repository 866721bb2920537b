// SPDX-License-Identifier: Apache-2.0

internal import MillCore
internal import MillEngine
internal import MillSQL

/// Reads what `COPY … (RETURN_STATS)` says of a file into the forms of Delta.
///
/// > Source: DuckDB, "COPY statement", RETURN_STATS; Delta transaction log protocol, "Per-file
/// > Statistics" and "Partition Value Serialization".
struct WrittenFile {
  let schema: Schema
  var mapping = ColumnMapping.none
  let dialect = DuckDBDialect()

  /// How many of the columns are read.
  static let columns = 6

  /// - Parameter row: filename, count, file_size_bytes, footer_size_bytes, column_statistics,
  ///   partition_keys.
  func dataFile(_ row: [Value]) throws(EngineError) -> DataFile {
    guard row.count >= 6, case .text(let path) = row[0], let rows = row[1].count,
      let size = row[2].count
    else {
      throw .failed(message: "COPY returned a row of another shape")
    }
    var columns: [String: ColumnStatistics] = [:]
    if case .map(let entries) = row[4] {
      var facts: [String: [Value.MapEntry]] = [:]
      for entry in entries {
        if case .text(let name) = entry.key, case .map(let found) = entry.value {
          facts[name] = found
        }
      }
      columns = try statistics(of: schema.fields, in: facts, below: "")
    }
    var values: [String: String?] = [:]
    if case .map(let entries) = row[5] {
      for entry in entries {
        guard case .text(let name) = entry.key else { continue }
        let column = schema.fields.first { $0.physicalName(mapping) == name }?.name ?? name
        values[column] = .some(try partitionText(entry.value, column: column))
      }
    }
    return DataFile(
      location: path,
      partitionValues: values,
      sizeInBytes: size,
      statistics: FileStatistics(rows: rows, columns: columns),
      tags: [ColumnsID.tag: ColumnsID.of(schema.fields, without: Set(values.keys), mapping)]
    )
  }

  /// What is known of columns and, below structures, of their members.
  private func statistics(
    of fields: [Field],
    in facts: [String: [Value.MapEntry]],
    below path: String
  ) throws(EngineError) -> [String: ColumnStatistics] {
    var columns: [String: ColumnStatistics] = [:]
    for field in fields {
      let key = path + dialect.quote(field.physicalName(mapping))
      guard let found = facts[key] else { continue }
      var column = try statistics(found, field)
      if case .structure(let members) = field.type {
        column.members = try statistics(of: members, in: facts, below: key + ".")
      }
      columns[field.name] = column
    }
    return columns
  }

  private func statistics(
    _ facts: [Value.MapEntry],
    _ field: Field
  ) throws(EngineError) -> ColumnStatistics {
    let type = field.type
    var text: [String: String] = [:]
    for fact in facts {
      if case .text(let key) = fact.key, case .text(let value) = fact.value { text[key] = value }
    }
    var result = ColumnStatistics(nullCount: text["null_count"].flatMap { Int64($0) })
    try requirePublishable([text["min"], text["max"]], field)
    // NaN has no place in an order, so a column that holds one has no bounds.
    guard text["has_nan"] != "true" else { return result }
    if text["min_is_exact"] == "true" {
      result.minimum = text["min"].flatMap { bound($0, type, isMaximum: false) }
    }
    if text["max_is_exact"] == "true" {
      result.maximum = text["max"].flatMap { bound($0, type, isMaximum: true) }
    }
    return result
  }

  /// Days and instants outside of the years 1 to 9999 make other readers fail on the whole table.
  private func requirePublishable(
    _ bounds: [String?],
    _ field: Field
  ) throws(EngineError) {
    for case let text? in bounds {
      let isFine =
        switch field.type {
        case .date: CivilDate(iso8601: text) != nil
        case .timestamp, .timestampWithoutZone: Self.instant(text) != nil
        default: true
        }
      guard !isFine else { continue }
      throw .data(
        message: "column \(field.name) holds a \(field.type) outside of the years 1 to 9999, "
          + "which no other reader of the table could read",
        line: nil,
        column: nil
      )
    }
  }

  private func bound(_ text: String, _ type: DataType, isMaximum: Bool) -> JSONValue? {
    switch type {
    case .long, .integer, .short, .byte, .decimal:
      return JSONNumber(text: text).map { .number($0) }
    case .double, .float:
      return Double(text).flatMap { JSONNumber($0) }.map { .number($0) }
    case .string:
      return .string(text)
    case .date:
      return CivilDate(iso8601: text).map { .string($0.description) }
    case .timestamp, .timestampWithoutZone:
      guard let instant = Self.instant(text) else { return nil }
      // Bounds have milliseconds: down for the least, up for the greatest.
      let floor = instant.milliseconds
      let isWhole = floor * 1000 == instant.microseconds
      guard let bound = Instant(milliseconds: isMaximum && !isWhole ? floor + 1 : floor) else {
        return nil
      }
      let bounded = Self.withMilliseconds(bound)
      // What has no zone is written without one.
      return .string(type == .timestamp ? bounded : String(bounded.dropLast()))
    default:
      return nil
    }
  }

  private func partitionText(_ value: Value, column: String) throws(EngineError) -> String? {
    guard case .text(let text) = value else { return nil }
    guard !text.isEmpty else {
      throw .data(
        message: "column \(column) has empty text, which a partition of a Delta table reads back "
          + "as null: write NULLIF(\(column), '') or do not partition by it",
        line: nil,
        column: nil
      )
    }
    switch schema[name: column]?.type {
    case .timestamp?, .timestampWithoutZone?:
      guard let instant = Self.instant(text) else {
        throw unpublishable(column, "an instant outside of the years 1 to 9999")
      }
      // YYYY-MM-DD hh:mm:ss[.ffffff], in UTC.
      return instant.description.replacing("T", with: " ", maxReplacements: 1)
        .replacing("Z", with: "")
    case .date?:
      guard CivilDate(iso8601: text) != nil else {
        throw unpublishable(column, "a day outside of the years 1 to 9999")
      }
      return text
    case .binary?:
      // DuckDB writes `\x00` for a byte that is no plain character; other readers take that for
      // four characters.
      guard !text.utf8.contains(UInt8(ascii: "\\")) else {
        throw unpublishable(column, "bytes that are no plain characters")
      }
      return text
    default: return text
    }
  }

  private func unpublishable(_ column: String, _ what: String) -> EngineError {
    .data(
      message: "column \(column) has \(what), which other readers of a Delta table cannot read as "
        + "the value of a partition: change it or do not partition by it",
      line: nil,
      column: nil
    )
  }

  /// DuckDB writes `2024-01-01 00:00:00.5+00` in a session in UTC.
  static func instant(_ text: String) -> Instant? {
    Instant(iso8601: text.hasSuffix("+00") ? text + ":00" : text)
  }

  private static func withMilliseconds(_ instant: Instant) -> String {
    let fraction = instant.milliseconds - 1000 * (instant.microseconds / 1_000_000)
    let positive = ((fraction % 1000) + 1000) % 1000
    let seconds = Instant(microseconds: (instant.milliseconds - positive) * 1000)
    let digits = String(positive)
    return seconds.description.dropLast()
      + "." + String(repeating: "0", count: 3 - digits.count) + digits + "Z"
  }
}

extension Value {
  /// A count, whichever integer type it came as.
  var count: Int64? {
    switch self {
    case .int(let number): number
    case .uint(let number): Int64(exactly: number)
    case .hugeint(let number): Int64(exactly: number)
    default: nil
    }
  }
}
