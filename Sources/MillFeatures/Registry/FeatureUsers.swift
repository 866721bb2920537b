// SPDX-License-Identifier: Apache-2.0

internal import MillCore

/// Somebody who uses a feature.
public struct FeatureUser: Hashable, Sendable, Comparable, CustomStringConvertible {
  /// Who can use features.
  public enum Kind: String, Hashable, Sendable {
    case service
    case onDemand = "on_demand"
    case trainingSet = "training_set"
  }

  /// Who it is.
  public var kind: Kind
  /// Its name.
  public var name: String
  /// The id of a training set.
  public var id: String?

  /// A user by name.
  public init(_ kind: Kind, _ name: String, id: String? = nil) {
    self.kind = kind
    self.name = name
    self.id = id
  }

  /// `service fraud`, `training set fraud (1f0c9a3b77de)`.
  public var description: String {
    let word = kind.rawValue.split(separator: "_").joined(separator: " ")
    return "\(word) \(name)" + (id.map { " (\($0))" } ?? "")
  }

  /// Services, then on-demand features, then training sets, each by name.
  public static func < (left: Self, right: Self) -> Bool {
    (left.rank, left.name, left.id ?? "") < (right.rank, right.name, right.id ?? "")
  }

  private var rank: Int {
    switch kind {
    case .service: 0
    case .onDemand: 1
    case .trainingSet: 2
    }
  }
}

/// Who uses which feature: by what is defined, by what was recorded, and by what was made.
struct FeatureUsers {
  private var direct: [ResolvedFeature: Set<FeatureUser>] = [:]
  /// The features that on-demand definitions compute.
  private var computed: [String: Set<ResolvedFeature>] = [:]

  /// - Parameters:
  ///   - definitions: Those of now and those that were recorded last: a model that runs uses the latter.
  ///   - sets: All training sets. Of each name the newest counts: what older ones hold stays as it is,
  ///     and a model is trained again from the newest.
  init(_ definitions: [DefinitionFacts], sets: [TrainingSetManifest]) {
    for facts in definitions {
      switch facts.kind {
      case .service:
        for feature in facts.features {
          direct[feature, default: []].insert(FeatureUser(.service, facts.name))
        }
      case .onDemand:
        for feature in facts.uses {
          direct[feature, default: []].insert(FeatureUser(.onDemand, facts.name))
        }
        computed[facts.name, default: []].formUnion(
          facts.features.map { ResolvedFeature(view: facts.name, name: $0.name) }
        )
      case .entity, .view: continue
      }
    }
    for set in Self.newest(sets) {
      for text in set.features.map(\.feature) {
        guard let reference = FeatureReference(text), let name = reference.feature else { continue }
        let feature = ResolvedFeature(view: reference.view, name: name)
        direct[feature, default: []].insert(FeatureUser(.trainingSet, set.name, id: set.id))
      }
    }
  }

  static func newest(_ sets: [TrainingSetManifest]) -> [TrainingSetManifest] {
    var newest: [String: TrainingSetManifest] = [:]
    for set in sets {
      let known = newest[set.name]
      if known.map({ ($0.createdAt, $0.version) < (set.createdAt, set.version) }) ?? true {
        newest[set.name] = set
      }
    }
    return newest.values.sorted { $0.name < $1.name }
  }

  /// Who uses a feature, also through on-demand features.
  func of(_ feature: ResolvedFeature) -> Set<FeatureUser> {
    var users = direct[feature] ?? []
    // On-demand features use those of views alone, so one step is all.
    for user in users where user.kind == .onDemand {
      for computed in computed[user.name] ?? [] { users.formUnion(direct[computed] ?? []) }
    }
    return users
  }

  /// Who uses any of a definition's features.
  func of(_ view: String, _ features: some Sequence<String>) -> [FeatureUser] {
    var users: Set<FeatureUser> = []
    for name in features { users.formUnion(of(ResolvedFeature(view: view, name: name))) }
    return users.sorted()
  }
}

extension DefinitionFacts {
  /// The features of a service; those of a view or of an on-demand definition under its own name.
  var features: [ResolvedFeature] {
    switch kind {
    case .entity: []
    case .view:
      ["latest", "windowed"].flatMap { definition[$0]?.array ?? [] }
        .compactMap { $0["name"]?.text }.map { ResolvedFeature(view: name, name: $0) }
    case .onDemand:
      (definition["features"]?.array ?? []).compactMap { $0["name"]?.text }
        .map { ResolvedFeature(view: name, name: $0) }
    case .service:
      (definition["features"]?.array ?? []).compactMap { ResolvedFeature($0["feature"]) }
    }
  }

  /// The features that an on-demand definition computes from.
  var uses: [ResolvedFeature] {
    (definition["uses"]?.array ?? []).compactMap { ResolvedFeature($0["feature"]) }
  }
}

extension ResolvedFeature {
  fileprivate init?(_ json: JSONValue?) {
    guard let text = json?.text, let reference = FeatureReference(text),
      let name = reference.feature
    else { return nil }
    self.init(view: reference.view, name: name)
  }
}
