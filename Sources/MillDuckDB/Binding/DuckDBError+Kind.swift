// SPDX-License-Identifier: Apache-2.0

internal import CDuckDB
internal import MillCore

extension DuckDBError {
  /// What went wrong, after DuckDB's own list of exception types.
  @nonexhaustive
  public enum Kind: Hashable, Sendable {
    /// The SQL text is not SQL.
    case parser
    /// A column, a function or a type does not fit where it stands.
    case binder
    /// A table, a schema or a function is not there, or is there already.
    case catalog
    /// A setting has no such name or no such value.
    case configuration
    /// A value could not become the wanted type.
    case conversion
    /// A result left the range of its type.
    case outOfRange
    /// A key, a check or a NOT NULL was broken.
    case constraint
    /// A function or a call was given what it does not take.
    case invalidInput
    /// DuckDB has the syntax but not the deed.
    case notImplemented
    /// The memory limit was reached and nothing could go to disk.
    case outOfMemory
    /// A file or a disk refused.
    case io
    /// A server refused.
    case http
    /// A lock, a security setting or a file mode forbids it.
    case permission
    /// A conflict between transactions, or a transaction in a state that does not allow the call.
    case transaction
    /// Something depends on the entry that was to go.
    case dependency
    /// An extension is missing or could not be loaded.
    case missingExtension
    /// Bytes on disk are not what was written.
    case dataCorruption
    /// Somebody asked to stop.
    case interrupted
    /// The deadline of the call passed before it ended.
    case deadlineExceeded
    /// A column was read as a type that it does not have.
    case typeMismatch
    /// The database met a fatal error and must be opened anew.
    case fatal
    /// A mistake inside DuckDB.
    case `internal`
    /// Any other type, with DuckDB's own number.
    case other(UInt32)

    /// The kind as one word in a code.
    public var name: String {
      switch self {
      case .parser: "parser"
      case .binder: "binder"
      case .catalog: "catalog"
      case .configuration: "configuration"
      case .conversion: "conversion"
      case .outOfRange: "out-of-range"
      case .constraint: "constraint"
      case .invalidInput: "invalid-input"
      case .notImplemented: "not-implemented"
      case .outOfMemory: "out-of-memory"
      case .io: "io"
      case .http: "http"
      case .permission: "permission"
      case .transaction: "transaction"
      case .dependency: "dependency"
      case .missingExtension: "missing-extension"
      case .dataCorruption: "data-corruption"
      case .interrupted: "interrupted"
      case .deadlineExceeded: "deadline-exceeded"
      case .typeMismatch: "type-mismatch"
      case .fatal: "fatal"
      case .internal: "internal"
      case .other: "other"
      }
    }

    var errorClass: ErrorClass {
      switch self {
      case .parser, .binder, .catalog, .configuration, .notImplemented, .dependency: .definition
      case .conversion, .outOfRange, .constraint, .invalidInput, .dataCorruption: .data
      case .outOfMemory, .io, .http, .permission, .missingExtension, .fatal, .other: .outside
      case .transaction, .deadlineExceeded: .transient
      case .interrupted: .cancelled
      case .typeMismatch, .internal: .bug
      }
    }

    /// Whether DuckDB's text for this kind quotes values of rows.
    var mayQuoteData: Bool {
      switch self {
      case .conversion, .outOfRange, .constraint, .invalidInput, .dataCorruption, .internal,
        .transaction, .fatal, .other:
        true
      default: false
      }
    }

    var advice: String {
      switch self {
      case .conversion: "a value does not fit the type it is converted to; use TRY_CAST or clean it"
      case .outOfRange: "a result is outside the range of its type; widen the type"
      case .constraint: "a row breaks a constraint of its table"
      case .invalidInput: "a call or a function was given what it does not take"
      case .dataCorruption: "stored bytes are damaged; restore the file"
      case .transaction: "the transaction was refused; try it again"
      case .fatal: "the database is invalid after an earlier error; open it anew"
      default: "DuckDB failed inside; report the statement to its authors"
      }
    }
  }
}

