// SPDX-License-Identifier: Apache-2.0

public import MillCore
internal import MillEngine
internal import MillLake
internal import MillQuality

/// What holding every definition against the columns that it reads has shown.
public struct PipelineCheck: Sendable {
  /// Mistakes, in the order of the graph.
  public var mistakes: [any Failure] = []
  /// Models whose columns could not be looked at, and why.
  public var unchecked: [(dataset: DatasetName, reason: String)] = []
}

extension MedallionPipeline {
  /// Binds every model and its rules against declared or published columns; no data is read.
  ///
  /// The columns of a source are those that it declares or, if it declares none, those of its
  /// table. What reads a model with a mistake cannot be looked at.
  public func check() async throws -> PipelineCheck {
    var check = PipelineCheck()
    var schemas: [DatasetName: Schema] = [:]
    for dataset in graph.order {
      if let source = definition.sources.first(where: { $0.dataset == dataset }) {
        schemas[dataset] = try await columns(of: source)
        schemas[dataset.deadLetters] = BronzeSchema.deadLetters
        continue
      }
      guard let plan = modelPlan(dataset) else { continue }
      let unknown = plan.allInputs.filter { schemas[$0] == nil }
      guard unknown.isEmpty else {
        let names = unknown.map(\.description).joined(separator: ", ")
        check.unchecked.append((dataset, "the columns of \(names) are not known yet"))
        continue
      }
      let inputs = schemas.filter { plan.allInputs.contains($0.key) }
      do {
        let schema = try await runner(for: plan).check(inputs)
        schemas[dataset] = schema
        schemas[dataset.quarantine] = ModelRunner.quarantineSchema(of: schema)
      } catch let error as any Failure where error.errorClass != .cancelled {
        check.mistakes.append(error)
      }
    }
    return check
  }

  private func columns(of source: SourceDefinition) async throws -> Schema? {
    if let snapshot = try await table(of: source.dataset).snapshotIfExists() {
      return snapshot.schema
    }
    guard !source.columns.isEmpty else { return nil }
    let names = ColumnNames.published(source.columns.map(\.name))
    return Schema(
      zip(names, source.columns).map { Field($0, $1.type) } + BronzeSchema.reserved
    )
  }
}
