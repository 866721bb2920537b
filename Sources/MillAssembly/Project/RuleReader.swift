// SPDX-License-Identifier: Apache-2.0

internal import MillCore
internal import MillPipelines
internal import MillQuality

/// Reads one item of `expect`.
struct RuleReader {
  let value: YAMLValue
  /// The datasets that the rule looks values up in.
  private(set) var references: [(place: SourcePlace, dataset: DatasetName)] = []

  init(value: YAMLValue) {
    self.value = value
  }

  /// The rule; nil if it cannot be used, which was reported.
  mutating func rule() -> Rule? {
    let kinds = KnownKeys.rule.names
    let ofRules = KnownKeys.all.filter { $0.path.hasPrefix("model.expect.") }.flatMap(\.names)
    let isRule = kinds.contains { value.peek($0) != nil }
    let mapping = value.mapping(.rule) { key in
      isRule && ofRules.contains(key)
        ? "it belongs to the rule: write it in the rule's own braces" : nil
    }
    guard let mapping, let (kind, _, body) = mapping.entries.first else { return nil }
    guard mapping.entries.count == 1 else {
      value.report("one item holds one rule", hint: "begin each with a dash of its own")
      return nil
    }
    switch kind {
    case "complete": return columnsRule(body, .complete) { .complete(columns: $0) }
    case "unique": return columnsRule(body, .unique) { .unique(columns: $0) }
    default:
      guard let table = Self.tables[kind], let keys = body.mapping(table) else { return nil }
      // The name comes first, so that its absence is reported along with the rest.
      let isNamed = kind == "sql" || kind == "query"
      let name = isNamed ? keys.required("name")?.name() : keys["name"]?.name()
      let check = check(kind, keys)
      return rule(check, keys, name: name)
    }
  }

  private static let tables: [String: KnownKeys] = [
    "range": .range, "pattern": .pattern, "allowed": .allowed, "reference": .reference,
    "rows": .rows, "sql": .predicate, "query": .query,
  ]

  private func columnsRule(
    _ body: YAMLValue,
    _ table: KnownKeys,
    _ check: ([String]) -> Check
  ) -> Rule? {
    guard case .mapping = body.content else {
      return body.texts("columns").map { Rule(check($0)) }
    }
    guard let keys = body.mapping(table) else { return nil }
    let columns = keys.required("columns")?.texts("columns")
    return rule(columns.map(check), keys, name: keys["name"]?.name())
  }

  private func rule(_ check: Check?, _ keys: YAMLMapping, name: String?) -> Rule? {
    let severity = keys["on_failure"]?.choice(Severity.self, "severity")
    let mostly = keys["mostly"].map(mostly) ?? 1
    guard let check, let mostly else { return nil }
    switch check {
    case .rows, .query:
      if severity == .quarantine {
        keys["on_failure"]?.report(
          "the rule judges the whole table, so no row can go to quarantine",
          hint: "use warn or fail"
        )
      }
    default: break
    }
    guard let name else { return Rule(check, severity: severity, mostly: mostly) }
    return Rule(name: name, check: check, severity: severity, mostly: mostly)
  }

  private func mostly(_ value: YAMLValue) -> Double? {
    guard case .number(let number) = value.content, let share = number.double else {
      value.mismatch("a share", hint: "such as 0.98")
      return nil
    }
    guard share > 0, share <= 1 else {
      let isPercent = share > 1 && share <= 100
      value.report(
        "`mostly` is \(number), it must be more than 0 and at most 1",
        hint: isPercent ? "write \(share / 100) for \(number) %" : nil
      )
      return nil
    }
    return share
  }

  private mutating func check(_ kind: String, _ keys: YAMLMapping) -> Check? {
    switch kind {
    case "range":
      let column = keys.required("column")?.text("a column")
      let bounds = keys.bounds()
      guard let column, let bounds else { return nil }
      return .range(column: column, minimum: bounds.minimum, maximum: bounds.maximum)
    case "pattern":
      let column = keys.required("column")?.text("a column")
      let regex = keys.required("regex")?.text("a pattern")
      guard let column, let regex else { return nil }
      return .pattern(column: column, regex: regex)
    case "allowed":
      let column = keys.required("column")?.text("a column")
      let list = keys.required("values")?.list("values")
      guard let column, let list else { return nil }
      let values = list.compactMap { $0.scalar() }
      return values.count == list.count ? .allowed(column: column, values: values) : nil
    case "reference": return reference(keys)
    case "rows":
      let bounds = keys.rowBounds()
      guard let bounds else { return nil }
      return .rows(minimum: bounds.minimum, maximum: bounds.maximum)
    case "sql": return keys.required("predicate")?.text("SQL").map { .predicate(sql: $0) }
    default: return keys.required("sql")?.text("SQL").map { .query(sql: $0) }
    }
  }

  private mutating func reference(_ keys: YAMLMapping) -> Check? {
    let columns = named(keys, "column", "columns", isRequired: true)
    let there = named(keys, "key", "keys", isRequired: false)
    var table: DatasetName?
    if let value = keys.required("to") { table = dataset(value) }
    guard let columns, let there, let table else { return nil }
    guard there.isEmpty || there.count == columns.count else {
      value.file.report(
        "\(columns.count) columns cannot be found in \(there.count)",
        at: keys.place(of: keys["key"] == nil ? "keys" : "key"),
        hint: "name a key for each column, in the same order"
      )
      return nil
    }
    return .reference(columns: columns, table: table, keys: there.isEmpty ? columns : there)
  }

  /// One key or the other, empty if neither is there; nil if that was reported.
  private func named(
    _ keys: YAMLMapping,
    _ one: String,
    _ several: String,
    isRequired: Bool
  ) -> [String]? {
    switch (keys[one], keys[several]) {
    case (.some, .some):
      value.file.report(
        "`\(one)` and `\(several)` mean the same",
        at: keys.place(of: several),
        hint: "remove one of them"
      )
      return nil
    case (.some(let value), .none): return value.text("a column").map { [$0] }
    case (.none, .some(let value)): return value.texts("columns")
    case (.none, .none): return isRequired ? keys.required(one).map { _ in [] } : []
    }
  }

  private mutating func dataset(_ value: YAMLValue) -> DatasetName? {
    guard let text = value.text("a dataset") else { return nil }
    guard let dataset = DatasetName(text), [.bronze, .silver, .gold].contains(dataset.layer) else {
      value.report(
        "`\(text)` is no dataset",
        hint: "write bronze.NAME, silver.NAME or gold.NAME"
      )
      return nil
    }
    references.append((value.place, dataset))
    return dataset
  }
}
