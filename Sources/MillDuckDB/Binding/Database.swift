// SPDX-License-Identifier: Apache-2.0

internal import CDuckDB

/// An open DuckDB database: a file, or a room in memory that is gone with its last connection.
///
/// > Note: `@unchecked Sendable` holds because the handle never changes after `init`, DuckDB takes
/// > a lock of its own to connect, and `deinit` runs when nobody else has a reference.
public final class Database: @unchecked Sendable {
  private let handle: duckdb_database

  /// Opens the file at a path, or a database in memory when there is none.
  ///
  /// - Parameter configuration: DuckDB's settings by name, such as `["memory_limit": "1GB"]`.
  /// - Throws: `configuration` for an unknown setting, `io` for a file that cannot be opened.
  public init(path: String? = nil, configuration: [String: String] = [:]) throws(DuckDBError) {
    var config: duckdb_config?
    guard duckdb_create_config(&config) == DuckDBSuccess, let settings = config else {
      throw DuckDBError(kind: .outOfMemory, message: "no DuckDB configuration could be made")
    }
    defer { duckdb_destroy_config(&config) }
    for (name, value) in configuration.sorted(by: { $0.key < $1.key }) {
      try name.checkHasNoNUL()
      try value.checkHasNoNUL()
      guard duckdb_set_config(settings, name, value) == DuckDBSuccess else {
        throw DuckDBError(
          kind: .configuration,
          message: "Invalid Configuration Error: DuckDB refuses a value for the setting \(name)"
        )
      }
    }
    try path?.checkHasNoNUL()
    var database: duckdb_database?
    var message: UnsafeMutablePointer<CChar>?
    let state = duckdb_open_ext(path ?? ":memory:", &database, settings, &message)
    defer { duckdb_free(message) }
    guard state == DuckDBSuccess, let database else {
      let error = DuckDBError(
        message: message.map { String(cString: $0) } ?? "IO Error: cannot open"
      )
      // An unknown or impossible setting is told as invalid input; nothing else was put in.
      guard error.kind == .invalidInput, !configuration.isEmpty else { throw error }
      throw DuckDBError(kind: .configuration, message: error.message)
    }
    handle = database
  }

  deinit {
    var handle: duckdb_database? = handle
    duckdb_close(&handle)
  }

  /// Opens a connection; the database stays open for as long as the connection lives.
  public func connect() throws(DuckDBError) -> Connection {
    var connection: duckdb_connection?
    guard duckdb_connect(handle, &connection) == DuckDBSuccess, let connection else {
      throw DuckDBError(kind: .other(0), message: "DuckDB gave no connection")
    }
    return Connection(handle: ConnectionHandle(connection, database: self))
  }

  /// The version of the library in use, such as `v2.0.0`.
  public static var libraryVersion: String {
    guard let version = duckdb_library_version() else { return "" }
    return String(cString: version)
  }
}

extension String {
  /// C ends a text at its first NUL, so what follows would be dropped in silence.
  func checkHasNoNUL() throws(DuckDBError) {
    guard utf8.contains(0) else { return }
    throw DuckDBError(
      kind: .invalidInput,
      message: "Invalid Input Error: SQL text, names and paths cannot hold a NUL character"
    )
  }
}
