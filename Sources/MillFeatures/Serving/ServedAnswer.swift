// SPDX-License-Identifier: Apache-2.0

public import MillCore

/// Features of some entities, as a server answers.
public struct ServedAnswer: Sendable {
  /// What was asked for.
  public let plan: ServingPlan
  /// How many entities there are.
  public let count: Int
  /// As of when the answer is.
  public let time: Instant
  /// Since when the store does not answer, so that values are the last that were known; nil while it
  /// does.
  public internal(set) var unreachableSince: Instant?
  /// parts x entities.
  var rows: [[ServedRow]]
  /// For each group of computed features entities x expressions.
  var computed: [[[FeatureValue]]] = []

  /// The versions of the tables that the values are made of, by dataset; rows that were pushed are of
  /// none.
  package var versions: [String: Int64] {
    plan.parts.reduce(into: [:]) { versions, part in
      versions.merge(part.table.state?.tables ?? [:]) { min($0, $1) }
    }
  }

  /// A value of an entity, with its status.
  package func value(_ feature: Int, _ entity: Int) -> (Datum, FeatureValue.Status) {
    switch column(feature) {
    case .computed(let values): return (values[entity].value, values[entity].status)
    case .stored(let rows, let cell):
      let row = rows[entity]
      let json = row.withText(cell) { try? JSONValue(parsing: Array($0)) }
      let value = json.flatMap { Datum($0, as: plan.types[feature]) } ?? .null
      return (value, row.status(cell))
    }
  }

  /// Hands out the rows of all parts without a hold on each, and what it takes to write them.
  package func withViews<R>(
    _ body: (_ parts: [[ServedRow.View]], _ textCount: Int) throws -> R
  ) rethrows -> R {
    var count = 0
    let views = rows.map { part in
      part.map { row in
        count += row.textCount
        return row.view
      }
    }
    defer { withExtendedLifetime(rows) {} }
    return try body(views, count)
  }

  /// Where the values of a feature are, for whoever has the views.
  package func place(_ feature: Int) -> (part: Int, cell: Int)? {
    if case .stored(let part, let cell) = plan.origins[feature] { (part, cell) } else { nil }
  }

  /// Where the values of a feature are.
  package enum Column {
    /// The value of a number in the row of each entity.
    case stored([ServedRow], cell: Int)
    /// One for each entity.
    case computed([FeatureValue])
  }

  /// The values of a feature, entity by entity.
  package func column(_ feature: Int) -> Column {
    switch plan.origins[feature] {
    case .stored(let part, let cell): .stored(rows[part], cell: cell)
    case .computed(let group, let expression): .computed(computed[group].map { $0[expression] })
    }
  }
}
