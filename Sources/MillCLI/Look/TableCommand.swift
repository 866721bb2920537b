// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import MillAssembly
internal import MillCore
internal import MillLake

/// `millrace table`: the tables of the lake.
struct TableCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "table",
    abstract:
      "List the tables; show one, its rows, its history; compare, name and restore versions.",
    discussion: """
      A table is a dataset of the project, such as silver.cards, or the folder of any Delta table, \
      whoever made it; for a folder no project is needed.
      """,
    subcommands: [
      TableListCommand.self, TableShowCommand.self, TableRowsCommand.self,
      TableHistoryCommand.self, TableDiffCommand.self, TableTagCommand.self,
      TableRestoreCommand.self,
    ],
    defaultSubcommand: TableListCommand.self
  )
}

/// `millrace table list`: what there is.
struct TableListCommand: ProjectCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "List the tables of the lake.",
    discussion: """
        $ millrace table list
        TABLE                VERSION    ROWS     SIZE  COMMITTED
        bronze.payments_csv        0  65,839  1.5 MiB  2025-10-17 09:12:42
        silver.payments            0  99,143  2.2 MiB  2025-10-17 09:12:43

      Times are UTC.

      JSON: {"tables": [{"table", "version", "rows", "files", "bytes", "committed_at"}]}.
      """
  )

  @OptionGroup
  var common: CommonOptions

  func run(_ console: Console) async throws -> ExitStatus {
    let lake = try await project.open().lake
    var snapshots: [Snapshot] = []
    for dataset in try await lake.datasets() {
      if let snapshot = try await lake.table(dataset).snapshotIfExists() {
        snapshots.append(snapshot)
      }
    }
    if console.isJSON {
      console.show(json: ["tables": .array(snapshots.map { .object($0.answer) })])
      return .done
    }
    guard !snapshots.isEmpty else {
      console.show("no table yet: `millrace run`")
      return .done
    }
    var table = FittingTable([
      .init("TABLE"), .init("VERSION", .trailing), .init("ROWS", .trailing),
      .init("FILES", .trailing, rank: 2), .init("SIZE", .trailing), .init("COMMITTED", rank: 1),
    ])
    for snapshot in snapshots {
      table.append([
        .init(snapshot.table), .init(snapshot.version.description),
        .init(snapshot.rows.map { NumberText.grouped($0) } ?? "?"),
        .init(NumberText.grouped(snapshot.files.count)),
        .init(NumberText.bytes(snapshot.files.sizeInBytes)),
        .init(TimeText.seconds(snapshot.committedAt), .dim),
      ])
    }
    console.show(table)
    return .done
  }
}

