// SPDX-License-Identifier: Apache-2.0

/// Eight bytes looked at together.
///
/// Plain integer arithmetic: what SIMD masks cost to turn into bits on baseline x86-64 is more than
/// they save at lines of a hundred bytes.
///
/// > Source: Warren, Hacker's Delight, 6-1 (exact zero byte test).
enum ByteWord {
  @inline(__always)
  static func pattern(_ byte: UInt8) -> UInt64 { UInt64(byte) &* 0x0101_0101_0101_0101 }

  /// 0x80 in each byte of `word` that equals the byte repeated in `pattern`, zero elsewhere.
  @inline(__always)
  static func matches(_ word: UInt64, _ pattern: UInt64) -> UInt64 {
    let low: UInt64 = 0x7F7F_7F7F_7F7F_7F7F
    let difference = word ^ pattern
    return ~(((difference & low) &+ low) | difference | low)
  }

  /// How many bytes matched.
  @inline(__always)
  static func count(_ matches: UInt64) -> Int {
    Int(truncatingIfNeeded: ((matches &>> 7) &* 0x0101_0101_0101_0101) &>> 56)
  }

  /// The lowest match alone.
  @inline(__always)
  static func lowest(_ matches: UInt64) -> UInt64 { matches & (0 &- matches) }

  /// Eight bytes, the first of them lowest.
  @inline(__always)
  static func load(_ base: UnsafeRawPointer, at index: Int) -> UInt64 {
    UInt64(littleEndian: base.loadUnaligned(fromByteOffset: index, as: UInt64.self))
  }

  /// The `count` < 8 last bytes of a buffer, and the mask of the matches that are theirs.
  @inline(never)
  static func loadTail(_ base: UnsafeRawPointer, at index: Int, count: Int) -> (UInt64, UInt64) {
    var word: UInt64 = 0
    for position in 0..<count {
      word |= UInt64(base.load(fromByteOffset: index + position, as: UInt8.self)) << (8 * position)
    }
    return (word, (1 << (8 * UInt64(count))) - 1)
  }
}
