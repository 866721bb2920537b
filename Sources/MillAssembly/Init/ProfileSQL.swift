// SPDX-License-Identifier: Apache-2.0

internal import MillCore
internal import MillSQL

/// The SQL that collects what a profile is made of.
///
/// Columns are addressed as `c0`, `c1`, … so that no name of a file reaches a query but once.
struct ProfileSQL {
  let dialect: any Dialect
  /// Text that means null by convention.
  let nullTexts: [String]

  /// Text that means null to those who wrote the file, if it keeps a column from being anything
  /// but text.
  static let nullLikes = [
    "NULL", "null", "Null", "N/A", "n/a", "#N/A", "na", "NaN", "nan", "None", "none", "nil", "-",
    "--", ".", "?", "\\N",
  ]

  /// Quoted texts, separated by commas.
  private func literals(_ texts: [String]) -> String {
    texts.map { dialect.literal($0) }.joined(separator: ", ")
  }

  /// The fields of a raw relation as `c0`, `c1`, … of text.
  func texts(_ fields: [String], from relation: String) -> String {
    let columns = fields.enumerated().map { index, field in
      "CAST(\(dialect.quote(field)) AS VARCHAR) AS c\(index)"
    }
    return "SELECT \(columns.joined(separator: ", ")) FROM \(dialect.quote(relation))"
  }

  // MARK: What texts look like

  /// How many values a column's counts take in a row of ``textCounts(_:from:)``.
  static let countsPerColumn = TextCounts.Kind.allCases.count + 4

  /// One row of counts, for each column those of each kind and then four measures.
  func textCounts(_ columns: Range<Int>, from relation: String) -> String {
    let kinds = columns.map { "CAST(\(kind("c\($0)")) AS TINYINT) AS k\($0), c\($0)" }
    let counts = columns.flatMap { index in
      TextCounts.Kind.allCases.map { "count_if(k\(index) = \($0.rawValue))" }
        + measures(index)
    }
    return """
      SELECT \(counts.joined(separator: ", "))
      FROM (SELECT \(kinds.joined(separator: ", ")) FROM \(dialect.quote(relation))) AS kinds
      """
  }

  private func measures(_ index: Int) -> [String] {
    let (kind, text) = ("k\(index)", "c\(index)")
    let mantissa = "split_part(lower(trim(\(text))), 'e', 1)"
    let digits = "length(replace(ltrim(\(mantissa), '+-0.'), '.', ''))"
    let fraction = "length(trim(\(text))) - instr(trim(\(text)), '.')"
    let whole = "length(ltrim(split_part(trim(\(text)), '.', 1), '+-'))"
    // Not filters: of hundreds of them in a query, each costs several times as much as this.
    return [
      "max(CASE WHEN \(kind) IN (5, 6) THEN \(digits) END)",
      "max(CASE WHEN \(kind) = 5 THEN \(fraction) END)",
      "max(CASE WHEN \(kind) IN (3, 5) THEN \(whole) END)",
      "count_if(\(kind) > 1 AND (\(text) LIKE ' %' OR \(text) LIKE '% '))",
    ]
  }

  /// The number of a value's ``TextCounts/Kind``.
  ///
  /// A cast alone would take `1_000` for a number and
  /// `2013-1-1` for a day, so the form is checked first.
  private func kind(_ text: String) -> String {
    func matches(_ pattern: String) -> String { dialect.matches(text, pattern: pattern) }
    func casts(_ type: String) -> String { "TRY_CAST(\(text) AS \(type)) IS NOT NULL" }
    let time = "[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,6})?)?"
    let day = "^[0-9]{4}-[0-9]{2}-[0-9]{2}"
    let nullLike = "\(text) IN (\(literals(Self.nullLikes)))"
    // Most values are told by the first three lines, which cost little. Whatever begins with a
    // digit, a sign, a point or a blank is less than a colon.
    return """
      CASE WHEN \(isNull(text)) THEN 0
      WHEN \(text) >= ':' THEN CASE WHEN strlen(\(text)) > 5 THEN 10
        WHEN \(nullLike) THEN 1
        WHEN \(text) IN ('true', 'false', 'True', 'False', 'TRUE', 'FALSE') THEN 2
        ELSE 10 END
      WHEN CAST(TRY_CAST(\(text) AS BIGINT) AS VARCHAR) = \(text) THEN 3
      WHEN \(nullLike) THEN 1
      WHEN \(matches("^ *[+-]?0[0-9]+([.][0-9]*)? *$")) THEN 4
      WHEN \(matches("^ *[+-]?[0-9]+ *$")) THEN CASE WHEN \(casts("BIGINT")) THEN 3 ELSE 11 END
      WHEN \(matches("^ *[+-]?([0-9]+[.][0-9]*|[.][0-9]+) *$")) THEN 5
      WHEN \(matches("^ *[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)[eE][+-]?[0-9]+ *$"))
        THEN CASE WHEN isfinite(TRY_CAST(\(text) AS DOUBLE)) THEN 6 ELSE 10 END
      WHEN \(matches(day + "$")) THEN CASE WHEN \(casts("DATE")) THEN 7 ELSE 10 END
      WHEN \(matches(day + time + " ?(Z|[+-][0-9]{2}(:?[0-9]{2})?)$"))
        THEN CASE WHEN \(casts("TIMESTAMP WITH TIME ZONE")) THEN 8 ELSE 10 END
      WHEN \(matches(day + time + "$")) THEN CASE WHEN \(casts("TIMESTAMP")) THEN 9 ELSE 10 END
      ELSE 10 END
      """
  }

