// SPDX-License-Identifier: Apache-2.0

internal import MillCore
internal import MillPipelines
internal import MillQuality

/// What is said of a run while it runs: a line for each dataset that ended, if it did something.
struct ProgressText: Sendable {
  let style: Style
  /// Whether there is a line that shows what has begun.
  let isLive: Bool

  func events(for event: RunEvent) -> [ProgressLine.Event] {
    switch event {
    case .began: []
    case .tookOver(let runID):
      [.message(style.yellow("!") + " run \(runID) did not end; its work is taken up")]
    case .started(let dataset):
      isLive ? [.started(dataset.description)] : []
    case .ended(let outcome):
      [.finished(outcome.dataset.description, line: line(outcome))]
    }
  }

  private func line(_ outcome: NodeOutcome) -> String? {
    let name = outcome.dataset.description
    switch outcome.status {
    case .unchanged: return nil
    case .waiting: return style.dim("· \(name)  \(outcome.reason)")
    case .failed:
      return style.red("✗") + " \(name)  \(outcome.error?.code ?? outcome.reason)"
    case .published:
      let time = NumberText.duration(outcome.endedAt - outcome.startedAt)
      let marks = outcome.account.map(facts) ?? []
      let isClean = outcome.results.allSatisfy { $0.status == .passed } && marks.isEmpty
      let mark = isClean ? style.green("✓") : style.yellow("✓")
      let rows = outcome.account.map { NumberText.counted($0.rows, "row") + " in " } ?? ""
      return "\(mark) \(name)  \(([rows + time] + marks).joined(separator: ", "))"
    }
  }

  private func facts(_ account: RowAccount) -> [String] {
    switch account {
    case .load(let load):
      load.deadLetters > 0 ? [NumberText.counted(load.deadLetters, "dead letter")] : []
    case .model(let model):
      model.quarantined > 0 ? ["\(NumberText.grouped(model.quarantined)) quarantined"] : []
    }
  }
}

extension RowAccount {
  /// Rows that were published.
  var rows: Int64 {
    switch self {
    case .load(let load): load.bronze
    case .model(let model): model.published
    }
  }
}
