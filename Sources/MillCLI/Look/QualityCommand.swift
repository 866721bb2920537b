// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import MillAssembly
internal import MillCore
internal import MillLake
internal import MillLedger
internal import MillPipelines
internal import MillQuality

/// `millrace quality`: what the rules found.
struct QualityCommand: ProjectCommand {
  static let configuration = CommandConfiguration(
    commandName: "quality",
    abstract: "Show what the rules found, the worst first.",
    discussion: """
      The verdicts are those with which each dataset was last made; --run shows those of one \
      run. With --check the tables are judged now, as they stand: the exit status is 1 if a rule \
      of severity fail or quarantine is broken. Nothing is changed.

        $ millrace quality silver.payments
        DATASET          RULE              VIOLATIONS  EVALUATED  STATUS
        silver.payments  amount_present           198    100,388  quarantined
        silver.payments  online_has_ip            299    100,388  warned
        silver.payments  channel_is_known           0    100,388  passed

        3 rules: 1 quarantined, 1 warned, 1 passed

      A wider terminal, or a pipe, shows the severity and the share of rows as well.

      JSON: {"rules": [{"dataset", "version", "run_id", "rule", "kind", "severity", "status": \
      "passed"|"warned"|"quarantined"|"failed", "evaluated", "violations", "mostly"}], "counts"}; \
      with --check the "run_id" is null.
      """
  )

  @Argument(help: "One dataset (default: all).")
  var dataset: String?

  @Option(name: .customLong("run"), help: "The verdicts of this run: its id, or its beginning.")
  var runID: String?

  @Flag(name: .customLong("check"), help: "Judge the tables now, as they stand.")
  var isCheck = false

  @OptionGroup
  var common: CommonOptions

  func validate() throws {
    guard !isCheck || runID == nil else {
      throw ValidationError("--check judges the tables now, so not with --run.")
    }
  }

  func run(_ console: Console) async throws -> ExitStatus {
    try await project.withWorkspace { workspace in
      let models = workspace.project.definition.models
      let chosen = try dataset.map {
        [try DatasetName.named($0, among: models.map(\.dataset))]
      }
      let datasets = chosen ?? models.map(\.dataset).sorted()
      if isCheck {
        let verdicts = try await Interruption.cancelling(onSignal: {}) {
          try await Self.check(datasets, workspace, console)
        }
        show(verdicts, console)
        return ExitStatus(verdicts.map(\.finding.result))
      }
      show(try await Self.recorded(datasets, runID, workspace.ledger), console)
      return .done
    }
  }

  /// A rule's verdict and what it is about.
  private struct RuleVerdict: Sendable {
    var dataset: DatasetName
    var result: RuleResult
    var version: Int64?
    var runID: String?

    var finding: RuleTable.Finding {
      RuleTable.Finding(dataset: dataset.description, result: result)
    }

    var answer: JSONValue {
      var object = JSONObject()
      object["dataset"] = .string(dataset.description)
      object["version"] = version.map { .int($0) } ?? .null
      object["run_id"] = runID.map { .string($0) } ?? .null
      for (key, value) in result.answer.object ?? [:] { object[key] = value }
      return .object(object)
    }
  }

  private static func check(
    _ datasets: [DatasetName],
    _ workspace: Workspace,
    _ console: Console
  ) async throws -> [RuleVerdict] {
    var verdicts: [RuleVerdict] = []
    for dataset in datasets {
      try Task.checkCancellation()
      guard try await workspace.lake.table(dataset).exists() else {
        console.remark(console.errorStyle.dim("\(dataset) is not made yet"))
        continue
      }
      let judged = try await workspace.inspect(dataset)
      verdicts += judged.verdict.results.map {
        RuleVerdict(dataset: dataset, result: $0, version: judged.version.number)
      }
    }
    return verdicts
  }

  private static func recorded(
    _ datasets: [DatasetName],
    _ runID: String?,
    _ ledger: Ledger
  ) async throws -> [RuleVerdict] {
    var id: String?
    if let runID { id = try await ledger.history(ofRunBeginning: runID).run.id }
    var verdicts: [RuleVerdict] = []
    for dataset in datasets {
      let records = try await ledger.quality(
        dataset: dataset.description,
        runID: id,
        limit: 1_000
      )
      // Newest first, and all of a run's verdicts on a dataset are written at once.
      guard let newest = records.first?.runID else { continue }
      verdicts += records.filter { $0.runID == newest }.compactMap { record in
        RuleResult(record).map {
          RuleVerdict(
            dataset: dataset,
            result: $0,
            version: record.tableVersion,
            runID: record.runID
          )
        }
      }
    }
    return verdicts
  }

  private func show(_ verdicts: [RuleVerdict], _ console: Console) {
    let sorted = verdicts.sorted { RuleTable.isWorse($0.finding, $1.finding) }
    let statuses: [RuleResult.Status] = [.failed, .quarantined, .warned, .passed]
    let counts = statuses.map { status in
      (status.rawValue, sorted.count { $0.result.status == status })
    }
    if console.isJSON {
      console.show(
        json: [
          "rules": .array(sorted.map(\.answer)),
          "counts": .object(JSONObject(counts.map { ($0.0, .int($0.1)) })),
        ]
      )
      return
    }
    guard !sorted.isEmpty else {
      console.show("no rule has spoken yet: `millrace run` first")
      return
    }
    console.show(RuleTable.table(sorted.map(\.finding)))
    console.show()
    let parts = counts.filter { $0.1 > 0 }.map { "\(NumberText.grouped($0.1)) \($0.0)" }
    console.show(
      "\(NumberText.counted(sorted.count, "rule")): \(parts.joined(separator: ", "))"
    )
  }
}
