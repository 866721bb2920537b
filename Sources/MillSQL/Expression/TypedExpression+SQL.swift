// SPDX-License-Identifier: Apache-2.0

internal import MillCore

extension TypedExpression {
  /// The expression as SQL of DuckDB 2 over its inputs.
  ///
  /// It depends on no setting of the engine, and no value makes it fail.
  ///
  /// - Parameter relation: What the columns are qualified with, a name not yet quoted; nil for none.
  public func rendered(_ dialect: DuckDBDialect, from relation: String? = nil) -> String {
    var names = Set(inputs.names.map { $0.lowercased() })
    if let relation { names.insert(relation.lowercased()) }
    var writer = ExpressionSQL(
      dialect: dialect,
      qualifier: relation.map { dialect.quote($0) + "." } ?? "",
      taken: names,
      floats: Set(inputs.fields.indices.filter { inputs.fields[$0].type == .float })
    )
    return writer.value(root)
  }
}

/// Writes typed expressions as SQL of DuckDB.
///
/// Doubles are checked late: NaN and the infinities pass through sums, products and most functions
/// and come out as such, so one check at the end is worth one after each step. ``raw(_:)`` may give
/// them, ``value(_:)`` gives null instead.
struct ExpressionSQL {
  let dialect: DuckDBDialect
  let qualifier: String
  /// Names that stand for something else already, in lower case.
  let taken: Set<String>
  /// The slots of floats, which are read as doubles.
  let floats: Set<Int>
  private var bindings = 0

  init(dialect: DuckDBDialect, qualifier: String, taken: Set<String>, floats: Set<Int>) {
    self.dialect = dialect
    self.qualifier = qualifier
    self.taken = taken
    self.floats = floats
  }

  /// Texts up to this size are written twice where they are needed twice.
  static let repeatedMax = 160
  /// From the first day of the year 1, a Monday, to 1970-01-01.
  static let microsecondsBefore1970: Int64 = 62_135_596_800_000_000

  /// SQL of which no value is NaN, infinite or outside of what is published.
  mutating func value(_ node: Node) -> String {
    guard node.type == .double, !Self.isFinite(node) else { return raw(node) }
    return bound(raw(node)) { "CASE WHEN isfinite(\($0)) THEN \($0) END" }
  }

  private static func isFinite(_ node: Node) -> Bool {
    switch node.form {
    case .literal: true
    case .cast(let part, _): part.type != .string
    case .call(.epoch, _): true
    default: false
    }
  }

  /// A text that stands more than once in another: long ones are computed once and given a name.
  private mutating func bound(_ text: String, _ body: (String) -> String) -> String {
    let binding = binding(text)
    return binding.open + body(binding.name) + binding.close
  }

  private mutating func binding(_ text: String) -> (name: String, open: String, close: String) {
    guard text.utf8.count > Self.repeatedMax else { return (text, "", "") }
    var name = ""
    repeat {
      bindings += 1
      name = "mill_\(bindings)"
    } while taken.contains(name)
    return (name, "list_transform([\(text)], lambda \(name): ", ")[1]")
  }

  private mutating func values(_ nodes: [Node]) -> String {
    var texts: [String] = []
    for node in nodes { texts.append(value(node)) }
    return texts.joined(separator: ", ")
  }

