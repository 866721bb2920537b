// SPDX-License-Identifier: Apache-2.0

public import MillCore
internal import MillSQL
internal import MillTiles

/// Features of some entities, as an online store answers.
public struct OnlineAnswer: Hashable, Sendable {
  /// The features, in the order of the cells.
  public var features: [ResolvedFeature]
  /// entities x features.
  public var rows: [[FeatureValue]]
}

/// What answers online requests: everything that can be known before one comes is known.
public struct OnlineReader: Sendable {
  /// The features, in the order of the answers.
  public let features: [ResolvedFeature]
  /// The names and types of the keys that a request gives, each once.
  public let keys: [EntityDefinition.Key]

  /// What a request says besides keys, each once, for on-demand features.
  public let inputs: [Field]

  /// Features that are computed after the look-up.
  private struct Computed: Sendable {
    /// Where the request's values are among the inputs.
    var inputPlaces: [Int]
    /// Where the features that are used are among all that are looked up.
    var usePlaces: [Int]
    /// Where each goes in the answer, and what computes it.
    var features: [(place: Int, expression: CompiledExpression)]
  }

  private let computed: [Computed]
  /// What is looked up: the features asked for, then those that others are computed of.
  private let lookedUp: [ResolvedFeature]

  /// One view of the answer.
  private struct Part: Sendable {
    var view: ViewReader
    /// Where the view's keys are among the keys of a request.
    var keyPlaces: [Int]
    /// Where each feature goes in the answer, and which of the view's it is.
    var latest: [(place: Int, cell: Int)]
    var windowed: [(place: Int, cell: Int)]
  }

  private let parts: [Part]
  private let store: any OnlineStore

  init(
    features: [ResolvedFeature],
    views: [BoundView],
    onDemand: [BoundOnDemand],
    feature store: FeatureStore,
    online: any OnlineStore
  ) {
    self.features = features
    self.store = online
    let lookedUp = features + store.withUses(features).filter { !features.contains($0) }
    self.lookedUp = lookedUp
    var inputs: [Field] = []
    for input in onDemand.flatMap(\.definition.inputs)
    where !inputs.contains(where: { $0.name == input.name }) {
      inputs.append(input)
    }
    self.inputs = inputs
    computed = onDemand.map { bound in
      let name = bound.definition.name
      return Computed(
        inputPlaces: bound.definition.inputs.map { input in
          inputs.firstIndex { $0.name == input.name } ?? 0
        },
        usePlaces: bound.definition.uses.map { lookedUp.firstIndex(of: $0.feature) ?? 0 },
        features: zip(bound.definition.features, bound.expressions).compactMap {
          feature,
          expression in
          features.firstIndex(of: ResolvedFeature(view: name, name: feature.name)).map {
            ($0, CompiledExpression(expression))
          }
        }
      )
    }
    var keys: [EntityDefinition.Key] = []
    for key in views.flatMap({ $0.keys.map(\.key) }) where !keys.contains(key) { keys.append(key) }
    self.keys = keys
    parts = views.map { bound in
      var latest: [(place: Int, cell: Int)] = []
      var windowed: [(place: Int, cell: Int)] = []
      let names = bound.view.featureNames
      for (place, feature) in lookedUp.enumerated() where feature.view == bound.view.name {
        guard let cell = names.firstIndex(of: feature.name) else { continue }
        let count = bound.view.latest.count
        if cell < count {
          latest.append((place, cell))
        } else {
          windowed.append((place, cell - count))
        }
      }
      return Part(
        view: ViewReader(bound, hash: store.hash(of: bound.view)),
        keyPlaces: bound.keys.map { key in keys.firstIndex(of: key.key) ?? 0 },
        latest: latest,
        windowed: windowed
      )
    }
  }

