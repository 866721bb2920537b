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
    _ computed: [BoundOnDemand],
    fullNames: Bool,
    _ session: any EngineSession
  ) async throws -> (outputs: [Output], query: String) {
    let outputs = try outputs(features, bound.map(\.view), computed, fullNames)
    let names = Self.names(features + store.withUses(features))
    let stored = store.withUses(features)
    var joins: [String] = []
    for (index, (view, sources)) in bound.enumerated() {
      let wanted = stored.filter { $0.view == view.view.name }.map(\.name)
      joins += try await queries(view, sources, wanted, names, "mill_view_\(index)", session)
    }
    let row = LabelRelation.row
    let tables = joins.enumerated().map { index, query in
      "LEFT JOIN (\n\(query)\n) AS j\(index) ON j\(index).\(row) = l.\(row)"
    }
    let cells = stored.map { feature in
      "\(value(of: feature, bound.map(\.view), names)) AS \(names[feature] ?? "")"
    }
    let labelColumns = labels.schema.names.map { "l.\(dialect.quote($0))" }
    let base = """
      SELECT l.\(row), \((labelColumns + cells).joined(separator: ", "))
      FROM \(dialect.quote(labels.name.name)) AS l
      \(tables.joined(separator: "\n"))
      """
    let onDemand = try computed.enumerated().map { index, definition in
      "LEFT JOIN (\n\(try computation(of: definition, features, names))\n) AS d\(index) "
        + "ON d\(index).\(row) = l.\(row)"
    }
    let columns =
      labelColumns
      + outputs.map { output in
        "\(names[output.feature] ?? "") AS \(dialect.quote(output.column))"
      }
    let query = """
      WITH mill_base AS MATERIALIZED (
      \(base))
      SELECT l.\(row), \(columns.joined(separator: ", "))
      FROM mill_base AS l
      \(onDemand.joined(separator: "\n"))
      """
    try await session.define(relation, as: query, keeping: .stored)
    return (outputs, query)
  }

  /// The query that computes on-demand features of the joined rows, by `_row`.
  private func computation(
    of bound: BoundOnDemand,
    _ features: [ResolvedFeature],
    _ names: [ResolvedFeature: String]
  ) throws(FeatureError) -> String {
    let name = bound.definition.name
    var cells: [String] = []
    for input in bound.definition.inputs {
      guard let field = labels.schema[name: input.name] else {
        let near = nearestName(to: input.name, among: labels.schema.names)
        throw .labels(
          "the training set",
          problem: "\(name) wants a column \(input.name) of the request"
            + (near.map { ": did you mean \($0)?" } ?? "")
        )
      }
      guard field.type == input.type || (field.type.isNumeric && input.type.isNumeric) else {
        throw .labels(
          "the training set",
          problem: "the column \(input.name) is a \(field.type), and \(name) wants \(input.type)"
        )
      }
      let column = dialect.quote(input.name)
      cells.append("TRY_CAST(\(column) AS \(dialect.typeName(input.type))) AS \(column)")
    }
    for use in bound.definition.uses {
      cells.append("\(names[use.feature] ?? "") AS \(dialect.quote(use.name))")
    }
    let values = zip(bound.definition.features, bound.expressions).filter { feature, _ in
      features.contains(ResolvedFeature(view: name, name: feature.name))
    }.map { feature, expression in
      "\(expression.rendered(DuckDBDialect(), from: "mill_inputs")) AS "
        + (names[ResolvedFeature(view: name, name: feature.name)] ?? "")
    }
    return """
      SELECT \(LabelRelation.row), \(values.joined(separator: ", "))
      FROM (SELECT \(([LabelRelation.row] + cells).joined(separator: ", ")) FROM mill_base)
        AS mill_inputs
      """
  }

  /// The value of a feature, also where no row was found for the label.
  private func value(
    of feature: ResolvedFeature,
    _ views: [BoundView],
    _ names: [ResolvedFeature: String]
  ) -> String {
    let name = names[feature] ?? ""
    let view = views.first { $0.view.name == feature.view }
    let type = view?.features.first { $0.name == feature.name }?.type ?? .void
    guard labels.range != nil else { return "CAST(NULL AS \(dialect.typeName(type)))" }
    let windowed = view?.view.windowed.flatMap(\.features).first { $0.name == feature.name }
    switch windowed?.aggregation {
    // Over nothing these are 0, for a key that is known as for one that is not.
    case .count, .distinct: return "coalesce(\(name), 0)"
    default: return name
    }
  }

  /// The columns of features inside of the joins: names of our own, that no label and no view has.
  private static func names(_ features: [ResolvedFeature]) -> [ResolvedFeature: String] {
    Dictionary(
      features.enumerated().map { ($0.element, "mill_f\($0.offset)") },
      uniquingKeysWith: { first, _ in first }
    )
  }

  private func outputs(
    _ features: [ResolvedFeature],
    _ views: [BoundView],
    _ computed: [BoundOnDemand],
    _ fullNames: Bool
  ) throws(FeatureError) -> [Output] {
    var outputs: [Output] = []
    for feature in features {
      let column = fullNames ? "\(feature.view)__\(feature.name)" : feature.name
      // To SQL names that differ in case alone are one.
      let folded = column.lowercased()
      if let other = outputs.first(where: { $0.column.lowercased() == folded }) {
        throw .labels(
          "the training set",
          problem: "\(other.feature) and \(feature) would both be the column \(column): ask for "
            + "full names"
        )
      }
      guard !labels.schema.names.contains(where: { $0.lowercased() == folded }) else {
        throw .labels(
          "the training set",
          problem: "the labels have a column \(column), as the feature \(feature) would be called: "
            + "rename it or ask for full names"
        )
      }
      let fields =
        views.first { $0.view.name == feature.view }?.features
        ?? computed.first { $0.definition.name == feature.view }?.features
      let type = fields?.first { $0.name == feature.name }?.type
      outputs.append(Output(feature: feature, column: column, type: type ?? .void))
    }
    return outputs
  }

  /// The queries that give a view's features by `_row`.
  private func queries(
    _ view: BoundView,
    _ sources: [DatasetName: Snapshot],
    _ wanted: [String],
    _ names: [ResolvedFeature: String],
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
              name: names[ResolvedFeature(view: view.view.name, name: feature.name)] ?? "",
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
      names: names,
      dialect: store.environment.engine.dialect
    )
    if !windows.groups.isEmpty { queries += try await windows.queries(session) }
    return queries
  }
}
