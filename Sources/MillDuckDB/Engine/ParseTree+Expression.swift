// SPDX-License-Identifier: Apache-2.0

internal import MillCore
internal import MillEngine

extension ParseTree {
  /// What the text of an expression is put into; its own first line is the second.
  static func selecting(_ expression: String) -> String { "SELECT (\n\(expression)\n)" }

  /// The same without parentheses: what closes one that it has not opened is no expression.
  static func bare(_ expression: String) -> String { "SELECT \n\(expression)\n" }

  /// The expression of ``selecting(_:)``.
  ///
  /// - Parameter text: The expression as it was written, for positions.
  /// - Throws: `EngineError.sql` that names what is no plain expression on one row, with its place.
  func expression(of text: String, isBare: Bool = false) throws(EngineError) -> Expression {
    let head = isBare ? "SELECT \n" : "SELECT (\n"
    let reader = ExpressionReader(text: text, before: head.utf8.count)
    do {
      _ = try references()
    } catch {
      // What the text is made of is told below; here there is none.
      guard root["node"] != nil else { throw reader.moved(error) }
    }
    guard let node = root["node"], node["type"]?.text == "SELECT_NODE",
      node["from_table"]?["type"]?.text == "EMPTY", node["where_clause"]?.object == nil,
      node["having"]?.object == nil, node["qualify"]?.object == nil,
      node["sample"]?.object == nil, (node["modifiers"]?.array ?? []).isEmpty,
      (node["group_expressions"]?.array ?? []).isEmpty,
      let items = node["select_list"]?.array, items.count == 1
    else {
      throw .sql(message: "this is not one expression", line: nil, column: nil)
    }
    return try reader.expression(items[0])
  }
}

/// Reads DuckDB's parse tree of an expression.
private struct ExpressionReader {
  /// The expression as it was written.
  let text: String
  /// How many bytes stand before it in the tree's text.
  let before: Int

  func expression(_ node: JSONValue) throws(EngineError) -> Expression {
    let type = node["type"]?.text ?? ""
    switch type {
    case "COLUMN_REF": return try column(node)
    case "VALUE_CONSTANT": return try literal(node)
    case "CONJUNCTION_AND": return .all(try children(node))
    case "CONJUNCTION_OR": return .any(try children(node))
    case "OPERATOR_NOT": return .not(try child(node))
    case "OPERATOR_IS_NULL": return .isNull(try child(node))
    case "OPERATOR_IS_NOT_NULL": return .not(.isNull(try child(node)))
    case "OPERATOR_COALESCE": return .coalesce(try children(node))
    case "COMPARE_IN":
      let parts = try children(node)
      guard let first = parts.first, parts.count > 1 else { throw unknown(node, "this IN") }
      return .oneOf(first, Array(parts.dropFirst()))
    case "COMPARE_BETWEEN":
      return .between(
        try member(node, "input"),
        low: try member(node, "lower"),
        high: try member(node, "upper")
      )
    case "CASE_EXPR":
      var branches: [Expression.Branch] = []
      for check in node["case_checks"]?.array ?? [] {
        branches.append(
          Expression.Branch(
            when: try member(check, "when_expr"),
            then: try member(check, "then_expr")
          )
        )
      }
      return .choice(branches, otherwise: try member(node, "else_expr"))
    case "OPERATOR_CAST": return try cast(node)
    case "ARRAY_EXTRACT": return .call(.element, try children(node))
    case "FUNCTION": return try function(node)
    default:
      if let comparison = Self.comparisons[type] {
        return .comparison(comparison, try member(node, "left"), try member(node, "right"))
      }
      throw unknown(node, Self.pieces[node["class"]?.text ?? ""] ?? Self.pieces[type] ?? type)
    }
  }

  private func member(_ node: JSONValue, _ name: String) throws(EngineError) -> Expression {
    try expression(node[name] ?? .null)
  }

