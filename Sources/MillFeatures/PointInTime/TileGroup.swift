// SPDX-License-Identifier: Apache-2.0

internal import MillCore
internal import MillSQL
internal import MillTiles

/// A column and filter whose states are kept, and the functions over them.
///
/// The offline join and the tiles of the online store are made of the same groups by the same SQL.
struct TileGroup {
  var windowed: FeatureViewDefinition.Windowed
  var input: DataType?
  var shapes: [TileShape]
  /// The number of the group in its view, in the names of columns.
  var index: Int
  /// Which rows count, in SQL over a row of the source; nil for all.
  var condition: String?

  /// The groups of a view that have one of the features.
  ///
  /// - Parameter wanted: The features' names; nil for all.
  static func of(_ bound: BoundView, wanted: [String]?) -> [TileGroup] {
    bound.view.windowed.enumerated().compactMap { index, windowed in
      let features = windowed.features.filter { wanted?.contains($0.name) ?? true }
      let input = windowed.column.flatMap { bound.source[name: $0]?.type }
      guard !features.isEmpty,
        let shapes = Aggregation.shapes(for: features.map(\.aggregation), of: input)
      else { return nil }
      return TileGroup(
        windowed: windowed,
        input: input,
        shapes: shapes,
        index: index,
        condition: bound.conditions.indices.contains(index) ? bound.conditions[index]?.sql : nil
      )
    }
  }

  private var value: String? { windowed.column == nil ? nil : "v\(index)" }
  private var filter: String? { condition == nil ? nil : "p\(index)" }

  /// The name of a state's member.
  func column(_ shape: TileShape, _ suffix: String) -> String {
    "g\(index)_\(shape.kind.rawValue)_\(suffix)"
  }

  /// The names of all members, in order.
  var columns: [String] {
    shapes.flatMap { shape in shape.columns.map { column(shape, $0.suffix) } }
  }

  /// The shape that answers a function.
  func shape(for aggregation: Aggregation) -> TileShape? {
    shapes.first { $0.kind == aggregation.kind } ?? shapes.first { $0.kind.answers(aggregation) }
  }

  /// What the group wants of each row of the source: `vN`, and `pN` for its filter.
  func cells(_ dialect: any Dialect) -> [String] {
    [
      windowed.column.map { "\(dialect.quote($0)) AS v\(index)" },
      condition.map { "coalesce(\($0), false) AS p\(index)" },
    ].compactMap(\.self)
  }

  /// The states of such rows, as aggregate expressions with the names of their columns.
  func states(_ sql: TileSQL) -> [String] {
    shapes.flatMap { shape in
      let rows = TileRows(
        value: value,
        filter: filter,
        time: "make_timestamptz(t)",
        knowledge: "make_timestamptz(k)",
        id: "id"
      )
      return sql.states(shape, of: rows).map { "\($0.sql) AS \(column(shape, $0.suffix))" }
    }
  }

  /// Whether a state looks at what tells rows apart.
  var needsIdentity: Bool { shapes.contains { $0.kind == .first || $0.kind == .last } }
}
