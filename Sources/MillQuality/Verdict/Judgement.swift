// SPDX-License-Identifier: Apache-2.0

internal import MillCore
internal import MillEngine
internal import MillSQL

/// One judgement under way: the relations it defines and the queries it asks.
///
/// Names it defines begin with `mill_`; the session is the caller's and is closed by the caller.
struct Judgement {
  let validator: DataQualityValidator
  let schema: Schema
  let relation: RelationName
  let session: any EngineSession
  let dialect: any Dialect
  /// Nulls of columns where they are known without a scan.
  let nullCounts: [String: Int64]

  /// A rule of a row with the SQL that finds its violations.
  private struct RowRule {
    var rule: Rule
    var violation: String
  }

  mutating func run(published: RelationName?) async throws -> Verdict {
    let source = sql(relation)
    let rowRules = try await rowRules(over: source)
    let removing = rowRules.filter { $0.rule.severity == .quarantine }.map(\.violation)
    let isBroken = removing.isEmpty ? "false" : removing.map { "(\($0))" }.joined(separator: " OR ")
    let counts = try await count(rowRules, isBroken: isBroken, over: source)

    // What is left after the rules of a row, then one row per key.
    let survivors =
      counts.broken == 0 || validator.mode == .inspect
      ? "SELECT * FROM \(source)" : "SELECT * FROM \(source) WHERE NOT (\(isBroken))"
    let (distinct, deduplicated) = try await deduplicate(survivors)

    // Rules on keys, on what is left.
    var results: [RuleResult] = []
    var repeated: [(rule: Rule, violation: String)] = []
    for (index, rule) in validator.rules.enumerated() {
      guard case .unique(let columns) = rule.check else { continue }
      let found = try await findRepeated(columns, in: distinct, index: index)
      results.append(
        RuleResult(
          rule,
          evaluated: rule.mostly < 1
            ? try await countPresent(columns, in: distinct) : counts.candidates,
          violations: found.rows
        )
      )
      if let violation = found.violation, rule.severity == .quarantine {
        repeated.append((rule, violation))
      }
    }
    var good = distinct
    if !repeated.isEmpty, validator.mode == .gate {
      let condition = repeated.map { "(\($0.violation))" }.joined(separator: " OR ")
      good = "SELECT * FROM (\(distinct)) AS kept WHERE NOT (\(condition))"
    }
    let bad = try await storeBad(
      source: source,
      rowRules: rowRules,
      isBroken: counts.broken == 0 ? nil : isBroken,
      distinct: distinct,
      repeated: repeated
    )
    results +=
      counts.isDerived ? derive(counts.results, rowRules, from: bad) : counts.results
    let keptRows = counts.candidates - bad.rows - deduplicated
    try await results.append(
      contentsOf: wholeRules(good: good, rows: keptRows, published: published)
    )
    let order = Dictionary(
      uniqueKeysWithValues: validator.rules.enumerated().map { ($1.name, $0) }
    )
    results.sort { (order[$0.rule] ?? 0) < (order[$1.rule] ?? 0) }
    return Verdict(
      good: good,
      bad: bad.rows == 0 ? nil : "SELECT * FROM \(sql(Self.badName))",
      candidates: counts.candidates,
      quarantined: bad.rows,
      deduplicated: deduplicated,
      results: results
    )
  }

  private static let badName = RelationName("mill_bad")

  /// A column of ours in a query over the user's: a name that none of theirs has.
  private func free(_ name: String) -> String {
    let taken = Set(schema.names.map { $0.lowercased() })
    var name = name
    while taken.contains(name) { name += "_" }
    return dialect.quote(name)
  }

  private func sql(_ name: RelationName) -> String {
    dialect.quote([name.schema, name.name].compactMap { $0 })
  }

  // MARK: Rules of a row

