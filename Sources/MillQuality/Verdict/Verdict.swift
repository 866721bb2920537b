// SPDX-License-Identifier: Apache-2.0

internal import MillEngine

/// Rows told apart, not yet written.
public struct Verdict: Sendable {
  /// A query for the rows that may be published.
  public var good: String
  /// A query for the rows that go to quarantine, with the column `_rules`; nil when there are none.
  public var bad: String?
  /// Rows that came to be judged.
  public var candidates: Int64
  /// Rows for quarantine.
  public var quarantined: Int64
  /// Rows that repeat the key of one that is published.
  public var deduplicated: Int64
  /// What became of each rule, in the order of the rules.
  public var results: [RuleResult]

  /// Queries and counts; nothing checks here that they agree.
  public init(
    good: String,
    bad: String?,
    candidates: Int64,
    quarantined: Int64,
    deduplicated: Int64,
    results: [RuleResult]
  ) {
    self.good = good
    self.bad = bad
    self.candidates = candidates
    self.quarantined = quarantined
    self.deduplicated = deduplicated
    self.results = results
  }

  /// Rows that may be published if the books balance.
  public var published: Int64 { candidates - quarantined - deduplicated }

  /// The rules because of which nothing may be published.
  public var failures: [RuleResult] { results.filter { $0.status == .failed } }
}
