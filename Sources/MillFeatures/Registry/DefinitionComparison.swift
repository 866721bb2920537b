// SPDX-License-Identifier: Apache-2.0

internal import MillCore

/// A definition of now held against the version of before: pure, so that every verdict is tested.
struct DefinitionComparison {
  let old: DefinitionFacts
  let new: DefinitionFacts
  let users: FeatureUsers
  /// Whether values of the old version are in the online store; a new definition has none there.
  let isOnline: Bool
  /// Features of views whose values are others now, for what is computed of them.
  let changedUses: Set<ResolvedFeature>

  typealias Item = FeaturePlan.Item
  typealias Detail = FeaturePlan.Detail

  /// What is not as it was, the definition as a whole first.
  func items() -> [Item] {
    var items: [Item] = []
    if old.hash != new.hash {
      switch new.kind {
      case .entity: items += entity()
      case .view: items += view()
      case .onDemand: items += onDemand()
      case .service: items += service()
      }
    }
    items += types()
    let notes = noteDetails()
    if !notes.isEmpty { items.append(item(nil, .notes, notes, .compatible)) }
    return items
  }

  /// The features of a view whose values are others now.
  func changedFeatures() -> Set<ResolvedFeature> {
    let names = old.features.map(\.name)
    return Set(
      (items().flatMap { item -> [String] in
        switch item.change {
        case .computation, .keys, .type:
          item.feature.map { [$0] } ?? (item.isAboutLatest ? latestNames : names)
        default: []
        }
      }).map { ResolvedFeature(view: new.name, name: $0) }
    )
  }

  private func item(
    _ feature: String?,
    _ change: FeaturePlan.Change,
    _ details: [Detail],
    _ verdict: FeaturePlan.Verdict,
    _ users: [FeatureUser] = []
  ) -> Item {
    Item(
      kind: new.kind,
      name: new.name,
      feature: feature,
      change: change,
      details: details,
      verdict: verdict,
      users: users
    )
  }

  private func users(of features: [String]) -> [FeatureUser] { users.of(new.name, features) }

  /// What it means that something is gone, or has another type, which these use.
  private func loss(for users: [FeatureUser]) -> FeaturePlan.Verdict {
    users.isEmpty ? (isOnline ? .rematerialise : .compatible) : .breaking
  }

  // MARK: Entities

  private func entity() -> [Item] {
    // Who uses features of the entity is told at its views, whose keys are others as well.
    let (before, after) = (old.definition["keys"]?.keysText, new.definition["keys"]?.keysText)
    return [item(nil, .keys, [Detail("keys", before, after)], .rematerialise)]
  }

  // MARK: Views

  private var latestNames: [String] {
    (old.definition["latest"]?.array ?? []).compactMap { $0["name"]?.text }
  }

  private func view() -> [Item] {
    var items: [Item] = []
    let all = old.features.map(\.name)
    func keys(_ facts: DefinitionFacts, _ names: [String]) -> JSONValue {
      .array(
        (facts.definition["keys"]?.array ?? []).map { key in
          .object(JSONObject(names.map { ($0, key[$0] ?? .null) }))
        }
      )
    }
    if keys(old, ["name", "type"]) != keys(new, ["name", "type"]) {
      let users = users(of: all)
      items.append(
        item(
          nil,
          .keys,
          [Detail("keys", old.definition["keys"]?.keysText, new.definition["keys"]?.keysText)],
          users.isEmpty ? .rematerialise : .breaking,
          users
        )
      )
    }
    var details: [Detail] = []
    if keys(old, ["name", "column"]) != keys(new, ["name", "column"]), items.isEmpty {
      func columns(_ facts: DefinitionFacts) -> String {
        (facts.definition["keys"]?.array ?? []).compactMap { $0["column"]?.text }
          .joined(separator: ", ")
      }
      details.append(Detail("key columns", columns(old), columns(new)))
    }
    for what in [
      "source", "sql", "time", "time_zone", "knowledge", "delay", "id", "max_events_per_key",
    ]
    where (old.definition[what] ?? .null) != (new.definition[what] ?? .null) {
      details.append(
        Detail(
          what.split(separator: "_").joined(separator: " "),
          old.definition[what]?.text(of: what),
          new.definition[what]?.text(of: what)
        )
      )
    }
    details += upstreamDetails(isSourceSame: details.allSatisfy { $0.what != "source" })
    let ttl = Detail(
      "ttl",
      old.definition["ttl"]?.text(of: "ttl"),
      new.definition["ttl"]?.text(of: "ttl")
    )
    if (old.definition["ttl"] ?? .null) != (new.definition["ttl"] ?? .null) {
      let affected = details.isEmpty ? latestNames : all
      items.append(
        item(nil, .computation, details + [ttl], .rematerialise, users(of: affected))
      )
    } else if !details.isEmpty {
      items.append(item(nil, .computation, details, .rematerialise, users(of: all)))
    }
    items += features(Self.specifications(old), Self.specifications(new))
    if items.isEmpty {
      items.append(item(nil, .order, [], isOnline ? .rematerialise : .compatible))
    }
    return items
  }