  /// The row rules with their SQL; look-ups are resolved to the values that are missing.
  private func rowRules(over source: String) async throws -> [RowRule] {
    var found: [RowRule] = []
    for (index, rule) in validator.rules.enumerated() where rule.check.isOfRow {
      var dangling: String?
      if case .reference(let columns, let table, let keys) = rule.check {
        dangling = try await findDangling(columns, table, keys, over: source, index: index)
      }
      if let violation = rule.check.violation(in: schema, dialect, dangling: dangling) {
        found.append(RowRule(rule: rule, violation: violation))
      }
    }
    return found
  }

  /// Stores the values that the other table lacks; nil when it lacks none.
  private func findDangling(
    _ columns: [String],
    _ table: DatasetName,
    _ keys: [String],
    over source: String,
    index: Int
  ) async throws -> String? {
    let name = RelationName("mill_dangling_\(index)")
    let present = columns.map { "own.\(dialect.quote($0)) IS NOT NULL" }
    let equal = zip(columns, keys).map {
      "own.\(dialect.quote($0)) = other.\(dialect.quote($1))"
    }
    try await session.define(
      name,
      as: """
        SELECT DISTINCT \(columns.map { "own.\(dialect.quote($0))" }.joined(separator: ", "))
        FROM \(source) AS own
        WHERE \(present.joined(separator: " AND "))
          AND NOT EXISTS (
            SELECT 1 FROM \(sql(RelationName(table))) AS other
            WHERE \(equal.joined(separator: " AND ")))
        """,
      keeping: .stored
    )
    return try await session.rows("SELECT count(*) FROM \(sql(name))", limit: 1).integer(0, 0) == 0
      ? nil : sql(name)
  }

  private struct Counts {
    var candidates: Int64
    /// Rows that a quarantining rule of a row rejects; counted or, if derived, at least 1.
    var broken: Int64
    var results: [RuleResult]
    /// Whether the results of row rules are to be read off the bad rows.
    var isDerived: Bool
  }

  /// Counts in one scan, or counts values alone where the bad rows will tell the rest.
  ///
  /// A rule that quarantines every row it rejects needs no scan of its own: its count stands in the
  /// quarantine. A rule that warns or fails, or tolerates some, does.
  private func count(
    _ rowRules: [RowRule],
    isBroken: String,
    over source: String
  ) async throws -> Counts {
    let isDerived = rowRules.allSatisfy { $0.rule.severity == .quarantine && $0.rule.mostly == 1 }
    var columns = ["count(*)"]
    if !isDerived { columns.append("count(*) FILTER (WHERE \(isBroken))") }
    var places: [(violations: Int?, evaluated: Int?)] = []
    for rowRule in rowRules {
      var place: (violations: Int?, evaluated: Int?) = (nil, nil)
      if !isDerived {
        place.violations = columns.count
        columns.append("count(*) FILTER (WHERE \(rowRule.violation))")
      }
      if let evaluated = evaluated(rowRule.rule) {
        place.evaluated = columns.count
        columns.append(evaluated)
      }
      places.append(place)
    }
    let row = try await session.rows(
      "SELECT \(columns.joined(separator: ",\n  "))\nFROM \(source)",
      limit: 1
    )
    let candidates = row.integer(0, 0) ?? 0
    let results = zip(rowRules, places).map { rowRule, place in
      RuleResult(
        rowRule.rule,
        evaluated: place.evaluated.flatMap { row.integer(0, $0) }
          ?? candidates - knownNulls(rowRule.rule),
        violations: place.violations.flatMap { row.integer(0, $0) } ?? 0
      )
    }
    return Counts(
      candidates: candidates,
      broken: isDerived ? (rowRules.isEmpty ? 0 : 1) : row.integer(0, 1) ?? 0,
      results: results,
      isDerived: isDerived
    )
  }

  /// SQL that counts the rows on which a rule has an opinion; nil where that needs no counting.
  private func evaluated(_ rule: Rule) -> String? {
    switch rule.check {
    case .complete: return nil
    // To evaluate a predicate on every row once more is dear; only a tolerated share asks for it.
    case .predicate where rule.mostly == 1: return nil
    default: break
    }
    let columns = rule.check.columns
    if columns.count == 1, nullCounts[columns[0]] != nil { return nil }
    if columns.count == 1 { return "count(\(dialect.quote(columns[0])))" }
    return rule.check.evaluated(dialect).map { "count(*) FILTER (WHERE \($0))" }
  }

