// SPDX-License-Identifier: Apache-2.0

internal import MillCore
internal import MillEngine
internal import MillPipelines
internal import MillSQL
internal import MillSources

/// A dataset that was profiled and whose typed rows are still at hand.
struct ProfiledGroup: Sendable {
  var profile: DatasetProfile
  /// The relation of typed rows, its columns named `c0`, `c1`, ….
  var relation: String
  var patterns: [String]
}

/// Profiles all rows of a dataset: two passes over its files, the rest over typed rows.
struct Profiler {
  let session: any EngineSession
  let dialect: any Dialect

  /// Columns per query: a query of thousands of aggregates takes long to plan.
  private static let columnsPerQuery = 24
  /// Rows up to which quantiles and distinct counts are those of all values.
  private static let exactRowsMax: Int64 = 5_000_000
  /// Rows up to which keys are looked for: a distinct count over several columns holds them all.
  private static let keyRowsMax: Int64 = 50_000_000
  /// Columns with at most so many different values are counted exactly, value by value.
  private static let fewDistinct: Int64 = 1_500

  /// - Parameter sources: what the engine reads, one per file.
  func profile(_ group: InputGroup, sources: [RawSource], number: Int) async throws -> ProfiledGroup
  {
    let texts = "init_texts_\(number)"
    let typed = "init_typed_\(number)"
    guard let first = group.files.first else { throw InitError.noFiles(argument: group.name) }
    let fields = Self.fields(group)
    let sql = ProfileSQL(dialect: dialect, nullTexts: first.nullTexts)
    try await define(sql, sources, as: texts, number)

    var choices: [TypeChoice] = []
    var counts: [TextCounts] = []
    for columns in Self.chunks(fields.count) {
      let row = try await numbers(sql.textCounts(columns, from: texts))
      for (position, index) in columns.enumerated() {
        let count = Self.textCounts(row, position)
        counts.append(count)
        choices.append(first.typeChoice(fields[index], count))
      }
    }
    var findings = Self.findings(group)
    var nullTexts = first.nullTexts
    for (index, choice) in choices.enumerated() where counts[index][.nullLike] > 0 {
      let table = try await session.rows(sql.nullLikes(index, from: texts), limit: 100)
      let found = table.rows.compactMap { $0.first?.text }
      let list = found.map { "`\($0)`" }.joined(separator: ", ")
      findings.append(
        choice.takesNullLikes
          ? "\(fields[index].name): \(list) taken for null, which makes it \(choice.type)"
          : "\(fields[index].name): \(list) may stand for a missing value"
      )
      if choice.takesNullLikes { nullTexts += found.filter { !nullTexts.contains($0) } }
    }
    for (index, count) in counts.enumerated() where count.padded > 0 {
      findings.append("\(fields[index].name): \(count.padded) values have blanks around them")
    }
    for (index, count) in counts.enumerated() where choices[index].type == .string {
      if let finding = Self.nearMiss(count) { findings.append("\(fields[index].name): \(finding)") }
    }

    try await session.define(
      RelationName(typed),
      as: sql.typed(choices.map(\.type), nullTexts: nullTexts, from: texts),
      keeping: .stored
    )
    try await session.drop(RelationName(texts))
    let rows =
      try await session.rows(
        "SELECT count(*) FROM \(dialect.quote(typed))",
        limit: 1
      ).integer(0, 0) ?? 0
    var profile = DatasetProfile(
      name: group.name,
      files: group.files.map(\.path),
      format: first.sourceFormat,
      rows: rows,
      bytes: ByteCount(bytes: group.files.reduce(0) { $0 + $1.scan.file.size }),
      irregularRecords: group.files.reduce(0) { $0 + $1.scan.irregularCount },
      blankLines: group.files.reduce(0) { $0 + $1.scan.blankLines },
      nullTexts: nullTexts,
      columns: Self.columns(fields, choices, counts, rows),
      keys: [],
      keyRepeats: 0,
      rowRepeats: 0,
      rules: [],
      findings: findings
    )
    try await measure(&profile, sql, typed)
    try await judgeOutliers(&profile, sql, typed)
    if rows > 0, rows <= Self.keyRowsMax {
      let search = KeySearch(session: session, sql: sql, relation: typed)
      try await search.find(in: &profile)
    }
    return ProfiledGroup(profile: profile, relation: typed, patterns: group.patterns)
  }

