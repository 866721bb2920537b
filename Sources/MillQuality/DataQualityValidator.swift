// SPDX-License-Identifier: Apache-2.0

public import MillCore
public import MillEngine
internal import MillSQL

/// Judges rows by rules, and tells good rows from bad ones before anything is published.
///
/// Rules of a row are judged in one pass. Each bad row is named once, with the set of rules that it
/// broke. Look-ups and repeated keys are found first, as the few values that are at fault, so that
/// a clean table pays for a scan and a grouping and nothing else.
///
/// ```swift
/// let validator = DataQualityValidator(rules: [
///   Rule(.complete(columns: ["carrier"])),
///   Rule(.range(column: "distance", minimum: 1, maximum: 10000)),
/// ])
/// let verdict = try await validator.judge(relation, schema: schema, in: session)
/// verdict.quarantined  // 12
/// ```
public struct DataQualityValidator: Sendable {
  /// When rules on keys look at rows.
  public enum Mode: Sendable {
    /// On the way into a table: rules on keys see what the rules of a row left over.
    case gate
    /// On a table that is there: every rule sees every row.
    case inspect
  }

  /// What is judged; names are unique.
  public var rules: [Rule]
  /// Rows that agree in these columns are the same thing; one of them is published.
  public var keys: [String]
  /// Which of several rows with one key is published: the greatest by these columns.
  public var newestBy: [String]
  /// When rules on keys look at rows.
  public var mode: Mode

  /// A validator; without `keys` nothing is deduplicated.
  public init(
    rules: [Rule],
    keys: [String] = [],
    newestBy: [String] = [],
    mode: Mode = .gate
  ) {
    self.rules = rules
    self.keys = keys
    self.newestBy = newestBy
    self.mode = mode
  }

  /// The column of a quarantine table that names the broken rules.
  public static let rulesColumn = "_rules"

  /// Judges a relation of the session.
  ///
  /// - Parameters:
  ///   - relation: The candidates; read several times, so store what is dear to compute.
  ///   - published: The name under which `query` rules see the rows that would be published.
  ///   - references: The relation for each table that a `reference` rule names.
  ///   - nullCounts: Nulls of columns where they are known, so that they need not be counted.
  /// - Throws: `QualityError` for rules that do not fit the schema; what the engine throws.
  public func judge(
    _ relation: RelationName,
    schema: Schema,
    in session: any EngineSession,
    dialect: DialectName = .duckDB,
    published: RelationName? = nil,
    nullCounts: [String: Int64] = [:]
  ) async throws -> Verdict {
    try validate(against: schema)
    var work = Judgement(
      validator: self,
      schema: schema,
      relation: relation,
      session: session,
      dialect: SQLDialects.named(dialect),
      nullCounts: nullCounts
    )
    return try await work.run(published: published)
  }

  /// Holds the rules against a schema.
  ///
  /// - Throws: `QualityError.unknownColumn`, naming the nearest; `.wrongType`; `.repeatedName`.
  public func validate(against schema: Schema) throws(QualityError) {
    var names: Set<String> = []
    for rule in rules {
      guard names.insert(rule.name).inserted else { throw .repeatedName(rule: rule.name) }
      for column in rule.check.columns {
        try require(column, of: "rule \(rule.name)", in: schema)
      }
      guard rule.mostly > 0, rule.mostly <= 1 else {
        throw .badTolerance(rule: rule.name, mostly: rule.mostly)
      }
      switch rule.check {
      case .pattern(let column, _):
        guard let type = schema[name: column]?.type, type == .string else {
          throw .wrongType(
            rule: rule.name,
            column: column,
            type: "\(schema[name: column]?.type ?? .string)",
            wanted: "string"
          )
        }
      case .range(let column, let minimum, let maximum)
      where schema[name: column]?.type == .string:
        // Text compares by its bytes, so that '9' lies beyond 100.
        for case .number? in [minimum, maximum] {
          throw .wrongType(
            rule: rule.name,
            column: column,
            type: "string",
            wanted: "a number: cast the column in the SELECT"
          )
        }
      case .range(let column, _, _):
        if let type = schema[name: column]?.type, !type.isOrdered {
          throw .wrongType(
            rule: rule.name,
            column: column,
            type: "\(type)",
            wanted: "a number, a day, an instant or text"
          )
        }
      case .rows, .query:
        if rule.severity == .quarantine { throw .cannotQuarantine(rule: rule.name) }
      default: break
      }
    }
    for column in keys { try require(column, of: "`keys`", in: schema) }
    for column in newestBy { try require(column, of: "`dedupe.by`", in: schema) }
  }

  private func require(
    _ column: String,
    of what: String,
    in schema: Schema
  ) throws(QualityError) {
    guard schema[name: column] == nil else { return }
    throw .unknownColumn(
      what: what,
      column: column,
      nearest: nearestName(to: column, among: schema.names),
      known: schema.names
    )
  }
}
