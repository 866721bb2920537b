// SPDX-License-Identifier: Apache-2.0

internal import MillCore

/// Finds out what types the pieces of an expression have, and spells out what they imply.
struct ExpressionChecker {
  let inputs: Schema
  static let depthMax = 128
  static let piecesMax = 2000

  func check(_ expression: Expression) throws(ExpressionError) -> Node {
    var pieces = 0
    try measure(expression, depth: 1, &pieces)
    let root = try node(expression)
    guard root.type != .void else { throw .untyped }
    return root
  }

  private func measure(
    _ expression: Expression,
    depth: Int,
    _ pieces: inout Int
  ) throws(ExpressionError) {
    pieces += 1
    guard depth <= Self.depthMax else {
      throw .tooLarge(limit: Self.depthMax, unit: "pieces within each other")
    }
    guard pieces <= Self.piecesMax else { throw .tooLarge(limit: Self.piecesMax, unit: "pieces") }
    for part in expression.parts { try measure(part, depth: depth + 1, &pieces) }
  }

  func node(_ expression: Expression) throws(ExpressionError) -> Node {
    switch expression {
    case .literal(let datum): return try literal(datum)
    case .column(let name): return try column(name)
    case .negated(let part):
      let node = try number(try node(part), "-")
      return Node(.negated(node), node.type.isInteger ? .long : node.type)
    case .arithmetic(let operation, let left, let right):
      return try arithmetic(operation, try node(left), try node(right))
    case .joined(let left, let right):
      return Node(
        .joined(try text(try node(left), "||"), try text(try node(right), "||")),
        .string
      )
    case .comparison(let comparison, let left, let right):
      let sides = try comparable([try node(left), try node(right)], comparison.rawValue)
      return Node(.comparison(comparison, sides[0], sides[1]), .boolean)
    case .all(let parts): return Node(.all(try conditions(parts, "AND")), .boolean)
    case .any(let parts): return Node(.any(try conditions(parts, "OR")), .boolean)
    case .not(let part): return Node(.not(try condition(part, "NOT")), .boolean)
    case .isNull(let part): return Node(.isNull(try node(part)), .boolean)
    case .oneOf(let part, let values):
      guard !values.isEmpty else { throw .wrongArguments(piece: "IN", expected: "a value or more") }
      let all = try comparable(try nodes([part] + values), "IN")
      return Node(.oneOf(all[0], Array(all.dropFirst())), .boolean)
    case .between(let part, let low, let high):
      let all = try comparable(try nodes([part, low, high]), "BETWEEN")
      return Node(.between(all[0], all[1], all[2]), .boolean)
    case .choice(let branches, let otherwise):
      guard !branches.isEmpty else {
        throw .wrongArguments(piece: "CASE", expected: "a WHEN or more")
      }
      let values = try common(try nodes(branches.map(\.value) + [otherwise]), "CASE")
      let conditions = try conditions(branches.map(\.condition), "WHEN")
      return Node(
        .choice(
          zip(conditions, values).map { Node.Branch(condition: $0, value: $1) },
          otherwise: values[values.count - 1]
        ),
        values[0].type
      )
    case .coalesce(let parts):
      guard !parts.isEmpty else {
        throw .wrongArguments(piece: "coalesce", expected: "a value or more")
      }
      let values = try common(try nodes(parts), "coalesce")
      return Node(.coalesce(values), values[0].type)
    case .nullIf(let left, let right):
      let value = try node(left)
      let sides = try comparable([value, try node(right)], "nullif")
      // The value keeps its type where only the comparison needs another.
      guard sides[0].type == value.type else {
        return Node(.nullIf(sides[0], sides[1]), sides[0].type)
      }
      return Node(.nullIf(value, sides[1]), value.type)
    case .cast(let kind, let part, let type): return try cast(try node(part), to: type, kind)
    case .call(let function, let parts): return try call(function, try nodes(parts))
    }
  }

  private func nodes(_ parts: [Expression]) throws(ExpressionError) -> [Node] {
    var nodes: [Node] = []
    for part in parts { nodes.append(try node(part)) }
    return nodes
  }

  // MARK: Leaves

  private func literal(_ datum: Datum) throws(ExpressionError) -> Node {
    switch datum {
    case .null: return .null(.void)
    case .boolean: return Node(.literal(datum), .boolean)
    case .integer: return Node(.literal(datum), .long)
    case .double(let value):
      return value.isFinite ? Node(.literal(datum), .double) : .null(.double)
    case .decimal(let unscaled, let scale):
      let digits = max(String(unscaled.magnitude).utf8.count, scale, 1)
      guard digits <= 38, scale >= 0 else {
        throw .tooManyDigits(piece: "the number \(Expression.literal(datum))", digits: digits)
      }
      return Node(.literal(datum), .decimal(precision: digits, scale: scale))
    case .text: return Node(.literal(datum), .string)
    case .date(let date):
      let isPublished = TimeArithmetic.days.contains(date.daysSinceEpoch)
      return isPublished ? Node(.literal(datum), .date) : .null(.date)
    case .instant(let instant):
      return instant.isPublishable ? Node(.literal(datum), .timestamp) : .null(.timestamp)
    case .bytes: throw .outsideSubset(piece: "a literal of bytes", instead: "compare text")
    case .list:
      throw .outsideSubset(piece: "a literal list", instead: "IN takes values in parentheses")
    }
  }

