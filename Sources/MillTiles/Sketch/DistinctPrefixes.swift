// SPDX-License-Identifier: Apache-2.0

internal import MillCore

/// The 1,024 smallest prefixes of the digests of values: how many different ones there are.
///
/// With fewer than 1,024 prefixes each value is there and the count is exact (two of 1,024 values
/// share a prefix of 64 bits once in 3 × 10^13). With 1,024 the largest of them tells how densely the
/// digests lie: standard error 1/√1022, 3.1 %. The smallest of a union are among the smallest of its
/// parts, so a merge gives what all rows at once give.
///
/// > Source: Bar-Yossef et al., "Counting Distinct Elements in a Data Stream", 2002; the unbiased
/// > estimator (k − 1)/h(k) from Beyer et al., SIGMOD 2007.
struct DistinctPrefixes: Hashable, Sendable {
  /// Ascending, no two equal; in the order-keeping form of ``CanonicalText/prefix(of:)``.
  private(set) var prefixes: [Int64] = []

  init() {}

  /// A stored state, unless no rows give it.
  init?(prefixes: [Int64]) {
    guard prefixes.count <= TileShape.prefixCountMax,
      zip(prefixes, prefixes.dropFirst()).allSatisfy({ $0 < $1 })
    else { return nil }
    self.prefixes = prefixes
  }

  /// How many different values there were.
  ///
  /// The engine computes the same from the same prefixes: additions, a division and a rounding of
  /// doubles, each exact in IEEE 754.
  var count: Int64 {
    guard prefixes.count >= TileShape.prefixCountMax, let last = prefixes.last else {
      return Int64(prefixes.count)
    }
    let height = Double(last) + 0x1p63 + 1
    let estimate = Double(TileShape.prefixCountMax - 1) * 0x1p64 / height
    return Int64(exactly: (estimate + 0.5).rounded(.down)) ?? .max
  }

  mutating func add(_ value: Datum) {
    guard let prefix = CanonicalText.prefix(of: value) else { return }
    if prefixes.count == TileShape.prefixCountMax, let last = prefixes.last, prefix >= last {
      return
    }
    let place = prefixes.partitioningIndex { $0 >= prefix }
    if place < prefixes.count, prefixes[place] == prefix { return }
    prefixes.insert(prefix, at: place)
    if prefixes.count > TileShape.prefixCountMax { prefixes.removeLast() }
  }

  mutating func merge(_ other: Self) {
    guard !other.prefixes.isEmpty else { return }
    let its = other.prefixes
    var merged: [Int64] = []
    merged.reserveCapacity(Swift.min(prefixes.count + its.count, TileShape.prefixCountMax))
    var (left, right) = (0, 0)
    while merged.count < TileShape.prefixCountMax, left < prefixes.count || right < its.count {
      let takesOwn =
        right == its.count || (left < prefixes.count && prefixes[left] <= its[right])
      let takesIts =
        left == prefixes.count || (right < its.count && its[right] <= prefixes[left])
      merged.append(takesOwn ? prefixes[left] : its[right])
      if takesOwn { left += 1 }
      if takesIts { right += 1 }
    }
    prefixes = merged
  }
}

extension RandomAccessCollection {
  /// The first index whose element satisfies a condition that holds from some element on.
  func partitioningIndex(where holds: (Element) -> Bool) -> Index {
    var (low, count) = (startIndex, self.count)
    while count > 0 {
      let half = count / 2
      let middle = index(low, offsetBy: half)
      if holds(self[middle]) {
        count = half
      } else {
        low = index(after: middle)
        count -= half + 1
      }
    }
    return low
  }
}
