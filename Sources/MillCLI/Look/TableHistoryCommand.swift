// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import MillAssembly
internal import MillCore
internal import MillLake

/// `millrace table history NAME`: a table's versions.
struct TableHistoryCommand: ProjectCommand {
  static let configuration = CommandConfiguration(
    commandName: "history",
    abstract: "List the versions of a table, newest first.",
    discussion: """
        $ millrace table history silver.payments
        VERSION  COMMITTED            ROWS ADDED  FILES  RUN
              1  2025-10-17 09:31:08      99,143  +3 -3  0199f3d2-11c0
              0  2025-10-17 09:12:43      98,007  +3     0199f3c2-7d41

      Any version can be read again: `millrace table rows NAME --version 0`.

      JSON: {"table", "versions": [{"version", "committed_at", "operation", "mode", \
      "rows_added", "files_added", "files_removed", "run_id", "reason"}]}.
      """
  )

  @Argument(help: "The table, such as silver.cards, or the folder of a Delta table.")
  var table: String

  @Option(name: .long, help: "How many versions to list.")
  var limit = 20

  @OptionGroup
  var common: CommonOptions

  func validate() throws {
    guard limit > 0 else { throw ValidationError("--limit must be at least 1.") }
  }

  func run(_ console: Console) async throws -> ExitStatus {
    try await project.withTable(table, console) { open in
      show(open.table.name, try await open.table.history(limit: limit), console)
      return .done
    }
  }

  private func show(_ name: String, _ commits: [CommitSummary], _ console: Console) {
    if console.isJSON {
      console.show(
        json: ["table": .string(name), "versions": .array(commits.map(\.answer))]
      )
      return
    }
    var table = FittingTable([
      .init("VERSION", .trailing), .init("COMMITTED"), .init("OPERATION", rank: 2),
      .init("ROWS ADDED", .trailing), .init("FILES"), .init("RUN", rank: 1),
      .init("WHY", rank: 3),
    ])
    for commit in commits {
      let removed = commit.filesRemoved > 0 ? " -\(NumberText.grouped(commit.filesRemoved))" : ""
      let runID = commit.runID.map { console.output.isTTY ? String($0.prefix(13)) : $0 }
      table.append([
        .init(commit.version.description), .init(TimeText.seconds(commit.committedAt)),
        .init(commit.operationText),
        .init(commit.rowsAdded.map { NumberText.grouped($0) } ?? "?"),
        .init("+\(NumberText.grouped(commit.filesAdded))\(removed)"), .init(runID ?? "–"),
        .init(commit.reason ?? "", .dim),
      ])
    }
    console.show(table)
  }
}

extension CommitSummary {
  fileprivate var mode: String? { info["operationParameters"]?["mode"]?.text }
  fileprivate var runID: String? { info["millrace"]?["run"]?.text }
  fileprivate var reason: String? { info["millrace"]?["reason"]?.text }

  fileprivate var operationText: String {
    ([operation] + [mode].compactMap { $0 }).joined(separator: " ").lowercased()
  }

  fileprivate var answer: JSONValue {
    [
      "version": .int(version.number),
      "committed_at": .string(committedAt.description),
      "operation": .string(operation),
      "mode": mode.map { .string($0) } ?? .null,
      "rows_added": rowsAdded.map { .int($0) } ?? .null,
      "files_added": .int(filesAdded),
      "files_removed": .int(filesRemoved),
      "run_id": runID.map { .string($0) } ?? .null,
      "reason": reason.map { .string($0) } ?? .null,
    ]
  }
}