  private func column(_ name: String) throws(ExpressionError) -> Node {
    let key = ByteKey(name)
    let exact = inputs.fields.firstIndex { ByteKey($0.name) == key }
    let folded = exact == nil ? ByteKey(name.lowercased()) : key
    guard
      let slot = exact
        ?? inputs.fields.firstIndex(where: { ByteKey($0.name.lowercased()) == folded })
    else {
      throw .unknownColumn(
        name: name,
        nearest: nearestName(to: name, among: inputs.names),
        columns: inputs.names
      )
    }
    let field = inputs.fields[slot]
    let form = Node.Form.column(slot: slot, name: field.name)
    switch field.type {
    case .float: return Node(form, .double)
    case .void: return .null(.void)
    case .map, .structure, .timestampWithoutZone, .binary:
      throw .outsideSubset(
        piece: "column \(field.name) of type \(field.type.sqlName)",
        instead: "make what is needed of it a column of its own"
      )
    default: return Node(form, field.type)
    }
  }

  // MARK: Numbers

  private func number(_ node: Node, _ piece: String) throws(ExpressionError) -> Node {
    if node.type == .void { return .null(.long) }
    guard node.type.isNumeric else {
      throw .wrongType(piece: piece, found: node.type, expected: "numbers")
    }
    return node
  }

  func text(_ node: Node, _ piece: String) throws(ExpressionError) -> Node {
    if node.type == .void { return .null(.string) }
    guard node.type == .string else {
      throw .wrongType(piece: piece, found: node.type, expected: "text")
    }
    return node
  }

  func double(_ node: Node, _ piece: String) throws(ExpressionError) -> Node {
    try converted(try number(node, piece), to: .double)
  }

  private func arithmetic(
    _ operation: Expression.Arithmetic,
    _ left: Node,
    _ right: Node
  ) throws(ExpressionError) -> Node {
    let piece = operation.rawValue
    if case .subtract = operation, left.type == .date, right.type == .date {
      return Node(.dateDiff(.day, try instant(right, piece), try instant(left, piece)), .long)
    }
    if [left.type, right.type].contains(where: { [.date, .timestamp].contains($0) }) {
      throw .outsideSubset(
        piece: "\(piece) of times",
        instead: "date_diff('second', earlier, later) gives the time between two"
      )
    }
    let (left, right) = (try number(left, piece), try number(right, piece))
    switch operation {
    case .divide, .power:
      let sides = (try double(left, piece), try double(right, piece))
      return Node(.arithmetic(operation, sides.0, sides.1), .double)
    case .divideWhole:
      for side in [left, right] where !side.type.isInteger {
        throw .wrongType(piece: piece, found: side.type, expected: "integers; / divides others")
      }
      return Node(.arithmetic(operation, left, right), .long)
    case .add, .subtract, .multiply, .remainder:
      if left.type.isInteger, right.type.isInteger {
        return Node(.arithmetic(operation, left, right), .long)
      }
      guard let leftDecimal = digits(left), let rightDecimal = digits(right) else {
        return Node(
          .arithmetic(operation, try double(left, piece), try double(right, piece)),
          .double
        )
      }
      return try decimals(operation, left, leftDecimal, right, rightDecimal)
    }
  }

  /// The digits that a value needs as a decimal: of a literal no more than it has.
  private func digits(_ node: Node) -> (precision: Int, scale: Int)? {
    if case .integer(let value) = node.constant { return (String(value.magnitude).utf8.count, 0) }
    return node.type.asDecimal
  }

  private func decimals(
    _ operation: Expression.Arithmetic,
    _ left: Node,
    _ leftDigits: (precision: Int, scale: Int),
    _ right: Node,
    _ rightDigits: (precision: Int, scale: Int)
  ) throws(ExpressionError) -> Node {
    let piece = operation.rawValue
    let precision: Int
    let scale: Int
    switch operation {
    case .multiply:
      precision = leftDigits.precision + rightDigits.precision
      scale = leftDigits.scale + rightDigits.scale
    case .remainder:
      throw .outsideSubset(piece: "% of DECIMAL", instead: "cast both sides to BIGINT or DOUBLE")
    default:
      scale = max(leftDigits.scale, rightDigits.scale)
      precision =
        max(leftDigits.precision - leftDigits.scale, rightDigits.precision - rightDigits.scale)
        + scale + 1
    }
    guard precision <= 38 else { throw .tooManyDigits(piece: piece, digits: precision) }
    let type = DataType.decimal(precision: precision, scale: scale)
    guard operation != .multiply else {
      let sides = (
        try converted(
          left,
          to: .decimal(precision: leftDigits.precision, scale: leftDigits.scale)
        ),
        try converted(
          right,
          to: .decimal(precision: rightDigits.precision, scale: rightDigits.scale)
        )
      )
      return Node(.arithmetic(operation, sides.0, sides.1), type)
    }
    return Node(
      .arithmetic(operation, try converted(left, to: type), try converted(right, to: type)),
      type
    )
  }

