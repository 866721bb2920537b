// SPDX-License-Identifier: Apache-2.0

/// One call of `millrace run`, from its first breath to its verdict.
public struct RunRecord: Hashable, Codable, Sendable {
  /// How far a run has come.
  public enum Status: String, Hashable, Codable, Sendable, CaseIterable {
    case running, succeeded, failed
    /// Its process stopped, or was stopped, before the end.
    case interrupted
  }

  /// UUIDv7 text: ids sort by the time of their making.
  public var id: String
  /// UTC microseconds.
  public var startedAt: Int64
  /// UTC microseconds; nil while it runs.
  public var endedAt: Int64?
  /// How far it has come.
  public var status: Status
  /// What the user asked for, as typed; empty means everything.
  public var selectors: [String]
  /// The version of the program that ran it.
  public var millraceVersion: String
  /// The first error that ended the run, if one did.
  public var error: RecordedError?

  /// A run; one that has just begun by default.
  public init(
    id: String,
    startedAt: Int64,
    endedAt: Int64? = nil,
    status: Status = .running,
    selectors: [String] = [],
    millraceVersion: String,
    error: RecordedError? = nil
  ) {
    self.id = id
    self.startedAt = startedAt
    self.endedAt = endedAt
    self.status = status
    self.selectors = selectors
    self.millraceVersion = millraceVersion
    self.error = error
  }
}

/// What remains of an error once it is written down: its code and its description.
public struct RecordedError: Hashable, Codable, Sendable {
  /// Stable and searchable, such as `lake.version-taken`.
  public var code: String
  /// Fit for a stranger: no credentials and no row values.
  public var message: String

  /// An error of this code and message.
  public init(code: String, message: String) {
    self.code = code
    self.message = message
  }
}