  // MARK: Steps

  private func define(
    _ sql: ProfileSQL,
    _ sources: [RawSource],
    as texts: String,
    _ number: Int
  ) async throws {
    var parts: [String] = []
    for (index, source) in sources.enumerated() {
      let name = "init_raw_\(number)_\(index)"
      try await session.define(RelationName(name), as: source)
      parts.append(sql.texts(source.fields, from: name))
    }
    try await session.define(
      RelationName(texts),
      as: parts.joined(separator: "\nUNION ALL\n"),
      keeping: .view
    )
  }

  private func measure(
    _ profile: inout DatasetProfile,
    _ sql: ProfileSQL,
    _ relation: String
  ) async throws {
    let isExact = profile.rows <= Self.exactRowsMax
    let usable = profile.columns.indices.filter { profile.columns[$0].type.isPrimitive }
    for columns in Self.chunked(usable, by: Self.columnsPerQuery / 2) {
      let asked = columns.map { (index: $0, type: profile.columns[$0].type, values: profile.rows) }
      let table = try await session.rows(
        sql.statistics(asked, from: relation, isExact: isExact),
        limit: 1
      )
      for (position, index) in columns.enumerated() {
        let start = position * ProfileSQL.statisticsPerColumn
        let cells = Array(table.rows[0][start..<(start + ProfileSQL.statisticsPerColumn)])
        profile.columns[index].take(cells, rows: profile.rows)
      }
    }
    let exact = usable.filter {
      let column = profile.columns[$0]
      return isExact || column.distinct <= Self.fewDistinct
        || column.distinct * 10 >= column.values * 8
    }
    for columns in Self.chunked(exact, by: Self.columnsPerQuery) where !columns.isEmpty {
      let row = try await numbers(sql.distinct(columns, from: relation))
      for (position, index) in columns.enumerated() {
        profile.columns[index].distinct = row[position] ?? 0
        profile.columns[index].distinctIsExact = true
      }
    }
    try await countTop(&profile, sql, relation)
    try await findPatterns(&profile, sql, relation)
  }

  private func countTop(
    _ profile: inout DatasetProfile,
    _ sql: ProfileSQL,
    _ relation: String
  ) async throws {
    let few = profile.columns.indices.filter {
      let column = profile.columns[$0]
      guard column.distinctIsExact, column.values > 0 else { return false }
      return column.distinct <= RuleSuggestions.allowedMax
        || (column.type == .string && column.distinct <= 100)
    }
    for columns in Self.chunked(few, by: Self.columnsPerQuery) where !columns.isEmpty {
      let limit = Int(RuleSuggestions.allowedMax) + 1
      let table = try await session.rows(
        sql.top(columns, limit: limit, from: relation),
        limit: columns.count * limit
      )
      for row in table.rows where row.count == 3 {
        guard let index = row[0].integer, let count = row[2].integer else { continue }
        profile.columns[Int(index)].top.append(
          ValueCount(value: Self.text(row[1]) ?? "", count: count)
        )
      }
    }
  }

  private func findPatterns(
    _ profile: inout DatasetProfile,
    _ sql: ProfileSQL,
    _ relation: String
  ) async throws {
    let asked = profile.columns.indices.compactMap { index -> (index: Int, patterns: [String])? in
      let column = profile.columns[index]
      guard column.type == .string, let lengths = column.lengths, column.distinct > 1,
        lengths.lowerBound == lengths.upperBound, (2...12).contains(lengths.lowerBound)
      else { return nil }
      return (index, RuleSuggestions.patterns(length: lengths.lowerBound))
    }
    guard !asked.isEmpty else { return }
    let row = try await numbers(sql.patterns(asked, from: relation))
    var position = 0
    for (index, patterns) in asked {
      let counts = row[position..<(position + patterns.count)]
      position += patterns.count
      // The first that fits is the narrowest.
      let fits = zip(patterns, counts).first { $0.1 == profile.columns[index].values }
      profile.columns[index].pattern = fits?.0
    }
  }

