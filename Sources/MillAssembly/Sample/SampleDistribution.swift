// SPDX-License-Identifier: Apache-2.0

/// Draws ranks so that the first ones come up far more often than the last ones.
struct SampleSkew {
  /// How steeply popularity falls with rank.
  enum Fall {
    /// As 1 / (rank + 5): a few merchants take most of the trade.
    case steep
    /// As 1 / √(rank + 20): busy cards exist, but no card is a tenth of everything.
    case gentle
  }

  /// The weight of each rank and all before it.
  private let cumulative: [Int]

  init(count: Int, fall: Fall) {
    var total = 0
    cumulative = (0..<count).map { rank in
      // Division and square root are exact to the last bit everywhere, `pow` is not.
      let weight =
        switch fall {
        case .steep: 1 / Double(rank + 5)
        case .gentle: 1 / Double(rank + 20).squareRoot()
        }
      total += Int(weight * 1_099_511_627_776) + 1
      return total
    }
  }

  /// A rank, counted from zero.
  ///
  /// - Complexity: O(log n) in ranks.
  func draw(_ random: inout SampleRandom) -> Int {
    let target = random.below(cumulative[cumulative.count - 1])
    var low = 0
    var high = cumulative.count - 1
    while low < high {
      let middle = (low + high) / 2
      if cumulative[middle] > target { high = middle } else { low = middle + 1 }
    }
    return low
  }
}

/// Draws a choice by whole-number weights.
struct SampleChoice {
  private let slots: [UInt8]

  init(weights: [Int]) {
    slots = weights.enumerated().flatMap { [UInt8](repeating: UInt8($0.offset), count: $0.element) }
  }

  func draw(_ random: inout SampleRandom) -> Int { Int(slots[random.below(slots.count)]) }
}

/// Spreads the lines of a month over its hours: busy noons and evenings, quiet nights, and more on
/// Fridays and Saturdays.
struct SampleMonth {
  private static let hourWeights = [
    4, 2, 2, 1, 1, 2, 5, 11, 17, 20, 23, 28, 34, 31, 26, 25, 28, 35, 40, 37, 29, 21, 14, 8,
  ]
  /// From Thursday, the first day of 1970.
  private static let dayWeights = [10, 13, 14, 9, 8, 9, 9]

  /// The first day, counted from 1970-01-01.
  let firstDay: Int
  /// How many lines come before each hour, with the count of all lines at the end.
  private let linesBefore: [Int]
  private var hour = 0

  init(firstDay: Int, days: Int, lines: Int) {
    self.firstDay = firstDay
    var totals = [0]
    var total = 0
    for hour in 0..<(days * 24) {
      total += Self.hourWeights[hour % 24] * Self.dayWeights[(firstDay + hour / 24) % 7]
      totals.append(total)
    }
    linesBefore = totals.map { $0 * lines / total }
  }

  /// When the event of a line takes place, in seconds since 1970; lines are asked for in order.
  mutating func second(ofLine line: Int, _ random: inout SampleRandom) -> Int {
    while linesBefore[hour + 1] <= line { hour += 1 }
    let place = line - linesBefore[hour]
    let inHour = place * 3_600 / (linesBefore[hour + 1] - linesBefore[hour])
    // Two minutes of disorder, as in any real feed.
    let second = min(inHour + random.below(120), 3_599)
    return (firstDay * 24 + hour) * 3_600 + second
  }
}

/// e to the power of `power`, the same to the last bit on every platform.
func sampleExponential(_ power: Double) -> Double {
  let small = power / 256
  var result = 1 + small * (1 + small / 2 * (1 + small / 3 * (1 + small / 4)))
  for _ in 0..<8 { result *= result }
  return result
}

/// A day counted from 1970-01-01 as year, month and day.
///
/// > Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`.
func sampleDate(_ day: Int) -> (year: Int, month: Int, day: Int) {
  let shifted = day + 719_468
  let era = shifted / 146_097
  let dayOfEra = shifted - era * 146_097
  let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
  let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
  let part = (5 * dayOfYear + 2) / 153
  let month = part < 10 ? part + 3 : part - 9
  return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * part + 2) / 5 + 1)
}
