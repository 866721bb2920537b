// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import MillAssembly
internal import MillCore
internal import MillFeatures

/// `millrace features materialize`: the newest values into the online store.
struct FeaturesMaterializeCommand: Command {
  static let configuration = CommandConfiguration(
    commandName: "materialize",
    abstract: "Bring the newest values and tiles into the online store.",
    discussion: """
      Without names, all views. Where a source only got files, only those are read; late rows are \
      among them whenever they happened. An older row never replaces a newer one, and the same call \
      again changes nothing.

        $ millrace features materialize
        VIEW          READ    KEYS  CHANGED  GONE
        card_profile  all    2,481    2,481     –
        card_spend    all    2,480    2,480     –

      JSON: {"views": [{"view", "read", "keys", "changed", "removed", "tables": {TABLE: VERSION}}]}.
      """
  )

  @Argument(help: "Views (default: all).")
  var views: [String] = []

  @Option(
    name: .long,
    help: "Leave rows out that happened or were known later, such as 2025-03-31T12:00:00Z."
  )
  var asOf: String?

  @OptionGroup(title: "Project")
  var project: ProjectOptions

  @OptionGroup(title: "Output")
  var options: OutputOptions

  var projectFolder: String? { project.folder }

  func validate() throws {
    if let asOf, Instant(iso8601: asOf) == nil {
      throw ValidationError("--as-of \(asOf) is no instant, such as 2025-03-31T12:00:00Z.")
    }
  }

  func run(_ console: Console) async throws -> ExitStatus {
    try await project.withWorkspace(console) { workspace in
      let store = try await workspace.features()
      let online = try await workspace.onlineStore()
      let names = views.isEmpty ? store.definitions.views.map(\.name) : views
      var reports: [MaterializationReport] = []
      for name in names {
        reports.append(
          try await store.materialize(
            name,
            into: online,
            asOf: asOf.flatMap(Instant.init(iso8601:))
          )
        )
      }
      if console.isJSON {
        console.show(json: ["views": .array(reports.map(\.answer))])
        return .done
      }
      var table = FittingTable([
        .init("VIEW"), .init("READ", rank: 1), .init("KEYS", .trailing),
        .init("CHANGED", .trailing), .init("GONE", .trailing, rank: 2),
      ])
      for report in reports {
        table.append([
          .init(report.view), .init(report.kind.rawValue), .init(NumberText.grouped(report.keys)),
          .init(NumberText.grouped(report.changed)),
          .init(report.removed == 0 ? "–" : NumberText.grouped(report.removed)),
        ])
      }
      console.show(table)
      return .done
    }
  }
}

extension MaterializationReport {
  fileprivate var answer: JSONValue {
    [
      "view": .string(view), "read": .string(kind.rawValue), "keys": .int(keys),
      "changed": .int(changed), "removed": .int(removed),
      "tables": .object(JSONObject(tables.sorted { $0.key < $1.key }.map { ($0, .int($1)) })),
    ]
  }
}

/// `millrace features get`: what a model would be served.
struct FeaturesGetCommand: Command {
  static let configuration = CommandConfiguration(
    commandName: "get",
    abstract: "Read features of an entity from the online store.",
    discussion: """
        $ millrace features get --service fraud --entity card_id=K00000004
        FEATURE                     VALUE  STATUS   OF
        card_profile.credit_limit   15000  PRESENT  2023-11-24 00:00:00
        card_spend.amount_sum_24h   83.20  PRESENT  2025-03-31 18:12:09

      Several entities: give --entity once for each, keys separated by commas.

      JSON: {"as_of", "entities": [{"keys": {KEY: VALUE}, "features": {FEATURE: {"value", "status", \
      "time", "known", "age_seconds"}}}]}.
      """
  )

  @Option(
    name: .long,
    help: ArgumentHelp("The keys of an entity.", valueName: "key=value,…")
  )
  var entity: [String]

  @Option(
    name: .long,
    parsing: .upToNextOption,
    help: ArgumentHelp("Features as VIEW.FEATURE, or whole views.", valueName: "feature")
  )
  var features: [String] = []

  @Option(name: .long, help: "A service whose features are wanted.")
  var service: String?

  @Option(
    name: .long,
    help: ArgumentHelp("What the request says, for on-demand features.", valueName: "name=value,…")
  )
  var request: [String] = []

  @Option(name: .long, help: "As of when, not before the newest rows that were materialized (now).")
  var at: String?

  @OptionGroup(title: "Project")
  var project: ProjectOptions

  @OptionGroup(title: "Output")
  var options: OutputOptions

  var projectFolder: String? { project.folder }

