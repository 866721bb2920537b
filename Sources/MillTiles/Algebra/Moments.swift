// SPDX-License-Identifier: Apache-2.0

/// How many numbers there are, their mean, and the sum of squares about it.
///
/// Sums of squares are never kept: their difference would lose all digits where the mean is large.
/// Numbers beyond 1e140, infinities among them, are only counted, since their squares may leave the
/// range of doubles; where there is one, there is no variance.
///
/// > Source: Chan, Golub and LeVeque, "Updating Formulae and a Pairwise Algorithm for Computing Sample
/// > Variances", 1979; Welford 1962 for one number at a time.
struct Moments: Hashable, Sendable {
  /// The largest number whose square is used: 2^62 squares of twice it stay in range.
  static let magnitudeMax = 1e140

  /// How many numbers there are within the range.
  private(set) var count: Int64 = 0
  private(set) var mean: Double = 0
  private(set) var squares: Double = 0
  /// How many numbers there are beyond the range.
  private(set) var beyond: Int64 = 0

  init() {}

  /// A stored state, unless no rows give it.
  init?(count: Int64, mean: Double, squares: Double, beyond: Int64) {
    guard count >= 0, beyond >= 0, mean.isFinite, mean.magnitude <= 2 * Self.magnitudeMax,
      squares.isFinite, squares >= 0, count > 0 || (mean == 0 && squares == 0)
    else { return nil }
    self.count = count
    self.mean = mean
    self.squares = squares
    self.beyond = beyond
  }

  /// The sum of squares by so many fewer than all, unless there are too few or too large ones.
  func variance(freedom: Int64) -> Double? {
    guard beyond == 0, count > freedom else { return nil }
    return squares / Double(count - freedom)
  }

  mutating func add(_ number: Double) {
    guard number.magnitude <= Self.magnitudeMax else {
      beyond = beyond.addingSaturated(1)
      return
    }
    count = count.addingSaturated(1)
    let distance = number - mean
    mean += distance / Double(count)
    squares += distance * (number - mean)
  }

  mutating func merge(_ other: Self) {
    beyond = beyond.addingSaturated(other.beyond)
    guard other.count > 0 else { return }
    guard count > 0 else {
      (count, mean, squares) = (other.count, other.mean, other.squares)
      return
    }
    let total = count.addingSaturated(other.count)
    let share = Double(other.count) / Double(total)
    let distance = other.mean - mean
    squares += other.squares + distance * distance * Double(count) * share
    mean += distance * share
    count = total
  }
}