  private func knownNulls(_ rule: Rule) -> Int64 {
    if case .complete = rule.check { return 0 }
    return rule.check.columns.count == 1 ? nullCounts[rule.check.columns[0]] ?? 0 : 0
  }

  /// Puts in the counts of quarantining rules that the bad rows tell.
  private func derive(
    _ results: [RuleResult],
    _ rowRules: [RowRule],
    from bad: BadRows
  ) -> [RuleResult] {
    zip(results, rowRules).map { result, rowRule in
      RuleResult(
        rowRule.rule,
        evaluated: result.evaluated,
        violations: bad.rowsByRule[rowRule.rule.name] ?? 0
      )
    }
  }

  // MARK: Keys

  /// One row per key: the repeated keys are found first and only their rows are ranked.
  private func deduplicate(_ survivors: String) async throws -> (sql: String, removed: Int64) {
    guard !validator.keys.isEmpty, validator.mode == .gate else { return (survivors, 0) }
    let keys = validator.keys
    let name = RelationName("mill_repeated_keys")
    let rows = try await storeRepeated(keys, in: survivors, as: name)
    guard rows.groups > 0 else { return (survivors, 0) }
    let isRepeated =
      "coalesce(\(dialect.row(keys)) IN (SELECT \(dialect.row(keys)) FROM \(sql(name))), false)"
    let newest = validator.newestBy.map { "\(dialect.quote($0)) DESC NULLS LAST" }
    let bytes = schema.names.map { "\(dialect.quote($0)) ASC NULLS LAST" }
    let kept = RelationName("mill_kept")
    let rank = free("mill_rank")
    try await session.define(
      kept,
      as: """
        SELECT \(dialect.list(schema.names)) FROM (
          SELECT *, row_number() OVER (
            PARTITION BY \(dialect.list(keys))
            ORDER BY \((newest + bytes).joined(separator: ", "))) AS \(rank)
          FROM (\(survivors)) AS survivors
          WHERE \(isRepeated)) AS ranked
        WHERE \(rank) = 1
        """,
      keeping: .stored
    )
    return (
      """
      SELECT * FROM (\(survivors)) AS survivors WHERE NOT \(isRepeated)
      UNION ALL SELECT * FROM \(sql(kept))
      """,
      rows.rows - rows.groups
    )
  }

  /// Stores the keys that several rows have; rows with a null in the key are not compared.
  private func storeRepeated(
    _ columns: [String],
    in query: String,
    as name: RelationName
  ) async throws -> (groups: Int64, rows: Int64) {
    let present = columns.map { "\(dialect.quote($0)) IS NOT NULL" }.joined(separator: " AND ")
    let rowsName = free("mill_rows")
    try await session.define(
      name,
      as: """
        SELECT \(dialect.list(columns)), count(*) AS \(rowsName)
        FROM (\(query)) AS compared
        WHERE \(present)
        GROUP BY \(dialect.list(columns))
        HAVING count(*) > 1
        """,
      keeping: .stored
    )
    let row = try await session.rows(
      "SELECT count(*), CAST(coalesce(sum(\(rowsName)), 0) AS BIGINT) FROM \(sql(name))",
      limit: 1
    )
    return (row.integer(0, 0) ?? 0, row.integer(0, 1) ?? 0)
  }

  /// Rows that a rule on keys compares: those without a null in the key.
  private func countPresent(_ columns: [String], in query: String) async throws -> Int64 {
    let present = columns.map { "\(dialect.quote($0)) IS NOT NULL" }.joined(separator: " AND ")
    let row = try await session.rows(
      "SELECT count(*) FROM (\(query)) AS compared WHERE \(present)",
      limit: 1
    )
    return row.integer(0, 0) ?? 0
  }

