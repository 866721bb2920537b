// SPDX-License-Identifier: Apache-2.0

/// Numbers without their point, added without rounding.
///
/// A sum beyond 38 digits is absent and stays so: what is absent is never wrong. Sums of longs cannot
/// get there, nor those of decimals of up to 19 digits. With wider decimals the order of rows can
/// decide whether a sum on the way leaves the 38 digits; DuckDB refuses the query there.
struct ExactSum: Hashable, Sendable {
  /// 38 nines.
  static let magnitudeMax = Int128(99_999_999_999_999_999_999_999_999_999_999_999_999)

  /// How many numbers there were.
  private(set) var count: Int64 = 0

  /// Their sum, nil when it has left the range.
  private(set) var sum: Int128? = 0

  init() {}

  /// A stored state, unless no rows give it.
  init?(count: Int64, sum: Int128?) {
    guard count >= 0, count > 0 || sum == 0 else { return nil }
    if let sum, sum.magnitude > Self.magnitudeMax.magnitude { return nil }
    self.count = count
    self.sum = sum
  }

  mutating func add(_ number: Int128) {
    merge(count: 1, sum: number)
  }

  mutating func merge(_ other: Self) {
    merge(count: other.count, sum: other.sum)
  }

  private mutating func merge(count more: Int64, sum other: Int128?) {
    count = count.addingSaturated(more)
    guard let own = sum, let other else {
      sum = nil
      return
    }
    let (total, overflows) = own.addingReportingOverflow(other)
    let fits = !overflows && total.magnitude <= Self.magnitudeMax.magnitude
    sum = fits ? total : nil
  }
}

extension Int64 {
  /// The sum, or the end of the range: counts read from damaged bytes may add up to anything.
  func addingSaturated(_ other: Int64) -> Int64 {
    let (sum, overflows) = addingReportingOverflow(other)
    guard overflows else { return sum }
    return other > 0 ? .max : .min
  }
}
