// SPDX-License-Identifier: Apache-2.0

public import MillCore
internal import MillSQL

/// How requests for some features are answered: everything that can be known before one comes.
public struct ServingPlan: Sendable {
  /// The features, in the order of the answers.
  public let features: [ResolvedFeature]
  /// The names and types of the keys that a request gives, each once.
  public let keys: [EntityDefinition.Key]
  /// What a request says besides keys, each once, for on-demand features.
  public let inputs: [Field]
  /// The types of the features.
  package let types: [DataType]
  /// For each feature for how long after its newest row it counts as fresh; nil where nobody said.
  package let freshness: [Duration?]

  /// The rows of one table that are looked up.
  struct Part: Sendable {
    var view: ServedView
    var table: ServedTable
    var content: OnlineTable.Content
    /// Where the view's keys are among the keys of a request.
    var keyPlaces: [Int]
    /// What a key is answered of which there is nothing, whenever that is.
    let nobody: ServedRow

    init(view: ServedView, table: ServedTable, content: OnlineTable.Content, keyPlaces: [Int]) {
      self.view = view
      self.table = table
      self.content = content
      self.keyPlaces = keyPlaces
      let reader = view.reader
      nobody = ServedRow(
        table: table.number,
        key: [],
        epoch: 0,
        from: .earliest,
        content == .latest
          ? reader.latest(of: nil, at: .earliest) : reader.windowed(of: nil, at: .earliest),
        keepingValues: view.keepsValues
      )
    }
  }

  /// Features that are computed after the look-up.
  struct Computed: Sendable {
    /// Where the request's values are among the inputs.
    var inputPlaces: [Int]
    /// Where the features that are used are.
    var uses: [(part: Int, cell: Int)]
    /// What computes each.
    var expressions: [CompiledExpression]
  }

  /// Where the values of a feature come from.
  enum Origin: Sendable {
    case stored(part: Int, cell: Int)
    case computed(Int, expression: Int)
  }

  let parts: [Part]
  let computed: [Computed]
  let origins: [Origin]

  init(
    _ features: [ResolvedFeature],
    in catalog: ServingCatalog
  ) throws(FeatureError) {
    self.features = features
    var parts: [Part] = []
    var keys: [EntityDefinition.Key] = []
    func place(_ feature: ResolvedFeature) throws(FeatureError) -> (part: Int, cell: Int) {
      let view = try catalog.view(feature.view)
      guard let (content, cell) = view.cell(of: feature.name) else {
        throw .unknown(.feature, feature.description, nearest: nil)
      }
      guard let table = view.table(content) else { throw .notServed(view: feature.view) }
      if let part = parts.firstIndex(where: { $0.table.number == table.number }) {
        return (part, cell)
      }
      let own = view.reader.bound.keys.map(\.key)
      for key in own where !keys.contains(key) { keys.append(key) }
      parts.append(
        Part(
          view: view,
          table: table,
          content: content,
          keyPlaces: own.map { key in keys.firstIndex(of: key) ?? 0 }
        )
      )
      return (parts.count - 1, cell)
    }
    var inputs: [Field] = []
    var computed: [Computed] = []
    var computedNames: [String] = []
    var origins: [Origin] = []
    for feature in features {
      guard let bound = catalog.onDemand[feature.view] else {
        let (part, cell) = try place(feature)
        origins.append(.stored(part: part, cell: cell))
        continue
      }
      if !computedNames.contains(feature.view) {
        for input in bound.definition.inputs
        where !inputs.contains(where: { $0.name == input.name }) {
          inputs.append(input)
        }
        var uses: [(part: Int, cell: Int)] = []
        for use in bound.definition.uses { uses.append(try place(use.feature)) }
        computedNames.append(feature.view)
        computed.append(
          Computed(
            inputPlaces: bound.definition.inputs.map { input in
              inputs.firstIndex { $0.name == input.name } ?? 0
            },
            uses: uses,
            expressions: bound.expressions.map { CompiledExpression($0) }
          )
        )
      }
      let group = computedNames.firstIndex(of: feature.view) ?? 0
      let expression = bound.features.firstIndex { $0.name == feature.name } ?? 0
      origins.append(.computed(group, expression: expression))
    }
    self.parts = parts
    self.keys = keys
    self.inputs = inputs
    self.computed = computed
    self.origins = origins
    types = features.map { feature in
      catalog.onDemand[feature.view]?.features.first { $0.name == feature.name }?.type
        ?? catalog.views[feature.view]?.reader.bound.features.first { $0.name == feature.name }?
        .type
        ?? .string
    }
    freshness = origins.map { origin in
      guard case .stored(let part, _) = origin else { return nil }
      return parts[part].view.reader.bound.view.freshness
    }
  }
}