  private func isNull(_ text: String) -> String {
    guard !nullTexts.isEmpty else { return "\(text) IS NULL" }
    return "\(text) IS NULL OR \(text) IN (\(literals(nullTexts)))"
  }

  /// Which null-like texts a column has, and how often.
  func nullLikes(_ column: Int, from relation: String) -> String {
    """
    SELECT c\(column), count(*) FROM \(dialect.quote(relation))
    WHERE c\(column) IN (\(literals(Self.nullLikes))) GROUP BY ALL ORDER BY 2 DESC, 1
    """
  }

  // MARK: Typed values

  /// The columns decoded, `nullTexts` as null.
  func typed(_ types: [DataType], nullTexts: [String], from relation: String) -> String {
    let texts = types.indices.map { index in
      nullTexts.isEmpty
        ? "c\(index)"
        : "CASE WHEN c\(index) NOT IN (\(literals(nullTexts))) THEN c\(index) END AS c\(index)"
    }
    let decoded = types.enumerated().map { index, type in
      "\(dialect.decoded("c\(index)", as: type, timeZone: "UTC")) AS c\(index)"
    }
    return """
      SELECT \(decoded.joined(separator: ", "))
      FROM (SELECT \(texts.joined(separator: ", ")) FROM \(dialect.quote(relation))) AS texts
      """
  }

  /// A column as a number that has quantiles, or nil.
  static func measure(_ column: Int, _ type: DataType) -> String? {
    switch type {
    case .date, .timestamp, .timestampWithoutZone: "epoch(c\(column))"
    case .float, .double: "CASE WHEN isfinite(c\(column)) THEN CAST(c\(column) AS DOUBLE) END"
    default: type.isNumeric ? "CAST(c\(column) AS DOUBLE)" : nil
    }
  }

  /// How many values a column takes in a row of ``statistics(_:from:)``.
  static let statisticsPerColumn = 15

  /// One row: per column values, distinct values (about), least, greatest, lengths, quantiles.
  ///
  /// - Parameter isExact: whether quantiles are those of all values or those of a sketch of them.
  func statistics(
    _ columns: [(index: Int, type: DataType, values: Int64)],
    from relation: String,
    isExact: Bool
  ) -> String {
    var inner: [String] = []
    var outer: [String] = []
    for (index, type, values) in columns {
      let column = "c\(index)"
      inner += [
        "count(\(column)) AS n\(index)",
        "approx_count_distinct(\(column)) AS d\(index)",
      ]
      inner +=
        type.isPrimitive
        ? [
          "CAST(min(\(column)) AS VARCHAR) AS a\(index)",
          "CAST(max(\(column)) AS VARCHAR) AS b\(index)",
        ] : ["CAST(NULL AS VARCHAR) AS a\(index)", "CAST(NULL AS VARCHAR) AS b\(index)"]
      inner +=
        type == .string
        ? ["min(length(\(column))) AS s\(index)", "max(length(\(column))) AS l\(index)"]
        : ["NULL AS s\(index)", "NULL AS l\(index)"]
      outer += ["n", "d", "a", "b", "s", "l"].map { "\($0)\(index)" }
      guard let measure = Self.measure(index, type) else {
        outer += Array(repeating: "NULL", count: 9)
        continue
      }
      let tail = RangeBounds.tail(count: values)
      let name = isExact ? "quantile_cont" : "approx_quantile"
      let shares = [0.01, 0.25, 0.5, 0.75, 0.99, 1 - tail, tail].map { "\($0)" }
      inner += [
        "\(name)(\(measure), [\(shares.joined(separator: ", "))]) AS q\(index)",
        "CAST(min(\(measure)) AS DOUBLE) AS x\(index)",
        "CAST(max(\(measure)) AS DOUBLE) AS y\(index)",
      ]
      outer += (1...7).map { "CAST(q\(index)[\($0)] AS DOUBLE)" } + ["x\(index)", "y\(index)"]
    }
    return """
      SELECT \(outer.joined(separator: ", "))
      FROM (SELECT \(inner.joined(separator: ", ")) FROM \(dialect.quote(relation))) AS measured
      """
  }

