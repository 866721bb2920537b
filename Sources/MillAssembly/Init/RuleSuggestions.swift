// SPDX-License-Identifier: Apache-2.0

internal import MillCore
internal import MillQuality

/// The rules that a profile speaks for, each with its evidence.
///
/// - `complete`: all columns without a null, in one rule.
/// - `unique`: the key, and other columns without repeats whose names are those of identifiers.
/// - `pattern`: texts of one length and one set of characters, in 100 values and more.
/// - `allowed`: texts and whole numbers of 2 to 12 different values, in 100 values and more, unless
///   the column is part of the key.
/// - `range`: numbers, days and instants by ``RangeBounds``, in 100 values and more. Days and
///   instants get whole years, and ten more years after the last, so that tomorrow's rows pass.
///   Identifiers get none, and part of a key with more than 366 different values only warns.
///
/// A column with a single value gets none: one value says nothing of the others that may come.
package enum RuleSuggestions {
  package static let allowedMax: Int64 = 12
  package static let rowsMin: Int64 = 100
  private static let yearsAhead = 10

  package static func rules(_ profile: DatasetProfile) -> [SuggestedRule] {
    complete(profile) + unique(profile)
      + profile.columns.flatMap { column -> [SuggestedRule] in
        [pattern(column, profile), allowed(column, profile), range(column, profile)]
          .compactMap { $0 }
      }
  }

  /// Patterns for text of one length, narrowest first.
  package static func patterns(length: Int64) -> [String] {
    ["0-9", "A-Z", "a-z", "A-Z0-9", "a-z0-9", "A-Za-z", "A-Za-z0-9"].map { "^[\($0)]{\(length)}$" }
  }

  private static func complete(_ profile: DatasetProfile) -> [SuggestedRule] {
    let full = profile.columns.filter { $0.nulls == 0 && $0.values > 0 }.map(\.name)
    var rules: [SuggestedRule] = []
    if !full.isEmpty {
      let check = Check.complete(columns: full)
      rules.append(
        SuggestedRule(
          rule: full.count > 3 ? Rule(name: "always_present", check: check) : Rule(check),
          evidence: "no null in \(EvidenceText.count(profile.rows)) rows"
        )
      )
    }
    for column in profile.columns where column.nulls > 0 && profile.keys.contains(column.name) {
      rules.append(
        SuggestedRule(
          rule: Rule(.complete(columns: [column.name])),
          evidence: "the key is missing in \(EvidenceText.count(column.nulls)) rows"
        )
      )
    }
    return rules
  }

  private static func unique(_ profile: DatasetProfile) -> [SuggestedRule] {
    var rules: [SuggestedRule] = []
    if !profile.keys.isEmpty {
      let repeats = profile.keyRepeats
      rules.append(
        SuggestedRule(
          rule: Rule(.unique(columns: profile.keys)),
          evidence: repeats == 0
            ? "no repeat in \(EvidenceText.count(profile.rows)) rows"
            : "\(EvidenceText.count(repeats)) rows repeat an earlier one; `keys` keeps one of each"
        )
      )
    }
    for column in profile.columns {
      guard profile.keys != [column.name], column.nulls == 0, column.distinctIsExact,
        column.distinct == profile.rows, profile.rows >= rowsMin,
        column.type == .string
          || column.type == .long,
        ColumnWords(column.name).isIdentity
      else { continue }
      rules.append(
        SuggestedRule(
          rule: Rule(.unique(columns: [column.name])),
          evidence: "no repeat in \(EvidenceText.count(profile.rows)) rows"
        )
      )
    }
    return rules
  }

  private static func isAllowed(_ column: ColumnProfile, _ profile: DatasetProfile) -> Bool {
    guard column.type == .string || isWhole(column.type) else { return false }
    return column.distinctIsExact && (2...allowedMax).contains(column.distinct)
      && column.values >= rowsMin && !profile.keys.contains(column.name)
      && column.top.count == Int(column.distinct)
      && column.top.allSatisfy { $0.value.utf8.count <= 60 }
  }

  private static func allowed(
    _ column: ColumnProfile,
    _ profile: DatasetProfile
  ) -> SuggestedRule? {
    guard isAllowed(column, profile) else { return nil }
    var values = column.top.map(\.value)
    values.sort { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    var json = values.map { JSONValue.string($0) }
    if isWhole(column.type) {
      let numbers = values.compactMap { Int64($0) }.sorted()
      guard numbers.count == values.count else { return nil }
      json = numbers.map { .int($0) }
    }
    let rarest = column.top.map(\.count).min() ?? 0
    return SuggestedRule(
      rule: Rule(.allowed(column: column.name, values: json)),
      evidence: "\(column.distinct) different in \(EvidenceText.count(column.values)) values, "
        + "the rarest occurs "
        + (rarest == 1 ? "once" : "\(EvidenceText.count(rarest)) times")
    )
  }

  private static func pattern(
    _ column: ColumnProfile,
    _ profile: DatasetProfile
  ) -> SuggestedRule? {
    guard let pattern = column.pattern, column.values >= rowsMin, !isAllowed(column, profile)
    else { return nil }
    return SuggestedRule(
      rule: Rule(.pattern(column: column.name, regex: pattern)),
      evidence: "all \(EvidenceText.count(column.values)) values have this form"
    )
  }

  private static func range(
    _ column: ColumnProfile,
    _ profile: DatasetProfile
  ) -> SuggestedRule? {
    guard let quantiles = column.quantiles, column.values >= rowsMin, column.distinct > 1,
      profile.keys != [column.name], !isAllowed(column, profile),
      let bounds = bounds(column, quantiles)
    else { return nil }
    let isKey = profile.keys.contains(column.name)
    let isCode = column.type.isNumeric && isKey && column.distinct > 366
    return SuggestedRule(
      rule: Rule(
        .range(column: column.name, minimum: bounds.minimum, maximum: bounds.maximum),
        severity: isCode ? .warn : nil
      ),
      evidence: rangeEvidence(column, quantiles)
    )
  }

  private static func bounds(
    _ column: ColumnProfile,
    _ quantiles: Quantiles
  ) -> (minimum: JSONValue, maximum: JSONValue)? {
    switch column.type {
    case .date, .timestamp, .timestampWithoutZone:
      guard let first = day(quantiles.minimum)?.year, let last = day(quantiles.maximum)?.year,
        let from = CivilDate(year: first, month: 1, day: 1),
        let to = CivilDate(year: min(9999, last + yearsAhead), month: 12, day: 31)
      else { return nil }
      guard column.type != .date else { return (.string("\(from)"), .string("\(to)")) }
      let zone = column.type == .timestamp ? "Z" : ""
      return (.string("\(from)T00:00:00\(zone)"), .string("\(to)T23:59:59.999999\(zone)"))
    default:
      guard column.type.isNumeric, !ColumnWords(column.name).isIdentity else { return nil }
      let isDense =
        isWhole(column.type) && column.distinctIsExact && column.outliers == 0
        && column.distinct <= 1_000
        && Double(column.distinct) == quantiles.maximum - quantiles.minimum + 1
      guard
        let range = RangeBounds(low: quantiles.minimum, high: quantiles.maximum, isDense: isDense),
        let minimum = JSONNumber(text: range.minimum),
        let maximum = JSONNumber(text: range.maximum)
      else { return nil }
      return (.number(minimum), .number(maximum))
    }
  }

  private static func rangeEvidence(_ column: ColumnProfile, _ quantiles: Quantiles) -> String {
    let observed = "observed \(column.minimum ?? "") to \(column.maximum ?? "")"
    guard column.type.isNumeric else {
      return column.outliers == 0
        ? "\(observed); whole years and \(yearsAhead) more"
        : "\(observed); \(outliers(column)), whole years and \(yearsAhead) more"
    }
    let middle =
      "median \(EvidenceText.number(quantiles.p50)), p99 \(EvidenceText.number(quantiles.p99))"
    guard column.outliers > 0 else { return "\(observed), \(middle)" }
    return "\(observed), \(middle); \(outliers(column)), the others "
      + "\(EvidenceText.number(quantiles.minimum)) to \(EvidenceText.number(quantiles.maximum))"
  }

  private static func outliers(_ column: ColumnProfile) -> String {
    "\(EvidenceText.count(column.outliers)) beyond 10 x (tail - median)"
  }

  private static func day(_ seconds: Double) -> CivilDate? {
    Int32(exactly: (seconds / 86_400).rounded(.down)).map { CivilDate(daysSinceEpoch: $0) }
  }

  private static func isWhole(_ type: DataType) -> Bool {
    switch type {
    case .long, .integer, .short, .byte: true
    default: false
    }
  }
}
