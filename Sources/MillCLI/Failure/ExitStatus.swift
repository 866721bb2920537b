// SPDX-License-Identifier: Apache-2.0

internal import MillCore
internal import MillPipelines
internal import MillQuality

/// What the process leaves with: the one place where errors become numbers.
///
/// > Source: docs/semantics.md, 16.
enum ExitStatus: Int32, Sendable {
  /// Warnings and quarantine included.
  case done = 0
  case checkFailed = 1
  /// The command line, or a definition.
  case usage = 2
  /// An outside system, the disk, or a lock that is held.
  case outside = 3
  /// The data or SQL of a dataset.
  case data = 4
  /// Our own mistake.
  case bug = 70
  case interrupted = 130

  /// For an error that ended a command.
  ///
  /// SQL that cannot be parsed is a mistake of a definition here: no dataset was begun.
  init(_ error: any Error) {
    switch error {
    case is CancellationError: self = .interrupted
    case let error as PipelineError where error.code == "pipeline.sql": self = .usage
    case let error as any Failure: self.init(error.errorClass)
    default: self = .bug
    }
  }

  /// For a run: the gravest of what its datasets failed with.
  init(_ report: RunReport) {
    let statuses = report.failures.map { outcome in
      outcome.error.map { ExitStatus($0.errorClass) } ?? .bug
    }
    self = statuses.max { $0.rawValue < $1.rawValue } ?? .done
  }

  /// For tables judged as they stand: a warning is none of anybody's exit status.
  init(_ results: [RuleResult]) {
    let isBroken = results.contains { $0.status == .failed || $0.status == .quarantined }
    self = isBroken ? .checkFailed : .done
  }

  private init(_ errorClass: ErrorClass) {
    self =
      switch errorClass {
      case .transient, .outside: .outside
      case .definition: .usage
      case .check: .checkFailed
      case .data: .data
      case .cancelled: .interrupted
      case .bug: .bug
      }
  }
}