  private func findRepeated(
    _ columns: [String],
    in query: String,
    index: Int
  ) async throws -> (rows: Int64, violation: String?) {
    // Deduplication has just made these unique.
    if columns == validator.keys, validator.mode == .gate { return (0, nil) }
    let name = RelationName("mill_repeated_\(index)")
    let found = try await storeRepeated(columns, in: query, as: name)
    guard found.groups > 0 else { return (0, nil) }
    return (
      found.rows,
      "coalesce(\(dialect.row(columns)) IN "
        + "(SELECT \(dialect.row(columns)) FROM \(sql(name))), false)"
    )
  }

  // MARK: Bad rows

  private struct BadRows {
    var rows: Int64 = 0
    var rowsByRule: [String: Int64] = [:]
  }

  /// Stores each bad row once, with the names of all rules of a row that it broke.
  private func storeBad(
    source: String,
    rowRules: [RowRule],
    isBroken: String?,
    distinct: String,
    repeated: [(rule: Rule, violation: String)]
  ) async throws -> BadRows {
    var parts: [String] = []
    let columns = dialect.list(schema.names)
    let rules = dialect.quote(DataQualityValidator.rulesColumn)
    var ofRow = rowRules.map { (condition: $0.violation, name: $0.rule.name) }
    if validator.mode == .inspect {
      ofRow += repeated.map { (condition: $0.violation, name: $0.rule.name) }
      let conditions = [isBroken].compactMap { $0 } + repeated.map { "(\($0.violation))" }
      if !conditions.isEmpty {
        parts.append(
          """
          SELECT \(columns), \(dialect.namesWhere(ofRow)) AS \(rules)
          FROM \(source) WHERE \(conditions.joined(separator: " OR "))
          """
        )
      }
    } else {
      if let isBroken {
        parts.append(
          """
          SELECT \(columns), \(dialect.namesWhere(ofRow)) AS \(rules)
          FROM \(source) WHERE \(isBroken)
          """
        )
      }
      if !repeated.isEmpty {
        let ofKeys = repeated.map { (condition: $0.violation, name: $0.rule.name) }
        let condition = repeated.map { "(\($0.violation))" }.joined(separator: " OR ")
        parts.append(
          """
          SELECT \(columns), \(dialect.namesWhere(ofRow + ofKeys)) AS \(rules)
          FROM (\(distinct)) AS kept WHERE \(condition)
          """
        )
      }
    }
    guard !parts.isEmpty else { return BadRows() }
    let name = sql(Self.badName)
    try await session.define(
      Self.badName,
      as: parts.joined(separator: "\nUNION ALL\n"),
      keeping: .stored
    )
    var bad = BadRows()
    let counts = try await session.rows(
      """
      SELECT NULL AS rule, count(*) FROM \(name)
      UNION ALL
      SELECT rule, count(*) FROM (SELECT unnest(\(rules)) AS rule FROM \(name)) AS broken
      GROUP BY rule
      """,
      limit: rowRules.count + repeated.count + 1
    )
    for row in counts.rows {
      let rows = row[1].integer ?? 0
      if let rule = row[0].text { bad.rowsByRule[rule] = rows } else { bad.rows = rows }
    }
    return bad
  }

  // MARK: Rules on the whole

  private func wholeRules(
    good: String,
    rows: Int64,
    published: RelationName?
  ) async throws -> [RuleResult] {
    var results: [RuleResult] = []
    var isDefined = false
    for rule in validator.rules {
      switch rule.check {
      case .rows(let minimum, let maximum):
        let isRight = rows >= minimum ?? 0 && rows <= maximum ?? .max
        results.append(RuleResult(rule, evaluated: rows, violations: isRight ? 0 : max(rows, 1)))
      case .query(let query):
        if let published, !isDefined {
          try await session.define(published, as: good, keeping: .view)
          isDefined = true
        }
        let found = try await session.rows(
          "SELECT count(*) FROM (\n\(query)\n) AS violations",
          limit: 1
        )
        results.append(RuleResult(rule, evaluated: rows, violations: found.integer(0, 0) ?? 0))
      default: continue
      }
    }
    return results
  }
}
