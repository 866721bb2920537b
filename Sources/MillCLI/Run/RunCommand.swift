// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import MillAssembly
internal import MillCore
internal import MillPipelines

/// `millrace run`: make what has changed.
struct RunCommand: ProjectCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Make everything that has changed.",
    discussion: """
      New files are loaded into bronze; models whose inputs or definition changed are made \
      again. Rows that break a rule go to quarantine or keep the dataset from being published, as \
      the rule says; records that cannot be decoded become dead letters. A dataset that fails \
      keeps only what is made from it waiting. A second run finds nothing to do.

        $ millrace run
        ✓ bronze.cards  500 rows in 35 ms, 1 dead letter
        ✓ silver.cards  496 rows in 59 ms, 3 quarantined
        …
        12 made in 586 ms; read 4.4 MiB

      One run has a project at a time. Ctrl-C ends it in good order: what was published stays, \
      and the next run takes up the rest.

      JSON: {"run_id", "status": "succeeded"|"failed", "started_at", "ended_at", "seconds", \
      "bytes_read", "counts": {"published", "unchanged", "failed", "waiting"}, "datasets": \
      [{"dataset", "status", "reason", "version", "seconds", "bytes_read", "account", "rules": \
      [{"rule", "kind", "severity", "status", "evaluated", "violations", "mostly"}], "notes", \
      "error"}]}. The account of a load has "files", "lines", "bronze", "dead_letters" and \
      "blank"; that of a model "inputs", "candidates", "published", "quarantined", \
      "deduplicated", "filtered", "repaired" and "incremental".
      """
  )

  @Argument(help: Selectors.help)
  var selectors: [String] = []

  @Flag(name: .customLong("no-progress"), help: "Say nothing until the end.")
  var isQuiet = false

  @OptionGroup
  var common: CommonOptions

  func run(_ console: Console) async throws -> ExitStatus {
    try await project.withWorkspace { workspace in
      let pipeline = try await workspace.pipeline()
      let report = try await report(of: pipeline, console)
      if console.isJSON {
        console.show(json: report.answer)
      } else {
        RunSummary(report: report).show(on: console)
      }
      for outcome in report.failures {
        guard let error = outcome.error else { continue }
        console.show(onError: ErrorReport(error, projectFolder: projectFolder))
        console.remark("")
      }
      if !console.isJSON {
        console.show(RunSummary(report: report).closingLine(console.style))
      }
      return ExitStatus(report)
    }
  }

  private func report(
    of pipeline: MedallionPipeline,
    _ console: Console
  ) async throws -> RunReport {
    let count = try pipeline.graph.selected(by: selectors).count
    let isLive = console.error.canRedraw
    guard !isQuiet, isLive || !console.isJSON else {
      return try await Interruption.cancelling(onSignal: {}) { [selectors] in
        try await pipeline.run(selectors)
      }
    }
    return try await ProgressReporter.withReporter(
      nodeCount: count,
      style: console.errorStyle,
      terminal: console.error
    ) { reporter in
      let lines = ProgressText(style: console.errorStyle, isLive: isLive)
      return try await Interruption.cancelling {
        reporter.report(.message("stopping; what is published stays (again to leave at once)"))
      } _: { [selectors] in
        try await pipeline.run(selectors) { event in
          for event in lines.events(for: event) { reporter.report(event) }
        }
      }
    }
  }
}
