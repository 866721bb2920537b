// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillTiles

/// One row of a source: who, when it happened, from when on it could be known, and what it says.
struct HistoryRow {
  /// By the keys of the entity, in order; a row with a null among them is nobody's.
  var key: [Datum]
  /// UTC microseconds; nil for a row without a time.
  var t: Int64?
  /// UTC microseconds; nil for a row that was never known.
  var k: Int64?
  /// What tells rows of one key, t and k apart: null, a number or a text.
  var id: Datum
  /// The other columns, by name.
  var values: [String: Datum]
}

/// Whom a label asks about, and as of when.
struct Question {
  var key: [Datum]
  /// UTC microseconds: the time of features and the cut of knowledge at once.
  var q: Int64
}

/// A feature in the words of docs/semantics.md, without a view.
enum Wanted {
  /// The newest row's value, if it is no older than `ttl` microseconds.
  case latest(column: String, ttl: Int64?)
  /// A function over a window; `hop` is nil for an exact edge, `above` counts rows with n > above.
  case window(column: String?, above: Int64?, Aggregation, length: Int64, hop: Int64?)
}

/// What a cell may hold.
enum Expected {
  case exactly(Datum)
  /// A double that is computed: within a distance.
  case near(Double, within: Double)

  func accepts(_ found: Datum) -> Bool {
    switch (self, found) {
    case (.exactly(let value), _): value == found
    case (.near(let value, let distance), .double(let found)): abs(value - found) <= distance
    case (.near, _): false
    }
  }
}

/// The meaning of features: a fold over rows, in plain Swift, with nothing of the product in it.
///
/// Everything that computes features is held against this and against nothing else.
///
/// > Source: docs/semantics.md, 3, 4 and 19 to 22.
struct Oracle {
  /// Right as it stands; a ``Mutant`` changes one of its parts.
  var rules = Rules()
  /// Rows by key.
  private let rows: [[Datum]: [HistoryRow]]

  init(_ rows: [HistoryRow]) { self.rows = Dictionary(grouping: rows, by: \.key) }

  /// The value of a feature for a question.
  func answer(_ wanted: Wanted, _ question: Question, knowledge: Bool) -> Expected {
    let isNobody = question.key.contains(.null) && !rules.nullKeysAreEqual
    let known = (isNobody ? [] : rows[question.key] ?? []).filter { row in
      guard row.t != nil, let k = row.k else { return false }
      return !knowledge || rules.isKnown(k, row.t ?? 0, question.q, wanted)
    }
    switch wanted {
    case .latest(let column, let ttl):
      return .exactly(latest(column, ttl, known, question.q))
    case .window(let column, let above, let function, let length, let hop):
      let low = rules.lowerBound(question.q, length, hop)
      let seen = known.filter { row in
        guard let t = row.t else { return false }
        return low <= t && t < question.q + rules.windowEnd
      }
      let kept = seen.filter { row in
        guard let above, !rules.ignoresFilter else { return true }
        guard case .integer(let n)? = row.values["n"] else { return rules.nullPassesFilter }
        return n > above
      }
      return fold(function, over: kept.sorted(by: rules.comesBefore), column)
    }
  }

  private func latest(
    _ column: String,
    _ ttl: Int64?,
    _ known: [HistoryRow],
    _ q: Int64
  ) -> Datum {
    let seen = known.filter { row in
      guard let t = row.t, t <= q + rules.latestEnd else { return false }
      guard let ttl, !rules.ignoresTTL else { return true }
      return rules.age(of: row, at: q) <= ttl + rules.ttlEnd
    }
    let order = seen.sorted(by: rules.comesBefore)
    let value = { (row: HistoryRow) in row.values[column] ?? .null }
    if rules.fallsBackFromNulls { return order.map(value).last { !$0.isNull } ?? .null }
    return order.last.map(value) ?? .null
  }

  // MARK: Functions

