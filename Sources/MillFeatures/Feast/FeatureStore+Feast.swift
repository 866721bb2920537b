// SPDX-License-Identifier: Apache-2.0

internal import MillCore

extension FeatureStore {
  /// The definitions as a Feast client wants them.
  ///
  /// - Parameters:
  ///   - project: The name that everything is filed under.
  ///   - services: Only these and what is in them; empty for everything that is defined.
  /// - Throws: `FeatureError.unknown` for a service; `.notMade` for a view whose source was never
  ///   made, since the types of its features are not known then.
  public func feastRegistry(
    project: String,
    services names: [String] = []
  ) async throws -> FeastRegistry {
    var services: [FeatureServiceDefinition] = []
    for name in names where !services.contains(where: { $0.name == name }) {
      _ = try definitions.features(ofService: name)
      services += definitions.services.filter { $0.name == name }
    }
    let everything = (definitions.views.map(\.name) + definitions.onDemand.map(\.name))
      .map { FeatureReference(view: $0, feature: nil) }
    let wanted = try definitions.resolve(
      names.isEmpty ? everything : services.flatMap(\.features)
    )
    if names.isEmpty { services = definitions.services }
    let used = withUses(wanted)
    var views: [BoundView] = []
    for view in definitions.views where used.contains(where: { $0.view == view.name }) {
      views.append(try await bind(view))
    }
    let onDemand = try await bindOnDemand(wanted, over: views)

    var registry = FeastRegistry(project: project)
    let shown = views.filter { bound in wanted.contains { $0.view == bound.view.name } }
    registry.views = shown.map(feastView) + onDemand.map(feastView)
    for entity in definitions.entities {
      registry.entities += entity.feast.filter { found in
        registry.views.contains { $0.entities.contains(found.name) }
      }
    }
    registry.requestSources = onDemand.map(\.definition).filter { !$0.inputs.isEmpty }.map {
      FeastRegistry.RequestSource(name: "\($0.name).request", fields: $0.inputs.map(\.feast))
    }
    registry.services = try services.map { try feastService($0, of: registry.views) }
    return registry
  }

  private func feastView(_ bound: BoundView) -> FeastRegistry.View {
    let view = bound.view
    let entities = view.entities.compactMap { name in
      definitions.entities.first { $0.name == name }
    }
    var knowledge: String?
    if case .column(let column) = view.knowledge { knowledge = column }
    var tags = view.notes.feastTags
    tags["millrace.definition"] = hash(of: view)
    return FeastRegistry.View(
      name: view.name,
      entities: entities.flatMap(\.feast).map(\.name),
      keys: bound.keys.map { .init(name: $0.key.name, type: FeastType(key: $0.key.type)) },
      features: bound.features.map { field in
        .init(
          name: field.name,
          type: FeastType(field.type),
          description: view.meaning(of: field.name)
        )
      },
      ttl: view.ttl,
      source: .init(
        name: "\(view.name).source",
        path: view.feastPath,
        time: view.time,
        knowledge: knowledge
      ),
      // A row of a windowed view is no value of its features: they are sums over many.
      takesRows: view.windowed.isEmpty,
      isOnline: isServable(view),
      description: view.notes.description ?? "",
      owner: view.notes.owner ?? "",
      tags: tags
    )
  }

  /// A view on demand as a client can read it: as an ordinary view of the entities that it uses.
  ///
  /// Feast's own on-demand views hold a pickled Python function, which the client runs. Here the
  /// server computes, so there is none to run.
  private func feastView(_ bound: BoundOnDemand) -> FeastRegistry.View {
    let definition = bound.definition
    var entities: [EntityDefinition] = []
    for use in definition.uses {
      for name in definitions.view(use.feature.view)?.entities ?? [] {
        guard !entities.contains(where: { $0.name == name }) else { continue }
        entities += definitions.entities.filter { $0.name == name }
      }
    }
    var keys: [FeastRegistry.Field] = []
    var names: [String] = []
    for key in entities.flatMap(\.feast) where !keys.contains(where: { $0.name == key.joinKey }) {
      keys.append(.init(name: key.joinKey, type: key.type))
      names.append(key.name)
    }
    var tags = definition.notes.feastTags
    tags["millrace.definition"] = hash(of: definition)
    tags["millrace.on_demand"] = "true"
    if !definition.inputs.isEmpty { tags["millrace.request"] = "\(definition.name).request" }
    return FeastRegistry.View(
      name: definition.name,
      entities: names,
      keys: keys,
      features: zip(bound.features, definition.features).map { field, feature in
        .init(name: field.name, type: FeastType(field.type), description: feature.sql)
      },
      ttl: nil,
      source: nil,
      takesRows: false,
      isOnline: true,
      description: definition.notes.description ?? "",
      owner: definition.notes.owner ?? "",
      tags: tags
    )
  }

  private func feastService(
    _ service: FeatureServiceDefinition,
    of views: [FeastRegistry.View]
  ) throws(FeatureError) -> FeastRegistry.Service {
    var parts: [FeastRegistry.Service.Part] = []
    for feature in try definitions.resolve(service.features) {
      let view = views.first { $0.name == feature.view }
      guard let field = view?.features.first(where: { $0.name == feature.name }) else { continue }
      if let place = parts.firstIndex(where: { $0.view == feature.view }) {
        parts[place].features.append(field)
      } else {
        parts.append(.init(view: feature.view, features: [field]))
      }
    }
    return FeastRegistry.Service(
      name: service.name,
      parts: parts,
      description: service.notes.description ?? "",
      owner: service.notes.owner ?? "",
      tags: service.notes.feastTags
    )
  }
}

extension EntityDefinition {
  /// An entity of Feast for each key, since those have one join key each.
  ///
  /// A single key keeps the entity's name. Of several, each is `entity.key`, which is the name of no
  /// other entity: names have no dots.
  fileprivate var feast: [FeastRegistry.Entity] {
    keys.map { key in
      var tags = notes.feastTags
      if keys.count > 1 { tags["millrace.entity"] = name }
      return FeastRegistry.Entity(
        name: keys.count == 1 ? name : "\(name).\(key.name)",
        joinKey: key.name,
        type: FeastType(key: key.type),
        description: notes.description ?? "",
        owner: notes.owner ?? "",
        tags: tags
      )
    }
  }
}

extension Field {
  fileprivate var feast: FeastRegistry.Field { .init(name: name, type: FeastType(type)) }
}

extension DefinitionNotes {
  /// Words as tags: Feast's have a key and a value.
  fileprivate var feastTags: [String: String] {
    var found: [String: String] = [:]
    for tag in tags where !tag.isEmpty { found[tag] = "true" }
    if let deprecated { found["millrace.deprecated"] = deprecated }
    return found
  }
}

extension FeatureViewDefinition {
  fileprivate var feastPath: String {
    switch source {
    case .dataset(let dataset): "millrace://dataset/\(dataset)"
    case .sql: "millrace://view/\(name)"
    }
  }
}