  mutating func raw(_ node: Node) -> String {
    switch node.form {
    case .column(let slot, let name):
      let text = column(name, node.type)
      return floats.contains(slot) ? "CAST(\(text) AS DOUBLE)" : text
    case .literal(let datum): return literal(datum, node.type)
    case .negated(let part):
      guard ValueKind(node.type) == .long else { return "(- \(raw(part)))" }
      return "TRY_CAST((- CAST(\(value(part)) AS HUGEINT)) AS BIGINT)"
    case .arithmetic(let operation, let left, let right):
      return arithmetic(operation, left, right, node.type)
    case .joined(let left, let right): return "(\(value(left)) || \(value(right)))"
    case .comparison(let comparison, let left, let right):
      return "(\(value(left)) \(comparison.rawValue) \(value(right)))"
    case .all(let parts): return junction(parts, "AND")
    case .any(let parts): return junction(parts, "OR")
    case .not(let part): return "(NOT \(value(part)))"
    case .isNull(let part): return "(\(value(part)) IS NULL)"
    case .oneOf(let part, let values): return "(\(value(part)) IN (\(self.values(values))))"
    case .between(let part, let low, let high):
      return "(\(value(part)) BETWEEN \(value(low)) AND \(value(high)))"
    case .choice(let branches, let otherwise):
      var text = "CASE"
      for branch in branches {
        text += " WHEN \(value(branch.condition)) THEN \(raw(branch.value))"
      }
      return text + " ELSE \(raw(otherwise)) END"
    case .coalesce(let parts): return "coalesce(\(values(parts)))"
    case .nullIf(let left, let right): return "nullif(\(raw(left)), \(value(right)))"
    case .cast(let part, _): return cast(part, to: node.type)
    case .call(let function, let parts): return call(function, parts, node.type)
    case .dateDiff(let unit, let earlier, let later): return dateDiff(unit, earlier, later)
    case .dateTrunc(let unit, let part): return dateTrunc(unit, part)
    }
  }

  private mutating func junction(_ parts: [Node], _ word: String) -> String {
    var texts: [String] = []
    for part in parts { texts.append(value(part)) }
    return "(" + texts.joined(separator: " \(word) ") + ")"
  }

  // MARK: Leaves

  private func column(_ name: String, _ type: DataType) -> String {
    let column = qualifier + dialect.quote(name)
    switch type {
    case .date:
      return "CASE WHEN \(column) BETWEEN DATE '0001-01-01' AND DATE '9999-12-31' "
        + "THEN \(column) END"
    case .timestamp: return Self.published(column)
    default: return column
    }
  }

  private static func published(_ instant: String) -> String {
    "CASE WHEN \(instant) BETWEEN TIMESTAMPTZ '0001-01-01 00:00:00+00' "
      + "AND TIMESTAMPTZ '9999-12-31 23:59:59.999999+00' THEN \(instant) END"
  }

  private func literal(_ datum: Datum, _ type: DataType) -> String {
    switch datum {
    case .null, .bytes, .list: "CAST(NULL AS \(dialect.typeName(type)))"
    case .boolean(let value): value ? "TRUE" : "FALSE"
    case .integer(let value): "CAST(\(value) AS \(dialect.typeName(type)))"
    case .double(let value):
      value < 0 ? "(\(Expression.literal(datum)))" : Expression.literal(datum).description
    case .decimal(let unscaled, let scale):
      "CAST('\(Datum.decimalText(unscaled, scale: scale))' AS \(dialect.typeName(type)))"
    case .text(let text):
      // The engine's statements end at the first NUL.
      text.utf8.contains(0)
        ? "("
          + text.unicodeScalars.split(separator: "\0", omittingEmptySubsequences: false)
          .map { dialect.literal(String(String.UnicodeScalarView($0))) }
          .joined(separator: " || chr(0) || ") + ")"
        : dialect.literal(text)
    case .date(let date): "DATE '\(date)'"
    case .instant(let instant): "TIMESTAMPTZ '\(instant)'"
    }
  }

  // MARK: Numbers

  private mutating func arithmetic(
    _ operation: Expression.Arithmetic,
    _ left: Node,
    _ right: Node,
    _ type: DataType
  ) -> String {
    switch ValueKind(type) {
    case .double: doubles(operation, left, right)
    case .decimal: decimals(operation, left, right, type)
    default: integers(operation, left, right)
    }
  }

  /// In 128 bits, which hold every result; what 64 do not hold is null.
  private mutating func integers(
    _ operation: Expression.Arithmetic,
    _ left: Node,
    _ right: Node
  ) -> String {
    var divisor = value(right)
    if operation == .divideWhole || operation == .remainder {
      divisor = "nullif(CAST(\(divisor) AS HUGEINT), 0)"
    }
    return "TRY_CAST((CAST(\(value(left)) AS HUGEINT) \(operation.rawValue) \(divisor)) AS BIGINT)"
  }

