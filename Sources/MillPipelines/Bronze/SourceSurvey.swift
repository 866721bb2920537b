// SPDX-License-Identifier: Apache-2.0

internal import MillCore
internal import MillLake
internal import MillLedger
internal import MillSources

/// The files of a source held against what its bronze table says it has.
struct SourceSurvey {
  /// A file and what is to be done with it.
  struct Found {
    /// The path as the table and messages show it: relative to the project where it can be.
    var shownPath: String
    var path: String
    var entry: FileEntry
    var state: State
  }

  enum State: Hashable {
    /// The table has none of its rows.
    case new
    /// The table has its rows.
    case loaded
    /// The table has the rows of other bytes under this path.
    case revised
  }

  var files: [Found] = []
  /// Identities found by hashing, to be remembered.
  var hashed: [FileIdentityRecord] = []
  var bytesRead: Int64 = 0
  /// Whether the table was filled under another declaration of the source.
  var isDefinedAnew = false

  var toLoad: [Found] { files.filter { $0.state == .new } }
  var revised: [Found] { files.filter { $0.state == .revised } }

  /// The application identifier under which a table's log keeps the source's declaration.
  static func definitionAppID(_ dataset: DatasetName) -> String {
    "millrace/\(dataset)/definition"
  }

  /// What decides how a file is decoded, as the version of a transaction.
  static func definitionVersion(_ source: SourceDefinition) -> Int64 {
    let columns = source.columns.map { "\($0.name) \($0.type)" }
    let text = "\(source.format)\n\(source.nullTexts)\n\(columns)\n\(source.timeZone)"
    return fingerprint(sha256: ContentHash.sha256(Array(text.utf8)))
  }

  /// The application identifier under which a table's log keeps a file's content.
  static func appID(_ dataset: DatasetName, _ shownPath: String) -> String {
    "millrace/\(dataset)/file/\(shownPath)"
  }

  /// The content of a file as the version of a transaction: the first 60 bits of its SHA-256.
  static func fingerprint(sha256: String) -> Int64 {
    Int64(sha256.prefix(15), radix: 16) ?? 0
  }
}

extension SourceSurvey {
  /// Looks at the files without reading those that are known by size, time and inode.
  static func make(
    _ source: SourceDefinition,
    table: Snapshot?,
    in environment: PipelineEnvironment,
    on thread: BlockingExecutor
  ) async throws -> SourceSurvey {
    var survey = SourceSurvey()
    let definition = table?.transactionVersion(definitionAppID(source.dataset))
    survey.isDefinedAnew = definition.map { $0 != definitionVersion(source) } ?? false
    let world = environment.world
    for (shownPath, path) in try await paths(of: source, in: environment, on: thread) {
      let status = try await thread.run { try world.files.status(path) }
      guard let entry = status, !entry.isFolder else { throw SourceError.notFound(path: shownPath) }
      var found = Found(shownPath: shownPath, path: path, entry: entry, state: .new)
      let known = table?.transactionVersion(appID(source.dataset, shownPath))
      if let known {
        let sha256 = try await survey.identify(found, source, in: environment, on: thread)
        let isSame = fingerprint(sha256: sha256) == known
        let isStale = survey.isDefinedAnew && source.onChange == .replace
        found.state = isSame && !isStale ? .loaded : .revised
      }
      survey.files.append(found)
    }
    return survey
  }

  /// The content's hash: from the ledger when the file is as it was, else by reading it.
  private mutating func identify(
    _ found: Found,
    _ source: SourceDefinition,
    in environment: PipelineEnvironment,
    on thread: BlockingExecutor
  ) async throws -> String {
    let remembered = try await environment.ledger.identity(
      path: found.shownPath,
      size: found.entry.size,
      modified: found.entry.modified.microseconds,
      identity: found.entry.identity
    )
    if let remembered { return remembered }
    let startedAt = environment.world.clock.now()
    let file = try await thread.run {
      try scan(
        path: found.path,
        shownAs: found.shownPath,
        options: ScanOptions(format: .parquet)
      ).file
    }
    bytesRead += file.size
    hashed.append(
      FileIdentityRecord(
        dataset: source.dataset.description,
        path: found.shownPath,
        size: found.entry.size,
        modifiedMicroseconds: found.entry.modified.microseconds,
        identity: found.entry.identity,
        sha256: file.sha256,
        hashedAt: startedAt.microseconds
      )
    )
    return file.sha256
  }

  private static func paths(
    of source: SourceDefinition,
    in environment: PipelineEnvironment,
    on thread: BlockingExecutor
  ) async throws -> [(shown: String, path: String)] {
    var seen: Set<String> = []
    var paths: [(shown: String, path: String)] = []
    for pattern in source.files {
      let expanded = try await thread.run {
        try expandGlob(pattern, relativeTo: environment.projectFolder)
      }
      for shown in expanded {
        let path = resolvePath(shown, relativeTo: environment.projectFolder)
        let prefix = environment.projectFolder + "/"
        let relative = path.hasPrefix(prefix) ? String(path.dropFirst(prefix.count)) : path
        if seen.insert(path).inserted { paths.append((relative, path)) }
      }
    }
    return paths
  }
}
