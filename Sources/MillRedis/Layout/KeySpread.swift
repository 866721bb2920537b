// SPDX-License-Identifier: Apache-2.0

/// Picks keys that are spread over all, of keys that come in any order and perhaps twice.
///
/// Of up to `capacity` different keys the choice is exact: every n-th in their order. Of more, it is
/// made among the `capacity` keys of the least hash, which is a sample of them by chance, though the
/// same one each time. Memory is bounded by twice the capacity.
package struct KeySpread {
  private let wanted: Int
  private let capacity: Int
  private var held: [(hash: UInt64, key: [UInt8])] = []

  package init(_ wanted: Int, capacity: Int = 65_536) {
    self.wanted = max(0, wanted)
    self.capacity = max(capacity, self.wanted)
  }

  package mutating func add(_ key: [UInt8]) {
    held.append((Self.hash(of: key), key))
    if held.count >= capacity * 2 { cut() }
  }

  package consuming func finish() -> [[UInt8]] {
    cut()
    let keys = held.map(\.key).sorted { $0.lexicographicallyPrecedes($1) }
    let count = min(wanted, keys.count)
    return (0..<count).map { keys[$0 * keys.count / count] }
  }

  private mutating func cut() {
    held.sort { $0.hash != $1.hash ? $0.hash < $1.hash : $0.key.lexicographicallyPrecedes($1.key) }
    var kept: [(hash: UInt64, key: [UInt8])] = []
    for entry in held where kept.last?.key != entry.key {
      if kept.count == capacity { break }
      kept.append(entry)
    }
    held = kept
  }

  /// > Source: Fowler, Noll, Vo: FNV-1a, then the finalizer of MurmurHash3, which spreads short keys.
  private static func hash(of key: [UInt8]) -> UInt64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in key { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    hash = (hash ^ hash >> 33) &* 0xff51_afd7_ed55_8ccd
    hash = (hash ^ hash >> 33) &* 0xc4ce_b9fe_1a85_ec53
    return hash ^ hash >> 33
  }
}