  /// Tables that are made otherwise than they were.
  private func upstreamDetails(isSourceSame: Bool) -> [Detail] {
    guard isSourceSame, old.definition["made_by"] != new.definition["made_by"] else { return [] }
    func tables(_ facts: DefinitionFacts) -> [String: String] {
      Dictionary(
        facts.dependencies.filter { $0.kind == "dataset" }.map { ($0.name, $0.hash ?? "") }
      ) { first, _ in first }
    }
    let (before, after) = (tables(old), tables(new))
    let names = Set(before.keys).union(after.keys).filter { before[$0] != after[$0] }.sorted()
    guard !names.isEmpty else { return [Detail("the making of its source", nil, nil)] }
    return names.map { name in
      Detail(
        "the making of \(name)",
        before[name].map { String($0.prefix(12)) },
        after[name].map { String($0.prefix(12)) }
      )
    }
  }

  /// What decides a feature's value besides what the whole view has in common, by its name.
  private static func specifications(_ facts: DefinitionFacts) -> [(name: String, JSONValue)] {
    let definition = facts.definition
    let latest = (definition["latest"]?.array ?? []).map { feature in
      (feature["name"]?.text ?? "", JSONValue.object(["column": feature["column"] ?? .null]))
    }
    let windowed = (definition["windowed"]?.array ?? []).map { feature -> (String, JSONValue) in
      var rest = feature.object ?? [:]
      _ = rest.removeValue(forKey: "name")
      return (feature["name"]?.text ?? "", .object(rest))
    }
    return latest + windowed
  }

  /// What became of each feature: same computation under another name is a renaming.
  private func features(
    _ before: [(name: String, JSONValue)],
    _ after: [(name: String, JSONValue)]
  ) -> [Item] {
    var items: [Item] = []
    var added = after.filter { feature in !before.contains { $0.name == feature.name } }
    var removed: [String] = []
    for (name, specification) in before {
      if let (_, now) = after.first(where: { $0.name == name }) {
        let details = specification.differences(from: now)
        guard !details.isEmpty else { continue }
        items.append(item(name, .computation, details, .rematerialise, users(of: [name])))
      } else if let index = added.firstIndex(where: { $0.1 == specification }) {
        let users = users(of: [name])
        let now = added.remove(at: index).name
        items.append(item(now, .renamed, [Detail("name", name, now)], loss(for: users), users))
      } else {
        removed.append(name)
      }
    }
    for (name, _) in added {
      items.append(item(name, .added, [], isOnline ? .rematerialise : .compatible))
    }
    for name in removed {
      let users = users(of: [name])
      items.append(item(name, .removed, [], loss(for: users), users))
    }
    return items
  }

  // MARK: On demand

