// SPDX-License-Identifier: Apache-2.0

/// What exactly stands in a sample, and what a correct run makes of it.
///
/// Every number is known from the making of the data, not from reading it back.
public struct SampleManifest: Sendable, Equatable {
  /// One file of data.
  public struct File: Sendable, Equatable {
    /// The path inside the project's folder, such as `data/cards.csv`.
    public let path: String
    /// The source that reads it, such as `cards`.
    public let source: String
    /// How many bytes it has.
    public let bytes: Int
    /// How many lines it has, headers and blank ones included.
    public let lines: Int
    /// How many of the lines are headers: one in CSV, none in JSON lines.
    public let headerLines: Int
    /// How many lines have each defect; a defect that is not listed is not there.
    public let defects: [SampleDefect: Int]

    /// How many lines are blank.
    public var blankLines: Int { defects[.blankLine] ?? 0 }
    /// How many lines cannot be decoded.
    public var deadLetters: Int { defects.filter { $0.key.consequence == .deadLetter }.total }
    /// How many lines become rows of bronze.
    public var bronzeRows: Int { lines - headerLines - blankLines - deadLetters }
  }

  /// One source, over all of its files.
  public struct Source: Sendable, Equatable {
    /// The source's name; its dataset is `bronze.NAME`.
    public let name: String
    /// How many rows its bronze table gets.
    public let bronzeRows: Int
    /// How many lines go to its dead letters.
    public let deadLetters: Int
    /// How many lines are blank and skipped.
    public let blankLines: Int
  }

  /// One silver model: candidates = published + quarantined + deduplicated.
  public struct Model: Sendable, Equatable {
    /// The model's name, such as `silver.cards`.
    public let name: String
    /// How many rows its SELECT gives.
    public let candidates: Int
    /// How many rows each rule puts into quarantine; no row breaks two rules.
    public let quarantined: [String: Int]
    /// How many rows break a rule that only warns.
    public let warned: [String: Int]
    /// How many values are repaired in each column.
    public let repaired: [String: Int]
    /// How many rows deduplication takes out.
    public let deduplicated: Int

    /// How many rows the table gets.
    public var published: Int { candidates - quarantined.total - deduplicated }
  }

  /// How many payments were asked for: all lines of the payments' files but headers, blank lines
  /// and second copies.
  public let rows: Int
  /// The seed that the sample was made from.
  public let seed: UInt64
  /// The files, in the order they are written.
  public let files: [File]

  /// The sources, in the order of their first files.
  public var sources: [Source] {
    files.map(\.source).withoutRepeats.map { name in
      let own = files.filter { $0.source == name }
      return Source(
        name: name,
        bronzeRows: own.reduce(0) { $0 + $1.bronzeRows },
        deadLetters: own.reduce(0) { $0 + $1.deadLetters },
        blankLines: own.reduce(0) { $0 + $1.blankLines }
      )
    }
  }

  /// The silver models, in the order of their first files.
  public var models: [Model] {
    files.map(\.model).withoutRepeats.map { name in
      let own = files.filter { $0.model == name }
      var quarantined: [String: Int] = [:]
      var warned: [String: Int] = [:]
      var repaired: [String: Int] = [:]
      var deduplicated = 0
      for (defect, count) in own.flatMap(\.defects) {
        switch defect.consequence {
        case .quarantined(let rule): quarantined[rule, default: 0] += count
        case .warned(let rule): warned[rule, default: 0] += count
        case .repaired(let column): repaired[column, default: 0] += count
        case .deduplicated: deduplicated += count
        case .deadLetter, .blank, .kept: break
        }
      }
      return Model(
        name: name,
        candidates: own.reduce(0) { $0 + $1.bronzeRows },
        quarantined: quarantined,
        warned: warned,
        repaired: repaired,
        deduplicated: deduplicated
      )
    }
  }

  /// The manifest as JSON text, keys always in the same order; it is `data/EXPECTED.json`.
  public var json: String {
    let fileTexts = files.map { file in
      object([
        ("path", text(file.path)), ("source", text(file.source)), ("bytes", "\(file.bytes)"),
        ("lines", "\(file.lines)"), ("header_lines", "\(file.headerLines)"),
        ("blank_lines", "\(file.blankLines)"), ("dead_letters", "\(file.deadLetters)"),
        ("bronze_rows", "\(file.bronzeRows)"),
        ("defects", counts(Dictionary(file.defects.map { ($0.rawValue, $1) }) { $0 + $1 })),
      ])
    }
    let sourceTexts = sources.map { source in
      object([
        ("name", text(source.name)), ("bronze_rows", "\(source.bronzeRows)"),
        ("dead_letters", "\(source.deadLetters)"), ("blank_lines", "\(source.blankLines)"),
      ])
    }
    let modelTexts = models.map { model in
      object([
        ("name", text(model.name)), ("candidates", "\(model.candidates)"),
        ("quarantined", counts(model.quarantined)), ("warned", counts(model.warned)),
        ("repaired", counts(model.repaired)), ("deduplicated", "\(model.deduplicated)"),
        ("published", "\(model.published)"),
      ])
    }
    return """
      {
        "rows": \(rows),
        "seed": \(seed),
        "files": [
          \(fileTexts.joined(separator: ",\n    "))
        ],
        "sources": [
          \(sourceTexts.joined(separator: ",\n    "))
        ],
        "models": [
          \(modelTexts.joined(separator: ",\n    "))
        ]
      }

      """
  }

  /// Every text in a manifest is a name or a path of ours, none of which needs escaping.
  private func text(_ value: String) -> String { "\"\(value)\"" }

  private func object(_ members: [(String, String)]) -> String {
    "{" + members.map { "\(text($0.0)): \($0.1)" }.joined(separator: ", ") + "}"
  }

  private func counts(_ values: [String: Int]) -> String {
    object(values.sorted { $0.key < $1.key }.map { ($0.key, "\($0.value)") })
  }
}

extension SampleManifest.File {
  /// Both sources of payments meet in one model.
  fileprivate var model: String {
    source.hasPrefix("payments") ? "silver.payments" : "silver.\(source)"
  }
}

extension Dictionary where Value == Int {
  fileprivate var total: Int { values.reduce(0, +) }
}

extension [String] {
  fileprivate var withoutRepeats: [String] {
    var seen: Set<String> = []
    return filter { seen.insert($0).inserted }
  }
}
