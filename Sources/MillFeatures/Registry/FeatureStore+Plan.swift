// SPDX-License-Identifier: Apache-2.0

internal import MillCore

/// What definitions of now are held against.
public enum PlanBaseline: Hashable, Sendable {
  /// What was recorded last.
  case newest
  /// A version of the one name that is asked about.
  case version(Int)
  /// The versions of views that the online store holds values of.
  case online
}

extension FeatureStore {
  /// Says what the definitions mean for those who use the features of before.
  ///
  /// - Parameters:
  ///   - names: Only these definitions; empty for all.
  ///   - online: Where values are served from: a view that is not there has none to make again.
  /// - Throws: `RegistryError` for versions that there are not; `FeatureError.unknown` for names.
  public func plan(
    _ names: [String] = [],
    against baseline: PlanBaseline = .newest,
    online: (any OnlineStore)? = nil
  ) async throws -> FeaturePlan {
    let (types, unknown) = try await types()
    let facts = facts(types: types)
    let newest = try await environment.registry?.newest() ?? []
    for name in names where !(facts + newest.map(\.facts)).contains(where: { $0.name == name }) {
      throw FeatureError.unknown(
        .view,
        name,
        nearest: nearestName(to: name, among: facts.map(\.name))
      )
    }
    let before = try await versions(names, baseline, newest, online)
    let users = FeatureUsers(
      facts + newest.map(\.facts),
      sets: try await trainingSets().sets
    )
    var isOnline: Set<String> = []
    if let online {
      for version in before where version.facts.kind == .view {
        if try await state(of: version.facts, in: online) != nil {
          isOnline.insert(version.facts.hash)
        }
      }
    }
    var comparer = PlanComparer(before: before, users: users, online: isOnline)
    var items = comparer.items(
      facts.filter { fact in
        // The online store says nothing of what is in no store.
        baseline == .newest || fact.kind == .view || before.contains { $0.facts.isOf(fact) }
      }
    )
    if !names.isEmpty { items = items.filter { names.contains($0.name) } }
    return FeaturePlan(
      items: items,
      unknown: names.isEmpty
        ? unknown : unknown.filter { text in names.contains { text.hasPrefix("\($0):") } }
    )
  }

  private func versions(
    _ names: [String],
    _ baseline: PlanBaseline,
    _ newest: [DefinitionVersion],
    _ online: (any OnlineStore)?
  ) async throws -> [DefinitionVersion] {
    switch baseline {
    case .newest: return newest
    case .version(let number):
      guard let registry = environment.registry, let name = names.first, names.count == 1 else {
        throw RegistryError.ofWhich(number)
      }
      let versions = try await registry.history(of: name).versions
      let found = versions.filter { $0.number == number }
      guard !found.isEmpty else {
        throw RegistryError.noVersion(
          name,
          asked: number,
          newest: versions.map(\.number).max() ?? 0
        )
      }
      return found
    case .online:
      guard let registry = environment.registry, let online else { return [] }
      var found: [DefinitionVersion] = []
      for name in definitions.views.map(\.name) where names.isEmpty || names.contains(name) {
        var best: (version: DefinitionVersion, asOf: Instant)?
        // A view that was never recorded is not online either.
        let events = try await registry.storage.events(of: name)
        let versions = try await registry.storage.versions(of: name)
          .filter { $0.facts.kind == .view }.map { $0.saying(lastOf: events) }
        for version in versions {
          guard let state = try await state(of: version.facts, in: online) else { continue }
          if best.map({ $0.asOf <= state.asOf }) ?? true { best = (version, state.asOf) }
        }
        guard let best else {
          guard names.isEmpty else { throw RegistryError.notOnline(name) }
          continue
        }
        found.append(best.version)
      }
      return found
    }
  }

  private func state(
    of facts: DefinitionFacts,
    in online: any OnlineStore
  ) async throws -> MaterializationState? {
    for content in [OnlineTable.Content.latest, .tiles] {
      let table = OnlineTable(view: facts.name, hash: facts.hash, content: content)
      if let state = try await online.state(of: table) { return state }
    }
    return nil
  }
}

/// Holds all definitions of now against versions of before.
private struct PlanComparer {
  let before: [DefinitionVersion]
  let users: FeatureUsers
  let online: Set<String>

  mutating func items(_ facts: [DefinitionFacts]) -> [FeaturePlan.Item] {
    var items: [FeaturePlan.Item] = []
    var gone = before.filter { old in !facts.contains { old.facts.isOf($0) } }
    var changed: Set<ResolvedFeature> = []
    for new in facts {
      if let old = before.first(where: { $0.facts.isOf(new) }) {
        let comparison = DefinitionComparison(
          old: old.facts,
          new: new,
          users: users,
          isOnline: online.contains(old.facts.hash),
          changedUses: changed
        )
        if new.kind == .view { changed.formUnion(comparison.changedFeatures()) }
        items += comparison.items().map { item in
          var item = item
          item.version = old.number
          return item
        }
      } else if let index = gone.firstIndex(where: {
        $0.facts.kind == new.kind && $0.facts.hash == new.hash
      }) {
        items.append(renamed(gone.remove(at: index), new))
      } else {
        items.append(
          FeaturePlan.Item(
            kind: new.kind,
            name: new.name,
            change: .added,
            verdict: .compatible
          )
        )
      }
    }
    return items + gone.map(removed)
  }

  /// Who misses a definition under its old name.
  private func users(of old: DefinitionFacts) -> [FeatureUser] {
    switch old.kind {
    case .entity: []
    // Whoever asks for it, asks by its name.
    case .service: [FeatureUser(.service, old.name)]
    case .view, .onDemand: users.of(old.name, old.features.map(\.name))
    }
  }

  private func renamed(_ old: DefinitionVersion, _ new: DefinitionFacts) -> FeaturePlan.Item {
    let users = users(of: old.facts)
    let isOnline = online.contains(old.facts.hash)
    return FeaturePlan.Item(
      kind: new.kind,
      name: new.name,
      change: .renamed,
      details: [.init("name", old.facts.name, new.name)],
      verdict: users.isEmpty ? (isOnline ? .rematerialise : .compatible) : .breaking,
      users: users,
      version: old.number
    )
  }

  private func removed(_ old: DefinitionVersion) -> FeaturePlan.Item {
    let users = users(of: old.facts)
    return FeaturePlan.Item(
      kind: old.facts.kind,
      name: old.facts.name,
      change: .removed,
      verdict: users.isEmpty ? .compatible : .breaking,
      users: users,
      version: old.number
    )
  }
}

extension DefinitionFacts {
  /// Whether two definitions are of one thing at different times.
  func isOf(_ other: DefinitionFacts) -> Bool { kind == other.kind && name == other.name }
}
