// SPDX-License-Identifier: Apache-2.0

public import MillCore
internal import MillSQL

/// The functions of tiles in DuckDB 2.
public struct DuckDBTileFunctions: TileFunctions {
  /// The one way there is; it holds nothing.
  public init() {}

  /// By a cast: a bare literal would be a decimal first.
  public func number(_ number: Double) -> String {
    "CAST('\(number)' AS DOUBLE)"
  }

  /// By one cast of the list.
  public func numbers(_ numbers: [Double]) -> String {
    "CAST([\(numbers.map { "'\($0)'" }.joined(separator: ", "))] AS DOUBLE[])"
  }

  /// By a cast of `[]`.
  public func emptyList(of type: DataType) -> String {
    "CAST([] AS \(DuckDBDialect().typeName(type))[])"
  }

  /// By epoch_us.
  public func microseconds(of instant: String) -> String { "epoch_us(\(instant))" }

  /// By make_timestamptz.
  public func instant(microseconds: String) -> String { "make_timestamptz(\(microseconds))" }

  /// By isnan.
  public func isNaN(_ number: String) -> String { "isnan(\(number))" }

  /// By isfinite.
  public func isFinite(_ number: String) -> String { "isfinite(\(number))" }

  /// By `//`, which cuts.
  public func quotient(_ dividend: String, _ divisor: Int) -> String {
    "(\(dividend)) // \(divisor)"
  }

  /// By log2.
  public func roughLogarithm(_ number: String) -> String { "log2(\(number))" }

  /// By pow, exact for powers of two.
  public func powerOfTwo(_ exponent: String) -> String {
    "pow(CAST(2 AS DOUBLE), \(exponent))"
  }

  /// By TRY_CAST.
  public func tryCast(_ value: String, as type: String) -> String {
    "TRY_CAST(\(value) AS \(type))"
  }

  /// By a lambda over a list of one.
  public func bound(_ value: String, in body: (String) -> String) -> String {
    "list_transform([\(value)], lambda bound: \(body("bound")))[1]"
  }

  /// By the hexadecimal text of md5: the engine's own number of it has its bytes turned round and is
  /// three times slower.
  public func digestPrefix(ofText text: String) -> String {
    "CAST(CAST(CAST('0x' || md5(\(text))[1:16] AS UBIGINT) AS HUGEINT) "
      + "- 9223372036854775808 AS BIGINT)"
  }

  /// By a cast to BIT.
  public func bits(of number: String) -> String {
    "hex(CAST(CAST(\(number) AS BIT) AS BLOB))"
  }

  /// By hex.
  public func hexadecimal(_ bytes: String) -> String { "hex(\(bytes))" }

  /// By fsum, after Kahan.
  public func preciseSum(_ number: String) -> String { "fsum(\(number))" }

  /// By min and max, which compare structures member by member.
  public func extremeRow(_ members: [(name: String, value: String)], isLeast: Bool) -> String {
    let list = members.map { "\($0.name) := \($0.value)" }.joined(separator: ", ")
    return "\(isLeast ? "min" : "max")(struct_pack(\(list)))"
  }

  /// By a point.
  public func member(_ name: String, of row: String) -> String { "(\(row)).\(name)" }

  /// By list with DISTINCT.
  public func distinctValues(_ value: String) -> String { "list(DISTINCT \(value))" }

  /// By list and flatten, which skips lists that are null.
  public func concatenated(_ list: String) -> String { "flatten(list(\(list)))" }

  /// By histogram, which without edges counts exactly.
  public func tally(_ value: String) -> String { "histogram(\(value))" }

  /// By map_keys.
  public func values(ofTally tally: String) -> String { "map_keys(\(tally))" }

  /// By map_values.
  public func counts(ofTally tally: String) -> String { "CAST(map_values(\(tally)) AS BIGINT[])" }

  /// By a subquery over the lists of the group.
  public func summedCounts(values: String, counts: String) -> String {
    """
    (SELECT list(tile_count ORDER BY tile_value) FROM (\
    SELECT tile_value, CAST(sum(tile_count) AS BIGINT) AS tile_count FROM (\
    SELECT pair[1] AS tile_value, pair[2] AS tile_count FROM (\
    SELECT unnest(list_zip(\(concatenated(values)), \(concatenated(counts)))) AS pair)) \
    GROUP BY tile_value))
    """
  }

  /// By len.
  public func count(of list: String) -> String { "len(\(list))" }

  /// By list_extract.
  public func element(_ list: String, at position: String) -> String {
    "list_extract(\(list), \(position))"
  }

  /// By list_sort of list_distinct.
  public func sortedSet(_ list: String, limit: Int?) -> String {
    let sorted = "list_sort(list_distinct(\(list)))"
    return limit.map { "list_slice(\(sorted), 1, \($0))" } ?? sorted
  }

  /// By list_transform of pairs that carry the centre.
  public func squaresBetween(counts: String, means: String, centre: String) -> String {
    "list_sum(list_transform(list(struct_pack(n := CAST(\(counts) AS DOUBLE), mean := \(means))), "
      + "lambda tile: tile.n * (tile.mean - \(centre)) * (tile.mean - \(centre))))"
  }

  /// By a fold that stops at the rank; the rank goes along, since a lambda may hold no aggregate.
  public func quantile(values: String, counts: String, fraction: Double) -> String {
    let rank = "ceil(\(number(fraction)) * CAST(list_sum(\(counts)) AS DOUBLE))"
    return """
      list_reduce(list_concat([struct_pack(v := CAST(0 AS INTEGER), c := CAST(0 AS BIGINT), \
      r := \(rank))], list_transform(list_zip(\(values), \(counts)), \
      lambda pair: struct_pack(v := pair[1], c := pair[2], r := CAST(0 AS DOUBLE)))), \
      lambda sum, next: CASE WHEN sum.c > 0 AND CAST(sum.c AS DOUBLE) >= sum.r THEN sum \
      ELSE struct_pack(v := next.v, c := sum.c + next.c, r := sum.r) END).v
      """
  }

  /// By list_sort of (−count, value).
  public func mostFrequent(values: String, counts: String, limit: Int) -> String {
    """
    list_transform(list_slice(list_sort(list_transform(list_zip(\(counts), \(values)), \
    lambda pair: struct_pack(c := -pair[1], v := pair[2]))), 1, \(limit)), lambda top: top.v)
    """
  }
}
