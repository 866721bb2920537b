// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import MillAssembly
internal import MillCore
internal import MillLedger
internal import MillPipelines

/// `millrace runs`: what happened.
struct RunsCommand: ProjectCommand {
  static let configuration = CommandConfiguration(
    commandName: "runs",
    abstract: "List the runs, or show what one of them did.",
    discussion: """
        $ millrace runs --limit 2
        RUN            STARTED                TIME  STATUS     MADE  FAILED  WAITING
        0199f3c2-7d41  2025-10-17 09:12:44   1.6 s  succeeded     5       0        0
        0199f3c1-02ab  2025-10-17 09:11:07  536 ms  failed        7       1        4

      A terminal shows the beginnings of ids; any beginning will do as long as one run alone has \
      it. Times are UTC.

      JSON: {"runs": [{"run_id", "status": "running"|"succeeded"|"failed"|"interrupted", \
      "started_at", "ended_at", "selectors", "millrace_version", "error": {"code", "message"}, \
      "counts": {"succeeded", "skipped", "failed", "waiting"}}]}; with an id one such object, \
      with "nodes": [{"dataset", "attempt", "status", "reason", "started_at", "ended_at", \
      "version", "bytes_read", "account", "error"}].
      """
  )

  @Argument(help: "The id of a run, or its beginning.")
  var id: String?

  @Option(name: .long, help: "How many runs to list, the newest first.")
  var limit = 20

  @OptionGroup
  var common: CommonOptions

  func validate() throws {
    guard limit > 0 else { throw ValidationError("--limit must be at least 1.") }
  }

  func run(_ console: Console) async throws -> ExitStatus {
    let ledger = try await project.open().ledger
    if let id {
      show(try await ledger.history(ofRunBeginning: id), console)
    } else {
      try await list(ledger, console)
    }
    return .done
  }

  // MARK: The list

  private func list(_ ledger: Ledger, _ console: Console) async throws {
    var histories: [RunHistory] = []
    for run in try await ledger.runs(limit: limit) {
      if let history = try await ledger.run(id: run.id) { histories.append(history) }
    }
    if console.isJSON {
      console.show(json: ["runs": .array(histories.map { .object($0.answer) })])
      return
    }
    guard !histories.isEmpty else {
      console.show("no run yet: `millrace run`")
      return
    }
    var table = FittingTable([
      .init("RUN"), .init("STARTED"), .init("TIME", .trailing), .init("STATUS"),
      .init("MADE", .trailing), .init("UP TO DATE", .trailing, rank: 2),
      .init("FAILED", .trailing), .init("WAITING", .trailing, rank: 1), .init("ASKED FOR", rank: 3),
    ])
    for history in histories {
      let run = history.run
      table.append([
        .init(console.output.isTTY ? String(run.id.prefix(13)) : run.id),
        .init(TimeText.seconds(run.startedAt)),
        .init(run.endedAt.map { NumberText.duration(microseconds: $0 - run.startedAt) } ?? "–"),
        .init(run.status.rawValue, run.status.ink), .init(history.count(.succeeded)),
        .init(history.count(.skipped)), .init(history.count(.failed)),
        .init(history.count(.waiting)),
        .init(run.selectors.isEmpty ? "everything" : run.selectors.joined(separator: " "), .dim),
      ])
    }
    console.show(table)
  }

  // MARK: One run

  private func show(_ history: RunHistory, _ console: Console) {
    if console.isJSON {
      var answer = history.answer
      answer["nodes"] = .array(history.nodes.map(\.answer))
      console.show(json: .object(answer))
      return
    }
    let run = history.run
    let time = run.endedAt.map {
      " in " + NumberText.duration(microseconds: $0 - run.startedAt)
    }
    console.show(
      "run \(console.style.bold(run.id)), \(TimeText.seconds(run.startedAt)): "
        + console.style.paint(run.status.rawValue, run.status.ink) + (time ?? "")
    )
    if !run.selectors.isEmpty {
      console.show("asked for: " + run.selectors.joined(separator: " ").printable)
    }
    if let error = run.error, history.nodes.allSatisfy({ $0.errorMessage == nil }) {
      console.show("\(console.style.red(error.code)): \(error.message.printable)")
    }
    console.show()
    console.show(history.table)
    var accounts = AccountTables()
    for node in history.nodes {
      guard let json = try? JSONValue(parsing: node.account),
        let account = RowAccount(json: json)
      else { continue }
      accounts.append(
        dataset: node.dataset,
        account: account,
        version: node.tableVersion,
        duration: node.endedAt.map { .microseconds($0 - node.startedAt) }
      )
    }
    if let loads = accounts.loads {
      console.show(heading: "Loaded")
      console.show(loads)
    }
    if let models = accounts.models {
      console.show(heading: "Made")
      console.show(models)
    }
    let failed = history.nodes.filter { $0.errorMessage != nil }
    if !failed.isEmpty { console.show(heading: "Failed") }
    for node in failed {
      console.show("  " + console.style.red(node.errorCode ?? "failed"))
      for line in (node.errorMessage ?? "").split(separator: "\n") {
        console.show("    " + String(line).printable)
      }
    }
  }
}