  private mutating func doubles(
    _ operation: Expression.Arithmetic,
    _ left: Node,
    _ right: Node
  ) -> String {
    switch operation {
    case .divide, .remainder:
      if case .double(let number) = right.constant, number != 0 {
        return "(\(raw(left)) \(operation.rawValue) \(raw(right)))"
      }
      // A finite number over an infinite one would be finite.
      let divisor = bound(raw(right)) { "CASE WHEN isfinite(\($0)) AND \($0) <> 0 THEN \($0) END" }
      return "(\(raw(left)) \(operation.rawValue) \(divisor))"
    case .power:
      let base = binding(value(left))
      let exponent = binding(value(right))
      return base.open + exponent.open
        + "CASE WHEN \(base.name) <> 0 OR \(exponent.name) >= 0 "
        + "THEN pow(\(base.name), \(exponent.name)) END" + exponent.close + base.close
    default: return "(\(raw(left)) \(operation.rawValue) \(raw(right)))"
    }
  }

  private mutating func decimals(
    _ operation: Expression.Arithmetic,
    _ left: Node,
    _ right: Node,
    _ type: DataType
  ) -> String {
    var first = value(left)
    // The engine keeps products of short decimals in 18 digits; of one of 19 it does not.
    if operation == .multiply, case .decimal(let digits, let scale) = left.type,
      case .decimal(let precision, _) = type, precision > 18, digits < 19
    {
      first = "CAST(\(first) AS DECIMAL(19,\(scale)))"
    }
    return "CAST((\(first) \(operation.rawValue) \(value(right))) AS \(dialect.typeName(type)))"
  }

  // MARK: Casts

  private mutating func cast(_ part: Node, to type: DataType) -> String {
    let name = dialect.typeName(type)
    switch (ValueKind(part.type), ValueKind(type)) {
    case (.double, .long): return "TRY_CAST(\(raw(part)) AS \(name))"
    case (.decimal, .double):
      guard case .decimal(let precision, _) = part.type, precision > 15 else {
        return "CAST(\(value(part)) AS DOUBLE)"
      }
      // Through text it is rounded once, to the nearest.
      return "CAST(CAST(\(value(part)) AS VARCHAR) AS DOUBLE)"
    case (.decimal, .text):
      guard case .decimal(let precision, let scale) = part.type, precision == scale else {
        return "CAST(\(value(part)) AS VARCHAR)"
      }
      // Without a digit before the point the engine writes none there.
      return "CAST(CAST(\(value(part)) AS DECIMAL(\(precision + 1),\(scale))) AS VARCHAR)"
    case (.text, .long): return "TRY_CAST(\(Self.read(value(part), Self.whole)) AS \(name))"
    case (.text, .double): return "TRY_CAST(\(Self.read(value(part), Self.real)) AS DOUBLE)"
    case (.text, .date): return "TRY_CAST(\(Self.read(value(part), Self.day)) AS DATE)"
    case (.text, .instant):
      let moment = bound(value(part)) { text in
        // Text without an offset is UTC, whatever the session's zone.
        "coalesce(TRY_CAST(\(Self.read(text, Self.day + Self.time + Self.offset)) AS \(name)), "
          + "make_timestamptz(epoch_us("
          + "TRY_CAST(\(Self.read(text, Self.day + "(\(Self.time))?")) AS TIMESTAMP))))"
      }
      return bound(moment, Self.published)
    case (.date, .instant): return "make_timestamptz(epoch_us(\(value(part))))"
    case (.instant, .date): return "CAST(\(naive(part)) AS DATE)"
    default: return "TRY_CAST(\(value(part)) AS \(name))"
    }
  }

  /// Text that is written as values of a type are, else empty text, which no cast takes.
  private static func read(_ text: String, _ pattern: String) -> String {
    "regexp_extract(\(text), '^(\(pattern))$')"
  }

