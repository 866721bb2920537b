// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import MillAssembly
internal import MillCore
internal import MillFeatures
internal import MillTiles

/// `millrace features`: what is defined once, for training and for serving.
struct FeaturesCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "features",
    abstract: "List features; join them with labels as of each label's time.",
    discussion: """
      Entities, feature views and services are defined in features/*.yaml. A training set holds \
      labels with the features that were true, and known, at their time; it is kept in \
      training.NAME with a manifest of everything that it was made of.
      """,
    subcommands: [
      FeaturesListCommand.self, FeaturesShowCommand.self, TrainingSetCommand.self,
      FeaturesMaterializeCommand.self, FeaturesGetCommand.self, FeaturesVerifyCommand.self,
      FeaturesExplainCommand.self, FeaturesExportFeastCommand.self,
      FeaturesPlanCommand.self, FeaturesApplyCommand.self,
      FeaturesHistoryCommand.self, FeaturesSearchCommand.self, FeaturesLineageCommand.self,
    ],
    defaultSubcommand: FeaturesListCommand.self
  )
}

/// `millrace features list`: what there is.
struct FeaturesListCommand: ProjectCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "List the feature views, or find features by a word.",
    discussion: """
        $ millrace features list
        VIEW           ENTITY    SOURCE           FEATURES  OWNER
        card_profile   card      silver.cards            3  risk
        card_spend     card      silver.payments        10  risk

      JSON: {"views": [{"view", "entities", "source", "features": [NAME], "hash", "description", \
      "owner", "tags", "deprecated"}], "on_demand": [{"view", "inputs", "uses", "features": {NAME: SQL}, \
      "hash", "description", "owner", "tags", "deprecated"}], "services": [{"service", \
      "description", "owner", "deprecated", "features": [FEATURE]}]}.
      """
  )

  @Argument(help: "Only views with this word in their names, features, descriptions or tags.")
  var word: String?

  @OptionGroup
  var common: CommonOptions

  func run(_ console: Console) async throws -> ExitStatus {
    try await project.withWorkspace(console) { workspace in
      let store = try await workspace.features()
      let views = store.definitions.views.filter(isWanted)
      let onDemand = store.definitions.onDemand.filter(isWanted)
      if console.isJSON {
        console.show(
          json: [
            "views": .array(views.map { $0.answer(hash: store.hash(of: $0)) }),
            "on_demand": .array(
              onDemand.map { $0.answer(hash: store.hash(of: $0)) }
            ),
            "services": .array(
              try store.definitions.services.map { service in
                [
                  "service": .string(service.name),
                  "description": service.notes.description.map { .string($0) } ?? .null,
                  "owner": service.notes.owner.map { .string($0) } ?? .null,
                  "deprecated": service.notes.deprecated.map { .string($0) } ?? .null,
                  "features": .array(
                    try store.definitions.resolve(service.features).map {
                      .string($0.description)
                    }
                  ),
                ]
              }
            ),
          ]
        )
        return .done
      }
      guard !views.isEmpty || !onDemand.isEmpty else {
        console.show(
          word.map { "no feature view has `\($0)` in it" }
            ?? "no feature is defined: write features/NAME.yaml"
        )
        return .done
      }
      show(views, onDemand, console)
      if word == nil { show(store.definitions.services, console) }
      return .done
    }
  }

  private func show(
    _ views: [FeatureViewDefinition],
    _ onDemand: [OnDemandDefinition],
    _ console: Console
  ) {
    var table = FittingTable([
      .init("VIEW"), .init("ENTITY"), .init("SOURCE", rank: 1),
      .init("FEATURES", .trailing), .init("OWNER", rank: 2),
      .init("DESCRIPTION", rank: 3, widthMax: 60),
    ])
    for view in views {
      table.append([
        .init(view.notes.deprecated == nil ? view.name : "\(view.name) (deprecated)"),
        .init(view.entities.joined(separator: ", ")), .init(view.sourceText),
        .init(NumberText.grouped(view.featureNames.count)), .init(view.notes.owner ?? "–"),
        .init(view.notes.description ?? "", .dim),
      ])
    }
    for definition in onDemand {
      table.append([
        .init(
          definition.notes.deprecated == nil ? definition.name : "\(definition.name) (deprecated)"
        ),
        .init("on demand"), .init(definition.usesText),
        .init(NumberText.grouped(definition.features.count)),
        .init(definition.notes.owner ?? "–"), .init(definition.notes.description ?? "", .dim),
      ])
    }
    console.show(table)
  }

  private func show(_ services: [FeatureServiceDefinition], _ console: Console) {
    guard !services.isEmpty else { return }
    console.show()
    var table = FittingTable([
      .init("SERVICE"), .init("FEATURES OF", widthMax: 60), .init("OWNER", rank: 2),
      .init("DESCRIPTION", rank: 3, widthMax: 60),
    ])
    for service in services {
      table.append([
        .init(
          service.notes.deprecated == nil ? service.name : "\(service.name) (deprecated)"
        ),
        .init(service.features.map(\.description).joined(separator: ", ")),
        .init(service.notes.owner ?? "–"), .init(service.notes.description ?? "", .dim),
      ])
    }
    console.show(table)
  }

  private func isWanted(_ definition: OnDemandDefinition) -> Bool {
    guard let word = word?.lowercased() else { return true }
    let texts =
      [definition.name, definition.notes.description ?? "", definition.notes.owner ?? ""]
      + definition.features.map(\.name) + definition.notes.tags
    return texts.contains { $0.lowercased().contains(word) }
  }

  private func isWanted(_ view: FeatureViewDefinition) -> Bool {
    guard let word = word?.lowercased() else { return true }
    let texts =
      [view.name, view.notes.description ?? "", view.notes.owner ?? "", view.sourceText]
      + view.featureNames + view.notes.tags + view.entities
    return texts.contains { $0.lowercased().contains(word) }
  }
}

