// SPDX-License-Identifier: Apache-2.0

/// Bounds that hold every legitimate value of a column and leave gross errors outside.
///
/// A value is an outlier if all of this holds, above (below, mirrored):
///
/// 1. It lies more than 10 × (tail − median) beyond the tail, where the tail is the quantile
///    1 − max(0.001, 10/n): p99.9 for 10,000 values and more, so that ten values and more lie
///    beyond it and one error cannot move it.
/// 2. A gap parts it from the others: it is more than 3 times as far from the median as the
///    farthest value that is no outlier. A long tail without a gap is legitimate.
///
/// Where tail and median are equal, nothing is known of the spread and nothing is an outlier.
/// The bounds are the least and the greatest of the remaining values, rounded outward to a step of 1, 2
/// or 5 times a power of ten, at most a tenth of their distance; whole numbers of which none
/// between least and greatest is missing, such as days of a month, are not rounded.
///
/// Delays from −75 to 1,126 minutes stay inside; a wind of 1,048 mph among those up to 48 does not.
package struct RangeBounds: Hashable, Sendable {
  /// Numbers as YAML.
  package var minimum: String
  package var maximum: String

  /// The quantile that counts as tail among `count` values.
  package static func tail(count: Int64) -> Double {
    1 - min(0.25, max(0.001, 10 / Double(max(1, count))))
  }

  /// Beyond these a value may be an outlier; infinite where nothing can be.
  package static func suspectLimits(_ quantiles: Quantiles) -> (low: Double, high: Double) {
    let below = quantiles.p50 - quantiles.lowTail
    let above = quantiles.highTail - quantiles.p50
    return (
      below > 0 ? quantiles.lowTail - 10 * below : -.infinity,
      above > 0 ? quantiles.highTail + 10 * above : .infinity
    )
  }

  /// Whether values from `nearestSuspect` on are parted from those up to `farthestOther`.
  package static func isParted(
    _ nearestSuspect: Double,
    from farthestOther: Double,
    median: Double
  ) -> Bool {
    abs(nearestSuspect - median) > 3 * abs(farthestOther - median)
  }

  /// Friendly bounds around `low` and `high`; nil where a double does not tell neighbours apart.
  ///
  /// - Parameter isDense: whether these are whole numbers and every one between them occurs.
  package init?(low: Double, high: Double, isDense: Bool) {
    guard low.isFinite, high.isFinite, low < high, abs(low) < 1e15, abs(high) < 1e15,
      high - low > 1e-9
    else { return nil }
    if isDense, let first = Int64(exactly: low), let last = Int64(exactly: high) {
      self.init(minimum: String(first), maximum: String(last))
      return
    }
    let (digit, exponent) = Self.step(high - low)
    let unit = Self.power(exponent)
    // Quotients that are whole but for rounding stay where they are.
    let first = (low / (Double(digit) * unit) + 1e-9).rounded(.down)
    let last = (high / (Double(digit) * unit) - 1e-9).rounded(.up)
    guard abs(first) < 1e17, abs(last) < 1e17 else { return nil }
    self.init(
      minimum: Self.decimal(Int64(first) * digit, exponent),
      maximum: Self.decimal(Int64(last) * digit, exponent)
    )
  }

  private init(minimum: String, maximum: String) {
    self.minimum = minimum
    self.maximum = maximum
  }

  /// The greatest of 1, 2, 5 times a power of ten that is at most a tenth of the distance.
  private static func step(_ distance: Double) -> (digit: Int64, exponent: Int) {
    var exponent = -12
    var best: (digit: Int64, exponent: Int) = (1, exponent)
    while exponent < 15 {
      for digit in [1, 2, 5] as [Int64] {
        guard Double(digit) * power(exponent) <= distance / 10 * (1 + 1e-9) else { return best }
        best = (digit, exponent)
      }
      exponent += 1
    }
    return best
  }

  private static func power(_ exponent: Int) -> Double {
    var value = 1.0
    for _ in 0..<abs(exponent) { value *= 10 }
    return exponent < 0 ? 1 / value : value
  }

  /// `number` × 10^`exponent` in digits.
  private static func decimal(_ number: Int64, _ exponent: Int) -> String {
    guard exponent < 0 else {
      return number == 0 ? "0" : String(number) + String(repeating: "0", count: exponent)
    }
    let digits = String(number.magnitude)
    let zeros = String(repeating: "0", count: max(0, 1 - exponent - digits.utf8.count))
    let all = zeros + digits
    let whole = all.dropLast(-exponent)
    var fraction = all.suffix(-exponent)
    while fraction.last == "0" { fraction.removeLast() }
    let sign = number < 0 ? "-" : ""
    return fraction.isEmpty ? "\(sign)\(whole)" : "\(sign)\(whole).\(fraction)"
  }
}
