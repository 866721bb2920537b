// SPDX-License-Identifier: Apache-2.0

internal import MillCore
internal import MillEngine
internal import MillLake
internal import MillLedger
internal import MillQuality

/// Raw files into bronze, bronze into silver, silver into gold: each step judged before it is
/// published, each safe to repeat.
///
/// A run makes what has changed and no more. What it consumed stands in each table's own log, so a
/// run that was killed is taken up where it stopped, and a second run finds nothing to do. Only
/// descendants of a fault wait for its repair.
///
/// ```swift
/// let pipeline = try await MedallionPipeline(definition, in: environment)
/// let report = try await pipeline.run()
/// report.outcomes.map(\.status)  // [.published, .published, .unchanged]
/// ```
public struct MedallionPipeline: Sendable {
  /// What the pipeline is made of.
  public let definition: PipelineDefinition
  /// Which datasets are made from which.
  public let graph: PipelineGraph
  private let environment: PipelineEnvironment
  private let sources: [DatasetName: SourceDefinition]
  private let models: [DatasetName: ModelPlan]

  /// Reads the dependencies from the SQL with the engine's parser and orders the work.
  ///
  /// - Throws: `PipelineError` for unknown or repeated names and circles, with file and line.
  public init(
    _ definition: PipelineDefinition,
    in environment: PipelineEnvironment
  ) async throws {
    self.definition = definition
    self.environment = environment
    let names = try DefinedNames(definition)
    var models: [DatasetName: ModelPlan] = [:]
    var inputs: [DatasetName: [DatasetName]] = [:]
    for source in definition.sources { inputs[source.dataset] = [] }
    for model in definition.models {
      let plan = try await names.plan(model, environment.engine)
      models[model.dataset] = plan
      inputs[model.dataset] = plan.allInputs.map(names.producer(of:)).filter { $0 != model.dataset }
    }
    graph = try PipelineGraph(inputs: inputs)
    self.models = models
    sources = Dictionary(uniqueKeysWithValues: definition.sources.map { ($0.dataset, $0) })
  }

  func modelPlan(_ dataset: DatasetName) -> ModelPlan? { models[dataset] }

  func table(of dataset: DatasetName) -> DeltaTable { environment.lake.table(dataset) }

  func runner(for plan: ModelPlan) -> ModelRunner {
    ModelRunner(
      plan: plan,
      environment: environment,
      runID: "",
      startedAt: environment.world.clock.now()
    )
  }

  /// What a run would do now, and why; nothing is changed.
  public func plan(_ selectors: [String] = []) async throws -> [PlannedNode] {
    let selected = try graph.selected(by: selectors)
    let thread = BlockingExecutor(name: "mill-plan")
    var planned: [DatasetName: PlannedNode] = [:]
    for dataset in graph.order where selected.contains(dataset) {
      let changing = (graph.inputs[dataset] ?? []).filter {
        planned[$0].map { $0.work != .nothing } ?? false
      }
      planned[dataset] =
        changing.isEmpty
        ? try await plan(dataset, thread)
        : PlannedNode(
          dataset: dataset,
          work: .depends,
          reason: "after \(changing.map(\.description).joined(separator: ", "))"
        )
    }
    return graph.order.compactMap { planned[$0] }
  }

  private func plan(
    _ dataset: DatasetName,
    _ thread: BlockingExecutor
  ) async throws -> PlannedNode {
    let current = try await environment.lake.table(dataset).snapshotIfExists()
    if let source = sources[dataset] {
      let survey = try await SourceSurvey.make(source, table: current, in: environment, on: thread)
      try await environment.ledger.remember(survey.hashed)
      let revised = source.onChange == .replace ? survey.revised.count : 0
      let count = survey.toLoad.count + revised
      return PlannedNode(
        dataset: dataset,
        work: count == 0 ? .nothing : .load,
        reason: count == 0
          ? "no new files" : "\(survey.toLoad.count) new, \(revised) changed files"
      )
    }
    guard let plan = models[dataset] else {
      return PlannedNode(dataset: dataset, work: .nothing, reason: "not defined")
    }
    var inputs: [DatasetName: Snapshot] = [:]
    for name in plan.allInputs {
      inputs[name] = try await environment.lake.table(name).snapshotIfExists()
    }
    let decision = try await ModelDecision.make(plan, current: current, inputs: inputs, environment)
    let work: PlannedNode.Work =
      switch decision.work {
      case .nothing: .nothing
      case .full: .full
      case .append: .append
      }
    return PlannedNode(dataset: dataset, work: work, reason: decision.reason)
  }

