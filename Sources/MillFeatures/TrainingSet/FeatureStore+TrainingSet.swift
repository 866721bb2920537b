// SPDX-License-Identifier: Apache-2.0

internal import MillCore
internal import MillEngine
internal import MillLake
internal import MillSQL

/// What a training set is to hold.
public struct TrainingSetRequest: Hashable, Sendable {
  /// The table becomes `training.NAME`.
  public var name: String
  /// Who, when, and what is to be learned.
  public var labels: Labels
  /// The features, or whole views.
  public var features: [FeatureReference]
  /// Whether columns are called `view__feature`.
  public var fullNames: Bool
  /// Whether rows that came to be known after a label are hidden from it.
  public var respectsKnowledge: Bool

  /// A request; what came to be known later is hidden unless it is said otherwise.
  public init(
    name: String,
    labels: Labels,
    features: [FeatureReference],
    fullNames: Bool = false,
    respectsKnowledge: Bool = true
  ) {
    self.name = name
    self.labels = labels
    self.features = features
    self.fullNames = fullNames
    self.respectsKnowledge = respectsKnowledge
  }
}

extension FeatureStore {
  /// Joins labels with features as of each label's time, and keeps the rows under a name.
  ///
  /// Every label row is kept, also those that are equal, in their order; its number is the column
  /// `_row`. The tables that were read are pinned, so that maintenance keeps what the set was made of.
  /// The same labels, definitions and table versions give the set that is there already.
  ///
  /// - Returns: The manifest, and whether the set was made now.
  /// - Throws: `FeatureError` for names, columns and types; nothing was changed then.
  public func makeTrainingSet(
    _ request: TrainingSetRequest
  ) async throws -> (manifest: TrainingSetManifest, isNew: Bool) {
    guard let dataset = DatasetName(layer: .training, name: request.name) else {
      throw FeatureError.labels(
        "the training set \(request.name)",
        problem: "the name is made of letters, digits and underscores, beginning with a letter"
      )
    }
    let features = try definitions.resolve(request.features)
    guard !features.isEmpty else {
      throw FeatureError.labels(request.labels.description, problem: "no feature was asked for")
    }
    return try await withSession("training set \(request.name)") { session in
      var versions: [String: Int64] = [:]
      let bound = try await bind(features, at: [:], session, &versions)
      let reader = LabelReader(
        store: self,
        labels: request.labels,
        keys: bound.flatMap { $0.view.keys.map(\.key) }
      )
      let (labels, timeColumn, labelVersions) = try await reader.define(session)
      for (view, _) in bound {
        for (key, _) in view.keys { _ = try labels.column(for: key, of: view.view.name) }
      }
      let computed = try await bindOnDemand(features, over: bound.map(\.view))
      let views =
        bound.map { self.describe($0.view) } + computed.map { self.describe($0.definition) }
      let id = String(
        DefinitionHash.sha256(
          JSONValue.object([
            "name": .string(request.name),
            "labels": .string(try await reader.digest(labels, session)),
            "columns": .array(labels.schema.fields.map(\.json)),
            "time": .string(timeColumn), "zone": .string(request.labels.timeZone),
            "keys": .array(
              request.labels.keyColumns.sorted { $0.key < $1.key }
                .map { .string("\($0.key)=\($0.value)") }
            ),
            "features": .array(features.map { .string($0.description) }),
            "views": .array(views.map { .string($0.hash) }),
            "label_tables": .array(
              labelVersions.sorted { $0.key < $1.key }.map { .string("\($0.key)@\($0.value)") }
            ),
            "tables": .array(
              versions.sorted { $0.key < $1.key }.map { .string("\($0.key)@\($0.value)") }
            ),
            "full_names": .bool(request.fullNames),
            "knowledge": .bool(request.respectsKnowledge),
          ]).serialized()
        ).prefix(12)
      )
      let table = environment.lake.table(dataset)
      if let known = try await manifest(id, in: table) { return (known, false) }
      let joined = RelationName("mill_training")
      let join = FeatureJoin(
        store: self,
        labels: labels,
        respectsKnowledge: request.respectsKnowledge
      )
      // What is wrong with the request shows in the join, before anything is pinned or written.
      let (outputs, query) = try await join.define(
        joined,
        features,
        bound,
        computed,
        fullNames: request.fullNames,
        session
      )
      var manifest = TrainingSetManifest(
        id: id,
        name: request.name,
        version: 0,
        createdAt: environment.world.clock.now(),
        labels: request.labels.description,
        labelColumns: labels.schema.names,
        timeColumn: timeColumn,
        timeZone: request.labels.timeZone,
        keyColumns: request.labels.keyColumns,
        views: views,
        tables: versions,
        labelTables: labelVersions,
        respectsKnowledge: request.respectsKnowledge,
        query: query,
        rows: labels.count,
        features: try await statistics(of: outputs, joined, session)
      )
      try await requireAllRows(joined, labels, id, session)
      var types: [String: [Field]] = [:]
      for (view, _) in bound { types[view.view.name] = view.features }
      for part in computed { types[part.definition.name] = part.features }
      try await recordDefinitions(types: types)
      try await pin(versions, for: id, name: request.name)
      manifest.version = try await write(joined, to: table, manifest, session).number
      return (manifest, true)
    }
  }

