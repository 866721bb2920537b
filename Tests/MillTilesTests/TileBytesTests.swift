// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillTiles
import Testing

@Suite("Tiles as bytes and as columns")
struct TileBytesTests {
  private func states(_ flavour: Flavour, _ chance: inout Chance) throws -> [TileState] {
    try shapes(of: flavour.type).flatMap { shape in
      try [0, 1, 2, 60].map { try fold(flavour.rows($0, &chance), shape) }
    }
  }

  private func decoded(_ bytes: [UInt8], _ shape: TileShape) throws(TileError) -> TileState {
    try TileState(shape, decoding: bytes.span.bytes)
  }

  @Test("a state reads back from its bytes and from its columns", arguments: Flavour.all)
  func roundTrip(flavour: Flavour) throws {
    for seed in UInt64(40)...44 {
      var chance = Chance(seed)
      for state in try states(flavour, &chance) {
        var bytes: [UInt8] = [42]
        state.encode(into: &bytes)
        #expect(bytes.first == 42)
        #expect(try decoded(Array(bytes.dropFirst()), state.shape) == state, "\(state.shape)")
        #expect(try TileState(state.shape, columns: state.columns()) == state, "\(state.shape)")
      }
    }
  }

  @Test("bytes that are cut, changed or random are refused or read, and never trap")
  func garbage() throws {
    var refused = 0
    for flavour in Flavour.all {
      var chance = Chance(45)
      for state in try states(flavour, &chance) {
        var bytes: [UInt8] = []
        state.encode(into: &bytes)
        for length in 0..<min(bytes.count, 120) {
          #expect(throws: TileError.self) { try decoded(Array(bytes[..<length]), state.shape) }
        }
        #expect(throws: TileError.self) { try decoded(bytes + [0], state.shape) }
        for _ in 0..<40 {
          refused += try survives(mutated(bytes, &chance), state) ? 0 : 1
        }
      }
    }
    #expect(refused > 1000)
  }

  /// Whether bytes are read; what is read is used in every way.
  private func survives(_ bytes: [UInt8], _ state: TileState) throws -> Bool {
    guard var read = try? decoded(bytes, state.shape) else { return false }
    var other = read
    try other.merge(state)
    try read.merge(other)
    try read.merge(read)
    for aggregation in allAggregations where state.shape.kind.answers(aggregation) {
      _ = try read.finish(aggregation)
    }
    return true
  }

  private func mutated(_ bytes: [UInt8], _ chance: inout Chance) -> [UInt8] {
    var changed = bytes
    switch Int.random(in: 0..<4, using: &chance) {
    case 0:
      let header = Array(bytes.prefix(2))
      return header
        + (0..<Int.random(in: 0...40, using: &chance)).map { _ in
          UInt8.random(in: .min ... .max, using: &chance)
        }
    case 1:
      for _ in 0..<3 {
        let index = Int.random(in: 0..<changed.count, using: &chance)
        changed[index] = [0, 0xFF, 0x7F, 0x80].randomElement(using: &chance) ?? 0
      }
    case 2:
      let index = Int.random(in: 0..<changed.count, using: &chance)
      changed[index] ^= 1 << UInt8.random(in: 0..<8, using: &chance)
    default:
      let index = Int.random(in: 0..<changed.count, using: &chance)
      changed.insert(UInt8.random(in: .min ... .max, using: &chance), at: index)
    }
    return changed
  }

  @Test("another version and another kind are named")
  func header() throws {
    let shape = try #require(TileShape(.count, of: .long))
    #expect(throws: TileError.unknownVersion(2)) { try decoded([2, 1, 1, 0], shape) }
    #expect(throws: TileError.damaged(shape, .kind(2))) { try decoded([1, 2, 1, 0], shape) }
    #expect(throws: TileError.damaged(shape, .truncated)) { try decoded([], shape) }
    #expect(try decoded([1, 1, 1, 10], shape).finish(.count) == .integer(5))
    // A longer way to write 5.
    #expect(throws: TileError.self) { try decoded([1, 1, 1, 0x8A, 0], shape) }
  }

  @Test("columns that no rows give are refused by name")
  func columns() throws {
    let sum = try #require(TileShape(.sum, of: .long))
    let zero = Datum.decimal(unscaled: 0, scale: 0)
    #expect(throws: TileError.damaged(sum, .columnCount(1))) { try TileState(sum, columns: [zero]) }
    #expect(throws: TileError.damaged(sum, .columnType("n"))) {
      try TileState(sum, columns: [.null, zero])
    }
    #expect(throws: TileError.damaged(sum, .columnValue("sum"))) {
      try TileState(sum, columns: [.integer(-1), zero])
    }
    let buckets = try #require(TileShape(.buckets, of: .double))
    let wrong: [(buckets: [Int64], counts: [Int64])] = [
      ([2, 1], [1, 1]), ([1], [0]), ([1], []), ([9_000_000], [1]),
    ]
    for (indexes, counts) in wrong {
      #expect(throws: TileError.damaged(buckets, .columnValue("counts"))) {
        try TileState(
          buckets,
          columns: [.list(indexes.map { .integer($0) }), .list(counts.map { .integer($0) })]
        )
      }
    }
  }
}
