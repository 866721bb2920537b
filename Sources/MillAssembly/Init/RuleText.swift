// SPDX-License-Identifier: Apache-2.0

internal import MillCore
internal import MillQuality

/// Rules as a model's header spells them.
package enum RuleText {
  /// The lines of one rule, its evidence in a comment above it.
  package static func lines(_ suggested: SuggestedRule) -> String {
    let rule = suggested.rule
    let comment = "  " + YAMLText.comment(suggested.evidence)
    return comment + "\n" + body(rule)
  }

  private static func body(_ rule: Rule) -> String {
    let extras = extras(rule)
    let name = rule.name == Rule(rule.check).name ? [] : ["name: \(YAMLText.scalar(rule.name))"]
    switch rule.check {
    case .complete(let columns), .unique(let columns):
      let items = columns.map { YAMLText.scalar($0) }
      guard name.isEmpty, extras.isEmpty else {
        let start = (["  - \(rule.check.kind):"] + (name + extras).map { "      \($0)" })
          .joined(separator: "\n")
        return start + "\n"
          + YAMLText.wrapped(items, after: "      columns: ", indent: 8)
      }
      return YAMLText.wrapped(items, after: "  - \(rule.check.kind): ", indent: 6)
    case .range(let column, let minimum, let maximum):
      var items = name + ["column: \(YAMLText.scalar(column))"]
      if let minimum { items.append("min: \(value(minimum))") }
      if let maximum { items.append("max: \(value(maximum))") }
      return mapping("range", items + extras)
    case .pattern(let column, let regex):
      return mapping(
        "pattern",
        name + ["column: \(YAMLText.scalar(column))", "regex: \(YAMLText.scalar(regex))"] + extras
      )
    case .allowed(let column, let values):
      let items = values.map { value($0) }
      let line = mapping(
        "allowed",
        name + ["column: \(YAMLText.scalar(column))", "values: [\(items.joined(separator: ", "))]"]
          + extras
      )
      guard line.count > 100 else { return line }
      let start =
        (["  - allowed:"]
        + (name + ["column: \(YAMLText.scalar(column))"] + extras)
        .map { "      \($0)" }).joined(separator: "\n")
      return start + "\n" + YAMLText.wrapped(items, after: "      values: ", indent: 8)
    case .reference(let columns, let table, let keys):
      return mapping(
        "reference",
        name + [
          "column: \(YAMLText.scalar(columns.first ?? ""))",
          // A dot is text in every YAML; the words around it are names of datasets.
          "to: \(table)",
          "key: \(YAMLText.scalar(keys.first ?? ""))",
        ] + extras
      )
    case .rows, .predicate, .query:
      // Nothing suggests these.
      return mapping(rule.check.kind, name + extras)
    }
  }

  /// One line, or a line per entry where one would be too long.
  private static func mapping(_ kind: String, _ items: [String]) -> String {
    let line = "  - \(kind): {\(items.joined(separator: ", "))}"
    guard line.count > 100, kind != "allowed" else { return line }
    return (["  - \(kind):"] + items.map { "      \($0)" }).joined(separator: "\n")
  }

  private static func extras(_ rule: Rule) -> [String] {
    var items: [String] = []
    if rule.mostly < 1 { items.append("mostly: \(rule.mostly)") }
    if rule.severity != Rule(rule.check).severity {
      items.append("on_failure: \(rule.severity.rawValue)")
    }
    return items
  }

  private static func value(_ value: JSONValue) -> String {
    switch value {
    case .string(let text): YAMLText.scalar(text)
    default: value.serialized()
    }
  }
}
