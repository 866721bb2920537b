// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import MillAssembly
internal import MillCore
internal import MillLake

/// `millrace table tag NAME [TAG]`: names for versions.
struct TableTagCommand: ProjectCommand {
  static let configuration = CommandConfiguration(
    commandName: "tag",
    abstract: "List the tags of a table, name a version, or take a name away.",
    discussion: """
      A tag keeps a version readable: `millrace maintain` leaves its files alone. A vacuum of \
      another writer (Spark, delta-rs) knows nothing of tags.

        $ millrace table tag gold.features training-2025-10 --note "model 7"
        training-2025-10 = version 4 of gold.features
        $ millrace table rows gold.features --tag training-2025-10

      JSON: {"table", "tags": [{"name", "version", "created_at", "note"}]}.
      """
  )

  @Argument(help: "The table, such as silver.cards, or the folder of a Delta table.")
  var table: String

  @Argument(help: "The name: letters, digits, `-`, `_` and `.` (default: list the tags).")
  var tag: String?

  @Option(name: .customLong("version"), help: "The version to name (default: the newest).")
  var tableVersion: Int64?

  @Option(name: .long, help: "What the version is for.")
  var note: String?

  @Flag(name: .long, help: "Take the name away.")
  var remove = false

  @OptionGroup
  var common: CommonOptions

  func validate() throws {
    guard tag != nil || (!remove && note == nil && tableVersion == nil) else {
      throw ValidationError("Give the name of the tag.")
    }
  }

  func run(_ console: Console) async throws -> ExitStatus {
    try await project.withTable(table, console) { open in
      var made: TableTag?
      if let tag {
        if remove {
          try await open.table.removeTag(tag)
        } else {
          made = try await open.table.tag(
            tag,
            version: tableVersion.map { TableVersion($0) },
            note: note
          )
        }
      }
      show(try await open.table.tags(), made, open.table.name, console)
      return .done
    }
  }

  private func show(_ tags: [TableTag], _ made: TableTag?, _ name: String, _ console: Console) {
    if console.isJSON {
      console.show(
        json: [
          "table": .string(name),
          "tags": .array(
            tags.map { tag in
              [
                "name": .string(tag.name), "version": .int(tag.version.number),
                "created_at": .string(tag.createdAt.description),
                "note": tag.note.map { .string($0) } ?? .null,
              ]
            }
          ),
        ]
      )
      return
    }
    if let made {
      console.show("\(made.name) = version \(made.version) of \(name)")
      return
    }
    if let tag, remove {
      console.show("\(tag) is no tag of \(name) any more")
      return
    }
    guard !tags.isEmpty else {
      console.show("\(name) has no tag: `millrace table tag \(table) NAME`")
      return
    }
    var table = FittingTable([
      .init("TAG"), .init("VERSION", .trailing), .init("CREATED", rank: 1), .init("NOTE", rank: 2),
    ])
    for tag in tags {
      table.append([
        .init(tag.name), .init(tag.version.description), .init(TimeText.seconds(tag.createdAt)),
        .init(tag.note ?? "", .dim),
      ])
    }
    console.show(table)
  }
}

/// `millrace table restore NAME --version N`: an older version made new.
struct TableRestoreCommand: ProjectCommand {
  static let configuration = CommandConfiguration(
    commandName: "restore",
    abstract: "Make a new version of a table that is as an older one was.",
    discussion: """
      Nothing is lost: the versions between stay readable. A table that a model makes is made again \
      by the next run when its inputs or its definition have changed.

        $ millrace table restore silver.cards --version 3
        silver.cards is at version 8, as it was at version 3

      JSON: {"table", "version", "restored"}.
      """
  )

  @Argument(help: "The table, such as silver.cards, or the folder of a Delta table.")
  var table: String

  @OptionGroup(title: "Version")
  var wanted: VersionOptions

  @OptionGroup
  var common: CommonOptions

  func validate() throws {
    guard wanted.number != nil || wanted.timestamp != nil || wanted.tag != nil else {
      throw ValidationError("Give one of --version, --timestamp and --tag.")
    }
  }

  func run(_ console: Console) async throws -> ExitStatus {
    try await project.withTable(table, console) { open in
      let older = try await wanted.version(of: open.table) ?? .first
      let made = try await open.table.restore(to: older)
      if console.isJSON {
        console.show(
          json: [
            "table": .string(open.table.name), "version": .int(made.number),
            "restored": .int(older.number),
          ]
        )
      } else {
        console.show("\(open.table.name) is at version \(made), as it was at version \(older)")
      }
      return .done
    }
  }
}
