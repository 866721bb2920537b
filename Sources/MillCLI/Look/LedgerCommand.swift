// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import MillAssembly
internal import MillCore
internal import MillLedger
internal import MillPipelines

/// `millrace ledger`: care of the history.
struct LedgerCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ledger",
    abstract: "Mend the history of runs.",
    subcommands: [LedgerRebuildCommand.self]
  )
}

/// `millrace ledger rebuild`: the history, read again from the tables.
struct LedgerRebuildCommand: ProjectCommand {
  static let configuration = CommandConfiguration(
    commandName: "rebuild",
    abstract: "Make the history of runs anew from the tables' own logs.",
    discussion: """
      Every commit of a table says which run made it, from what, and what the rules found. Runs \
      that published nothing left no trace there and are forgotten. The tables are untouched; a \
      ledger that is damaged is kept under another name.

        $ millrace ledger rebuild
        1 run found in 12 commits of 9 tables

      JSON: {"tables", "commits", "runs", "foreign_commits"}.
      """
  )

  @OptionGroup
  var common: CommonOptions

  func run(_ console: Console) async throws -> ExitStatus {
    let report = try await openMended(console).rebuildLedger()
    if console.isJSON {
      console.show(
        json: [
          "tables": .int(report.tables), "commits": .int(report.commits),
          "runs": .int(report.runs), "foreign_commits": .int(report.foreignCommits),
        ]
      )
      return .done
    }
    console.show(
      "\(NumberText.counted(report.runs, "run")) found in "
        + "\(NumberText.counted(report.commits, "commit")) of "
        + NumberText.counted(report.tables, "table")
    )
    if report.foreignCommits > 0 {
      console.show(
        "\(NumberText.counted(report.foreignCommits, "commit")) of other writers: "
          + "nothing is known of their runs"
      )
    }
    return .done
  }

  /// The project; a ledger that is damaged is put aside first, and an empty one takes its place.
  private func openMended(_ console: Console) async throws -> Workspace {
    do {
      return try await project.open()
    } catch let error as LedgerError {
      guard case .corrupt(let path, _) = error else { throw error }
      let aside = try Ledger.setAside(
        path: path,
        suffix: ".damaged-\(World.system().makeID())"
      )
      console.remark("the damaged ledger is kept as \(aside.printable)")
      return try await project.open()
    }
  }
}
