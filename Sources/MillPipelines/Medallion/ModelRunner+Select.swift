// SPDX-License-Identifier: Apache-2.0

internal import MillCore
internal import MillEngine
internal import MillLake
internal import MillLedger
internal import MillQuality
internal import MillSQL

/// What a model's SELECT gives: bound, held against its definition, repaired, and compared with what was
/// judged before.
extension ModelRunner {
  /// An error of the user's own SQL, told from those of SQL that Millrace made.
  struct UserQueryError: Error {
    var cause: EngineError

    init(_ cause: EngineError) {
      self.cause = cause
    }
  }

  /// Binds the SELECT against empty tables of the right schemas, so that the plan names them.
  func bind(
    _ schemas: [DatasetName: Schema],
    _ session: any EngineSession
  ) async throws -> BoundQuery {
    for (name, schema) in schemas {
      try await session.define(RelationName(name), as: TableContents(schema: schema))
    }
    let bound: BoundQuery
    do {
      bound = try await session.describe(trimmedSQL)
    } catch let error as EngineError {
      throw UserQueryError(error)
    }
    for name in schemas.keys { try await session.drop(RelationName(name)) }
    try await environment.ledger.record(
      PlanRecord(
        dataset: dataset.description,
        definitionHash: plan.definitionHash,
        planJSON: bound.plan.serialized(),
        sqlText: model.sql,
        recordedAt: environment.world.clock.now().microseconds
      )
    )
    return bound
  }

  /// The SELECT without the semicolon that may end it.
  private var trimmedSQL: String {
    var sql = model.sql[...]
    while let last = sql.last, last.isWhitespace || last == ";" { sql = sql.dropLast() }
    return String(sql)
  }

  /// Totals over a delta would overwrite totals over everything (docs/semantics.md, 12).
  func requireLegalStrategy(_ shape: QueryShape) throws {
    guard model.strategy == .append, !shape.isRowLocal else { return }
    let reason =
      switch shape {
      case .combining(let reason): reason
      default: "it stacks several tables"
      }
    throw PipelineError.definition(
      path: model.path,
      dataset: dataset,
      message: "`incremental: {strategy: append}` needs a SELECT whose rows come one by one from "
        + "one table, but \(reason): use `full`"
    )
  }

  func validate(_ schema: Schema) throws {
    do {
      try DataQualityValidator(rules: model.rules, keys: model.keys, newestBy: model.newestBy)
        .validate(against: schema)
    } catch {
      throw PipelineError.definition(path: model.path, dataset: dataset, message: "\(error)")
    }
    let named =
      model.partitionBy.map { ("partition_by", $0) } + model.repairs.map { ("repair", $0.column) }
    for (key, column) in named where schema[name: column] == nil {
      let nearest = nearestName(to: column, among: schema.names)
      throw PipelineError.definition(
        path: model.path,
        dataset: dataset,
        message: "`\(key)` names the column \(column), which is not there"
          + (nearest.map { ": did you mean \($0)?" } ?? "")
      )
    }
    for name in schema.names {
      guard let objection = DeltaTable.objection(toColumnName: name) else { continue }
      throw PipelineError.definition(
        path: model.path,
        dataset: dataset,
        message: "the column name \"\(name)\" cannot be published: \(objection)"
      )
    }
    for repair in model.repairs {
      for value in repair.values {
        guard let type = schema[name: repair.column]?.type, !type.holds(value) else { continue }
        throw PipelineError.definition(
          path: model.path,
          dataset: dataset,
          message:
            "`repair` puts \(value.serialized()) into column \(repair.column), which is \(type)"
        )
      }
    }
    if let field = schema.fields.first(where: { $0.name == DataQualityValidator.rulesColumn }) {
      throw PipelineError.definition(
        path: model.path,
        dataset: dataset,
        message: "the column \(field.name) has a name that quarantine tables keep for themselves"
      )
    }
  }

