// SPDX-License-Identifier: Apache-2.0

public import MillCore
public import MillEngine
internal import MillSQL
internal import Synchronization

/// The embedded engine: DuckDB in this process.
///
/// SQL of users runs with access to the folders it was given and to nothing else: no other files,
/// no network, no settings.
///
/// ```swift
/// let engine = try DuckDBEngine(DuckDBEngine.Configuration(folders: ["/data/lake"]))
/// let session = try await engine.session(named: "try")
/// try await session.rows("SELECT 1 + 1", limit: 1).integer(0, 0)  // 2
/// ```
public final class DuckDBEngine: Engine {
  /// The bounds of the engine.
  public struct Configuration: Hashable, Sendable {
    /// Memory for all sessions together.
    public var memory: ByteCount
    /// Disk for what does not fit into memory.
    public var temporary: ByteCount
    /// Where that disk is; nil for none.
    public var temporaryFolder: String?
    /// nil for one per core.
    public var threads: Int?
    /// Folders and files that queries may read and write; everything below a folder is meant.
    public var folders: [String]
    /// Single files that queries may read besides.
    public var files: [String]
    /// Whether sessions can say how far a query is, which takes the engine up to a sixth more work.
    public var tracksProgress: Bool

    /// Bounds with their defaults: 1.5 GiB of memory, 50 GiB of temporary disk, all cores, no folders.
    public init(
      memory: ByteCount = ByteCount(bytes: 1536 << 20),
      temporary: ByteCount = ByteCount(bytes: 50 << 30),
      temporaryFolder: String? = nil,
      threads: Int? = nil,
      folders: [String] = [],
      files: [String] = [],
      tracksProgress: Bool = false
    ) {
      self.memory = memory
      self.temporary = temporary
      self.temporaryFolder = temporaryFolder
      self.threads = threads
      self.folders = folders
      self.files = files
      self.tracksProgress = tracksProgress
    }
  }

  /// SQL of DuckDB 2.
  public var dialect: DialectName { .duckDB }

  private let database: Database
  private let tracksProgress: Bool
  private let parser: DuckDBSession
  private let sessions = Mutex(0)

  /// Opens an engine; nothing of it outlives the process.
  ///
  /// - Throws: `EngineError` when a setting is refused.
  public init(_ configuration: Configuration) throws(EngineError) {
    let dialect = DuckDBDialect()
    tracksProgress = configuration.tracksProgress
    var settings = [
      "memory_limit": "\(configuration.memory.bytes) bytes",
      "autoinstall_known_extensions": "false",
      "autoload_known_extensions": "false",
    ]
    if let threads = configuration.threads { settings["threads"] = String(threads) }
    var bound = ""
    if let folder = configuration.temporaryFolder {
      settings["temp_directory"] = folder
      // Among the settings that it is opened with, DuckDB shows this one and does not keep to it.
      bound = "SET GLOBAL max_temp_directory_size = '\(configuration.temporary.bytes) bytes';"
    }
    // A folder whose name has wildcards is opened under its escaped name.
    let known = configuration.folders + configuration.folders.map(RelationSQL.exactly)
    let folders = Set(known).sorted().map { dialect.literal($0) }.joined(separator: ", ")
    // A folder that is allowed is not allowed itself, only what is in it; COPY writes to it.
    let files = (configuration.files + configuration.folders)
      .map { dialect.literal($0) }.joined(separator: ", ")
    do {
      database = try Database(configuration: settings)
      let connection = try database.connect()
      try connection.execute(
        """
        SET GLOBAL TimeZone = 'UTC';
        SET GLOBAL error_on_division_by_zero = false;
        SET GLOBAL ieee_floating_point_ops = false;
        \(bound)
        SET GLOBAL allowed_directories = [\(folders)];
        SET GLOBAL allowed_paths = [\(files)];
        SET GLOBAL enable_external_access = false;
        SET GLOBAL allowed_configs = ['enable_progress_bar', 'enable_progress_bar_print',
          'progress_bar_time'];
        SET GLOBAL lock_configuration = true;
        """
      )
      parser = try DuckDBSession(database: database, name: "mill-parser")
    } catch {
      throw EngineError(error)
    }
  }

  /// The tables that a query names, from DuckDB's parse tree.
  public func references(in query: String) async throws -> [TableReference] {
    try await tree(of: query).references()
  }

  /// What a condition says of whole files, from DuckDB's parse tree.
  public func predicate(of condition: String) async throws -> TablePredicate {
    // In parentheses nothing may follow the condition, and without them it cannot close any: what
    // passes both is one condition wherever it is put.
    _ = try await tree(of: "SELECT 1 WHERE \n\(condition)\n").condition()
    return try await tree(of: "SELECT 1 WHERE (\n\(condition)\n)").condition()
  }

  /// An expression over the columns of one row, from DuckDB's parse tree.
  public func expression(of text: String) async throws -> Expression {
    do {
      // Without parentheses the text cannot close any, and within them nothing may follow it.
      _ = try await tree(of: ParseTree.bare(text)).expression(of: text, isBare: true)
      return try await tree(of: ParseTree.selecting(text)).expression(of: text)
    } catch is JSONError {
      throw EngineError.sql(
        message: "an expression has at most 128 pieces within each other",
        line: nil,
        column: nil
      )
    }
  }

  private func tree(of query: String) async throws -> ParseTree {
    let answer = try await engineErrors { () async throws(DuckDBError) in
      try await parser.rows("SELECT json_serialize_sql(?)", [.text(query)])
    }
    guard case .text(let text)? = answer.first?.first else {
      throw EngineError.failed(message: "the parser gave no tree")
    }
    return try ParseTree(JSONValue(parsing: text), text: query)
  }

  /// Opens a connection with an in-memory catalog of its own.
  public func session(named name: String) async throws -> any EngineSession {
    let number = sessions.withLock { count in
      count += 1
      return count
    }
    return try await DuckDBEngineSession(
      database: database,
      catalog: "mill_session_\(number)",
      name: name,
      tracksProgress: tracksProgress
    )
  }

  /// Memory goes back when the engine is let go; nothing else is open.
  public func shutdown() async {}
}
