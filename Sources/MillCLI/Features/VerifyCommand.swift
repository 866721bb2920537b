// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import MillAssembly
internal import MillCore
internal import MillFeatures

/// `millrace features verify`: whether models are served what they were trained on.
struct FeaturesVerifyCommand: ProjectCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Hold online answers against the join that trains models; fail on any difference.",
    discussion: """
      Entities that the online store knows are asked for online, and the same questions are joined \
      as the labels of a training set, over the same versions of the tables. The exit status is 1 \
      when a cell differs, or when there is nothing to compare.

        $ millrace features verify
        VIEW          ENTITIES   CELLS  DIFFERENT
        card_profile     1,000   3,000          –

      JSON: {"views": [{"view", "as_of", "entities", "features": [{"feature", "compared", \
      "different", "beyond_kept", "example": {"keys", "online", "offline"}}]}]}.
      """
  )

  @Argument(help: "Views (default: all).")
  var views: [String] = []

  @Option(name: .long, help: "How many entities of each view.")
  var sample = 1000

  @OptionGroup
  var common: CommonOptions

  func validate() throws {
    guard (1...100_000).contains(sample) else {
      throw ValidationError("--sample must be from 1 to 100000.")
    }
  }

  func run(_ console: Console) async throws -> ExitStatus {
    try await project.withWorkspace(console) { workspace in
      let store = try await workspace.features()
      let online = try await workspace.onlineStore()
      let names =
        views.isEmpty
        ? store.definitions.views.filter(store.isServable).map(\.name) : views
      var reports: [(view: String, report: VerificationReport)] = []
      for name in names {
        reports.append((name, try await store.verify(name, in: online, sampling: sample)))
      }
      show(reports, console)
      // What was not compared is not proven.
      guard reports.contains(where: { $0.report.entities > 0 }) else {
        console.warn("nothing was compared: the online store has no entity of these views")
        return .checkFailed
      }
      return reports.allSatisfy { $0.report.different == 0 } ? .done : .checkFailed
    }
  }

  private func show(
    _ reports: [(view: String, report: VerificationReport)],
    _ console: Console
  ) {
    if console.isJSON {
      console.show(
        json: ["views": .array(reports.map { $0.report.answer(of: $0.view) })]
      )
      return
    }
    var table = FittingTable([
      .init("VIEW"), .init("ENTITIES", .trailing), .init("CELLS", .trailing),
      .init("DIFFERENT", .trailing),
    ])
    for (view, report) in reports {
      let cells = report.features.reduce(0) { $0 + $1.compared }
      table.append([
        .init(view), .init(NumberText.grouped(report.entities)), .init(NumberText.grouped(cells)),
        report.different == 0
          ? .init("–") : .init(NumberText.grouped(report.different), .red),
      ])
    }
    console.show(table)
    for feature in reports.flatMap(\.report.features) where feature.beyondKept > 0 {
      console.show(
        "\(feature.feature): \(NumberText.grouped(feature.beyondKept)) not compared, of keys with more "
          + "rows than `max_events_per_key`"
      )
    }
    for feature in reports.flatMap(\.report.features) where feature.different > 0 {
      let example = feature.example.map {
        ": \($0.keys.joined(separator: ", ")) has \($0.online) online, \($0.offline) in training"
      }
      console.show(
        "\(feature.feature): \(NumberText.grouped(feature.different)) differ" + (example ?? "")
      )
    }
  }
}

extension VerificationReport {
  fileprivate func answer(of view: String) -> JSONValue {
    [
      "view": .string(view), "as_of": .string(asOf.description), "entities": .int(entities),
      "features": .array(
        features.map { feature in
          [
            "feature": .string(feature.feature.description),
            "compared": .int(feature.compared), "different": .int(feature.different),
            "beyond_kept": .int(feature.beyondKept),
            "example": feature.example.map { example in
              [
                "keys": .array(example.keys.map { .string($0) }),
                "online": .string(example.online), "offline": .string(example.offline),
              ]
            } ?? .null,
          ]
        }
      ),
    ]
  }
}
