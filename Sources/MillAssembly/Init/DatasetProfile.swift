// SPDX-License-Identifier: Apache-2.0

public import MillCore
public import MillPipelines
public import MillQuality

/// What all rows of a dataset's files show.
public struct DatasetProfile: Hashable, Sendable {
  /// The word after `bronze.` and `silver.`.
  public var name: String
  /// The files read, absolute.
  public var files: [String]
  /// How the files are read.
  public var format: SourceDefinition.Format
  /// Regular records.
  public var rows: Int64
  /// On disk, as packed.
  public var bytes: ByteCount
  /// Records that no engine gets to see.
  public var irregularRecords: Int64
  /// Lines without content.
  public var blankLines: Int64
  /// Text that is to mean null.
  public var nullTexts: [String]
  /// The columns in the files' order.
  public var columns: [ColumnProfile]
  /// Columns that tell rows apart, by their published names; empty if none were found.
  public var keys: [String]
  /// Rows that repeat the key of an earlier one.
  public var keyRepeats: Int64
  /// Rows that repeat another one in every column.
  public var rowRepeats: Int64
  /// What the silver model is to check.
  public var rules: [SuggestedRule]
  /// What a person should look at.
  public var findings: [String]
}

/// What one column shows.
public struct ColumnProfile: Hashable, Sendable {
  /// The name in the files.
  public var field: String
  /// The name in bronze and silver.
  public var name: String
  /// The narrowest published type that holds every value without loss.
  public var type: DataType
  /// Rows without a value.
  public var nulls: Int64
  /// Rows with one.
  public var values: Int64
  /// Different values: exact where `distinctIsExact`, within some percent otherwise.
  public var distinct: Int64
  /// Whether `distinct` was counted rather than estimated.
  public var distinctIsExact: Bool
  /// The least value as text; nil without values.
  public var minimum: String?
  /// The greatest value as text; nil without values.
  public var maximum: String?
  /// Quantiles of numbers, and of days and instants in seconds since 1970.
  public var quantiles: Quantiles?
  /// Values outside of the bounds that `range` proposes.
  public var outliers: Int64
  /// The most frequent values, if there are few different ones.
  public var top: [ValueCount]
  /// Characters of the shortest and the longest text.
  public var lengths: ClosedRange<Int64>?
  /// A pattern that every value matches.
  public var pattern: String?

  /// Whether there is one value and no null.
  public var isConstant: Bool { distinct == 1 && nulls == 0 }
}

/// Where the values of a column lie.
public struct Quantiles: Hashable, Sendable {
  /// One in a hundred values is at most this.
  public var p01: Double
  /// The first quartile.
  public var p25: Double
  /// The median.
  public var p50: Double
  /// The third quartile.
  public var p75: Double
  /// One in a hundred values is at least this.
  public var p99: Double
  /// The quantile beyond which ``RangeBounds`` looks for outliers below.
  public var lowTail: Double
  /// The quantile beyond which ``RangeBounds`` looks for outliers above.
  public var highTail: Double
  /// The least value that is no outlier.
  public var minimum: Double
  /// The greatest value that is no outlier.
  public var maximum: Double

  package init(
    p01: Double,
    p25: Double,
    p50: Double,
    p75: Double,
    p99: Double,
    lowTail: Double,
    highTail: Double,
    minimum: Double,
    maximum: Double
  ) {
    self.p01 = p01
    self.p25 = p25
    self.p50 = p50
    self.p75 = p75
    self.p99 = p99
    self.lowTail = lowTail
    self.highTail = highTail
    self.minimum = minimum
    self.maximum = maximum
  }
}

/// A value and how often it occurs.
public struct ValueCount: Hashable, Sendable {
  /// The value as text.
  public var value: String
  /// In how many rows it stands.
  public var count: Int64
}

/// A rule and why it is proposed.
public struct SuggestedRule: Hashable, Sendable {
  /// The rule as a model has it.
  public var rule: Rule
  /// What in the data speaks for it.
  public var evidence: String

  package init(rule: Rule, evidence: String) {
    self.rule = rule
    self.evidence = evidence
  }
}
