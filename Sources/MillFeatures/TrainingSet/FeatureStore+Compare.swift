// SPDX-License-Identifier: Apache-2.0

internal import MillCore
internal import MillEngine
internal import MillLake
internal import MillSQL

/// A stored training set held against the same join made again.
public struct TrainingSetComparison: Hashable, Sendable {
  /// The set.
  public var manifest: TrainingSetManifest
  /// Cells that differ, by column, in the order of the manifest.
  public var differing: [Column]
  /// Views that are defined otherwise than when the set was made.
  public var redefined: [String]
  /// Tables with the version that was read for the set, and the one that was read now.
  public var tables: [Table]

  /// One feature's differences.
  public struct Column: Hashable, Sendable {
    /// The column.
    public var name: String
    /// Rows of which the value differs.
    public var cells: Int64
  }

  /// A table in two versions.
  public struct Table: Hashable, Sendable {
    /// Such as `silver.payments`.
    public var name: String
    /// The version that the set was made of.
    public var then: Int64
    /// The version that was read now.
    public var now: Int64
  }

  /// Cells that differ over all columns.
  public var cells: Int64 { differing.reduce(0) { $0 + $1.cells } }
}

extension FeatureStore {
  /// All training sets, the newest first, and what is wrong with the manifests that cannot be read.
  public func trainingSets() async throws -> (sets: [TrainingSetManifest], damaged: [FeatureError])
  {
    var found: [TrainingSetManifest] = []
    var damaged: [FeatureError] = []
    for dataset in try await environment.lake.datasets() where dataset.layer == .training {
      let table = environment.lake.table(dataset)
      for name in try await table.store.names(Self.manifestFolder) where name.hasSuffix(".json") {
        do {
          if let manifest = try await manifest(String(name.dropLast(5)), in: table) {
            found.append(manifest)
          }
        } catch let error as FeatureError {
          damaged.append(error)
        }
      }
    }
    return (found.sorted { ($0.createdAt, $0.id) > ($1.createdAt, $1.id) }, damaged)
  }

  /// The training set of an id, or the newest of a name.
  ///
  /// - Throws: `FeatureError.unknown` with the nearest name.
  public func trainingSet(_ text: String) async throws -> TrainingSetManifest {
    let sets = try await trainingSets().sets
    let word = text.hasPrefix("training.") ? String(text.dropFirst(9)) : text
    if let found = sets.first(where: { $0.id == word || $0.name == word }) { return found }
    let starts = sets.filter { word.utf8.count >= 4 && $0.id.hasPrefix(word) }
    if starts.count == 1 { return starts[0] }
    throw FeatureError.unknown(
      .trainingSet,
      text,
      nearest: nearestName(to: word, among: sets.map(\.id) + sets.map(\.name))
    )
  }

  func manifest(_ id: String, in table: DeltaTable) async throws -> TrainingSetManifest? {
    let key = "\(Self.manifestFolder)/\(id).json"
    guard try await table.store.status(key) != nil else { return nil }
    let json: JSONValue
    do {
      json = try JSONValue(parsing: try await table.store.read(key))
    } catch let error as JSONError {
      throw FeatureError.trainingSet(id, problem: "its manifest \(key) is damaged: \(error)")
    }
    return try TrainingSetManifest(json: json, id: id)
  }

  /// Makes the join of a training set again from what it was made of, and compares every cell.
  ///
  /// - Throws: `FeatureError.trainingSet` when a view is defined otherwise by now.
  public func reproduce(_ manifest: TrainingSetManifest) async throws -> TrainingSetComparison {
    let redefined = redefined(manifest)
    guard redefined.isEmpty else {
      throw FeatureError.trainingSet(
        manifest.id,
        problem: "\(redefined.joined(separator: ", ")) is defined otherwise since; its stored rows "
          + "are as they were, and the definition of then is needed to make them again"
      )
    }
    return try await compare(manifest, at: manifest.tables)
  }