  private func onDemand() -> [Item] {
    var items: [Item] = []
    let all = old.features.map(\.name)
    let (before, after) = (
      old.definition["inputs"]?.keysText ?? "", new.definition["inputs"]?.keysText ?? ""
    )
    if before != after {
      let users = users(of: all)
      items.append(
        item(
          nil,
          .keys,
          [Detail("inputs", before, after)],
          users.isEmpty ? .compatible : .breaking,
          users
        )
      )
    }
    func uses(_ facts: DefinitionFacts) -> [String] {
      (facts.definition["uses"]?.array ?? []).map { use in
        "\(use["name"]?.text ?? "") = \(use["feature"]?.text ?? "")"
      }
    }
    var details: [Detail] = []
    if uses(old) != uses(new) {
      details.append(
        Detail("uses", uses(old).joined(separator: ", "), uses(new).joined(separator: ", "))
      )
    }
    for use in new.uses where changedUses.contains(use) {
      details.append(Detail("what it uses", use.description, use.description))
    }
    if !details.isEmpty {
      items.append(item(nil, .computation, details, .rematerialise, users(of: all)))
    }
    func computed(_ facts: DefinitionFacts) -> [(name: String, JSONValue)] {
      (facts.definition["features"]?.array ?? []).map { feature in
        (feature["name"]?.text ?? "", ["expression": feature["sql"] ?? .null])
      }
    }
    items += features(computed(old), computed(new))
    return items
  }

  // MARK: Services

  private func service() -> [Item] {
    let (before, after) = (old.features, new.features)
    let user = [FeatureUser(.service, new.name)]
    var items: [Item] = []
    for feature in after where !before.contains(feature) {
      items.append(item(feature.description, .added, [], .compatible))
    }
    for feature in before where !after.contains(feature) {
      items.append(item(feature.description, .removed, [], .breaking, user))
    }
    if items.isEmpty, before != after {
      // Answers and training sets name their columns.
      items.append(item(nil, .order, [], .compatible, user))
    }
    return items
  }

  // MARK: What all have

  private func types() -> [Item] {
    guard let before = old.types, let after = new.types else { return [] }
    return new.features.compactMap { feature in
      guard new.kind != .service, let was = before[feature.name], let now = after[feature.name],
        was != now
      else { return nil }
      let users = users(of: [feature.name])
      return item(
        feature.name,
        .type,
        [Detail("type", was.description, now.description)],
        users.isEmpty ? .rematerialise : .breaking,
        users
      )
    }
  }

  private func noteDetails() -> [Detail] {
    let (before, after) = (old.notes, new.notes)
    func text(_ tags: [String]) -> String? { tags.isEmpty ? nil : tags.joined(separator: ", ") }
    return [
      Detail("description", before.description, after.description),
      Detail("owner", before.owner, after.owner),
      Detail("tags", text(before.tags), text(after.tags)),
      Detail("deprecated", before.deprecated, after.deprecated),
    ].filter { $0.before != $0.after }
  }
}

extension FeaturePlan.Item {
  /// Whether only latest values are touched by a change of the whole view.
  fileprivate var isAboutLatest: Bool {
    feature == nil && details.allSatisfy { $0.what == "ttl" }
  }
}

extension JSONValue {
  /// Names and types of a list of keys or inputs.
  fileprivate var keysText: String {
    (array ?? []).map { key in
      let type = key["type"].flatMap { try? DataType(json: $0) }.map(\.description) ?? "?"
      return "\(key["name"]?.text ?? "") \(type)"
    }.joined(separator: ", ")
  }

  /// A value of a definition for a reader; nil for null.
  fileprivate func text(of what: String) -> String? {
    switch self {
    case .null: return nil
    case .string(let text): return text
    case .number(let number):
      guard ["ttl", "delay", "window", "edge"].contains(what), let value = number.integer else {
        return number.text
      }
      let text = Duration.microseconds(value).text
      return what == "edge" ? "by hops of \(text)" : text
    default: return serialized()
    }
  }

  /// What two specifications of a feature do not have in common.
  fileprivate func differences(from after: JSONValue) -> [FeaturePlan.Detail] {
    var details: [FeaturePlan.Detail] = []
    let names = (object?.keys ?? []) + (after.object?.keys ?? []).filter { self[$0] == nil }
    for what in names where (self[what] ?? .null) != (after[what] ?? .null) {
      details.append(
        FeaturePlan.Detail(
          what == "filter" ? "where" : what,
          self[what]?.text(of: what),
          after[what]?.text(of: what)
        )
      )
    }
    return details
  }
}
