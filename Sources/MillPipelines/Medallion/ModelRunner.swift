// SPDX-License-Identifier: Apache-2.0

internal import MillCore
internal import MillEngine
internal import MillLake
internal import MillLedger
internal import MillQuality
internal import MillSQL

/// Makes one version of one model: select, repair, judge, write, audit, publish.
struct ModelRunner {
  let plan: ModelPlan
  let environment: PipelineEnvironment
  let runID: String
  let startedAt: Instant

  /// What is published when the model has run.
  struct Made {
    var version: TableVersion?
    var account = RowAccount.Model()
    var results: [RuleResult] = []
    var inputs: [(name: String, version: TableVersion?)] = []
    var bytesRead: Int64 = 0
    var didPublish = false
    var reason = ""
    var notes: [String] = []
  }

  var model: ModelDefinition { plan.model }
  var dataset: DatasetName { model.dataset }
  private var table: DeltaTable { environment.lake.table(dataset) }
  var quarantine: DeltaTable { environment.lake.table(dataset.quarantine) }
  var dialect: any Dialect { SQLDialects.named(environment.engine.dialect) }

  /// How often a model is made when other writers change its tables meanwhile.
  private static let attemptsMax = 3

  /// Makes the model from the newest versions, and again when another writer was first: what lost
  /// stood on a version that is not the newest any more.
  func run() async throws -> Made {
    var attempt = 1
    while true {
      do {
        return try await runOnce()
      } catch let error as LakeError where error.isRetryable && attempt < Self.attemptsMax {
        attempt += 1
      }
    }
  }

  private func runOnce() async throws -> Made {
    let current = try await table.snapshotIfExists()
    let inputs = try await snapshots()
    let decision = try await ModelDecision.make(plan, current: current, inputs: inputs, environment)
    var made = Made(version: current?.version, reason: decision.reason)
    for name in plan.allInputs {
      made.inputs.append((name.description, inputs[name]?.version))
    }
    guard decision.work != .nothing else { return made }
    let session = try await environment.engine.session(named: "make \(dataset)")
    do {
      try await run(decision, inputs, current, session, into: &made)
    } catch {
      await session.close()
      throw placed(error)
    }
    await session.close()
    return made
  }

  private func snapshots() async throws -> [DatasetName: Snapshot] {
    var found: [DatasetName: Snapshot] = [:]
    for name in plan.allInputs {
      guard let snapshot = try await environment.lake.table(name).snapshotIfExists() else {
        throw PipelineError.notMade(dataset: dataset, input: name)
      }
      found[name] = snapshot
    }
    return found
  }

  private func run(
    _ decision: ModelDecision,
    _ inputs: [DatasetName: Snapshot],
    _ current: Snapshot?,
    _ session: any EngineSession,
    into made: inout Made
  ) async throws {
    let bound = try await bind(inputs.mapValues(\.schema), session)
    try validate(bound.schema)
    try validateReferences(inputs.mapValues(\.schema))
    try requireLegalStrategy(bound.shape)
    // What is read: all of every input, or only what is new of one.
    for name in plan.allInputs {
      guard let snapshot = inputs[name] else { continue }
      var contents = try snapshot.contents
      if case .append(let driving, let files) = decision.work, driving == name {
        contents = try snapshot.contents(of: files)
      }
      made.bytesRead += contents.sizeInBytes
      if plan.inputs.contains(name) {
        made.account.inputs[name.description] = contents.rows ?? -1
      }
      try await session.define(RelationName(name), as: contents)
    }
    if case .append = decision.work { made.account.isIncremental = true }
    let candidates = try await defineCandidates(bound, session, into: &made)
    let validator = DataQualityValidator(
      rules: model.rules,
      keys: model.keys,
      newestBy: model.newestBy
    )
    let verdict = try await validator.judge(
      candidates,
      schema: bound.schema,
      in: session,
      dialect: environment.engine.dialect,
      published: RelationName(dataset)
    )
    made.results = verdict.results
    if made.account.isIncremental, let current,
      let reason = try await reasonForFull(verdict, current, session)
    {
      // What new rows do to others cannot be appended.
      let again = ModelDecision(
        work: .full,
        reason: "\(decision.reason); \(reason), so everything was made again"
      )
      let schemaInputs = inputs
      for name in plan.allInputs { try await session.drop(RelationName(name)) }
      made.account = RowAccount.Model()
      made.bytesRead = 0
      made.reason = again.reason
      return try await run(again, schemaInputs, current, session, into: &made)
    }
    guard verdict.failures.isEmpty else {
      throw PipelineError.checksFailed(dataset: dataset, verdict.failures)
    }
    try await publish(verdict, bound, inputs, current, session, into: &made)
  }

  /// Holds the model against the columns of what it reads, without a row.
  ///
  /// - Returns: The columns that it publishes.
  /// - Throws: `PipelineError` where its author wrote the mistake.
  func check(_ schemas: [DatasetName: Schema]) async throws -> Schema {
    let session = try await environment.engine.session(named: "check \(dataset)")
    do {
      let bound = try await bind(schemas, session)
      try validate(bound.schema)
      try validateReferences(schemas)
      try requireLegalStrategy(bound.shape)
      await session.close()
      return bound.schema
    } catch {
      await session.close()
      throw placed(error)
    }
  }

