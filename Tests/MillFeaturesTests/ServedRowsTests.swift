// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillFeatures
import Testing

@Suite("Rendered rows in memory")
struct ServedRowsTests {
  private static func row(_ table: Int, _ key: UInt8, _ value: Int64) -> ServedRow {
    ServedRow(
      table: table,
      key: [key],
      epoch: 1,
      from: Instant(microseconds: 0),
      StandingValues(
        cells: [FeatureValue(value: .integer(value), status: .present)],
        until: Instant(microseconds: .max)
      ),
      keepingValues: false
    )
  }

  private static func text(_ row: ServedRow?) -> String? {
    row?.withText(0) { String(decoding: $0, as: UTF8.self) }
  }

  /// Few homes for many keys, some of them at the end of the table, so that rows stand in each other's way.
  private static func hash(_ table: Int, _ key: UInt8) -> UInt {
    UInt(key % 5) &* 13 &+ 60 &+ UInt(table) << 40 &+ (key % 2 == 0 ? 1 << 50 : 0)
  }

  @Test(
    "are found, replaced and removed as in a dictionary, whatever collides",
    arguments: UInt64(0)..<20
  )
  func model(seed: UInt64) {
    var chance = Chance(seed)
    let rows = ServedRows(capacity: ByteCount(bytes: 1 << 30), shards: 2)
    var model: [[Int]: Int64] = [:]
    for step in 0..<4000 {
      let table = Int.random(in: 0...1, using: &chance)
      let key = UInt8.random(in: 0...(step < 2000 ? 20 : 120), using: &chance)
      let hash = Self.hash(table, key)
      switch Int.random(in: 0..<5, using: &chance) {
      case 0, 1:
        let value = Int64(step)
        rows.insert(Self.row(table, key, value), hash, since: rows.removals(hash))
        model[[table, Int(key)]] = value
      case 2:
        [key].withUnsafeBytes { rows.remove(table, $0, hash) }
        model[[table, Int(key)]] = nil
      default:
        let found = [key].withUnsafeBytes { rows.find(table, $0, hash) }
        #expect(Self.text(found) == model[[table, Int(key)]].map { "\($0)" }, "step \(step)")
      }
    }
    #expect(rows.usage.rows == model.count)
    let weights = model.map { place, value in Self.row(place[0], UInt8(place[1]), value).weight }
    #expect(rows.usage.bytes == weights.reduce(0, +))
    for (place, value) in model {
      let key = UInt8(place[1])
      let found = [key].withUnsafeBytes { rows.find(place[0], $0, Self.hash(place[0], key)) }
      #expect(Self.text(found) == "\(value)")
    }
  }

  @Test(
    "take no more than their bound, and what goes is seldom what is asked for",
    arguments: UInt64(0)..<5
  )
  func bound(seed: UInt64) {
    var chance = Chance(seed)
    let weight = Self.row(0, 0, 1).weight
    let rows = ServedRows(capacity: ByteCount(bytes: Int64(weight * 50)), shards: 1)
    let kept: [UInt8] = [3, 4, 5]
    var misses = 0
    var values: [UInt8: Int64] = [:]
    func ask(_ key: UInt8) -> ServedRow? {
      [key].withUnsafeBytes { rows.find(0, $0, ServedRows.hash(0, $0)) }
    }
    for step in 0..<3000 {
      let key = step < 3 ? kept[step] : UInt8.random(in: 10...255, using: &chance)
      let hash = [key].withUnsafeBytes { ServedRows.hash(0, $0) }
      let value = Int64.random(in: 1...9, using: &chance)
      rows.insert(Self.row(0, key, value), hash, since: rows.removals(hash))
      values[key] = value
      #expect(rows.usage.bytes <= weight * 50)
      #expect(Self.text(ask(key)) == "\(value)", "what was put in last is there")
      for key in kept.prefix(step + 1) where ask(key) == nil {
        misses += 1
        let hash = [key].withUnsafeBytes { ServedRows.hash(0, $0) }
        rows.insert(Self.row(0, key, 1), hash, since: rows.removals(hash))
        values[key] = 1
      }
    }
    // By chance each of them would go about every fiftieth time.
    #expect(misses < 60)
    #expect(rows.usage.rows == 50)
    #expect(rows.usage.evicted > 100)
    for (key, value) in values {
      if let row = ask(key) { #expect(Self.text(row) == "\(value)") }
    }
  }

  @Test("are not put in when they were read before a write of their key")
  func readBefore() {
    let rows = ServedRows(capacity: ByteCount(bytes: 1 << 20))
    let hash = [UInt8(1)].withUnsafeBytes { ServedRows.hash(0, $0) }
    func ask() -> String? { Self.text([UInt8(1)].withUnsafeBytes { rows.find(0, $0, hash) }) }
    let before = rows.removals(hash)
    [UInt8(1)].withUnsafeBytes { rows.remove(0, $0, hash) }
    rows.insert(Self.row(0, 1, 7), hash, since: before)
    #expect(ask() == nil)
    rows.insert(Self.row(0, 1, 8), hash, since: rows.removals(hash))
    #expect(ask() == "8")
  }

  @Test("that are longer than a part of the memory are not kept")
  func large() {
    let rows = ServedRows(capacity: ByteCount(bytes: 400), shards: 2)
    let hash = [UInt8(1)].withUnsafeBytes { ServedRows.hash(0, $0) }
    rows.insert(Self.row(0, 1, 7), hash, since: 0)
    #expect(rows.usage.rows == 0)
  }
}
