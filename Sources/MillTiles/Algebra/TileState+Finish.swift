// SPDX-License-Identifier: Apache-2.0

public import MillCore

extension TileState {
  /// The value of a function over all rows of the state.
  ///
  /// Null stands for what there is not: any function but a count over no rows, a sample variance of
  /// one value, a sum beyond its type, the most frequent of too many values.
  ///
  /// - Throws: `notAnswered` for a function that is computed from another kind.
  public func finish(_ aggregation: Aggregation) throws(TileError) -> Datum {
    guard shape.kind.answers(aggregation) else { throw .notAnswered(aggregation, shape) }
    switch body {
    case .count(let count): return .integer(count)
    case .exactSum(let sum): return finish(aggregation, sum)
    case .doubleSum(let sum):
      if aggregation == .count { return .integer(sum.count) }
      guard let total = sum.sum else { return .null }
      return .double(aggregation == .mean ? total / Double(sum.count) : total)
    case .moments(let moments): return finish(aggregation, moments)
    case .extreme(let value): return value
    case .event(let event): return event?.value ?? .null
    case .distinct(let prefixes): return .integer(prefixes.count)
    case .buckets(let counts):
      guard case .quantile(let fraction) = aggregation else { return .null }
      return counts.quantile(fraction).map { .double($0) } ?? .null
    case .values(let counts):
      guard case .topK(let count) = aggregation else { return .null }
      return counts.top(count).map { .list($0) } ?? .null
    }
  }

  private func finish(_ aggregation: Aggregation, _ exact: ExactSum) -> Datum {
    if aggregation == .count { return .integer(exact.count) }
    guard exact.count > 0, let sum = exact.sum else { return .null }
    let isDecimal = if case .decimal = shape.input { true } else { false }
    let total = Datum.decimal(unscaled: sum, scale: shape.scale)
    if aggregation == .mean {
      return total.nearestDouble.map { .double($0 / Double(exact.count)) } ?? .null
    }
    return isDecimal ? total : Int64(exactly: sum).map { .integer($0) } ?? .null
  }

  private func finish(_ aggregation: Aggregation, _ moments: Moments) -> Datum {
    let variance: Double?
    switch aggregation {
    case .count: return .integer(moments.count.addingSaturated(moments.beyond))
    case .variance, .stddev: variance = moments.variance(freedom: 1)
    default: variance = moments.variance(freedom: 0)
    }
    guard let variance else { return .null }
    switch aggregation {
    case .stddev, .stddevPopulation: return .double(variance.squareRoot())
    default: return .double(variance)
    }
  }
}
