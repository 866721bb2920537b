// SPDX-License-Identifier: Apache-2.0

internal import Foundation
public import MillCore
internal import MillDuckDB
public import MillEngine
public import MillFeatures
public import MillLake
public import MillLedger
public import MillPipelines
public import MillQuality
internal import MillRedis
internal import MillSQLite
internal import MillSources
internal import MillTables

/// An opened project: its definitions, and the services that its settings name.
///
/// This is the one place that picks adapters; commands and applications are thin callers of it.
///
/// ```swift
/// let workspace = try await Workspace(project: Project.load(folder: "payments"))
/// let report = try await workspace.pipeline().run()
/// ```
public struct Workspace: Sendable {
  /// The definitions, as the project folder has them.
  public let project: Project
  /// The tables of the project.
  public let lake: Lake
  /// What happened in earlier runs.
  public let ledger: Ledger
  /// The batch engine; it opens when it is first asked for something.
  public let engine: any Engine
  /// The clock, the randomness and the disk that everything here uses.
  public let world: World
  private let files = BlockingExecutor(name: "mill-workspace")

  /// Opens the ledger and gets the engine ready.
  ///
  /// - Throws: `LedgerError`, `FileError`.
  ///
  /// - Parameters:
  ///   - inputs: Files that may be read besides those of the sources, absolute.
  ///   - outputs: Folders that rows may be written to besides the lake.
  ///   - report: Called for what was amiss in a table's log and could be got around.
  public init(
    project: Project,
    world: World = .system(),
    inputs: [String] = [],
    outputs: [String] = [],
    report: (@Sendable (LakeNotice) -> Void)? = nil
  ) async throws {
    self.project = project
    self.world = world
    let state = project.stateFolder
    try await files.run { try world.files.createFolders("\(state)/tmp") }
    lake = Lake(
      location: project.lakeFolder,
      world: world,
      checkpoints: LazyCheckpoints { try DuckDBCheckpoints() },
      report: report
    )
    let path = "\(state)/ledger.sqlite"
    ledger = try await files.run { try Ledger(path: path) }
    engine = LazyEngine(dialect: .duckDB) { try Self.openEngine(for: project, inputs, outputs) }
  }

  /// The same tables, ledger and engine under definitions that were read again.
  ///
  /// What the engine may touch, and where the tables are, stays as it was when this was opened.
  public func with(_ project: Project) -> Workspace {
    Workspace(project, self)
  }

  private init(_ project: Project, _ other: Workspace) {
    self.project = project
    lake = other.lake
    ledger = other.ledger
    engine = other.engine
    world = other.world
  }

  /// The pipeline of the project's sources and models.
  ///
  /// - Throws: `PipelineError` for names and circles, with file and line.
  public func pipeline() async throws -> MedallionPipeline {
    try await MedallionPipeline(
      project.definition,
      in: PipelineEnvironment(
        projectFolder: project.folder,
        stateFolder: project.stateFolder,
        lake: lake,
        engine: engine,
        ledger: ledger,
        world: world,
        parallelism: project.settings.parallel,
        recordSizeMax: project.settings.maxRecordBytes,
        deadLettersMax: project.settings.maxDeadLetters
      )
    )
  }

  /// The features that the project defines, over its own tables.
  ///
  /// - Throws: `PipelineError` for models that what features read is made of.
  public func features() async throws -> FeatureStore {
    let pipeline = try await pipeline()
    let records = LedgerRegistry(ledger: ledger)
    return try await FeatureStore.open(
      project.features,
      in: FeatureEnvironment(
        lake: lake,
        engine: engine,
        world: world,
        definitionHash: { pipeline.definitionHash(of: $0) },
        isPresent: { pipeline.isPresent($0, of: $1) },
        registry: FeatureRegistry(records),
        statistics: records
      )
    )
  }

  /// Where values are kept for being asked for online, as the settings say: one SQLite file beside the
  /// ledger, or a Redis server, which is asked when the store is.
  ///
  /// - Throws: `OnlineStoreError`, `RedisURLError`.
  public func onlineStore() async throws -> any OnlineStore {
    switch project.settings.online {
    case .sqlite:
      let path = "\(project.stateFolder)/online.sqlite"
      return try await files.run { try SQLiteOnlineStore(path: path) }
    case .redis(let settings):
      let endpoint = try RedisEndpoint(url: settings.url)
      var password: String?
      if let variable = settings.passwordVariable {
        password = ProcessInfo.processInfo.environment[variable]
        guard password?.isEmpty == false else {
          throw OnlineStoreError.unavailable(
            store: endpoint.description,
            detail: "the environment variable \(variable), which `online.password_env` names, is "
              + "not set: set it to the password"
          )
        }
      }
      let configuration = RedisConfiguration(
        endpoint: endpoint,
        project: project.settings.name,
        prefix: settings.prefix,
        readTimeout: settings.timeout,
        writeTimeout: max(.seconds(5), settings.timeout),
        connections: settings.connections
      )
      return RedisOnlineStore(configuration, password: password, in: world)
    }
  }

