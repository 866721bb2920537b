// SPDX-License-Identifier: Apache-2.0

import MillCore
import Testing

/// One deliberate mistake in the meaning of features.
struct Mutant: Sendable, CustomTestStringConvertible {
  let name: String
  /// Takes one of the oracle's decisions otherwise.
  let change: @Sendable (inout Rules) -> Void
  /// Changes the rows that the oracle is given.
  let rows: @Sendable (HistoryRow, Scenario) -> HistoryRow

  var testDescription: String { name }

  init(_ name: String, _ change: @escaping @Sendable (inout Rules) -> Void) {
    self.name = name
    self.change = change
    rows = { row, _ in row }
  }

  init(_ name: String, rows: @escaping @Sendable (HistoryRow, Scenario) -> HistoryRow) {
    self.name = name
    change = { _ in }
    self.rows = rows
  }

  static let all = edges + orders + visibility + values

  private static let edges = [
    Mutant("a latest value is seen 1 µs before it happens") { $0.latestEnd = 1 },
    Mutant("a latest value at the label's time is not seen") { $0.latestEnd = -1 },
    Mutant("a time to live ends 1 µs late") { $0.ttlEnd = 1 },
    Mutant("a time to live excludes its end") { $0.ttlEnd = -1 },
    Mutant("a time to live is ignored") { $0.ignoresTTL = true },
    Mutant("a time to live is counted from when a row was known") { $0.countsAge = .knowledge },
    Mutant("a time to live is counted from when a row was seen") { $0.countsAge = .later },
    Mutant("a window begins 1 µs late") { $0.windowStart = 1 },
    Mutant("a window begins 1 µs early") { $0.windowStart = -1 },
    Mutant("a window holds the label's own time") { $0.windowEnd = 1 },
    Mutant("a window ends 1 µs early") { $0.windowEnd = -1 },
    Mutant("hops are cut toward zero") { $0.floor = .towardZero },
    Mutant("hops are cut upwards") { $0.floor = .up },
    Mutant("hops are not cut at all") { $0.floor = .nowhere },
  ]

  private static let orders = [
    Mutant("of equal times and knowledge the first by id wins") { $0.order = .idTurned },
    Mutant("knowledge does not break ties") { $0.order = .timeID },
    Mutant("what was known last is the newest") { $0.order = .knowledgeTimeID },
    Mutant("a correction loses to what it corrects") { $0.order = .knowledgeTurned },
    Mutant("equal ids: all rows of one time are alike") { row, _ in
      var row = row
      row.id = .null
      return row
    },
  ]

  private static let visibility = [
    Mutant("knowledge is ignored") { $0.ignoresKnowledge = true },
    Mutant("knowledge is ignored in windows") { $0.ignoresKnowledgeInWindows = true },
    Mutant("knowledge is ignored in latest values") { $0.ignoresKnowledgeInLatest = true },
    Mutant("a row known at the label's time is hidden") { $0.knowledgeEnd = -1 },
    Mutant("a row known 1 µs later is seen") { $0.knowledgeEnd = 1 },
    Mutant("a row known before it happened is hidden") { $0.hidesEarlyKnowledge = true },
    Mutant("null is a key like others") { $0.nullKeysAreEqual = true },
    Mutant("a zone is ignored") { row, scenario in
      guard scenario.times == .naive else { return row }
      var row = row
      row.t = row.t.map { $0 + Scenario.zone }
      return row
    },
    Mutant("a delay is ignored") { row, scenario in
      guard scenario.knowledge == .delay else { return row }
      var row = row
      row.k = row.t
      return row
    },
    Mutant("microseconds are cut off") { row, _ in
      var row = row
      row.t = row.t.map { $0 - $0 % 1000 }
      return row
    },
  ]

  private static let values = [
    Mutant("a null falls back to the value before it") { $0.fallsBackFromNulls = true },
    Mutant("nulls are counted") { $0.countsNulls = true },
    Mutant("a mean divides by nulls too") { $0.meanCountsNulls = true },
    Mutant("a count of nothing is null") { $0.emptyCountIsNull = true },
    Mutant("a sum of nothing is 0") { $0.emptySumIsZero = true },
    Mutant("a filter is ignored") { $0.ignoresFilter = true },
    Mutant("a filter that is null passes") { $0.nullPassesFilter = true },
    Mutant("min and max are swapped") { $0.minIsMax = true },
    Mutant("first and last are swapped") { $0.firstIsLast = true },
    Mutant("first and last take nulls") { $0.edgesTakeNulls = true },
    Mutant("a sample's variance is that of a population") { $0.samplesArePopulations = true },
    Mutant("a standard deviation is a variance") { $0.forgetsRoot = true },
    Mutant("the rank of a quantile is cut off") { $0.rankIsFloored = true },
    Mutant("equal counts are in no order of values") { $0.topTiesTurn = true },
  ]
}

@Suite("Deliberate mistakes in what features mean are seen")
struct MutantTests {
  @Test("a mutant disagrees", arguments: Mutant.all)
  func mutant(mutant: Mutant) async throws {
    #expect(try await disagreement(mutant) != nil)
  }

  /// The first cell that is not as the oracle with a mistake has it.
  private func disagreement(_ mutant: Mutant) async throws -> String? {
    for task in Scenario.answered {
      let (scenario, answers) = try await task.value
      var oracle = Oracle(scenario.rows.map { mutant.rows($0, scenario) })
      mutant.change(&oracle.rules)
      for (row, question) in scenario.questions.enumerated() {
        for (column, feature) in scenario.features.enumerated() {
          let expected = oracle.answer(
            feature.wanted,
            question,
            knowledge: scenario.respectsKnowledge
          )
          guard expected.accepts(answers[row][column]) else {
            return "seed \(scenario.seed), \(feature.name) of label \(row)"
          }
        }
      }
    }
    return nil
  }
}
