// SPDX-License-Identifier: Apache-2.0

extension TileState {
  /// What a state keeps of its rows.
  ///
  /// Several functions share a kind: a table of tiles has each kind once per column and filter.
  public enum Kind: String, CaseIterable, Hashable, Sendable {
    /// How many there are.
    case count
    /// How many there are and their sum: exact, or a double in two parts.
    case sum
    /// How many there are, their mean, and the sum of squares about it.
    case moments
    /// The smallest.
    case minimum
    /// The largest.
    case maximum
    /// That of the first row.
    case first
    /// That of the last row.
    case last
    /// The smallest prefixes of their digests.
    case distinct
    /// How many lie between two edges of one table.
    case buckets
    /// How often each occurs, as long as they are not too many.
    case values

    /// Whether a function can be computed from a state of this kind.
    ///
    /// Each function is computed from one kind alone, but a count from several: it is the same in
    /// all of them.
    public func answers(_ aggregation: Aggregation) -> Bool {
      if aggregation.kind == self { return true }
      return aggregation == .count && (self == .sum || self == .moments)
    }

    /// The byte that stands for the kind in ``TileState/encode(into:)``; never given another meaning.
    var code: UInt8 {
      switch self {
      case .count: 1
      case .sum: 2
      case .moments: 3
      case .minimum: 4
      case .maximum: 5
      case .first: 6
      case .last: 7
      case .distinct: 8
      case .buckets: 9
      case .values: 10
      }
    }
  }
}
