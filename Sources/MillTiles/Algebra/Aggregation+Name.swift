// SPDX-License-Identifier: Apache-2.0

extension Aggregation: CustomStringConvertible {
  /// How functions are written, for a caller that proposes the nearest.
  public static let names = [
    "count", "sum", "mean", "min", "max", "variance", "variance_pop", "stddev", "stddev_pop",
    "first", "last", "distinct", "median", "quantile(0.95)", "p95", "top_k(5)",
  ]

  /// Reads a function as it is written in a definition: `sum`, `quantile(0.95)`, `p95`, `top_k(5)`.
  ///
  /// Nil is given back for anything else, for a fraction outside of 0 to 1 and for a number of values
  /// outside of 1 to ``TileShape/valueCountMax``.
  public init?(name: String) {
    let plain: Self? =
      switch name {
      case "count": .count
      case "sum": .sum
      case "mean", "avg": .mean
      case "min": .min
      case "max": .max
      case "variance": .variance
      case "variance_pop": .variancePopulation
      case "stddev": .stddev
      case "stddev_pop": .stddevPopulation
      case "first": .first
      case "last": .last
      case "distinct": .distinct
      case "median": .quantile(0.5)
      default: nil
      }
    guard let found = plain ?? Self.percentile(name) ?? Self.withParameter(name) else { return nil }
    self = found
  }

  /// The function as ``init(name:)`` reads it.
  public var description: String {
    switch self {
    case .count: "count"
    case .sum: "sum"
    case .mean: "mean"
    case .min: "min"
    case .max: "max"
    case .variance: "variance"
    case .variancePopulation: "variance_pop"
    case .stddev: "stddev"
    case .stddevPopulation: "stddev_pop"
    case .first: "first"
    case .last: "last"
    case .distinct: "distinct"
    case .quantile(let fraction): "quantile(\(fraction))"
    case .topK(let count): "top_k(\(count))"
    }
  }

  /// `p95` and `p99.9`.
  private static func percentile(_ name: String) -> Self? {
    // The point is moved in the text: 99.9 by 100 is not 0.999 in doubles.
    guard name.utf8.first == UInt8(ascii: "p"), decimal(name.dropFirst()) != nil,
      let fraction = Double(name.dropFirst() + "e-2"), fraction <= 1
    else { return nil }
    return .quantile(fraction)
  }

  /// `quantile(0.95)` and `top_k(5)`.
  private static func withParameter(_ name: String) -> Self? {
    guard name.utf8.last == UInt8(ascii: ")"),
      let open = name.utf8.firstIndex(of: UInt8(ascii: "("))
    else { return nil }
    let parameter = name[name.utf8.index(after: open)...].dropLast()
    switch name[..<open] {
    case "quantile":
      guard let fraction = decimal(parameter), fraction <= 1 else { return nil }
      return .quantile(fraction)
    case "top_k":
      guard let count = Int(parameter), (1...TileShape.valueCountMax).contains(count) else {
        return nil
      }
      return .topK(count)
    default: return nil
    }
  }

  /// Digits with at most one point among them; `Double` alone would take `inf`, `0x1` and `1e-1`.
  private static func decimal(_ text: Substring) -> Double? {
    let isPlain = text.utf8.allSatisfy {
      $0 == UInt8(ascii: ".") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
    }
    return isPlain ? Double(text) : nil
  }
}