/// `millrace features show VIEW`: what a view's features are.
struct FeaturesShowCommand: ProjectCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Show the features of a view: types, windows, and the values that they have.",
    discussion: """
        $ millrace features show card_spend
        card_spend: payments of a card over its last hours and days
        of silver.payments by card_id; a row is known at its own time (paid_at)

        FEATURE        TYPE           WHAT
        amount_sum_1h  decimal(38,2)  sum of amount over 1 h up to 1 h 5 min by hops of 5 min

      Once the view was materialized, what was counted of its values follows. The bars of a number \
      are its histogram, from the quantile 0.01 to 0.99; texts show their most frequent values.

      JSON: as one of `views` in `features list`, with "types": {NAME: TYPE}, "version" (null where it \
      was never recorded) and "statistics", the newest first: [{"hash", "as_of", "counted_at", \
      "tables", "source_rows", "is_approximate", "features": [{"feature", "type", "rows", "nulls", \
      "distinct", "min", "max", "mean", "stddev", "quantiles": [{"fraction", "value"}], "histogram": \
      [{"lower", "upper", "count"}], "top": [{"value", "count"}], "lengths": {"min", "mean", "max"}}]}].
      """
  )

  @Argument(help: "The view.")
  var view: String

  @OptionGroup
  var common: CommonOptions

  func run(_ console: Console) async throws -> ExitStatus {
    try await project.withWorkspace(console) { workspace in
      let store = try await workspace.features()
      let features = try store.definitions.resolve([FeatureReference(view: view, feature: nil)])
      if let definition = store.definitions.onDemand(view) {
        show(definition, store.hash(of: definition), console)
        return .done
      }
      guard let view = features.first.flatMap({ store.definitions.view($0.view) }) else {
        return .done
      }
      let bound = try await store.bind(view)
      let statistics = try await store.statistics(of: view.name)
      let hash = store.hash(of: view)
      let version = try await store.registry?.newest()
        .first { $0.facts.kind == .view && $0.facts.hash == hash && $0.facts.name == view.name }
      if console.isJSON {
        var answer = view.answer(hash: store.hash(of: view)).object ?? [:]
        answer["types"] = .object(
          JSONObject(bound.features.map { ($0.name, .string($0.type.description)) })
        )
        answer["version"] = version.map { .int($0.number) } ?? .null
        answer["statistics"] = .array(statistics.map(\.json))
        console.show(json: .object(answer))
        return .done
      }
      show(view, bound, store, version?.number, console)
      if let newest = statistics.first {
        console.show()
        console.show(newest.heading)
        console.show()
        console.show(newest.table)
      }
      return .done
    }
  }

  private func show(_ definition: OnDemandDefinition, _ hash: String, _ console: Console) {
    if console.isJSON {
      console.show(json: definition.answer(hash: hash))
      return
    }
    console.show(
      console.style.bold(definition.name)
        + (definition.notes.description.map { ": \($0)" } ?? "")
    )
    let inputs = definition.inputs.map { "\($0.name) (\($0.type))" }
    console.show(
      "computed on demand of \(definition.usesText)"
        + (inputs.isEmpty ? "" : "; a request says \(inputs.joined(separator: ", "))")
    )
    console.show("definition \(hash.prefix(12))")
    console.show()
    var table = FittingTable([.init("FEATURE"), .init("WHAT", rank: 1)])
    for feature in definition.features {
      table.append([.init(feature.name), .init(feature.sql, .dim)])
    }
    console.show(table)
  }

  private func show(
    _ view: FeatureViewDefinition,
    _ bound: BoundView,
    _ store: FeatureStore,
    _ version: Int?,
    _ console: Console
  ) {
    console.show(
      console.style.bold(view.name) + (view.notes.description.map { ": \($0)" } ?? "")
    )
    if let note = view.notes.deprecated {
      console.show(console.style.yellow("deprecated: \(note)"))
    }
    let keys = bound.keys.map(\.column).joined(separator: ", ")
    let knowledge: String =
      switch view.knowledge {
      case .column(let column): "a row is known from \(column) on"
      case .delay(let delay) where delay == .zero: "a row is known at its own time (\(view.time))"
      case .delay(let delay): "a row is known \(delay.text) after its time (\(view.time))"
      }
    console.show("of \(view.sourceText) by \(keys); \(knowledge)")
    if let ttl = view.ttl { console.show("a latest value may be used for \(ttl.text)") }
    let users = store.definitions.services.filter { service in
      service.features.contains { $0.view == view.name }
    }
    if !users.isEmpty {
      console.show("used by \(users.map(\.name).joined(separator: ", "))")
    }
    console.show(
      "definition \(store.hash(of: view).prefix(12))" + (version.map { ", v\($0)" } ?? "")
    )
    console.show()
    var table = FittingTable([.init("FEATURE"), .init("TYPE"), .init("WHAT", rank: 1)])
    for field in bound.features {
      table.append([
        .init(field.name), .init(field.type.description), .init(view.meaning(of: field.name), .dim),
      ])
    }
    console.show(table)
  }
}