extension DuckDBError.Kind {
  init(_ type: duckdb_error_type) {
    self =
      switch type {
      case DUCKDB_ERROR_PARSER, DUCKDB_ERROR_SYNTAX: .parser
      case DUCKDB_ERROR_BINDER, DUCKDB_ERROR_PLANNER, DUCKDB_ERROR_EXPRESSION,
        DUCKDB_ERROR_PARAMETER_NOT_RESOLVED, DUCKDB_ERROR_PARAMETER_NOT_ALLOWED:
        .binder
      case DUCKDB_ERROR_CATALOG: .catalog
      case DUCKDB_ERROR_SETTINGS, DUCKDB_INVALID_CONFIGURATION: .configuration
      case DUCKDB_ERROR_CONVERSION, DUCKDB_ERROR_DECIMAL, DUCKDB_ERROR_MISMATCH_TYPE: .conversion
      case DUCKDB_ERROR_OUT_OF_RANGE, DUCKDB_ERROR_DIVIDE_BY_ZERO, DUCKDB_ERROR_OBJECT_SIZE:
        .outOfRange
      case DUCKDB_ERROR_CONSTRAINT: .constraint
      case DUCKDB_ERROR_INVALID_INPUT, DUCKDB_ERROR_INVALID_TYPE, DUCKDB_ERROR_SEQUENCE:
        .invalidInput
      case DUCKDB_ERROR_NOT_IMPLEMENTED: .notImplemented
      case DUCKDB_ERROR_OUT_OF_MEMORY: .outOfMemory
      case DUCKDB_ERROR_IO, DUCKDB_ERROR_SERIALIZATION: .io
      case DUCKDB_ERROR_HTTP, DUCKDB_ERROR_NETWORK: .http
      case DUCKDB_ERROR_PERMISSION: .permission
      case DUCKDB_ERROR_TRANSACTION, DUCKDB_ERROR_RESOURCE_IN_USE: .transaction
      case DUCKDB_ERROR_DEPENDENCY: .dependency
      case DUCKDB_ERROR_MISSING_EXTENSION, DUCKDB_ERROR_AUTOLOAD: .missingExtension
      case DUCKDB_ERROR_DATA_CORRUPTION: .dataCorruption
      case DUCKDB_ERROR_INTERRUPT: .interrupted
      case DUCKDB_ERROR_FATAL: .fatal
      case DUCKDB_ERROR_INTERNAL, DUCKDB_ERROR_NULL_POINTER: .internal
      default: .other(UInt32(type.rawValue))
      }
  }

  /// The words that open a message, for the calls of the C API that give no type.
  init(messagePrefix message: String) {
    let head = message.prefix(64)
    guard let end = head.firstRange(of: " Error")?.lowerBound ?? head.firstIndex(of: ":") else {
      self = .other(0)
      return
    }
    self =
      switch head[..<end].lowercased() {
      case "parser", "syntax": .parser
      case "binder", "planner", "expression", "parameter not resolved", "parameter not allowed":
        .binder
      case "catalog": .catalog
      case "settings", "invalid configuration": .configuration
      case "conversion", "decimal", "mismatch type": .conversion
      case "out of range", "divide by zero", "object size": .outOfRange
      case "constraint": .constraint
      case "invalid input", "invalid type", "invalid", "sequence": .invalidInput
      case "not implemented": .notImplemented
      case "out of memory": .outOfMemory
      case "io", "serialization": .io
      case "http", "network", "connection": .http
      case "permission": .permission
      case "transactioncontext", "transaction", "resource in use": .transaction
      case "dependency": .dependency
      case "missing extension", "extension autoloading", "autoload": .missingExtension
      case "data corruption": .dataCorruption
      case "interrupt": .interrupted
      case "fatal": .fatal
      case "internal", "null pointer": .internal
      default: .other(0)
      }
  }
}
