// SPDX-License-Identifier: Apache-2.0

package import MillCore
internal import Synchronization

/// Rendered rows in memory, bounded by bytes; those that nobody asked for lately go first.
///
/// An open table of slots in several shards, each behind a lock of its own. A row is found without an
/// allocation. Room is made by the clock: a hand goes over the slots and takes the first row that was
/// not asked for since it passed last.
package final class ServedRows: Sendable {
  fileprivate struct Shard {
    var slots: [ServedRow?] = Array(repeating: nil, count: 64)
    /// 0 where there is no row.
    var hashes: [UInt] = Array(repeating: 0, count: 64)
    var wasUsed: [Bool] = Array(repeating: false, count: 64)
    var count = 0
    var weight = 0
    var hand = 0
    /// Counts removals of rows that were written meanwhile: what was read before is not put in.
    var removals: UInt64 = 0
    var evicted: UInt64 = 0
  }

  private final class Locked: Sendable {
    let shard = Mutex(Shard())
  }

  private let shards: [Locked]
  private let weightMax: Int

  package init(capacity: ByteCount, shards count: Int = 16) {
    shards = (0..<count).map { _ in Locked() }
    weightMax = max(1, Int(clamping: capacity.bytes) / count)
  }

  /// A number that later tells whether the shard of a key lost a row that was written.
  package func removals(_ hash: UInt) -> UInt64 { shard(hash).shard.withLock(\.removals) }

  package static func hash(_ table: Int, _ key: UnsafeRawBufferPointer) -> UInt {
    var hasher = Hasher()
    hasher.combine(table)
    hasher.combine(bytes: key)
    // 0 stands for an empty slot.
    return UInt(bitPattern: hasher.finalize()) | 1
  }

  private func shard(_ hash: UInt) -> Locked { shards[Int(hash >> 48) % shards.count] }

  /// The row of a key, of whatever age.
  package func find(_ table: Int, _ key: UnsafeRawBufferPointer, _ hash: UInt) -> ServedRow? {
    shard(hash).shard.withLock { shard in
      guard let slot = shard.slot(of: table, key, hash) else { return nil }
      shard.wasUsed[slot] = true
      return shard.slots[slot]
    }
  }

  /// What to look for: the place among those that are asked for together, where the key's bytes are,
  /// and its hash.
  struct Wanted {
    var row: Int
    var range: Range<Int>
    var hash: UInt
  }

  /// The rows of some keys, of whatever age, each handed out with the shard's number of removals.
  ///
  /// Each shard is locked once: a lock for each key would keep the processor from looking for several
  /// rows at a time, and what takes time here is waiting for memory.
  func find(
    _ table: Int,
    _ wanted: [Wanted],
    in keys: UnsafeRawBufferPointer,
    _ body: (Wanted, ServedRow?, _ removals: UInt64) -> Void
  ) {
    // Linked lists of the keys of each shard.
    var first = Array(repeating: -1, count: shards.count)
    var next = Array(repeating: -1, count: wanted.count)
    for index in wanted.indices.reversed() {
      let shard = Int(wanted[index].hash >> 48) % shards.count
      next[index] = first[shard]
      first[shard] = index
    }
    for (number, start) in first.enumerated() where start >= 0 {
      shards[number].shard.withLock { shard in
        var index = start
        while index >= 0 {
          let key = wanted[index]
          let bytes = UnsafeRawBufferPointer(rebasing: keys[key.range])
          if let slot = shard.slot(of: table, bytes, key.hash) {
            shard.wasUsed[slot] = true
            body(key, shard.slots[slot], shard.removals)
          } else {
            body(key, nil, shard.removals)
          }
          index = next[index]
        }
      }
    }
  }

  /// Puts a row in, unless its key was written since ``removals(_:)`` gave a number.
  package func insert(_ row: ServedRow, _ hash: UInt, since removals: UInt64) {
    let weightMax = weightMax
    shard(hash).shard.withLock { shard in
      guard shard.removals == removals, row.weight <= weightMax else { return }
      let slot = row.key.withUnsafeBytes { shard.slot(of: row.table, $0, hash) }
      if let slot {
        shard.weight += row.weight - (shard.slots[slot]?.weight ?? 0)
        shard.slots[slot] = row
        shard.wasUsed[slot] = true
      } else {
        if (shard.count + 1) * 4 > shard.slots.count * 3 { shard.grow() }
        shard.add(row, hash)
      }
      while shard.weight > weightMax, shard.evict() {}
    }
  }

  /// Takes a row out that was written in the store.
  func remove(_ table: Int, _ key: [UInt8]) {
    key.withUnsafeBytes { remove(table, $0, Self.hash(table, $0)) }
  }

  package func remove(_ table: Int, _ key: UnsafeRawBufferPointer, _ hash: UInt) {
    shard(hash).shard.withLock { shard in
      shard.removals &+= 1
      if let slot = shard.slot(of: table, key, hash) { shard.remove(at: slot) }
    }
  }

  /// Rows, bytes, and rows that went for room.
  package var usage: (rows: Int, bytes: Int, evicted: UInt64) {
    shards.reduce(into: (0, 0, 0)) { sum, locked in
      locked.shard.withLock { shard in
        sum.0 += shard.count
        sum.1 += shard.weight
        sum.2 += shard.evicted
      }
    }
  }
}

