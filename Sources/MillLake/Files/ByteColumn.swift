// SPDX-License-Identifier: Apache-2.0

/// Texts one after the other in one piece of memory: no allocation for each of them.
///
/// An absent text and an empty one are the same here.
package struct ByteColumn: Sendable {
  private(set) var bytes: [UInt8] = []
  private var ends: [Int] = []

  package init() {}

  package var count: Int { ends.count }

  /// The memory in use.
  package var sizeInBytes: Int { bytes.count + 8 * ends.count }

  package mutating func reserve(rows: Int, bytes count: Int) {
    ends.reserveCapacity(rows)
    bytes.reserveCapacity(count)
  }

  package mutating func append(_ text: UnsafeRawBufferPointer) {
    bytes.append(contentsOf: text)
    ends.append(bytes.count)
  }

  package mutating func append(_ text: String) {
    bytes.append(contentsOf: text.utf8)
    ends.append(bytes.count)
  }

  /// Where the bytes of a row lie in the memory of all.
  package func range(_ row: Int) -> Range<Int> { (row == 0 ? 0 : ends[row - 1])..<ends[row] }

  package subscript(row: Int) -> String {
    String(decoding: bytes[range(row)], as: UTF8.self)
  }

  package func isEmpty(_ row: Int) -> Bool { range(row).isEmpty }

  /// All bytes, for a walk over many rows.
  package func withBytes<Result, Issue: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Issue) -> Result
  ) throws(Issue) -> Result {
    let outcome: Swift.Result<Result, Issue> = bytes.withUnsafeBytes { bytes in
      Swift.Result { () throws(Issue) -> Result in try body(bytes) }
    }
    return try outcome.get()
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
