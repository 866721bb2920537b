// SPDX-License-Identifier: Apache-2.0

package import MillCore

extension FileStatistics {
  /// How many leaf columns have bounds unless a table says otherwise.
  package static let indexedColumns = 32

  /// The statistics as the `stats` text of an add action; columns follow the schema's order.
  ///
  /// - Parameter limit: How many leaf columns, counted from the first, have bounds; negative for all.
  ///
  /// > Source: Delta transaction log protocol, "Per-file Statistics".
  package func statsText(
    for schema: Schema,
    mapping: ColumnMapping = .none,
    limit: Int = FileStatistics.indexedColumns
  ) -> String? {
    guard let rows else { return nil }
    var writer = StatisticsWriter(mapping: mapping, left: limit < 0 ? .max : limit)
    let (minimums, maximums, nulls) = writer.objects(schema.fields, columns)
    var object = JSONObject()
    object["numRecords"] = .int(rows)
    object["minValues"] = .object(minimums)
    object["maxValues"] = .object(maximums)
    object["nullCount"] = .object(nulls)
    return JSONValue.object(object).serialized()
  }

  private struct StatisticsWriter {
    let mapping: ColumnMapping
    var left: Int

    mutating func objects(
      _ fields: [Field],
      _ columns: [String: ColumnStatistics]
    ) -> (JSONObject, JSONObject, JSONObject) {
      var minimums = JSONObject()
      var maximums = JSONObject()
      var nulls = JSONObject()
      for field in fields {
        let name = field.physicalName(mapping)
        if case .structure(let members) = field.type {
          let (low, high, absent) = objects(members, columns[field.name]?.members ?? [:])
          if !low.isEmpty { minimums[name] = .object(low) }
          if !high.isEmpty { maximums[name] = .object(high) }
          if !absent.isEmpty { nulls[name] = .object(absent) }
          continue
        }
        guard left > 0 else { continue }
        left -= 1
        guard let column = columns[field.name] else { continue }
        if let minimum = column.minimum { minimums[name] = minimum }
        if let maximum = column.maximum { maximums[name] = maximum }
        if let nullCount = column.nullCount { nulls[name] = .int(nullCount) }
      }
      return (minimums, maximums, nulls)
    }
  }

  /// Reads the `stats` text of an add action; text that is not JSON says nothing, which is allowed.
  package init(statsText: String?, schema: Schema, _ mapping: ColumnMapping = .none) {
    guard let statsText, let json = try? JSONValue(parsing: statsText) else {
      self.init(rows: nil)
      return
    }
    self.init(
      rows: json["numRecords"]?.integer,
      columns: Self.columns(
        schema.fields,
        json["minValues"],
        json["maxValues"],
        json["nullCount"],
        mapping
      )
    )
  }

  private static func columns(
    _ fields: [Field],
    _ minimums: JSONValue?,
    _ maximums: JSONValue?,
    _ nulls: JSONValue?,
    _ mapping: ColumnMapping
  ) -> [String: ColumnStatistics] {
    var columns: [String: ColumnStatistics] = [:]
    for field in fields {
      let name = field.physicalName(mapping)
      let (low, high, absent) = (minimums?[name], maximums?[name], nulls?[name])
      guard low != nil || high != nil || absent != nil else { continue }
      var column = ColumnStatistics(nullCount: absent?.integer)
      if case .structure(let members) = field.type {
        column.members = Self.columns(members, low, high, absent, mapping)
      } else {
        if let low, low.object == nil, !low.isNull { column.minimum = low }
        if let high, high.object == nil, !high.isNull { column.maximum = high }
      }
      columns[field.name] = column
    }
    return columns
  }
}
