// SPDX-License-Identifier: Apache-2.0

/// What one rule said about one dataset in one run.
public struct QualityRecord: Hashable, Codable, Sendable {
  /// The outcome of a rule, from harmless to fatal.
  public enum Status: String, Hashable, Codable, Sendable, CaseIterable {
    case passed, warned, quarantined, failed
  }

  /// The run in which the rule spoke.
  public var runID: String
  /// Layer and name: `silver.flights`.
  public var dataset: String
  /// The version that was judged; nil if the verdict kept it from being committed.
  public var tableVersion: Int64?
  /// The rule's name, unique within its dataset: a second verdict of the run replaces the first.
  public var rule: String
  /// What sort of rule, such as `complete`, `unique` or `range`.
  public var kind: String
  /// What a violation leads to, such as `warn`, `quarantine` or `fail`.
  public var severity: String
  /// What came of it.
  public var status: Status
  /// Rows on which the rule had an opinion (nulls pass without one).
  public var evaluated: Int64
  /// Rows that broke the rule.
  public var violations: Int64
  /// The share of rows that had to pass, 0 to 1; nil means all of them.
  public var mostly: Double?
  /// UTC microseconds.
  public var recordedAt: Int64

  /// A verdict of one rule.
  public init(
    runID: String,
    dataset: String,
    tableVersion: Int64? = nil,
    rule: String,
    kind: String,
    severity: String,
    status: Status,
    evaluated: Int64,
    violations: Int64,
    mostly: Double? = nil,
    recordedAt: Int64
  ) {
    self.runID = runID
    self.dataset = dataset
    self.tableVersion = tableVersion
    self.rule = rule
    self.kind = kind
    self.severity = severity
    self.status = status
    self.evaluated = evaluated
    self.violations = violations
    self.mostly = mostly
    self.recordedAt = recordedAt
  }
}
