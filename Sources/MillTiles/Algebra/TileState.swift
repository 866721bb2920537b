// SPDX-License-Identifier: Apache-2.0

public import MillCore

/// The state of one key over one hop of event time, or over several merged.
///
/// Merging is commutative and associative, and a state merged from parts is that of all their rows: the
/// same for counts, exact sums, extremes and sketches, within the tolerance of docs/semantics.md, 3 for
/// sums and moments of doubles. SQL rendered by ``TileSQL`` makes the same states.
///
/// ```swift
/// var tile = TileState(shape)
/// try tile.add(.integer(5), at: order)
/// try tile.merge(other)
/// try tile.finish(.mean)  // .double(…)
/// ```
public struct TileState: Hashable, Sendable {
  /// What the state keeps, and of which type.
  public let shape: TileShape

  var body: Body

  /// The state itself, one case per way to compute.
  enum Body: Hashable, Sendable {
    case count(Int64)
    case exactSum(ExactSum)
    case doubleSum(DoubleSum)
    case moments(Moments)
    case extreme(Datum)
    case event(EventValue?)
    case distinct(DistinctPrefixes)
    case buckets(BucketCounts)
    case values(ValueCounts)
  }

  /// The state of no rows.
  public init(_ shape: TileShape) {
    self.shape = shape
    body =
      switch shape.kind {
      case .count: .count(0)
      case .sum: shape.isExact ? .exactSum(ExactSum()) : .doubleSum(DoubleSum())
      case .moments: .moments(Moments())
      case .minimum, .maximum: .extreme(.null)
      case .first, .last: .event(nil)
      case .distinct: .distinct(DistinctPrefixes())
      case .buckets: .buckets(BucketCounts())
      case .values: .values(ValueCounts())
      }
  }

  /// Whether the state is that of no rows.
  public var isEmpty: Bool { self == Self(shape) }

  /// Takes the value of one row.
  ///
  /// Null and NaN change nothing, but where rows are counted each row counts.
  ///
  /// - Throws: `valueType` for a value that is not of the shape's type.
  /// - Complexity: O(1) for most kinds, O(log k + k) for the k members of a sketch.
  public mutating func add(_ value: Datum, at order: EventOrder) throws(TileError) {
    guard let input = shape.input else {
      merge(body: .count(1))
      return
    }
    if value.isNull { return }
    if case .double(let number) = value, number.isNaN { return }
    // Counting does not look at the value, which may be nested.
    guard shape.kind == .count || value.isValue(of: input) else { throw .valueType(shape) }
    add(value, order)
  }

  /// Takes all rows of another state.
  ///
  /// - Throws: `unlike` for a state of another shape.
  public mutating func merge(_ other: Self) throws(TileError) {
    guard shape == other.shape else { throw .unlike(shape, other.shape) }
    merge(body: other.body)
  }

  /// A value that is one of the type, not null and not NaN.
  private mutating func add(_ value: Datum, _ order: EventOrder) {
    // The body is emptied while its member changes, so that arrays in it are not copied.
    let old = body
    body = .count(0)
    switch old {
    case .count(let count): body = .count(count.addingSaturated(1))
    case .exactSum(var sum):
      switch value {
      case .integer(let number): sum.add(Int128(number))
      case .decimal(let unscaled, _): sum.add(unscaled)
      default: break
      }
      body = .exactSum(sum)
    case .doubleSum(var sum):
      if let number = value.nearestDouble { sum.add(number) }
      body = .doubleSum(sum)
    case .moments(var moments):
      if let number = value.nearestDouble { moments.add(number) }
      body = .moments(moments)
    case .extreme: body = Self.merged(old, .extreme(value), shape.kind)
    case .event: body = Self.merged(old, .event(EventValue(order: order, value: value)), shape.kind)
    case .distinct(var prefixes):
      prefixes.add(value)
      body = .distinct(prefixes)
    case .buckets(var counts):
      if let number = value.nearestDouble { counts.add(number) }
      body = .buckets(counts)
    case .values(var counts):
      counts.add(value)
      body = .values(counts)
    }
  }

  private mutating func merge(body other: Body) {
    body = Self.merged(body, other, shape.kind)
  }

  private static func merged(_ left: Body, _ right: Body, _ kind: Kind) -> Body {
    switch (left, right) {
    case (.count(let left), .count(let right)): return .count(left.addingSaturated(right))
    case (.exactSum(var left), .exactSum(let right)):
      left.merge(right)
      return .exactSum(left)
    case (.doubleSum(var left), .doubleSum(let right)):
      left.merge(right)
      return .doubleSum(left)
    case (.moments(var left), .moments(let right)):
      left.merge(right)
      return .moments(left)
    case (.extreme(.null), _), (.event(nil), _): return right
    case (_, .extreme(.null)), (_, .event(nil)): return left
    case (.extreme(let old), .extreme(let new)):
      let isBetter = kind == .minimum ? new.comes(before: old) : old.comes(before: new)
      return isBetter ? right : left
    case (.event(let old?), .event(let new?)):
      let isBetter = kind == .first ? new.comes(before: old) : old.comes(before: new)
      return isBetter ? right : left
    case (.distinct(var left), .distinct(let right)):
      left.merge(right)
      return .distinct(left)
    case (.buckets(var left), .buckets(let right)):
      left.merge(right)
      return .buckets(left)
    case (.values(var left), .values(let right)):
      left.merge(right)
      return .values(left)
    default: return left
    }
  }
}
