// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillLake
import MillTesting
import Testing

@Suite("Which files a condition needs")
struct FileSkippingTests {
  // MARK: Against brute force

  @Test(
    "no file with a row that a condition is true of is left out, and those without mostly are",
    arguments: 0..<24
  )
  func random(seed: UInt64) throws {
    let chance = SeededRandom(seed: seed)
    var (useless, skipped, certain, surely) = (0, 0, 0, 0)
    for number in 0..<15 {
      let table = RandomTable(chance)
      let snapshot = try table.snapshot()
      let oracles = OracleEngine.allCases.map {
        PredicateOracle(columns: table.columns, engine: $0, chance: chance)
      }
      for _ in 0..<20 {
        let predicate = table.predicate(depth: 4)
        let skipping = snapshot.skipping(predicate)
        let kept = snapshot.files(matching: predicate).map(\.path)
        #expect(Set(kept).count == kept.count, "seed \(seed), table \(number)")
        #expect(
          Set(kept).isSubset(of: table.files.map(\.add.path)),
          "seed \(seed), table \(number)"
        )
        for file in table.files {
          let truths = oracles.flatMap { oracle in
            file.rows.map { oracle.truth(predicate, of: $0) }
          }
          let mayMatch = skipping.mayMatch(file.add)
          let surelyMatches = skipping.surelyMatchesAll(file.add)
          var what: Comment {
            "seed \(seed), table \(number): \(predicate) on \(file.add); rows \(file.rows)"
          }
          #expect(mayMatch || !truths.contains(true), what)
          #expect(!surelyMatches || truths.allSatisfy { $0 == true }, what)
          #expect(kept.contains(file.add.path) == mayMatch, what)
          if !truths.contains(true) { useless += 1 }
          if !mayMatch { skipped += 1 }
          if truths.allSatisfy({ $0 == true }) { certain += 1 }
          if surelyMatches { surely += 1 }
        }
      }
    }
    print("SHARE", seed, useless, skipped, certain, surely)
  }
}
