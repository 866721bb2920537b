// SPDX-License-Identifier: Apache-2.0

internal import MillCore
internal import MillQuality

/// What a commit says of the run that made it, so that the ledger can be rebuilt from the logs.
struct CommitFacts {
  var dataset: DatasetName
  var runID: String
  var account: RowAccount
  var results: [RuleResult] = []
  var inputs: [(name: String, version: TableVersion?)] = []
  var reason = ""
  var startedAt: Instant?
  var bytesRead: Int64?

  static let key = "millrace"

  var info: JSONObject {
    var facts = JSONObject()
    facts["dataset"] = .string(dataset.description)
    facts["run"] = .string(runID)
    facts["reason"] = .string(reason)
    if let startedAt { facts["startedAt"] = .int(startedAt.microseconds) }
    if let bytesRead { facts["bytesRead"] = .int(bytesRead) }
    facts["account"] = account.json
    if !results.isEmpty { facts["rules"] = .array(results.map(\.json)) }
    if !inputs.isEmpty {
      facts["inputs"] = .array(
        inputs.map { input in
          ["name": .string(input.name), "version": input.version.map { .int($0.number) } ?? .null]
        }
      )
    }
    var info = JSONObject()
    info[Self.key] = .object(facts)
    return info
  }

  /// Reads what ``info`` wrote; nil for a commit of somebody else.
  init?(info: JSONObject) {
    guard let facts = info[Self.key], let text = facts["dataset"]?.text,
      let dataset = DatasetName(text), let runID = facts["run"]?.text,
      let account = facts["account"].flatMap({ RowAccount(json: $0) })
    else { return nil }
    self.dataset = dataset
    self.runID = runID
    self.account = account
    reason = facts["reason"]?.text ?? ""
    startedAt = facts["startedAt"]?.integer.map { Instant(microseconds: $0) }
    bytesRead = facts["bytesRead"]?.integer
    results = facts["rules"]?.array?.compactMap { RuleResult(json: $0) } ?? []
    inputs =
      facts["inputs"]?.array?.compactMap { input in
        input["name"]?.text.map { ($0, input["version"]?.integer.map { TableVersion($0) }) }
      } ?? []
  }

  init(
    dataset: DatasetName,
    runID: String,
    account: RowAccount,
    results: [RuleResult] = [],
    inputs: [(name: String, version: TableVersion?)] = [],
    reason: String = "",
    startedAt: Instant? = nil,
    bytesRead: Int64? = nil
  ) {
    self.dataset = dataset
    self.runID = runID
    self.account = account
    self.results = results
    self.inputs = inputs
    self.reason = reason
    self.startedAt = startedAt
    self.bytesRead = bytesRead
  }
}

extension RuleResult {
  var json: JSONValue {
    [
      "rule": .string(rule), "kind": .string(kind), "severity": .string(severity.rawValue),
      "status": .string(status.rawValue), "evaluated": .int(evaluated),
      "violations": .int(violations), "mostly": .real(mostly),
    ]
  }

  init?(json: JSONValue) {
    guard let rule = json["rule"]?.text, let kind = json["kind"]?.text,
      let severity = json["severity"]?.text.flatMap({ Severity(rawValue: $0) }),
      let status = json["status"]?.text.flatMap({ Status(rawValue: $0) })
    else { return nil }
    self.init(
      rule: rule,
      kind: kind,
      severity: severity,
      status: status,
      evaluated: json["evaluated"]?.integer ?? 0,
      violations: json["violations"]?.integer ?? 0,
      mostly: json["mostly"]?.double ?? 1
    )
  }
}