  /// Makes the join of a training set from the tables as they are now, and counts cells that differ.
  public func stale(_ manifest: TrainingSetManifest) async throws -> TrainingSetComparison {
    try await compare(manifest, at: [:])
  }

  private func redefined(_ manifest: TrainingSetManifest) -> [String] {
    manifest.views.filter { view in
      let now =
        definitions.view(view.name).map { hash(of: $0) }
        ?? definitions.onDemand(view.name).map { hash(of: $0) }
      return now != view.hash
    }.map(\.name)
  }

  private func compare(
    _ manifest: TrainingSetManifest,
    at versions: [String: Int64]
  ) async throws -> TrainingSetComparison {
    let references = manifest.features.compactMap { FeatureReference($0.feature) }
    let features = try definitions.resolve(references)
    guard let dataset = DatasetName(layer: .training, name: manifest.name) else {
      throw FeatureError.trainingSet(manifest.id, problem: "its manifest is damaged")
    }
    let table = environment.lake.table(dataset)
    let stored = try await table.snapshot(at: TableVersion(manifest.version))
    return try await withSession("compare \(manifest.id)") { session in
      var read: [String: Int64] = [:]
      let bound = try await bind(features, at: versions, session, &read)
      let old = RelationName("mill_stored")
      try await session.define(old, as: try stored.contents)
      let reader = LabelReader(
        store: self,
        labels: Labels(
          .dataset(dataset, stored.version),
          time: manifest.timeColumn,
          timeZone: manifest.timeZone,
          keyColumns: manifest.keyColumns
        ),
        keys: []
      )
      // The labels are what was stored: the file that they came from may be gone.
      let columns = dialect.list(manifest.labelColumns + [LabelRelation.row])
      let (labels, _) = try await reader.relation(
        over: "SELECT \(columns) FROM \(dialect.quote(old.name))",
        keepingNumbers: true,
        session
      )
      let join = FeatureJoin(
        store: self,
        labels: labels,
        respectsKnowledge: manifest.respectsKnowledge
      )
      let new = RelationName("mill_again")
      let computed = try await bindOnDemand(features, over: bound.map(\.view))
      let (outputs, _) = try await join.define(
        new,
        features,
        bound,
        computed,
        fullNames: true,
        session
      )
      let counts = zip(manifest.features, outputs).map { known, output in
        "count(*) FILTER (WHERE "
          + differs(
            "o.\(dialect.quote(known.column))",
            "n.\(dialect.quote(output.column))",
            output.type,
            within: tolerance(of: output.feature)
          )
          + ")"
      }
      let found = try await session.rows(
        """
        SELECT \(counts.joined(separator: ", ")) FROM \(dialect.quote(old.name)) AS o
        FULL JOIN \(dialect.quote(new.name)) AS n ON o.\(LabelRelation.row) = n.\(LabelRelation.row)
        """,
        limit: 1
      )
      return TrainingSetComparison(
        manifest: manifest,
        differing: manifest.features.enumerated().map { index, feature in
          .init(name: feature.column, cells: found.integer(0, index) ?? 0)
        },
        redefined: redefined(manifest),
        tables: read.sorted { $0.key < $1.key }.compactMap { name, version in
          manifest.tables[name].map { .init(name: name, then: $0, now: version) }
        }
      )
    }
  }

  /// Doubles agree to what their sums are exact to (docs/semantics.md, 3); all else is equal or not.
  private func differs(
    _ old: String,
    _ new: String,
    _ type: DataType,
    within tolerance: Double
  ) -> String {
    guard type == .double || type == .float else { return "\(old) IS DISTINCT FROM \(new)" }
    return "\(old) IS DISTINCT FROM \(new) AND coalesce(abs(\(old) - \(new)) "
      + "> \(tolerance) * greatest(abs(\(old)), abs(\(new))), true)"
  }
}
