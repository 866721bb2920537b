// SPDX-License-Identifier: Apache-2.0

internal import MillCore

extension ExpressionChecker {
  /// A function with its values, as far as it takes them.
  func call(
    _ function: Expression.Function,
    _ parts: [Node]
  ) throws(ExpressionError) -> Node {
    let name = function.rawValue
    switch function {
    case .abs, .sign:
      let part = try number(try one(parts, name), name)
      let type = function == .sign || part.type.isInteger ? DataType.long : part.type
      return Node(.call(function, [part]), type)
    case .floor, .ceil, .trunc, .round:
      return try rounded(function, parts)
    case .sqrt, .exp, .ln, .log10, .log2:
      return Node(.call(function, [try double(try one(parts, name), name)]), .double)
    case .least, .greatest:
      guard !parts.isEmpty else { throw .wrongArguments(piece: name, expected: "a value or more") }
      let values = try comparable(parts, name)
      return Node(.call(function, values), values[0].type)
    case .lower, .upper, .trim, .ltrim, .rtrim:
      return Node(.call(function, [try text(try one(parts, name), name)]), .string)
    case .strlen:
      return Node(.call(function, [try text(try one(parts, name), name)]), .long)
    case .length:
      let part = try one(parts, name)
      if case .array = part.type { return Node(.call(function, [part]), .long) }
      return Node(.call(function, [try text(part, name)]), .long)
    case .substr, .left, .right: return try slice(function, parts)
    case .contains, .startsWith, .endsWith:
      return Node(.call(function, try texts(parts, 2, name)), .boolean)
    case .replace: return Node(.call(function, try texts(parts, 3, name)), .string)
    case .concat:
      guard !parts.isEmpty else { throw .wrongArguments(piece: name, expected: "a text or more") }
      return Node(.call(function, try texts(parts, parts.count, name)), .string)
    case .year, .quarter, .month, .day, .dayofweek, .isodow, .dayofyear:
      return Node(.call(function, [try time(try one(parts, name), name)]), .long)
    case .hour, .minute, .second, .epochMilliseconds, .epochMicroseconds:
      return Node(.call(function, [try instant(try one(parts, name), name)]), .long)
    case .epoch:
      return Node(.call(function, [try instant(try one(parts, name), name)]), .double)
    case .dateDiff:
      guard parts.count == 3 else {
        throw .wrongArguments(piece: name, expected: "a unit, a time and a later time")
      }
      let sides = (try instant(parts[1], name), try instant(parts[2], name))
      return Node(.dateDiff(try unit(parts[0], name), sides.0, sides.1), .long)
    case .dateTrunc:
      guard parts.count == 2 else {
        throw .wrongArguments(piece: name, expected: "a unit and a time")
      }
      let part = try time(parts[1], name)
      let unit = try unit(parts[0], name)
      if part.type == .date, let microseconds = unit.microseconds,
        microseconds < TimeArithmetic.day
      {
        return Node(.dateTrunc(unit, try instant(part, name)), .timestamp)
      }
      return Node(.dateTrunc(unit, part), part.type)
    case .element:
      guard parts.count == 2 else {
        throw .wrongArguments(piece: name, expected: "a list and a number from 1")
      }
      guard case .array(let element, _) = parts[0].type else {
        throw .wrongType(piece: name, found: parts[0].type, expected: "a list")
      }
      guard parts[1].type.isInteger || parts[1].type == .void else {
        throw .wrongType(piece: name, found: parts[1].type, expected: "an integer as its place")
      }
      guard ValueKind(element) != .other else {
        throw .outsideSubset(
          piece: "an element of type \(element.sqlName)",
          instead: "elements are numbers, text, times or conditions"
        )
      }
      let place = parts[1].type == .void ? Node.null(.long) : parts[1]
      return Node(.call(function, [parts[0], place]), element == .float ? .double : element)
    }
  }

  private func one(_ parts: [Node], _ piece: String) throws(ExpressionError) -> Node {
    guard parts.count == 1 else { throw .wrongArguments(piece: piece, expected: "one value") }
    return parts[0]
  }

  private func number(_ node: Node, _ piece: String) throws(ExpressionError) -> Node {
    if node.type == .void { return .null(.long) }
    guard node.type.isNumeric else {
      throw .wrongType(piece: piece, found: node.type, expected: "a number")
    }
    return node
  }

  private func texts(
    _ parts: [Node],
    _ count: Int,
    _ piece: String
  ) throws(ExpressionError) -> [Node] {
    guard parts.count == count else {
      throw .wrongArguments(piece: piece, expected: "\(count) texts")
    }
    var texts: [Node] = []
    for part in parts { texts.append(try text(part, piece)) }
    return texts
  }

