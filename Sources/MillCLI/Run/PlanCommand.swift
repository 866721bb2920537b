// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import MillAssembly
internal import MillCore
internal import MillPipelines

/// `millrace plan`: what a run would do.
struct PlanCommand: ProjectCommand {
  static let configuration = CommandConfiguration(
    commandName: "plan",
    abstract: "Show what a run would do now, and why.",
    discussion: """
      Nothing is made. Selectors are those of `millrace run`.

        $ millrace plan +silver.cards
        DATASET           WHAT        WHY
        bronze.cards      load        1 new, 0 changed files
        bronze.customers  up to date  no new files
        silver.customers  up to date
        silver.cards      depends     after bronze.cards

        2 datasets to make: `millrace run`

      JSON: {"datasets": [{"dataset", "work": "load"|"full"|"append"|"nothing"|"depends", \
      "reason"}]}.
      """
  )

  @Argument(help: Selectors.help)
  var selectors: [String] = []

  @OptionGroup
  var common: CommonOptions

  func run(_ console: Console) async throws -> ExitStatus {
    try await project.withWorkspace { workspace in
      let nodes = try await workspace.pipeline().plan(selectors)
      if console.isJSON {
        console.show(
          json: [
            "datasets": .array(
              nodes.map { node in
                [
                  "dataset": .string(node.dataset.description),
                  "work": .string(node.work.rawValue),
                  "reason": .string(node.reason),
                ]
              }
            )
          ]
        )
        return .done
      }
      var table = TextTable([.init("DATASET"), .init("WHAT"), .init("WHY")])
      for node in nodes {
        table.append([
          .init(node.dataset.description), .init(node.work.text, node.work.ink),
          .init(node.reason == node.work.text ? "" : node.reason),
        ])
      }
      console.show(table)
      console.show()
      let count = nodes.count { $0.work != .nothing }
      console.show(
        count == 0
          ? "nothing to do"
          : "\(NumberText.counted(count, "dataset")) to make: `millrace run`"
      )
      return .done
    }
  }
}

/// How datasets are chosen on the command line.
enum Selectors {
  static let help = ArgumentHelp(
    "Datasets; +NAME is NAME with all it is made from, NAME+ with all made from it.",
    discussion: "Nothing named means everything.",
    valueName: "selector"
  )
}

extension PlannedNode.Work {
  fileprivate var text: String {
    switch self {
    case .nothing: "up to date"
    case .load, .full, .append, .depends: rawValue
    }
  }

  fileprivate var ink: Ink? {
    switch self {
    case .nothing: .dim
    case .load, .full, .append: .green
    case .depends: .cyan
    }
  }
}
