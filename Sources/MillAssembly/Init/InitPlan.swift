// SPDX-License-Identifier: Apache-2.0

public import MillCore

/// A project that could be written, and what was found in the data it is made from.
public struct InitPlan: Sendable {
  /// The name in `millrace.yaml`.
  public var projectName: String
  /// What was found, one per dataset, in the order of the files given.
  public var profiles: [DatasetProfile]
  /// The project's files; `millrace.yaml` comes last.
  public var files: [InitFile]

  /// A plan of these parts.
  public init(projectName: String, profiles: [DatasetProfile], files: [InitFile]) {
    self.projectName = projectName
    self.profiles = profiles
    self.files = files
  }

  /// What a terminal shows.
  public var summaries: [ProfileSummary] { profiles.map(\.summary) }
}

/// A file of a project that is not written yet.
public struct InitFile: Hashable, Sendable {
  /// Relative to the project's folder.
  public var path: String
  /// The whole text.
  public var content: String

  /// A file of this text.
  public init(path: String, content: String) {
    self.path = path
    self.content = content
  }
}

/// A dataset in a few numbers, for the terminal.
public struct ProfileSummary: Hashable, Sendable {
  /// The word after `bronze.` and `silver.`.
  public var dataset: String
  /// The files read, absolute.
  public var files: [String]
  /// Regular records.
  public var rows: Int64
  /// How many columns there are.
  public var columns: Int
  /// On disk, as packed.
  public var bytes: ByteCount
  /// Cells without a value.
  public var nulls: Int64
  /// Columns that have such cells.
  public var columnsWithNulls: Int
  /// Records that no engine gets to see; they become dead letters.
  public var irregularRecords: Int64
  /// What a person should look at, one sentence each, without row values but for bounds and codes.
  public var findings: [String]
  /// The columns proposed as key; empty if none was found.
  public var keys: [String]
  /// How many rules the silver model is given.
  public var rulesSuggested: Int
}

extension DatasetProfile {
  /// The profile in a few numbers.
  public var summary: ProfileSummary {
    ProfileSummary(
      dataset: name,
      files: files,
      rows: rows,
      columns: columns.count,
      bytes: bytes,
      nulls: columns.reduce(0) { $0 + $1.nulls },
      columnsWithNulls: columns.count { $0.nulls > 0 },
      irregularRecords: irregularRecords,
      findings: findings,
      keys: keys,
      rulesSuggested: rules.count
    )
  }
}