  private func rounded(
    _ function: Expression.Function,
    _ parts: [Node]
  ) throws(ExpressionError) -> Node {
    let name = function.rawValue
    guard parts.count == 1 || (parts.count == 2 && function == .round) else {
      throw .wrongArguments(
        piece: name,
        expected: function == .round ? "a number, and how many digits to keep" : "one value"
      )
    }
    let part = try number(parts[0], name)
    if case .decimal = part.type {
      throw .outsideSubset(
        piece: "\(name) of DECIMAL",
        instead: "CAST(… AS DECIMAL(p, s)) rounds, and so does CAST(… AS BIGINT)"
      )
    }
    guard parts.count == 2 else {
      guard part.type == .double else { return part }
      return Node(.call(function, [part]), .double)
    }
    guard case .integer(let digits) = parts[1].constant, (0...15).contains(digits) else {
      throw .wrongArguments(piece: name, expected: "0 to 15 as the digits to keep, written out")
    }
    guard part.type == .double else { return part }
    return Node(.call(function, [part, parts[1]]), .double)
  }

  private func slice(
    _ function: Expression.Function,
    _ parts: [Node]
  ) throws(ExpressionError) -> Node {
    let name = function.rawValue
    let counts = function == .substr ? 2...3 : 2...2
    let expected =
      function == .substr
      ? "a text, a place from 1 and a length, both written out"
      : "a text and a length, written out"
    guard counts.contains(parts.count) else {
      throw .wrongArguments(piece: name, expected: expected)
    }
    for (index, part) in parts.enumerated().dropFirst() {
      let least: Int64 = function == .substr && index == 1 ? 1 : 0
      guard case .integer(let value) = part.constant, value >= least, value <= 1_000_000_000 else {
        throw .wrongArguments(piece: name, expected: expected)
      }
    }
    return Node(.call(function, [try text(parts[0], name)] + parts.dropFirst()), .string)
  }

  // MARK: Times

  private func unit(_ node: Node, _ piece: String) throws(ExpressionError) -> TimeUnit {
    let names = TimeUnit.allCases.map(\.rawValue)
    guard case .text(let text) = node.constant, let unit = TimeUnit(text) else {
      throw .wrongArguments(
        piece: piece,
        expected: "a unit written out: \(names.joined(separator: ", "))"
      )
    }
    return unit
  }

  /// A date or an instant.
  private func time(_ node: Node, _ piece: String) throws(ExpressionError) -> Node {
    if node.type == .void { return .null(.timestamp) }
    guard node.type == .date || node.type == .timestamp else {
      throw .wrongType(piece: piece, found: node.type, expected: "a date or a timestamp")
    }
    return node
  }

  /// An instant, for a date its midnight in UTC.
  func instant(_ node: Node, _ piece: String) throws(ExpressionError) -> Node {
    try converted(try time(node, piece), to: .timestamp)
  }

  // MARK: Casts

  /// A value as another type, as far as all executions agree on how it is read.
  func cast(
    _ node: Node,
    to type: DataType,
    _ kind: Expression.CastKind
  ) throws(ExpressionError) -> Node {
    if node.type == .void, ValueKind(type) != .other, type != .float { return .null(type) }
    if case .decimal(let precision, let scale) = type,
      !(1...38).contains(precision) || !(0...precision).contains(scale)
    {
      throw .outsideSubset(
        piece: type.sqlName,
        instead: "a decimal has 1 to 38 digits, and no more of them after the point"
      )
    }
    if node.type == type { return node }
    let piece = "\(kind.rawValue) of \(node.type.sqlName) AS \(type.sqlName)"
    switch (ValueKind(node.type), ValueKind(type)) {
    case (_, .double) where type == .float:
      throw .outsideSubset(piece: "the type REAL", instead: "cast to DOUBLE")
    case (.boolean, .long), (.boolean, .text), (.long, .long), (.long, .double), (.long, .decimal),
      (.long, .text), (.double, .long), (.decimal, .long), (.decimal, .decimal),
      (.decimal, .double), (.text, .long), (.text, .double), (.text, .date), (.text, .instant),
      (.date, .instant), (.date, .text), (.instant, .date):
      return Node(.cast(node, kind), type)
    case (.decimal, .text):
      guard case .decimal(38, 38) = node.type else { return Node(.cast(node, kind), type) }
      throw .outsideSubset(piece: piece, instead: "cast to fewer digits first")
    case (.boolean, .double):
      return Node(.cast(Node(.cast(node, kind), .long), kind), type)
    case (.double, .text):
      throw .outsideSubset(
        piece: piece,
        instead: "engines write doubles in different ways: cast to BIGINT first"
      )
    case (.double, .decimal):
      throw .outsideSubset(piece: piece, instead: "use round(x, digits)")
    default:
      throw .outsideSubset(piece: piece, instead: "compare, or use CASE")
    }
  }
}
