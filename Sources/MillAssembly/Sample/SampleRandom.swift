// SPDX-License-Identifier: Apache-2.0

/// Random numbers that are the same on every platform for the same seed.
///
/// > Source: Blackman and Vigna, "Scrambled Linear Pseudorandom Number Generators" (xoshiro256**),
/// > its state filled by SplitMix64 as they advise.
struct SampleRandom {
  private var a: UInt64
  private var b: UInt64
  private var c: UInt64
  private var d: UInt64

  /// One stream of numbers; streams of one seed are independent of each other.
  init(seed: UInt64, stream: UInt64) {
    var state = seed &+ stream &* 0xD1B5_4A32_D192_ED03
    func filled() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var word = state
      word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
      word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
      return word ^ (word >> 31)
    }
    a = filled()
    b = filled()
    c = filled()
    d = filled()
  }

  mutating func next() -> UInt64 {
    let scrambled = b &* 5
    let result = ((scrambled << 7) | (scrambled >> 57)) &* 9
    let shifted = b << 17
    c ^= a
    d ^= b
    b ^= c
    a ^= d
    c ^= shifted
    d = (d << 45) | (d >> 19)
    return result
  }

  /// A number in `0..<bound`; `bound` is at least one.
  mutating func below(_ bound: Int) -> Int {
    Int(truncatingIfNeeded: next().multipliedFullWidth(by: UInt64(truncatingIfNeeded: bound)).high)
  }

  /// A number in `range`, both ends included.
  mutating func within(_ range: ClosedRange<Int>) -> Int {
    range.lowerBound + below(range.upperBound - range.lowerBound + 1)
  }

  /// About a standard normal: the sum of twelve uniform numbers, which needs no `log` or `cos`
  /// whose last bit differs from one C library to the next.
  mutating func normal() -> Double {
    var sum: UInt64 = 0
    for _ in 0..<3 {
      let word = next()
      sum &+= (word & 0xFFFF) &+ ((word >> 16) & 0xFFFF)
      sum &+= ((word >> 32) & 0xFFFF) &+ (word >> 48)
    }
    return (Double(sum) - 393_210) / 65_536
  }

  /// The same items in a random order.
  mutating func shuffle<Item>(_ items: inout [Item]) {
    for last in stride(from: items.count - 1, to: 0, by: -1) {
      items.swapAt(last, below(last + 1))
    }
  }
}
