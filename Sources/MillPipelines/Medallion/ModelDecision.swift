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
    if try await quarantineIsAhead(plan, current, inputs, environment) {
      return ModelDecision(
        work: .full,
        reason: "a run was killed between its quarantine and its table"
      )
    }
    guard !advanced.isEmpty else {
      return ModelDecision(work: .nothing, reason: "up to date")
    }
    if try await onlyMoved(advanced, environment) {
      return ModelDecision(work: .nothing, reason: "up to date: rows only moved between files")
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

  /// Whether nothing happened to the inputs but that their rows moved between files.
  private static func onlyMoved(
    _ advanced: [(name: DatasetName, from: TableVersion?, to: TableVersion)],
    _ environment: PipelineEnvironment
  ) async throws -> Bool {
    for change in advanced {
      guard let from = change.from, from < change.to else { return false }
      let added = try await environment.lake.table(change.name).filesAppended(
        after: from,
        through: change.to
      )
      guard added?.isEmpty == true else { return false }
    }
    return !advanced.isEmpty
  }

  /// Whether the quarantine holds rows of a version that the table never got.
  ///
  /// A quarantine may lag behind, since it is not written when nothing was rejected; it names other
  /// work than the table's only where a run died between the two commits.
  private static func quarantineIsAhead(
    _ plan: ModelPlan,
    _ current: Snapshot,
    _ inputs: [DatasetName: Snapshot],
    _ environment: PipelineEnvironment
  ) async throws -> Bool {
    let dataset = plan.model.dataset
    guard
      let rejected = try await environment.lake.table(dataset.quarantine).snapshotIfExists(),
      !rejected.files.isEmpty
    else { return false }
    let definition = ModelPlan.definitionAppID(dataset)
    if rejected.transactionVersion(definition) != current.transactionVersion(definition) {
      return true
    }
    return plan.allInputs.contains { name in
      guard let snapshot = inputs[name] else { return false }
      let appID = ModelPlan.inputAppID(dataset, tableID: snapshot.metadata.id)
      return (rejected.transactionVersion(appID) ?? -1) > (current.transactionVersion(appID) ?? -1)
    }
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
