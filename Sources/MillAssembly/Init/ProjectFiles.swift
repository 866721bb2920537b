// SPDX-License-Identifier: Apache-2.0

internal import MillCore
internal import MillPipelines
internal import MillSQL

/// The files of a project, as text.
struct ProjectFiles {
  let name: String
  let dialect: any Dialect
  let groups: [ProfiledGroup]

  /// All files; the settings come last, so that a folder which holds them holds everything.
  func all() -> [InitFile] {
    groups.map { InitFile(path: "sources/\($0.profile.name).yaml", content: source($0)) }
      + groups.map { InitFile(path: "models/silver/\($0.profile.name).sql", content: model($0)) }
      + [
        InitFile(path: ".gitignore", content: "lake/\n.millrace/\n"),
        InitFile(path: "README.md", content: readme()),
        InitFile(path: "millrace.yaml", content: settings()),
      ]
  }

  private func settings() -> String {
    "name: \(YAMLText.scalar(name))\nlake: lake\nmemory: 2GiB\n"
  }

  // MARK: Sources

  private func source(_ group: ProfiledGroup) -> String {
    let profile = group.profile
    let rows = EvidenceText.count(profile.rows)
    let count = profile.files.count == 1 ? "one file" : "\(profile.files.count) files"
    var lines = [
      "description: '\(rows) rows in \(count) of \(profile.bytes) when the project was made'",
      group.patterns.count == 1
        ? "files: \(YAMLText.scalar(group.patterns[0]))"
        : YAMLText.wrapped(
          group.patterns.map { YAMLText.scalar($0) },
          after: "files: ",
          indent: 2
        ),
      "format: \(profile.format.name)",
    ]
    if case .csv(let delimiter, let hasHeader) = profile.format {
      let nulls = YAMLText.list(profile.nullTexts)
      let mark = YAMLText.scalar(String(delimiter ?? ","))
      lines.append("csv: {delimiter: \(mark), header: \(hasHeader), nulls: \(nulls)}")
    } else if profile.format == .jsonLines, !profile.nullTexts.isEmpty {
      lines.append("nulls: \(YAMLText.list(profile.nullTexts))")
    }
    lines += profile.findings.map { YAMLText.comment($0) }
    lines += columns(profile)
    lines += ["time_zone: UTC", "on_change: report"]
    return lines.joined(separator: "\n") + "\n"
  }

  private func columns(_ profile: DatasetProfile) -> [String] {
    // A Parquet file says its types itself, and those of nested columns have no name in YAML.
    if profile.columns.contains(where: { !$0.type.isPrimitive }) {
      return ["# columns are those of the file:"]
        + profile.columns.map { YAMLText.comment("\($0.name): \($0.type)") }
    }
    let entries = profile.columns.map { column in
      // In block style a comma is text, so the type of a decimal needs no quotes.
      "\(YAMLText.scalar(column.field)): \(column.type)"
    }
    let width = entries.map(\.count).filter { $0 <= 40 }.max() ?? 0
    return ["columns:"]
      + zip(entries, profile.columns).map { entry, column in
        let gap = String(repeating: " ", count: max(0, width - entry.count) + 2)
        return "  \(entry)\(gap)\(YAMLText.comment(Self.evidence(column, profile.rows)))"
      }
  }

  /// What is known of a column, in a line: `2.5 % null, 1 to 31`.
  static func evidence(_ column: ColumnProfile, _ rows: Int64) -> String {
    guard column.values > 0 else { return "no value at all" }
    var parts: [String] = []
    if column.nulls > 0 { parts.append("\(EvidenceText.percent(column.nulls, of: rows)) null") }
    if column.distinct == 1 {
      parts.append("always \(EvidenceText.value(column.minimum ?? ""))")
    } else if let minimum = column.minimum, let maximum = column.maximum {
      parts.append("\(EvidenceText.value(minimum)) to \(EvidenceText.value(maximum))")
    }
    if column.type == .string, column.distinct > 1 {
      let about = column.distinctIsExact ? "" : "about "
      parts.append("\(about)\(EvidenceText.count(column.distinct)) different")
      if let most = column.top.first {
        parts.append("most often \(EvidenceText.value(most.value))")
      }
    }
    if column.type.isNumeric, column.distinct > 1, let quantiles = column.quantiles {
      parts.append("median \(EvidenceText.number(quantiles.p50))")
    }
    if column.outliers > 0 { parts.append("\(column.outliers) far from the others") }
    if column.field != column.name { parts.append("published as \(column.name)") }
    return parts.joined(separator: ", ")
  }

  // MARK: Models