  /// One row: the exact number of different values per column.
  func distinct(_ columns: [Int], from relation: String) -> String {
    let counts = columns.map { "count(DISTINCT c\($0))" }
    return "SELECT \(counts.joined(separator: ", ")) FROM \(dialect.quote(relation))"
  }

  /// Column, value, count: the most frequent values of each column.
  func top(_ columns: [Int], limit: Int, from relation: String) -> String {
    columns.map { column in
      """
      (SELECT \(column) AS col, CAST(c\(column) AS VARCHAR) AS val, count(*) AS n
      FROM \(dialect.quote(relation)) WHERE c\(column) IS NOT NULL
      GROUP BY ALL ORDER BY n DESC, val LIMIT \(limit))
      """
    }.joined(separator: "\nUNION ALL\n") + "\nORDER BY 1, 3 DESC, 2"
  }

  /// One row: for each column how many values match each pattern.
  func patterns(_ columns: [(index: Int, patterns: [String])], from relation: String) -> String {
    let counts = columns.flatMap { column in
      column.patterns.map {
        "count(*) FILTER (\(dialect.matches("c\(column.index)", pattern: $0)))"
      }
    }
    return "SELECT \(counts.joined(separator: ", ")) FROM \(dialect.quote(relation))"
  }

  /// One row: per column the farthest values inside of the suspect limits, the nearest outside, and
  /// how many are outside, below and above.
  func suspects(
    _ columns: [(index: Int, type: DataType, low: Double, high: Double)],
    from relation: String
  ) -> String {
    let values = columns.flatMap { index, type, low, high -> [String] in
      let measure = Self.measure(index, type) ?? "NULL"
      let (low, high) = (literal(low), literal(high))
      let isInside = "\(measure) BETWEEN \(low) AND \(high)"
      return [
        "CAST(min(\(measure)) FILTER (\(isInside)) AS DOUBLE)",
        "CAST(max(\(measure)) FILTER (\(isInside)) AS DOUBLE)",
        "CAST(max(\(measure)) FILTER (\(measure) < \(low)) AS DOUBLE)",
        "CAST(min(\(measure)) FILTER (\(measure) > \(high)) AS DOUBLE)",
        "count(*) FILTER (\(measure) < \(low))",
        "count(*) FILTER (\(measure) > \(high))",
      ]
    }
    return "SELECT \(values.joined(separator: ", ")) FROM \(dialect.quote(relation))"
  }

  private func literal(_ number: Double) -> String {
    "CAST('\(number)' AS DOUBLE)"
  }

  // MARK: Keys and references

  /// How many different rows of these columns there are.
  func distinctRows(_ columns: [Int], from relation: String) -> String {
    let list = columns.map { "c\($0)" }.joined(separator: ", ")
    return "SELECT count(*) FROM (SELECT DISTINCT \(list) FROM \(dialect.quote(relation))) AS d"
  }

  /// One row: for each column how many of its rows are found in the key of another table.
  func found(_ columns: [Int], from relation: String, in other: String, key: Int) -> String {
    let counts = columns.map { "count(*) FILTER (f\($0))" }
    let flags = columns.map { "c\($0) IN (SELECT k FROM keys) AS f\($0)" }
    return """
      WITH keys AS (SELECT c\(key) AS k FROM \(dialect.quote(other)) WHERE c\(key) IS NOT NULL)
      SELECT \(counts.joined(separator: ", "))
      FROM (SELECT \(flags.joined(separator: ", ")) FROM \(dialect.quote(relation))) AS flags
      """
  }
}
