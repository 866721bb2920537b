// SPDX-License-Identifier: Apache-2.0

/// Says of text arriving in chunks where it stops being UTF-8.
///
/// Overlong forms, surrogates and values above U+10FFFF are refused; a sequence may lie across any
/// number of chunks.
///
/// > Source: The Unicode Standard, table 3-7 (well-formed UTF-8 byte sequences).
struct UTF8Check {
  /// Continuation bytes still to come of the sequence at hand, and the bounds of the next one.
  private var missing = 0
  private var lower: UInt8 = 0x80
  private var upper: UInt8 = 0xBF
  /// Where in the text the sequence at hand, and the next chunk, start.
  private var sequenceStart = 0
  private var chunkStart = 0

  /// The offset in the text of the first sequence that is not UTF-8, or nil.
  mutating func feed(_ chunk: UnsafeRawBufferPointer) -> Int? {
    guard let base = chunk.baseAddress else { return nil }
    let count = chunk.count
    var index = 0
    while index < count {
      if missing == 0 {
        index = Self.skipASCII(base, count, from: index)
        if index == count { break }
      }
      let byte = base.load(fromByteOffset: index, as: UInt8.self)
      if missing > 0 {
        guard byte >= lower, byte <= upper else { return sequenceStart }
        missing &-= 1
        lower = 0x80
        upper = 0xBF
      } else {
        sequenceStart = chunkStart &+ index
        guard startSequence(byte) else { return sequenceStart }
      }
      index &+= 1
    }
    chunkStart += count
    return nil
  }

  /// The offset of a sequence that the end of the text cut, or nil.
  func finish() -> Int? { missing > 0 ? sequenceStart : nil }

  @inline(__always)
  private mutating func startSequence(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x00...0x7F: return true
    case 0xC2...0xDF: missing = 1
    case 0xE0: (missing, lower) = (2, 0xA0)
    case 0xED: (missing, upper) = (2, 0x9F)
    case 0xE1...0xEF: missing = 2
    case 0xF0: (missing, lower) = (3, 0x90)
    case 0xF1...0xF3: missing = 3
    case 0xF4: (missing, upper) = (3, 0x8F)
    default: return false
    }
    return true
  }

  /// The index of the first byte from `start` on that is not ASCII, or the count.
  @inline(__always)
  private static func skipASCII(_ base: UnsafeRawPointer, _ count: Int, from start: Int) -> Int {
    var index = start
    while index &+ 64 <= count {
      let a = base.loadUnaligned(fromByteOffset: index, as: SIMD4<UInt64>.self)
      let b = base.loadUnaligned(fromByteOffset: index &+ 32, as: SIMD4<UInt64>.self)
      let both = a | b
      if (both[0] | both[1] | both[2] | both[3]) & 0x8080_8080_8080_8080 != 0 { break }
      index &+= 64
    }
    while index &+ 8 <= count {
      let high = ByteWord.load(base, at: index) & 0x8080_8080_8080_8080
      if high != 0 { return index &+ (high.trailingZeroBitCount &>> 3) }
      index &+= 8
    }
    while index < count, base.load(fromByteOffset: index, as: UInt8.self) < 0x80 { index &+= 1 }
    return index
  }
}
