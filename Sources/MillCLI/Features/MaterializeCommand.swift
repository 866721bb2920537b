// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import MillAssembly
internal import MillCore
internal import MillFeatures

/// `millrace features materialize`: the newest values into the online store.
struct FeaturesMaterializeCommand: ProjectCommand {
  static let configuration = CommandConfiguration(
    commandName: "materialize",
    abstract: "Bring the newest values and tiles into the online store.",
    discussion: """
      Without names, all views. Where a source only got files, only those are read, and of windows \
      the hops of their rows; late rows are among them whenever they happened. An older row never \
      replaces a newer one, and the same call again changes no value. With a range, its rows are \
      brought in once more, which puts back what a store has lost.

        $ millrace features materialize
        VIEW          READ    KEYS  CHANGED  GONE
        card_profile  all    2,481    2,481     –
        card_spend    all    2,480    2,480     –

      JSON: {"views": [{"view", "read", "keys", "changed", "removed", "tables": {TABLE: VERSION}, \
      "counted"}]}.
      """
  )

  @Argument(help: "Views (default: all).")
  var views: [String] = []

  @Option(
    name: .long,
    help: "Leave rows out that happened or were known later, such as 2025-03-31T12:00:00Z."
  )
  var asOf: String?

  @Option(name: .long, help: "Bring rows in once more that happened from then on.")
  var from: String?

  @Option(name: .long, help: "Bring rows in once more that happened before then (now).")
  var to: String?

  @OptionGroup
  var common: CommonOptions

  func validate() throws {
    if let asOf, Instant(iso8601: asOf) == nil {
      throw ValidationError("--as-of \(asOf) is no instant, such as 2025-03-31T12:00:00Z.")
    }
    for (option, text) in [("--from", from), ("--to", to)] {
      guard let text, Instant(iso8601: text) == nil else { continue }
      throw ValidationError("\(option) \(text) is no instant, such as 2025-03-31T12:00:00Z.")
    }
    if asOf != nil, from != nil || to != nil {
      throw ValidationError("--as-of is for what came since, and a range for what came before.")
    }
    if let to, from == nil {
      throw ValidationError("--to \(to) ends a range: say --from when it begins.")
    }
    if let range = Self.range(from, to), range.isEmpty {
      throw ValidationError("The range is empty: --from is not before --to.")
    }
  }

  private static func range(_ from: String?, _ to: String?) -> Range<Instant>? {
    guard let from = from.flatMap(Instant.init(iso8601:)) else { return nil }
    let end = to.flatMap(Instant.init(iso8601:)) ?? .latest
    return from..<max(from, end)
  }

  func run(_ console: Console) async throws -> ExitStatus {
    try await project.withWorkspace(console) { workspace in
      let store = try await workspace.features()
      let online = try await workspace.onlineStore()
      var names = views
      if views.isEmpty {
        for view in store.definitions.views {
          if store.isServable(view) {
            names.append(view.name)
          } else {
            console.warn(
              "\(view.name) has exact windows and no `max_events_per_key`, so it is for training "
                + "alone: left out"
            )
          }
        }
      }
      var reports: [MaterializationReport] = []
      for name in names {
        if let range = Self.range(from, to) {
          reports.append(try await store.backfill(name, range, into: online))
          continue
        }
        reports.append(
          try await store.materialize(
            name,
            into: online,
            asOf: asOf.flatMap(Instant.init(iso8601:))
          )
        )
      }
      for report in reports {
        if let reason = report.notCounted {
          console.warn("the values of \(report.view) were brought in and not counted: \(reason)")
        }
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
      "counted": .bool(statistics != nil),
    ]
  }
}
