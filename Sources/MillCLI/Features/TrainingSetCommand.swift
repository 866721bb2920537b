// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Foundation
internal import MillAssembly
internal import MillCore
internal import MillEngine
internal import MillFeatures
internal import MillLake

/// `millrace features training-set`: labels with the features that were true at their time.
struct TrainingSetCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "training-set",
    abstract: "Make training sets; show them, make them again, see what has changed since.",
    subcommands: [
      TrainingSetCreateCommand.self, TrainingSetListCommand.self, TrainingSetShowCommand.self,
      TrainingSetReproduceCommand.self, TrainingSetStaleCommand.self,
    ],
    defaultSubcommand: TrainingSetListCommand.self
  )
}

/// `millrace features training-set create NAME`.
struct TrainingSetCreateCommand: ProjectCommand {
  static let configuration = CommandConfiguration(
    commandName: "create",
    abstract: "Join labels with features as of each label's time.",
    discussion: """
      Labels are a Parquet or CSV file, a table such as silver.chargebacks, or a SELECT. Every row \
      of them is kept, in its order, with its own columns first. A feature is the value that was \
      true at the label's time and known by then; a row that was corrected later is seen as it was.

        $ millrace features training-set create fraud --labels labels.csv --time paid_at \\
            --service fraud_model
        training set 1f0c9a3b77de: 12,430 rows in training.fraud, version 0

        FEATURE                   TYPE           NULLS  MEAN
        card_spend.amount_sum_1h  decimal(38,2)      –  182.4

      The same labels, definitions and table versions give the same set: nothing is made twice.

      JSON: the manifest, with "is_new".
      """
  )

  @Argument(help: "The name of the set: letters, digits and underscores.")
  var name: String

  @Option(
    name: .long,
    help: ArgumentHelp("A .parquet or .csv file, a table, or a SELECT.", valueName: "labels")
  )
  var labels: String

  @OptionGroup
  var choice: FeatureChoice

  @Option(name: .long, help: "The labels' column that says as of when (default: the only time).")
  var time: String?

  @Option(name: .long, help: "The zone of label times that name none.")
  var timeZone = "UTC"

  @Option(
    name: .long,
    help: ArgumentHelp("An entity key that the labels call otherwise.", valueName: "key=column")
  )
  var key: [String] = []

  @Flag(name: .long, help: "Name columns VIEW__FEATURE.")
  var fullNames = false

  @Flag(
    name: .long,
    help: "See rows although they came to be known after the label: the model will not."
  )
  var ignoreKnowledge = false

  @Option(name: .long, help: "Write the rows to a Parquet file as well.", completion: .file())
  var output: String?

  @OptionGroup
  var common: CommonOptions

  func validate() throws {
    for pair in key where pair.split(separator: "=").count != 2 {
      throw ValidationError("--key \(pair) is no KEY=COLUMN.")
    }
    guard TimeZone(identifier: timeZone) != nil else {
      throw ValidationError("--time-zone \(timeZone) is no time zone, such as Europe/Berlin.")
    }
    if let output, !output.lowercased().hasSuffix(".parquet") {
      throw ValidationError("--output \(output) must end in .parquet.")
    }
  }

  func run(_ console: Console) async throws -> ExitStatus {
    let source = source
    var inputs: [String] = []
    if case .file(let path) = source { inputs = [path] }
    let target = output.map(Self.absolute)
    let workspace = try await Workspace(
      project: project.load(),
      inputs: inputs,
      outputs: target.map { [($0 as NSString).deletingLastPathComponent] } ?? []
    ) { console.warn($0.description) }
    let outcome: Result<ExitStatus, any Error>
    do {
      outcome = .success(try await make(source, target, workspace, console))
    } catch {
      outcome = .failure(error)
    }
    await workspace.engine.shutdown()
    return try outcome.get()
  }

