// SPDX-License-Identifier: Apache-2.0

public import MillCore

/// Why an engine did not do what it was asked.
@nonexhaustive
public enum EngineError: Failure, Equatable {
  /// The text is not SQL, or names what is not there. Line and column count from 1.
  case sql(message: String, line: Int?, column: Int?)
  /// A value could not be worked on: a failed cast, an overflow.
  case data(message: String, line: Int?, column: Int?)
  /// Memory or temporary disk, as configured, did not suffice.
  case resources(message: String)
  /// A disk that was to be written to is full.
  case noSpace(message: String)
  /// A file could not be read or written.
  case io(message: String)
  /// Somebody stopped the query.
  case interrupted
  /// The query reaches for something outside of the project.
  case notPermitted(message: String)
  /// The type cannot be published in a Delta table.
  case unsupportedType(column: String, type: String)
  /// A result that should be small was not.
  case tooManyRows(limit: Int)
  /// The engine failed in itself.
  case failed(message: String)

  /// `engine.` and the case.
  public var code: String {
    switch self {
    case .sql: "engine.sql"
    case .data: "engine.data"
    case .resources: "engine.resources"
    case .noSpace: "engine.no-space"
    case .io: "engine.io"
    case .interrupted: "engine.interrupted"
    case .notPermitted: "engine.not-permitted"
    case .unsupportedType: "engine.unsupported-type"
    case .tooManyRows: "engine.too-many-rows"
    case .failed: "engine.failed"
    }
  }

  /// Whether the SQL, the data, this computer or we are at fault.
  public var errorClass: ErrorClass {
    switch self {
    case .sql, .notPermitted, .unsupportedType: .definition
    case .data: .data
    case .resources, .noSpace, .io: .outside
    case .interrupted: .cancelled
    case .tooManyRows, .failed: .bug
    }
  }

  /// The engine's own message where it has one, and what to do where that is known.
  public var description: String {
    switch self {
    case .sql(let message, _, _), .data(let message, _, _), .io(let message),
      .notPermitted(let message), .failed(let message):
      message
    case .resources(let message):
      "\(message); raise `memory` or `temp` in millrace.yaml, or free disk"
    case .noSpace(let message): "\(message): make room on that disk, then do it again"
    case .interrupted: "the query was stopped"
    case .unsupportedType(let column, let type):
      "column \(column) is \(type), which a Delta table cannot hold: cast it in the SELECT"
    case .tooManyRows(let limit): "the result has more than \(limit) rows"
    }
  }
}
