// SPDX-License-Identifier: Apache-2.0

public import MillCore
public import MillTables

/// What `millrace.yaml` says of the project as a whole.
public struct ProjectSettings: Hashable, Sendable {
  /// The engine that runs a project's SQL.
  public enum EngineKind: String, Sendable, CaseIterable {
    /// DuckDB inside of this process.
    case duckdb
  }

  /// Where features are kept for being asked for by key.
  public enum OnlineKind: Hashable, Sendable {
    /// One SQLite file beside the ledger.
    case sqlite
    /// A Redis or Valkey server.
    case redis(OnlineRedis)
  }

  /// The server of an online store.
  public struct OnlineRedis: Hashable, Sendable {
    /// Where it listens, without a password.
    public var url: String
    /// The environment variable that holds the password; nil where none is needed.
    public var passwordVariable: String?
    /// What the names of all keys begin with.
    public var prefix: String
    /// How long a read may take.
    public var timeout: Duration
    /// How many connections there are at most.
    public var connections: Int

    /// A server with the defaults of everything but its place.
    public init(
      url: String,
      passwordVariable: String? = nil,
      prefix: String = "millrace",
      timeout: Duration = .milliseconds(250),
      connections: Int = 4
    ) {
      self.url = url
      self.passwordVariable = passwordVariable
      self.prefix = prefix
      self.timeout = timeout
      self.connections = connections
    }
  }

  /// The name of the pipeline.
  public var name: String
  /// The folder of the tables: absolute, or relative to the project and inside of it.
  public var lake: String
  /// The engine that runs the SQL.
  public var engineKind: EngineKind
  /// Where features are kept for being asked for by key.
  public var online: OnlineKind
  /// Threads of the engine; nil for one per processor.
  public var threads: Int?
  /// What the engine may keep in memory; at least ``memoryMin``.
  public var memory: ByteCount
  /// What the engine may spill to disk.
  public var temp: ByteCount
  /// Datasets that are made at the same time.
  public var parallel: Int
  /// The longest record that is read from a raw file.
  public var maxRecordBytes: ByteCount
  /// Records of one file that may be undecodable before the file is left alone.
  public var maxDeadLetters: Int
  /// What becomes of tables as they grow old, by the name of the dataset; `default` for all others.
  public var lifecycle: [String: LifecyclePolicy]
  /// What storage costs; nil when that is not told.
  public var storagePrice: StoragePrice?
  /// How `millrace serve` serves.
  public var server: ServerSettings

  /// The policy of a dataset.
  public func policy(of dataset: String) -> LifecyclePolicy {
    lifecycle[dataset] ?? lifecycle["default"] ?? LifecyclePolicy()
  }

  /// Settings with the defaults of everything but the name.
  public init(
    name: String,
    lake: String = "lake",
    engineKind: EngineKind = .duckdb,
    online: OnlineKind = .sqlite,
    threads: Int? = nil,
    memory: ByteCount = ByteCount(bytes: 2 << 30),
    temp: ByteCount = ByteCount(bytes: 50 << 30),
    parallel: Int = 2,
    maxRecordBytes: ByteCount = ByteCount(bytes: 16 << 20),
    maxDeadLetters: Int = 100_000,
    lifecycle: [String: LifecyclePolicy] = [:],
    storagePrice: StoragePrice? = nil,
    server: ServerSettings = ServerSettings()
  ) {
    self.name = name
    self.lake = lake
    self.engineKind = engineKind
    self.online = online
    self.threads = threads
    self.memory = memory
    self.temp = temp
    self.parallel = parallel
    self.maxRecordBytes = maxRecordBytes
    self.maxDeadLetters = maxDeadLetters
    self.lifecycle = lifecycle
    self.storagePrice = storagePrice
    self.server = server
  }

  /// The least that an engine works with.
  public static let memoryMin = ByteCount(bytes: 256 << 20)
}
