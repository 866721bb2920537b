// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import MillAssembly
internal import MillCore
internal import MillEngine
internal import MillLake
internal import MillPipelines
internal import MillTables

/// `millrace table diff NAME A B`: what changed between two versions.
struct TableDiffCommand: ProjectCommand {
  static let configuration = CommandConfiguration(
    commandName: "diff",
    abstract: "Compare two versions of a table, row by row.",
    discussion: """
      A and B are versions by number or tag. With --key, rows of the same key with other values \
      are changed and shown before and after; a dataset of the project takes the keys of its \
      model. Only files that one version has and the other lacks are read.

        $ millrace table diff silver.cards 0 1 --key card_id
        +12 added, -3 removed, ~5 changed (version 0 to 1)
        change   card_id    credit_limit  status
        added    K00002001          2500  active
        before   K00000007           500  active
        after    K00000007          1500  active

      JSON: {"table", "from", "to", "keys", "added", "removed", "changed", "columns_changed", \
      "columns", "rows"}.
      """
  )

  @Argument(help: "The table, such as silver.cards, or the folder of a Delta table.")
  var table: String

  @Argument(help: "The older version: a number or a tag.")
  var older: String

  @Argument(help: "The newer version: a number or a tag (default: the newest).")
  var newer: String?

  @Option(
    name: .long,
    help: ArgumentHelp("A column by which rows are the same row; may be repeated.")
  )
  var key: [String] = []

  @Option(name: .long, help: "How many rows to show, at most 10,000.")
  var limit = 20

  @OptionGroup
  var common: CommonOptions

  func validate() throws {
    guard (0...10_000).contains(limit) else {
      throw ValidationError("--limit must be from 0 to 10000.")
    }
  }

  func run(_ console: Console) async throws -> ExitStatus {
    let modelKeys = key.isEmpty ? keysOfModel() : key
    return try await project.withTable(table, console) { open in
      let from = try await version(older, of: open.table)
      let to: TableVersion
      if let newer {
        to = try await version(newer, of: open.table)
      } else {
        to = try await open.table.snapshot().version
      }
      let diff = try await open.writer.diff(from: from, to: to, keys: modelKeys, limit: limit)
      show(diff, open.table.name, console)
      return .done
    }
  }

  /// The keys that the dataset's model declares; none for a table of others.
  private func keysOfModel() -> [String] {
    guard let definition = try? project.load().definition else { return [] }
    return definition.models.first {
      $0.dataset.description == table || $0.dataset.name == table
    }?.keys ?? []
  }

  private func version(_ text: String, of table: DeltaTable) async throws -> TableVersion {
    if let number = Int64(text) { return TableVersion(number) }
    return try await table.version(tagged: text)
  }

  private func show(_ diff: TableDiff, _ name: String, _ console: Console) {
    if console.isJSON {
      console.show(
        json: [
          "table": .string(name), "from": .int(diff.from.number), "to": .int(diff.to.number),
          "keys": .array(diff.keys.map { .string($0) }), "added": .int(diff.added),
          "removed": .int(diff.removed), "changed": diff.changed.map { .int($0) } ?? .null,
          "columns_changed": .array(diff.columns.map { .string($0) }),
          "columns": .array(diff.rows.columns.map { .string($0) }),
          "rows": .array(diff.rows.rows.map { .array($0) }),
        ]
      )
      return
    }
    var counts = [
      "+\(NumberText.grouped(diff.added)) added", "-\(NumberText.grouped(diff.removed)) removed",
    ]
    if let changed = diff.changed { counts.append("~\(NumberText.grouped(changed)) changed") }
    console.show(
      console.style.bold(counts.joined(separator: ", "))
        + " (version \(diff.from) to \(diff.to))"
    )
    for change in diff.columns { console.show("column \(change.printable)") }
    guard !diff.rows.rows.isEmpty else { return }
    console.show()
    RowsText(diff.rows).show(on: console)
    let all = diff.added + diff.removed + 2 * (diff.changed ?? 0)
    if console.output.isTTY, Int64(diff.rows.rows.count) < all {
      console.show(
        console.style.dim("\(NumberText.grouped(diff.rows.rows.count)) of \(all) rows; --limit N")
      )
    }
  }
}