  private func make(
    _ source: Labels.Source,
    _ target: String?,
    _ workspace: Workspace,
    _ console: Console
  ) async throws -> ExitStatus {
    if case .file(let path) = source, !FileManager.default.fileExists(atPath: path) {
      throw FeatureError.labels(
        path,
        problem: "there is no such file; a SELECT begins with SELECT, WITH or FROM"
      )
    }
    if let target, FileManager.default.fileExists(atPath: target) {
      throw FileError.alreadyExists(path: target)
    }
    let store = try await workspace.features()
    let references = try choice.references(in: store.definitions)
    for (name, note) in store.definitions.deprecations(references, service: choice.service) {
      console.warn("\(name) is deprecated: \(note)")
    }
    var keys: [String: String] = [:]
    for pair in key {
      let parts = pair.split(separator: "=").map(String.init)
      keys[parts[0]] = parts[1]
    }
    let (manifest, isNew) = try await store.makeTrainingSet(
      TrainingSetRequest(
        name: name,
        labels: Labels(source, time: time, timeZone: timeZone, keyColumns: keys),
        features: references,
        fullNames: fullNames,
        respectsKnowledge: !ignoreKnowledge
      )
    )
    if let target, let dataset = DatasetName(layer: .training, name: manifest.name) {
      _ = try await workspace.openTable(dataset).export(
        to: target,
        at: TableVersion(manifest.version),
        inOrderOf: "_row"
      )
    }
    if console.isJSON {
      var answer = manifest.json.object ?? [:]
      answer["is_new"] = .bool(isNew)
      console.show(json: .object(answer))
      return .done
    }
    console.show(
      "training set \(console.style.bold(manifest.id)): "
        + "\(NumberText.grouped(manifest.rows)) rows in training.\(manifest.name), "
        + "version \(manifest.version)" + (isNew ? "" : " (made before)")
    )
    console.show()
    console.show(manifest.featureTable)
    return .done
  }

  private var source: Labels.Source {
    let lowered = labels.lowercased()
    let word = lowered.prefixAfterBlanks
    if ["select", "with", "from"].contains(word) || lowered.first == "(" { return .sql(labels) }
    let isFile = [".parquet", ".csv", ".csv.gz", ".csv.zst"].contains(where: lowered.hasSuffix)
    if !isFile, let dataset = DatasetName(labels) { return .dataset(dataset, nil) }
    return .file(Self.absolute(labels))
  }

  private static func absolute(_ path: String) -> String {
    URL(fileURLWithPath: path).standardizedFileURL.path
  }
}

extension String {
  /// The first word.
  fileprivate var prefixAfterBlanks: String {
    String(drop { $0.isWhitespace }.prefix { $0.isLetter })
  }
}

extension FeatureDefinitions {
  /// Services and on-demand features that use what is deprecated, and what to use instead.
  var deprecatedUses: [(user: String, name: String, note: String)] {
    var found: [(user: String, name: String, note: String)] = []
    // What is deprecated itself may use what it likes until it goes.
    for definition in onDemand where definition.notes.deprecated == nil {
      let references = definition.uses.map {
        FeatureReference(view: $0.feature.view, feature: $0.feature.name)
      }
      found += deprecations(references, service: nil)
        .map { ("on demand \(definition.name)", $0.name, $0.note) }
    }
    for service in services where service.notes.deprecated == nil {
      found += deprecations(service.features, service: nil)
        .map { ("service \(service.name)", $0.name, $0.note) }
    }
    return found
  }

  /// What is deprecated of all that was asked for, and what to use instead.
  func deprecations(
    _ references: [FeatureReference],
    service: String?
  ) -> [(name: String, note: String)] {
    var found: [(name: String, note: String)] = []
    func add(_ name: String, _ notes: DefinitionNotes?) {
      if let note = notes?.deprecated, !found.contains(where: { $0.name == name }) {
        found.append((name, note))
      }
    }
    if let service { add(service, services.first { $0.name == service }?.notes) }
    for name in Set(references.map(\.view)).sorted() {
      add(name, view(name)?.notes ?? onDemand(name)?.notes)
      for entity in view(name)?.entities ?? [] {
        add(entity, entities.first { $0.name == entity }?.notes)
      }
    }
    return found
  }
}

extension TrainingSetManifest {
  /// The features with what is known of them.
  var featureTable: FittingTable {
    var table = FittingTable([
      .init("FEATURE"), .init("TYPE", rank: 1), .init("NULLS", .trailing),
      .init("MIN", .trailing, rank: 3, widthMax: 24), .init("MEAN", .trailing, rank: 2),
      .init("MAX", .trailing, rank: 3, widthMax: 24),
    ])
    for feature in features {
      table.append([
        .init(feature.feature), .init(feature.type.description),
        .init(feature.nulls == 0 ? "–" : NumberText.grouped(feature.nulls)),
        .init(Self.short(feature.minimum, feature.type)),
        .init(feature.mean.map(Self.rounded) ?? "–"),
        .init(Self.short(feature.maximum, feature.type)),
      ])
    }
    return table
  }

  /// A bound as it is read in a table: a double in four digits, all else whole.
  private static func short(_ text: String?, _ type: DataType) -> String {
    guard let text else { return "–" }
    guard type == .double || type == .float, let number = Double(text) else { return text }
    return rounded(number)
  }

  private static func rounded(_ mean: Double) -> String {
    String(format: "%.4g", mean)
  }
}
