// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import MillAssembly
internal import MillCore
internal import MillFeatures

/// `millrace features history NAME`: the versions of a definition.
struct FeaturesHistoryCommand: ProjectCommand {
  static let configuration = CommandConfiguration(
    commandName: "history",
    abstract: "Show the versions of a definition, when they came, and what changed.",
    discussion: """
      Newest first. A version is never rewritten; the same definition again is the version that it \
      was. Notes (description, owner, tags, deprecation) and types change without a new one.

        $ millrace features history limits
        VERSION  RECORDED             DEFINITION    CHANGE
        v2       2025-10-17 09:31:08  3f0c9a3b77de  ttl: 30 d → 7 d
        v1       2025-10-02 11:04:51  81b2a0cc19e4  first recorded

      JSON: {"name", "history": [{"kind", "version", "hash", "recorded_at", "changes": [as of \
      `plan`]}], "versions": [{"kind", "version", "hash", "recorded_at", "definition", \
      "depends_on": [{"kind", "name", "hash"}], "notes"}]}.
      """
  )

  @Argument(help: "A view, on-demand features, a service or an entity.")
  var name: String

  @OptionGroup
  var common: CommonOptions

  func run(_ console: Console) async throws -> ExitStatus {
    try await project.withWorkspace(console) { workspace in
      guard let registry = try await workspace.features().registry else { return .done }
      let moments = try await registry.moments(of: name)
      if console.isJSON {
        let versions = try await registry.history(of: name).versions
        console.show(
          json: [
            "name": .string(name), "history": .array(moments.map(\.answer)),
            "versions": .array(versions.map(\.answer)),
          ]
        )
        return .done
      }
      let kinds = Set(moments.map(\.kind))
      var table = FittingTable([
        .init("VERSION"), .init("RECORDED", rank: 1), .init("DEFINITION", rank: 2),
        .init("CHANGE", widthMax: 100),
      ])
      for moment in moments {
        let version = moment.version.map { "v\($0)" } ?? "gone"
        table.append([
          .init(kinds.count > 1 ? "\(moment.kind.word) \(version)" : version),
          .init(TimeText.seconds(moment.recordedAt)),
          .init(moment.hash.map { String($0.prefix(12)) } ?? "–", .dim), .init(moment.text),
        ])
      }
      console.show(table)
      return .done
    }
  }
}

extension DefinitionMoment {
  fileprivate var text: String {
    if isFirst { return "first recorded" }
    guard version != nil else { return "defined no more" }
    guard !changes.isEmpty else { return "what it depends on" }
    return changes.map { change in
      (change.feature.map { "\($0) " } ?? "") + change.changeText
    }.joined(separator: "; ")
  }

  fileprivate var answer: JSONValue {
    [
      "kind": .string(kind.rawValue), "version": version.map { .int($0) } ?? .null,
      "hash": hash.map { .string($0) } ?? .null,
      "recorded_at": .string(recordedAt.description),
      "changes": .array(
        changes.map { change in
          [
            "feature": change.feature.map { .string($0) } ?? .null,
            "change": .string(change.change.rawValue),
            "details": .array(
              change.details.map { detail in
                [
                  "what": .string(detail.what),
                  "before": detail.before.map { .string($0) } ?? .null,
                  "after": detail.after.map { .string($0) } ?? .null,
                ]
              }
            ),
          ]
        }
      ),
    ]
  }
}

extension DefinitionVersion {
  fileprivate var answer: JSONValue {
    [
      "kind": .string(facts.kind.rawValue), "version": .int(number), "hash": .string(facts.hash),
      "recorded_at": .string(recordedAt.description), "definition": facts.definition,
      "depends_on": .array(
        facts.dependencies.map { dependency in
          [
            "kind": .string(dependency.kind), "name": .string(dependency.name),
            "hash": dependency.hash.map { .string($0) } ?? .null,
          ]
        }
      ),
      "notes": facts.notes.json,
    ]
  }
}

/// `millrace features search WORDS`: finds features.
struct FeaturesSearchCommand: ProjectCommand {
  static let configuration = CommandConfiguration(
    commandName: "search",
    abstract: "Find entities, views, features and services by words.",
    discussion: """
      Every word must be met, in names, tags, columns, owners, sources or descriptions; names weigh \
      most. What is deprecated comes last.

        $ millrace features search amount risk
        NAME                      KIND  OWNER  MET IN       DESCRIPTION
        card_spend.amount_sum_1h  view  risk   name, owner  payments of a card

      JSON: {"words": [WORD], "found": [{"kind", "name", "feature", "score", "met_in": [PLACE], \
      "description", "owner", "tags", "deprecated"}]}.
      """
  )

  @Argument(help: "Words, or parts of them.")
  var words: [String]

  @Option(name: .long, help: "How many findings at most.")
  var limit = 50

  @OptionGroup
  var common: CommonOptions

  func validate() throws {
    guard (1...10_000).contains(limit) else {
      throw ValidationError("--limit must be from 1 to 10000.")
    }
  }

  func run(_ console: Console) async throws -> ExitStatus {
    let all = FeatureSearch(try project.load().features).find(words)
    let found = all.prefix(limit)
    if console.isJSON {
      console.show(
        json: [
          "words": .array(words.map { .string($0) }),
          "found": .array(
            found.map { finding in
              var answer: JSONObject = [
                "kind": .string(finding.kind.rawValue), "name": .string(finding.name),
                "feature": finding.feature.map { .string($0) } ?? .null,
                "score": .int(finding.score),
                "met_in": .array(finding.places.map { .string($0) }),
              ]
              for (key, value) in finding.notes.json.object ?? [:] { answer[key] = value }
              return .object(answer)
            }
          ),
        ]
      )
      return .done
    }
    guard !found.isEmpty else {
      console.show("nothing has \(words.map { "`\($0)`" }.joined(separator: " and ")) in it")
      return .done
    }
    var table = FittingTable([
      .init("NAME"), .init("KIND"), .init("OWNER", rank: 2), .init("MET IN", rank: 1),
      .init("DESCRIPTION", rank: 3, widthMax: 60),
    ])
    for finding in found {
      let isOld = finding.notes.deprecated != nil
      table.append([
        .init(isOld ? "\(finding.title) (deprecated)" : finding.title, isOld ? .dim : nil),
        .init(finding.feature == nil ? finding.kind.word : "feature"),
        .init(finding.notes.owner ?? "–"), .init(finding.places.joined(separator: ", ")),
        .init(finding.notes.deprecated ?? finding.notes.description ?? "", .dim),
      ])
    }
    console.show(table)
    if all.count > found.count {
      console.show("and \(NumberText.grouped(all.count - found.count)) more: give another word")
    }
    return .done
  }
}
