// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import MillAssembly
internal import MillCore
internal import MillFeatures

/// `millrace features lineage NAME`: from the column to the model, and back.
struct FeaturesLineageCommand: ProjectCommand {
  static let configuration = CommandConfiguration(
    commandName: "lineage",
    abstract: "Show what a feature is made from, and what it goes into.",
    discussion: """
      NAME is a feature or a view, a column or table that features read (silver.payments.amount), a \
      service, or a training set by id or name. What tables are made from, `millrace lineage` tells.

        $ millrace features lineage card_spend.amount_mean_7d
        made from
        card_spend.amount_mean_7d
        ├─ silver.payments.amount (value)
        │  └─ silver.payments
        └─ silver.payments.paid_at (time)
           └─ silver.payments

        goes into
        card_spend.amount_mean_7d
        └─ card_habit.amount_to_habit (on demand, as habit)
           └─ fraud (service)

      JSON: {"nodes": [{"kind": "table"|"column"|"query"|"feature"|"on_demand"|"service"|\
      "training_set", "name"}], "edges": [{"input", "output", "role"}]}; nodes in edges by name.
      """
  )

  enum Direction: String, EnumerableFlag {
    case upstream, downstream

    static func help(for value: Direction) -> ArgumentHelp? {
      switch value {
      case .upstream: "Only what it is made from."
      case .downstream: "Only what it goes into."
      }
    }
  }

  @Argument(help: "A feature, view, column, table, service or training set.")
  var name: String

  @Flag
  var direction: Direction?

  @OptionGroup
  var common: CommonOptions

  private var directions: [FeatureLineage.Direction] {
    switch direction {
    case .upstream: [.upstream]
    case .downstream: [.downstream]
    case nil: [.upstream, .downstream]
    }
  }

  func run(_ console: Console) async throws -> ExitStatus {
    try await project.withWorkspace(console) { workspace in
      let lineage = try await workspace.features().lineage()
      let roots = lineage.nodes(named: name)
      guard !roots.isEmpty else {
        throw CommandError.unknownDataset(
          name: name,
          nearest: nearestName(to: name, among: lineage.nodes.map(\.name))
        )
      }
      if console.isJSON {
        show(lineage, roots, console)
        return .done
      }
      let telling = directions.filter { direction in
        roots.contains { !lineage.steps(from: $0, direction).isEmpty }
      }
      for (position, direction) in (telling.isEmpty ? [directions[0]] : telling).enumerated() {
        if position > 0 { console.show() }
        if telling.count > 1 {
          console.show(console.style.dim(direction == .upstream ? "made from" : "goes into"))
        }
        for root in roots {
          console.show(console.style.bold(lineage.title(of: root, role: nil)))
          show(lineage, under: root, direction, indent: "", console)
        }
      }
      return .done
    }
  }

  private func show(
    _ lineage: FeatureLineage,
    under node: FeatureLineage.Node,
    _ direction: FeatureLineage.Direction,
    indent: String,
    _ console: Console
  ) {
    // Every step leads to another kind, and so the depth is that of the kinds.
    let steps = lineage.steps(from: node, direction)
    for (position, step) in steps.enumerated() {
      let isLast = position == steps.count - 1
      console.show(
        "\(indent)\(isLast ? "└─" : "├─") \(lineage.title(of: step.node, role: step.role))"
      )
      show(
        lineage,
        under: step.node,
        direction,
        indent: indent + (isLast ? "   " : "│  "),
        console
      )
    }
  }

  private func show(
    _ lineage: FeatureLineage,
    _ roots: [FeatureLineage.Node],
    _ console: Console
  ) {
    let edges = directions.flatMap { lineage.edges(from: roots, $0) }
    var nodes = roots
    for node in edges.flatMap({ [$0.input, $0.output] }) where !nodes.contains(node) {
      nodes.append(node)
    }
    console.show(
      json: [
        "nodes": .array(
          nodes.map { node in
            [
              "kind": .string(node.kind.rawValue), "name": .string(node.name),
            ]
          }
        ),
        "edges": .array(
          edges.map { edge in
            [
              "input": .string(edge.input.name), "output": .string(edge.output.name),
              "role": edge.role.map { .string($0) } ?? .null,
            ]
          }
        ),
      ]
    )
  }
}

extension FeatureLineage {
  /// A node as it stands in a tree.
  fileprivate func title(of node: Node, role: String?) -> String {
    let (name, kind): (String, String?) =
      switch node.kind {
      case .table, .column, .query, .feature: (node.name, nil)
      case .onDemand: (node.name, "on demand")
      case .service: (node.name, "service")
      case .trainingSet:
        (node.name, "training set" + (setNames[node.name].map { " \($0)" } ?? ""))
      }
    let notes = [kind, role].compactMap(\.self)
    return notes.isEmpty ? name : "\(name) (\(notes.joined(separator: ", ")))"
  }
}
