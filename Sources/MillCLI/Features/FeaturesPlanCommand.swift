// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import MillAssembly
internal import MillCore
internal import MillFeatures

/// `millrace features plan`: what a change of definitions means, and for whom.
struct FeaturesPlanCommand: ProjectCommand {
  static let configuration = CommandConfiguration(
    commandName: "plan",
    abstract: "Say what changed definitions mean for those who use the features.",
    discussion: """
      Holds the definitions of the project against those that were recorded last. A change is \
      compatible (no value that is served or trained on becomes another), asks to rematerialise \
      (values become others, or have to be made), or is breaking: a feature or key that a service, \
      on-demand features or a training set use is gone or of another type. The exit status is 1 when \
      something is breaking, unless --allow-breaking is given.

        $ millrace features plan
        DEFINITION  FEATURE        CHANGE           VERDICT        USED BY
        card_spend  amount_sum_1h  removed          breaking       service fraud
        limits      –              ttl: 30 d → 7 d  rematerialise  service fraud

        breaking: 1 of 2 changes

      JSON: {"verdict": "compatible"|"rematerialise"|"breaking", "changes": [{"kind", "name", \
      "feature", "change": "added"|"removed"|"renamed"|"type"|"computation"|"keys"|"order"|"notes", \
      "details": [{"what", "before", "after"}], "verdict", "used_by": [{"kind", "name", "id"}], \
      "against": VERSION}], "types_unknown": [REASON]}.
      """
  )

  @Argument(help: "Views, on-demand features, services or entities (default: all).")
  var names: [String] = []

  @Option(
    name: .long,
    help: ArgumentHelp(
      "newest; online, what the online store holds; or a version of one name, such as v3.",
      valueName: "version"
    )
  )
  var against = "newest"

  @Flag(name: .long, help: "Record the definitions afterwards, unless something is breaking.")
  var record = false

  @Flag(name: .long, help: "Leave with 0, and record, although something is breaking.")
  var allowBreaking = false

  @OptionGroup
  var common: CommonOptions

  private var baseline: PlanBaseline? {
    switch against {
    case "newest": .newest
    case "online": .online
    default:
      Int(against.hasPrefix("v") ? against.dropFirst() : against[...]).flatMap {
        $0 > 0 ? .version($0) : nil
      }
    }
  }

  func validate() throws {
    guard baseline != nil else {
      throw ValidationError("--against \(against) is neither newest, online nor a version as v3.")
    }
    if case .version = baseline, names.count != 1 {
      throw ValidationError("--against \(against) needs one name: each has versions of its own.")
    }
  }

  func run(_ console: Console) async throws -> ExitStatus {
    try await project.withWorkspace(console) { workspace in
      let store = try await workspace.features()
      let plan = try await store.plan(
        names,
        against: baseline ?? .newest,
        online: try await workspace.onlineStore()
      )
      let isRefused = plan.verdict == .breaking && !allowBreaking
      if record, !isRefused { try await store.apply() }
      if console.isJSON {
        console.show(json: plan.json)
      } else {
        show(plan, console)
        if record {
          console.show(
            isRefused
              ? "nothing was recorded: --allow-breaking records it all the same" : "recorded"
          )
        }
      }
      return isRefused ? .checkFailed : .done
    }
  }

  private func show(_ plan: FeaturePlan, _ console: Console) {
    for reason in plan.unknown { console.warn("types not compared: \(reason)") }
    guard !plan.items.isEmpty else {
      console.show("nothing is defined otherwise than it was recorded")
      return
    }
    var table = FittingTable([
      .init("DEFINITION"), .init("FEATURE"), .init("CHANGE", widthMax: 60), .init("VERDICT"),
      .init("USED BY", rank: 1, widthMax: 60),
    ])
    for item in plan.items {
      table.append([
        .init(item.title), .init(item.feature ?? "–"), .init(item.changeText),
        .init(item.verdict.rawValue, item.verdict.style),
        .init(item.users.isEmpty ? "–" : item.users.map(\.description).joined(separator: ", ")),
      ])
    }
    console.show(table)
    console.show()
    let gravest = plan.items.filter { $0.verdict == plan.verdict }.count
    console.show(
      console.style.bold(plan.verdict.rawValue) + ": \(gravest) of "
        + NumberText.counted(plan.items.count, "change")
    )
  }
}

