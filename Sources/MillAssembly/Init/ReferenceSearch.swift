// SPDX-License-Identifier: Apache-2.0

internal import MillCore
internal import MillEngine
internal import MillQuality
internal import MillSQL

/// Finds columns whose values are keys of another dataset.
///
/// Asked are pairs of a column and the single key of a dataset with fewer rows, so references never
/// run in a circle. Where both have the same name, half of the values must be found there, and nine
/// tenths otherwise; of several keys the one that holds most counts, and of equal ones that of the
/// smaller dataset. Such rules only warn: what a file lacks may come later.
struct ReferenceSearch {
  let session: any EngineSession
  let dialect: any Dialect

  private static let sameNameShare = 0.5
  private static let otherNameShare = 0.9
  /// Each is one pass over the larger dataset.
  private static let pairsMax = 200

  private struct Finding {
    var found: Int64
    var target: Int
    var key: Int
  }

  /// Adds a rule for each reference to the profiles.
  func find(in groups: inout [ProfiledGroup]) async throws {
    let targets = groups.indices.compactMap { index -> (group: Int, key: Int)? in
      let profile = groups[index].profile
      guard profile.keys.count == 1, profile.keyRepeats == 0,
        let key = profile.columns.firstIndex(where: { $0.name == profile.keys[0] })
      else { return nil }
      return (index, key)
    }
    var asked = 0
    for index in groups.indices {
      var best: [Int: Finding] = [:]
      for target in targets where Self.isSmaller(target.group, than: index, groups) {
        let other = groups[target.group].profile.columns[target.key]
        let columns = Self.candidates(groups[index].profile, other)
        guard !columns.isEmpty, asked < Self.pairsMax else { continue }
        asked += 1
        let query = ProfileSQL(dialect: dialect, nullTexts: []).found(
          columns,
          from: groups[index].relation,
          in: groups[target.group].relation,
          key: target.key
        )
        let table = try await session.rows(query, limit: 1)
        for (position, column) in columns.enumerated() {
          let profile = groups[index].profile.columns[column]
          let found = table.integer(0, position) ?? 0
          let floor =
            Self.isSameName(profile.name, other.name) ? Self.sameNameShare : Self.otherNameShare
          guard Double(found) >= floor * Double(profile.values) else { continue }
          let finding = Finding(found: found, target: target.group, key: target.key)
          if let known = best[column], !Self.isBetter(finding, than: known, groups) { continue }
          best[column] = finding
        }
      }
      for (column, finding) in best.sorted(by: { $0.key < $1.key }) {
        guard let rule = Self.rule(groups[index].profile.columns[column], finding, groups)
        else { continue }
        groups[index].profile.rules.append(rule)
      }
    }
  }

  private static func candidates(_ profile: DatasetProfile, _ key: ColumnProfile) -> [Int] {
    profile.columns.indices.filter { index in
      let column = profile.columns[index]
      guard column.type == key.type, column.values >= RuleSuggestions.rowsMin, column.distinct > 1
      else { return false }
      if isSameName(column.name, key.name) { return true }
      // Numbers fall into each other's ranges by accident; texts of other lengths never match.
      guard column.type == .string, let lengths = column.lengths, let others = key.lengths
      else { return false }
      return lengths.overlaps(others)
    }
  }

  private static func isSmaller(_ target: Int, than index: Int, _ groups: [ProfiledGroup]) -> Bool {
    (groups[target].profile.rows, target) < (groups[index].profile.rows, index)
  }

  private static func isBetter(
    _ finding: Finding,
    than known: Finding,
    _ groups: [ProfiledGroup]
  ) -> Bool {
    if finding.found != known.found { return finding.found > known.found }
    return isSmaller(finding.target, than: known.target, groups)
  }

  private static func isSameName(_ left: String, _ right: String) -> Bool {
    ColumnWords(left).joined == ColumnWords(right).joined
  }

  private static func rule(
    _ column: ColumnProfile,
    _ finding: Finding,
    _ groups: [ProfiledGroup]
  ) -> SuggestedRule? {
    let target = groups[finding.target].profile
    guard let table = DatasetName(layer: .silver, name: target.name) else { return nil }
    return SuggestedRule(
      rule: Rule(
        .reference(columns: [column.name], table: table, keys: [target.columns[finding.key].name]),
        severity: .warn,
        mostly: mostly(found: finding.found, of: column.values)
      ),
      evidence: "\(EvidenceText.count(finding.found)) of "
        + "\(EvidenceText.count(column.values)) values (\(EvidenceText.percent(finding.found, of: column.values))) are there"
    )
  }

  /// The share in whole percent, rounded down so that today's data passes.
  static func mostly(found: Int64, of values: Int64) -> Double {
    guard values > 0, found < values else { return 1 }
    let hundredths = (Double(found) / Double(values) * 100).rounded(.down)
    return min(hundredths, 99) / 100
  }
}