  /// Looks whether values beyond the limits of ``RangeBounds`` are parted from the others.
  private func judgeOutliers(
    _ profile: inout DatasetProfile,
    _ sql: ProfileSQL,
    _ relation: String
  ) async throws {
    let asked = profile.columns.indices.compactMap {
      index -> (index: Int, type: DataType, low: Double, high: Double)? in
      let column = profile.columns[index]
      // A few values are listed one by one instead.
      guard let quantiles = column.quantiles, column.values >= RuleSuggestions.rowsMin,
        column.distinct > RuleSuggestions.allowedMax
      else { return nil }
      let limits = RangeBounds.suspectLimits(quantiles)
      guard quantiles.minimum < limits.low || quantiles.maximum > limits.high else { return nil }
      return (index, column.type, limits.low, limits.high)
    }
    guard !asked.isEmpty else { return }
    let table = try await session.rows(sql.suspects(asked, from: relation), limit: 1)
    for (position, suspect) in asked.enumerated() {
      let cells = Array(table.rows[0][(position * 6)..<(position * 6 + 6)])
      profile.columns[suspect.index].judge(cells)
      let column = profile.columns[suspect.index]
      if column.outliers > 0, let quantiles = column.quantiles {
        let far = [column.minimum, column.maximum].compactMap { $0 }.joined(separator: " to ")
        profile.findings.append(
          "\(column.name): \(column.outliers) far from the others (\(far), median "
            + "\(EvidenceText.number(quantiles.p50)))"
        )
      }
    }
  }

  private func numbers(_ sql: String) async throws -> [Int64?] {
    let table = try await session.rows(sql, limit: 1)
    return table.rows.first.map { $0.map(\.integer) } ?? []
  }
}

extension Profiler {
  /// The union of the files' fields, in the order in which they first occur.
  static func fields(_ group: InputGroup) -> [Field] {
    var seen: Set<String> = []
    return group.files.flatMap(\.fields).filter { seen.insert($0.name).inserted }
  }

  static func text(_ value: JSONValue) -> String? {
    switch value {
    case .null: nil
    case .string(let text): text
    case .number(let number): number.text
    case .bool(let bool): bool ? "true" : "false"
    default: value.serialized()
    }
  }

  private static func chunks(_ count: Int) -> [Range<Int>] {
    stride(from: 0, to: count, by: columnsPerQuery).map { $0..<min(count, $0 + columnsPerQuery) }
  }

  private static func chunked(_ indices: [Int], by size: Int) -> [[Int]] {
    stride(from: 0, to: indices.count, by: size).map {
      Array(indices[$0..<min(indices.count, $0 + size)])
    }
  }

  private static func textCounts(_ row: [Int64?], _ position: Int) -> TextCounts {
    let kinds = TextCounts.Kind.allCases
    let start = position * ProfileSQL.countsPerColumn
    guard row.count >= start + ProfileSQL.countsPerColumn else { return TextCounts(counts: [:]) }
    let measures = start + kinds.count
    return TextCounts(
      counts: Dictionary(
        uniqueKeysWithValues: kinds.enumerated().map { ($1, row[start + $0] ?? 0) }
      ),
      significantDigitsMax: row[measures] ?? 0,
      fractionDigitsMax: row[measures + 1] ?? 0,
      wholeDigitsMax: row[measures + 2] ?? 0,
      padded: row[measures + 3] ?? 0
    )
  }

  private static func columns(
    _ fields: [Field],
    _ choices: [TypeChoice],
    _ counts: [TextCounts],
    _ rows: Int64
  ) -> [ColumnProfile] {
    let names = ColumnNames.published(fields.map(\.name))
    return fields.indices.map { index in
      ColumnProfile(
        field: fields[index].name,
        name: names[index],
        type: choices[index].type,
        nulls: counts[index][.null],
        values: rows - counts[index][.null],
        distinct: 0,
        distinctIsExact: false,
        minimum: nil,
        maximum: nil,
        quantiles: nil,
        outliers: 0,
        top: [],
        lengths: nil,
        pattern: nil
      )
    }
  }