  private static let whole = "[-+]?[0-9]+"
  private static let real = "[-+]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][-+]?[0-9]+)?"
  private static let day =
    "([1-9][0-9]{3}|0[1-9][0-9]{2}|00[1-9][0-9]|000[1-9])-[0-9]{2}-[0-9]{2}"
  private static let time =
    "[T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]{1,6})?)?"
  private static let offset = "(Z|[-+]((0[0-9]|1[0-7]):[0-5][0-9]|18:00))"

  // MARK: Functions

  private mutating func call(
    _ function: Expression.Function,
    _ parts: [Node],
    _ type: DataType
  ) -> String {
    let name = function.rawValue
    switch function {
    case .abs:
      guard ValueKind(type) == .long else { return "abs(\(raw(parts[0])))" }
      return "TRY_CAST(abs(CAST(\(value(parts[0])) AS HUGEINT)) AS BIGINT)"
    case .sign: return "CAST(sign(\(value(parts[0]))) AS BIGINT)"
    case .floor, .ceil, .trunc: return "\(name)(\(raw(parts[0])))"
    case .round:
      guard case .integer(let digits)? = parts.dropFirst().first?.constant else {
        return "round(\(raw(parts[0])))"
      }
      return "round(\(raw(parts[0])), \(digits))"
    case .sqrt: return bound(raw(parts[0])) { "CASE WHEN \($0) >= 0 THEN sqrt(\($0)) END" }
    case .ln, .log10, .log2:
      return bound(raw(parts[0])) { "CASE WHEN \($0) > 0 THEN \(name)(\($0)) END" }
    case .length:
      return "\(ValueKind(parts[0].type) == .text ? "length" : "len")(\(value(parts[0])))"
    case .substr, .left, .right:
      var text = "\(name)(\(value(parts[0]))"
      for part in parts.dropFirst() {
        if case .integer(let number) = part.constant { text += ", \(number)" }
      }
      return text + ")"
    case .year, .quarter, .month, .day, .dayofweek, .isodow, .dayofyear, .hour, .minute, .second:
      let part = parts[0]
      return "\(name)(\(part.type == .date ? value(part) : naive(part)))"
    case .epochMicroseconds: return "epoch_us(\(value(parts[0])))"
    case .epochMilliseconds: return elapsed(parts[0], .millisecond, andBack: true)
    case .epoch: return "(CAST(epoch_us(\(value(parts[0]))) AS DOUBLE) / 1e6)"
    case .element:
      let element = "list_extract(\(value(parts[0])), \(value(parts[1])))"
      return type == .double ? "CAST(\(element) AS DOUBLE)" : element
    default: return "\(name)(\(values(parts)))"
    }
  }

  // MARK: Times

  /// The clock in UTC, whatever the session's zone.
  private mutating func naive(_ part: Node) -> String { "make_timestamp(epoch_us(\(value(part))))" }

  /// How many whole units there are from the first day of the year 1, or from 1970.
  private mutating func elapsed(_ part: Node, _ unit: TimeUnit, andBack: Bool = false) -> String {
    let length = unit.microseconds ?? 1
    let units = "((epoch_us(\(value(part))) + \(Self.microsecondsBefore1970)) // \(length))"
    return andBack ? "(\(units) - \(Self.microsecondsBefore1970 / length))" : units
  }

  private mutating func dateDiff(_ unit: TimeUnit, _ earlier: Node, _ later: Node) -> String {
    guard unit.microseconds != nil else {
      return "date_diff('\(unit.rawValue)', \(naive(earlier)), \(naive(later)))"
    }
    return "(\(elapsed(later, unit)) - \(elapsed(earlier, unit)))"
  }

  private mutating func dateTrunc(_ unit: TimeUnit, _ part: Node) -> String {
    guard part.type != .date else {
      return "CAST(date_trunc('\(unit.rawValue)', \(value(part))) AS DATE)"
    }
    guard let length = unit.microseconds else {
      return "make_timestamptz(epoch_us(date_trunc('\(unit.rawValue)', \(naive(part)))))"
    }
    return
      "make_timestamptz(\(elapsed(part, unit)) * \(length) - \(Self.microsecondsBefore1970))"
  }
}
