// SPDX-License-Identifier: Apache-2.0

internal import MillCore
internal import MillEngine
internal import MillQuality

/// The names that definitions give, and what the SQL of models refers to among them.
struct DefinedNames {
  private let names: Set<DatasetName>
  /// Tables that exist beside the definitions, quarantine and dead letters, and who makes them.
  private let derived: [DatasetName: DatasetName]

  /// - Throws: `PipelineError.repeatedName`.
  init(_ definition: PipelineDefinition) throws(PipelineError) {
    var places: [String: String] = [:]
    func claim(_ name: String, _ place: String) throws(PipelineError) {
      if let first = places.updateValue(place, forKey: name.lowercased()) {
        throw .repeatedName(name: name, first: first, second: place)
      }
    }
    for source in definition.sources {
      try claim("bronze.\(source.dataset.name)", source.path)
    }
    for model in definition.models {
      // Silver and gold models share the quarantine by name.
      try claim(model.dataset.name, model.path)
    }
    names = Set(definition.datasets)
    var derived: [DatasetName: DatasetName] = [:]
    for source in definition.sources { derived[source.dataset.deadLetters] = source.dataset }
    for model in definition.models { derived[model.dataset.quarantine] = model.dataset }
    self.derived = derived
  }

  /// The dataset whose making makes this one.
  func producer(of name: DatasetName) -> DatasetName { derived[name] ?? name }

  /// The model with its dependencies.
  ///
  /// - Throws: `PipelineError.unknownDataset`, `.sql` with file, line and column.
  func plan(_ model: ModelDefinition, _ engine: any Engine) async throws -> ModelPlan {
    var inputs: [DatasetName] = []
    for reference in try await references(model.sql, model, engine, firstLine: model.sqlLine) {
      let name = try dataset(reference, in: model)
      guard name != model.dataset else { throw PipelineError.cycle([name]) }
      if !inputs.contains(name) { inputs.append(name) }
    }
    var lookups: [DatasetName] = []
    for rule in model.rules {
      switch rule.check {
      case .reference(_, let table, _):
        try require(table, in: model, at: SourcePlace(path: model.path))
        lookups.append(table)
      case .predicate(let sql):
        let read = try await references(
          "SELECT 1 WHERE (\n\(sql)\n)",
          model,
          engine,
          firstLine: nil
        )
        if let first = read.first {
          throw PipelineError.definition(
            path: model.path,
            dataset: model.dataset,
            message: "rule \(rule.name) judges one row and cannot read \(first.name): "
              + "use a `reference` rule, or a `query` rule for the whole"
          )
        }
      case .query(let sql):
        for reference in try await references(sql, model, engine, firstLine: nil) {
          let name = try dataset(reference, in: model, at: SourcePlace(path: model.path))
          if name != model.dataset { lookups.append(name) }
        }
      default: break
      }
    }
    return ModelPlan(model: model, inputs: inputs.sorted(), lookups: lookups.sorted())
  }

  private func references(
    _ sql: String,
    _ model: ModelDefinition,
    _ engine: any Engine,
    firstLine: Int?
  ) async throws -> [TableReference] {
    do {
      return try await engine.references(in: sql)
    } catch let error as EngineError {
      guard case .sql(let message, let line, let column) = error else { throw error }
      throw PipelineError.sql(
        SourcePlace(
          path: model.path,
          line: firstLine.flatMap { first in line.map { $0 + first - 1 } },
          column: firstLine == nil ? nil : column
        ),
        dataset: model.dataset,
        message: message
      )
    }
  }

  private func dataset(
    _ reference: TableReference,
    in model: ModelDefinition,
    at known: SourcePlace? = nil
  ) throws(PipelineError) -> DatasetName {
    let text = ([reference.schema].compactMap { $0 } + [reference.name]).joined(separator: ".")
    // An offset into the SQL of a rule is none into that of the model.
    let place = known ?? place(of: reference, in: model)
    guard let name = DatasetName(text.lowercased()) ?? DatasetName(text) else {
      throw .unknownDataset(place, name: text, nearest: nearest(text))
    }
    let found = names.union(derived.keys).first {
      $0.description.lowercased() == name.description.lowercased()
    }
    guard let found else {
      throw .unknownDataset(place, name: text, nearest: nearest(text))
    }
    return found
  }

  private func require(
    _ name: DatasetName,
    in model: ModelDefinition,
    at place: SourcePlace
  ) throws(PipelineError) {
    guard names.contains(name) else {
      throw .unknownDataset(place, name: name.description, nearest: nearest(name.description))
    }
  }

  private func nearest(_ text: String) -> String? {
    let known = names.sorted().map(\.description)
    if let near = nearestName(to: text, among: known) { return near }
    // A bare word is often a dataset without its layer.
    return known.first { $0.hasSuffix(".\(text.lowercased())") }
  }

  private func place(of reference: TableReference, in model: ModelDefinition) -> SourcePlace {
    let before = model.sql.utf8.prefix(max(0, reference.offset))
    let line = before.reduce(0) { $0 + ($1 == UInt8(ascii: "\n") ? 1 : 0) }
    let start = before.lastIndex(of: UInt8(ascii: "\n")).map { before.index(after: $0) }
    let column = model.sql[(start ?? model.sql.startIndex)..<before.endIndex].count + 1
    return SourcePlace(path: model.path, line: model.sqlLine + line, column: column)
  }
}
