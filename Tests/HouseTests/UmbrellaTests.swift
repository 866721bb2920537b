// SPDX-License-Identifier: Apache-2.0

import Foundation
import Millrace
import Testing

/// The example of the README, over the one import that it shows.
@Suite("One import")
struct UmbrellaTests {
  @Test("is enough to make a project's tables and read what became of them")
  func readme() async throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("mill-umbrella-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try PaymentsProject(rows: 200, seed: 1).write(to: folder)
    let project = try Project.load(folder: folder)
    let workspace = try await Workspace(project: project)
    let pipeline = try await workspace.pipeline()
    #expect(try await pipeline.plan(["+gold.card_day"]).contains { $0.work == .load })
    let report = try await pipeline.run(["+gold.card_day"])
    for outcome in report.outcomes {
      #expect(outcome.status == .published && outcome.account?.isBalanced == true)
    }
    #expect(report.outcomes.last?.dataset.description == "gold.card_day")
  }
}
