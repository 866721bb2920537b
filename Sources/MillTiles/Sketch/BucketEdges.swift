// SPDX-License-Identifier: Apache-2.0

/// The one table of edges into which numbers are counted for quantiles.
///
/// Every power of two is cut into 35 buckets of ratio 2^(1/35) = 1.0200. The table holds the edges
/// from 1 to 2; those of other powers of two are the same times the power, which is exact. So all
/// edges of all normal doubles are known to the bit, on every engine, and a number is placed by
/// comparing it with them. A logarithm, whose last bits differ from one library to another, may guess
/// where to look but never decides.
///
/// | number | bucket |
/// | --- | --- |
/// | 0 and subnormal numbers | 0 |
/// | 2^e·edge(j) ≤ x < 2^e·edge(j + 1), e from −1022 to 1023, j from 0 to 34 | 35·e + j + 35,771 |
/// | +∞ | 71,611 |
/// | below zero | minus the bucket of −x |
///
/// Buckets are in the order of numbers. The middle 2ab/(a + b) of a bucket from a to b is within
/// (b − a)/(b + a) = 0.991 % of each number in it; for bucket 0 it is within 2.3e-308.
enum BucketEdges {
  /// How many buckets a power of two has.
  static let perOctave = 35

  /// The least power of two, that of the smallest normal number.
  static let exponentMin = -1022

  /// The bucket of the smallest normal number, less one: 35·1022 + 1 − 1 before it is zero.
  static let offset = 35 * 1022 + 1

  /// The bucket of +∞.
  static let last = 35 * 1024 + offset

  /// 2^(j/35) for j from 0 to 34, each the nearest double.
  static let edges: [Double] = [
    1.0, 1.0200016094211992, 1.0404032832218364, 1.0612130233333728,
    1.0824389917387767, 1.1040895136738123, 1.1261730808923576, 1.148698354997035,
    1.1716741708364595, 1.195109539970438, 1.2190136542044754, 1.2433958891949821,
    1.2682658081265845, 1.293633165462994, 1.3195079107728942, 1.3459001926323562,
    1.3728203626053053, 1.4002789793036055, 1.4282868125283514, 1.456854847493993,
    1.4859942891369484, 1.515716566510398, 1.5460333372669801, 1.5769564922311472,
    1.6084981600629789, 1.640670712015276, 1.673486766785806, 1.706959195466601,
    1.7411011265922482, 1.775925951289156, 1.8114473285278134, 1.8476791904801013,
    1.8846357479837614, 1.9223314961161622, 1.960781219879547,
  ]

  /// The middles of the buckets from 1 to 2.
  static let middles: [Double] = edges.indices.map { index in
    let low = edges[index]
    let high = index + 1 < edges.count ? edges[index + 1] : 2
    return 2 * low * high / (low + high)
  }

  /// The bucket of a number; nil for NaN.
  static func bucket(of number: Double) -> Int32? {
    guard !number.isNaN else { return nil }
    let magnitude = number.magnitude
    if magnitude < .leastNormalMagnitude { return 0 }
    let bucket =
      if magnitude.isInfinite {
        last
      } else {
        perOctave * Int(magnitude.exponent) + offset
          + edges.partitioningIndex { $0 > magnitude.significand } - 1
      }
    return Int32(number < 0 ? -bucket : bucket)
  }

  /// The number that stands for all of a bucket.
  static func middle(of bucket: Int32) -> Double {
    let distance = Int(bucket.magnitude)
    guard distance > 0 else { return 0 }
    guard distance < last else { return bucket < 0 ? -.infinity : .infinity }
    // Counted from the smallest normal number, so that the division has no sign to care for.
    let place = distance - 1
    let power = Double(
      sign: .plus,
      exponent: place / perOctave + exponentMin,
      significand: 1
    )
    let middle = middles[place % perOctave] * power
    return bucket < 0 ? -middle : middle
  }
}
