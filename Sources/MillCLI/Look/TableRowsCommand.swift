// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Foundation
internal import MillAssembly
internal import MillCore
internal import MillEngine
internal import MillLake

/// `millrace table rows NAME`: some rows of a table.
struct TableRowsCommand: ProjectCommand {
  static let configuration = CommandConfiguration(
    commandName: "rows",
    abstract: "Show some rows of a table, at any of its versions, or write them to a file.",
    discussion: """
      Quarantined rows are in quarantine.NAME with the rules they broke in `_rules`, records that \
      could not be decoded in dead_letters.NAME with the reason.

        $ millrace table rows silver.cards --limit 2
        card_id    customer_id  network  issued_on   credit_limit  status
        K00000001  C00000808    visa     2024-02-26           500  active
        K00000002  C00000412    amex     2020-04-11         25000  active

      Where a row is wider than the terminal, its columns stand below each other.

      With --where only files that can hold such a row are opened, by their partition and their \
      statistics. With --output all rows go to one Parquet file.

      JSON: {"table", "version", "columns": [NAME], "rows": [[VALUE]], "files", "files_opened"}; \
      numbers and booleans as such, everything else as text. With --output: {"table", "version", \
      "rows", "output", "files", "files_opened"}.
      """
  )

  @Argument(help: "The table, such as silver.cards, or the folder of a Delta table.")
  var table: String

  @OptionGroup(title: "Version")
  var wanted: VersionOptions

  @Option(
    name: .customLong("where"),
    help: ArgumentHelp("Only rows of a condition in SQL.", valueName: "condition")
  )
  var condition: String?

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("Write all rows to a new Parquet file.", valueName: "file")
  )
  var output: String?

  @Option(name: .long, help: "How many rows to show, at most 10,000.")
  var limit = 20

  @OptionGroup
  var common: CommonOptions

  func validate() throws {
    guard (1...10_000).contains(limit) else {
      throw ValidationError("--limit must be from 1 to 10000.")
    }
  }

  func run(_ console: Console) async throws -> ExitStatus {
    if let output { return try await export(to: absolutePath(output), console) }
    return try await project.withTable(table, console) { open in
      let found = try await open.rows(
        at: try await wanted.version(of: open.table),
        where: condition,
        limit: limit
      )
      let (snapshot, result) = (found.snapshot, found.rows)
      if console.isJSON {
        console.show(
          json: [
            "table": .string(snapshot.table), "version": .int(snapshot.version.number),
            "columns": .array(result.columns.map { .string($0) }),
            "rows": .array(result.rows.map { .array($0) }),
            "files": .int(snapshot.files.count), "files_opened": .int(found.opened),
          ]
        )
        return .done
      }
      RowsText(result).show(on: console)
      if console.output.isTTY {
        let total =
          condition == nil
          ? snapshot.rows.map { " of \(NumberText.counted($0, "row"))" } ?? "" : " shown"
        console.show()
        console.show(
          console.style.dim(
            "\(NumberText.grouped(result.rows.count))\(total), version \(snapshot.version)"
              + opened(found.opened, of: snapshot)
          )
        )
      }
      return .done
    }
  }

  private func opened(_ count: Int, of snapshot: Snapshot) -> String {
    guard condition != nil else { return "" }
    return ", \(NumberText.grouped(count)) of "
      + "\(NumberText.counted(snapshot.files.count, "file")) opened"
  }

  private func export(to file: String, _ console: Console) async throws -> ExitStatus {
    let folder = URL(fileURLWithPath: file).deletingLastPathComponent().path
    return try await project.withTable(table, outputs: [folder], console) { open in
      let made = try await open.export(
        to: file,
        at: try await wanted.version(of: open.table),
        where: condition
      )
      if console.isJSON {
        console.show(
          json: [
            "table": .string(made.snapshot.table), "version": .int(made.snapshot.version.number),
            "rows": .int(made.rows), "output": .string(file),
            "files": .int(made.snapshot.files.count), "files_opened": .int(made.opened),
          ]
        )
      } else {
        console.show(
          "\(NumberText.counted(made.rows, "row")) of version \(made.snapshot.version) in "
            + file.printable + opened(made.opened, of: made.snapshot)
        )
      }
      return .done
    }
  }

  private func absolutePath(_ path: String) -> String {
    URL(fileURLWithPath: path).standardizedFileURL.path
  }
}

/// Rows as a table, or column by column where they are wider than the terminal.
struct RowsText {
  private let result: ResultTable

  init(_ result: ResultTable) {
    self.result = result
  }

  func show(on console: Console) {
    let table = table
    guard let width = console.output.width, narrowestWidth > width else {
      console.show(table)
      return
    }
    let nameWidth = result.columns.map(\.printable.displayWidth).max() ?? 0
    for (number, row) in result.rows.enumerated() {
      if number > 0 { console.show() }
      console.show(console.style.bold("row \(NumberText.grouped(number + 1))"))
      for (column, value) in zip(result.columns, row) {
        let name = column.printable
        let padding = String(repeating: " ", count: nameWidth - name.displayWidth)
        let text = Self.text(value).printable
          .truncated(toWidth: max(TextTable.widthMinimum, width - nameWidth - 4))
        console.show(
          "  \(console.style.cyan(name))\(padding)  "
            + console.style.paint(text, value.isNull ? .dim : nil)
        )
      }
    }
  }

  private var table: TextTable {
    var table = TextTable(
      result.columns.indices.map { position in
        .init(result.columns[position], isNumeric(position) ? .trailing : .leading)
      }
    )
    for row in result.rows {
      table.append(row.map { .init(Self.text($0), $0.isNull ? .dim : nil) })
    }
    return table
  }

  /// The width with every column of text cut as far as a table would cut it.
  private var narrowestWidth: Int {
    let widths = result.columns.indices.map { position in
      let natural = result.rows.reduce(result.columns[position].printable.displayWidth) {
        max($0, Self.text($1[position]).printable.displayWidth)
      }
      // Half of a text still says something; less does not.
      return isNumeric(position) ? natural : min(natural, 16)
    }
    return widths.reduce(0, +) + 2 * max(0, widths.count - 1)
  }

  private func isNumeric(_ position: Int) -> Bool {
    let values = result.rows.map { $0[position] }.filter { !$0.isNull }
    return !values.isEmpty
      && values.allSatisfy { if case .number = $0 { true } else { false } }
  }

  private static func text(_ value: JSONValue) -> String {
    switch value {
    case .null: "null"
    case .string(let text): text
    default: value.serialized()
    }
  }
}
