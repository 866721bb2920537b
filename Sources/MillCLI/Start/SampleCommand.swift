// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import MillAssembly
internal import MillCore

/// `millrace sample`: data to try things on.
struct SampleCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sample",
    abstract: "Write sample data with defects of known number.",
    subcommands: [PaymentsSampleCommand.self]
  )
}

/// `millrace sample payments`: only the data of the sample project.
struct PaymentsSampleCommand: Command {
  static let configuration = CommandConfiguration(
    commandName: "payments",
    abstract: "Write 90 days of card payments in CSV and JSON lines.",
    discussion: """
      The files go to DIR/data, together with EXPECTED.json: what stands in them, and what a \
      correct run makes of it. The same rows and seed give the same bytes everywhere.

        $ millrace sample payments bench --rows 1000000 --seed 7

      `millrace init DIR` writes the same data with the project that reads it.

      JSON: {"folder", "rows", "seed", "files": [{"path", "source", "bytes", "lines", \
      "header_lines", "blank_lines", "dead_letters", "bronze_rows", "defects"}], "sources": \
      [{"name", "bronze_rows", "dead_letters", "blank_lines"}], "models": [{"name", \
      "candidates", "quarantined", "warned", "repaired", "deduplicated", "published"}]}.
      """
  )

  @Argument(help: "The folder to write to.", completion: .directory)
  var dir: String

  @Option(name: .long, help: "How many payments there are.")
  var rows = 100_000

  @Option(name: .long, help: "What the random numbers start from.")
  var seed: UInt64 = 1

  @OptionGroup(title: "Output")
  var options: OutputOptions

  func run(_ console: Console) async throws -> ExitStatus {
    let manifest = try PaymentsSample(rows: rows, seed: seed).write(to: dir)
    if console.isJSON {
      console.show(json: manifest.answer(folder: dir))
      return .done
    }
    manifest.show(on: console)
    console.show()
    console.show("Wrote \(dir.printable)/data; EXPECTED.json there holds these numbers.")
    return .done
  }
}

extension SampleManifest {
  /// Prints the files and what a correct run makes of them.
  func show(on console: Console) {
    var files = FittingTable([
      .init("FILE"), .init("SIZE", .trailing), .init("LINES", .trailing),
      .init("BRONZE", .trailing), .init("DEAD LETTERS", .trailing),
      .init("BLANK", .trailing, rank: 1), .init("HEADER", .trailing, rank: 2),
    ])
    for file in self.files {
      files.append([
        .init(file.path), .init(NumberText.bytes(Int64(file.bytes))),
        .init(NumberText.grouped(file.lines)), .init(NumberText.grouped(file.bronzeRows)),
        .init(NumberText.grouped(file.deadLetters)),
        .init(NumberText.grouped(file.blankLines)), .init(NumberText.grouped(file.headerLines)),
      ])
    }
    console.show(files)
    console.show(heading: "A correct run makes of them")
    var models = FittingTable([
      .init("DATASET"), .init("CANDIDATES", .trailing), .init("PUBLISHED", .trailing),
      .init("QUARANTINED", .trailing), .init("DEDUPLICATED", .trailing),
      .init("REPAIRED", .trailing, rank: 1), .init("WARNED", .trailing, rank: 2),
    ])
    for model in self.models {
      models.append([
        .init(model.name), .init(NumberText.grouped(model.candidates)),
        .init(NumberText.grouped(model.published)),
        .init(NumberText.grouped(model.quarantined.values.reduce(0, +))),
        .init(NumberText.grouped(model.deduplicated)),
        .init(NumberText.grouped(model.repaired.values.reduce(0, +))),
        .init(NumberText.grouped(model.warned.values.reduce(0, +))),
      ])
    }
    console.show(models)
  }

  /// The manifest as `EXPECTED.json` has it, with the folder.
  func answer(folder: String) -> JSONValue {
    var object = JSONObject()
    object["folder"] = .string(folder)
    let manifest = (try? JSONValue(parsing: json))?.object ?? [:]
    for (key, value) in manifest { object[key] = value }
    return .object(object)
  }
}