extension Ledger {
  /// The run whose id begins so.
  ///
  /// - Throws: `CommandError.unknownRun` or `.ambiguousRun`.
  func history(ofRunBeginning id: String) async throws -> RunHistory {
    if let history = try await run(id: id) { return history }
    let matches = try await runs(limit: .max).filter { $0.id.hasPrefix(id) }
    guard let match = matches.first else { throw CommandError.unknownRun(id: id) }
    guard matches.count == 1 else {
      throw CommandError.ambiguousRun(id: id, count: matches.count)
    }
    guard let history = try await run(id: match.id) else {
      throw CommandError.unknownRun(id: id)
    }
    return history
  }
}

extension RunHistory {
  fileprivate func count(_ status: NodeRecord.Status) -> String {
    NumberText.grouped(nodes.count { $0.status == status })
  }

  fileprivate var table: TextTable {
    var table = TextTable([
      .init("DATASET"), .init("STATUS"), .init("TIME", .trailing), .init("WHY"),
    ])
    for node in nodes {
      let time = node.endedAt.map { NumberText.duration(microseconds: $0 - node.startedAt) }
      table.append([
        .init(node.dataset), .init(node.status.text, node.status.ink),
        .init(node.status == .waiting ? "–" : time ?? "–"), .init(node.reason, .dim),
      ])
    }
    return table
  }

  fileprivate var answer: JSONObject {
    var object = JSONObject()
    object["run_id"] = .string(run.id)
    object["status"] = .string(run.status.rawValue)
    object["started_at"] = TimeText.json(run.startedAt)
    object["ended_at"] = TimeText.json(run.endedAt)
    object["selectors"] = .array(run.selectors.map { .string($0) })
    object["millrace_version"] = .string(run.millraceVersion)
    object["error"] =
      run.error.map { ["code": .string($0.code), "message": .string($0.message)] } ?? .null
    object["counts"] = .object(
      JSONObject(
        NodeRecord.Status.allCases.map { status in
          (status.rawValue, .int(nodes.count { $0.status == status }))
        }
      )
    )
    return object
  }
}

extension NodeRecord {
  fileprivate var answer: JSONValue {
    let account = (try? JSONValue(parsing: account)).flatMap { RowAccount(json: $0) }
    return [
      "dataset": .string(dataset),
      "attempt": .int(attempt),
      "status": .string(status.rawValue),
      "reason": .string(reason),
      "started_at": TimeText.json(startedAt),
      "ended_at": TimeText.json(endedAt),
      "version": tableVersion.map { .int($0) } ?? .null,
      "bytes_read": bytesRead.map { .int($0) } ?? .null,
      "account": account?.answer ?? .null,
      "error": errorCode.map {
        ["code": .string($0), "message": .string(errorMessage ?? "")]
      } ?? .null,
    ]
  }
}

extension NodeRecord.Status {
  /// The words that `run` has for it.
  fileprivate var text: String {
    switch self {
    case .succeeded: "made"
    case .skipped: "up to date"
    case .failed, .waiting: rawValue
    }
  }

  fileprivate var ink: Ink {
    switch self {
    case .succeeded: .green
    case .skipped: .dim
    case .failed: .red
    case .waiting: .yellow
    }
  }
}

extension RunRecord.Status {
  fileprivate var ink: Ink {
    switch self {
    case .running: .cyan
    case .succeeded: .green
    case .failed: .red
    case .interrupted: .yellow
    }
  }
}
