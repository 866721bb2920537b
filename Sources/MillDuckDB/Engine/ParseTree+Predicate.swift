// SPDX-License-Identifier: Apache-2.0

internal import MillCore
internal import MillEngine

extension ParseTree {
  /// The condition of `SELECT 1 WHERE (…)`, as far as files can be judged by it.
  ///
  /// Everything that is not a comparison of a column with a constant, or made of such, is unknown.
  ///
  /// - Throws: `EngineError.sql` when the text is more or less than a condition on one row.
  func condition() throws(EngineError) -> TablePredicate {
    let references = try references()
    guard references.isEmpty, let node = root["node"], node["type"]?.text == "SELECT_NODE",
      node["from_table"]?["type"]?.text == "EMPTY", let clause = node["where_clause"],
      clause.object != nil, !Self.hasSubquery(clause)
    else {
      throw .sql(
        message: "this is no condition on the rows of one table",
        line: nil,
        column: nil
      )
    }
    return Self.predicate(clause)
  }

  private static func hasSubquery(_ value: JSONValue) -> Bool {
    if let items = value.array { return items.contains(where: hasSubquery) }
    guard let object = value.object else { return false }
    if ["SUBQUERY", "WINDOW"].contains(value["class"]?.text) { return true }
    return object.contains { hasSubquery($0.value) }
  }

  private static func predicate(_ node: JSONValue) -> TablePredicate {
    let children = node["children"]?.array ?? []
    switch node["type"]?.text {
    case "CONJUNCTION_AND": return .all(children.map(predicate))
    case "CONJUNCTION_OR": return .any(children.map(predicate))
    case "OPERATOR_NOT": return children.first.map { .not(predicate($0)) } ?? .unknown
    case "OPERATOR_IS_NULL": return children.first.flatMap(column).map { .isNull($0) } ?? .unknown
    case "OPERATOR_IS_NOT_NULL":
      return children.first.flatMap(column).map { .not(.isNull($0)) } ?? .unknown
    case "COMPARE_IN":
      guard let path = children.first.flatMap(column) else { return .unknown }
      var values: [JSONValue] = []
      for child in children.dropFirst() {
        guard let value = constant(child), !value.isNull else { return .unknown }
        values.append(value)
      }
      return .oneOf(path, values)
    case "COMPARE_BETWEEN":
      guard let path = node["input"].flatMap(column), let low = node["lower"].flatMap(constant),
        let high = node["upper"].flatMap(constant)
      else { return .unknown }
      return .all([.compare(path, .greaterOrEqual, low), .compare(path, .lessOrEqual, high)])
    case "VALUE_CONSTANT":
      guard let value = constant(node) else { return .unknown }
      return value.isNull ? .constant(nil) : value.bool.map { .constant($0) } ?? .unknown
    case let type?:
      guard let comparison = comparisons[type], let left = node["left"], let right = node["right"]
      else { return .unknown }
      if let path = column(left), let value = constant(right) {
        return .compare(path, comparison, value)
      }
      if let path = column(right), let value = constant(left) {
        return .compare(path, comparison.mirrored, value)
      }
      return .unknown
    case nil: return .unknown
    }
  }

  private static let comparisons: [String: TablePredicate.Comparison] = [
    "COMPARE_EQUAL": .equal, "COMPARE_NOTEQUAL": .notEqual, "COMPARE_LESSTHAN": .less,
    "COMPARE_LESSTHANOREQUALTO": .lessOrEqual, "COMPARE_GREATERTHAN": .greater,
    "COMPARE_GREATERTHANOREQUALTO": .greaterOrEqual,
  ]

  private static func column(_ node: JSONValue) -> [String]? {
    guard node["class"]?.text == "COLUMN_REF", let names = node["column_names"]?.array else {
      return nil
    }
    return names.compactMap(\.text)
  }

  private static func constant(_ node: JSONValue) -> JSONValue? {
    if node["class"]?.text == "CAST" { return castConstant(node) }
    guard node["class"]?.text == "CONSTANT", let literal = node["literal"] else { return nil }
    let text = literal["text"]?.text ?? ""
    switch literal["kind"]?.text {
    case "INTEGER", "NUMERIC": return JSONNumber(text: text).map { .number($0) }
    case "STRING": return .string(text)
    case "BOOLEAN": return .bool(text.lowercased() == "true")
    case "NULL": return .null
    default: return nil
    }
  }

  /// A constant of a type of its own: only a column of such a type is compared as it stands.
  private static func typed(_ text: String) -> JSONValue { .object(["moment": .string(text)]) }

  /// A day or an instant that is written as a cast of text; a cast that may change the value is not
  /// looked through.
  private static func castConstant(_ node: JSONValue) -> JSONValue? {
    guard let child = node["child"], child["literal"]?["kind"]?.text == "STRING",
      let text = child["literal"]?["text"]?.text
    else { return nil }
    switch node["type_expr"]?["type_name"]?.text?.uppercased() {
    case "DATE": return CivilDate(iso8601: text) == nil ? nil : typed(text)
    case "TIMESTAMP":
      let isNaive = text.utf8.allSatisfy {
        (0x30...0x3A).contains($0) || "-. T".utf8.contains($0)
      }
      return isNaive ? typed(text) : nil
    case "TIMESTAMPTZ", "TIMESTAMP WITH TIME ZONE": return typed(text)
    default: return nil
    }
  }
}

extension TablePredicate.Comparison {
  /// The comparison with its sides changed.
  fileprivate var mirrored: Self {
    switch self {
    case .less: .greater
    case .lessOrEqual: .greaterOrEqual
    case .greater: .less
    case .greaterOrEqual: .lessOrEqual
    case .equal, .notEqual: self
    }
  }
}
