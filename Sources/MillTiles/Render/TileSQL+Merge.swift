// SPDX-License-Identifier: Apache-2.0

internal import MillCore

extension TileSQL {
  /// The members of the state merged from those of all rows of a group, as aggregate expressions in
  /// the order of ``TileShape/columns``.
  ///
  /// - Parameter columns: the SQL of a member's column by its suffix.
  public func merge(_ shape: TileShape, columns: (String) -> String) -> [Member] {
    switch shape.kind {
    case .count: return [total("n", columns)]
    case .sum where shape.isExact:
      let type = DataType.decimal(precision: 38, scale: shape.scale)
      let (count, sum) = (columns("n"), columns("sum"))
      let missing = aggregate("count(*)", where: "\(count) > 0", "\(sum) IS NULL")
      let merged = "coalesce(\(cast("sum(\(sum))", type)), \(cast("0", type)))"
      return [total("n", columns), Member("sum", "CASE WHEN \(missing) = 0 THEN \(merged) END")]
    case .sum: return mergedDoubles(columns)
    case .moments: return mergedMoments(columns)
    case .minimum: return [Member("value", "min(\(columns("value")))")]
    case .maximum: return [Member("value", "max(\(columns("value")))")]
    case .first, .last:
      let members = ["t", "k", "id", "value"].map { ($0, columns($0)) }
      return extremeRow(members, shape, where: "\(columns("value")) IS NOT NULL")
    case .distinct:
      let least = functions.sortedSet(
        functions.concatenated(columns("prefixes")),
        limit: TileShape.prefixCountMax
      )
      return [Member("prefixes", "coalesce(\(least), \(functions.emptyList(of: .long)))")]
    case .buckets: return mergedTallies("buckets", of: .integer, unless: nil, columns)
    case .values:
      let all = functions.sortedSet(functions.concatenated(columns("values")), limit: nil)
      let isTooMuch =
        "(coalesce(max(CASE WHEN \(columns("overflowed")) THEN 1 ELSE 0 END), 0) > 0 "
        + "OR coalesce(\(functions.count(of: all)), 0) > \(TileShape.valueCountMax))"
      return mergedTallies("values", of: shape.input ?? .void, unless: isTooMuch, columns)
        + [Member("overflowed", isTooMuch)]
    }
  }

  private func total(_ suffix: String, _ columns: (String) -> String) -> Member {
    Member(suffix, cast("coalesce(sum(\(columns(suffix))), 0)", .long))
  }

  private func mergedDoubles(_ columns: (String) -> String) -> [Member] {
    let magnitude = coalesced("sum(\(columns("abs")))")
    let isFinite = functions.isFinite(magnitude)
    let parts = ["hi", "lo"].map { suffix in
      // Parts of a tile beyond the range are 0.
      let sum = coalesced(functions.preciseSum(columns(suffix)))
      return Member(suffix, "CASE WHEN \(isFinite) THEN \(sum) ELSE \(zero) END")
    }
    return [total("n", columns)] + parts
      + [Member("abs", magnitude), total("plus", columns), total("minus", columns)]
  }

  /// Chan's rule for many parts at once: the squares within the parts and those between their means.
  private func mergedMoments(_ columns: (String) -> String) -> [Member] {
    let count = cast(columns("n"), .double)
    let total = total("n", columns)
    let mean = coalesced(
      "sum(\(count) * \(columns("mean"))) / nullif(\(cast(total.sql, .double)), \(zero))"
    )
    let between = functions.squaresBetween(
      counts: columns("n"),
      means: columns("mean"),
      centre: mean
    )
    return [
      total, Member("mean", mean),
      Member("m2", "\(coalesced("sum(\(columns("m2")))")) + \(coalesced(between))"),
      self.total("beyond", columns),
    ]
  }

  private func mergedTallies(
    _ suffix: String,
    of type: DataType,
    unless condition: String?,
    _ columns: (String) -> String
  ) -> [Member] {
    let values = functions.sortedSet(functions.concatenated(columns(suffix)), limit: nil)
    let counts = functions.summedCounts(values: columns(suffix), counts: columns("counts"))
    return [(suffix, values, type), ("counts", counts, DataType.long)].map { suffix, list, type in
      let kept = condition.map { "CASE WHEN NOT \($0) THEN \(list) END" } ?? list
      return Member(suffix, "coalesce(\(kept), \(functions.emptyList(of: type)))")
    }
  }
}
