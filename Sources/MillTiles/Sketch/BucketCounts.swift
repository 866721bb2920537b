// SPDX-License-Identifier: Apache-2.0

/// How many numbers lie in each bucket of ``BucketEdges``.
struct BucketCounts: Hashable, Sendable {
  /// Buckets with numbers, ascending.
  private(set) var buckets: [Int32] = []

  /// How many numbers each of them holds, at least one.
  private(set) var counts: [Int64] = []

  init() {}

  /// A stored state, unless no rows give it.
  init?(buckets: [Int32], counts: [Int64]) {
    guard buckets.count == counts.count, counts.allSatisfy({ $0 > 0 }),
      buckets.allSatisfy({ $0.magnitude <= BucketEdges.last }),
      zip(buckets, buckets.dropFirst()).allSatisfy({ $0 < $1 })
    else { return nil }
    self.buckets = buckets
    self.counts = counts
  }

  /// The middle of the bucket of the smallest number with at least this fraction of all numbers at or
  /// below it; nil where there are none.
  ///
  /// Fractions outside of 0 to 1 are taken for the nearer end.
  func quantile(_ fraction: Double) -> Double? {
    let total = counts.reduce(Int64(0)) { $0.addingSaturated($1) }
    // Doubles, as on the engine: both round the product in the same way.
    let rank = (fraction * Double(total)).rounded(.up)
    var sum: Int64 = 0
    for (bucket, count) in zip(buckets, counts) {
      sum = sum.addingSaturated(count)
      if Double(sum) >= rank { return BucketEdges.middle(of: bucket) }
    }
    return buckets.last.map { BucketEdges.middle(of: $0) }
  }

  mutating func add(_ number: Double) {
    guard let bucket = BucketEdges.bucket(of: number) else { return }
    let place = buckets.partitioningIndex { $0 >= bucket }
    if place < buckets.count, buckets[place] == bucket {
      counts[place] = counts[place].addingSaturated(1)
    } else {
      buckets.insert(bucket, at: place)
      counts.insert(1, at: place)
    }
  }

  mutating func merge(_ other: Self) {
    guard !other.buckets.isEmpty else { return }
    var merged = Self()
    var (left, right) = (0, 0)
    while left < buckets.count || right < other.buckets.count {
      let isOwn =
        right == other.buckets.count
        || (left < buckets.count && buckets[left] <= other.buckets[right])
      let isIts =
        left == buckets.count
        || (right < other.buckets.count && other.buckets[right] <= buckets[left])
      merged.buckets.append(isOwn ? buckets[left] : other.buckets[right])
      merged.counts.append(
        (isOwn ? counts[left] : 0).addingSaturated(isIts ? other.counts[right] : 0)
      )
      if isOwn { left += 1 }
      if isIts { right += 1 }
    }
    self = merged
  }
}