  func validate() throws {
    guard !features.isEmpty || service != nil else {
      throw ValidationError("Say which features: --features VIEW.FEATURE … or --service NAME.")
    }
    if let at, Instant(iso8601: at) == nil {
      throw ValidationError("--at \(at) is no instant, such as 2025-03-31T12:00:00Z.")
    }
  }

  func run(_ console: Console) async throws -> ExitStatus {
    try await project.withWorkspace(console) { workspace in
      let store = try await workspace.features()
      var references = try features.map { text throws(FeatureError) in
        guard let reference = FeatureReference(text) else {
          throw FeatureError.unknown(.feature, text, nearest: nil)
        }
        return reference
      }
      if let service {
        references += try store.definitions.features(ofService: service)
          .map { FeatureReference(view: $0.view, feature: $0.name) }
      }
      let reader = try await store.reader(of: references, from: workspace.onlineStore())
      let entities = try entity.map { text in
        try values(text, reader.keys.map { Field($0.name, $0.type) }, "--entity")
      }
      // One request holds for all entities, or each has its own.
      guard request.count <= 1 || request.count == entities.count else {
        throw ValidationError("Give --request once, or once for each --entity.")
      }
      let given = try request.map { try values($0, reader.inputs, "--request") }
      let requests = given.count == 1 ? entities.map { _ in given[0] } : given
      let now = at.flatMap(Instant.init(iso8601:)) ?? workspace.world.clock.now()
      let answer = try await reader.read(entities, requests: requests, at: now)
      show(answer, entities, reader.keys, now, console)
      return .done
    }
  }

  /// Values that are given by their names, in the order of the fields.
  private func values(
    _ text: String,
    _ fields: [Field],
    _ option: String
  ) throws -> [Datum] {
    var given: [String: String] = [:]
    for pair in text.split(separator: ",") {
      let parts = pair.split(separator: "=", maxSplits: 1).map(String.init)
      guard parts.count == 2 else {
        throw ValidationError("\(option) \(pair) is no NAME=VALUE.")
      }
      given[parts[0]] = parts[1]
    }
    for name in given.keys.sorted() where !fields.contains(where: { $0.name == name }) {
      let near = nearestName(to: name, among: fields.map(\.name))
      throw ValidationError(
        "\(option) \(name) is none of \(fields.map(\.name).joined(separator: ", "))"
          + (near.map { ": did you mean \($0)?" } ?? ".")
      )
    }
    return try fields.map { field in
      guard let text = given[field.name] else { return .null }
      guard let value = Datum(text: text, type: field.type) else {
        throw ValidationError("\(text) is no \(field.type), as \(field.name) is.")
      }
      return value
    }
  }

  private func show(
    _ answer: OnlineAnswer,
    _ entities: [[Datum]],
    _ keys: [EntityDefinition.Key],
    _ now: Instant,
    _ console: Console
  ) {
    if console.isJSON {
      let rows = zip(entities, answer.rows).map { entity, cells -> JSONValue in
        [
          "keys": .object(JSONObject(zip(keys, entity).map { ($0.name, $1.answer) })),
          "features": .object(
            JSONObject(
              zip(answer.features, cells).map { ($0.description, $1.answer(at: now)) }
            )
          ),
        ]
      }
      console.show(json: ["as_of": .string(now.description), "entities": .array(rows)])
      return
    }
    for (entity, cells) in zip(entities, answer.rows) {
      if entities.count > 1 {
        let names = zip(keys, entity).map { "\($0.name)=\($1.text)" }
        console.show(heading: names.joined(separator: ", "))
      }
      var table = FittingTable([
        .init("FEATURE"), .init("VALUE", .trailing, widthMax: 40), .init("STATUS"),
        .init("OF", rank: 1),
      ])
      for (feature, cell) in zip(answer.features, cells) {
        table.append([
          .init(feature.description), .init(cell.value.isNull ? "–" : cell.value.text),
          .init(cell.status.rawValue, cell.status == .present ? nil : .yellow),
          .init(cell.time.map(TimeText.seconds) ?? "–", .dim),
        ])
      }
      console.show(table)
    }
  }
}

extension Datum {
  /// A value as it is written on a command line.
  fileprivate init?(text: String, type: DataType) {
    switch type {
    case .string: self = .text(text)
    case .long, .integer, .short, .byte:
      guard let value = Int64(text) else { return nil }
      self = .integer(value)
    case .double, .float:
      guard let value = Double(text), value.isFinite else { return nil }
      self = .double(value)
    case .timestamp:
      guard let value = Instant(iso8601: text) else { return nil }
      self = .instant(value)
    case .decimal(_, let scale):
      let parts = text.split(separator: ".", omittingEmptySubsequences: false)
      guard parts.count <= 2, (parts.count < 2 ? 0 : parts[1].count) <= scale,
        let value = Int128(
          String(parts[0]) + (parts.count < 2 ? "" : String(parts[1]))
            + String(repeating: "0", count: scale - (parts.count < 2 ? 0 : parts[1].count))
        )
      else { return nil }
      self = .decimal(unscaled: value, scale: scale)
    case .boolean:
      guard text == "true" || text == "false" else { return nil }
      self = .boolean(text == "true")
    case .date:
      guard let date = CivilDate(iso8601: text) else { return nil }
      self = .date(date)
    default: return nil
    }
  }