extension OnDemandDefinition {
  /// The views that are used, for a reader.
  var usesText: String {
    var names: [String] = []
    for use in uses where !names.contains(use.feature.view) { names.append(use.feature.view) }
    return names.isEmpty ? "the request" : names.joined(separator: ", ")
  }

  func answer(hash: String) -> JSONValue {
    [
      "view": .string(name),
      "inputs": .object(JSONObject(inputs.map { ($0.name, .string($0.type.description)) })),
      "uses": .object(JSONObject(uses.map { ($0.name, .string($0.feature.description)) })),
      "features": .object(JSONObject(features.map { ($0.name, .string($0.sql)) })),
      "hash": .string(hash),
      "description": notes.description.map { .string($0) } ?? .null,
      "owner": notes.owner.map { .string($0) } ?? .null,
      "tags": .array(notes.tags.map { .string($0) }),
      "deprecated": notes.deprecated.map { .string($0) } ?? .null,
    ]
  }
}

extension FeatureViewDefinition {
  /// Where the rows are, for a reader.
  var sourceText: String {
    switch source {
    case .dataset(let dataset): dataset.description
    case .sql: "a SELECT"
    }
  }

  func answer(hash: String) -> JSONValue {
    [
      "view": .string(name),
      "entities": .array(entities.map { .string($0) }),
      "source": .string(sourceText),
      "features": .array(featureNames.map { .string($0) }),
      "hash": .string(hash),
      "description": notes.description.map { .string($0) } ?? .null,
      "owner": notes.owner.map { .string($0) } ?? .null,
      "tags": .array(notes.tags.map { .string($0) }),
      "deprecated": notes.deprecated.map { .string($0) } ?? .null,
    ]
  }
}
