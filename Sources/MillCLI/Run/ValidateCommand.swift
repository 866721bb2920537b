// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import MillAssembly
internal import MillCore
internal import MillFeatures
internal import MillPipelines

/// `millrace validate`: whether the definitions are sound.
struct ValidateCommand: ProjectCommand {
  static let configuration = CommandConfiguration(
    commandName: "validate",
    abstract: "Check every definition, without touching data.",
    discussion: """
      Reads millrace.yaml, sources, models and features, parses all SQL, and orders the datasets. What is \
      wrong is shown with its line; the exit status is 2 then. Models and their rules are held \
      against the columns that sources declare or tables have.

        $ millrace validate
        DATASET       MADE FROM       DEFINED IN
        bronze.cards  data/cards.csv  sources/cards.yaml
        silver.cards  bronze.cards    models/silver/cards.sql

        2 datasets, no mistake found

      JSON: {"name", "folder", "datasets": [{"dataset", "kind": "source"|"model", "inputs": \
      [DATASET], "files": [PATTERN], "path", "description", "rules"}], "feature_views": [NAME], \
      "deprecated_uses": [{"user", "name", "note"}]}, datasets in the order of a run.
      """
  )

  @OptionGroup
  var common: CommonOptions

  func run(_ console: Console) async throws -> ExitStatus {
    try await project.withWorkspace { workspace in
      let pipeline = try await workspace.pipeline()
      let definitions = pipeline.graph.order.compactMap { dataset in
        Definition(dataset, in: pipeline)
      }
      let check = try await pipeline.check()
      let features = try await workspace.features().check()
      let mistakes = check.mistakes + features.mistakes
      if !mistakes.isEmpty { throw DefinitionMistakes(mistakes: mistakes) }
      let deprecated = workspace.project.features.deprecatedUses
      for use in deprecated {
        console.warn("\(use.user) uses \(use.name), which is deprecated: \(use.note)")
      }
      if console.isJSON {
        console.show(
          json: [
            "name": .string(pipeline.definition.name),
            "folder": .string(workspace.project.folder),
            "datasets": .array(definitions.map(\.json)),
            "feature_views": .array(
              workspace.project.features.views.map { .string($0.name) }
            ),
            "deprecated_uses": .array(
              deprecated.map { use in
                [
                  "user": .string(use.user), "name": .string(use.name), "note": .string(use.note),
                ]
              }
            ),
          ]
        )
        return .done
      }
      var table = FittingTable([
        .init("DATASET"), .init("MADE FROM", widthMax: 60), .init("DEFINED IN", rank: 1),
      ])
      for definition in definitions {
        let inputs = definition.inputs.map(\.description) + definition.files
        table.append([
          .init(definition.dataset.description), .init(inputs.joined(separator: ", ")),
          .init(definition.path, .dim),
        ])
      }
      console.show(table)
      console.show()
      for (dataset, reason) in check.unchecked {
        console.show("not looked into: \(dataset), since \(reason)")
      }
      for reason in features.unchecked { console.show("not looked into: \(reason)") }
      let views = workspace.project.features.views.count
      console.show(
        "\(NumberText.counted(definitions.count, "dataset")), "
          + (views > 0 ? "\(NumberText.counted(views, "feature view")), " : "")
          + console.style.green("no mistake found")
      )
      return .done
    }
  }
}

/// Mistakes of several definitions, shown one after the other.
struct DefinitionMistakes: Failure {
  var mistakes: [any Failure]

  var code: String { mistakes.first?.code ?? "pipeline.definition" }
  var errorClass: ErrorClass { .definition }
  var description: String { mistakes.map(\.description).joined(separator: "\n") }
}

/// A source or model as a line of `validate`.
private struct Definition {
  var dataset: DatasetName
  var isSource: Bool
  var inputs: [DatasetName] = []
  var files: [String] = []
  var path: String
  var description: String?
  var rules = 0

  init?(_ dataset: DatasetName, in pipeline: MedallionPipeline) {
    self.dataset = dataset
    if let source = pipeline.definition.sources.first(where: { $0.dataset == dataset }) {
      isSource = true
      files = source.files
      path = source.path
      description = source.description
    } else if let model = pipeline.definition.models.first(where: { $0.dataset == dataset }) {
      isSource = false
      inputs = pipeline.graph.inputs[dataset] ?? []
      path = model.path
      description = model.description
      rules = model.rules.count
    } else {
      return nil
    }
  }

  var json: JSONValue {
    [
      "dataset": .string(dataset.description),
      "kind": isSource ? "source" : "model",
      "inputs": .array(inputs.map { .string($0.description) }),
      "files": .array(files.map { .string($0) }),
      "path": .string(path),
      "description": description.map { .string($0) } ?? .null,
      "rules": .int(rules),
    ]
  }
}
