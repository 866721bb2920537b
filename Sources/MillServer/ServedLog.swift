// SPDX-License-Identifier: Apache-2.0

internal import MillAssembly
internal import MillCore
internal import MillFeatures
internal import Synchronization

/// What models were told: a sample of the answers for services, kept in Delta tables for training and for
/// proof.
///
/// ```text
/// served.SERVICE   _served_at | _request | keys … | inputs … | view__feature … | _statuses | _versions
/// ```
/// `_statuses` holds those that are not PRESENT, `_versions` the table versions that were in the store;
/// both are JSON. Rows wait in memory, at most ``rowsMax``, and are appended together; what finds that
/// full is counted and said.
final class ServedLog: Sendable {
  /// Rows that wait at the most.
  static let rowsMax = 50_000
  /// So many rows are written without waiting longer.
  static let rowsDue = 10_000
  /// For so long rows wait at the most.
  static let patience: Duration = .seconds(60)

  private struct Batch: Sendable {
    var schema: Schema
    var rows: [[JSONValue]] = []
  }

  private struct Waiting: Sendable {
    var batches: [String: [Batch]] = [:]
    var count = 0
    var dropped = 0
    var since: Duration?
  }

  private let share: Double
  private let world: World
  private let waiting = Mutex(Waiting())

  /// - Parameter share: Of how many answers the values are kept, from 0 to 1.
  init(share: Double, world: World) {
    self.share = share
    self.world = world
  }

  /// Whether the next answer is one of those that are kept.
  func isNext() -> Bool {
    guard share > 0 else { return false }
    return Double(world.random.next() >> 11) * 0x1p-53 < share
  }

  /// Keeps an answer.
  func append(_ service: String, _ answer: ServedAnswer, _ entities: FeastRequest.Entities) {
    let plan = answer.plan
    let names = Self.names(of: plan)
    let request = world.makeID()
    let versions = Self.text(answer.versions)
    var fields = [Field("_served_at", .timestamp), Field("_request", .string)]
    fields += plan.keys.map { Field($0.name, $0.type) } + plan.inputs
    fields += zip(names, plan.types).map { Field($0, $1) }
    fields += [Field("_statuses", .string), Field("_versions", .string)]
    let rows = (0..<answer.count).map { entity -> [JSONValue] in
      var cells: [JSONValue] = [.string(answer.time.description), .string(request)]
      for column in entities.keys { column.withValue(entity) { cells.append($0.json) } }
      let inputs = entities.inputs.indices.contains(entity) ? entities.inputs[entity] : []
      cells += plan.inputs.indices.map { inputs.indices.contains($0) ? inputs[$0].json : .null }
      var statuses: JSONObject = [:]
      for (feature, name) in names.enumerated() {
        let (value, status) = answer.value(feature, entity)
        cells.append(value.json)
        if status != .present { statuses[name] = .string(status.rawValue) }
      }
      let text = JSONValue.object(statuses).serialized()
      return cells + [statuses.isEmpty ? .null : .string(text), .string(versions)]
    }
    waiting.withLock { waiting in
      guard waiting.count + rows.count <= Self.rowsMax else {
        waiting.dropped += rows.count
        return
      }
      waiting.since = waiting.since ?? world.clock.uptime()
      waiting.count += rows.count
      var batches = waiting.batches[service] ?? []
      // A definition that changed meanwhile has other columns.
      if batches.last?.schema != Schema(fields) { batches.append(Batch(schema: Schema(fields))) }
      batches[batches.count - 1].rows += rows
      waiting.batches[service] = batches
    }
  }

  /// Names that tell features and keys apart, as those of a training set with full names.
  private static func names(of plan: ServingPlan) -> [String] {
    plan.features.map { "\($0.view)__\($0.name)" }
  }

  private static func text(_ versions: [String: Int64]) -> String {
    JSONValue.object(
      JSONObject(versions.sorted { $0.key < $1.key }.map { ($0.key, .int($0.value)) })
    ).serialized()
  }

  /// Writes what waits, if it is due or must be.
  ///
  /// Rows that could not be written wait on.
  func flush(_ workspace: Workspace, isLast: Bool, _ notice: (String) -> Void) async {
    // The time that passes: the time of day may stand still.
    let now = world.clock.uptime()
    let taken = waiting.withLock { waiting -> Waiting? in
      let isOld = waiting.since.map { now >= $0 + Self.patience } ?? false
      guard waiting.count > 0 || waiting.dropped > 0,
        isLast || isOld || waiting.count >= Self.rowsDue
      else { return nil }
      defer { waiting = Waiting() }
      return waiting
    }
    guard let taken else { return }
    if taken.dropped > 0 {
      notice("\(taken.dropped) answers were not kept: they came faster than they were written")
    }
    var failed: [(String, Batch)] = []
    for (service, batches) in taken.batches.sorted(by: { $0.key < $1.key }) {
      guard let dataset = DatasetName(layer: .served, name: service) else { continue }
      for batch in batches {
        do {
          try await workspace.append(batch.rows, batch.schema, to: dataset)
        } catch {
          let text = (error as? any Failure)?.description ?? "\(error)"
          notice("answers for \(service) are not kept: \(text)")
          // What will fail again keeps nobody else's rows out; a write that the server's stop cut short is
          // done again by the last one.
          if !isLast, Self.mayPass(error) {
            failed.append((service, batch))
          } else {
            notice("\(batch.rows.count) answers for \(service) are lost")
          }
        }
      }
    }
    for (service, batch) in failed.reversed() { giveBack(service, batch, now) }
  }

  private static func mayPass(_ error: any Error) -> Bool {
    guard let error = error as? any Failure else { return error is CancellationError }
    return [.transient, .outside, .cancelled].contains(error.errorClass)
  }

  private func giveBack(_ service: String, _ batch: Batch, _ since: Duration) {
    waiting.withLock { waiting in
      guard waiting.count + batch.rows.count <= Self.rowsMax else {
        waiting.dropped += batch.rows.count
        return
      }
      waiting.since = since
      waiting.count += batch.rows.count
      waiting.batches[service] = [batch] + (waiting.batches[service] ?? [])
    }
  }
}
