// SPDX-License-Identifier: Apache-2.0

public import MillCore

extension FileStatistics {
  /// The statistics as the `stats` text of an add action; columns follow the schema's order.
  ///
  /// > Source: Delta transaction log protocol, "Per-file Statistics".
  package func statsText(for schema: Schema) -> String? {
    guard let rows else { return nil }
    var minimums = JSONObject()
    var maximums = JSONObject()
    var nulls = JSONObject()
    for field in schema.fields {
      guard let column = columns[field.name] else { continue }
      if let minimum = column.minimum { minimums[field.name] = minimum }
      if let maximum = column.maximum { maximums[field.name] = maximum }
      if let nullCount = column.nullCount { nulls[field.name] = .int(nullCount) }
    }
    var object = JSONObject()
    object["numRecords"] = .int(rows)
    object["minValues"] = .object(minimums)
    object["maxValues"] = .object(maximums)
    object["nullCount"] = .object(nulls)
    return JSONValue.object(object).serialized()
  }

  /// Reads the `stats` text of an add action; text that is not JSON says nothing, which is allowed.
  package init(statsText: String?) {
    guard let statsText, let json = try? JSONValue(parsing: statsText) else {
      self.init(rows: nil)
      return
    }
    var columns: [String: ColumnStatistics] = [:]
    for (name, value) in json["minValues"]?.object ?? JSONObject() where value.object == nil {
      columns[name, default: ColumnStatistics()].minimum = value
    }
    for (name, value) in json["maxValues"]?.object ?? JSONObject() where value.object == nil {
      columns[name, default: ColumnStatistics()].maximum = value
    }
    for (name, value) in json["nullCount"]?.object ?? JSONObject() {
      if let count = value.integer { columns[name, default: ColumnStatistics()].nullCount = count }
    }
    self.init(rows: json["numRecords"]?.integer, columns: columns)
  }
}

extension AddFile {
  /// The statistics, read from their text; empty when there are none.
  public var statistics: FileStatistics { FileStatistics(statsText: stats) }
}