  /// The features of entities as of a time, which is now for whoever serves a model.
  ///
  /// - Parameters:
  ///   - entities: entities x keys, in the order of ``keys``; a key may be null.
  ///   - requests: entities x inputs, in the order of ``inputs``; empty where all are null.
  /// - Throws: `OnlineStoreError`; `FeatureError.notServed`, and `.past` for a time before that of
  ///   the rows.
  public func read(
    _ entities: [[Datum]],
    requests: [[Datum]] = [],
    at time: Instant
  ) async throws -> OnlineAnswer {
    let unknown = FeatureValue(value: .null, status: .notFound)
    var rows = entities.map { _ in Array(repeating: unknown, count: lookedUp.count) }
    for part in parts {
      try await require(part, at: time)
      let wanted = entities.map { entity in
        EntityKey.encode(part.keyPlaces.map { entity.indices.contains($0) ? entity[$0] : .null })
      }
      let known = wanted.indices.filter { wanted[$0] != nil }
      let keys = known.compactMap { wanted[$0] }
      func fill(_ row: Int, _ places: [(place: Int, cell: Int)], _ cells: [FeatureValue]) {
        for (place, cell) in places { rows[row][place] = cells[cell] }
      }
      if !part.latest.isEmpty {
        let found = try await store.read(keys, of: part.view.latestTable)
        for (index, row) in zip(known, found) {
          fill(index, part.latest, part.view.latest(of: row, at: time).cells)
        }
      }
      if !part.windowed.isEmpty {
        let found = try await store.read(keys, of: part.view.tileTable)
        for (index, row) in zip(known, found) {
          fill(index, part.windowed, part.view.windowed(of: row, at: time).cells)
        }
        // An entity without a key has no rows either: its counts are 0 as in a training set.
        for index in wanted.indices where wanted[index] == nil {
          fill(index, part.windowed, part.view.windowed(of: nil, at: time).cells)
        }
      }
    }
    for index in rows.indices {
      let request = requests.indices.contains(index) ? requests[index] : []
      compute(&rows[index], request)
      rows[index].removeLast(lookedUp.count - features.count)
    }
    return OnlineAnswer(features: features, rows: rows)
  }

  /// Online rows say nothing of the time before they were taken, and nothing in another definition.
  private func require(_ part: Part, at time: Instant) async throws {
    let tables =
      (part.latest.isEmpty ? [] : [part.view.latestTable])
      + (part.windowed.isEmpty ? [] : [part.view.tileTable])
    for table in tables {
      guard let state = try await store.state(of: table) else {
        throw FeatureError.notServed(view: part.view.name)
      }
      guard state.asOf <= time else {
        throw FeatureError.past(view: part.view.name, asOf: state.asOf, asked: time)
      }
    }
  }

  private func compute(_ cells: inout [FeatureValue], _ request: [Datum]) {
    for part in computed {
      // As the column of a label is cast: what its type does not hold is null.
      let given = part.inputPlaces.map { place in
        request.indices.contains(place) ? request[place].held(by: inputs[place].type) : .null
      }
      let row = given + part.usePlaces.map { cells[$0].value }
      // The oldest of what a value is made of says how old it is.
      let times = part.usePlaces.compactMap { cells[$0].time }
      // Of what nobody knows nothing is computed, not even by `coalesce`.
      let isUnknown = part.usePlaces.contains { cells[$0].status == .invalid }
      for (place, expression) in part.features {
        guard !isUnknown else {
          cells[place] = FeatureValue(value: .null, status: .invalid)
          continue
        }
        let outcome = expression.evaluate(row)
        cells[place] = FeatureValue(
          value: outcome.value,
          status: outcome.isInvalid ? .invalid : outcome.value.isNull ? .null : .present,
          time: times.min()
        )
      }
    }
  }
}

extension FeatureStore {
  /// Gets ready to answer for some features.
  ///
  /// - Throws: `FeatureError` for names, and for views whose source was never made.
  public func reader(
    of references: [FeatureReference],
    from online: any OnlineStore
  ) async throws -> OnlineReader {
    let features = try definitions.resolve(references)
    var views: [BoundView] = []
    for feature in withUses(features)
    where !views.contains(where: { $0.view.name == feature.view }) {
      guard let view = definitions.view(feature.view) else { continue }
      if view.windowed.flatMap(\.features).contains(where: { $0.name == feature.name }) {
        try requireServable(view)
      }
      views.append(try await bind(view))
    }
    return OnlineReader(
      features: features,
      views: views,
      onDemand: try await bindOnDemand(features, over: views),
      feature: self,
      online: online
    )
  }
}

extension Datum {
  /// The value as a column of a type holds it; null when it does not, as by TRY_CAST.
  func held(by type: DataType) -> Datum {
    switch (self, type) {
    case (.integer(let value), .integer): Int32(exactly: value) == nil ? .null : self
    case (.integer(let value), .short): Int16(exactly: value) == nil ? .null : self
    case (.integer(let value), .byte): Int8(exactly: value) == nil ? .null : self
    case (.double(let value), .float):
      Float(value).isFinite ? .double(Double(Float(value))) : .null
    case (.double(let value), .double): value.isFinite ? self : .null
    case (.decimal(let unscaled, let scale), .decimal(let precision, let wanted)):
      scale == wanted && String(unscaled.magnitude).utf8.count <= precision ? self : .null
    default: self
    }
  }
}