  // MARK: Conditions

  private func condition(
    _ expression: Expression,
    _ piece: String
  ) throws(ExpressionError) -> Node {
    let node = try node(expression)
    if node.type == .void { return .null(.boolean) }
    guard node.type == .boolean else {
      throw .wrongType(piece: piece, found: node.type, expected: "conditions")
    }
    return node
  }

  private func conditions(
    _ parts: [Expression],
    _ piece: String
  ) throws(ExpressionError) -> [Node] {
    guard !parts.isEmpty else {
      throw .wrongArguments(piece: piece, expected: "a condition or more")
    }
    var nodes: [Node] = []
    for part in parts { nodes.append(try condition(part, piece)) }
    return nodes
  }

  /// Values of one type that can be compared.
  func comparable(_ nodes: [Node], _ piece: String) throws(ExpressionError) -> [Node] {
    let values = try common(nodes, piece)
    // NULL = NULL is null, of whatever type.
    if values[0].type == .void { return values.map { _ in .null(.long) } }
    guard ValueKind(values[0].type) != .other else {
      throw .wrongType(piece: piece, found: values[0].type, expected: "values that compare")
    }
    return values
  }

  // MARK: Common types

  /// The values converted to the least type that holds them all.
  func common(_ nodes: [Node], _ piece: String) throws(ExpressionError) -> [Node] {
    var type = DataType.void
    // Literals last: a number that is written out needs no more digits than it has.
    for node in nodes where node.constant == nil { type = try common(type, node, piece) }
    for node in nodes where node.constant != nil { type = try common(type, node, piece) }
    // Text that is written out is read as the time that it is compared with.
    if nodes.contains(where: { $0.type == .string }), type == .date || type == .timestamp {
      var read: [Node] = []
      for node in nodes { read.append(node.type == .string ? try time(node, type, piece) : node) }
      return try common(read, piece)
    }
    var values: [Node] = []
    for node in nodes { values.append(try converted(node, to: type)) }
    return values
  }

  private func common(
    _ type: DataType,
    _ node: Node,
    _ piece: String
  ) throws(ExpressionError) -> DataType {
    let other = node.type
    if type == other || other == .void { return type }
    if type == .void { return other }
    switch (ValueKind(type), ValueKind(other)) {
    case (.long, .long): return .long
    case (.double, .long), (.double, .decimal), (.long, .double), (.decimal, .double):
      return .double
    case (.decimal, .decimal), (.decimal, .long), (.long, .decimal):
      guard let left = type.asDecimal, let right = digits(node) else { break }
      let scale = max(left.scale, right.scale)
      let precision =
        max(left.precision - left.scale, right.precision - right.scale) + scale
      guard precision <= 38 else { throw .tooManyDigits(piece: piece, digits: precision) }
      return .decimal(precision: precision, scale: scale)
    case (.date, .instant), (.instant, .date): return .timestamp
    case (.date, .text), (.instant, .text):
      if case .text = node.constant { return type }
    case (.text, .date), (.text, .instant): return other
    default: break
    }
    throw .noCommonType(piece: piece, left: type, right: other)
  }

  private func time(
    _ node: Node,
    _ type: DataType,
    _ piece: String
  ) throws(ExpressionError) -> Node {
    guard case .text(let text) = node.constant else {
      throw .noCommonType(piece: piece, left: .string, right: type)
    }
    if let date = CivilDate(iso8601: text) { return Node(.literal(.date(date)), .date) }
    if let instant = Instant(iso8601: text) { return Node(.literal(.instant(instant)), .timestamp) }
    throw .outsideSubset(
      piece: "the text '\(text)' as a time",
      instead: "write 2024-03-03 or 2024-03-03T14:03:00Z"
    )
  }

  /// A value as a type that holds all of its type's values, or nearly so for a double.
  func converted(_ node: Node, to type: DataType) throws(ExpressionError) -> Node {
    if node.type == type { return node }
    if case .literal(let datum) = node.form, let value = Self.constant(datum, as: type) {
      return Node(.literal(value), type)
    }
    return Node(.cast(node, .strict), type)
  }

  private static func constant(_ datum: Datum, as type: DataType) -> Datum? {
    switch (datum, type) {
    case (.null, _): .null
    case (.integer(let value), .double): .double(Double(value))
    case (.integer(let value), .decimal(_, let scale)):
      DecimalArithmetic.rescaled(Int128(value), from: 0, to: scale)
        .map { .decimal(unscaled: $0, scale: scale) }
    case (.decimal(let unscaled, let scale), .double):
      .double(DecimalArithmetic.double(unscaled, scale: scale))
    case (.decimal(let unscaled, let from), .decimal(_, let scale)):
      DecimalArithmetic.rescaled(unscaled, from: from, to: scale)
        .map { .decimal(unscaled: $0, scale: scale) }
    case (.date(let date), .timestamp): .instant(date.start)
    default: nil
    }
  }
}
