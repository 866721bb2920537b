// SPDX-License-Identifier: Apache-2.0

internal import MillCore

/// What became of one rule on one version of a dataset.
public struct RuleResult: Hashable, Sendable {
  /// How it ended.
  public enum Status: String, Sendable {
    /// No row broke it.
    case passed
    /// Rows broke it, but only a warning was asked for, or few enough did.
    case warned
    /// The rows that broke it are in quarantine.
    case quarantined
    /// The rows may not be published.
    case failed
  }

  /// The rule's name, unique within its dataset.
  public var rule: String
  /// The kind as definitions spell it.
  public var kind: String
  /// What a broken rule leads to, as it was declared.
  public var severity: Severity
  /// How the rule ended.
  public var status: Status
  /// Rows that the rule had an opinion on: for most rules those that are not null.
  public var evaluated: Int64
  /// Rows that broke the rule; for `query` the rows that it returned.
  public var violations: Int64
  /// The share that had to pass, from 0 to 1.
  public var mostly: Double

  /// Counts whose status is known already, such as those read back from the ledger.
  public init(
    rule: String,
    kind: String,
    severity: Severity,
    status: Status,
    evaluated: Int64,
    violations: Int64,
    mostly: Double
  ) {
    self.rule = rule
    self.kind = kind
    self.severity = severity
    self.status = status
    self.evaluated = evaluated
    self.violations = violations
    self.mostly = mostly
  }

  /// Judges counts by a rule's severity and tolerance.
  ///
  /// Within `mostly` a rule only warns; severity `quarantine` removes the rows whatever `mostly`
  /// says (docs/semantics.md, 7).
  public init(_ rule: Rule, evaluated: Int64, violations: Int64) {
    let status: Status
    if violations == 0 {
      status = .passed
    } else {
      let share = evaluated > 0 ? Double(evaluated - violations) / Double(evaluated) : 0
      switch rule.severity {
      case .warn: status = .warned
      case .quarantine: status = .quarantined
      case .fail: status = rule.mostly < 1 && share >= rule.mostly ? .warned : .failed
      }
    }
    self.init(
      rule: rule.name,
      kind: rule.check.kind,
      severity: rule.severity,
      status: status,
      evaluated: evaluated,
      violations: violations,
      mostly: rule.mostly
    )
  }

  /// The share of evaluated rows that passed; 1 when none was evaluated.
  public var share: Double {
    evaluated > 0 ? Double(evaluated - violations) / Double(evaluated) : violations == 0 ? 1 : 0
  }
}
