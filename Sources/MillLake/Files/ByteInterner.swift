// SPDX-License-Identifier: Apache-2.0

internal import MillCore

/// Gives equal texts one number, in the order in which they first come; nothing is allocated for a
/// text that is known.
struct ByteInterner: Sendable {
  private var texts = ByteColumn()
  private var hashes: [UInt64] = []
  /// Numbers of texts plus one, at their hashes; 0 where there is none.
  private var slots = [Int32](repeating: 0, count: 16)

  /// The number of a text; that of a new one is the count of those before.
  mutating func place(of text: UnsafeRawBufferPointer) -> Int {
    let hash = quickHash(text)
    var slot = Int(truncatingIfNeeded: hash) & (slots.count &- 1)
    while slots[slot] != 0 {
      let known = Int(slots[slot]) &- 1
      if hashes[known] == hash, texts.equals(known, text) { return known }
      slot = (slot &+ 1) & (slots.count &- 1)
    }
    texts.append(text)
    hashes.append(hash)
    slots[slot] = Int32(hashes.count)
    if hashes.count * 2 > slots.count { grow() }
    return hashes.count - 1
  }

  private mutating func grow() {
    slots = [Int32](repeating: 0, count: slots.count * 2)
    for (index, hash) in hashes.enumerated() {
      var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
      while slots[slot] != 0 { slot = (slot + 1) & (slots.count - 1) }
      slots[slot] = Int32(index + 1)
    }
  }
}

/// A hash of bytes for look-ups within one process: fast, and no defence against chosen keys, so
/// equal hashes are always followed by a comparison.
func quickHash(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
  var hash: UInt64 = 0x9E37_79B9_7F4A_7C15 ^ UInt64(truncatingIfNeeded: bytes.count)
  var offset = 0
  while offset &+ 8 <= bytes.count {
    let word = bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
    hash = (hash ^ word) &* 0xFF51_AFD7_ED55_8CCD
    hash ^= hash >> 32
    offset &+= 8
  }
  while offset < bytes.count {
    hash = (hash ^ UInt64(bytes[offset])) &* 0x0000_0100_0000_01B3
    offset &+= 1
  }
  return hash ^ (hash >> 29)
}