  private func children(_ node: JSONValue) throws(EngineError) -> [Expression] {
    var parts: [Expression] = []
    for child in node["children"]?.array ?? [] { parts.append(try expression(child)) }
    return parts
  }

  private func child(_ node: JSONValue) throws(EngineError) -> Expression {
    guard let part = try children(node).first else { throw unknown(node, "this operator") }
    return part
  }

  private static let comparisons: [String: Expression.Comparison] = [
    "COMPARE_EQUAL": .equal, "COMPARE_NOTEQUAL": .notEqual, "COMPARE_LESSTHAN": .less,
    "COMPARE_LESSTHANOREQUALTO": .lessOrEqual, "COMPARE_GREATERTHAN": .greater,
    "COMPARE_GREATERTHANOREQUALTO": .greaterOrEqual, "COMPARE_DISTINCT_FROM": .distinct,
    "COMPARE_NOT_DISTINCT_FROM": .notDistinct,
  ]

  private static let pieces = [
    "SUBQUERY": "a subquery", "WINDOW": "a window function", "STAR": "a star",
    "LAMBDA": "a lambda", "PARAMETER": "a parameter", "COLLATE": "COLLATE",
    "ARRAY_SLICE": "a slice of a list", "STRUCT_EXTRACT": "a member of a structure",
    "OPERATOR_TRY": "TRY", "GROUPING_FUNCTION": "GROUPING", "POSITIONAL_REFERENCE": "#1",
  ]

  // MARK: Leaves

  private func column(_ node: JSONValue) throws(EngineError) -> Expression {
    let names = node["column_names"]?.array?.compactMap(\.text) ?? []
    guard names.count == 1 else {
      throw unknown(
        node,
        "the name \(names.joined(separator: "."))",
        "an input is one name without a point; put others in double quotes"
      )
    }
    return .column(names[0])
  }

  private func literal(_ node: JSONValue) throws(EngineError) -> Expression {
    let text = node["literal"]?["text"]?.text ?? ""
    let kind = node["literal"]?["kind"]?.text ?? ""
    switch kind {
    case "NULL_LITERAL", "NULL": return .literal(.null)
    case "BOOLEAN": return .literal(.boolean(text.lowercased() == "true"))
    case "STRING": return .literal(.text(text))
    case "INTEGER", "NUMERIC":
      guard let number = Self.number(text.filter { $0 != "_" }) else {
        throw unknown(node, "the number \(text)", "numbers are of 38 digits, or doubles")
      }
      return .literal(number)
    default: throw unknown(node, "a literal of kind \(kind)")
    }
  }

  /// An integer, a decimal where there is a point and no exponent, else a double.
  private static func number(_ text: String) -> Datum? {
    if let value = Int64(text) { return .integer(value) }
    let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    let fraction = parts.count > 1 ? parts[1] : ""
    let isDecimal = text.utf8.allSatisfy { (0x30...0x39).contains($0) || $0 == 0x2D || $0 == 0x2E }
    if isDecimal, let unscaled = Int128(parts[0] + fraction), fraction.utf8.count <= 38,
      unscaled.magnitude < Self.decimalBound
    {
      return .decimal(unscaled: unscaled, scale: fraction.utf8.count)
    }
    guard let value = Double(text), value.isFinite else { return nil }
    return .double(value)
  }

  private static let decimalBound: UInt128 = (0..<38).reduce(1) { power, _ in power * 10 }

  // MARK: Casts

