// SPDX-License-Identifier: Apache-2.0

public import MillCore

/// The SQL of DuckDB 2.
public struct DuckDBDialect: Dialect {
  /// The one dialect there is; it holds nothing.
  public init() {}

  /// In double quotes, those inside doubled.
  public func quote(_ identifier: String) -> String {
    "\"" + Self.doubled(identifier, UInt8(ascii: "\"")) + "\""
  }

  /// In single quotes, those inside doubled; a backslash is a backslash.
  public func literal(_ text: String) -> String {
    "'" + Self.doubled(text, UInt8(ascii: "'")) + "'"
  }

  /// The type that DuckDB writes to Parquet as the published one.
  public func typeName(_ type: DataType) -> String {
    switch type {
    case .string: "VARCHAR"
    case .long: "BIGINT"
    case .integer: "INTEGER"
    case .short: "SMALLINT"
    case .byte: "TINYINT"
    case .float: "FLOAT"
    case .double: "DOUBLE"
    case .decimal(let precision, let scale): "DECIMAL(\(precision),\(scale))"
    case .boolean: "BOOLEAN"
    case .binary: "BLOB"
    case .date: "DATE"
    case .timestamp: "TIMESTAMP WITH TIME ZONE"
    case .timestampWithoutZone: "TIMESTAMP"
    // An integer holds the nulls as well as any other type, and every engine can show it.
    case .void: "INTEGER"
    case .array(let element, _): typeName(element) + "[]"
    case .map(let key, let value, _): "MAP(\(typeName(key)), \(typeName(value)))"
    case .structure(let fields):
      "STRUCT("
        + fields.map { "\(quote($0.name)) \(typeName($0.type))" }.joined(separator: ", ") + ")"
    }
  }

  /// By `regexp_matches`, whose patterns are RE2.
  public func matches(_ text: String, pattern: String) -> String {
    "regexp_matches(\(text), \(literal(pattern)))"
  }

  /// A list without nulls, in the order of the conditions.
  public func namesWhere(_ conditions: [(condition: String, name: String)]) -> String {
    let cases = conditions.map { "CASE WHEN \($0.condition) THEN \(literal($0.name)) END" }
    return "list_filter([\(cases.joined(separator: ", "))], lambda name: name IS NOT NULL)"
  }

  /// By a function of chance, below which the optimizer pushes no filter.
  public func computedOnce(_ condition: String) -> String {
    "(\(condition) OR random() < 0)"
  }

  /// By timezone, which takes the later offset of a doubled hour.
  public func instant(ofNaive time: String, in zone: String) -> String {
    if zone == "UTC" { return "timezone('UTC', \(time))" }
    let late = "timezone(\(literal(zone)), \(time))"
    return "CASE \(Self.earlier(late, time, literal(zone)))ELSE \(late) END"
  }

  /// Branches for an instant before, of which the clock shows the same.
  private static func earlier(_ late: String, _ naive: String, _ zone: String) -> String {
    // Clocks go back by an hour, on Lord Howe by half of one, at Troll by two.
    [60, 30, 120].map { minutes in
      let first = "\(late) - INTERVAL \(minutes) MINUTE"
      return "WHEN timezone(\(zone), \(first)) = \(naive) THEN \(first) "
    }.joined()
  }

  /// By list_contains.
  public func contains(_ list: String, text: String) -> String {
    "list_contains(\(list), \(literal(text)))"
  }