  /// The columns of this model's quarantine.
  static func quarantineSchema(of schema: Schema) -> Schema {
    Schema(
      schema.fields + [
        Field(DataQualityValidator.rulesColumn, .array(element: .string, containsNull: true)),
        Field("_run", .string),
        Field("_judged_at", .timestamp),
      ]
    )
  }

  // MARK: Publish

  private func publish(
    _ verdict: Verdict,
    _ bound: BoundQuery,
    _ inputs: [DatasetName: Snapshot],
    _ current: Snapshot?,
    _ session: any EngineSession,
    into made: inout Made
  ) async throws {
    try await table.prepare()
    let good = try await session.write(
      verdict.good,
      to: WriteTarget(location: table.store.location, partitionColumns: model.partitionBy)
    )
    var bad: [DataFile] = []
    let badSchema = Self.quarantineSchema(of: bound.schema)
    if let query = verdict.bad {
      try await quarantine.prepare()
      bad = try await session.write(
        """
        SELECT *, \(dialect.literal(runID)) AS _run,
          CAST(\(dialect.literal(startedAt.description)) AS \(dialect.typeName(.timestamp)))
            AS _judged_at
        FROM (\(query)) AS bad
        """,
        to: WriteTarget(location: quarantine.store.location)
      )
    }
    made.account.candidates = verdict.candidates
    made.account.published = good.reduce(0) { $0 + ($1.statistics.rows ?? 0) }
    made.account.quarantined = bad.reduce(0) { $0 + ($1.statistics.rows ?? 0) }
    made.account.deduplicated = verdict.deduplicated
    if let rows = made.account.filtered { made.account.filtered = rows - verdict.candidates }
    let account = RowAccount.model(made.account)
    guard account.isBalanced else {
      throw PipelineError.unbalanced(dataset: dataset, detail: account.json.serialized())
    }
    let facts = CommitFacts(
      dataset: dataset,
      runID: runID,
      account: account,
      results: made.results,
      inputs: made.inputs,
      reason: made.reason,
      startedAt: startedAt,
      bytesRead: made.bytesRead
    )
    let transactions = transactions(for: inputs)
    try await commitQuarantine(bad, badSchema, transactions, facts, made.account.isIncremental)
    made.version = try await table.commit(
      TableChange(
        mode: made.account.isIncremental ? .append : .overwrite,
        files: good,
        schema: bound.schema,
        partitionColumns: model.partitionBy,
        transactions: transactions,
        runID: runID,
        info: facts.info,
        description: model.description,
        expecting: current?.version
      )
    )
    made.didPublish = true
  }

  /// What was consumed: every input at its version, by this definition.
  private func transactions(for inputs: [DatasetName: Snapshot]) -> [TransactionIdentifier] {
    var transactions = [
      TransactionIdentifier(
        appID: ModelPlan.definitionAppID(dataset),
        version: plan.definitionVersion
      )
    ]
    for name in plan.allInputs {
      guard let snapshot = inputs[name] else { continue }
      transactions.append(
        TransactionIdentifier(
          appID: ModelPlan.inputAppID(dataset, tableID: snapshot.metadata.id),
          version: snapshot.version.number
        )
      )
    }
    return transactions
  }

  /// The quarantine goes first, so that no row is ever in neither table.
  ///
  /// A crash in between leaves
  /// it one step ahead; the transactions say so, and the same rows are not added twice.
  private func commitQuarantine(
    _ files: [DataFile],
    _ schema: Schema,
    _ transactions: [TransactionIdentifier],
    _ facts: CommitFacts,
    _ isIncremental: Bool
  ) async throws {
    let snapshot = try await quarantine.snapshotIfExists()
    // The table is made even when it stays empty, so that who reads it need not ask.
    if files.isEmpty, let snapshot, isIncremental || snapshot.files.isEmpty { return }
    if isIncremental, let snapshot,
      transactions.allSatisfy({ snapshot.transactionVersion($0.appID) == $0.version })
    {
      return
    }
    var facts = facts
    facts.dataset = dataset.quarantine
    try await quarantine.commit(
      TableChange(
        mode: isIncremental ? .append : .overwrite,
        files: files,
        schema: schema,
        transactions: transactions,
        runID: runID,
        info: facts.info,
        description: "Rows of \(dataset) that broke a rule",
        expecting: snapshot?.version
      )
    )
  }

  // MARK: Errors

  /// Speaks of errors in terms of the model's file.
  private func placed(_ error: any Error) -> any Error {
    let cause = (error as? UserQueryError)?.cause ?? error as? EngineError
    guard let cause else { return error }
    let isUsers = error is UserQueryError
    switch cause {
    case .sql(let message, let line, let column):
      return PipelineError.sql(
        SourcePlace(
          path: model.path,
          line: isUsers ? line.map { $0 + model.sqlLine - 1 } : nil,
          column: isUsers ? column : nil
        ),
        dataset: dataset,
        message: message
      )
    case .data(let message, _, _):
      return PipelineError.data(
        SourcePlace(path: model.path),
        dataset: dataset,
        message: message
      )
    case .unsupportedType, .notPermitted:
      return PipelineError.definition(
        path: model.path,
        dataset: dataset,
        message: cause.description
      )
    default:
      return cause
    }
  }
}
