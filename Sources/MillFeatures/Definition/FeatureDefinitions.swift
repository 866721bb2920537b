// SPDX-License-Identifier: Apache-2.0

internal import MillCore
public import MillTiles

/// Everything that a project defines about features.
public struct FeatureDefinitions: Hashable, Sendable {
  /// What features are about.
  public var entities: [EntityDefinition]
  /// Where features come from.
  public var views: [FeatureViewDefinition]
  /// What is computed of features when it is asked for.
  public var onDemand: [OnDemandDefinition]
  /// Which features models use.
  public var services: [FeatureServiceDefinition]

  /// Definitions as they stand; ``check()`` says what does not fit together.
  public init(
    entities: [EntityDefinition] = [],
    views: [FeatureViewDefinition] = [],
    onDemand: [OnDemandDefinition] = [],
    services: [FeatureServiceDefinition] = []
  ) {
    self.entities = entities
    self.views = views
    self.onDemand = onDemand
    self.services = services
  }

  /// Whether nothing is defined.
  public var isEmpty: Bool {
    entities.isEmpty && views.isEmpty && onDemand.isEmpty && services.isEmpty
  }

  /// The view of a name.
  public func view(_ name: String) -> FeatureViewDefinition? { views.first { $0.name == name } }

  /// The on-demand features of a name.
  public func onDemand(_ name: String) -> OnDemandDefinition? {
    onDemand.first { $0.name == name }
  }

  /// The names of the features of a view, computed ones included; nil where there is no such view.
  func featureNames(of name: String) -> [String]? {
    view(name)?.featureNames ?? onDemand(name)?.features.map(\.name)
  }

  /// The keys of a view's entities, in their order.
  public func keys(of view: FeatureViewDefinition) -> [EntityDefinition.Key] {
    view.entities.flatMap { name in entities.first { $0.name == name }?.keys ?? [] }
  }

  // MARK: What does not fit together

  /// All mistakes that show without a look at data.
  public func check() -> [FeatureError] {
    repeatedNames() + entities.flatMap(check) + views.flatMap(check) + onDemand.flatMap(check)
      + services.flatMap(check)
  }

  private func repeatedNames() -> [FeatureError] {
    let named =
      entities.map { ("entity", $0.name, $0.place) } + views.map { ("view", $0.name, $0.place) }
      + onDemand.map { ("view", $0.name, $0.place) }
      + services.map { ("service", $0.name, $0.place) }
    var first: [String: SourcePlace] = [:]
    return named.compactMap { kind, name, place in
      guard let earlier = first["\(kind) \(name)"] else {
        first["\(kind) \(name)"] = place
        return nil
      }
      return .definition(place, name: name, problem: "the \(kind) is defined in \(earlier) already")
    }
  }

  private func check(_ entity: EntityDefinition) -> [FeatureError] {
    var problems: [FeatureError] = []
    if entity.keys.isEmpty {
      problems.append(.definition(entity.place, name: entity.name, problem: "it has no key"))
    }
    for key in entity.keys where !EntityDefinition.Key.isKey(key.type) {
      problems.append(
        .definition(
          entity.place,
          name: entity.name,
          problem: "the key \(key.name) is a \(key.type): keys are texts, whole numbers, booleans "
            + "or days"
        )
      )
    }
    return problems
  }

  private func check(_ view: FeatureViewDefinition) -> [FeatureError] {
    var problems: [FeatureError] = []
    func problem(_ text: String, at place: SourcePlace? = nil) {
      problems.append(.definition(place ?? view.place, name: view.name, problem: text))
    }
    for name in view.entities where !entities.contains(where: { $0.name == name }) {
      let error = FeatureError.unknown(
        .entity,
        name,
        nearest: nearestName(to: name, among: entities.map(\.name))
      )
      problem(error.fact)
    }
    let keys = keys(of: view).map(\.name)
    for (key, _) in view.keyColumns.sorted(by: { $0.key < $1.key }) where !keys.contains(key) {
      problem("`keys` names \(key), which is no key of \(view.entities.joined(separator: ", "))")
    }
    for (index, key) in keys.enumerated() where keys[..<index].contains(key) {
      problem("two of its entities have a key \(key): rename one in its entity")
    }
    if view.latest.isEmpty, view.windowed.isEmpty {
      problem("it has neither `features` nor `aggregates`")
    }
    let names = view.featureNames
    let folded = names.map { $0.lowercased() }
    for (index, name) in folded.enumerated() where folded[..<index].contains(name) {
      let place = view.windowed.first { $0.features.contains { $0.name == names[index] } }?.place
      problem("two of its features are named \(names[index]): give one of them a `name`", at: place)
    }
    if case .delay(let delay) = view.knowledge, delay < .zero {
      problem("its `delay` is below zero: rows would be known before they happen")
    }
    if let ttl = view.ttl, ttl <= .zero { problem("its `ttl` is not above zero") }
    for name in names where keys.contains(where: { $0.lowercased() == name.lowercased() }) {
      problem("the feature \(name) has the name of a key")
    }
    return problems
  }