extension ServedRows.Shard {
  private var mask: UInt { UInt(slots.count - 1) }

  func slot(of table: Int, _ key: UnsafeRawBufferPointer, _ hash: UInt) -> Int? {
    var place = Int(hash & mask)
    // A row is looked at only where its hash fits: each is somewhere else in memory.
    while hashes[place] != 0 {
      if hashes[place] == hash, let row = slots[place], row.table == table, row.has(key) {
        return place
      }
      place = Int(UInt(place + 1) & mask)
    }
    return nil
  }

  mutating func add(_ row: ServedRow, _ hash: UInt) {
    var place = Int(hash & mask)
    while slots[place] != nil { place = Int(UInt(place + 1) & mask) }
    slots[place] = row
    hashes[place] = hash
    wasUsed[place] = true
    count += 1
    weight += row.weight
  }

  /// Rows behind the gap move up, so that a search never stops too early.
  mutating func remove(at slot: Int) {
    weight -= slots[slot]?.weight ?? 0
    count -= 1
    var gap = slot
    var place = Int(UInt(gap + 1) & mask)
    while slots[place] != nil {
      let home = Int(hashes[place] & mask)
      let isBehindGap =
        UInt(bitPattern: place - home) & mask >= UInt(bitPattern: place - gap) & mask
      if isBehindGap {
        slots[gap] = slots[place]
        hashes[gap] = hashes[place]
        wasUsed[gap] = wasUsed[place]
        gap = place
      }
      place = Int(UInt(place + 1) & mask)
    }
    slots[gap] = nil
    hashes[gap] = 0
  }

  /// - Returns: False when there is nothing that could go.
  mutating func evict() -> Bool {
    guard count > 0 else { return false }
    while true {
      let place = hand
      guard slots[place] != nil else {
        hand = Int(UInt(hand + 1) & mask)
        continue
      }
      if wasUsed[place] {
        wasUsed[place] = false
        hand = Int(UInt(hand + 1) & mask)
        continue
      }
      remove(at: place)
      evicted += 1
      return true
    }
  }

  mutating func grow() {
    let old = (slots, hashes, wasUsed)
    slots = Array(repeating: nil, count: old.0.count * 2)
    hashes = Array(repeating: 0, count: slots.count)
    wasUsed = Array(repeating: false, count: slots.count)
    (count, weight, hand) = (0, 0, 0)
    for place in old.0.indices {
      guard let row = old.0[place] else { continue }
      let used = old.2[place]
      add(row, old.1[place])
      if !used, let slot = row.key.withUnsafeBytes({ slot(of: row.table, $0, old.1[place]) }) {
        wasUsed[slot] = false
      }
    }
  }
}