  fileprivate var answer: JSONValue {
    switch self {
    case .null: .null
    case .boolean(let value): .bool(value)
    case .integer(let value): .int(value)
    case .double(let value): JSONNumber(value).map { .number($0) } ?? .null
    case .decimal: JSONNumber(text: text).map { .number($0) } ?? .null
    case .list(let values): .array(values.map(\.answer))
    default: .string(text)
    }
  }
}

extension FeatureValue {
  fileprivate func answer(at now: Instant) -> JSONValue {
    [
      "value": value.answer, "status": .string(status.rawValue),
      "time": time.map { .string($0.description) } ?? .null,
      "known": knowledge.map { .string($0.description) } ?? .null,
      "age_seconds": time.map { time in
        .int((now.microseconds - time.microseconds) / 1_000_000)
      } ?? .null,
    ]
  }
}

/// `millrace features verify`: whether models are served what they were trained on.
struct FeaturesVerifyCommand: Command {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Hold online answers against the join that trains models; fail on any difference.",
    discussion: """
      Entities that the online store knows are asked for online, and the same questions are joined \
      as the labels of a training set, over the same versions of the tables. The exit status is 1 \
      when a cell differs.

        $ millrace features verify
        VIEW          ENTITIES   CELLS  DIFFERENT
        card_profile     1,000   3,000          –

      JSON: {"views": [{"view", "as_of", "entities", "features": [{"feature", "compared", \
      "different", "example": {"keys", "online", "offline"}}]}]}.
      """
  )

  @Argument(help: "Views (default: all).")
  var views: [String] = []

  @Option(name: .long, help: "How many entities of each view.")
  var sample = 1000

  @OptionGroup(title: "Project")
  var project: ProjectOptions

  @OptionGroup(title: "Output")
  var options: OutputOptions

  var projectFolder: String? { project.folder }

  func validate() throws {
    guard (1...100_000).contains(sample) else {
      throw ValidationError("--sample must be from 1 to 100000.")
    }
  }

  func run(_ console: Console) async throws -> ExitStatus {
    try await project.withWorkspace(console) { workspace in
      let store = try await workspace.features()
      let online = try await workspace.onlineStore()
      let names = views.isEmpty ? store.definitions.views.map(\.name) : views
      var reports: [(view: String, report: VerificationReport)] = []
      for name in names {
        reports.append((name, try await store.verify(name, in: online, sampling: sample)))
      }
      show(reports, console)
      return reports.allSatisfy { $0.report.different == 0 } ? .done : .checkFailed
    }
  }

  private func show(
    _ reports: [(view: String, report: VerificationReport)],
    _ console: Console
  ) {
    if console.isJSON {
      console.show(
        json: ["views": .array(reports.map { $0.report.answer(of: $0.view) })]
      )
      return
    }
    var table = FittingTable([
      .init("VIEW"), .init("ENTITIES", .trailing), .init("CELLS", .trailing),
      .init("DIFFERENT", .trailing),
    ])
    for (view, report) in reports {
      let cells = report.features.reduce(0) { $0 + $1.compared }
      table.append([
        .init(view), .init(NumberText.grouped(report.entities)), .init(NumberText.grouped(cells)),
        report.different == 0
          ? .init("–") : .init(NumberText.grouped(report.different), .red),
      ])
    }
    console.show(table)
    for feature in reports.flatMap(\.report.features) where feature.different > 0 {
      let example = feature.example.map {
        ": \($0.keys.joined(separator: ", ")) has \($0.online) online, \($0.offline) in training"
      }
      console.show(
        "\(feature.feature): \(NumberText.grouped(feature.different)) differ" + (example ?? "")
      )
    }
  }
}

extension VerificationReport {
  fileprivate func answer(of view: String) -> JSONValue {
    [
      "view": .string(view), "as_of": .string(asOf.description), "entities": .int(entities),
      "features": .array(
        features.map { feature in
          [
            "feature": .string(feature.feature.description),
            "compared": .int(feature.compared), "different": .int(feature.different),
            "example": feature.example.map { example in
              [
                "keys": .array(example.keys.map { .string($0) }),
                "online": .string(example.online), "offline": .string(example.offline),
              ]
            } ?? .null,
          ]
        }
      ),
    ]
  }
}