  /// Holds the views of features against their sources, and notes the versions that are read.
  func bind(
    _ features: [ResolvedFeature],
    at pinned: [String: Int64],
    _ session: any EngineSession,
    _ versions: inout [String: Int64]
  ) async throws -> [(view: BoundView, sources: [DatasetName: Snapshot])] {
    var bound: [(view: BoundView, sources: [DatasetName: Snapshot])] = []
    for feature in withUses(features)
    where !bound.contains(where: { $0.view.view.name == feature.view }) {
      guard let view = definitions.view(feature.view) else {
        throw FeatureError.unknown(.view, feature.view, nearest: nil)
      }
      // A table that several views read is read in one version by all of them.
      let sources = try await sources(
        of: view,
        at: pinned.merging(versions) { pinned, _ in pinned }
      )
      for (name, snapshot) in sources { versions[name.description] = snapshot.version.number }
      bound.append((try await bind(view, sources, session), sources))
    }
    return bound
  }

  /// The features of views that are needed for some features: themselves, or what they are computed of.
  func withUses(_ features: [ResolvedFeature]) -> [ResolvedFeature] {
    var found: [ResolvedFeature] = []
    for feature in features {
      let needed = definitions.onDemand(feature.view)?.uses.map(\.feature) ?? [feature]
      for feature in needed where !found.contains(feature) { found.append(feature) }
    }
    return found
  }

  /// The on-demand definitions of some features, parsed and typed.
  func bindOnDemand(
    _ features: [ResolvedFeature],
    over views: [BoundView]
  ) async throws -> [BoundOnDemand] {
    var bound: [BoundOnDemand] = []
    for feature in features where !bound.contains(where: { $0.definition.name == feature.view }) {
      guard let definition = definitions.onDemand(feature.view) else { continue }
      bound.append(
        try await bind(definition) { used in
          views.first { $0.view.name == used.view }?.features.first { $0.name == used.name }?.type
        }
      )
    }
    return bound
  }

  private func describe(_ definition: OnDemandDefinition) -> TrainingSetManifest.View {
    .init(
      name: definition.name,
      hash: hash(of: definition),
      source: "on demand",
      knowledge: "that of the features it uses"
    )
  }

  private func describe(_ bound: BoundView) -> TrainingSetManifest.View {
    let view = bound.view
    let knowledge: String =
      switch view.knowledge {
      case .column(let column): "the column \(column)"
      case .delay(let delay) where delay == .zero: "the time of the row, as no other is declared"
      case .delay(let delay): "the time of the row and \(delay.text) more, as declared"
      }
    return .init(
      name: view.name,
      hash: hash(of: view),
      source: bound.sourceName,
      knowledge: knowledge
    )
  }

  // MARK: Writing

  /// How often a commit is tried while others write to the same table.
  private static let commitAttempts = 10

  static let manifestFolder = "_millrace/training"

  /// Keeps versions of tables from maintenance for as long as a training set is there.
  private func pin(_ versions: [String: Int64], for id: String, name: String) async throws {
    for (dataset, version) in versions.sorted(by: { $0.key < $1.key }) {
      guard let dataset = DatasetName(dataset) else { continue }
      let table = environment.lake.table(dataset)
      let tag = "training-\(id)"
      // An attempt that failed half-way has left it.
      guard try await !table.tags().contains(where: { $0.name == tag }) else { continue }
      do {
        try await table.tag(tag, version: TableVersion(version), note: "training.\(name)")
      } catch {
        // Somebody who makes the same set was first.
        guard try await table.tags().contains(where: { $0.name == tag }) else { throw error }
      }
    }
  }

