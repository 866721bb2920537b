// SPDX-License-Identifier: Apache-2.0

internal import MillCore
internal import MillLedger
internal import MillQuality

/// What rules found, the worst first.
enum RuleTable {
  /// One rule on one dataset.
  struct Finding {
    var dataset: String
    var result: RuleResult
  }

  /// The table; with `all` also a column of the rules' kinds.
  static func table(_ findings: [Finding]) -> FittingTable {
    var table = FittingTable([
      .init("DATASET"), .init("RULE"), .init("SEVERITY", rank: 2),
      .init("VIOLATIONS", .trailing), .init("EVALUATED", .trailing, rank: 1),
      .init("SHARE", .trailing, rank: 3), .init("STATUS"),
    ])
    for finding in findings.sorted(by: isWorse) {
      let result = finding.result
      table.append([
        .init(finding.dataset), .init(result.rule), .init(result.severity.rawValue),
        .init(NumberText.grouped(result.violations)),
        .init(NumberText.grouped(result.evaluated)),
        .init(NumberText.percentage(result.violations, of: result.evaluated)),
        .init(result.status.rawValue, result.status.ink),
      ])
    }
    return table
  }

  /// By status, then by the share of rows, then by name.
  static func isWorse(_ left: Finding, _ right: Finding) -> Bool {
    if left.result.status != right.result.status {
      return left.result.status.gravity > right.result.status.gravity
    }
    if left.result.share != right.result.share {
      return left.result.share < right.result.share
    }
    return (left.dataset, left.result.rule) < (right.dataset, right.result.rule)
  }
}

extension RuleResult.Status {
  fileprivate var gravity: Int {
    switch self {
    case .passed: 0
    case .warned: 1
    case .quarantined: 2
    case .failed: 3
    }
  }

  fileprivate var ink: Ink {
    switch self {
    case .passed: .green
    case .warned, .quarantined: .yellow
    case .failed: .red
    }
  }
}

extension RuleResult {
  /// The verdict that the ledger keeps; nil if a newer Millrace wrote it.
  init?(_ record: QualityRecord) {
    guard let severity = Severity(rawValue: record.severity),
      let status = Status(rawValue: record.status.rawValue)
    else { return nil }
    self.init(
      rule: record.rule,
      kind: record.kind,
      severity: severity,
      status: status,
      evaluated: record.evaluated,
      violations: record.violations,
      mostly: record.mostly ?? 1
    )
  }

  /// The verdict as `--json` shows it.
  var answer: JSONValue {
    [
      "rule": .string(rule), "kind": .string(kind), "severity": .string(severity.rawValue),
      "status": .string(status.rawValue), "evaluated": .int(evaluated),
      "violations": .int(violations), "mostly": .real(mostly),
    ]
  }
}
