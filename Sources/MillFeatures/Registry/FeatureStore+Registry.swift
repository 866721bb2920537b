// SPDX-License-Identifier: Apache-2.0

public import MillCore
internal import MillEngine

extension FeatureStore {
  /// Everything that is defined: entities, views, on-demand features and services, in that order.
  ///
  /// - Parameter types: The features of views and on-demand definitions with their types, as far as
  ///   they are known.
  public func facts(types: [String: [Field]] = [:]) -> [DefinitionFacts] {
    func typed(_ facts: DefinitionFacts) -> DefinitionFacts {
      var facts = facts
      facts.types = types[facts.name].map { fields in
        Dictionary(fields.map { ($0.name, $0.type) }) { first, _ in first }
      }
      return facts
    }
    let entities = definitions.entities.map { entity in
      DefinitionFacts(.entity, entity.name, DefinitionHash.canonical(entity), [], entity.notes)
    }
    let entityHashes = Dictionary(entities.map { ($0.name, $0.hash) }) { first, _ in first }
    let upstream = environment.definitionHash ?? { _ in nil }
    let views = definitions.views.map { view in
      let datasets = datasets(of: view)
      return typed(
        DefinitionFacts(
          .view,
          view.name,
          DefinitionHash.canonical(
            view,
            definitions.keys(of: view),
            inputs[view.name] ?? [],
            upstream
          ),
          view.entities.map { .init(kind: "entity", name: $0, hash: entityHashes[$0]) }
            + datasets.map {
              .init(kind: "dataset", name: $0.description, hash: upstream($0))
            },
          view.notes
        )
      )
    }
    var hashes = Dictionary(views.map { ($0.name, $0.hash) }) { first, _ in first }
    let onDemand = definitions.onDemand.map { definition in
      typed(
        DefinitionFacts(
          .onDemand,
          definition.name,
          DefinitionHash.canonical(definition) { hashes[$0] },
          Self.views(definition.uses.map(\.feature), hashes),
          definition.notes
        )
      )
    }
    hashes.merge(onDemand.map { ($0.name, $0.hash) }) { first, _ in first }
    let services = definitions.services.map { service in
      // What a service names and nobody defines is reported by `check()`.
      let features = (try? definitions.resolve(service.features)) ?? []
      return DefinitionFacts(
        .service,
        service.name,
        DefinitionHash.canonical(features) { hashes[$0] },
        Self.views(features, hashes),
        service.notes
      )
    }
    return entities + views + onDemand + services
  }

  /// The tables that a view reads.
  func datasets(of view: FeatureViewDefinition) -> [DatasetName] {
    if case .dataset(let dataset) = view.source { return [dataset] }
    return Array(Set(inputs[view.name] ?? [])).sorted()
  }

  private static func views(
    _ features: [ResolvedFeature],
    _ hashes: [String: String]
  ) -> [DefinitionFacts.Dependency] {
    Set(features.map(\.view)).sorted().map {
      .init(kind: "view", name: $0, hash: hashes[$0])
    }
  }

  // MARK: Types

  /// The features of views and on-demand definitions with their types, as far as the sources are
  /// there, and of which definitions they are not known and why.
  public func types() async throws -> (types: [String: [Field]], unknown: [String]) {
    var found: [String: [Field]] = [:]
    var unknown: [String] = []
    try await withSession("types of features") { session in
      for view in definitions.views {
        do {
          found[view.name] =
            try await bind(view, try await sources(of: view, at: [:]), session).features
        } catch let error as FeatureError {
          unknown.append("\(view.name): \(error.fact)")
        } catch let error as EngineError where error.code == "engine.sql" {
          unknown.append("\(view.name): \(error.description)")
        }
      }
    }
    for definition in definitions.onDemand {
      do {
        let bound = try await bind(definition) { used in
          found[used.view]?.first { $0.name == used.name }?.type
        }
        found[definition.name] = bound.features
      } catch FeatureError.unknown {
        unknown.append("\(definition.name): the types of what it uses are not known")
      } catch let error as FeatureError {
        unknown.append("\(definition.name): \(error.fact)")
      }
    }
    return (found, unknown)
  }

  // MARK: Recording

  /// Writes down all definitions as they stand, because something lasting is made of some of them.
  ///
  /// What is not defined any more is gone from then on; its versions stay.
  ///
  /// - Parameter types: Of those whose sources were looked at anyway.
  @discardableResult
  func recordDefinitions(types: [String: [Field]]) async throws -> [DefinitionVersion] {
    guard let registry = environment.registry else { return [] }
    let facts = facts(types: types)
    let now = environment.world.clock.now()
    let numbers = try await registry.storage.record(facts, isComplete: true, at: now)
    return zip(facts, numbers).map {
      DefinitionVersion(facts: $0, number: $1, recordedAt: now)
    }
  }

  /// Writes down all definitions as they stand, with the types of all features that can be known.
  ///
  /// - Returns: The version that each definition is.
  @discardableResult
  public func apply() async throws -> [DefinitionVersion] {
    try await recordDefinitions(types: try await types().types)
  }
}
