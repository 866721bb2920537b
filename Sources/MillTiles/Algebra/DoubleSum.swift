// SPDX-License-Identifier: Apache-2.0

/// Doubles added in two parts, so that the order of rows is not seen in the result.
///
/// `high` is the rounded sum of the finite numbers and `low` what rounding took from it; `magnitude`
/// is the sum of their magnitudes, to which the tolerance of sums is relative (docs/semantics.md, 3).
/// Infinities are counted beside it. Where the magnitudes add up beyond the range of doubles the sum
/// is absent, whatever the signs: only so is it the same in any order.
///
/// > Source: Knuth, The Art of Computer Programming, vol. 2, 4.2.2, theorem B (two-sum).
struct DoubleSum: Hashable, Sendable {
  private(set) var count: Int64 = 0
  private(set) var high: Double = 0
  private(set) var low: Double = 0
  private(set) var magnitude: Double = 0
  private(set) var positiveInfinities: Int64 = 0
  private(set) var negativeInfinities: Int64 = 0

  init() {}

  /// A stored state, unless no rows give it.
  init?(
    count: Int64,
    high: Double,
    low: Double,
    magnitude: Double,
    positiveInfinities: Int64,
    negativeInfinities: Int64
  ) {
    guard count >= 0, positiveInfinities >= 0, negativeInfinities >= 0, high.isFinite,
      low.isFinite, magnitude >= 0,
      positiveInfinities.addingSaturated(negativeInfinities) <= count
    else { return nil }
    self.count = count
    self.high = high
    self.low = low
    self.magnitude = magnitude
    self.positiveInfinities = positiveInfinities
    self.negativeInfinities = negativeInfinities
  }

  /// The sum, unless there is none: of nothing, of infinities of both signs, beyond the range.
  var sum: Double? {
    guard count > 0, magnitude.isFinite else { return nil }
    switch (positiveInfinities > 0, negativeInfinities > 0) {
    case (true, true): return nil
    case (true, false): return .infinity
    case (false, true): return -.infinity
    case (false, false): return high + low
    }
  }

  mutating func add(_ number: Double) {
    count = count.addingSaturated(1)
    if number.isInfinite {
      if number > 0 {
        positiveInfinities = positiveInfinities.addingSaturated(1)
      } else {
        negativeInfinities = negativeInfinities.addingSaturated(1)
      }
      return
    }
    magnitude += number.magnitude
    accumulate(number)
    settle()
  }

  mutating func merge(_ other: Self) {
    count = count.addingSaturated(other.count)
    positiveInfinities = positiveInfinities.addingSaturated(other.positiveInfinities)
    negativeInfinities = negativeInfinities.addingSaturated(other.negativeInfinities)
    magnitude += other.magnitude
    accumulate(other.high)
    low += other.low
    settle()
  }

  private mutating func accumulate(_ number: Double) {
    let sum = high + number
    let part = sum - high
    low += (high - (sum - part)) + (number - part)
    high = sum
  }

  /// Beyond the range there is one state only.
  private mutating func settle() {
    guard !magnitude.isFinite || !high.isFinite || !low.isFinite else { return }
    high = 0
    low = 0
    magnitude = .infinity
  }
}
