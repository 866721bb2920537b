// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import MillAssembly
internal import MillCore
internal import MillFeatures

/// `millrace features training-set list`.
struct TrainingSetListCommand: ProjectCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "List the training sets, newest first.",
    discussion: """
        $ millrace features training-set list
        ID            NAME   VERSION    ROWS  FEATURES  MADE
        1f0c9a3b77de  fraud        0  12,430        12  2025-10-17 09:31:08

      JSON: {"training_sets": [MANIFEST]}.
      """
  )

  @OptionGroup
  var common: CommonOptions

  func run(_ console: Console) async throws -> ExitStatus {
    try await project.withWorkspace(console) { workspace in
      let (sets, damaged) = try await workspace.features().trainingSets()
      for error in damaged { console.warn(error.description) }
      if console.isJSON {
        console.show(json: ["training_sets": .array(sets.map(\.json))])
        return .done
      }
      guard !sets.isEmpty else {
        console.show("no training set yet: `millrace features training-set create`")
        return .done
      }
      var table = FittingTable([
        .init("ID"), .init("NAME"), .init("VERSION", .trailing), .init("ROWS", .trailing),
        .init("FEATURES", .trailing, rank: 1), .init("MADE", rank: 2),
      ])
      for set in sets {
        table.append([
          .init(set.id), .init(set.name), .init(String(set.version)),
          .init(NumberText.grouped(set.rows)), .init(NumberText.grouped(set.features.count)),
          .init(TimeText.seconds(set.createdAt), .dim),
        ])
      }
      console.show(table)
      return .done
    }
  }
}

/// `millrace features training-set show ID`.
struct TrainingSetShowCommand: ProjectCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Show what a training set was made of.",
    discussion: "JSON: the manifest."
  )

  @OptionGroup
  var choice: TrainingSetChoice

  @OptionGroup
  var common: CommonOptions

  func run(_ console: Console) async throws -> ExitStatus {
    try await project.withWorkspace(console) { workspace in
      let set = try await workspace.features().trainingSet(choice.id)
      if console.isJSON {
        console.show(json: set.json)
        return .done
      }
      console.show(
        "training set \(console.style.bold(set.id)) of \(TimeText.seconds(set.createdAt)): "
          + "\(NumberText.grouped(set.rows)) rows in training.\(set.name), version \(set.version)"
      )
      console.show(
        "labels of \(set.labels), as of \(set.timeColumn)"
          + (set.timeZone == "UTC" ? "" : " in \(set.timeZone)")
      )
      console.show(
        set.respectsKnowledge
          ? "rows that came to be known after a label are hidden from it"
          : console.style.yellow("rows that came to be known after a label are seen by it")
      )
      console.show()
      var views = FittingTable([
        .init("VIEW"), .init("DEFINITION"), .init("SOURCE"), .init("VERSION", .trailing),
        .init("KNOWN FROM", rank: 1),
      ])
      for view in set.views {
        views.append([
          .init(view.name), .init(String(view.hash.prefix(12))), .init(view.source),
          .init(set.tables[view.source].map { String($0) } ?? "–"), .init(view.knowledge, .dim),
        ])
      }
      console.show(views)
      console.show()
      console.show(set.featureTable)
      return .done
    }
  }
}

/// `millrace features training-set reproduce ID`.
struct TrainingSetReproduceCommand: ProjectCommand {
  static let configuration = CommandConfiguration(
    commandName: "reproduce",
    abstract: "Make the join again from the same versions, and compare every cell.",
    discussion: """
      The exit status is 1 when a cell differs. Doubles agree to 1e-9 of their size.

      JSON: {"id", "rows", "cells", "different", "columns": {NAME: CELLS}, "tables": [{"table", \
      "then", "now"}], "redefined": [VIEW]}.
      """
  )

  @OptionGroup
  var choice: TrainingSetChoice

  @OptionGroup
  var common: CommonOptions

  func run(_ console: Console) async throws -> ExitStatus {
    try await project.withWorkspace(console) { workspace in
      let store = try await workspace.features()
      let comparison = try await store.reproduce(try await store.trainingSet(choice.id))
      if console.isJSON {
        console.show(json: comparison.answer)
      } else if comparison.cells == 0 {
        console.show(
          "training set \(comparison.manifest.id): all "
            + "\(NumberText.grouped(comparison.cellsCompared)) cells are as they were"
        )
      } else {
        comparison.show(console, "differ from what is stored")
      }
      return comparison.cells == 0 ? .done : .checkFailed
    }
  }
}

/// `millrace features training-set stale ID`.
struct TrainingSetStaleCommand: ProjectCommand {
  static let configuration = CommandConfiguration(
    commandName: "stale",
    abstract: "Count the cells that would be others if the set were made now.",
    discussion: """
      Late and corrected rows change history; the stored set stays as it was. The exit status is 0 \
      whatever is found.

      JSON: as of `reproduce`.
      """
  )

  @OptionGroup
  var choice: TrainingSetChoice

  @OptionGroup
  var common: CommonOptions

  func run(_ console: Console) async throws -> ExitStatus {
    try await project.withWorkspace(console) { workspace in
      let store = try await workspace.features()
      let comparison = try await store.stale(try await store.trainingSet(choice.id))
      if console.isJSON {
        console.show(json: comparison.answer)
        return .done
      }
      for view in comparison.redefined {
        console.warn("\(view) is defined otherwise than when the set was made")
      }
      for table in comparison.tables where table.then != table.now {
        console.show("\(table.name): version \(table.then) then, \(table.now) now")
      }
      if comparison.cells == 0 {
        console.show(
          "training set \(comparison.manifest.id): made now, all "
            + "\(NumberText.grouped(comparison.cellsCompared)) cells would be the same"
        )
      } else {
        comparison.show(console, "would be others")
      }
      return .done
    }
  }
}

extension TrainingSetComparison {
  fileprivate var cellsCompared: Int64 { manifest.rows * Int64(manifest.features.count) }

  fileprivate func show(_ console: Console, _ verdict: String) {
    console.show(
      "training set \(console.style.bold(manifest.id)): "
        + console.style.yellow(NumberText.grouped(cells))
        + " of \(NumberText.grouped(cellsCompared)) cells \(verdict)"
    )
    console.show()
    var table = FittingTable([.init("COLUMN"), .init("CELLS", .trailing)])
    for column in differing where column.cells > 0 {
      table.append([.init(column.name), .init(NumberText.grouped(column.cells))])
    }
    console.show(table)
  }

  fileprivate var answer: JSONValue {
    [
      "id": .string(manifest.id), "rows": .int(manifest.rows), "cells": .int(cellsCompared),
      "different": .int(cells),
      "columns": .object(JSONObject(differing.map { ($0.name, .int($0.cells)) })),
      "tables": .array(
        tables.map { ["table": .string($0.name), "then": .int($0.then), "now": .int($0.now)] }
      ),
      "redefined": .array(redefined.map { .string($0) }),
    ]
  }
}

/// Which training set a command is about.
struct TrainingSetChoice: ParsableArguments, Sendable {
  @Argument(help: "The id, the first digits of it, or the name (the newest set of it).")
  var id: String
}
