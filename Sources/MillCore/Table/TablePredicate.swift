// SPDX-License-Identifier: Apache-2.0

/// A condition on rows, as far as it can be judged by what is known of whole files.
///
/// An engine reads it out of SQL; what only the engine can judge becomes ``unknown``. A file that
/// the condition cannot be true in is never opened.
///
/// ```swift
/// TablePredicate.compare(["day"], .equal, "2024-03-03")  // day = '2024-03-03'
/// ```
public indirect enum TablePredicate: Hashable, Sendable {
  /// How a column is compared with a value.
  public enum Comparison: String, Hashable, Sendable, CaseIterable {
    case equal = "="
    case notEqual = "<>"
    case less = "<"
    case lessOrEqual = "<="
    case greater = ">"
    case greaterOrEqual = ">="
  }

  /// A condition of which only an engine knows.
  case unknown
  /// The same for every row; nil is null.
  case constant(Bool?)
  /// A column, or a member of a structure by its path, against a value in the forms of Delta
  /// statistics.
  case compare([String], Comparison, JSONValue)
  /// Whether a column is null.
  case isNull([String])
  /// Whether a column is one of some values.
  case oneOf([String], [JSONValue])
  /// Whether all are true.
  case all([TablePredicate])
  /// Whether one is true.
  case any([TablePredicate])
  /// Whether the condition is false.
  case not(TablePredicate)

  /// The top-level columns that the condition names; nil if it is not known all through.
  public var columns: Set<String>? {
    switch self {
    case .unknown: nil
    case .constant: []
    case .compare(let path, _, _), .isNull(let path), .oneOf(let path, _):
      Set(path.prefix(1))
    case .all(let parts), .any(let parts):
      parts.reduce(into: Optional(Set<String>())) { found, part in
        found = found.flatMap { known in part.columns.map { known.union($0) } }
      }
    case .not(let part): part.columns
    }
  }
}
