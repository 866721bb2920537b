// SPDX-License-Identifier: Apache-2.0

internal import MillCore

extension TileSQL {
  /// The value of a function over a state, as a scalar expression over the state's columns.
  ///
  /// A state of another kind than the function's, which does not answer it, gives null.
  ///
  /// - Parameter columns: the SQL of a member's column by its suffix.
  public func finish(
    _ aggregation: Aggregation,
    _ shape: TileShape,
    columns: (String) -> String
  ) -> String {
    guard shape.kind.answers(aggregation) else { return "NULL" }
    switch (aggregation, shape.kind) {
    case (.count, .moments): return "\(columns("n")) + \(columns("beyond"))"
    case (.count, _): return columns("n")
    case (.sum, _), (.mean, _):
      return shape.isExact
        ? exactSum(aggregation, shape, columns) : doubleSum(aggregation, columns)
    case (.variance, _): return variance(freedom: 1, columns)
    case (.variancePopulation, _): return variance(freedom: 0, columns)
    case (.stddev, _): return "sqrt(\(variance(freedom: 1, columns)))"
    case (.stddevPopulation, _): return "sqrt(\(variance(freedom: 0, columns)))"
    case (.min, _), (.max, _), (.first, _), (.last, _): return columns("value")
    case (.distinct, _): return distinct(columns("prefixes"))
    case (.quantile(let fraction), _):
      let (buckets, counts) = (columns("buckets"), columns("counts"))
      let bucket = functions.quantile(values: buckets, counts: counts, fraction: fraction)
      let isEmpty = "\(functions.count(of: counts)) = 0"
      return middle(ofBucket: "CASE WHEN NOT \(isEmpty) THEN \(bucket) END")
    case (.topK(let count), _):
      let (values, counts) = (columns("values"), columns("counts"))
      let top = functions.mostFrequent(values: values, counts: counts, limit: max(1, count))
      return "CASE WHEN \(functions.count(of: values)) > 0 THEN \(top) END"
    }
  }

  private func exactSum(
    _ aggregation: Aggregation,
    _ shape: TileShape,
    _ columns: (String) -> String
  ) -> String {
    let (count, sum) = (columns("n"), columns("sum"))
    let value: String
    if aggregation == .mean {
      value = "\(cast(sum, .double)) / \(cast(count, .double))"
    } else if case .decimal = shape.input {
      value = sum
    } else {
      value = functions.tryCast(sum, as: type(.long))
    }
    return "CASE WHEN \(count) > 0 THEN \(value) END"
  }

  private func doubleSum(_ aggregation: Aggregation, _ columns: (String) -> String) -> String {
    let infinity = functions.number(.infinity)
    let sum =
      "CASE WHEN \(columns("n")) = 0 OR NOT \(functions.isFinite(columns("abs"))) THEN NULL "
      + "WHEN \(columns("plus")) > 0 AND \(columns("minus")) > 0 THEN NULL "
      + "WHEN \(columns("plus")) > 0 THEN \(infinity) "
      + "WHEN \(columns("minus")) > 0 THEN -\(infinity) "
      + "ELSE \(columns("hi")) + \(columns("lo")) END"
    return aggregation == .mean ? "\(sum) / nullif(\(cast(columns("n"), .double)), \(zero))" : sum
  }

  private func variance(freedom: Int, _ columns: (String) -> String) -> String {
    let count = columns("n")
    let variance = "\(columns("m2")) / \(cast("nullif(\(count) - \(freedom), 0)", .double))"
    return "CASE WHEN \(columns("beyond")) = 0 AND \(count) > \(freedom) THEN \(variance) END"
  }

  /// As ``DistinctPrefixes/count`` has it.
  private func distinct(_ prefixes: String) -> String {
    let most = TileShape.prefixCountMax
    let last = cast(functions.element(prefixes, at: "\(most)"), .double)
    let height = "(\(last) + \(functions.number(0x1p63)) + \(functions.number(1)))"
    let estimate = "\(functions.number(Double(most - 1) * 0x1p64)) / \(height)"
    let rounded = cast("floor(\(estimate) + \(functions.number(0.5)))", .long)
    let count = functions.count(of: prefixes)
    return "CASE WHEN \(count) < \(most) THEN \(cast(count, .long)) ELSE \(rounded) END"
  }
}
