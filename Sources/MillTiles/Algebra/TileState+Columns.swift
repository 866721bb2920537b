// SPDX-License-Identifier: Apache-2.0

public import MillCore

extension TileState {
  /// The members of the state as they are stored, in the order of ``TileShape/columns``.
  public func columns() -> [Datum] {
    switch body {
    case .count(let count): [.integer(count)]
    case .exactSum(let sum):
      [
        .integer(sum.count),
        sum.sum.map { .decimal(unscaled: $0, scale: shape.scale) } ?? .null,
      ]
    case .doubleSum(let sum):
      [
        .integer(sum.count), .double(sum.high), .double(sum.low), .double(sum.magnitude),
        .integer(sum.positiveInfinities), .integer(sum.negativeInfinities),
      ]
    case .moments(let moments):
      [
        .integer(moments.count), .double(moments.mean), .double(moments.squares),
        .integer(moments.beyond),
      ]
    case .extreme(let value): [value]
    case .event(let event?):
      [
        event.value, .instant(event.order.time), .instant(event.order.knowledge),
        .bytes(event.order.id),
      ]
    case .event(nil): [.null, .null, .null, .null]
    case .distinct(let distinct): [.list(distinct.prefixes.map { .integer($0) })]
    case .buckets(let counts):
      [
        .list(counts.buckets.map { .integer(Int64($0)) }),
        .list(counts.counts.map { .integer($0) }),
      ]
    case .values(let counts):
      [
        .list(counts.values), .list(counts.counts.map { .integer($0) }),
        .boolean(counts.isOverflowed),
      ]
    }
  }

  /// Reads a state as it was stored.
  ///
  /// - Throws: `damaged` for columns that are not what rows of this shape give.
  public init(_ shape: TileShape, columns: [Datum]) throws(TileError) {
    self.shape = shape
    let reader = try TileColumns(shape, columns)
    switch shape.kind {
    case .count:
      let count = try reader.integer("n")
      body = .count(try reader.valid(count >= 0 ? count : nil, "n"))
    case .sum where shape.isExact:
      let sum = ExactSum(count: try reader.integer("n"), sum: try reader.decimal("sum"))
      body = .exactSum(try reader.valid(sum, "sum"))
    case .sum:
      let sum = DoubleSum(
        count: try reader.integer("n"),
        high: try reader.double("hi"),
        low: try reader.double("lo"),
        magnitude: try reader.double("abs"),
        positiveInfinities: try reader.integer("plus"),
        negativeInfinities: try reader.integer("minus")
      )
      body = .doubleSum(try reader.valid(sum, "hi"))
    case .moments:
      let moments = Moments(
        count: try reader.integer("n"),
        mean: try reader.double("mean"),
        squares: try reader.double("m2"),
        beyond: try reader.integer("beyond")
      )
      body = .moments(try reader.valid(moments, "m2"))
    case .minimum, .maximum: body = .extreme(try reader.value("value"))
    case .first, .last: body = .event(try reader.event())
    case .distinct:
      let prefixes = DistinctPrefixes(prefixes: try reader.integers("prefixes"))
      body = .distinct(try reader.valid(prefixes, "prefixes"))
    case .buckets:
      let indexes = try reader.integers("buckets").map { Int32(exactly: $0) }
      let buckets = try reader.valid(indexes.contains(nil) ? nil : indexes, "buckets")
      let counts = BucketCounts(
        buckets: buckets.compactMap(\.self),
        counts: try reader.integers("counts")
      )
      body = .buckets(try reader.valid(counts, "counts"))
    case .values:
      let counts = ValueCounts(
        values: try reader.values("values"),
        counts: try reader.integers("counts"),
        isOverflowed: try reader.boolean("overflowed")
      )
      body = .values(try reader.valid(counts, "counts"))
    }
  }
}
