// SPDX-License-Identifier: Apache-2.0

internal import Foundation
public import MillCore
public import MillEngine
internal import MillPipelines
internal import MillSQL
internal import MillSources

/// Makes a project out of files that somebody has: `millrace init DIR --from DATA…`.
///
/// Every row is read. Types are the narrowest that lose nothing, keys and rules are those that all
/// rows speak for, and each stands beside its evidence for a person to keep or delete.
///
/// ```swift
/// let start = ProjectInit(engine: engine, world: .system())
/// let plan = try await start.plan(files: ["data/*.csv"], projectName: "flights", folder: "demo")
/// try start.write(plan, to: "demo")
/// ```
///
/// Files whose names differ in a numbering alone and whose fields are the same
/// (`payments-2025-01.csv`, `payments-2025-02.csv`) become one dataset.
public struct ProjectInit: Sendable {
  private let engine: any Engine
  private let world: World
  private let temporaryFolder: String

  /// - Parameters:
  ///   - engine: Must be permitted to read the files, and `temporaryFolder`.
  ///   - temporaryFolder: Where files with irregular records are copied without these, for the
  ///     time of ``plan(files:projectName:folder:)``; nil for that of the system.
  public init(engine: any Engine, world: World, temporaryFolder: String? = nil) {
    self.engine = engine
    self.world = world
    self.temporaryFolder = temporaryFolder ?? FileManager.default.temporaryDirectory.path
  }

  /// Reads the files in full and says what a project of them would be; writes nothing that stays.
  ///
  /// - Parameters:
  ///   - files: Files, folders (the data files in them) or patterns.
  ///   - folder: Where the project will be; files inside of it are named relative to it.
  /// - Throws: ``InitError``, `SourceError` for files that are not whole or not UTF-8,
  ///   `EngineError`, `CancellationError`.
  /// - Complexity: two passes over the text, then some twenty over typed rows.
  public func plan(files: [String], projectName: String, folder: String) async throws -> InitPlan {
    let root = InputFiles.absolute(folder)
    guard try world.files.status(root + "/millrace.yaml") == nil else {
      throw InitError.projectExists(folder: folder)
    }
    let paths = try InputFiles.resolve(files)
    guard !paths.isEmpty else { throw InitError.noFiles(argument: "an empty list") }
    let dialect = SQLDialects.named(engine.dialect)
    let copies = temporaryFolder + "/millrace-init-\(world.makeID())"
    let executor = BlockingExecutor(name: "mill-init")
    let session = try await engine.session(named: "init")
    let planned: Result<[ProfiledGroup], any Error>
    do {
      planned = .success(
        try await profiled(
          paths,
          root,
          copies,
          InputReader(session: session, executor: executor),
          dialect
        )
      )
    } catch {
      planned = .failure(error)
    }
    await session.close()
    executor.shutdown()
    // Copies in a temporary folder that cannot be removed change nothing.
    try? FileManager.default.removeItem(atPath: copies)
    let groups = try planned.get()
    return InitPlan(
      projectName: projectName,
      profiles: groups.map(\.profile),
      files: ProjectFiles(name: projectName, dialect: dialect, groups: groups).all()
    )
  }

  /// Writes the project's files.
  ///
  /// `millrace.yaml` comes last, so a folder that holds it holds everything. A README.md and a .gitignore that are there already are left alone.
  ///
  /// - Throws: ``InitError/projectExists(folder:)`` and ``InitError/fileExists(path:)`` before
  ///   anything is written; `FileError`.
  public func write(_ plan: InitPlan, to folder: String) throws {
    let root = InputFiles.absolute(folder)
    var missing: [InitFile] = []
    for file in plan.files {
      guard try world.files.status("\(root)/\(file.path)") != nil else {
        missing.append(file)
        continue
      }
      switch file.path {
      case "millrace.yaml": throw InitError.projectExists(folder: folder)
      case "README.md", ".gitignore": continue
      default: throw InitError.fileExists(path: "\(root)/\(file.path)")
      }
    }
    for file in missing {
      let path = "\(root)/\(file.path)"
      try world.files.createFolders((path as NSString).deletingLastPathComponent)
      try world.files.create(path, Array(file.content.utf8))
    }
  }

  // MARK: Steps

  private func profiled(
    _ paths: [String],
    _ root: String,
    _ copies: String,
    _ reader: InputReader,
    _ dialect: any Dialect
  ) async throws -> [ProfiledGroup] {
    var files: [ReadFile] = []
    for path in paths {
      try Task.checkCancellation()
      files.append(try await reader.read(path))
    }
    let profiler = Profiler(session: reader.session, dialect: dialect)
    var groups: [ProfiledGroup] = []
    for (number, group) in InputReader.groups(files, folder: root).enumerated() {
      try Task.checkCancellation()
      let fields = Profiler.fields(group).map(\.name)
      var sources: [RawSource] = []
      for file in group.files {
        sources.append(try await source(file, fields, copies, reader.executor))
      }
      let profiled = try await profiler.profile(group, sources: sources, number: number)
      guard profiled.profile.rows > 0 else { throw InitError.noRows(path: group.files[0].path) }
      groups.append(profiled)
    }
    for index in groups.indices {
      groups[index].profile.rules = RuleSuggestions.rules(groups[index].profile)
    }
    try await ReferenceSearch(session: reader.session, dialect: dialect).find(in: &groups)
    return groups
  }

  /// What the engine reads of a file: the file, or a copy without its irregular records.
  private func source(
    _ file: ReadFile,
    _ fields: [String],
    _ copies: String,
    _ executor: BlockingExecutor
  ) async throws -> RawSource {
    var path = file.path
    var format = file.format
    if file.scan.irregularCount > 0, let options = file.options {
      try world.files.createFolders(copies)
      path = "\(copies)/\(world.makeID())"
      let target = path
      try await executor.run {
        try copyRegular(path: file.path, options: options, scan: file.scan, to: target)
      }
      format = file.format.unpacked
    }
    return RawSource(
      path: path,
      format: format,
      fields: ReadFile.engineNames(fields, format),
      nullTexts: [""],
      longestRecord: ByteCount(bytes: file.scan.longestRecordBytes)
    )
  }
}

extension RawFormat {
  fileprivate var unpacked: RawFormat {
    switch self {
    case .csv(let delimiter, let hasHeader, _):
      .csv(delimiter: delimiter, hasHeader: hasHeader, compression: .none)
    case .jsonLines: .jsonLines(compression: .none)
    case .parquet: .parquet
    }
  }
}