  /// By TRY_CAST, but null where that would round or cut.
  public func decoded(_ text: String, as type: DataType, timeZone: String) -> String {
    let cast = "TRY_CAST(\(text) AS \(typeName(type)))"
    switch type {
    case .string: return text
    case .long, .integer, .short, .byte:
      // A cast would round 2.5 to 3; only text that is a whole number passes.
      return numeral(text, cast, scale: 0)
    case .decimal(_, let scale):
      return numeral(text, cast, scale: scale)
    case .float, .double:
      // NaN is read, to become null; a number beyond the type's range is no number.
      return "CASE WHEN NOT isinf(\(cast)) THEN \(cast) END"
    case .date:
      // Ten characters from a year on: a time behind the day would be cut off.
      return "CASE WHEN strlen(\(text)) <= 10 AND instr(\(text), '-') = 5 "
        + "AND \(cast) BETWEEN DATE '0001-01-01' AND DATE '9999-12-31' THEN \(cast) END"
    case .timestamp:
      let value = timeZone == "UTC" ? cast : zoned(text, timeZone)
      // What is finer than a microsecond would be cut off; words such as `epoch`, the year 0 and
      // years before Christ are no times.
      let isInside =
        "\(value) BETWEEN TIMESTAMPTZ '0001-01-01 00:00:00+00' "
        + "AND TIMESTAMPTZ '9999-12-31 23:59:59.999999+00'"
      // Only at the ends of time can a zone carry an instant out of the years that there are.
      let isFarFromEnds =
        "NOT starts_with(\(text), '9999') AND NOT starts_with(\(text), '0001')"
      return "CASE WHEN instr(\(text), '-') = 5 AND NOT contains(\(text), '(') "
        + "AND (\(isFarFromEnds) OR \(isInside)) "
        + "AND NOT starts_with(\(text), '0000') AND (strlen(\(text)) <= 26 "
        + "OR NOT regexp_matches(\(text), '[.][0-9]{6}[0-9]*[1-9]')) THEN \(value) END"
    case .binary:
      return "encode(\(text))"
    default:
      return cast
    }
  }

  /// A number without loss: text that the value writes itself passes at once, all other ways to
  /// write it are looked at.
  ///
  /// The engine also takes `0x10` and `1_000`, which people do not write for numbers.
  private func numeral(_ text: String, _ cast: String, scale: Int) -> String {
    let isNumeral =
      "regexp_full_match(\(text), ' *[-+]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][-+]?[0-9]+)? *')"
    return "CASE WHEN CAST(\(cast) AS VARCHAR) = \(text) THEN \(cast) "
      + "WHEN \(isNumeral) THEN \(exact(text, cast, scale: scale)) END"
  }

  /// The cast where the text has no digit beyond the scale but zeros.
  ///
  /// Text with an exponent is held against its value in 38 digits and as a double: the first tells
  /// long numbers apart, the second tiny ones.
  private func exact(_ text: String, _ cast: String, scale: Int) -> String {
    let wide = "TRY_CAST(\(text) AS DECIMAL(38,\(min(scale + 10, 37))))"
    let near = "TRY_CAST(\(text) AS DOUBLE) = CAST(\(cast) AS DOUBLE)"
    return "CASE WHEN contains(\(text), 'e') OR contains(\(text), 'E') "
      + "THEN CASE WHEN \(wide) = \(cast) AND \(near) THEN \(cast) END "
      + "WHEN instr(\(text), '.') = 0 OR strlen(\(text)) - instr(\(text), '.') <= \(scale) "
      + "OR regexp_full_match(\(text), '[^.]*[.][0-9]{0,\(scale)}0* *') THEN \(cast) END"
  }

  /// A naive time in a zone as an instant.
  ///
  /// Of a doubled hour it is the first offset, of a missing hour the offset before
  /// (docs/semantics.md, 1); ICU takes the later offset of a doubled hour.
  private func zoned(_ text: String, _ zone: String) -> String {
    let naive = "TRY_CAST(\(text) AS TIMESTAMP)"
    let late = "timezone(\(literal(zone)), \(naive))"
    let earlier = Self.earlier(late, naive, literal(zone))
    // Only what is a day and a time and nothing else is naive: `12:00:00 UTC` names its zone.
    let isNaive =
      "regexp_full_match(\(text), "
      + "'[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([ T][0-9]{1,2}:[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?)? *')"
    return "CASE WHEN NOT \(isNaive) THEN TRY_CAST(\(text) AS TIMESTAMP WITH TIME ZONE) "
      + earlier + "ELSE \(late) END"
  }

  private static func doubled(_ text: String, _ quote: UInt8) -> String {
    guard text.utf8.contains(quote) else { return text }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.utf8.count + 8)
    for byte in text.utf8 {
      bytes.append(byte)
      if byte == quote { bytes.append(byte) }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
