// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillTiles

/// Answers by plain loops over arrays: what the functions mean, written once more and otherwise.
struct NaiveAnswer {
  let rows: [Row]
  let type: DataType

  /// The values that count: no null, no NaN.
  var values: [Datum] {
    rows.map(\.value).filter {
      if case .double(let number) = $0 { return !number.isNaN }
      return !$0.isNull
    }
  }

  var numbers: [Double] {
    values.compactMap {
      switch $0 {
      case .integer(let number): Double(number)
      case .double(let number): number
      case .decimal(let unscaled, let scale): Double(unscaled) / power(scale)
      default: nil
      }
    }
  }

  private func power(_ scale: Int) -> Double { Double("1e\(scale)") ?? 1 }

  /// Whether an answer is right.
  func accepts(_ answer: Datum, for aggregation: Aggregation) -> Bool {
    if values.isEmpty {
      return aggregation == .count || aggregation == .distinct
        ? answer == .integer(0) : answer.isNull
    }
    switch aggregation {
    case .count: return answer == .integer(Int64(values.count))
    case .sum, .mean: return acceptsSum(answer, isMean: aggregation == .mean)
    case .min: return answer == values.min(by: precedes)
    case .max: return answer == values.max(by: precedes)
    case .first: return answer == edge(first: true)
    case .last: return answer == edge(first: false)
    case .distinct: return acceptsDistinct(answer)
    case .variance: return acceptsVariance(answer, freedom: 1, isRoot: false)
    case .variancePopulation: return acceptsVariance(answer, freedom: 0, isRoot: false)
    case .stddev: return acceptsVariance(answer, freedom: 1, isRoot: true)
    case .stddevPopulation: return acceptsVariance(answer, freedom: 0, isRoot: true)
    case .quantile(let fraction): return acceptsQuantile(answer, fraction)
    case .topK(let count): return answer == top(count)
    }
  }

  private func acceptsSum(_ answer: Datum, isMean: Bool) -> Bool {
    let divisor = isMean ? Double(numbers.count) : 1
    if type != .double, type != .float {
      var total: Int128 = 0
      var scale = 0
      for value in values {
        switch value {
        case .integer(let number): total += Int128(number)
        case .decimal(let number, let digits):
          total += number
          scale = digits
        default: return false
        }
      }
      if isMean {
        guard case .double(let mean) = answer else { return false }
        let expected = Double(total) / power(scale) / divisor
        return near(mean, expected, within: 1e-14 * abs(expected))
      }
      if case .decimal = type { return answer == .decimal(unscaled: total, scale: scale) }
      return answer == (Int64(exactly: total).map { .integer($0) } ?? .null)
    }
    let finite = numbers.filter(\.isFinite)
    let size = finite.reduce(0) { $0 + abs($1) }
    let infinities = Set(numbers.filter(\.isInfinite))
    if !size.isFinite || infinities.count == 2 { return answer.isNull }
    guard case .double(let sum) = answer else { return false }
    if let infinity = infinities.first { return sum == infinity }
    // From the smallest to the largest, so that less is lost.
    let expected = finite.sorted { abs($0) < abs($1) }.reduce(0, +)
    return near(sum * divisor, expected, within: 1e-9 * size)
  }

  private func acceptsVariance(_ answer: Datum, freedom: Int, isRoot: Bool) -> Bool {
    if numbers.contains(where: { abs($0) > 1e140 }) || numbers.count <= freedom {
      return answer.isNull
    }
    guard case .double(var variance) = answer else { return false }
    if isRoot { variance *= variance }
    let mean = numbers.reduce(0, +) / Double(numbers.count)
    let squares = numbers.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    let expected = squares / Double(numbers.count - freedom)
    return near(variance, expected, within: 1e-9 * expected + 1e-20 * mean * mean)
  }

  private func acceptsQuantile(_ answer: Datum, _ fraction: Double) -> Bool {
    guard case .double(let quantile) = answer else { return false }
    let sorted = numbers.sorted()
    let rank = max(1, Int((fraction * Double(sorted.count)).rounded(.up)))
    let exact = sorted[rank - 1]
    return near(quantile, exact, within: 0.00991 * abs(exact) + 2.3e-308)
  }

  private func acceptsDistinct(_ answer: Datum) -> Bool {
    guard case .integer(let count) = answer else { return false }
    let exact = Set(values).count
    // Five standard errors above what is exact.
    return exact < 1024 ? count == exact : abs(Double(count) / Double(exact) - 1) < 0.16
  }

  private func top(_ count: Int) -> Datum {
    var counts: [Datum: Int] = [:]
    for value in values { counts[value, default: 0] += 1 }
    if counts.count > 1024 { return .null }
    let order = counts.sorted { left, right in
      left.value != right.value ? left.value > right.value : precedes(left.key, right.key)
    }
    return .list(order.prefix(count).map(\.key))
  }

  private func edge(first: Bool) -> Datum {
    var best: (parts: [[UInt8]], value: Datum)?
    for row in rows where values.contains(row.value) {
      let parts = [bytes(row.order.time), bytes(row.order.knowledge), row.order.id]
      guard let old = best else {
        best = (parts, row.value)
        continue
      }
      let differs = zip(parts, old.parts).first { $0 != $1 }
      let isBefore =
        differs.map { $0.lexicographicallyPrecedes($1) } ?? precedes(row.value, old.value)
      let isAfter =
        differs.map { $1.lexicographicallyPrecedes($0) } ?? precedes(old.value, row.value)
      if first ? isBefore : isAfter { best = (parts, row.value) }
    }
    return best?.value ?? .null
  }

  /// Bytes that are in the order of numbers.
  private func bytes(_ number: Int64) -> [UInt8] {
    let turned = UInt64(bitPattern: number) ^ (1 << 63)
    return (0..<8).map { UInt8(truncatingIfNeeded: turned >> (56 - 8 * UInt64($0))) }
  }

  func precedes(_ left: Datum, _ right: Datum) -> Bool {
    switch (left, right) {
    case (.integer(let left), .integer(let right)): left < right
    case (.double(let left), .double(let right)): left < right
    case (.decimal(let left, _), .decimal(let right, _)): left < right
    case (.boolean(let left), .boolean(let right)): (left ? 1 : 0) < (right ? 1 : 0)
    case (.text(let left), .text(let right)):
      Array(left.utf8).lexicographicallyPrecedes(Array(right.utf8))
    case (.bytes(let left), .bytes(let right)): left.lexicographicallyPrecedes(right)
    case (.date(let left), .date(let right)): left.daysSinceEpoch < right.daysSinceEpoch
    case (.instant(let left), .instant(let right)): left.microseconds < right.microseconds
    default: false
    }
  }
}
