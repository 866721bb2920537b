// SPDX-License-Identifier: Apache-2.0

public import MillCore

/// A function over the values of a window.
///
/// Nulls and NaN are skipped. Over nothing, `count` and `distinct` are 0 and all else is null
/// (docs/semantics.md, 4).
///
/// ```swift
/// Aggregation(name: "p95")  // .quantile(0.95)
/// ```
public enum Aggregation: Hashable, Sendable {
  /// How many values there are, or rows where no column is named.
  case count
  /// Exact for integers and decimals; of doubles to 1e-9 of the sum of magnitudes.
  case sum
  /// The sum by the count, as a double.
  case mean
  /// The smallest value.
  case min
  /// The largest value.
  case max
  /// Sample variance: by n − 1, null for one value.
  case variance
  /// Variance of the population: by n.
  case variancePopulation
  /// The root of the sample variance.
  case stddev
  /// The root of the variance of the population.
  case stddevPopulation
  /// The value of the row that comes first by (t, k, id).
  case first
  /// The value of the row that comes last by (t, k, id).
  case last
  /// How many different values there are: exact below 1,024, else with a standard error of 3.1 %.
  case distinct
  /// The value at a fraction from 0 to 1 of the values in order, within 1 % of that value.
  ///
  /// It is the smallest value with at least the fraction p of all values at or below it, told by the
  /// middle of its bucket, which ``BucketEdges`` describes.
  case quantile(Double)
  /// The most frequent values, the most frequent first, equal ones in the order of values.
  ///
  /// Null where there are more than ``TileShape/valueCountMax`` different values.
  case topK(Int)

  /// What the function gives for a type of values, or nil where it is not defined.
  ///
  /// - Parameter input: the type of the values, nil for rows.
  public func outputType(of input: DataType?) -> DataType? {
    guard TileShape(kind, of: input) != nil else { return nil }
    switch (self, input) {
    case (.count, _), (.distinct, _): return .long
    case (.mean, _), (.quantile, _), (.variance, _), (.variancePopulation, _), (.stddev, _),
      (.stddevPopulation, _):
      return .double
    case (.sum, .decimal(_, let scale)): return .decimal(precision: 38, scale: scale)
    case (.sum, .double), (.sum, .float): return .double
    case (.sum, _): return .long
    case (.topK, let input?): return .array(element: input, containsNull: false)
    case (_, let input): return input
    }
  }

  /// The state that the function is computed from.
  public var kind: TileState.Kind {
    switch self {
    case .count: .count
    case .sum, .mean: .sum
    case .min: .minimum
    case .max: .maximum
    case .variance, .variancePopulation, .stddev, .stddevPopulation: .moments
    case .first: .first
    case .last: .last
    case .distinct: .distinct
    case .quantile: .buckets
    case .topK: .values
    }
  }

  /// The fewest states from which all of some functions over one column and filter are computed.
  ///
  /// A count is read from the states of sums or moments where there are any. A mean is always that
  /// of a sum: an answer never depends on what else is asked for.
  ///
  /// - Returns: nil if one of the functions is not defined for the type.
  public static func shapes(for aggregations: [Self], of input: DataType?) -> [TileShape]? {
    let kinds = Set(aggregations.map(\.kind))
    let shapes = TileState.Kind.allCases.filter { kinds.contains($0) }
      .compactMap { TileShape($0, of: input) }
    guard shapes.count == kinds.count else { return nil }
    let countIsSpare = shapes.contains { $0.kind != .count && $0.kind.answers(.count) }
    return countIsSpare ? shapes.filter { $0.kind != .count } : shapes
  }
}
