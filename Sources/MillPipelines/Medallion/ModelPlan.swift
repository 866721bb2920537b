// SPDX-License-Identifier: Apache-2.0

internal import MillCore
internal import MillEngine
internal import MillLake
internal import MillQuality

/// What is known of a model once its SQL was parsed, its inputs' schemas are known and it is bound.
struct ModelPlan: Sendable {
  let model: ModelDefinition
  /// The datasets that the SELECT reads.
  let inputs: [DatasetName]
  /// The datasets that rules look things up in.
  let lookups: [DatasetName]

  var allInputs: [DatasetName] {
    var seen: Set<DatasetName> = []
    return (inputs + lookups).filter { $0 != model.dataset && seen.insert($0).inserted }
  }

  /// What decides whether a version was made by this definition.
  var definitionHash: String {
    // The text of a value type with all its parts; a change in any of them is another definition.
    var text = "\(MillraceVersion.definitionFormat)\n"
    text += "\(model.dataset)\n\(model.sql)\n"
    text += "\(model.keys)\n\(model.newestBy)\n\(model.partitionBy)\n\(model.strategy.rawValue)\n"
    text += model.repairs.map(Self.text).joined(separator: "\n") + "\n"
    text += model.rules.map(Self.text).joined(separator: "\n")
    return ContentHash.sha256(Array(text.utf8))
  }

  /// The hash as the version of a transaction: its first 60 bits.
  var definitionVersion: Int64 { Int64(definitionHash.prefix(15), radix: 16) ?? 0 }

  static func definitionAppID(_ dataset: DatasetName) -> String {
    "millrace/\(dataset)/definition"
  }

  static func inputAppID(_ dataset: DatasetName, tableID: String) -> String {
    "millrace/\(dataset)/\(tableID)"
  }

  private static func text(_ repair: Repair) -> String {
    switch repair {
    case .fill(let column, let value): "fill \(column) \(value.serialized())"
    case .impute(let column, let statistic): "impute \(column) \(statistic.rawValue)"
    case .clamp(let column, let minimum, let maximum):
      "clamp \(column) \(minimum?.serialized() ?? "") \(maximum?.serialized() ?? "")"
    }
  }

  private static func text(_ rule: Rule) -> String {
    let check =
      switch rule.check {
      case .complete(let columns), .unique(let columns): "\(columns)"
      case .range(let column, let minimum, let maximum):
        "\(column) \(minimum?.serialized() ?? "") \(maximum?.serialized() ?? "")"
      case .pattern(let column, let regex): "\(column) \(regex)"
      case .allowed(let column, let values):
        "\(column) \(JSONValue.array(values).serialized())"
      case .reference(let columns, let table, let keys): "\(columns) \(table) \(keys)"
      case .rows(let minimum, let maximum):
        "\(minimum.map(String.init) ?? "") \(maximum.map(String.init) ?? "")"
      case .predicate(let sql), .query(let sql): sql
      }
    return "\(rule.name) \(rule.check.kind) \(rule.severity.rawValue) \(rule.mostly) \(check)"
  }
}
