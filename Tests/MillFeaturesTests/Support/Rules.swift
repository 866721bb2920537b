// SPDX-License-Identifier: Apache-2.0

import MillCore

/// The decisions inside of the oracle, each of which a mutant takes otherwise.
///
/// The defaults are those of docs/semantics.md.
struct Rules {
  /// How rows are ordered, the last being the newest.
  enum Order {
    case timeKnowledgeID
    /// Ties by id lost: the first by id wins.
    case idTurned
    /// Ties by knowledge lost: the id decides at once.
    case timeID
    case knowledgeTimeID
    /// An earlier version of a row wins over its correction.
    case knowledgeTurned
  }

  /// How a number is cut to whole hops.
  enum Floor {
    case down
    case towardZero
    case up
    case nowhere
  }

  /// What the age of a row is counted from.
  enum Age {
    case time
    case knowledge
    case later
  }

  var order = Order.timeKnowledgeID
  var floor = Floor.down
  var countsAge = Age.time

  // Microseconds by which an edge is off.
  var latestEnd: Int64 = 0
  var ttlEnd: Int64 = 0
  var windowStart: Int64 = 0
  var windowEnd: Int64 = 0
  var knowledgeEnd: Int64 = 0

  var ignoresTTL = false
  var ignoresKnowledge = false
  var ignoresKnowledgeInWindows = false
  var ignoresKnowledgeInLatest = false
  var hidesEarlyKnowledge = false
  var fallsBackFromNulls = false
  var nullKeysAreEqual = false
  var countsNulls = false
  var meanCountsNulls = false
  var emptyCountIsNull = false
  var emptySumIsZero = false
  var ignoresFilter = false
  var nullPassesFilter = false
  var minIsMax = false
  var firstIsLast = false
  var edgesTakeNulls = false
  var samplesArePopulations = false
  var forgetsRoot = false
  var rankIsFloored = false
  var topTiesTurn = false

  /// Whether a question may know of a row: k ≤ q.
  func isKnown(_ k: Int64, _ t: Int64, _ q: Int64, _ wanted: Wanted) -> Bool {
    if ignoresKnowledge { return true }
    if hidesEarlyKnowledge, k < t { return false }
    switch wanted {
    case .latest where ignoresKnowledgeInLatest: return true
    case .window where ignoresKnowledgeInWindows: return true
    default: return k <= q + knowledgeEnd
    }
  }

  /// The first moment of a window.
  func lowerBound(_ q: Int64, _ length: Int64, _ hop: Int64?) -> Int64 {
    let start = q - length
    guard let hop else { return start + windowStart }
    let rest = start % hop
    let down = start - (rest < 0 ? rest + hop : rest)
    switch floor {
    case .down: return down + windowStart
    case .towardZero: return start - rest + windowStart
    case .up: return (rest == 0 ? start : down + hop) + windowStart
    case .nowhere: return start + windowStart
    }
  }

  func age(of row: HistoryRow, at q: Int64) -> Int64 {
    let t = row.t ?? 0
    let k = row.k ?? 0
    switch countsAge {
    case .time: return q - t
    case .knowledge: return q - k
    case .later: return q - max(t, k)
    }
  }

  func comesBefore(_ left: HistoryRow, _ right: HistoryRow) -> Bool {
    let (t, k) = ((left.t ?? 0, right.t ?? 0), (left.k ?? 0, right.k ?? 0))
    let id = precedes(left.id, right.id)
    switch order {
    case .timeKnowledgeID: return t.0 != t.1 ? t.0 < t.1 : k.0 != k.1 ? k.0 < k.1 : id
    case .idTurned:
      return t.0 != t.1 ? t.0 < t.1 : k.0 != k.1 ? k.0 < k.1 : precedes(right.id, left.id)
    case .timeID: return t.0 != t.1 ? t.0 < t.1 : id
    case .knowledgeTimeID: return k.0 != k.1 ? k.0 < k.1 : t.0 != t.1 ? t.0 < t.1 : id
    case .knowledgeTurned: return t.0 != t.1 ? t.0 < t.1 : k.0 != k.1 ? k.0 > k.1 : id
    }
  }

  /// The rank of a quantile among sorted values, from 1.
  func rank(_ fraction: Double, _ count: Int) -> Int {
    let exact = fraction * Double(count)
    return max(1, Int(exact.rounded(rankIsFloored ? .down : .up)))
  }
}
