// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import MillCore
internal import MillPipelines

extension ProjectFile {
  /// Reads the definition of a source; nil if it cannot be used, which was reported.
  func source(_ dataset: DatasetName) -> SourceDefinition? {
    guard let root = root(of: text) else {
      if problems.isEmpty {
        report("the file is empty", at: place, hint: "begin with `files: …`")
      }
      return nil
    }
    guard let keys = root.mapping(.source) else { return nil }
    var source = SourceDefinition(dataset: dataset, files: [], path: path)
    source.description = keys["description"]?.text()
    source.files = keys.required("files")?.texts("paths") ?? []
    if let format = format(keys, firstFile: source.files.first) { source.format = format }
    source.nullTexts = nullTexts(keys, source.format) ?? (source.format == .jsonLines ? [] : [""])
    source.columns = keys["columns"].flatMap(columns) ?? []
    if let zone = keys["time_zone"]?.timeZone() { source.timeZone = zone }
    if let choice = keys["on_change"]?.choice(SourceDefinition.OnChange.self, "choice here") {
      source.onChange = choice
    }
    return problems.isEmpty ? source : nil
  }

  private enum FormatName: String, CaseIterable {
    case csv, jsonl, parquet
  }

  private func format(_ keys: YAMLMapping, firstFile: String?) -> SourceDefinition.Format? {
    let name: FormatName
    if let value = keys["format"] {
      guard let chosen = value.choice(FormatName.self, "format") else { return nil }
      name = chosen
    } else if let firstFile {
      guard let told = Self.format(ofFile: firstFile) else {
        file(keys, "files").report(
          "the format cannot be told from `\(firstFile)`",
          hint: "add `format: csv`, `jsonl` or `parquet`"
        )
        return nil
      }
      name = told
    } else {
      return nil
    }
    guard name == .csv else {
      if keys["csv"] != nil {
        report(
          "`csv` is for CSV files, these are \(name.rawValue)",
          at: keys.place(of: "csv"),
          hint: "remove it, or write `format: csv`"
        )
      }
      return name == .jsonl ? .jsonLines : .parquet
    }
    let csv = keys["csv"]?.mapping(.csv)
    return .csv(
      delimiter: csv?["delimiter"].flatMap(delimiter),
      hasHeader: csv?["header"]?.bool() ?? true
    )
  }

  private func file(_ keys: YAMLMapping, _ key: String) -> YAMLValue {
    keys[key] ?? keys.value
  }

  private static func format(ofFile file: String) -> FormatName? {
    var path = file.lowercased()
    for packed in [".gz", ".zst"] where path.hasSuffix(packed) {
      path = String(path.dropLast(packed.count))
    }
    let name = path.split(separator: "/").last ?? ""
    guard let dot = name.lastIndex(of: ".") else { return nil }
    switch name[name.index(after: dot)...] {
    case "csv": return .csv
    case "jsonl", "ndjson", "json": return .jsonl
    case "parquet": return .parquet
    default: return nil
    }
  }

  private func delimiter(_ value: YAMLValue) -> Character? {
    let hint = "such as ',' or \"\\t\""
    guard case .text(let text) = value.content else {
      value.mismatch("one character", hint: hint)
      return nil
    }
    guard text.utf8.count == 1, let character = text.first, !["\"", "\n", "\r"].contains(character)
    else {
      value.report("expected one ASCII character that is no quote and no line end", hint: hint)
      return nil
    }
    return character
  }

  private func nullTexts(_ keys: YAMLMapping, _ format: SourceDefinition.Format) -> [String]? {
    // The mapping is read in full elsewhere, so its own problems are not told again.
    let ofCSV = keys["csv"]?.peek("nulls")
    guard let value = keys["nulls"] else { return ofCSV?.nullTexts() }
    if ofCSV != nil {
      report(
        "`nulls` is there twice, here and in `csv`",
        at: keys.place(of: "nulls"),
        hint: "remove one of them"
      )
    } else if format == .parquet {
      report(
        "`nulls` is for text, a Parquet file says itself what is null",
        at: keys.place(of: "nulls"),
        hint: "remove it"
      )
    }
    return value.nullTexts()
  }

  private func columns(_ value: YAMLValue) -> [SourceDefinition.Column]? {
    guard let entries = value.entries("column names and their types") else { return nil }
    var columns: [SourceDefinition.Column] = []
    for (name, place, value) in entries {
      guard !name.isEmpty else {
        report("a column has no name", at: place)
        continue
      }
      if let other = columns.first(where: { $0.name.lowercased() == name.lowercased() }) {
        report(
          "the columns `\(other.name)` and `\(name)` differ by letter case alone",
          at: place,
          hint: "a table cannot hold both"
        )
      }
      if let type = value.columnType() { columns.append(.init(name, type)) }
    }
    return columns
  }
}

extension YAMLValue {
  /// The name of a time zone.
  func timeZone() -> String? {
    guard let name = text("the name of a time zone") else { return nil }
    guard TimeZone(identifier: name) != nil else {
      let nearest = nearestName(to: name, among: TimeZone.knownTimeZoneIdentifiers)
      report(
        "`\(name)` is no time zone",
        hint: nearest.map { "did you mean `\($0)`?" } ?? "write a name such as Europe/Berlin"
      )
      return nil
    }
    return name
  }
}
