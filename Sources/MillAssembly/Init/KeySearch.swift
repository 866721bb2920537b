// SPDX-License-Identifier: Apache-2.0

internal import MillCore
internal import MillEngine

/// Finds the columns that tell the rows of a dataset apart.
///
/// A single column that is unique and looks like an identifier is best. Next comes one with an
/// identifier's name that repeats or lacks few values: an identifier in dirty data. Otherwise all
/// complete columns that may be part of a key are taken together, at most fourteen, and those that
/// are not needed are dropped one by one, the least plausible first: measures, parts of a date
/// where there is a date, texts, identifiers, times. What is left is a key of which no column can
/// be spared. That takes at most fifteen counts, however many columns there are.
struct KeySearch {
  let session: any EngineSession
  let sql: ProfileSQL
  let relation: String

  private static let candidatesMax = 14
  private static let keyColumnsMax = 7
  /// In fewer rows than this, columns are unique together by accident.
  private static let compoundRowsMin: Int64 = 100

  func find(in profile: inout DatasetProfile) async throws {
    if let index = Self.single(profile) {
      let column = profile.columns[index]
      profile.keys = [column.name]
      profile.keyRepeats = column.values - column.distinct
      return
    }
    guard profile.rows >= Self.compoundRowsMin else { return }
    var key = Self.candidates(profile)
    guard key.count > 1, try await repeats(key, profile.rows) == 0 else {
      try await countRepeats(&profile)
      return
    }
    for index in Self.dispensable(key, profile) where key.count > 1 {
      let rest = key.filter { $0 != index }
      // Fewer combinations than rows cannot tell the rows apart: no need to count.
      guard Self.combinations(rest, profile) >= Double(profile.rows) else { continue }
      if try await repeats(rest, profile.rows) == 0 { key = rest }
    }
    guard key.count <= Self.keyColumnsMax, Self.isPlausible(key, profile) else { return }
    let parts = key.contains {
      let column = profile.columns[$0]
      return column.type.isNumeric && ColumnWords(column.name).isTemporal
    }
    if parts {
      // A constant year tells nothing apart today, but it will next year.
      key += profile.columns.indices.filter {
        let column = profile.columns[$0]
        return column.isConstant && ColumnWords(column.name).isYear
      }
    }
    profile.keys = key.sorted().map { profile.columns[$0].name }
  }

  // MARK: One column

  /// The column that is a key by itself, or nil.
  static func single(_ profile: DatasetProfile) -> Int? {
    guard profile.rows > 1 else { return nil }
    let columns = profile.columns
    let unique = columns.indices.filter {
      isKeyType(columns[$0].type) && columns[$0].nulls == 0 && columns[$0].distinctIsExact
        && columns[$0].distinct == profile.rows
    }
    if let named = unique.first(where: { ColumnWords(columns[$0].name).isIdentity }) {
      return named
    }
    if let early = unique.first(where: { $0 < 3 && columns[$0].type != .timestamp }) {
      return early
    }
    // Dirty data: an identifier that repeats or is missing now and then. Foreign identifiers, of
    // which each occurs often, are far from this.
    return columns.indices.first {
      let column = columns[$0]
      guard isKeyType(column.type), ColumnWords(column.name).isIdentity, column.distinctIsExact,
        profile.rows >= compoundRowsMin
      else { return false }
      return Double(column.distinct) >= 0.95 * Double(profile.rows)
        && Double(column.nulls) <= 0.01 * Double(profile.rows)
    }
  }

  private static func isKeyType(_ type: DataType) -> Bool {
    switch type {
    case .string, .long, .integer, .short, .date, .timestamp, .timestampWithoutZone: true
    default: false
    }
  }

  // MARK: Several columns

  /// How early a column is dropped: greater first.
  static func rank(_ column: ColumnProfile, hasTime: Bool) -> Int {
    let words = ColumnWords(column.name)
    switch column.type {
    case .date, .timestamp, .timestampWithoutZone: return 0
    case .string: return words.isIdentity ? 1 : (column.lengths?.upperBound ?? 0) > 40 ? 5 : 3
    default:
      if words.isDerivedPart { return 5 }
      if words.isTemporal { return hasTime ? 4 : 1 }
      if words.isIdentity { return 1 }
      // A measure has few different values, or a sign; a number that names things has neither.
      return column.distinct >= 1_000 && (column.quantiles?.minimum ?? -1) >= 0 ? 2 : 6
    }
  }

  /// Columns that may be part of a key, in the file's order.
  static func candidates(_ profile: DatasetProfile) -> [Int] {
    let columns = profile.columns
    let complete = columns.indices.filter {
      isKeyType(columns[$0].type) && columns[$0].nulls == 0 && columns[$0].distinct > 1
    }
    let hasTime = complete.contains { rank(columns[$0], hasTime: true) == 0 }
    let best = complete.sorted {
      (rank(columns[$0], hasTime: hasTime), $0) < (rank(columns[$1], hasTime: hasTime), $1)
    }
    return best.prefix(candidatesMax).sorted()
  }

  /// The candidates in the order in which their loss is tried.
  static func dispensable(_ key: [Int], _ profile: DatasetProfile) -> [Int] {
    let columns = profile.columns
    let hasTime = key.contains { rank(columns[$0], hasTime: true) == 0 }
    return key.sorted {
      (rank(columns[$0], hasTime: hasTime), $0) > (rank(columns[$1], hasTime: hasTime), $1)
    }
  }

  private static func combinations(_ key: [Int], _ profile: DatasetProfile) -> Double {
    // About: distinct counts of large tables are sketches.
    key.reduce(1.1) { $0 * Double(max(1, profile.columns[$1].distinct)) }
  }

  /// Measures that happen to be unique together are no key.
  private static func isPlausible(_ key: [Int], _ profile: DatasetProfile) -> Bool {
    key.contains { rank(profile.columns[$0], hasTime: true) <= 4 }
      && key.allSatisfy { rank(profile.columns[$0], hasTime: true) < 6 }
  }

  private func repeats(_ columns: [Int], _ rows: Int64) async throws -> Int64 {
    let table = try await session.rows(sql.distinctRows(columns, from: relation), limit: 1)
    return rows - (table.integer(0, 0) ?? 0)
  }

  /// Rows that say nothing new are told to the user; no key can part them.
  private func countRepeats(_ profile: inout DatasetProfile) async throws {
    let all = profile.columns.indices.filter { profile.columns[$0].type.isPrimitive }
    guard all.count > 1, all.count == profile.columns.count else { return }
    profile.rowRepeats = try await repeats(all, profile.rows)
    if profile.rowRepeats > 0 {
      profile.findings.append("\(profile.rowRepeats) rows repeat another one in every column")
    }
  }
}
