// SPDX-License-Identifier: Apache-2.0

public import MillCore

/// What a tile holds: the kind of its state, and of which type the values are.
///
/// It says how the state is stored: each member is a column of a Delta table, named by the caller's
/// prefix and the member's suffix.
///
/// ```swift
/// TileShape(.sum, of: .long)?.columns.map(\.suffix)  // ["n", "sum"]
/// ```
public struct TileShape: Hashable, Sendable {
  /// A member of a state as a column.
  public struct Column: Hashable, Sendable {
    /// What stands behind the caller's prefix, unique within the kind.
    public let suffix: String
    /// The published type.
    public let type: DataType

    init(_ suffix: String, _ type: DataType) {
      self.suffix = suffix
      self.type = type
    }
  }

  /// How many prefixes of digests a state of kind `distinct` holds at most.
  public static let prefixCountMax = 1024

  /// How many different values a state of kind `values` holds at most.
  public static let valueCountMax = 1024

  /// The kind of state.
  public let kind: TileState.Kind

  /// The type of the values; nil where rows are counted.
  public let input: DataType?

  /// The shape of a kind for a type, or nil where the kind has no meaning for it.
  ///
  /// Only a count does without values. Sums, moments and buckets are of numbers, all else is of any
  /// type that is not nested.
  public init?(_ kind: TileState.Kind, of input: DataType?) {
    switch (kind, input) {
    case (.count, _): break
    case (_, nil): return nil
    case (.sum, let input?), (.moments, let input?), (.buckets, let input?):
      guard input.isNumeric else { return nil }
    case (_, let input?):
      guard input.isPrimitive else { return nil }
    }
    self.kind = kind
    self.input = input
  }

  /// The members in the order in which ``TileState/columns()`` gives them.
  public var columns: [Column] {
    let value = input ?? .void
    switch kind {
    case .count:
      return [Column("n", .long)]
    case .sum where isExact:
      return [Column("n", .long), Column("sum", .decimal(precision: 38, scale: scale))]
    case .sum:
      return [
        Column("n", .long), Column("hi", .double), Column("lo", .double), Column("abs", .double),
        Column("plus", .long), Column("minus", .long),
      ]
    case .moments:
      return [
        Column("n", .long), Column("mean", .double), Column("m2", .double), Column("beyond", .long),
      ]
    case .minimum, .maximum:
      return [Column("value", value)]
    case .first, .last:
      return [
        Column("value", value), Column("t", .timestamp), Column("k", .timestamp),
        Column("id", .binary),
      ]
    case .distinct:
      return [Column("prefixes", .array(element: .long, containsNull: false))]
    case .buckets:
      return [
        Column("buckets", .array(element: .integer, containsNull: false)),
        Column("counts", .array(element: .long, containsNull: false)),
      ]
    case .values:
      return [
        Column("values", .array(element: value, containsNull: false)),
        Column("counts", .array(element: .long, containsNull: false)),
        Column("overflowed", .boolean),
      ]
    }
  }

  /// Whether values are added without rounding.
  var isExact: Bool {
    switch input {
    case .double, .float: false
    default: true
    }
  }

  /// Digits after the point.
  var scale: Int {
    if case .decimal(_, let scale) = input { scale } else { 0 }
  }
}

extension TileShape: CustomStringConvertible {
  /// The kind and the type for a reader.
  public var description: String {
    "of kind \(kind.rawValue)" + (input.map { " over \($0)" } ?? " over rows")
  }
}
