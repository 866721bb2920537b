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
