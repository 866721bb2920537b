// SPDX-License-Identifier: Apache-2.0

internal import MillCore
internal import MillEngine
internal import MillSQL

/// The SQL of declared repairs, and the count of cells that they change.
struct RepairWork {
  let repairs: [Repair]
  let schema: Schema
  let dialect: any Dialect

  /// Defines a relation with the repaired columns.
  ///
  /// Repairs of one column follow each other in their order; imputed statistics are those of the
  /// values that came, not of values that another repair made.
  /// - Returns: Changed cells per repair.
  func define(
    _ repaired: RelationName,
    over source: RelationName,
    in session: any EngineSession
  ) async throws -> [String: Int64] {
    let table = dialect.quote(source.name)
    var expressions = Dictionary(
      uniqueKeysWithValues: schema.names.map { ($0, dialect.quote($0)) }
    )
    var changes: [(name: String, condition: String)] = []
    for repair in repairs {
      let column = repair.column
      guard let before = expressions[column], let type = schema[name: column]?.type else {
        continue
      }
      switch repair {
      case .fill(_, let value):
        changes.append((repair.name, "(\(before)) IS NULL"))
        expressions[column] = "coalesce(\(before), \(literal(value, type)))"
      case .impute(_, let statistic):
        guard let value = try await self.value(of: statistic, column, table, session) else {
          continue
        }
        changes.append((repair.name, "(\(before)) IS NULL"))
        expressions[column] = "coalesce(\(before), \(literal(value, type)))"
      case .clamp(_, let minimum, let maximum):
        let low = minimum.map { literal($0, type) }
        let high = maximum.map { literal($0, type) }
        let isLow = low.map { "(\(before)) < \($0)" }
        let isHigh = high.map { "(\(before)) > \($0)" }
        changes.append((repair.name, [isLow, isHigh].compactMap { $0 }.joined(separator: " OR ")))
        var cases = ""
        if let low, let isLow { cases += " WHEN \(isLow) THEN \(low)" }
        if let high, let isHigh { cases += " WHEN \(isHigh) THEN \(high)" }
        expressions[column] = "CASE\(cases) ELSE \(before) END"
      }
    }
    let columns = schema.names.map { "\(expressions[$0] ?? "NULL") AS \(dialect.quote($0))" }
    try await session.define(
      repaired,
      as: "SELECT \(columns.joined(separator: ",\n  ")) FROM \(table)",
      keeping: .view
    )
    guard !changes.isEmpty else { return [:] }
    let counts = changes.map { "count(*) FILTER (WHERE \($0.condition))" }
    let row = try await session.rows(
      "SELECT \(counts.joined(separator: ", ")) FROM \(table)",
      limit: 1
    )
    var changed: [String: Int64] = [:]
    for (index, change) in changes.enumerated() {
      changed[change.name, default: 0] += row.integer(0, index) ?? 0
    }
    return changed
  }

  /// The statistic as text that casts back to the column's type; nil when all values are null.
  private func value(
    of statistic: Repair.Statistic,
    _ column: String,
    _ table: String,
    _ session: any EngineSession
  ) async throws -> JSONValue? {
    let name = dialect.quote(column)
    let query =
      switch statistic {
      case .median: "SELECT CAST(median(\(name)) AS VARCHAR) FROM \(table)"
      case .mean: "SELECT CAST(avg(\(name)) AS VARCHAR) FROM \(table)"
      // Of several most frequent values the least, so that two runs agree.
      case .mode:
        "SELECT CAST(\(name) AS VARCHAR) FROM \(table) WHERE \(name) IS NOT NULL "
          + "GROUP BY \(name) ORDER BY count(*) DESC, \(name) LIMIT 1"
      }
    let row = try await session.rows(query, limit: 1)
    guard let value = row.rows.first?.first, !value.isNull else { return nil }
    return value
  }

  private func literal(_ value: JSONValue, _ type: DataType) -> String {
    let text = value.text ?? value.serialized()
    let plain = "CAST(\(dialect.literal(text)) AS \(dialect.typeName(type)))"
    switch type {
    case .long, .integer, .short, .byte:
      guard Int64(text) == nil else { return plain }
      // A median of integers may lie between two of them.
      return
        "CAST(round(CAST(\(dialect.literal(text)) AS DECIMAL(38,10))) AS \(dialect.typeName(type)))"
    default: return plain
    }
  }
}
