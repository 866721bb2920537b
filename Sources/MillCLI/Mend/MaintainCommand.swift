// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import MillAssembly
internal import MillCore
internal import MillLake
internal import MillTables

/// `millrace maintain`: tables kept small and cheap.
struct MaintainCommand: ProjectCommand {
  static let configuration = CommandConfiguration(
    commandName: "maintain",
    abstract: "Put small files together, remove what nobody needs, and say what tables cost.",
    discussion: """
      What becomes of a table stands under `lifecycle` in millrace.yaml; without it small files are \
      put together and older versions stay readable for a week. No lock is taken: a run, a reader \
      and another maintenance may be at work. A tag keeps its version whatever its age.

        $ millrace maintain
        TABLE            FILES     FREED     LIVE  HISTORY  TAGGED  LOG
        bronze.payments  12 -> 1   3.1 MiB  3 MiB      0 B     0 B  41 KiB

      Without a name all tables of the project are looked after. With the folder of a Delta table \
      no project is needed. --dry-run says what would be removed.

      JSON: {"tables": [{"table", "rows_archived", "rows_deleted", "files_removed", \
      "files_written", "files_vacuumed", "bytes_vacuumed", "commits_removed", \
      "checkpoints_removed", "bytes_log", "before": {"live", "history", "tagged", "garbage", "log", \
      "archived", "cost"}, "after"}], "failed", "currency"}; costs are for a month, null without prices.
      """
  )

  @Argument(help: "Tables (default: all of the project).")
  var tables: [String] = []

  @Flag(name: .long, help: "Say what would be removed and change nothing.")
  var dryRun = false

  @Option(
    name: .long,
    help: ArgumentHelp(
      "For how long older versions stay readable, such as 7d; in the place of the policy's.",
      valueName: "duration"
    )
  )
  var keep: String?

  @OptionGroup
  var common: CommonOptions

  func validate() throws {
    if let keep, Duration(text: keep) == nil {
      throw ValidationError("--keep \(keep) is no duration, such as 30m, 24h or 7d.")
    }
  }

  func run(_ console: Console) async throws -> ExitStatus {
    var reports: [MaintenanceReport] = []
    var failures: [any Error] = []
    /// One table that cannot be looked after keeps nobody from the others.
    func attempt(_ work: () async throws -> MaintenanceReport) async throws {
      do {
        reports.append(try await work())
      } catch is CancellationError {
        throw CancellationError()
      } catch {
        console.show(onError: ErrorReport(error, projectFolder: nil))
        failures.append(error)
      }
    }
    let folders = tables.filter { ProjectOptions.tableFolder($0) != nil }
    for folder in folders {
      try await attempt {
        try await project.withTable(folder, console) { open in
          try await open.writer.maintain(policy(LifecyclePolicy()), isDryRun: dryRun)
        }
      }
    }
    var price: StoragePrice?
    if folders.count < tables.count || tables.isEmpty {
      price = try project.load().settings.storagePrice
      try await project.withWorkspace(console) { workspace in
        var names = try await workspace.lake.datasets()
        if !tables.isEmpty {
          let known = names
          names = try tables.filter { !folders.contains($0) }.map {
            try DatasetName.named($0, among: known)
          }
        }
        for name in names {
          try await attempt {
            try await workspace.openTable(name).writer.maintain(
              policy(workspace.project.settings.policy(of: name.description)),
              archive: workspace.archive(of: name),
              isDryRun: dryRun
            )
          }
        }
      }
    }
    show(reports, failures.count, price, console)
    return failures.map { ExitStatus($0) }.max { $0.rawValue < $1.rawValue } ?? .done
  }

  private func policy(_ policy: LifecyclePolicy) -> LifecyclePolicy {
    var policy = policy
    if let keep = keep.flatMap({ Duration(text: $0) }) { policy.keep = keep }
    return policy
  }