  private static func findings(_ group: InputGroup) -> [String] {
    (group.files.first?.findings ?? [])
      + group.files.compactMap { file in
        let count = file.scan.irregularCount
        guard count > 0 else { return nil }
        let name = file.path.split(separator: "/").last.map(String.init) ?? file.path
        return "\(name): \(count) records are out of form and become dead letters"
      }
  }

  /// What keeps a column from being a number or a time, if it is little.
  static func nearMiss(_ counts: TextCounts) -> String? {
    let numbers = counts[.long] + counts[.fraction] + counts[.exponent]
    let times = counts[.date] + counts[.instant] + counts[.localTime]
    let others = counts[.text] + counts[.boolean] + counts[.longDigits]
    if numbers > 0, counts[.leadingZero] > 0, others + times == 0 {
      return "text, since \(counts[.leadingZero]) values have zeros in front, as codes do"
    }
    for (count, kind) in [(numbers, "numbers"), (times, "days or times")] {
      let rest = others + counts[.leadingZero] + (kind == "numbers" ? times : numbers)
      if rest > 0, count >= rest * 19 { return "text, since \(rest) values are not \(kind)" }
    }
    return nil
  }
}

extension ReadFile {
  /// Text that means null by convention; a Parquet file says null itself.
  var nullTexts: [String] {
    switch format {
    case .csv, .jsonLines: ["", "NA"]
    case .parquet: []
    }
  }

  /// Whether the source can declare other texts that mean null.
  var hasNullTexts: Bool {
    if case .csv = format { true } else { false }
  }

  var sourceFormat: SourceDefinition.Format {
    switch format {
    case .csv(let delimiter, let hasHeader, _): .csv(delimiter: delimiter, hasHeader: hasHeader)
    case .jsonLines: .jsonLines
    case .parquet: .parquet
    }
  }

  func typeChoice(_ field: Field, _ counts: TextCounts) -> TypeChoice {
    if case .parquet = format { return TypeChoice(type: field.type, takesNullLikes: false) }
    let choice = TypeChoice(counts, name: field.name)
    // Nothing but the default texts means null in a format that cannot declare others.
    return hasNullTexts || !choice.takesNullLikes
      ? choice : TypeChoice(type: .string, takesNullLikes: false)
  }
}

extension ColumnProfile {
  /// Takes over what ``ProfileSQL/statistics(_:from:isExact:)`` found.
  fileprivate mutating func take(_ cells: [JSONValue], rows: Int64) {
    values = cells[0].integer ?? 0
    nulls = rows - values
    distinct = cells[1].integer ?? 0
    minimum = Profiler.text(cells[2])
    maximum = Profiler.text(cells[3])
    if let shortest = cells[4].integer, let longest = cells[5].integer, shortest <= longest {
      lengths = shortest...longest
    }
    let numbers = cells[6..<15].compactMap(\.double)
    guard numbers.count == 9 else { return }
    quantiles = Quantiles(
      p01: numbers[0],
      p25: numbers[1],
      p50: numbers[2],
      p75: numbers[3],
      p99: numbers[4],
      lowTail: numbers[5],
      highTail: numbers[6],
      minimum: numbers[7],
      maximum: numbers[8]
    )
  }

  /// Narrows the quantiles' least and greatest to values that are no outliers.
  fileprivate mutating func judge(_ cells: [JSONValue]) {
    guard var quantiles, let least = cells[0].double, let greatest = cells[1].double else { return }
    let median = quantiles.p50
    var isNarrowed = (low: true, high: true)
    if let below = cells[2].double {
      isNarrowed.low = RangeBounds.isParted(below, from: least, median: median)
      if isNarrowed.low { outliers += cells[4].integer ?? 0 }
    }
    if let above = cells[3].double {
      isNarrowed.high = RangeBounds.isParted(above, from: greatest, median: median)
      if isNarrowed.high { outliers += cells[5].integer ?? 0 }
    }
    if isNarrowed.low { quantiles.minimum = least }
    if isNarrowed.high { quantiles.maximum = greatest }
    self.quantiles = quantiles
  }
}