/// `millrace features apply`: remembers the definitions as they are.
struct FeaturesApplyCommand: ProjectCommand {
  static let configuration = CommandConfiguration(
    commandName: "apply",
    abstract: "Record all definitions as they are, as `plan --record` does.",
    discussion: """
      Materializing and making a training set record them as well. Same definitions are the same \
      versions; nothing is ever rewritten. The exit status is 1, and nothing is recorded, when a \
      change is breaking, unless --allow-breaking is given.

        $ millrace features apply
        DEFINITION  KIND     VERSION  HASH
        card_spend  view           2  3f0c9a3b77de
        fraud       service        1  81b2a0cc19e4

      JSON: {"definitions": [{"kind", "name", "version", "hash"}]}, or as of `plan` where it is \
      refused.
      """
  )

  @Flag(name: .long, help: "Record although something is breaking.")
  var allowBreaking = false

  @OptionGroup
  var common: CommonOptions

  func run(_ console: Console) async throws -> ExitStatus {
    try await project.withWorkspace(console) { workspace in
      let store = try await workspace.features()
      if !allowBreaking {
        let plan = try await store.plan(online: try await workspace.onlineStore())
        let breaking = plan.items.filter { $0.verdict == .breaking }
        if !breaking.isEmpty {
          if console.isJSON {
            console.show(json: plan.json)
          } else {
            for item in breaking {
              console.warn(
                "\([item.title, item.feature].compactMap(\.self).joined(separator: "."))"
                  + " \(item.changeText): used by "
                  + item.users.map(\.description).joined(separator: ", ")
              )
            }
            console.show("nothing was recorded: see `millrace features plan`")
          }
          return .checkFailed
        }
      }
      let versions = try await store.apply()
      if console.isJSON {
        console.show(
          json: [
            "definitions": .array(
              versions.map { version in
                [
                  "kind": .string(version.facts.kind.rawValue),
                  "name": .string(version.facts.name), "version": .int(version.number),
                  "hash": .string(version.facts.hash),
                ]
              }
            )
          ]
        )
        return .done
      }
      var table = FittingTable([
        .init("DEFINITION"), .init("KIND"), .init("VERSION", .trailing), .init("HASH", rank: 1),
      ])
      for version in versions {
        table.append([
          .init(version.facts.name), .init(version.facts.kind.word),
          .init("v\(version.number)"), .init(String(version.facts.hash.prefix(12)), .dim),
        ])
      }
      console.show(table)
      return .done
    }
  }
}

extension FeaturePlan.Item {
  /// The name, with its kind where that is not a view.
  var title: String { kind == .view ? name : "\(kind.word) \(name)" }

  /// What happened, in a line.
  var changeText: String {
    switch change {
    case .added, .removed: return change.rawValue
    case .order: return "other order"
    case .renamed: return "renamed from \(details.first?.before ?? "?")"
    case .type, .computation, .keys, .notes:
      return details.map(\.text).joined(separator: "; ")
    }
  }
}

extension FeaturePlan.Detail {
  /// `ttl: 30 d → 7 d`; of long texts that they are others.
  fileprivate var text: String {
    let isShort = [before, after].allSatisfy { text in
      (text?.count ?? 0) <= 24 && text?.contains("\n") != true
    }
    if what.hasPrefix("the making of") { return "\(what) changed" }
    if what == "what it uses" { return "\(after ?? "") changed" }
    guard isShort else {
      return before == nil ? "\(what) added" : after == nil ? "\(what) removed" : "\(what) changed"
    }
    return "\(what): \(before ?? "none") → \(after ?? "none")"
  }
}

extension FeaturePlan.Verdict {
  fileprivate var style: Ink? {
    switch self {
    case .compatible: .green
    case .rematerialise: .yellow
    case .breaking: .red
    }
  }
}
