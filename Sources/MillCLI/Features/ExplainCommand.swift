// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import MillAssembly
internal import MillCore
internal import MillFeatures

/// `millrace features explain VIEW.FEATURE`: why a value is what it is.
struct FeaturesExplainCommand: ProjectCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain",
    abstract: "Show the rows behind one value, and why others do not count.",
    discussion: """
        $ millrace features explain card_spend.amount_sum_24h --entity card_id=K00000004 \\
            --at 2025-03-20T12:00:00Z
        card_spend.amount_sum_24h = 83.20 at 2025-03-20T12:00:00Z
        rows from 2025-03-19T12:00:00Z on and before 2025-03-20T12:00:00Z, known by then (…)
        of silver.payments, version 0

        HAPPENED             KNOWN                VALUE  WHAT BECAME OF IT
        2025-03-20 08:01:12  2025-03-20 08:01:12  83.20  counts

      JSON: {"feature", "as_of", "value", "rule", "reason", "tables": {TABLE: VERSION}, "rows": \
      [{"time", "known", "value", "verdict"}], "is_cut"}.
      """
  )

  @Argument(help: "The feature, as VIEW.FEATURE.")
  var feature: String

  @Option(name: .long, help: ArgumentHelp("The keys of the entity.", valueName: "key=value,…"))
  var entity: String

  @Option(name: .long, help: "As of when (now).")
  var at: String?

  @Option(name: .long, help: "How many rows to list, those nearest to the question.")
  var limit = 20

  @OptionGroup
  var common: CommonOptions

  func validate() throws {
    if let at, Instant(iso8601: at) == nil {
      throw ValidationError("--at \(at) is no instant, such as 2025-03-31T12:00:00Z.")
    }
    guard (1...10_000).contains(limit) else {
      throw ValidationError("--limit must be from 1 to 10000.")
    }
    guard FeatureReference(feature)?.feature != nil else {
      throw ValidationError("\(feature) is no VIEW.FEATURE.")
    }
  }

  func run(_ console: Console) async throws -> ExitStatus {
    try await project.withWorkspace(console) { workspace in
      let store = try await workspace.features()
      guard let reference = FeatureReference(feature) else { return .usage }
      _ = try store.definitions.resolve([reference])
      let keys = store.definitions.view(reference.view).map { store.definitions.keys(of: $0) } ?? []
      let isOnDemand = store.definitions.onDemand(reference.view) != nil
      let time = at.flatMap(Instant.init(iso8601:)) ?? workspace.world.clock.now()
      let found = try await store.explain(
        reference,
        keys: isOnDemand
          ? []
          : try GivenValues.read(
            entity,
            keys.map { Field($0.name, $0.type) },
            "--entity"
          ),
        at: time,
        limit: limit
      )
      show(found, console)
      return .done
    }
  }

  private func show(_ found: FeatureExplanation, _ console: Console) {
    if console.isJSON {
      console.show(json: found.answer)
      return
    }
    console.show(
      console.style.bold(found.feature.description) + " = "
        + (found.value.isNull ? "no value" : found.value.text) + " at \(found.asOf)"
    )
    if let reason = found.reason { console.show(console.style.yellow(reason)) }
    console.show(found.rule)
    let tables = found.tables.sorted { $0.key < $1.key }
      .map { "\($0.key), version \($0.value)" }
    console.show("of \(tables.joined(separator: "; "))")
    guard !found.rows.isEmpty else { return }
    console.show()
    var table = FittingTable([
      .init("HAPPENED"), .init("KNOWN", rank: 1), .init("VALUE", .trailing, widthMax: 40),
      .init("WHAT BECAME OF IT"),
    ])
    for row in found.rows {
      table.append([
        .init(TimeText.seconds(row.time)), .init(TimeText.seconds(row.knowledge), .dim),
        .init(row.value ?? "–"),
        .init(row.verdict.rawValue, row.verdict == .counts ? .green : .dim),
      ])
    }
    console.show(table)
    if found.isCut { console.remark("more rows: --limit") }
  }
}

extension FeatureExplanation {
  fileprivate var answer: JSONValue {
    [
      "feature": .string(feature.description), "as_of": .string(asOf.description),
      "value": value.answer, "rule": .string(rule),
      "reason": reason.map { .string($0) } ?? .null,
      "tables": .object(JSONObject(tables.sorted { $0.key < $1.key }.map { ($0, .int($1)) })),
      "rows": .array(
        rows.map { row in
          [
            "time": .string(row.time.description), "known": .string(row.knowledge.description),
            "value": row.value.map { .string($0) } ?? .null,
            "verdict": .string(row.verdict.rawValue),
          ]
        }
      ),
      "is_cut": .bool(isCut),
    ]
  }
}
