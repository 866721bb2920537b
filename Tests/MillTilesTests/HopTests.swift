// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillTiles
import Testing

@Suite("Hops, windows and tilings")
struct HopTests {
  @Test("each hop divides the next")
  func grid() {
    for (small, large) in zip(Hop.allCases, Hop.allCases.dropFirst()) {
      #expect(large.microseconds % small.microseconds == 0)
    }
  }

  @Test(
    "the default hop is the largest that divides the window and fits twelve times",
    arguments: [
      ("1min", nil), ("90s", nil), ("2min", "10s"), ("10min", "10s"), ("12min", "1min"),
      ("1h", "5min"), ("61min", "1min"), ("12h", "1h"), ("24h", "1h"), ("7d", "1h"), ("12d", "1d"),
      ("30d", "1d"), ("130s", "10s"), ("125s", nil),
    ] as [(String, String?)]
  )
  func defaults(window: String, hop: String?) throws {
    let length = try #require(Duration(text: window))
    #expect(Hop.default(for: length) == hop.flatMap { Hop(text: $0) })
  }

  @Test("a moment belongs to the hop that begins at or before it, before 1970 too")
  func floors() {
    #expect(Hop.hour.floor(at(-1)) == at(-3_600_000_000))
    #expect(Hop.hour.floor(at(0)) == at(0))
    #expect(Hop.hour.floor(at(3_599_999_999)) == at(0))
    #expect(Hop.hour.floor(at(-3_600_000_000)) == at(-3_600_000_000))
    #expect(Hop.hour.ceiling(at(-1)) == at(0))
    #expect(Hop.day.floor(at(.min)) == at(.min))
  }

  @Test("SQL and Swift agree on the hop of every moment")
  func floorSQL() throws {
    var chance = Chance(30)
    var moments = (0..<200).map { _ in
      Int64.random(in: -62_135_596_800_000_000...253_402_300_799_999_999, using: &chance)
    }
    moments += [-1, 0, 1, -10_000_000, 10_000_000, -86_400_000_001, 86_399_999_999]
    let tables = try TileTables([], .long)
    let list = moments.map { "(make_timestamptz(\($0)))" }.joined(separator: ", ")
    for hop in Hop.allCases {
      let floor = tables.sql.floor("t", to: hop)
      let rows = try tables.query("SELECT t, \(floor) FROM (VALUES \(list)) v(t)")
      #expect(rows.count == moments.count)
      for row in rows {
        guard case .instant(let time) = row[0] else { continue }
        #expect(row[1] == .instant(hop.floor(time)))
      }
    }
  }

  @Test("a window holds its lower bound and not the query itself")
  func windows() throws {
    let exact = try #require(Window(length: .seconds(60), edge: .exact))
    let query = at(100_500_000)
    #expect(exact.lowerBound(at: query) == at(40_500_000))
    #expect(exact.contains(at(40_500_000), at: query))
    #expect(!exact.contains(at(40_499_999), at: query))
    #expect(exact.contains(at(100_499_999), at: query))
    #expect(!exact.contains(query, at: query))
    let hopping = try #require(Window(length: .seconds(60), edge: .hop(.tenSeconds)))
    #expect(hopping.lowerBound(at: query) == at(40_000_000))
    #expect(hopping.lowerBound(at: at(30_000_001)) == at(-30_000_000))
    #expect(hopping.lowerBound(at: at(29_999_999)) == at(-40_000_000))
    #expect(hopping.reach == "1 min up to 1 min 10 s by hops of 10 s")
    #expect(exact.reach == "1 min")
    #expect(Window(length: .zero, edge: .exact) == nil)
    #expect(Window(length: .nanoseconds(1500), edge: .exact) == nil)
    #expect(Window(length: .seconds(5), edge: .hop(.tenSeconds)) == nil)
  }

  @Test("a tiling covers its stretch once, with rows for less than the smallest hop at each end")
  func tilings() {
    for seed in UInt64(31)...33 {
      var chance = Chance(seed)
      for _ in 0..<500 {
        let levels = Hop.allCases.filter { _ in !chance.one(in: 3) }
        let span = Hop.allCases.randomElement(using: &chance)?.microseconds ?? 1
        let start = Int64.random(in: -300_000_000_000...300_000_000_000, using: &chance)
        let end = start + Int64.random(in: 0...(span * 3), using: &chance)
        let aligned = chance.one(in: 2)
        let from = aligned ? Hop.tenSeconds.floor(at(start)) : at(start)
        let tiling = HopTiling(from: from, to: at(end), levels: levels)
        check(tiling, from, at(end), levels, "seed \(seed)")
      }
    }
  }

  private func check(
    _ tiling: HopTiling,
    _ from: Instant,
    _ end: Instant,
    _ levels: [Hop],
    _ comment: Comment
  ) {
    var reached = from
    for piece in tiling.pieces {
      #expect(piece.range.lowerBound == reached && !piece.range.isEmpty, comment)
      reached = piece.range.upperBound
      if case .tiles(let hop, let range) = piece {
        #expect(hop.floor(range.lowerBound) == range.lowerBound, comment)
        #expect(hop.floor(range.upperBound) == range.upperBound, comment)
        #expect(levels.contains(hop), comment)
      } else if let smallest = levels.min() {
        let fits = smallest.ceiling(piece.range.lowerBound) + smallest.length
        #expect(fits > piece.range.upperBound, comment)
      }
    }
    #expect(reached == end, comment)
    // No larger tile lies whole within smaller ones.
    for (index, piece) in tiling.pieces.enumerated() {
      guard case .tiles(let hop, let range) = piece,
        let larger = levels.filter({ $0 > hop }).min()
      else { continue }
      let fits = larger.ceiling(range.lowerBound) + larger.length <= range.upperBound
      #expect(!fits, "\(comment), piece \(index)")
    }
  }

  @Test("the example of the documentation")
  func example() throws {
    let start = try #require(Instant(iso8601: "2024-05-02 10:58:30"))
    let end = try #require(Instant(iso8601: "2024-05-02 13:00:10"))
    let tiling = HopTiling(from: start, to: end, levels: [.hour, .minute])
    #expect(tiling.pieces.count == 4)
    #expect(tiling.tileCount == 3)
    #expect(HopTiling(from: end, to: start, levels: [.hour]).pieces.isEmpty)
  }

  private func at(_ microseconds: Int64) -> Instant { Instant(microseconds: microseconds) }
}
