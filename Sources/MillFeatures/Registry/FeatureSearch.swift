// SPDX-License-Identifier: Apache-2.0

internal import MillCore

/// Finds definitions and features by words.
///
/// Every word must be met, in any case and as a part of a word. What is met in a name weighs more than
/// in tags, columns, owners and descriptions; what is deprecated comes last.
public struct FeatureSearch: Sendable {
  /// Something that was found.
  public struct Finding: Hashable, Sendable {
    /// The definition, or the one that the feature is of.
    public var kind: DefinitionKind
    /// Its name.
    public var name: String
    /// The feature; nil for the definition as a whole.
    public var feature: String?
    /// What is said of it.
    public var notes: DefinitionNotes
    /// Where the words were met: `name`, `tag`, `column`, `source`, `owner`, `description`.
    public var places: [String]
    /// How well the words fit; the greatest is first.
    public var score: Int

    /// `view.feature`, or the name.
    public var title: String { feature.map { "\(name).\($0)" } ?? name }
  }

  private struct Text {
    var place: String
    var weight: Int
    var value: String
    /// Whether it is of the feature alone and not of all features of its view.
    var isOwn = true
  }

  private let definitions: FeatureDefinitions

  /// A search in definitions.
  public init(_ definitions: FeatureDefinitions) {
    self.definitions = definitions
  }

  /// What fits all words, the best first; names decide between equals.
  public func find(_ words: [String]) -> [Finding] {
    let words = words.flatMap { $0.lowercased().split { $0.isWhitespace } }.map(String.init)
    guard !words.isEmpty else { return [] }
    var found: [Finding] = []
    func add(
      _ kind: DefinitionKind,
      _ name: String,
      _ feature: String?,
      _ notes: DefinitionNotes,
      _ texts: [Text]
    ) {
      var score = 0
      var places: [String] = []
      var isOwn = false
      for word in words {
        let met = texts.filter { $0.value.lowercased().contains(word) }
        let scored = met.map { (Self.score(word, $0), $0) }
        guard let best = scored.max(by: { $0.0 < $1.0 }) else { return }
        score += best.0
        isOwn = isOwn || met.contains { $0.isOwn }
        for (_, text) in scored where !places.contains(text.place) { places.append(text.place) }
      }
      guard isOwn else { return }
      found.append(
        Finding(
          kind: kind,
          name: name,
          feature: feature,
          notes: notes,
          places: places,
          score: score
        )
      )
    }
    for entity in definitions.entities {
      add(
        .entity,
        entity.name,
        nil,
        entity.notes,
        Self.texts(entity.name, entity.notes)
          + entity.keys.map { Text(place: "column", weight: 25, value: $0.name) }
      )
    }
    for view in definitions.views {
      let own = Self.texts(view.name, view.notes) + Self.texts(of: view)
      add(.view, view.name, nil, view.notes, own)
      for (feature, column) in view.featureColumns {
        let texts = [
          Text(place: "name", weight: 40, value: feature),
          Text(place: "column", weight: 25, value: column ?? ""),
        ]
        add(.view, view.name, feature, view.notes, texts + Self.inherited(own))
      }
    }
    for definition in definitions.onDemand {
      let own =
        Self.texts(definition.name, definition.notes)
        + definition.uses.map {
          Text(place: "column", weight: 20, value: $0.feature.description)
        } + definition.inputs.map { Text(place: "column", weight: 25, value: $0.name) }
      add(.onDemand, definition.name, nil, definition.notes, own)
      for feature in definition.features {
        let texts = [
          Text(place: "name", weight: 40, value: feature.name),
          Text(place: "column", weight: 15, value: feature.sql),
        ]
        add(
          .onDemand,
          definition.name,
          feature.name,
          definition.notes,
          texts + Self.inherited(own)
        )
      }
    }
    for service in definitions.services {
      let features = service.features.map {
        Text(place: "column", weight: 15, value: $0.description)
      }
      add(
        .service,
        service.name,
        nil,
        service.notes,
        Self.texts(service.name, service.notes) + features
      )
    }
    return found.sorted { left, right in
      let (isLeftOld, isRightOld) = (left.notes.deprecated != nil, right.notes.deprecated != nil)
      if isLeftOld != isRightOld { return isRightOld }
      if left.score != right.score { return left.score > right.score }
      return left.title < right.title
    }
  }

  /// The whole text, the whole of a word in it, its beginning, and any part of it, in this order.
  private static func score(_ word: String, _ text: Text) -> Int {
    let value = text.value.lowercased()
    if value == word { return text.weight * 4 }
    let parts = value.split { !$0.isLetter && !$0.isNumber }
    if parts.contains(where: { $0 == word }) { return text.weight * 3 }
    if parts.contains(where: { $0.hasPrefix(word) }) { return text.weight * 2 }
    return text.weight
  }

  private static func texts(_ name: String, _ notes: DefinitionNotes) -> [Text] {
    [Text(place: "name", weight: 40, value: name)]
      + notes.tags.map { Text(place: "tag", weight: 30, value: $0) }
      + [
        Text(place: "owner", weight: 20, value: notes.owner ?? ""),
        Text(place: "description", weight: 10, value: notes.description ?? ""),
      ]
  }

  private static func texts(of view: FeatureViewDefinition) -> [Text] {
    let source =
      switch view.source {
      case .dataset(let dataset): dataset.description
      case .sql(let sql): sql
      }
    return [Text(place: "source", weight: 15, value: source)]
      + view.entities.map { Text(place: "entity", weight: 15, value: $0) }
  }

  private static func inherited(_ texts: [Text]) -> [Text] {
    texts.map { text in
      Text(place: text.place, weight: text.weight / 4, value: text.value, isOwn: false)
    }
  }
}

extension FeatureViewDefinition {
  /// The features with the columns that they are made of; nil where rows are counted.
  var featureColumns: [(feature: String, column: String?)] {
    latest.map { ($0.name, $0.column) }
      + windowed.flatMap { windowed in windowed.features.map { ($0.name, windowed.column) } }
  }
}