/// `millrace table show NAME`: what a table is.
struct TableShowCommand: ProjectCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Show a table's columns and what is known of it.",
    discussion: """
        $ millrace table show silver.cards
        silver.cards, version 0 of 2025-10-17 09:12:43
        One row per card of a known customer

        COLUMN        TYPE
        card_id       string
        credit_limit  long
        …

      JSON: {"table", "version", "rows", "files", "bytes", "committed_at", "id", "location", \
      "description", "partition_columns", "columns": [{"name", "type", "nullable"}], "protocol": \
      {"reader", "writer", "features"}, "settings", "constraints", "tags": [{"name", "version"}], \
      "checkpoint"}.
      """
  )

  @Argument(help: "The table, such as silver.cards, or the folder of a Delta table.")
  var table: String

  @OptionGroup(title: "Version")
  var wanted: VersionOptions

  @OptionGroup
  var common: CommonOptions

  func run(_ console: Console) async throws -> ExitStatus {
    try await project.withTable(table, console) { open in
      let snapshot = try await open.table.snapshot(
        at: try await wanted.version(of: open.table)
      )
      try show(snapshot, try await open.table.tags(), console)
      return .done
    }
  }

  private func show(_ snapshot: Snapshot, _ tags: [TableTag], _ console: Console) throws {
    let constraints = try snapshot.constraints
    if console.isJSON {
      console.show(json: snapshot.detailedAnswer(tags, constraints))
      return
    }
    console.show(
      "\(console.style.bold(snapshot.table)), version \(snapshot.version) "
        + "of \(TimeText.seconds(snapshot.committedAt))"
    )
    if let description = snapshot.metadata.description { console.show(description.printable) }
    console.show()
    var columns = TextTable([.init("COLUMN"), .init("TYPE"), .init("")])
    for field in snapshot.schema.fields {
      var marks = field.isNullable ? [] : ["not null"]
      if snapshot.metadata.partitionColumns.contains(field.name) { marks.append("partition") }
      columns.append([
        .init(field.name), .init(field.type.description, .cyan),
        .init(marks.joined(separator: ", "), .dim),
      ])
    }
    console.show(columns)
    console.show()
    let rows = snapshot.rows.map { NumberText.counted($0, "row") } ?? "rows not counted"
    console.show(
      "\(rows) in \(NumberText.counted(snapshot.files.count, "file")), "
        + NumberText.bytes(snapshot.files.sizeInBytes)
    )
    console.show("id        \(snapshot.metadata.id.printable)")
    console.show("location  \(snapshot.location.printable)")
    console.show("protocol  \(snapshot.tableProtocol.text)")
    for constraint in constraints {
      console.show("check     \(constraint.name.printable): \(constraint.expression.printable)")
    }
    for (key, value) in snapshot.metadata.configuration.sorted(by: { $0.key < $1.key })
    where !key.hasPrefix(TableConstraint.settingPrefix) {
      console.show("setting   \(key.printable) = \(value.printable)")
    }
    for tag in tags { console.show("tag       \(tag.name) = version \(tag.version)") }
  }
}

extension TableProtocol {
  /// The demands in a line, such as `reader 3, writer 7 (deletionVectors)`.
  fileprivate var text: String {
    let features = Set((readerFeatures ?? []) + (writerFeatures ?? [])).sorted()
    return "reader \(minReaderVersion), writer \(minWriterVersion)"
      + (features.isEmpty ? "" : " (\(features.joined(separator: ", ").printable))")
  }
}

extension Lake {
  /// The table that somebody means.
  ///
  /// - Throws: `CommandError.unknownDataset` and `.ambiguousDataset`.
  func tableName(_ text: String) async throws -> DatasetName {
    try DatasetName.named(text, among: try await datasets())
  }
}

extension Snapshot {
  /// The table in a few numbers, for `--json`.
  var answer: JSONObject {
    var object = JSONObject()
    object["table"] = .string(table)
    object["version"] = .int(version.number)
    object["rows"] = rows.map { .int($0) } ?? .null
    object["files"] = .int(files.count)
    object["bytes"] = .int(files.sizeInBytes)
    object["committed_at"] = .string(committedAt.description)
    return object
  }

  fileprivate func detailedAnswer(
    _ tags: [TableTag],
    _ constraints: [TableConstraint]
  ) -> JSONValue {
    var object = answer
    object["protocol"] = [
      "reader": .int(tableProtocol.minReaderVersion),
      "writer": .int(tableProtocol.minWriterVersion),
      "features": .array(
        Set((tableProtocol.readerFeatures ?? []) + (tableProtocol.writerFeatures ?? [])).sorted()
          .map { .string($0) }
      ),
    ]
    object["settings"] = .object(
      JSONObject(
        metadata.configuration.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) }
      )
    )
    object["constraints"] = .array(
      constraints.map { ["name": .string($0.name), "expression": .string($0.expression)] }
    )
    object["tags"] = .array(
      tags.map { ["name": .string($0.name), "version": .int($0.version.number)] }
    )
    object["checkpoint"] = checkpoint.map { .int($0.number) } ?? .null
    object["id"] = .string(metadata.id)
    object["location"] = .string(location)
    object["description"] = metadata.description.map { .string($0) } ?? .null
    object["partition_columns"] = .array(metadata.partitionColumns.map { .string($0) })
    object["columns"] = .array(
      schema.fields.map { field in
        [
          "name": .string(field.name), "type": .string(field.type.description),
          "nullable": .bool(field.isNullable),
        ]
      }
    )
    return .object(object)
  }
}
