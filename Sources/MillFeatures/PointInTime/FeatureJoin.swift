// SPDX-License-Identifier: Apache-2.0

internal import MillCore
internal import MillEngine
internal import MillLake
internal import MillSQL
internal import MillTiles

/// Labels with all features that were asked for.
struct FeatureJoin {
  /// A feature and the column that it becomes.
  struct Output: Hashable, Sendable {
    var feature: ResolvedFeature
    var column: String
    var type: DataType
  }

  let store: FeatureStore
  let labels: LabelRelation
  let respectsKnowledge: Bool

  private var dialect: any Dialect { store.dialect }

  /// Defines the joined rows as a stored relation.
  ///
  /// - Returns: The columns of the features, and the query that makes the rows.
  func define(
    _ relation: RelationName,
    _ features: [ResolvedFeature],
    _ bound: [(view: BoundView, sources: [DatasetName: Snapshot])],
    fullNames: Bool,
    _ session: any EngineSession
  ) async throws -> (outputs: [Output], query: String) {
    let outputs = try outputs(features, bound.map(\.view), fullNames)
    var joins: [String] = []
    for (index, (view, sources)) in bound.enumerated() {
      let wanted = features.filter { $0.view == view.view.name }.map(\.name)
      let queries = try await queries(view, sources, wanted, "mill_view_\(index)", session)
      joins += queries
    }
    let tables = joins.enumerated().map { index, query in
      "LEFT JOIN (\n\(query)\n) AS j\(index) "
        + "ON j\(index).\(LabelRelation.row) = l.\(LabelRelation.row)"
    }
    let columns =
      labels.schema.names.map { "l.\(dialect.quote($0))" }
      + outputs.map { output in
        "\(value(of: output, bound.map(\.view))) AS \(dialect.quote(output.column))"
      }
    let query = """
      SELECT l.\(LabelRelation.row), \(columns.joined(separator: ", "))
      FROM \(dialect.quote(labels.name.name)) AS l
      \(tables.joined(separator: "\n"))
      """
    try await session.define(relation, as: query, keeping: .stored)
    return (outputs, query)
  }

  /// The value of a feature, also where no row was found for the label.
  private func value(of output: Output, _ views: [BoundView]) -> String {
    guard labels.range != nil else { return "CAST(NULL AS \(dialect.typeName(output.type)))" }
    let feature = views.first { $0.view.name == output.feature.view }?.view.windowed
      .flatMap(\.features).first { $0.name == output.feature.name }
    switch feature?.aggregation {
    // Over nothing these are 0, for a key that is known as for one that is not.
    case .count, .distinct: return "coalesce(\(inner(output.feature)), 0)"
    default: return inner(output.feature)
    }
  }

  /// The column of a feature inside of the joins, where two views may use one name.
  private func inner(_ feature: ResolvedFeature) -> String {
    dialect.quote("\(feature.view)__\(feature.name)")
  }

  private func outputs(
    _ features: [ResolvedFeature],
    _ views: [BoundView],
    _ fullNames: Bool
  ) throws(FeatureError) -> [Output] {
    var outputs: [Output] = []
    for feature in features {
      let column = fullNames ? "\(feature.view)__\(feature.name)" : feature.name
      if let other = outputs.first(where: { $0.column == column }) {
        throw .labels(
          "the training set",
          problem: "\(other.feature) and \(feature) would both be the column \(column): ask for "
            + "full names"
        )
      }
      guard labels.schema[name: column] == nil else {
        throw .labels(
          "the training set",
          problem: "the labels have a column \(column), as the feature \(feature) would be called: "
            + "rename it or ask for full names"
        )
      }
      let type = views.first { $0.view.name == feature.view }?.features
        .first { $0.name == feature.name }?.type
      outputs.append(Output(feature: feature, column: column, type: type ?? .void))
    }
    return outputs
  }

  /// The queries that give a view's features by `_row`.
  private func queries(
    _ view: BoundView,
    _ sources: [DatasetName: Snapshot],
    _ wanted: [String],
    _ prefix: String,
    _ session: any EngineSession
  ) async throws -> [String] {
    let relation = try await store.relation(of: view, sources, named: prefix, session)
    var queries: [String] = []
    let latest = view.view.latest.filter { wanted.contains($0.name) }
    if !latest.isEmpty {
      let join = LatestJoin(
        view: relation,
        labels: labels,
        prefix: prefix,
        respectsKnowledge: respectsKnowledge
      )
      let records = try await join.prepare(session)
      queries.append(
        try join.query(
          latest.map { feature in
            FeatureViewDefinition.Latest(
              name: "\(view.view.name)__\(feature.name)",
              column: feature.column
            )
          },
          records: records
        )
      )
    }
    let windows = WindowJoin(
      view: relation,
      labels: labels,
      prefix: prefix,
      respectsKnowledge: respectsKnowledge,
      wanted: wanted,
      dialect: store.environment.engine.dialect
    )
    if !windows.groups.isEmpty { queries += try await windows.queries(session) }
    return queries
  }
}
