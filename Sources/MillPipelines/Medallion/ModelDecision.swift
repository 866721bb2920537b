// SPDX-License-Identifier: Apache-2.0

internal import MillCore
internal import MillEngine
internal import MillLake

/// What a run has to do for a model, and why.
struct ModelDecision {
  enum Work: Hashable {
    case nothing
    /// Everything is made again.
    case full
    /// Only these files, which one input gained, are read and their rows appended.
    case append(DatasetName, [AddFile])
  }

  var work: Work
  var reason: String

  /// Compares what the newest version says it consumed with what there is.
  static func make(
    _ plan: ModelPlan,
    current: Snapshot?,
    inputs: [DatasetName: Snapshot],
    _ environment: PipelineEnvironment
  ) async throws -> ModelDecision {
    let dataset = plan.model.dataset
    guard let current else { return ModelDecision(work: .full, reason: "never made") }
    guard
      current.transactionVersion(ModelPlan.definitionAppID(dataset)) == plan.definitionVersion
    else {
      return ModelDecision(work: .full, reason: "its definition changed")
    }
    var advanced: [(name: DatasetName, from: TableVersion?, to: TableVersion)] = []
    for name in plan.allInputs {
      guard let snapshot = inputs[name] else { continue }
      let appID = ModelPlan.inputAppID(dataset, tableID: snapshot.metadata.id)
      let consumed = current.transactionVersion(appID).map { TableVersion($0) }
      if consumed != snapshot.version { advanced.append((name, consumed, snapshot.version)) }
    }
    guard !advanced.isEmpty else {
      return ModelDecision(work: .nothing, reason: "up to date")
    }
    let reason = advanced.map { change in
      "\(change.name) went from \(change.from.map { "version \($0)" } ?? "none") to \(change.to)"
    }.joined(separator: ", ")
    guard plan.model.strategy == .append else { return ModelDecision(work: .full, reason: reason) }
    guard advanced.count == 1, let change = advanced.first, let from = change.from,
      from < change.to, plan.inputs.contains(change.name), !plan.lookups.contains(change.name)
    else {
      return ModelDecision(work: .full, reason: reason + "; more than one input's new rows")
    }
    if let snapshot = inputs[change.name],
      let rejected = try await environment.lake.table(dataset.quarantine).snapshotIfExists(),
      let judged = rejected.transactionVersion(
        ModelPlan.inputAppID(dataset, tableID: snapshot.metadata.id)
      ),
      judged > from.number
    {
      // Rows of a killed run are in the quarantine already; a full run replaces them.
      return ModelDecision(work: .full, reason: reason + "; a run was killed while it published")
    }
    let shape = try await shape(of: plan, inputs, environment)
    guard shape.isRowLocal else {
      return ModelDecision(work: .full, reason: reason)
    }
    if case .lookup(let driving) = shape, driving != RelationName(change.name) {
      return ModelDecision(work: .full, reason: reason + ", which is only looked up")
    }
    guard
      let files = try await environment.lake.table(change.name).filesAppended(
        after: from,
        through: change.to
      )
    else {
      return ModelDecision(work: .full, reason: reason + " and lost rows")
    }
    return ModelDecision(
      work: .append(change.name, files),
      reason: reason + ": only new rows"
    )
  }

  private static func shape(
    of plan: ModelPlan,
    _ inputs: [DatasetName: Snapshot],
    _ environment: PipelineEnvironment
  ) async throws -> QueryShape {
    let session = try await environment.engine.session(named: "bind \(plan.model.dataset)")
    do {
      for (name, snapshot) in inputs {
        try await session.define(
          RelationName(name),
          as: TableContents(schema: snapshot.schema)
        )
      }
      let shape = try await session.describe(plan.model.sql).shape
      await session.close()
      return shape
    } catch {
      await session.close()
      throw error
    }
  }
}
