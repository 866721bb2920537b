// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import MillAssembly
internal import MillCore
internal import MillFeatures

/// `millrace features get`: what a model would be served.
struct FeaturesGetCommand: ProjectCommand {
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
  var entity: [String] = []

  @OptionGroup
  var choice: FeatureChoice

  @Option(
    name: .long,
    help: ArgumentHelp("What the request says, for on-demand features.", valueName: "name=value,…")
  )
  var request: [String] = []

  @Option(
    name: .long,
    help: "As of when (now); before the time of the online rows, the tables answer."
  )
  var at: String?

  @OptionGroup
  var common: CommonOptions

  func validate() throws {
    if let at, Instant(iso8601: at) == nil {
      throw ValidationError("--at \(at) is no instant, such as 2025-03-31T12:00:00Z.")
    }
  }

  func run(_ console: Console) async throws -> ExitStatus {
    try await project.withWorkspace(console) { workspace in
      let store = try await workspace.features()
      let references = try choice.references(in: store.definitions)
      let reader = try await store.reader(of: references, from: workspace.onlineStore())
      if reader.keys.isEmpty, !entity.isEmpty {
        throw CommandError.option("these features are of no entity: leave --entity out")
      }
      guard reader.keys.isEmpty || !entity.isEmpty else {
        let names = reader.keys.map { "\($0.name)=…" }.joined(separator: ",")
        throw CommandError.option("of which entity? --entity \(names)")
      }
      guard !reader.inputs.isEmpty || request.isEmpty else {
        throw CommandError.option("none of these features asks the request for anything")
      }
      let entities =
        reader.keys.isEmpty
        ? Array(repeating: [], count: max(1, request.count))
        : try entity.map { text in
          try GivenValues.read(text, reader.keys.map { Field($0.name, $0.type) }, "--entity")
        }
      // One request holds for all entities, or each has its own; without entities requests are all.
      guard request.count <= 1 || request.count == entities.count else {
        throw CommandError.option("give --request once, or once for each --entity.")
      }
      let given = try request.map {
        try GivenValues.read($0, reader.inputs, "--request", isWhole: false)
      }
      let requests = given.count == 1 ? entities.map { _ in given[0] } : given
      let now = at.flatMap(Instant.init(iso8601:)) ?? workspace.world.clock.now()
      let answer: OnlineAnswer
      do {
        answer = try await reader.read(entities, requests: requests, at: now)
      } catch FeatureError.past(let view, let asOf, _) {
        // The store holds nothing of the time before; the tables do.
        console.remark("from the tables: the online rows of \(view) are as of \(asOf)")
        answer = try await store.readPast(reader, entities, requests: requests, at: now)
      }
      show(answer, entities, reader.keys, now, console)
      return .done
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

extension FeatureValue {
  fileprivate func answer(at now: Instant) -> JSONValue {
    [
      "value": value.answer, "status": .string(status.rawValue),
      "time": time.map { .string($0.description) } ?? .null,
      "known": knowledge.map { .string($0.description) } ?? .null,
      "age_seconds": time.map { time in
        .int((Int128(now.microseconds) - Int128(time.microseconds)) / 1_000_000)
      } ?? .null,
    ]
  }
}
