// SPDX-License-Identifier: Apache-2.0

/// An error that Millrace explains.
///
/// Every error that leaves a room is one of these. It carries facts (dataset, file, line, cause) and
/// says in ``Swift/CustomStringConvertible/description`` what happened, to what, and what to do next.
/// A description may reach a stranger: it holds no credentials and no row values.
public protocol Failure: Error, Sendable, CustomStringConvertible {
  /// A stable, searchable name such as `lake.version-taken`: room, dot, case.
  var code: String { get }

  /// What kind of trouble this is; exit codes and HTTP statuses are chosen from it.
  var errorClass: ErrorClass { get }

  /// Whether the same call may succeed later without anybody changing anything.
  var isRetryable: Bool { get }
}

extension Failure {
  /// Transient trouble is worth another try, all else is not.
  public var isRetryable: Bool { errorClass == .transient }
}

/// Whose move it is after an error.
public enum ErrorClass: String, Sendable, CaseIterable {
  /// A lost race, a busy lock, a time-out: the same call may succeed later.
  case transient
  /// A definition, an option or a name is wrong: the user edits it.
  case definition
  /// A declared check failed: the data broke a rule that somebody wrote.
  case check
  /// Data or SQL of one dataset cannot be worked on as it is.
  case data
  /// A disk, a server or a lock outside of our control refused.
  case outside
  /// Somebody asked to stop.
  case cancelled
  /// Our own mistake.
  case bug
}