  /// Makes everything that has changed.
  ///
  /// One run has the project at a time; the lock of a dead process is taken over. An error of one
  /// dataset is in the report and keeps only its descendants waiting.
  /// - Throws: `PipelineError.locked`; errors of the disk or the ledger that concern the whole run.
  public func run(
    _ selectors: [String] = [],
    onEvent: @escaping @Sendable (RunEvent) -> Void = { _ in }
  ) async throws -> RunReport {
    let selected = try graph.selected(by: selectors)
    let world = environment.world
    let thread = BlockingExecutor(name: "mill-files")
    let runID = world.makeID()
    let startedAt = world.clock.now()
    let temporary = environment.temporaryFolder
    try await thread.run { try world.files.createFolders(temporary) }
    let lock = try RunLock(
      path: "\(environment.stateFolder)/run.lock",
      owner: "run \(runID), process \(ProcessIdentity.current), since \(startedAt)"
    )
    defer { lock.release() }
    try await thread.run { try Self.clear(temporary, world.files) }
    let ledger = environment.ledger
    for dead in try await ledger.markInterruptedRuns(at: startedAt.microseconds) {
      onEvent(.tookOver(runID: dead))
    }
    try await ledger.begin(
      RunRecord(
        id: runID,
        startedAt: startedAt.microseconds,
        selectors: selectors,
        millraceVersion: MillraceVersion.text
      )
    )
    onEvent(.began(runID: runID, datasets: selected.count))
    let report: RunReport
    do {
      let outcomes = try await execute(selected, runID, thread, onEvent)
      report = RunReport(
        runID: runID,
        startedAt: startedAt,
        endedAt: world.clock.now(),
        outcomes: graph.order.compactMap { outcomes[$0] }
      )
    } catch {
      let isCancelled =
        error is CancellationError || (error as? any Failure)?.errorClass == .cancelled
      try await ledger.finish(
        runID: runID,
        status: isCancelled ? .interrupted : .failed,
        error: RecordedError(
          code: (error as? any Failure)?.code ?? "run.failed",
          message: "\(error)"
        ),
        at: world.clock.now().microseconds
      )
      throw error
    }
    let first = report.failures.first?.error
    try await ledger.finish(
      runID: runID,
      status: report.failures.isEmpty ? .succeeded : .failed,
      error: first.map { RecordedError(code: $0.code, message: $0.description) },
      at: report.endedAt.microseconds
    )
    return report
  }

  /// Runs what is ready, up to the parallelism, until nothing is left.
  private func execute(
    _ selected: Set<DatasetName>,
    _ runID: String,
    _ thread: BlockingExecutor,
    _ onEvent: @escaping @Sendable (RunEvent) -> Void
  ) async throws -> [DatasetName: NodeOutcome] {
    var schedule = RunSchedule(graph: graph, selected: selected)
    var outcomes: [DatasetName: NodeOutcome] = [:]
    try await withThrowingTaskGroup(of: NodeOutcome.self) { group in
      var running = 0
      while true {
        while running < max(1, environment.parallelism), let dataset = schedule.next() {
          onEvent(.started(dataset))
          running += 1
          group.addTask { try await make(dataset, runID, thread) }
        }
        guard running > 0, let outcome = try await group.next() else { break }
        running -= 1
        var ended = [outcome]
        if outcome.status == .failed {
          for waiting in schedule.failed(outcome.dataset) {
            ended.append(
              NodeOutcome(
                dataset: waiting,
                status: .waiting,
                reason: "waits for \(outcome.dataset)",
                startedAt: outcome.endedAt,
                endedAt: outcome.endedAt
              )
            )
          }
        } else {
          schedule.succeeded(outcome.dataset)
        }
        for outcome in ended {
          outcomes[outcome.dataset] = outcome
          try await environment.ledger.record(outcome, runID: runID)
          onEvent(.ended(outcome))
        }
      }
    }
    return outcomes
  }

  /// Makes one dataset; only cancellation and trouble of the whole run are thrown.
  private func make(
    _ dataset: DatasetName,
    _ runID: String,
    _ thread: BlockingExecutor
  ) async throws -> NodeOutcome {
    let startedAt = environment.world.clock.now()
    do {
      try Task.checkCancellation()
      var outcome = try await attempt(dataset, runID, thread, startedAt)
      outcome.endedAt = environment.world.clock.now()
      return outcome
    } catch let error as any Failure where error.errorClass != .cancelled {
      var outcome = NodeOutcome(
        dataset: dataset,
        status: .failed,
        reason: error.code,
        startedAt: startedAt,
        endedAt: environment.world.clock.now()
      )
      outcome.error = error
      if let checks = error as? PipelineError, case .checksFailed(_, let results) = checks {
        outcome.results = results
      }
      return outcome
    }
  }

  private func attempt(
    _ dataset: DatasetName,
    _ runID: String,
    _ thread: BlockingExecutor,
    _ startedAt: Instant
  ) async throws -> NodeOutcome {
    var outcome = NodeOutcome(
      dataset: dataset,
      status: .unchanged,
      reason: "",
      startedAt: startedAt,
      endedAt: startedAt
    )
    if let source = sources[dataset] {
      let loaded = try await BronzeLoader(
        source: source,
        environment: environment,
        runID: runID,
        thread: thread
      ).run()
      outcome.status = loaded.didPublish ? .published : .unchanged
      outcome.reason = loaded.reason
      outcome.version = loaded.version
      if loaded.didPublish { outcome.account = .load(loaded.account) }
      outcome.notes = loaded.notes
      outcome.inputs = loaded.inputs
      outcome.bytesRead = loaded.bytesRead
    } else if let plan = models[dataset] {
      // A lost race for a table is recomputed from what is there now.
      let made = try await RetryPolicy(attempts: 3).run(in: environment.world) {
        try await ModelRunner(
          plan: plan,
          environment: environment,
          runID: runID,
          startedAt: startedAt
        ).run()
      }
      outcome.status = made.didPublish ? .published : .unchanged
      outcome.reason = made.reason
      outcome.version = made.version
      if made.didPublish { outcome.account = .model(made.account) }
      outcome.results = made.results
      outcome.notes = made.notes
      outcome.inputs = made.inputs
      outcome.bytesRead = made.bytesRead
    }
    return outcome
  }

  /// Removes what a killed run left in the folder of temporary files.
  private static func clear(_ folder: String, _ files: any FileSystem) throws(FileError) {
    for entry in try files.list(folder) where !entry.isFolder {
      try files.remove("\(folder)/\(entry.name)")
    }
  }
}
