// SPDX-License-Identifier: Apache-2.0

internal import MillCore
internal import MillPipelines
internal import MillQuality

/// What a model's file defines.
struct ModelReading {
  /// nil if the model cannot be used, which was reported.
  var model: ModelDefinition?
  /// The datasets that rules look values up in, and where they are named.
  var references: [(place: SourcePlace, dataset: DatasetName)]
}

extension ProjectFile {
  /// Reads a model; nil if there is nothing to read in it, which was reported.
  func model(_ dataset: DatasetName) -> ModelReading? {
    guard let text = modelText() else { return nil }
    var model = ModelDefinition(
      dataset: dataset,
      sql: text.sql,
      sqlLine: text.sqlLine,
      path: path
    )
    var references: [(place: SourcePlace, dataset: DatasetName)] = []
    if let header = text.header, let root = root(of: header) {
      guard case .mapping = root.content else {
        root.report(
          "the header holds no keys",
          hint: "the first block comment is the header: write plain comments with --"
        )
        return nil
      }
      if let keys = root.mapping(.model) { references = read(keys, into: &model) }
    }
    return ModelReading(model: problems.isEmpty ? model : nil, references: references)
  }

  private func read(
    _ keys: YAMLMapping,
    into model: inout ModelDefinition
  ) -> [(place: SourcePlace, dataset: DatasetName)] {
    model.description = keys["description"]?.text()
    model.keys = keys["keys"]?.texts("columns") ?? []
    if let dedupe = keys["dedupe"] {
      model.newestBy = dedupe.mapping(.dedupe)?.required("by")?.texts("columns") ?? []
      if keys["keys"] == nil {
        report(
          "`dedupe` chooses among rows with one key, but there are no `keys`",
          at: keys.place(of: "dedupe"),
          hint: "add `keys: [COLUMN]`"
        )
      }
    }
    model.partitionBy = keys["partition_by"]?.texts("columns") ?? []
    if let value = keys["incremental"]?.mapping(.incremental)?.required("strategy"),
      let strategy = strategy(value)
    {
      model.strategy = strategy
    }
    model.freshness = keys["freshness"]?.duration()
    model.repairs = keys["repair"]?.list("repairs")?.compactMap { $0.repair() } ?? []
    var references: [(place: SourcePlace, dataset: DatasetName)] = []
    for value in keys["expect"]?.list("rules") ?? [] {
      var reader = RuleReader(value: value)
      let rule = reader.rule()
      references += reader.references
      guard let rule else { continue }
      if model.rules.contains(where: { $0.name == rule.name }) {
        value.report("two rules are named \(rule.name)", hint: "give one of them a `name`")
      }
      model.rules.append(rule)
    }
    return references
  }

  private func strategy(_ value: YAMLValue) -> ModelDefinition.Strategy? {
    if case .text("upsert") = value.content {
      value.report("strategy upsert is not available yet: use full or append")
      return nil
    }
    return value.choice(ModelDefinition.Strategy.self, "strategy")
  }
}

extension YAMLValue {
  /// One item of `repair`.
  fileprivate func repair() -> Repair? {
    guard let keys = mapping(.repair) else { return nil }
    guard let (kind, _, value) = keys.entries.first else { return nil }
    guard keys.entries.count == 1 else {
      report("one item holds one repair", hint: "begin each with a dash of its own")
      return nil
    }
    switch kind {
    case "default":
      guard let keys = value.mapping(.fill) else { return nil }
      let column = keys.required("column")?.text("a column")
      let replacement = keys.required("value")?.scalar()
      guard let column, let replacement else { return nil }
      return .fill(column: column, value: replacement)
    case "impute":
      guard let keys = value.mapping(.impute) else { return nil }
      let column = keys.required("column")?.text("a column")
      let statistic = keys.required("with")?.choice(Repair.Statistic.self, "statistic")
      guard let column, let statistic else { return nil }
      return .impute(column: column, statistic)
    default:
      guard let keys = value.mapping(.clamp) else { return nil }
      let column = keys.required("column")?.text("a column")
      let bounds = keys.bounds()
      guard let column, let bounds else { return nil }
      return .clamp(column: column, minimum: bounds.minimum, maximum: bounds.maximum)
    }
  }
}