  private func cast(_ node: JSONValue) throws(EngineError) -> Expression {
    let part = try member(node, "child")
    let isLenient = node["try_cast"]?.bool == true
    let name = node["type_expr"]?["type_name"]?.text?.uppercased() ?? ""
    let arguments = node["type_expr"]?["children"]?.array ?? []
    let type: DataType
    if ["DECIMAL", "NUMERIC", "DEC"].contains(name) {
      let numbers = arguments.compactMap { $0["literal"]?["text"]?.text.flatMap { Int($0) } }
      guard numbers.count == arguments.count, numbers.count <= 2 else {
        throw unknown(node, "this DECIMAL")
      }
      // What SQL says of DECIMAL alone and of DECIMAL(p).
      type = .decimal(precision: numbers.first ?? 18, scale: numbers.isEmpty ? 3 : 0)
      if numbers.count == 2 {
        return .cast(
          isLenient ? .lenient : .strict,
          part,
          .decimal(precision: numbers[0], scale: numbers[1])
        )
      }
    } else if let known = Self.types[name], arguments.isEmpty || known == .string {
      type = known
    } else {
      let known = Set(Self.types.keys).union(["DECIMAL"]).sorted()
      let nearest = nearestName(to: name, among: known).map { "did you mean \($0)? " } ?? ""
      throw unknown(
        node,
        "the type \(name == "LIST" ? "of a list" : name)",
        "\(nearest)the types are BOOLEAN, TINYINT, SMALLINT, INTEGER, BIGINT, DOUBLE, "
          + "DECIMAL(p, s), VARCHAR, DATE and TIMESTAMPTZ"
      )
    }
    // DATE '2024-03-03' is a cast of text to this parser.
    if !isLenient, case .literal(.text(let text)) = part {
      if type == .date, let date = CivilDate(iso8601: text) { return .literal(.date(date)) }
      if type == .timestamp, let instant = Instant(iso8601: text) {
        return .literal(.instant(instant))
      }
    }
    return .cast(isLenient ? .lenient : .strict, part, type)
  }

  private static let types: [String: DataType] = [
    "BOOLEAN": .boolean, "BOOL": .boolean, "LOGICAL": .boolean, "TINYINT": .byte, "INT1": .byte,
    "SMALLINT": .short, "INT2": .short, "SHORT": .short, "INTEGER": .integer, "INT": .integer,
    "INT4": .integer, "SIGNED": .integer, "BIGINT": .long, "INT8": .long, "LONG": .long,
    "REAL": .float, "FLOAT": .float, "FLOAT4": .float, "DOUBLE": .double, "FLOAT8": .double,
    "VARCHAR": .string, "TEXT": .string, "STRING": .string, "CHAR": .string, "BPCHAR": .string,
    "DATE": .date, "TIMESTAMPTZ": .timestamp, "TIMESTAMP WITH TIME ZONE": .timestamp,
    "TIMESTAMP": .timestamp, "DATETIME": .timestamp,
  ]

  // MARK: Functions

  private func function(_ node: JSONValue) throws(EngineError) -> Expression {
    let name = node["function_name"]?.text?.lowercased() ?? ""
    let schema = node["schema"]?.text ?? ""
    guard schema.isEmpty, (node["catalog"]?.text ?? "").isEmpty else {
      throw unknown(node, "the name \(schema).\(name)", "a function has no schema")
    }
    if node["filter"]?.object != nil { throw unknown(node, "FILTER") }
    if node["distinct"]?.bool == true { throw unknown(node, "DISTINCT") }
    if !(node["order_bys"]?["orders"]?.array ?? []).isEmpty { throw unknown(node, "ORDER BY") }
    let arguments = node["arguments"]?.array ?? []
    if let message = Self.refused[name] { throw unknown(node, message.piece, message.instead) }
    if name == "row" {
      throw unknown(
        node,
        arguments.isEmpty ? "an empty text" : "a row of several values",
        "write one expression"
      )
    }
    var parts: [Expression] = []
    for argument in arguments {
      guard (argument["name"]?.text ?? "").isEmpty else { throw unknown(node, "a named argument") }
      parts.append(try expression(argument["expression"] ?? .null))
    }
    if node["is_operator"]?.bool == true { return try operation(node, name, parts) }
    switch (name, parts.count) {
    case ("nullif", 2): return .nullIf(parts[0], parts[1])
    case ("if", 3):
      return .choice([Expression.Branch(when: parts[0], then: parts[1])], otherwise: parts[2])
    case ("mod", 2): return .arithmetic(.remainder, parts[0], parts[1])
    case ("pow", 2), ("power", 2): return .arithmetic(.power, parts[0], parts[1])
    case ("date_part", 2), ("datepart", 2):
      guard case .literal(.text(let field)) = parts[0],
        let function = Self.fields[field.lowercased()]
      else { throw unknown(node, "this field of a time", "the fields are \(Self.fieldNames)") }
      return .call(function, [parts[1]])
    default: break
    }
    guard let function = Expression.Function(name: name) else {
      let nearest = nearestName(to: name, among: Expression.Function.names)
      throw unknown(
        node,
        "function \(name)",
        (nearest.map { "did you mean \($0)? " } ?? "")
          + "it has \(Expression.Function.names.joined(separator: ", "))"
      )
    }
    return .call(function, parts)
  }