  /// Writes the folder that a Feast client opens.
  ///
  /// - Throws: `FileError`; `FeastExportError` for a folder that is another repository's.
  public func write(_ repository: FeastRepository, to folder: String) async throws {
    try await files.run { try repository.write(to: folder, in: world) }
  }

  /// Appends rows to a table of the lake that no model makes; new columns are added to it.
  ///
  /// Nothing waits for a run: the commit meets others as any append does.
  ///
  /// - Parameter rows: rows x fields.
  @discardableResult
  public func append(
    _ rows: [[JSONValue]],
    _ schema: Schema,
    to dataset: DatasetName
  ) async throws -> Int64 {
    let name = RelationName("mill_appended")
    let source = RowSource { session in
      try await session.define(name, schema: schema, rows: rows)
      return "SELECT * FROM mill_appended"
    }
    var options = WriteOptions()
    options.newColumns = .add
    let writer = TableWriter(lake.table(dataset), engine: engine, world: world)
    return try await writer.append(source, options).inserted
  }

  /// Judges a table as it stands by the rules of its model, or by others; nothing is changed.
  public func inspect(
    _ dataset: DatasetName,
    rules: [Rule]? = nil,
    at version: TableVersion? = nil
  ) async throws -> (version: TableVersion, verdict: Verdict) {
    let snapshot = try await lake.table(dataset).snapshot(at: version)
    let model = project.definition.models.first { $0.dataset == dataset }
    let session = try await engine.session(named: "inspect \(dataset)")
    do {
      let relation = RelationName(dataset)
      let contents = try snapshot.contents(of: snapshot.files, withStatistics: true)
      try await session.define(relation, as: contents)
      let wanted = rules ?? model?.rules ?? []
      for rule in wanted {
        guard case .reference(_, let other, _) = rule.check, other != dataset else { continue }
        let contents = try await lake.table(other).snapshot().contents
        try await session.define(RelationName(other), as: contents)
      }
      let verdict = try await DataQualityValidator(rules: wanted, mode: .inspect).judge(
        relation,
        schema: snapshot.schema,
        in: session,
        dialect: engine.dialect,
        nullCounts: contents.nullCounts
      )
      await session.close()
      return (snapshot.version, verdict)
    } catch {
      await session.close()
      throw error
    }
  }

  /// A table of the project, to look at and to look after.
  public func openTable(_ dataset: DatasetName) -> OpenTable {
    OpenTable(table: lake.table(dataset), engine: engine, world: world)
  }

  /// The table that rows of a dataset move to when they grow old; nil when they do not.
  public func archive(of dataset: DatasetName) -> DeltaTable? {
    guard let folder = project.settings.policy(of: dataset.description).archive?.folder else {
      return nil
    }
    let root = folder.hasPrefix("/") ? folder : "\(project.folder)/\(folder)"
    return lake.table(at: "\(root)/\(dataset.layer.rawValue)/\(dataset.name)")
  }

  /// Reads the history of runs again from the tables' own logs.
  public func rebuildLedger() async throws -> LedgerRebuild.Report {
    try await LedgerRebuild(lake: lake, ledger: ledger).run()
  }

  /// The engine that the settings name, confined to the lake and the declared sources.
  private static func openEngine(
    for project: Project,
    _ inputs: [String],
    _ outputs: [String]
  ) throws -> any Engine {
    let settings = project.settings
    // The process as a whole keeps within `memory`; what is not the engine's needs the rest.
    let share = ByteCount(bytes: settings.memory.bytes / 4 * 3)
    var files = inputs
    var folders = [project.lakeFolder, "\(project.stateFolder)/tmp"] + outputs
    folders += settings.lifecycle.values.compactMap(\.archive?.folder).map {
      $0.hasPrefix("/") ? $0 : "\(project.folder)/\($0)"
    }
    for source in project.definition.sources {
      for pattern in source.files {
        let path = resolvePath(pattern, relativeTo: project.folder)
        // A file that is named opens itself alone, a pattern the folder that it searches.
        if path.contains(where: { "*?[".contains($0) }) {
          folders.append(fixedFolder(of: path))
        } else {
          files.append(path)
        }
      }
    }
    return try DuckDBEngine(
      DuckDBEngine.Configuration(
        memory: share,
        temporary: settings.temp,
        temporaryFolder: "\(project.stateFolder)/tmp/engine",
        threads: settings.threads,
        folders: Array(Set(folders)).sorted(),
        files: Array(Set(files)).sorted()
      )
    )
  }

  /// The part of a pattern that no wildcard can change, up to its last folder.
  static func fixedFolder(of pattern: String) -> String {
    var parts: [Substring] = []
    for part in pattern.split(separator: "/", omittingEmptySubsequences: false).dropLast() {
      if part.contains(where: { "*?[".contains($0) }) { break }
      parts.append(part)
    }
    let folder = parts.joined(separator: "/")
    return folder.isEmpty ? "/" : folder
  }
}