  private func model(_ group: ProfiledGroup) -> String {
    let profile = group.profile
    var lines = ["/*", "description: \(YAMLText.scalar(purpose(profile)))"]
    if profile.keys.isEmpty {
      lines.append("# No columns were found that tell all rows apart; if there are, name them:")
      lines.append("# keys: [...]")
    } else {
      lines.append(
        YAMLText.wrapped(profile.keys.map { YAMLText.scalar($0) }, after: "keys: ", indent: 2)
      )
    }
    if !profile.rules.isEmpty { lines.append("expect:") }
    lines += profile.rules.map { RuleText.lines($0) }
    lines += ["*/", "SELECT"]
    lines.append(
      profile.columns.map { "  \(SQLText.identifier($0.name, dialect))" }.joined(separator: ",\n")
    )
    lines.append(
      "FROM \(SQLText.identifier("bronze", dialect))."
        + SQLText.identifier(profile.name, dialect)
    )
    return lines.joined(separator: "\n") + "\n"
  }

  private func purpose(_ profile: DatasetProfile) -> String {
    profile.keys.isEmpty
      ? "The rows of \(profile.name) that keep the rules below"
      : "One row per \(profile.keys.joined(separator: ", "))"
  }

  // MARK: Read me

  private func readme() -> String {
    let tables = groups.map { group in
      let profile = group.profile
      let nulls = EvidenceText.count(profile.columns.reduce(0) { $0 + $1.nulls })
      let keys =
        profile.keys.isEmpty ? "none found" : profile.keys.map { "`\($0)`" }.joined(separator: ", ")
      return "| `\(profile.name)` | \(EvidenceText.count(profile.rows)) "
        + "| \(profile.columns.count) | \(profile.bytes) | \(nulls) "
        + "| \(EvidenceText.count(profile.irregularRecords)) | \(keys) | \(profile.rules.count) |\n"
    }
    let findings = groups.flatMap { group in
      group.profile.findings.map {
        "- `\(group.profile.name)`: \($0.replacing("\n", with: " "))\n"
      }
    }
    let look =
      findings.isEmpty ? "" : "\n## Worth a look\n\n\(findings.joined())"
    return """
      # \(name)

      Made by `millrace init` from data that it read in full:

      | Dataset | Rows | Columns | On disk | Cells without value | Irregular records | Key | Rules |
      |---|---:|---:|---:|---:|---:|---|---:|
      \(tables.joined())\(look)
      ## What is here

      - `sources/` how each file is read, its columns with their types and what was seen in them.
      - `models/silver/` one cleaned table per source. Each header holds the rules that the data
        speaks for, with the evidence above each. They are proposals: read them, keep what is
        meant, delete what is only so by accident.
      - `millrace.yaml` the project's settings.

      ```
      millrace validate
      millrace plan
      millrace run
      millrace quality
      ```

      """
  }
}

/// Names in SQL that people read.
enum SQLText {
  /// A name, quoted only where it must be.
  static func identifier(_ name: String, _ dialect: any Dialect) -> String {
    let isPlain =
      !name.isEmpty && !reserved.contains(name.lowercased())
      && name.utf8.enumerated().allSatisfy { index, byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "_"):
          true
        case UInt8(ascii: "0")...UInt8(ascii: "9"): index > 0
        default: false
        }
      }
    return isPlain ? name : dialect.quote(name)
  }

  /// Words that some dialect reserves; to quote one too many does no harm.
  private static let reserved: Set<String> = [
    "all", "analyse", "analyze", "and", "anti", "any", "array", "as", "asc", "asof", "asymmetric",
    "at", "authorization", "between", "binary", "both", "by", "case", "cast", "check", "collate",
    "collation", "column", "columns", "concurrently", "constraint", "create", "cross",
    "current_date", "current_time", "current_timestamp", "current_user", "date", "default",
    "deferrable", "delete", "desc", "describe", "distinct", "do", "else", "end", "except", "exists",
    "extract", "false", "fetch", "filter", "for", "foreign", "freeze", "from", "full", "generated",
    "glob", "grant", "group", "having", "ilike", "in", "initially", "inner", "insert", "intersect",
    "interval", "into", "is", "isnull", "join", "key", "lambda", "lateral", "leading", "left",
    "like", "limit", "localtime", "localtimestamp", "map", "minus", "natural", "not", "notnull",
    "null",
    "offset", "on", "only", "or", "order", "outer", "over", "overlaps", "pivot", "pivot_longer",
    "pivot_wider", "placing", "position", "positional", "primary", "qualify", "range",
    "references", "returning", "right", "row", "rows", "select", "semi", "session_user", "set",
    "show", "similar", "some", "struct", "summarize", "symmetric", "table", "tablesample", "then",
    "time", "timestamp", "to", "trailing", "true", "try_cast", "union", "unique", "unpivot",
    "update", "user", "using", "values", "variadic", "verbose", "when", "where", "window", "with",
  ]
}
