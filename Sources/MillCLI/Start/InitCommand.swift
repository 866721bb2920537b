// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Foundation
internal import MillAssembly
internal import MillCore

/// `millrace init`: a new project.
struct InitCommand: Command {
  static let configuration = CommandConfiguration(
    commandName: "init",
    abstract: "Make a new project, from sample data or from your own files.",
    discussion: """
      Without --from, the project is the payments sample: 90 days of card payments in CSV and \
      JSON lines, with defects of known number, and models with rules that find them all.

      With --from, every row of your files is read. Each dataset gets a source, and a silver \
      model with the narrowest types that lose nothing and with rules that your data suggests; \
      each rule stands beside its evidence, for you to keep or delete.

        $ millrace init flights --from 'data/*.csv.gz'
        DATASET   FILES     ROWS  COLUMNS     SIZE  KEY      RULES
        airports      1    1,458        8   26 KiB  faa         11
        flights      12  336,776       19  7.6 MiB  –           24

      Name files, folders or patterns; quote patterns if Millrace is to expand them. Files whose \
      names differ in a numbering alone become one dataset. Nothing that exists is replaced.

      JSON: {"folder", "name", "files": [PATH], "datasets": [{"name", "files": [PATH], "rows", \
      "columns", "bytes", "nulls", "columns_with_nulls", "irregular_records", "keys": [COLUMN], \
      "rules_suggested", "findings": [TEXT]}]}; for the sample that of `millrace sample`, with \
      "folder".
      """
  )

  @Argument(help: "The folder of the new project.", completion: .directory)
  var dir: String

  @Option(
    name: .long,
    parsing: .upToNextOption,
    help: ArgumentHelp("Files, folders or patterns to start from.", valueName: "file"),
    completion: .file()
  )
  var from: [String] = []

  @Option(
    name: .long,
    help: ArgumentHelp("With --from: the project's name (default: that of the folder).")
  )
  var name: String?

  @Option(name: .long, help: "Without --from: how many payments the sample has.")
  var rows: Int?

  @Option(name: .long, help: "Without --from: what the sample's random numbers start from.")
  var seed: UInt64?

  @OptionGroup(title: "Output")
  var options: OutputOptions

  func validate() throws {
    if from.isEmpty {
      guard name == nil else { throw ValidationError("--name needs --from.") }
    } else {
      guard rows == nil, seed == nil else {
        throw ValidationError("--rows and --seed are for the sample, so not with --from.")
      }
    }
  }

  func run(_ console: Console) async throws -> ExitStatus {
    if from.isEmpty {
      try sample(console)
    } else {
      try await profile(console)
    }
    return .done
  }

  private func sample(_ console: Console) throws {
    let project = PaymentsProject(rows: rows ?? 100_000, seed: seed ?? 1)
    let manifest = try project.write(to: dir)
    if console.isJSON {
      console.show(json: manifest.answer(folder: dir))
      return
    }
    manifest.show(on: console)
    console.show()
    console.show("Made the payments project in \(dir.printable). What to do next:")
    showNext(console, model: "silver.payments")
  }

  private func profile(_ console: Console) async throws {
    let folder = URL(fileURLWithPath: dir).standardizedFileURL
    let projectName = name ?? folder.lastPathComponent
    let plan = try await Interruption.cancelling {
      console.remark("stopping")
    } _: { [from, dir] in
      try await BorrowedEngine.withEngine(reading: from) { engine, temporaryFolder in
        let start = ProjectInit(
          engine: engine,
          world: .system(),
          temporaryFolder: temporaryFolder
        )
        let plan = try await start.plan(files: from, projectName: projectName, folder: dir)
        try Task.checkCancellation()
        try start.write(plan, to: dir)
        return plan
      }
    }
    if console.isJSON {
      console.show(json: plan.answer(folder: dir))
      return
    }
    plan.show(on: console)
    console.show()
    let files = NumberText.counted(plan.files.count, "file")
    console.show(
      "Made the project \(plan.projectName.printable) in \(dir.printable) (\(files))."
        + " What to do next:"
    )
    let ruled = plan.summaries.first { $0.rulesSuggested > 0 }
    showNext(console, model: ruled.map { "silver.\($0.dataset)" })
  }

  private func showNext(_ console: Console, model: String?) {
    let steps: [(command: String, purpose: String)] = [
      ("cd \(dir.printable)", ""),
      ("millrace validate", "reads the definitions"),
      ("millrace run", "makes the tables"),
      model.map { ("millrace quality \($0)", "shows what its rules found") }
        ?? ("millrace quality", "shows what the rules found"),
    ]
    let width = steps.map(\.command.displayWidth).max() ?? 0
    for step in steps {
      guard !step.purpose.isEmpty else {
        console.show("  \(step.command)")
        continue
      }
      let padding = String(repeating: " ", count: width - step.command.displayWidth)
      console.show("  \(step.command)\(padding)  \(console.style.dim(step.purpose))")
    }
  }
}

extension InitPlan {
  fileprivate func show(on console: Console) {
    var table = FittingTable([
      .init("DATASET"), .init("FILES", .trailing, rank: 2), .init("ROWS", .trailing),
      .init("COLUMNS", .trailing), .init("SIZE", .trailing, rank: 1), .init("KEY", widthMax: 40),
      .init("RULES", .trailing),
    ])
    for summary in summaries {
      table.append([
        .init(summary.dataset, .bold), .init(NumberText.grouped(summary.files.count)),
        .init(NumberText.grouped(summary.rows)), .init(NumberText.grouped(summary.columns)),
        .init(summary.bytes.description),
        .init(summary.keys.isEmpty ? "–" : summary.keys.joined(separator: ", ")),
        .init(NumberText.grouped(summary.rulesSuggested)),
      ])
    }
    console.show(table)
    let findings = summaries.flatMap { summary in
      summary.remarks.map { "  \(summary.dataset): \($0)".printable }
    }
    guard !findings.isEmpty else { return }
    console.show(heading: "Worth a look")
    for finding in findings { console.show(finding) }
  }

  fileprivate func answer(folder: String) -> JSONValue {
    [
      "folder": .string(folder),
      "name": .string(projectName),
      "files": .array(files.map { .string($0.path) }),
      "datasets": .array(
        summaries.map { summary in
          [
            "name": .string(summary.dataset),
            "files": .array(summary.files.map { .string($0) }),
            "rows": .int(summary.rows),
            "columns": .int(summary.columns),
            "bytes": .int(summary.bytes.bytes),
            "nulls": .int(summary.nulls),
            "columns_with_nulls": .int(summary.columnsWithNulls),
            "irregular_records": .int(summary.irregularRecords),
            "keys": .array(summary.keys.map { .string($0) }),
            "rules_suggested": .int(summary.rulesSuggested),
            "findings": .array(summary.findings.map { .string($0) }),
          ]
        }
      ),
    ]
  }
}

extension ProfileSummary {
  /// The findings, after what the numbers alone say.
  fileprivate var remarks: [String] {
    var remarks: [String] = []
    if nulls > 0 {
      remarks.append(
        "\(NumberText.counted(nulls, "empty cell")) in "
          + NumberText.counted(columnsWithNulls, "column")
      )
    }
    return remarks + findings
  }
}
