// SPDX-License-Identifier: Apache-2.0

extension Expression: CustomStringConvertible {
  /// SQL that reads back as the same expression.
  ///
  /// A parser gives no AND within an AND, no OR within an OR and no minus before a number; an
  /// expression that has them reads back without.
  public var description: String {
    switch self {
    case .literal(let datum): Self.text(of: datum)
    case .column(let name): Self.quoted(name, "\"")
    case .negated(let part): "(- \(part))"
    case .arithmetic(let operation, let left, let right):
      "(\(left) \(operation.rawValue) \(right))"
    case .joined(let left, let right): "(\(left) || \(right))"
    case .comparison(let comparison, let left, let right):
      "(\(left) \(comparison.rawValue) \(right))"
    case .all(let parts): "(" + parts.map(\.description).joined(separator: " AND ") + ")"
    case .any(let parts): "(" + parts.map(\.description).joined(separator: " OR ") + ")"
    case .not(let part): "(NOT \(part))"
    case .isNull(let part): "(\(part) IS NULL)"
    case .oneOf(let part, let values): "(\(part) IN (\(Self.list(values))))"
    case .between(let part, let low, let high): "(\(part) BETWEEN \(low) AND \(high))"
    case .choice(let branches, let otherwise):
      "CASE" + branches.map { " WHEN \($0.condition) THEN \($0.value)" }.joined()
        + " ELSE \(otherwise) END"
    case .coalesce(let parts): "coalesce(\(Self.list(parts)))"
    case .nullIf(let left, let right): "nullif(\(left), \(right))"
    case .cast(let kind, let part, let type): "\(kind.rawValue)(\(part) AS \(type.sqlName))"
    case .call(let function, let parts): "\(function.rawValue)(\(Self.list(parts)))"
    }
  }

  private static func list(_ parts: [Expression]) -> String {
    parts.map(\.description).joined(separator: ", ")
  }

  private static func text(of datum: Datum) -> String {
    switch datum {
    case .null: "NULL"
    case .boolean(let value): value ? "TRUE" : "FALSE"
    case .integer(let value): String(value)
    case .double(let value):
      // Without an exponent it would read back as a decimal.
      value.description.utf8.contains(UInt8(ascii: "e"))
        ? value.description : value.description + "e0"
    case .decimal(let unscaled, let scale): Datum.decimalText(unscaled, scale: scale)
    case .text(let text): quoted(text, "'")
    case .date(let date): "DATE '\(date)'"
    case .instant(let instant): "TIMESTAMPTZ '\(instant)'"
    case .bytes, .list: "NULL"
    }
  }

  private static func quoted(_ text: String, _ quote: Character) -> String {
    var quoted = String(quote)
    for scalar in text.unicodeScalars {
      if Character(scalar) == quote { quoted.append(quote) }
      quoted.unicodeScalars.append(scalar)
    }
    quoted.append(quote)
    return quoted
  }
}

extension Datum {
  /// A decimal with its point, at least one digit before it: `-0.05`.
  public static func decimalText(_ unscaled: Int128, scale: Int) -> String {
    var digits = String(unscaled.magnitude)
    guard scale > 0 else { return String(unscaled) }
    if digits.utf8.count <= scale {
      digits = String(repeating: "0", count: scale + 1 - digits.utf8.count) + digits
    }
    return (unscaled < 0 ? "-" : "") + digits.dropLast(scale) + "." + digits.suffix(scale)
  }
}

extension DataType {
  /// The type as it is written in an expression.
  public var sqlName: String {
    switch self {
    case .string: "VARCHAR"
    case .long: "BIGINT"
    case .integer: "INTEGER"
    case .short: "SMALLINT"
    case .byte: "TINYINT"
    case .float: "REAL"
    case .double: "DOUBLE"
    case .decimal(let precision, let scale): "DECIMAL(\(precision), \(scale))"
    case .boolean: "BOOLEAN"
    case .binary: "BLOB"
    case .date: "DATE"
    case .timestamp: "TIMESTAMPTZ"
    case .timestampWithoutZone: "TIMESTAMP"
    case .array(let element, _): "\(element.sqlName)[]"
    case .map: "MAP"
    case .structure: "STRUCT"
    case .void: "NULL"
    }
  }
}
