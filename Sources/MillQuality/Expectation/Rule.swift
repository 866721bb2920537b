// SPDX-License-Identifier: Apache-2.0

public import MillCore

/// Something that data is expected to be.
///
/// A null passes every rule but ``Check/complete(columns:)``. Rules of a row are judged where the
/// row is written; rules on keys and on the whole after deduplication (docs/semantics.md, 6 and 7).
public struct Rule: Hashable, Sendable {
  /// Unique within its dataset; it stands in quarantine and in the results.
  public var name: String
  /// What must hold.
  public var check: Check
  /// What a broken rule leads to.
  public var severity: Severity
  /// The share of evaluated rows that must pass; 1 when every row must.
  public var mostly: Double

  /// A rule; without a severity it has the usual one of its kind.
  public init(name: String, check: Check, severity: Severity? = nil, mostly: Double = 1) {
    self.name = name
    self.check = check
    self.severity = severity ?? check.usualSeverity
    self.mostly = mostly
  }

  /// Names a rule by what it checks, such as `range_distance`.
  public init(_ check: Check, severity: Severity? = nil, mostly: Double = 1) {
    self.init(name: check.usualName, check: check, severity: severity, mostly: mostly)
  }
}

/// What a broken rule leads to.
public enum Severity: String, Sendable, CaseIterable {
  /// It is counted and shown.
  case warn
  /// The rows that break it go to the quarantine table.
  case quarantine
  /// Nothing is published, and what depends on the dataset waits.
  case fail
}

/// The kinds of rules.
public enum Check: Hashable, Sendable {
  /// No nulls in these columns.
  case complete(columns: [String])
  /// No two rows have the same values here; rows with a null in one of them are not compared.
  case unique(columns: [String])
  /// Bounds, both included; numbers, days and instants.
  case range(column: String, minimum: JSONValue?, maximum: JSONValue?)
  /// An RE2 pattern that the text contains; anchor it with ^ and $ to match the whole.
  case pattern(column: String, regex: String)
  /// The only values there may be.
  case allowed(column: String, values: [JSONValue])
  /// Each value is found in a column of another table.
  case reference(columns: [String], table: DatasetName, keys: [String])
  /// The number of rows published.
  case rows(minimum: Int64?, maximum: Int64?)
  /// SQL that is true or null for a good row.
  case predicate(sql: String)
  /// A query over the new rows, under the dataset's own name, that returns violations.
  case query(sql: String)

  /// The kind as definitions spell it.
  public var kind: String {
    switch self {
    case .complete: "complete"
    case .unique: "unique"
    case .range: "range"
    case .pattern: "pattern"
    case .allowed: "allowed"
    case .reference: "reference"
    case .rows: "rows"
    case .predicate: "sql"
    case .query: "query"
    }
  }

  /// The columns that the rule names.
  public var columns: [String] {
    switch self {
    case .complete(let columns), .unique(let columns), .reference(let columns, _, _): columns
    case .range(let column, _, _), .pattern(let column, _), .allowed(let column, _): [column]
    case .rows, .predicate, .query: []
    }
  }

  /// Whether the rule can be judged from one row, with at most a look-up.
  public var isOfRow: Bool {
    switch self {
    case .unique, .rows, .query: false
    default: true
    }
  }

  var usualName: String {
    ([kind] + columns).joined(separator: "_")
  }

  var usualSeverity: Severity {
    switch self {
    case .rows, .query: .fail
    default: .quarantine
    }
  }
}
