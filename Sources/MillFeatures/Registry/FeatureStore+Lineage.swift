// SPDX-License-Identifier: Apache-2.0

internal import MillCore
internal import MillEngine

extension FeatureStore {
  /// What features are made of and what they go into, by what is defined and by the training sets that
  /// were made.
  ///
  /// - Throws: `EngineError` when the engine cannot be asked about expressions.
  public func lineage() async throws -> FeatureLineage {
    var lineage = FeatureLineage()
    for view in definitions.views { try await add(view, to: &lineage) }
    for definition in definitions.onDemand { try await add(definition, to: &lineage) }
    for service in definitions.services {
      for feature in try definitions.resolve(service.features) {
        lineage.add(.init(node(of: feature), .init(.service, service.name)))
      }
    }
    let hashes = Dictionary(facts().map { ($0.name, $0.hash) }) { first, _ in first }
    for set in try await trainingSets().sets {
      lineage.name(set)
      let changed = set.views.filter { hashes[$0.name] != $0.hash }.map(\.name)
      for text in set.features.map(\.feature) {
        guard let reference = FeatureReference(text), let name = reference.feature else { continue }
        lineage.add(
          .init(
            node(of: ResolvedFeature(view: reference.view, name: name)),
            .init(.trainingSet, set.id),
            changed.contains(reference.view) ? "by another definition" : nil
          )
        )
      }
    }
    return lineage
  }

  private func node(of feature: ResolvedFeature) -> FeatureLineage.Node {
    .init(definitions.onDemand(feature.view) == nil ? .feature : .onDemand, feature.description)
  }

  private func add(
    _ view: FeatureViewDefinition,
    to lineage: inout FeatureLineage
  ) async throws {
    let origin: (String) -> FeatureLineage.Node
    switch view.source {
    case .dataset(let dataset):
      origin = { .init(.column, "\(dataset).\($0)") }
    case .sql:
      let query = FeatureLineage.Node(.query, "the SELECT of \(view.name)")
      for dataset in datasets(of: view) {
        lineage.add(.init(.init(.table, dataset.description), query))
      }
      origin = { _ in query }
    }
    func add(_ column: String, _ role: String, to feature: String) {
      let column = origin(column)
      if case .dataset(let dataset) = view.source {
        lineage.add(.init(.init(.table, dataset.description), column))
      }
      lineage.add(
        .init(
          column,
          .init(.feature, "\(view.name).\(feature)"),
          column.kind == .query ? nil : role
        )
      )
    }
    var conditions: [String: [String]] = [:]
    for filter in Set(view.windowed.compactMap(\.filter)).sorted() {
      conditions[filter] = try await columns(in: filter)
    }
    var parts: [(feature: String, value: String?, filter: String?)] = view.latest.map {
      ($0.name, $0.column, nil)
    }
    for windowed in view.windowed {
      parts += windowed.features.map { ($0.name, windowed.column, windowed.filter) }
    }
    for part in parts {
      if let column = part.value { add(column, "value", to: part.feature) }
      for column in part.filter.flatMap({ conditions[$0] }) ?? [] {
        add(column, "where", to: part.feature)
      }
      for key in definitions.keys(of: view) {
        add(view.keyColumns[key.name] ?? key.name, "key", to: part.feature)
      }
      add(view.time, "time", to: part.feature)
      if case .column(let column) = view.knowledge { add(column, "knowledge", to: part.feature) }
      if let id = view.id { add(id, "id", to: part.feature) }
    }
  }

  private func add(
    _ definition: OnDemandDefinition,
    to lineage: inout FeatureLineage
  ) async throws {
    for feature in definition.features {
      let named = try await columns(in: feature.sql).map { $0.lowercased() }
      let output = FeatureLineage.Node(.onDemand, "\(definition.name).\(feature.name)")
      for use in definition.uses where named.contains(use.name.lowercased()) {
        lineage.add(.init(.init(.feature, use.feature.description), output, "as \(use.name)"))
      }
    }
  }

  /// The columns that an expression names; none where it cannot be parsed, which `check()` reports.
  private func columns(in expression: String) async throws -> [String] {
    do {
      return try await environment.engine.expression(of: expression).columns
    } catch let error as EngineError where error.errorClass == .data || error.code == "engine.sql" {
      return []
    }
  }
}
