// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import MillAssembly
internal import MillCore
internal import MillFeatures

/// `millrace features export-feast`: the folder that a Feast client opens.
struct FeaturesExportFeastCommand: ProjectCommand {
  static let configuration = CommandConfiguration(
    commandName: "export-feast",
    abstract: "Write the folder that a Feast client reads features through.",
    discussion: """
      Writes registry.db and feature_store.yaml. With them Feast's Python package asks a server of \
      Millrace, and code that reads features stays as it is. Files of an earlier export are \
      replaced, those of another Feast repository are not. The same definitions give the same bytes.

        $ millrace features export-feast --out feast --service fraud
        ENTITY    JOIN KEY     TYPE    OF
        card      card_id      STRING  card
        merchant  merchant_id  STRING  merchant

        VIEW           ENTITIES  FEATURES  ONLINE
        card_profile   card             3  yes

        Wrote feast/registry.db and feast/feature_store.yaml for http://127.0.0.1:6566

      JSON: {"folder", "project", "server", "entities": [{"entity", "join_key", "type", "of"}], \
      "views": [{"view", "entities", "features": {NAME: TYPE}, "on_demand", "online"}], "services": \
      [{"service", "features": [FEATURE]}]}.
      """
  )

  @Option(name: .long, help: ArgumentHelp("The folder; it is made if need be.", valueName: "dir"))
  var out = "feast"

  @Option(
    name: .long,
    help: ArgumentHelp("Where clients find `millrace serve`.", valueName: "url")
  )
  var server = "http://127.0.0.1:6566"

  @Option(
    name: .long,
    parsing: .upToNextOption,
    help: ArgumentHelp("Only these services and what is in them.", valueName: "name")
  )
  var service: [String] = []

  @Option(
    name: .long,
    help: ArgumentHelp(
      "The environment variable that clients take their token from, if the server wants one.",
      valueName: "name"
    )
  )
  var tokenVariable: String?

  @OptionGroup
  var common: CommonOptions

  func run(_ console: Console) async throws -> ExitStatus {
    try await project.withWorkspace(console) { workspace in
      let store = try await workspace.features()
      let registry = try await store.feastRegistry(
        project: workspace.project.settings.name,
        services: service
      )
      let repository = try FeastRepository(
        registry,
        server: server,
        tokenVariable: tokenVariable
      )
      try await workspace.write(repository, to: out)
      for view in registry.views where !view.isOnline {
        console.warn("\(view.name) has exact windows, which are for training alone: not online")
      }
      if console.isJSON {
        console.show(json: repository.answer(folder: out))
      } else {
        show(repository, console)
      }
      return .done
    }
  }

  private func show(_ repository: FeastRepository, _ console: Console) {
    let registry = repository.registry
    if !registry.entities.isEmpty {
      var table = FittingTable([
        .init("ENTITY"), .init("JOIN KEY"), .init("TYPE"), .init("OF", rank: 1),
      ])
      for entity in registry.entities {
        table.append([
          .init(entity.name), .init(entity.joinKey), .init(entity.type.description),
          .init(entity.millrace, .dim),
        ])
      }
      console.show(table)
      if registry.entities.contains(where: { $0.millrace != $0.name }) {
        console.show("An entity of Feast has one key: of several keys, each is an entity.")
      }
      console.show()
    }
    if !registry.views.isEmpty {
      var table = FittingTable([
        .init("VIEW"), .init("ENTITIES", rank: 1), .init("FEATURES", .trailing), .init("ONLINE"),
      ])
      for view in registry.views {
        table.append([
          .init(view.name), .init(view.entities.joined(separator: ", ")),
          .init(NumberText.grouped(view.features.count)),
          .init(!view.isOnline ? "no" : view.source == nil ? "on demand" : "yes"),
        ])
      }
      console.show(table)
      console.show()
    }
    if !registry.services.isEmpty {
      var table = FittingTable([.init("SERVICE"), .init("FEATURES", .trailing)])
      for service in registry.services {
        let count = service.parts.reduce(0) { $0 + $1.features.count }
        table.append([.init(service.name), .init(NumberText.grouped(count))])
      }
      console.show(table)
      console.show()
    }
    console.show(
      "Wrote \(out.printable)/registry.db and \(out.printable)/feature_store.yaml for "
        + repository.server
    )
  }
}

extension FeastRegistry.Entity {
  /// The entity of the project that this is, or is a key of.
  fileprivate var millrace: String { tags["millrace.entity"] ?? name }
}

extension FeastRepository {
  fileprivate func answer(folder: String) -> JSONValue {
    [
      "folder": .string(folder), "project": .string(registry.project),
      "server": .string(server),
      "entities": .array(
        registry.entities.map { entity in
          [
            "entity": .string(entity.name), "join_key": .string(entity.joinKey),
            "type": .string(entity.type.description), "of": .string(entity.millrace),
          ]
        }
      ),
      "views": .array(
        registry.views.map { view in
          [
            "view": .string(view.name),
            "entities": .array(view.entities.map { .string($0) }),
            "features": .object(
              JSONObject(view.features.map { ($0.name, .string($0.type.description)) })
            ),
            "on_demand": .bool(view.source == nil), "online": .bool(view.isOnline),
          ]
        }
      ),
      "services": .array(
        registry.services.map { service in
          [
            "service": .string(service.name),
            "features": .array(
              service.parts.flatMap { part in
                part.features.map { .string("\(part.view).\($0.name)") }
              }
            ),
          ]
        }
      ),
    ]
  }
}
