// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillTiles
import Testing

@Suite("The table of edges for quantiles")
struct BucketTests {
  /// Numbers at, just below and just above edges of all sizes, found as the answers for single values
  /// change.
  private func numbers(_ chance: inout Chance) -> [Double] {
    let roots = (0..<35).map { step in
      // 2^(step/35) by repeated multiplication: near an edge, on either side of it.
      (0..<step).reduce(1.0) { product, _ in product * 1.0200016094211992 }
    }
    var numbers: [Double] = [0, .infinity, .greatestFiniteMagnitude, .leastNormalMagnitude]
    numbers += [.leastNonzeroMagnitude, Double.leastNormalMagnitude.nextDown]
    for _ in 0..<150 {
      let exponent = Int.random(in: -1022...1023, using: &chance)
      let root = roots.randomElement(using: &chance) ?? 1
      var number = Double(sign: .plus, exponent: exponent, significand: root)
      for _ in 0..<8 { number = number.nextDown }
      for _ in 0..<16 {
        numbers.append(number)
        number = number.nextUp
      }
    }
    return numbers + numbers.map { -$0 }
  }

  @Test("DuckDB and Swift place every number in the same bucket, to the bit at the edges")
  func placement() throws {
    let shape = try #require(TileShape(.buckets, of: .double))
    for seed in UInt64(50)...52 {
      var chance = Chance(seed)
      let rows = numbers(&chance).enumerated().map { index, number in
        Row(
          key: Int64(index),
          order: EventOrderParts(time: 0, knowledge: 0, id: []),
          isKept: true,
          value: .double(number)
        )
      }
      let tables = try TileTables(rows, .double)
      try tables.makeTiles(shape)
      for tile in try tables.tiles(shape) {
        guard case .integer(let index) = tile[0] else { continue }
        let own = try fold([rows[Int(index)]], shape)
        #expect(own.columns() == Array(tile[2...]), "seed \(seed), \(rows[Int(index)].value)")
      }
    }
  }

  @Test("buckets keep the order of numbers and answer within 0.991 % of each")
  func order() throws {
    let shape = try #require(TileShape(.buckets, of: .double))
    var chance = Chance(53)
    var last = -Double.infinity
    for number in numbers(&chance).sorted() {
      var state = TileState(shape)
      let order = EventOrder(time: .earliest, knowledge: .earliest, id: [])
      try state.add(.double(number), at: order)
      guard case .double(let answer) = try state.finish(.quantile(0.5)) else {
        Issue.record("no answer for \(number)")
        continue
      }
      #expect(answer >= last)
      #expect(near(answer, number, within: 0.00991 * abs(number) + 2.3e-308), "\(number)")
      last = answer
    }
  }
}
