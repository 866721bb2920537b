// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillTiles
import Testing

@Suite("The algebra of tiles")
struct TileLawTests {
  @Test(
    "any split, any order and any nesting of merges gives the state of all rows",
    arguments: Flavour.all
  )
  func anyOrder(flavour: Flavour) throws {
    for seed in UInt64(10)...19 {
      var chance = Chance(seed)
      let rows = flavour.rows(120, &chance)
      for shape in shapes(of: flavour.type) {
        let whole = try fold(rows, shape)
        var parts = Dictionary(grouping: rows.shuffled(using: &chance)) { _ in
          Int.random(in: 0..<9, using: &chance)
        }.values.map { $0 }
        parts.append([])
        var states = try parts.map { try fold($0, shape) }.shuffled(using: &chance)
        while states.count > 1 {
          let index = Int.random(in: 1..<states.count, using: &chance)
          let other = states.remove(at: index)
          let target = Int.random(in: 0..<states.count, using: &chance)
          try states[target].merge(other)
        }
        let comment = Comment(rawValue: "seed \(seed), \(shape)")
        #expect(agree(whole.columns(), states[0].columns(), shape), comment)
        for aggregation in allAggregations where shape.kind.answers(aggregation) {
          let answer = try states[0].finish(aggregation)
          let naive = NaiveAnswer(rows: rows, type: flavour.type)
          #expect(naive.accepts(answer, for: aggregation), "\(comment), \(aggregation): \(answer)")
        }
      }
    }
  }

  @Test("the state of no rows changes nothing on either side", arguments: Flavour.all)
  func neutral(flavour: Flavour) throws {
    var chance = Chance(20)
    let rows = flavour.rows(50, &chance)
    for shape in shapes(of: flavour.type) {
      let state = try fold(rows, shape)
      var left = TileState(shape)
      var right = state
      try left.merge(state)
      try right.merge(TileState(shape))
      #expect(left == state && right == state, "\(shape)")
      #expect(TileState(shape).isEmpty)
    }
  }

  @Test("nulls and NaN leave an empty tile empty")
  func skipped() throws {
    for shape in shapes(of: .double) {
      var state = TileState(shape)
      try state.add(.null, at: order(1))
      try state.add(.double(.nan), at: order(2))
      #expect(state.isEmpty, "\(shape)")
    }
  }

  @Test("a sum of longs beyond the range of a long is null, its mean is not")
  func overflow() throws {
    let shape = try #require(TileShape(.sum, of: .long))
    var state = TileState(shape)
    for index in 0..<2 { try state.add(.integer(.max), at: order(Int64(index))) }
    #expect(try state.finish(.sum) == .null)
    #expect(try state.finish(.mean) == .double(9.223372036854775807e18))
    try state.add(.integer(.min), at: order(3))
    #expect(try state.finish(.sum) == .integer(.max - 1))
  }

  @Test("a sum of decimals beyond 38 digits is absent and stays absent through storage")
  func decimalOverflow() throws {
    let shape = try #require(TileShape(.sum, of: .decimal(precision: 38, scale: 0)))
    var state = TileState(shape)
    let nines = Int128(99_999_999_999_999_999_999_999_999_999_999_999_999)
    for index in 0..<3 {
      try state.add(.decimal(unscaled: nines, scale: 0), at: order(Int64(index)))
    }
    #expect(try state.finish(.sum) == .null)
    #expect(try state.finish(.count) == .integer(3))
    let stored = try TileState(shape, columns: state.columns())
    #expect(stored == state)
  }

  @Test("the first and the last value follow time, then knowledge, then identity")
  func ties() throws {
    let shape = try #require(TileShape(.first, of: .string))
    let last = try #require(TileShape(.last, of: .string))
    let rows: [(EventOrder, String)] = [
      (order(5, 0, [9]), "time"), (order(4, 3, [0]), "knowledge"), (order(4, 2, [2]), "identity"),
      (order(4, 2, [1, 255]), "longer identity"), (order(4, 2, [1]), "first"),
      (order(5, 0, [9, 0]), "last"),
    ]
    var (front, back) = (TileState(shape), TileState(last))
    for (order, text) in rows {
      try front.add(.text(text), at: order)
      try back.add(.text(text), at: order)
    }
    #expect(try front.finish(.first) == .text("first"))
    #expect(try back.finish(.last) == .text("last"))
  }

  @Test("a tile refuses a value of another type and a tile of another shape")
  func mismatch() throws {
    let sum = try #require(TileShape(.sum, of: .long))
    let decimal = try #require(TileShape(.sum, of: .decimal(precision: 9, scale: 2)))
    var state = TileState(sum)
    #expect(throws: TileError.valueType(sum)) { try state.add(.text("1"), at: order(1)) }
    #expect(throws: TileError.unlike(sum, decimal)) { try state.merge(TileState(decimal)) }
    #expect(throws: TileError.notAnswered(.min, sum)) { try state.finish(.min) }
    var wrong = TileState(decimal)
    #expect(throws: TileError.valueType(decimal)) {
      try wrong.add(.decimal(unscaled: 1, scale: 3), at: order(1))
    }
    #expect(state.isEmpty && wrong.isEmpty)
  }

  @Test("variance keeps its digits where the mean is a billion times the spread")
  func largeMean() throws {
    let shape = try #require(TileShape(.moments, of: .double))
    var parts: [TileState] = []
    for start in stride(from: 0, to: 1000, by: 10) {
      var state = TileState(shape)
      for index in start..<start + 10 {
        try state.add(.double(1e9 + Double(index % 7)), at: order(Int64(index)))
      }
      parts.append(state)
    }
    var whole = TileState(shape)
    for part in parts { try whole.merge(part) }
    guard case .double(let variance) = try whole.finish(.variancePopulation) else {
      Issue.record("no variance")
      return
    }
    let values = (0..<1000).map { Double($0 % 7) }
    let mean = values.reduce(0, +) / 1000
    let exact = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 1000
    // The mean is rounded to 1e-7 here; a difference of sums of squares would be off by hundreds.
    #expect(near(variance, exact, within: 1e-7 * exact))
  }

  private func order(_ time: Int64, _ knowledge: Int64 = 0, _ id: [UInt8] = []) -> EventOrder {
    EventOrder(
      time: Instant(microseconds: time),
      knowledge: Instant(microseconds: knowledge),
      id: id
    )
  }
}
