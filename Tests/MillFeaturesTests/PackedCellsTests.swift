// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillFeatures
import Testing

@Suite("Values packed for an online store")
struct PackedCellsTests {
  private static let samples: [Datum] =
    [.null, .boolean(false), .boolean(true)]
    + [0, 1, -1, 63, 64, -64, -65, 8191, 8192, .max, .min, .max - 1, .min + 1].map { .integer($0) }
    + [
      0, -0.0, 1, -1, 0.1, .pi, .infinity, -.infinity, .greatestFiniteMagnitude,
      .leastNonzeroMagnitude, -.leastNormalMagnitude,
    ].map { .double($0) }
    + [0, 1, -1, .max, .min, Int128(Int64.max) + 1, Int128(Int64.min) - 1, 1 << 64, -(1 << 64)]
    .flatMap { value in [0, 2, 37, 38].map { .decimal(unscaled: value, scale: $0) } }
    + [
      "", "a", "é", "e\u{301}", "\0", "a\0b", "👩‍👩‍👧‍👦", "\u{FEFF}x", "\u{10FFFF}",
      String(repeating: "ü", count: 5000),
    ].map { .text($0) }
    + [[], [0], [255], Array(repeating: 7, count: 300), Array("é".utf8)].map { .bytes($0) }
    + [0, 1, -1, -719_162, 2_932_896, .max, .min].map { .date(CivilDate(daysSinceEpoch: $0)) }
    + [0, 1, -1, .max, .min].map { .instant(Instant(microseconds: $0)) }
    + [.instant(.earliest), .instant(.latest)]
    + [
      .list([]), .list([.null]), .list([.integer(1), .null, .text("")]), .list([.list([])]),
      .list([.list([.integer(1)]), .list([.integer(1), .integer(2)])]),
      .list(Array(repeating: .boolean(true), count: 200)),
    ]

  private static func random(_ chance: inout Chance, depth: Int = 0) -> Datum {
    let bits = chance.next()
    switch Int.random(in: 0..<(depth < 4 ? 11 : 10), using: &chance) {
    case 0: return .null
    case 1: return .boolean(bits & 1 == 0)
    case 2: return .integer(Int64(bitPattern: bits >> UInt64.random(in: 0..<64, using: &chance)))
    case 3: return .integer(-Int64(bits % 200))
    case 4:
      let value = Double(bitPattern: bits)
      return value.isNaN ? .double(1) : .double(value)
    case 5:
      let wide = Int128(Int64(bitPattern: bits)) << Int128.random(in: 0..<64, using: &chance)
      return .decimal(unscaled: wide, scale: Int.random(in: 0...38, using: &chance))
    case 6:
      let letters = ["a", "b", "\0", "é", "e\u{301}", "\u{6}", "\u{1}", "用"]
      return .text(
        (0..<Int(bits % 4)).map { _ in letters.randomElement(using: &chance) ?? "" }.joined()
      )
    case 7:
      return .bytes((0..<Int(bits % 4)).map { _ in UInt8.random(in: 0...10, using: &chance) })
    case 8: return .date(CivilDate(daysSinceEpoch: Int32(truncatingIfNeeded: bits % 4000) - 2000))
    case 9: return .instant(Instant(microseconds: Int64(bitPattern: bits)))
    default: return .list((0..<Int(bits % 4)).map { _ in random(&chance, depth: depth + 1) })
    }
  }

  /// The same value with its bits: 0.0 and −0.0 are equal and not the same.
  private func isSame(_ left: Datum, _ right: Datum) -> Bool {
    if case .double(let left) = left, case .double(let right) = right {
      return left.bitPattern == right.bitPattern
    }
    return left == right
  }