  private func show(
    _ reports: [MaintenanceReport],
    _ failed: Int,
    _ price: StoragePrice?,
    _ console: Console
  ) {
    if console.isJSON {
      console.show(
        json: [
          "tables": .array(reports.map { $0.answer(price) }),
          "failed": .int(failed),
          "currency": price.map { .string($0.currency) } ?? .null,
        ]
      )
      return
    }
    guard !reports.isEmpty else {
      if failed > 0 { return }
      console.show("no table yet: `millrace run`")
      return
    }
    var table = FittingTable([
      .init("TABLE"), .init("ROWS OUT", .trailing, rank: 3), .init("FILES", .trailing),
      .init(dryRun ? "WOULD FREE" : "FREED", .trailing), .init("LIVE", .trailing),
      .init("HISTORY", .trailing, rank: 1), .init("TAGGED", .trailing, rank: 2),
      .init("LOG", .trailing, rank: 4), .init("ARCHIVE", .trailing, rank: 5),
      .init("A MONTH", .trailing, rank: 6),
    ])
    var total = 0.0
    var freed: Int64 = 0
    for report in reports {
      let use = report.after ?? report.before
      let rows = report.archivedRows + report.deletedRows
      let compaction = report.compaction
      freed += report.freed
      let cost = price.map { use.cost($0) }
      total += cost ?? 0
      table.append([
        .init(report.table), .init(rows == 0 ? "–" : NumberText.grouped(rows)),
        .init(
          compaction.filesRemoved == 0
            ? "–"
            : "\(NumberText.grouped(compaction.filesRemoved)) -> "
              + NumberText.grouped(compaction.filesWritten)
        ),
        .init(report.freed == 0 ? "–" : NumberText.bytes(report.freed)),
        .init(NumberText.bytes(use.live)), .init(NumberText.bytes(use.history)),
        .init(use.tagged == 0 ? "–" : NumberText.bytes(use.tagged)),
        .init(NumberText.bytes(use.log)),
        .init(use.archived == 0 ? "–" : NumberText.bytes(use.archived)),
        .init(cost.map { Self.money($0) } ?? "–"),
      ])
    }
    console.show(table)
    var summary =
      "\(NumberText.counted(reports.count, "table")), \(NumberText.bytes(freed)) "
      + (dryRun ? "would be freed" : "freed")
    if let price { summary += "; \(Self.money(total)) \(price.currency) a month" }
    if failed > 0 { summary += "; \(NumberText.counted(failed, "table")) failed" }
    console.show()
    console.show(summary)
    let lost = reports.reduce(0) { $0 + $1.compaction.setsLost }
    if lost > 0 {
      console.warn(
        "\(NumberText.counted(lost, "set")) of files changed while they were put together and "
          + "were left as they are"
      )
    }
  }

  /// Money to the cent.
  private static func money(_ amount: Double) -> String {
    if amount > 0, amount < 0.005 { return "<0.01" }
    let cents = Int64((amount * 100).rounded())
    let fraction = cents % 100
    return "\(NumberText.grouped(cents / 100)).\(fraction < 10 ? "0" : "")\(fraction)"
  }
}

extension MaintenanceReport {
  /// Bytes that were removed, or would be.
  fileprivate var freed: Int64 { vacuum.bytes + log.bytes }

  fileprivate func answer(_ price: StoragePrice?) -> JSONValue {
    [
      "table": .string(table), "rows_archived": .int(archivedRows),
      "rows_deleted": .int(deletedRows), "files_removed": .int(compaction.filesRemoved),
      "files_written": .int(compaction.filesWritten), "files_vacuumed": .int(vacuum.files.count),
      "bytes_vacuumed": .int(vacuum.bytes), "commits_removed": .int(log.commits),
      "checkpoints_removed": .int(log.checkpoints), "bytes_log": .int(log.bytes),
      "before": before.answer(price), "after": after.map { $0.answer(price) } ?? .null,
    ]
  }
}

extension StorageUse {
  fileprivate func answer(_ price: StoragePrice?) -> JSONValue {
    [
      "live": .int(live), "history": .int(history), "tagged": .int(tagged),
      "garbage": .int(garbage), "log": .int(log), "archived": .int(archived),
      "cost": price.map { .real(cost($0)) } ?? .null,
    ]
  }
}