  /// Holds the columns that rules look values up in against the tables that have them.
  func validateReferences(_ schemas: [DatasetName: Schema]) throws {
    for rule in model.rules {
      guard case .reference(_, let table, let keys) = rule.check,
        let schema = schemas[table]
      else { continue }
      for key in keys where schema[name: key] == nil {
        throw PipelineError.definition(
          path: model.path,
          dataset: dataset,
          message: "rule \(rule.name) names the column \(key), which \(table) does not have"
            + (nearestName(to: key, among: schema.names).map { ": did you mean \($0)?" } ?? "")
        )
      }
    }
  }

  /// The candidates: repaired, cast to published types, kept if they are dear to compute.
  func defineCandidates(
    _ bound: BoundQuery,
    _ session: any EngineSession,
    into made: inout Made
  ) async throws -> RelationName {
    let keeping: Keeping = bound.shape.isCheap && !bound.isVolatile ? .view : .stored
    var relation = RelationName("mill_candidates")
    do {
      try await session.define(relation, as: bound.published, keeping: keeping)
    } catch let error as EngineError {
      throw UserQueryError(error)
    }
    if !model.repairs.isEmpty {
      let repaired = RelationName("mill_repaired")
      let work = RepairWork(repairs: model.repairs, schema: bound.schema, dialect: dialect)
      made.account.repaired = try await work.define(repaired, over: relation, in: session)
      relation = repaired
    }
    if case .rowLocal = bound.shape, let name = plan.inputs.first,
      let rows = made.account.inputs[name.description], rows >= 0
    {
      // One row of the input is one candidate or none, so what is missing was filtered.
      made.account.filtered = rows
    }
    return relation
  }

  /// Why appending would give another table than making everything again, or nil.
  ///
  /// New rows are compared by key with rows that were judged before: those published, and those
  /// that a rule on the key keeps in quarantine.
  func reasonForFull(
    _ verdict: Verdict,
    _ current: Snapshot,
    _ session: any EngineSession
  ) async throws -> String? {
    for case .impute(let column, _) in model.repairs {
      return "the imputed value of \(column) depends on all rows"
    }
    var keys: [(columns: [String], rule: String?)] = model.keys.isEmpty ? [] : [(model.keys, nil)]
    for rule in model.rules {
      switch rule.check {
      case .unique(let columns) where columns != model.keys: keys.append((columns, rule.name))
      case .rows, .query: return "rule \(rule.name) judges the whole table"
      default: break
      }
      if rule.mostly < 1, rule.severity == .fail {
        return "rule \(rule.name) tolerates a share of all rows"
      }
    }
    guard !keys.isEmpty else { return nil }
    let published = RelationName("mill_published")
    try await session.define(published, as: try current.contents)
    let quarantined = RelationName("mill_quarantined")
    let rejected = try await quarantine.snapshotIfExists()
    if let rejected { try await session.define(quarantined, as: try rejected.contents) }
    let rules = dialect.quote(DataQualityValidator.rulesColumn)
    for (columns, rule) in keys {
      let list = dialect.list(columns)
      let broken = rule.map { "WHERE \(dialect.contains(rules, text: $0))" }
      var new = "SELECT \(list) FROM (\(verdict.good)) AS good"
      var old = "SELECT \(list) FROM \(dialect.quote(published.name))"
      if let broken, let bad = verdict.bad {
        new += "\nUNION ALL SELECT \(list) FROM (\(bad)) AS bad \(broken)"
      }
      if let broken, rejected != nil {
        old += "\nUNION ALL SELECT \(list) FROM \(dialect.quote(quarantined.name)) \(broken)"
      }
      let equal = columns.map { "incoming.\(dialect.quote($0)) = known.\(dialect.quote($0))" }
      let found = try await session.rows(
        """
        SELECT count(*) FROM (SELECT 1 FROM (\(new)) AS incoming
        WHERE EXISTS (SELECT 1 FROM (\(old)) AS known
          WHERE \(equal.joined(separator: " AND "))) LIMIT 1) AS shared
        """,
        limit: 1
      )
      if found.integer(0, 0) != 0 {
        return "new rows repeat known values of \(columns.joined(separator: ", "))"
      }
    }
    try await session.drop(published)
    if rejected != nil { try await session.drop(quarantined) }
    return nil
  }
}
