// SPDX-License-Identifier: Apache-2.0

internal import MillCore

extension TileSQL {
  /// The members of the state of rows, as aggregate expressions in the order of
  /// ``TileShape/columns``.
  public func states(_ shape: TileShape, of rows: TileRows) -> [Member] {
    let value = self.value(of: rows, shape)
    let filter = rows.filter
    switch shape.kind {
    case .count:
      return [Member("n", aggregate("count(\(value))", where: filter))]
    case .sum where shape.isExact:
      let type = DataType.decimal(precision: 38, scale: shape.scale)
      let sum = cast(aggregate("sum(\(value))", where: filter), type)
      return [
        Member("n", aggregate("count(\(value))", where: filter)),
        Member("sum", "coalesce(\(sum), \(cast("0", type)))"),
      ]
    case .sum: return doubleSums(value, filter)
    case .moments: return moments(cast(value, .double), filter)
    case .minimum: return [Member("value", aggregate("min(\(value))", where: filter))]
    case .maximum: return [Member("value", aggregate("max(\(value))", where: filter))]
    case .first, .last:
      let members = [
        ("t", rows.time), ("k", rows.knowledge), ("id", rows.id), ("value", value),
      ]
      return extremeRow(members, shape, where: filter, "\(value) IS NOT NULL")
    case .distinct:
      let prefix = functions.digestPrefix(ofText: canonicalText(value, shape))
      let all = aggregate(
        functions.distinctValues(prefix),
        where: filter,
        "\(value) IS NOT NULL"
      )
      let least = functions.sortedSet(all, limit: TileShape.prefixCountMax)
      return [Member("prefixes", "coalesce(\(least), \(functions.emptyList(of: .long)))")]
    case .buckets:
      let tally = aggregate(
        functions.tally(bucket(of: cast(value, .double))),
        where: filter,
        "\(value) IS NOT NULL"
      )
      return tallied(tally, "buckets", of: .integer, unless: nil)
    case .values: return valueCounts(withoutNegativeZero(value, shape), filter, shape)
    }
  }

  /// The members of a first or last row.
  func extremeRow(
    _ members: [(name: String, value: String)],
    _ shape: TileShape,
    where conditions: String?...
  ) -> [Member] {
    let call = functions.extremeRow(members, isLeast: shape.kind == .first)
    let row = aggregate(call, where: conditions)
    return shape.columns.map { Member($0.suffix, functions.member($0.suffix, of: row)) }
  }

  /// The value with NaN as null; a literal where rows are counted.
  private func value(of rows: TileRows, _ shape: TileShape) -> String {
    guard let value = rows.value, let input = shape.input else { return "1" }
    switch input {
    case .double, .float: return "CASE WHEN NOT \(functions.isNaN(value)) THEN \(value) END"
    default: return "(\(value))"
    }
  }

  private func doubleSums(_ value: String, _ filter: String?) -> [Member] {
    let number = cast(value, .double)
    let isFinite = functions.isFinite(number)
    let magnitude = coalesced(aggregate("sum(abs(\(number)))", where: filter, isFinite))
    let sum = coalesced(aggregate(functions.preciseSum(number), where: filter, isFinite))
    let infinity = functions.number(.infinity)
    return [
      Member("n", aggregate("count(\(value))", where: filter)),
      Member("hi", "CASE WHEN \(functions.isFinite(magnitude)) THEN \(sum) ELSE \(zero) END"),
      Member("lo", zero),
      Member("abs", magnitude),
      Member("plus", aggregate("count(*)", where: filter, "\(number) = \(infinity)")),
      Member("minus", aggregate("count(*)", where: filter, "\(number) = -\(infinity)")),
    ]
  }

  private func moments(_ number: String, _ filter: String?) -> [Member] {
    let limit = functions.number(Moments.magnitudeMax)
    let isWithin = "abs(\(number)) <= \(limit)"
    let count = aggregate("count(*)", where: filter, isWithin)
    let variance = aggregate("var_pop(\(number))", where: filter, isWithin)
    return [
      Member("n", count),
      Member("mean", coalesced(aggregate("avg(\(number))", where: filter, isWithin))),
      Member("m2", coalesced("\(variance) * \(cast(count, .double))")),
      Member("beyond", aggregate("count(*)", where: filter, "abs(\(number)) > \(limit)")),
    ]
  }

  private func valueCounts(_ value: String, _ filter: String?, _ shape: TileShape) -> [Member] {
    let tally = aggregate(functions.tally(value), where: filter, "\(value) IS NOT NULL")
    let count = functions.count(of: functions.values(ofTally: tally))
    let isTooMuch = "coalesce(\(count), 0) > \(TileShape.valueCountMax)"
    return tallied(tally, "values", of: shape.input ?? .void, unless: isTooMuch)
      + [Member("overflowed", isTooMuch)]
  }

  private func tallied(
    _ tally: String,
    _ suffix: String,
    of type: DataType,
    unless condition: String?
  ) -> [Member] {
    let (values, counts) = (functions.values(ofTally: tally), functions.counts(ofTally: tally))
    return [(suffix, values, type), ("counts", counts, DataType.long)].map { suffix, list, type in
      let kept = condition.map { "CASE WHEN NOT (\($0)) THEN \(list) END" } ?? list
      return Member(suffix, "coalesce(\(kept), \(functions.emptyList(of: type)))")
    }
  }

  /// A double, 0 for null.
  func coalesced(_ number: String) -> String { "coalesce(\(number), \(zero))" }

  /// 0 as a double.
  var zero: String { functions.number(0) }
}