  /// The version that holds a set already: of an attempt that stopped before its manifest, or of
  /// somebody who makes the same set at the same time.
  private func written(_ id: String, in table: DeltaTable) async throws -> TableVersion? {
    guard try await table.snapshotIfExists() != nil else { return nil }
    return try await table.tags().first { $0.name == id }?.version
  }

  /// A join that lost or repeated a label is our own mistake, and nothing of it is kept.
  private func requireAllRows(
    _ joined: RelationName,
    _ labels: LabelRelation,
    _ id: String,
    _ session: any EngineSession
  ) async throws {
    let found = try await session.rows(
      "SELECT count(*), count(DISTINCT \(LabelRelation.row)) FROM \(dialect.quote(joined.name))",
      limit: 1
    )
    guard found.integer(0, 0) == labels.count, found.integer(0, 1) == labels.count else {
      throw FeatureError.trainingSet(
        id,
        problem: "\(labels.count) labels gave \(found.integer(0, 0) ?? -1) rows: please report this"
      )
    }
  }

  private func write(
    _ joined: RelationName,
    to table: DeltaTable,
    _ manifest: TrainingSetManifest,
    _ session: any EngineSession
  ) async throws -> TableVersion {
    if let version = try await written(manifest.id, in: table) {
      return try await store(manifest, version, in: table)
    }
    let query = "SELECT * FROM \(dialect.quote(joined.name)) ORDER BY \(LabelRelation.row)"
    let schema = try await session.published(query).schema
    try await table.prepare()
    var target = WriteTarget(location: table.store.location)
    target.keepsEmptyFiles = true
    let files = try await session.write(query, to: target)
    let change = TableChange(
      mode: .overwrite,
      files: files,
      schema: schema,
      info: ["millrace": ["training_set": .string(manifest.id)]],
      description: "A training set: labels with the features that were true at their time",
      operation: "CREATE TRAINING SET",
      parameters: ["id": .string(manifest.id)]
    )
    var version: TableVersion?
    for _ in 0..<Self.commitAttempts where version == nil {
      do {
        version = try await table.commit(change)
      } catch {
        // Each set is a version of its own: whoever was first takes nothing from this one.
        guard error.isRetryable else { throw error }
        if let first = try await written(manifest.id, in: table) {
          return try await store(manifest, first, in: table)
        }
      }
    }
    guard let version else {
      throw FeatureError.trainingSet(
        manifest.id,
        problem: "others wrote to training.\(manifest.name) \(Self.commitAttempts) times; try again"
      )
    }
    do {
      try await table.tag(manifest.id, version: version, note: manifest.labels)
    } catch {
      guard let first = try await written(manifest.id, in: table) else { throw error }
      return try await store(manifest, first, in: table)
    }
    return try await store(manifest, version, in: table)
  }

  private func store(
    _ manifest: TrainingSetManifest,
    _ version: TableVersion,
    in table: DeltaTable
  ) async throws -> TableVersion {
    var manifest = manifest
    manifest.version = version.number
    try await table.store.prepare(Self.manifestFolder)
    try await table.store.replace(
      "\(Self.manifestFolder)/\(manifest.id).json",
      Array(manifest.json.serialized(pretty: true).utf8)
    )
    return version
  }

  private func statistics(
    of outputs: [FeatureJoin.Output],
    _ joined: RelationName,
    _ session: any EngineSession
  ) async throws -> [TrainingSetManifest.Statistics] {
    let cells = outputs.flatMap { output -> [String] in
      let name = dialect.quote(output.column)
      return [
        "count(*) - count(\(name))",
        output.type.isOrdered ? "CAST(min(\(name)) AS VARCHAR)" : "NULL",
        output.type.isOrdered ? "CAST(max(\(name)) AS VARCHAR)" : "NULL",
        output.type.isNumeric ? "avg(\(name))::DOUBLE" : "NULL",
      ]
    }
    let found = try await session.rows(
      "SELECT \(cells.joined(separator: ", ")) FROM \(dialect.quote(joined.name))",
      limit: 1
    )
    guard let row = found.rows.first else { return [] }
    return outputs.enumerated().map { index, output in
      var mean: Double?
      if case .number(let number) = row[4 * index + 3] { mean = number.double }
      return .init(
        column: output.column,
        feature: output.feature.description,
        type: output.type,
        nulls: row[4 * index].integer ?? 0,
        minimum: row[4 * index + 1].text,
        maximum: row[4 * index + 2].text,
        mean: mean
      )
    }
  }
}