  private func operation(
    _ node: JSONValue,
    _ name: String,
    _ parts: [Expression]
  ) throws(EngineError) -> Expression {
    switch (name, parts.count) {
    case ("-", 1): return .negated(parts[0])
    case ("+", 1): return parts[0]
    case ("@", 1): return .call(.abs, parts)
    case ("||", 2): return .joined(parts[0], parts[1])
    case ("^", 2): return .arithmetic(.power, parts[0], parts[1])
    case (_, 2):
      if let operation = Expression.Arithmetic(rawValue: name) {
        return .arithmetic(operation, parts[0], parts[1])
      }
    default: break
    }
    throw unknown(node, "the operator \(name)")
  }

  private static let like = (
    piece: "LIKE", instead: "starts_with, ends_with and contains look into text"
  )

  /// What people write and what to write instead.
  private static let refused: [String: (piece: String, instead: String)] = [
    "~~": like, "!~~": like, "~~*": like, "!~~*": like,
    "list_value": ("a list written out", "IN takes values in parentheses"),
    "struct_pack": ("a structure", "an expression gives one value"),
    "timezone": ("AT TIME ZONE", "times are UTC"),
    "to_days": ("INTERVAL", "date_diff counts the time between two"),
    "to_hours": ("INTERVAL", "date_diff counts the time between two"),
    "to_minutes": ("INTERVAL", "date_diff counts the time between two"),
    "now": ("now()", "the time of a request is an input of its own"),
    "random": ("random()", "an expression gives the same value for the same row"),
  ]

  private static let fields: [String: Expression.Function] = [
    "year": .year, "quarter": .quarter, "month": .month, "day": .day, "dow": .dayofweek,
    "dayofweek": .dayofweek, "isodow": .isodow, "doy": .dayofyear, "dayofyear": .dayofyear,
    "hour": .hour, "minute": .minute, "second": .second, "epoch": .epoch,
  ]

  private static var fieldNames: String { fields.keys.sorted().joined(separator: ", ") }

  // MARK: Refusals

  /// Something that SQL has and expressions have not.
  private func unknown(
    _ node: JSONValue,
    _ piece: String,
    _ instead: String = "an expression is made of the columns of one row"
  ) -> EngineError {
    let message = "\(piece) is not in the subset of expressions; \(instead)"
    guard let location = node["query_location"]?.integer.flatMap({ Int(exactly: $0) }),
      location >= before, location <= before + text.utf8.count
    else { return .sql(message: message, line: nil, column: nil) }
    let head = String(decoding: text.utf8.prefix(location - before), as: UTF8.self)
    let lines = head.split(separator: "\n", omittingEmptySubsequences: false)
    return .sql(message: message, line: lines.count, column: (lines.last?.count ?? 0) + 1)
  }

  /// A mistake with its line counted in the expression.
  func moved(_ error: EngineError) -> EngineError {
    guard case .sql(let message, let line?, let column) = error else { return error }
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    // What is missing at the end is found behind it.
    guard line - 1 <= lines.count else {
      return .sql(message: message, line: lines.count, column: (lines.last?.count ?? 0) + 1)
    }
    return .sql(message: message, line: max(1, line - 1), column: column)
  }
}
