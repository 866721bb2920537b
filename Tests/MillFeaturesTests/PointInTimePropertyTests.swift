// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillFeatures
import Testing

@Suite("Features as of a label's time are what the oracle says")
struct PointInTimePropertyTests {
  @Test("every cell of fifty random histories", arguments: Scenario.answered.indices)
  func histories(seed: Int) async throws {
    let (scenario, found) = try await Scenario.answered[seed].value
    let oracle = Oracle(scenario.rows)
    try #require(found.count == scenario.questions.count)
    var wrong: [String] = []
    for (row, question) in scenario.questions.enumerated() {
      for (column, feature) in scenario.features.enumerated() {
        let expected = oracle.answer(
          feature.wanted,
          question,
          knowledge: scenario.respectsKnowledge
        )
        if !expected.accepts(found[row][column]) {
          wrong.append(
            "\(feature.name) of \(question.key) at \(question.q): \(found[row][column]), "
              + "expected \(expected)"
          )
        }
      }
    }
    #expect(wrong.isEmpty, "\(wrong.count) cells; \(wrong.prefix(3).joined(separator: "\n"))")
  }
}