  @Test("come back as they were, whatever they are")
  func everyKind() throws {
    for value in Self.samples {
      let found = try #require(PackedCells.unpack(PackedCells.pack([value]), count: 1))
      #expect(found.count == 1 && isSame(found[0], value), "\(value)")
    }
    let all = try #require(
      PackedCells.unpack(PackedCells.pack(Self.samples), count: Self.samples.count)
    )
    #expect(zip(all, Self.samples).allSatisfy(isSame))
    #expect(PackedCells.unpack(PackedCells.pack([]), count: 0) == [])
  }

  @Test("come back as they were, at random")
  func randomRows() throws {
    for seed in UInt64(0)..<3000 {
      var chance = Chance(seed)
      let row = (0..<Int.random(in: 0...6, using: &chance)).map { _ in Self.random(&chance) }
      let packed = PackedCells.pack(row)
      let found = try #require(PackedCells.unpack(packed, count: row.count), "seed \(seed)")
      #expect(zip(found, row).allSatisfy(isSame), "seed \(seed)")
      // Another count, one byte less or one more is no such row.
      #expect(PackedCells.unpack(packed, count: row.count + 1) == nil, "seed \(seed)")
      #expect(PackedCells.unpack(packed + [0], count: row.count) == nil, "seed \(seed)")
      #expect(PackedCells.unpack(packed.dropLast(), count: row.count) == nil, "seed \(seed)")
      if !row.isEmpty {
        #expect(PackedCells.unpack(packed, count: row.count - 1) == nil, "seed \(seed)")
      }
    }
  }

  @Test("are read back only as deep as lists are ever nested")
  func depth() {
    for (depth, isRead) in [(15, true), (16, true), (17, false), (1000, false)] {
      let value = (0..<depth).reduce(Datum.null) { inner, _ in .list([inner]) }
      let found = PackedCells.unpack(PackedCells.pack([value]), count: 1)
      #expect((found == [value]) == isRead, "\(depth)")
    }
    // A list that says that it is longer than the bytes that are left.
    let long: [UInt8] = [PackedCells.format, 10, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0]
    #expect(PackedCells.unpack(long, count: 1) == nil)
    #expect(PackedCells.unpack(Array(repeating: 10, count: 100_000), count: 1) == nil)
    #expect(PackedCells.unpack([PackedCells.format + 1, 0], count: 1) == nil)
    #expect(PackedCells.unpack([], count: 0) == nil)
  }

  @Test("never trap on bytes that nobody packed")
  func garbage() {
    var read = 0
    for seed in UInt64(0)..<20_000 {
      var chance = Chance(seed &+ 1 << 32)
      var bytes: [UInt8]
      if seed % 2 == 0 {
        // Small numbers are kinds and lengths.
        let top: UInt8 = seed % 4 == 0 ? 11 : 255
        bytes = (0..<Int.random(in: 0...30, using: &chance)).map { _ in
          UInt8.random(in: 0...top, using: &chance)
        }
        bytes.insert(PackedCells.format, at: 0)
      } else {
        // A row with a few bytes changed, as a damaged disk does it.
        bytes = PackedCells.pack((0..<4).map { _ in Self.random(&chance) })
        for _ in 0..<Int.random(in: 1...3, using: &chance) {
          let place = Int.random(in: 0..<bytes.count, using: &chance)
          bytes[place] = UInt8.random(in: 0...255, using: &chance)
        }
      }
      let count = Int.random(in: 0...5, using: &chance)
      if let values = PackedCells.unpack(bytes, count: count) {
        read += 1
        #expect(values.count == count)
      }
      _ = EntityKey.decode(bytes, count: count)
    }
    #expect(read > 100, "the bytes were all too far from a row")
  }

  @Test("are keys of which no two are of the same bytes")
  func injective() throws {
    var seen: [[UInt8]: [Datum]] = [:]
    let corners: [Datum] = [
      .text(""), .text("\0"), .text("\u{3}\0"), .text("a"), .text("\u{6}\u{1}a"), .text("é"),
      .text("e\u{301}"), .text("1"), .integer(0), .integer(1), .integer(-1), .integer(3),
      .boolean(true), .boolean(false), .date(CivilDate(daysSinceEpoch: 0)),
      .date(CivilDate(daysSinceEpoch: 1)),
    ]
    var lists: [[Datum]] = corners.map { [$0] }
    for left in corners { for right in corners { lists.append([left, right]) } }
    for seed in UInt64(0)..<12_000 {
      var chance = Chance(seed &+ 77)
      lists.append(
        (0..<Int.random(in: 1...3, using: &chance)).map { _ in
          if chance.one(in: 2) { return corners.randomElement(using: &chance) ?? .boolean(true) }
          let value = Self.random(&chance, depth: 4)
          return value.isNull || value == .double(0) ? .integer(0) : value
        }
      )
    }
    for list in lists {
      let bytes = try #require(EntityKey.encode(list))
      if let other = seen[bytes] { #expect(other == list, "\(other) and \(list)") }
      seen[bytes] = list
      #expect(EntityKey.decode(bytes, count: list.count) == list)
    }
    #expect(seen.count > 6_000)
  }

  @Test("are no key where one of them is null")
  func nullKeys() {
    #expect(EntityKey.encode([.null]) == nil)
    #expect(EntityKey.encode([.integer(1), .null]) == nil)
    #expect(EntityKey.encode([.null, .text("")]) == nil)
    #expect(EntityKey.encode([]) == [])
  }
}