  /// A function over rows in the order of (t, k, id).
  private func fold(
    _ function: Aggregation,
    over rows: [HistoryRow],
    _ column: String?
  ) -> Expected {
    guard let column else { return count(rows.count) }
    let cells = rows.map { $0.values[column] ?? .null }
    let values = cells.filter { !$0.isNull }
    if values.isEmpty {
      switch function {
      case .count: return count(rules.countsNulls ? cells.count : 0)
      case .distinct: return count(0)
      case .sum where rules.emptySumIsZero: return .exactly(.integer(0))
      default: return .exactly(.null)
      }
    }
    let numbers = values.map(\.asDouble)
    let size = numbers.reduce(0) { $0 + abs($1) }
    let total = numbers.reduce(0, +)
    switch function {
    case .count: return count(rules.countsNulls ? cells.count : values.count)
    case .sum: return exactSum(values).map(Expected.exactly) ?? .near(total, within: 1e-9 * size)
    case .mean:
      let divisor = Double(rules.meanCountsNulls ? cells.count : values.count)
      return .near(total / divisor, within: 1e-9 * size / divisor)
    case .variance, .variancePopulation, .stddev, .stddevPopulation:
      return spread(function, numbers)
    case .min, .max:
      let isLeast = (function == .min) != rules.minIsMax
      let order = values.sorted(by: precedes)
      return .exactly((isLeast ? order.first : order.last) ?? .null)
    case .first, .last:
      let isFirst = (function == .first) != rules.firstIsLast
      let order = rules.edgesTakeNulls ? cells : values
      return .exactly((isFirst ? order.first : order.last) ?? .null)
    case .distinct:
      return count(Set(values).count + (rules.countsNulls && values.count < cells.count ? 1 : 0))
    case .quantile(let fraction):
      // The smallest value with at least the fraction of all at or below it, within 1 %.
      let exact = numbers.sorted()[rules.rank(fraction, numbers.count) - 1]
      return .near(exact, within: 0.01 * abs(exact))
    case .topK(let most):
      var counts: [Datum: Int] = [:]
      for value in values { counts[value, default: 0] += 1 }
      let order = counts.sorted { left, right in
        if left.value != right.value { return left.value > right.value }
        return rules.topTiesTurn
          ? precedes(right.key, left.key) : precedes(left.key, right.key)
      }
      return .exactly(.list(order.prefix(most).map(\.key)))
    }
  }

  private func count(_ number: Int) -> Expected {
    .exactly(number == 0 && rules.emptyCountIsNull ? .null : .integer(Int64(number)))
  }

  /// The sum of whole numbers or decimals; nil for doubles.
  private func exactSum(_ values: [Datum]) -> Datum? {
    var total: Int128 = 0
    var digits: Int?
    for value in values {
      switch value {
      case .integer(let number): total += Int128(number)
      case .decimal(let number, let scale):
        total += number
        digits = scale
      default: return nil
      }
    }
    return digits.map { .decimal(unscaled: total, scale: $0) } ?? .integer(Int64(total))
  }

  private func spread(_ function: Aggregation, _ numbers: [Double]) -> Expected {
    let isSample = function == .variance || function == .stddev
    let isRoot = function == .stddev || function == .stddevPopulation
    let freedom = isSample && !rules.samplesArePopulations ? 1 : 0
    guard numbers.count > freedom else { return .exactly(.null) }
    let mean = numbers.reduce(0, +) / Double(numbers.count)
    let squares = numbers.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    let variance = squares / Double(numbers.count - freedom)
    let value = isRoot && !rules.forgetsRoot ? variance.squareRoot() : variance
    return .near(value, within: 1e-9 * value + 1e-7 * (isRoot ? 1 : 0) + 1e-12)
  }
}

/// Whether a value is smaller than another of its type; text by its bytes.
func precedes(_ left: Datum, _ right: Datum) -> Bool {
  switch (left, right) {
  case (.null, _): !right.isNull
  case (.integer(let left), .integer(let right)): left < right
  case (.double(let left), .double(let right)): left < right
  case (.decimal(let left, _), .decimal(let right, _)): left < right
  case (.text(let left), .text(let right)):
    Array(left.utf8).lexicographicallyPrecedes(Array(right.utf8))
  default: false
  }
}

extension Datum {
  /// The number; 0 for what is none.
  fileprivate var asDouble: Double {
    switch self {
    case .integer(let number): Double(number)
    case .double(let number): number
    case .decimal(let number, let scale):
      Double(number) / (0..<scale).reduce(1.0) { power, _ in power * 10 }
    default: 0
    }
  }
}
