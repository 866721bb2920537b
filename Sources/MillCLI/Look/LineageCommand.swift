// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import MillAssembly
internal import MillCore
internal import MillLedger
internal import MillLineage
internal import MillPipelines

/// `millrace lineage`: where data came from and where it went.
struct LineageCommand: ProjectCommand {
  static let configuration = CommandConfiguration(
    commandName: "lineage",
    abstract: "Show what datasets were made from, down to the files.",
    discussion: """
      This is what runs have read and written, not what definitions say. Without a dataset, the \
      trees begin at those that nothing else is made from.

        $ millrace lineage silver.cards --upstream
        silver.cards
        ├─ bronze.cards
        │  └─ file:data/cards.csv
        └─ silver.customers
           └─ bronze.customers
              └─ file:data/customers.csv

        $ millrace lineage bronze.cards --downstream --depth 1
        bronze.cards
        └─ silver.cards …

      With --mermaid the answer is a flowchart that Markdown on GitHub and GitLab draws.

      JSON: {"nodes": [{"name", "kind": "dataset"|"file"}], "edges": [{"input", "output", \
      "run_id", "input_version", "output_version", "recorded_at_microseconds"}]}.
      """
  )

  enum Direction: String, EnumerableFlag {
    case upstream, downstream

    static func help(for value: Direction) -> ArgumentHelp? {
      switch value {
      case .upstream: "Only what it is made from."
      case .downstream: "Only what is made from it."
      }
    }

    var direction: LineageDirection { self == .upstream ? .upstream : .downstream }
  }

  @Argument(help: "A dataset, or file: and a path (default: everything).")
  var dataset: String?

  @Flag
  var direction: Direction?

  @Option(name: .long, help: "How many steps to follow (default: all).")
  var depth: Int?

  @Flag(name: .customLong("mermaid"), help: "Answer in the language of Mermaid.")
  var isMermaid = false

  @OptionGroup
  var common: CommonOptions

  func validate() throws {
    guard depth ?? 0 >= 0 else { throw ValidationError("--depth must not be negative.") }
    guard !isMermaid || !options.json else {
      throw ValidationError("--mermaid and --json are two answers: choose one.")
    }
  }

  func run(_ console: Console) async throws -> ExitStatus {
    let workspace = try await project.open()
    let tracker = try await DataLineageTracker(ledger: workspace.ledger)
    let name = try dataset.map { try resolved($0, tracker, workspace.project) }
    if console.isJSON {
      console.show(json: graph(name, tracker).json)
      return .done
    }
    if isMermaid {
      console.output.write(graph(name, tracker).mermaid)
      return .done
    }
    let whole = tracker.graph()
    guard !whole.nodes.isEmpty else {
      console.show("nothing is known of any lineage yet: `millrace run` first")
      return .done
    }
    if let name {
      show(name, tracker, console)
    } else {
      let direction = direction?.direction ?? .upstream
      for (position, root) in roots(of: whole, direction).enumerated() {
        if position > 0 { console.show() }
        show(tracker.tree(of: root, direction: direction, depth: depth), console)
      }
    }
    return .done
  }

  /// Both directions of a name, or the one that is asked for.
  private func show(_ name: String, _ tracker: DataLineageTracker, _ console: Console) {
    let directions = direction.map { [$0.direction] } ?? LineageDirection.allCases
    let trees = directions.map { direction in
      (direction, tracker.tree(of: name, direction: direction, depth: depth))
    }
    let telling = trees.filter { $0.1.count > 1 }
    for (position, (direction, tree)) in (telling.isEmpty ? [trees[0]] : telling).enumerated() {
      if position > 0 { console.show() }
      if telling.count > 1 {
        console.show(
          console.style.dim(direction == .upstream ? "made from" : "goes into")
        )
      }
      show(tree, console)
    }
  }

  private func show(_ tree: [String], _ console: Console) {
    for (position, line) in tree.enumerated() {
      console.show(position == 0 ? console.style.bold(line) : line)
    }
  }

  /// Where the trees of everything begin: what no edge goes on from.
  private func roots(of graph: LineageGraph, _ direction: LineageDirection) -> [String] {
    let inner = Set(graph.edges.map { direction == .upstream ? $0.input : $0.output })
    let roots = graph.nodes.map(\.name).filter { !inner.contains($0) }
    return roots.isEmpty ? graph.nodes.map(\.name) : roots
  }

  private func graph(_ name: String?, _ tracker: DataLineageTracker) -> LineageGraph {
    guard let name else { return tracker.graph() }
    guard let direction = direction?.direction else {
      return tracker.graph(around: name, depth: depth)
    }
    let kept = Set(tracker.steps(from: name, direction, depth: depth).map(\.name) + [name])
    let whole = tracker.graph()
    return LineageGraph(
      nodes: whole.nodes.filter { kept.contains($0.name) },
      edges: whole.edges.filter { kept.contains($0.input) && kept.contains($0.output) }
    )
  }

  /// - Throws: `CommandError.unknownDataset` and `.ambiguousDataset`.
  private func resolved(
    _ text: String,
    _ tracker: DataLineageTracker,
    _ project: Project
  ) throws -> String {
    if tracker.contains(text) { return text }
    let seen = tracker.graph().nodes.compactMap { DatasetName($0.name) }
    let known = Set(seen + project.definition.datasets).sorted()
    return try DatasetName.named(text, among: known).description
  }
}
