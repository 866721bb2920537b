// SPDX-License-Identifier: Apache-2.0

internal import MillCore
internal import MillPipelines
internal import MillQuality

/// A run that is over, as a person reads it.
struct RunSummary {
  let report: RunReport

  /// Shows what was made and what the rules found; nothing if nothing was done.
  func show(on console: Console) {
    let published = report.outcomes.filter { $0.status == .published }
    var accounts = AccountTables()
    for outcome in published {
      guard let account = outcome.account else { continue }
      accounts.append(
        dataset: outcome.dataset.description,
        account: account,
        version: outcome.version?.number,
        duration: outcome.endedAt - outcome.startedAt
      )
    }
    var isFirst = true
    func heading(_ text: String) {
      if isFirst, !console.error.isTTY || !console.output.isTTY {
        console.show(console.style.bold(text))
      } else {
        console.show(heading: text)
      }
      isFirst = false
    }
    if let loads = accounts.loads {
      heading("Loaded")
      console.show(loads)
    }
    if let models = accounts.models {
      heading("Made")
      console.show(models)
    }
    let findings = self.findings
    if !findings.isEmpty {
      heading("Rules that found something")
      console.show(RuleTable.table(findings))
    }
    let notes = report.outcomes.flatMap { outcome in
      outcome.notes.map { "  \(outcome.dataset): \($0)".printable }
    }
    if !notes.isEmpty {
      heading("Notes")
      for note in notes { console.show(note) }
    }
    let waiting = report.outcomes.filter { $0.status == .waiting }
    if !waiting.isEmpty {
      heading("Waiting")
      let width = waiting.map(\.dataset.description.displayWidth).max() ?? 0
      for outcome in waiting {
        let name = outcome.dataset.description
        let padding = String(repeating: " ", count: width - name.displayWidth)
        console.show("  \(name)\(padding)  \(console.style.dim(outcome.reason))")
      }
    }
    let places = rejected(published)
    if !places.isEmpty {
      heading("Rejected rows are kept, each with its reason")
      for place in places { console.show("  millrace table rows \(place)") }
    }
    if !isFirst { console.show() }
  }

  /// `5 made, 3 up to date, 1 failed in 3.2 s; read 12 MiB`.
  func closingLine(_ style: Style) -> String {
    let counts = StatusCounts(report.outcomes)
    let time = NumberText.duration(report.endedAt - report.startedAt)
    guard counts.published + counts.failed + counts.waiting > 0 else {
      let datasets = NumberText.counted(counts.unchanged, "dataset")
      return "nothing to do: \(datasets) up to date (\(time))"
    }
    var parts: [String] = []
    if counts.published > 0 { parts.append(style.green("\(counts.published) made")) }
    if counts.unchanged > 0 { parts.append("\(counts.unchanged) up to date") }
    if counts.failed > 0 { parts.append(style.red("\(counts.failed) failed")) }
    if counts.waiting > 0 { parts.append(style.yellow("\(counts.waiting) waiting")) }
    return "\(parts.joined(separator: ", ")) in \(time); "
      + "read \(NumberText.bytes(report.bytesRead))"
  }

  private var findings: [RuleTable.Finding] {
    report.outcomes.flatMap { outcome in
      outcome.results.filter { $0.violations > 0 || $0.status != .passed }.map {
        RuleTable.Finding(dataset: outcome.dataset.description, result: $0)
      }
    }
  }

  /// The tables of rejected rows that got some in this run.
  private func rejected(_ outcomes: [NodeOutcome]) -> [String] {
    outcomes.compactMap { outcome in
      switch outcome.account {
      case .load(let load) where load.deadLetters > 0: outcome.dataset.deadLetters.description
      case .model(let model) where model.quarantined > 0: outcome.dataset.quarantine.description
      default: nil
      }
    }
  }
}

/// How many datasets ended how.
struct StatusCounts {
  var published = 0
  var unchanged = 0
  var failed = 0
  var waiting = 0

  init(_ outcomes: [NodeOutcome]) {
    for outcome in outcomes {
      switch outcome.status {
      case .published: published += 1
      case .unchanged: unchanged += 1
      case .failed: failed += 1
      case .waiting: waiting += 1
      }
    }
  }
}

extension RunReport {
  /// The run as `millrace run --json` shows it.
  var answer: JSONValue {
    let counts = StatusCounts(outcomes)
    return [
      "run_id": .string(runID),
      "status": failures.isEmpty ? "succeeded" : "failed",
      "started_at": .string(startedAt.description),
      "ended_at": .string(endedAt.description),
      "seconds": .real((endedAt - startedAt) / .seconds(1)),
      "bytes_read": .int(bytesRead),
      "counts": [
        "published": .int(counts.published), "unchanged": .int(counts.unchanged),
        "failed": .int(counts.failed), "waiting": .int(counts.waiting),
      ],
      "datasets": .array(outcomes.map(\.answer)),
    ]
  }
}

extension NodeOutcome {
  fileprivate var answer: JSONValue {
    [
      "dataset": .string(dataset.description),
      "status": .string(status.rawValue),
      "reason": .string(reason),
      "version": version.map { .int($0.number) } ?? .null,
      "seconds": .real((endedAt - startedAt) / .seconds(1)),
      "bytes_read": .int(bytesRead),
      "account": account?.answer ?? .null,
      "rules": .array(results.map(\.answer)),
      "notes": .array(notes.map { .string($0) }),
      "error": error.map { ErrorReport($0, projectFolder: nil).json } ?? .null,
    ]
  }
}
