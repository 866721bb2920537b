// SPDX-License-Identifier: Apache-2.0

internal import MillCore
internal import MillPipelines

/// Where the rows of a run went: a table of what was loaded and one of what was made.
struct AccountTables {
  private var loadRows = FittingTable([
    .init("DATASET"), .init("FILES", .trailing), .init("LINES", .trailing),
    .init("BRONZE", .trailing), .init("DEAD LETTERS", .trailing),
    .init("BLANK", .trailing, rank: 1), .init("TIME", .trailing),
  ])
  private var modelRows = FittingTable([
    .init("DATASET"), .init("ROWS IN", .trailing), .init("CANDIDATES", .trailing, rank: 3),
    .init("PUBLISHED", .trailing), .init("QUARANTINED", .trailing),
    .init("DEDUPLICATED", .trailing), .init("REPAIRED", .trailing, rank: 1),
    .init("VERSION", .trailing, rank: 4), .init("TIME", .trailing, rank: 2),
  ])

  /// The loads; nil if there were none.
  var loads: FittingTable? { loadRows.rows.isEmpty ? nil : loadRows }
  /// The models; nil if there were none.
  var models: FittingTable? { modelRows.rows.isEmpty ? nil : modelRows }

  mutating func append(
    dataset: String,
    account: RowAccount,
    version: Int64?,
    duration: Duration?
  ) {
    let time = TextTable.Cell(duration.map { NumberText.duration($0) } ?? "–", .dim)
    switch account {
    case .load(let load):
      loadRows.append([
        .init(dataset), .init(NumberText.grouped(load.files)),
        .init(NumberText.grouped(load.lines)), .init(NumberText.grouped(load.bronze)),
        Self.attention(load.deadLetters), .init(NumberText.grouped(load.blank)), time,
      ])
    case .model(let model):
      let inputs = model.inputs.values.reduce(0, +)
      modelRows.append([
        .init(dataset), .init(NumberText.grouped(inputs)),
        .init(NumberText.grouped(model.candidates)),
        .init(NumberText.grouped(model.published)), Self.attention(model.quarantined),
        .init(NumberText.grouped(model.deduplicated)),
        .init(NumberText.grouped(model.repaired.values.reduce(0, +))),
        .init(version.map { "\($0)" } ?? "–"), time,
      ])
    }
  }

  private static func attention(_ count: Int64) -> TextTable.Cell {
    TextTable.Cell(NumberText.grouped(count), count > 0 ? .yellow : nil)
  }
}

extension RowAccount {
  /// The account as `--json` shows it.
  var answer: JSONValue {
    switch self {
    case .load(let load):
      return [
        "files": .int(load.files), "lines": .int(load.lines), "bronze": .int(load.bronze),
        "dead_letters": .int(load.deadLetters), "blank": .int(load.blank),
      ]
    case .model(let model):
      return [
        "inputs": Self.counts(model.inputs),
        "candidates": .int(model.candidates),
        "published": .int(model.published),
        "quarantined": .int(model.quarantined),
        "deduplicated": .int(model.deduplicated),
        "filtered": model.filtered.map { .int($0) } ?? .null,
        "repaired": Self.counts(model.repaired),
        "incremental": .bool(model.isIncremental),
      ]
    }
  }

  private static func counts(_ counts: [String: Int64]) -> JSONValue {
    .object(JSONObject(counts.keys.sorted().map { ($0, .int(counts[$0] ?? 0)) }))
  }
}
