// SPDX-License-Identifier: Apache-2.0

/// A value computed from the columns of one row, as it was written.
///
/// An engine's parser makes it; nothing is known of types yet. What SQL has and this has not is not
/// in the subset: no aggregate, no subquery, nothing that reads a clock or chance.
///
/// Its ``description`` is SQL that reads back as the same expression, whatever the spelling of the
/// original: definitions are told apart by it.
///
/// ```swift
/// Expression.arithmetic(.add, .column("a"), .literal(.integer(1))).description  // ("a" + 1)
/// ```
public indirect enum Expression: Hashable, Sendable {
  /// What two numbers are joined by.
  public enum Arithmetic: String, Hashable, Sendable, CaseIterable {
    case add = "+"
    /// Of two days: how many days lie between them.
    case subtract = "-"
    case multiply = "*"
    /// Always of doubles.
    case divide = "/"
    /// Of integers, towards zero.
    case divideWhole = "//"
    /// What is left; it has the sign of the left side.
    case remainder = "%"
    case power = "**"
  }

  /// How two values are compared.
  public enum Comparison: String, Hashable, Sendable, CaseIterable {
    case equal = "="
    case notEqual = "<>"
    case less = "<"
    case lessOrEqual = "<="
    case greater = ">"
    case greaterOrEqual = ">="
    /// Never null: null is a value like others.
    case distinct = "IS DISTINCT FROM"
    case notDistinct = "IS NOT DISTINCT FROM"
  }

  /// What becomes of a value that the target of a cast does not hold; it is null in both.
  public enum CastKind: String, Hashable, Sendable, CaseIterable {
    /// The value is invalid.
    case strict = "CAST"
    /// The value is null and nobody is told.
    case lenient = "TRY_CAST"
  }

  /// One WHEN of a CASE.
  public struct Branch: Hashable, Sendable {
    /// What must be true.
    public var condition: Expression
    /// The value then.
    public var value: Expression

    /// A condition and its value.
    public init(when condition: Expression, then value: Expression) {
      self.condition = condition
      self.value = value
    }
  }

  /// The same for every row.
  case literal(Datum)
  /// An input by its name.
  case column(String)
  /// A number with its sign changed.
  case negated(Expression)
  /// Two numbers joined.
  case arithmetic(Arithmetic, Expression, Expression)
  /// Two texts, one after the other; null if one is.
  case joined(Expression, Expression)
  /// Two values compared.
  case comparison(Comparison, Expression, Expression)
  /// Whether all are true; false wins over null.
  case all([Expression])
  /// Whether one is true; true wins over null.
  case any([Expression])
  /// Whether it is false.
  case not(Expression)
  /// Whether there is no value.
  case isNull(Expression)
  /// Whether a value is among others.
  case oneOf(Expression, [Expression])
  /// Whether a value lies between two others, or is one of them.
  case between(Expression, low: Expression, high: Expression)
  /// The value of the first condition that is true.
  case choice([Branch], otherwise: Expression)
  /// The first value that is not null.
  case coalesce([Expression])
  /// The first value, or null if it is the second.
  case nullIf(Expression, Expression)
  /// A value as another type.
  case cast(CastKind, Expression, DataType)
  /// The value of a function.
  case call(Function, [Expression])
}

extension Expression {
  /// The functions that every execution computes alike.
  public enum Function: String, Hashable, Sendable, CaseIterable {
    // Numbers
    case abs, sign, floor, ceil, trunc, round, sqrt, exp, ln, log10, log2
    case least, greatest
    // Text
    case lower, upper, trim, ltrim, rtrim, length, strlen, substr, left, right
    case contains, replace, concat
    case startsWith = "starts_with"
    case endsWith = "ends_with"
    // Time
    case year, quarter, month, day, dayofweek, isodow, dayofyear, hour, minute, second
    case epoch
    case epochMilliseconds = "epoch_ms"
    case epochMicroseconds = "epoch_us"
    case dateDiff = "date_diff"
    case dateTrunc = "date_trunc"
    // Lists
    case element = "list_extract"

    /// The function of a name in lower case, other names for the same included.
    public init?(name: String) {
      guard let function = Self(rawValue: name) ?? Self.synonyms[name] else { return nil }
      self = function
    }

    /// All names that are known, for a suggestion.
    public static var names: [String] {
      allCases.map(\.rawValue) + synonyms.keys.sorted() + ["coalesce", "nullif", "ifnull", "if"]
    }

    private static let synonyms: [String: Self] = [
      "ceiling": .ceil, "log": .log10, "lcase": .lower, "ucase": .upper, "len": .length,
      "char_length": .length, "character_length": .length, "substring": .substr,
      "prefix": .startsWith, "suffix": .endsWith, "datediff": .dateDiff, "datetrunc": .dateTrunc,
      "weekday": .dayofweek, "dayofmonth": .day, "list_element": .element,
      "array_extract": .element, "array_length": .length, "@": .abs,
    ]
  }

  /// The columns that are named, in the order in which they first stand.
  public var columns: [String] {
    var found: [String] = []
    var seen: Set<ByteKey> = []
    collect { if seen.insert(ByteKey($0)).inserted { found.append($0) } }
    return found
  }

  /// The expressions that this is directly made of.
  public var parts: [Expression] {
    switch self {
    case .literal, .column: []
    case .negated(let part), .not(let part), .isNull(let part), .cast(_, let part, _): [part]
    case .arithmetic(_, let left, let right), .joined(let left, let right),
      .comparison(_, let left, let right), .nullIf(let left, let right):
      [left, right]
    case .all(let parts), .any(let parts), .coalesce(let parts), .call(_, let parts): parts
    case .oneOf(let part, let parts): [part] + parts
    case .between(let part, let low, let high): [part, low, high]
    case .choice(let branches, let otherwise):
      branches.flatMap { [$0.condition, $0.value] } + [otherwise]
    }
  }

  private func collect(_ take: (String) -> Void) {
    if case .column(let name) = self { take(name) }
    for part in parts { part.collect(take) }
  }
}
