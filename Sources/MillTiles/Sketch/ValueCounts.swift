// SPDX-License-Identifier: Apache-2.0

internal import MillCore

/// How often each value occurs, as long as there are not too many different ones.
///
/// One value more than ``TileShape/valueCountMax`` and all counts are dropped for good. To keep the
/// most frequent of them would depend on the order of rows and could be wrong unseen; absent is never
/// wrong.
struct ValueCounts: Hashable, Sendable {
  /// The values, ascending.
  private(set) var values: [Datum] = []

  /// How often each occurs, at least once.
  private(set) var counts: [Int64] = []

  /// Whether there were too many values.
  private(set) var isOverflowed = false

  init() {}

  /// A stored state, unless no rows give it.
  init?(values: [Datum], counts: [Int64], isOverflowed: Bool) {
    guard values.count == counts.count, counts.allSatisfy({ $0 > 0 }),
      values.count <= (isOverflowed ? 0 : TileShape.valueCountMax),
      zip(values, values.dropFirst()).allSatisfy({ $0.comes(before: $1) })
    else { return nil }
    self.values = values
    self.counts = counts
    self.isOverflowed = isOverflowed
  }

  /// The most frequent values, equally frequent ones ascending; nil where nothing is known.
  func top(_ count: Int) -> [Datum]? {
    guard !values.isEmpty else { return nil }
    let order = values.indices.sorted {
      counts[$0] != counts[$1] ? counts[$0] > counts[$1] : $0 < $1
    }
    return order.prefix(max(1, count)).map { values[$0] }
  }

  mutating func add(_ value: Datum) {
    add(value, times: 1)
  }

  mutating func merge(_ other: Self) {
    if other.isOverflowed { overflow() }
    for (value, count) in zip(other.values, other.counts) { add(value, times: count) }
  }

  private mutating func add(_ value: Datum, times: Int64) {
    guard !isOverflowed else { return }
    let place = values.partitioningIndex { !$0.comes(before: value) }
    if place < values.count, values[place] == value {
      counts[place] = counts[place].addingSaturated(times)
    } else if values.count == TileShape.valueCountMax {
      overflow()
    } else {
      values.insert(value, at: place)
      counts.insert(times, at: place)
    }
  }

  private mutating func overflow() {
    values = []
    counts = []
    isOverflowed = true
  }
}