  private func check(_ definition: OnDemandDefinition) -> [FeatureError] {
    var problems: [FeatureError] = []
    // To SQL names that differ in case alone are one.
    for (what, names) in [
      ("inputs", definition.inputs.map(\.name) + definition.uses.map(\.name)),
      ("features", definition.features.map(\.name)),
    ] {
      let folded = names.map { $0.lowercased() }
      for (index, name) in folded.enumerated() where folded[..<index].contains(name) {
        problems.append(
          .definition(
            definition.place,
            name: definition.name,
            problem: "two of its \(what) are called \(names[index])"
          )
        )
      }
    }
    for use in definition.uses {
      let reference = FeatureReference(view: use.feature.view, feature: use.feature.name)
      guard view(use.feature.view) != nil || onDemand(use.feature.view) == nil else {
        problems.append(
          .definition(
            definition.place,
            name: definition.name,
            problem: "\(use.feature) is computed on demand itself: use what it is computed of"
          )
        )
        continue
      }
      do {
        _ = try resolve([reference])
      } catch {
        problems.append(
          .definition(definition.place, name: definition.name, problem: error.fact)
        )
      }
    }
    return problems
  }

  private func check(_ service: FeatureServiceDefinition) -> [FeatureError] {
    keysOfTwoTypes(service)
      + service.features.compactMap { reference -> FeatureError? in
        do throws(FeatureError) {
          _ = try resolve([reference])
          return nil
        } catch {
          return .inService(service.place, service: service.name, error)
        }
      }
  }

  /// A request gives a key once, under its name.
  private func keysOfTwoTypes(_ service: FeatureServiceDefinition) -> [FeatureError] {
    let names = service.features.flatMap { reference in
      onDemand(reference.view).map { $0.uses.map(\.feature.view) } ?? [reference.view]
    }
    var types: [String: EntityDefinition.Key] = [:]
    for key in names.compactMap({ view($0) }).flatMap({ keys(of: $0) }) {
      let known = types[key.name] ?? key
      types[key.name] = known
      guard known.type == key.type else {
        return [
          .definition(
            service.place,
            name: service.name,
            problem:
              "the key \(key.name) is a \(known.type) in one of its views and a \(key.type) in "
              + "another: rename it in one of the entities"
          )
        ]
      }
    }
    return []
  }

  // MARK: References

  /// The features that references name, views spread out, each once, in order.
  ///
  /// - Throws: `FeatureError.unknown` with the nearest name.
  public func resolve(
    _ references: [FeatureReference]
  ) throws(FeatureError) -> [ResolvedFeature] {
    var found: [ResolvedFeature] = []
    var seen: Set<ResolvedFeature> = []
    // The names of a view are put together of many words.
    var known: [String: [String]] = [:]
    for reference in references {
      guard let own = known[reference.view] ?? featureNames(of: reference.view) else {
        let names = views.map(\.name) + onDemand.map(\.name)
        throw .unknown(
          .view,
          reference.view,
          nearest: nearestName(to: reference.view, among: names)
        )
      }
      known[reference.view] = own
      if let feature = reference.feature, !own.contains(feature) {
        let nearest = nearestName(to: feature, among: own).map { "\(reference.view).\($0)" }
        throw .unknown(.feature, reference.description, nearest: nearest)
      }
      for name in reference.feature.map({ [$0] }) ?? own {
        let feature = ResolvedFeature(view: reference.view, name: name)
        if seen.insert(feature).inserted { found.append(feature) }
      }
    }
    return found
  }

  /// The features of a service.
  public func features(ofService name: String) throws(FeatureError) -> [ResolvedFeature] {
    guard let service = services.first(where: { $0.name == name }) else {
      throw .unknown(
        .service,
        name,
        nearest: nearestName(to: name, among: services.map(\.name))
      )
    }
    return try resolve(service.features)
  }
}

/// One feature of one view.
public struct ResolvedFeature: Hashable, Sendable, CustomStringConvertible {
  /// The view.
  public var view: String
  /// The feature inside of the view.
  public var name: String

  /// A feature by its two names.
  public init(view: String, name: String) {
    self.view = view
    self.name = name
  }

  /// `view.feature`.
  public var description: String { "\(view).\(name)" }
}

extension FeatureViewDefinition {
  /// The features' names: latest values first, then aggregates by window.
  public var featureNames: [String] {
    latest.map(\.name) + windowed.flatMap(\.features).map(\.name)
  }
}

extension FeatureViewDefinition.Windowed {
  /// One aggregate over one window.
  public struct Feature: Hashable, Sendable {
    /// Such as `amount_sum_1h`.
    public var name: String
    /// What is computed.
    public var aggregation: Aggregation
    /// Over which window.
    public var window: Window
  }

  /// Every aggregate over every window.
  public var features: [Feature] {
    aggregations.flatMap { aggregation in
      windows.map { window in
        Feature(
          name: ([name, aggregation.word, window.word].filter { !$0.isEmpty })
            .joined(separator: "_"),
          aggregation: aggregation,
          window: window.window
        )
      }
    }
  }
}

extension Aggregation {
  /// The function in a feature's name: `sum`, `p95`, `p99_9`, `top5`.
  public var word: String {
    switch self {
    case .quantile(let fraction):
      let percent = "\((fraction * 1_000_000).rounded() / 10_000)"
      let digits = percent.hasSuffix(".0") ? percent.dropLast(2) : percent[...]
      return "p" + digits.split(separator: ".").joined(separator: "_")
    case .topK(let count): return "top\(count)"
    default: return description
    }
  }
}
