// SPDX-License-Identifier: Apache-2.0

package import MillCore
package import MillSQL

extension Check {
  /// SQL that is true exactly for the rows of which this rule says no; never null.
  ///
  /// - Parameter dangling: For a reference, the relation of values that are missing over there.
  /// - Returns: nil for rules that one row cannot break.
  package func violation(
    in schema: Schema,
    _ dialect: any Dialect,
    dangling: String?
  ) -> String? {
    switch self {
    case .complete(let columns):
      return columns.map { "\(dialect.quote($0)) IS NULL" }.joined(separator: " OR ")
    case .range(let column, let minimum, let maximum):
      let name = dialect.quote(column)
      let type = schema[name: column]?.type ?? .string
      var outside: [String] = []
      if let minimum { outside.append("\(name) < \(literal(minimum, type, dialect))") }
      if let maximum { outside.append("\(name) > \(literal(maximum, type, dialect))") }
      // A range says nothing of NaN but that it lies in none.
      if type == .double || type == .float { outside.append("isnan(\(name))") }
      return "coalesce(\(outside.joined(separator: " OR ")), false)"
    case .pattern(let column, let regex):
      return "coalesce(NOT \(dialect.matches(dialect.quote(column), pattern: regex)), false)"
    case .allowed(let column, let values):
      let type = schema[name: column]?.type ?? .string
      let list = values.map { literal($0, type, dialect) }.joined(separator: ", ")
      return "coalesce(\(dialect.quote(column)) NOT IN (\(list)), false)"
    case .reference(let columns, _, _):
      guard let dangling else { return "false" }
      return "coalesce(\(dialect.row(columns)) IN "
        + "(SELECT \(dialect.row(columns)) FROM \(dangling)), false)"
    case .predicate(let sql):
      return "coalesce(NOT (\n\(sql)\n), false)"
    case .unique, .rows, .query:
      return nil
    }
  }

  /// SQL that is true for rows that the rule has an opinion on.
  package func evaluated(_ dialect: any Dialect) -> String? {
    switch self {
    case .complete: "true"
    case .range(let column, _, _), .pattern(let column, _), .allowed(let column, _):
      "\(dialect.quote(column)) IS NOT NULL"
    case .reference(let columns, _, _):
      columns.map { "\(dialect.quote($0)) IS NOT NULL" }.joined(separator: " AND ")
    case .predicate(let sql): "(\n\(sql)\n) IS NOT NULL"
    case .unique, .rows, .query: nil
    }
  }

  private func literal(_ value: JSONValue, _ type: DataType, _ dialect: any Dialect) -> String {
    let text: String =
      switch value {
      case .number(let number): number.text
      case .string(let text): text
      case .bool(let bool): bool ? "true" : "false"
      default: value.serialized()
      }
    if type == .string { return dialect.literal(text) }
    return "CAST(\(dialect.literal(text)) AS \(dialect.typeName(comparable(type, text))))"
  }

  /// A bound may have a fraction although the column has none; doubles would merge neighbours of
  /// large numbers, decimals do not.
  private func comparable(_ type: DataType, _ text: String) -> DataType {
    switch type {
    case .long, .integer, .short, .byte, .decimal:
      let parts = text.split(separator: ".", omittingEmptySubsequences: false)
      let digits = parts.map { $0.utf8.count { (0x30...0x39).contains($0) } }
      let isPlain = parts.count <= 2 && !text.utf8.contains { $0 | 0x20 == UInt8(ascii: "e") }
      let precision = digits.reduce(0, +)
      guard isPlain, (1...38).contains(precision) else { return .double }
      return .decimal(precision: precision, scale: parts.count == 2 ? digits[1] : 0)
    case .float: return .double
    default: return type
    }
  }
}
