// SPDX-License-Identifier: Apache-2.0

internal import MillCore
internal import MillEngine
internal import MillLake
internal import MillLedger
internal import MillSQL
internal import MillSources

/// Loads the new files of one source: every record becomes a bronze row or a dead letter.
///
/// All files of a source go into one commit, its dead letters into another just before. A file that
/// cannot be read as a whole (truncated, not UTF-8) stops the source, and nothing of it is published.
struct BronzeLoader {
  let source: SourceDefinition
  let environment: PipelineEnvironment
  let runID: String
  let thread: BlockingExecutor

  private var dataset: DatasetName { source.dataset }
  private var table: DeltaTable { environment.lake.table(dataset) }
  private var deadLetters: DeltaTable { environment.lake.table(dataset.deadLetters) }

  /// What is published when the source has run.
  struct Loaded {
    var version: TableVersion?
    var account = RowAccount.Load()
    var notes: [String] = []
    var inputs: [(name: String, version: TableVersion?)] = []
    var bytesRead: Int64 = 0
    var didPublish = false
    var reason = ""
  }

  func survey(_ snapshot: Snapshot?) async throws -> SourceSurvey {
    try await SourceSurvey.make(source, table: snapshot, in: environment, on: thread)
  }

  func run() async throws -> Loaded {
    let snapshot = try await table.snapshotIfExists()
    let survey = try await survey(snapshot)
    var loaded = Loaded(version: snapshot?.version, bytesRead: survey.bytesRead)
    try await environment.ledger.remember(survey.hashed)
    var files = survey.toLoad
    var replaced: [String] = []
    if survey.isDefinedAnew, source.onChange == .report {
      loaded.notes.append(
        "the source is declared in another way than when its files were loaded; their rows stay "
          + "as they were decoded (`on_change: replace` would load them again)"
      )
    }
    if !survey.revised.isEmpty {
      switch source.onChange {
      case .replace:
        files += survey.revised
        replaced = survey.revised.map(\.shownPath)
      case .report:
        for found in survey.revised {
          loaded.notes.append(
            "\(found.shownPath) has changed since it was loaded; its old rows stay "
              + "(`on_change: replace` would load it again)"
          )
        }
      }
    }
    if survey.files.isEmpty {
      guard snapshot != nil else {
        throw PipelineError.noFiles(dataset: dataset, patterns: source.files)
      }
      loaded.notes.append("no file matches \(source.files.joined(separator: ", "))")
    }
    guard !files.isEmpty else {
      loaded.reason = survey.files.isEmpty ? "no files" : "no new files"
      return loaded
    }
    loaded.reason =
      replaced.isEmpty
      ? "\(files.count) new \(files.count == 1 ? "file" : "files")"
      : "\(files.count) new or changed files"
    try await load(files, replacing: replaced, on: snapshot, into: &loaded)
    return loaded
  }

  private func load(
    _ found: [SourceSurvey.Found],
    replacing replaced: [String],
    on snapshot: Snapshot?,
    into loaded: inout Loaded
  ) async throws {
    let session = try await environment.engine.session(named: "load \(dataset)")
    do {
      try await load(found, replacing: replaced, on: snapshot, session, into: &loaded)
    } catch {
      await session.close()
      throw error
    }
    await session.close()
  }

  private func load(
    _ found: [SourceSurvey.Found],
    replacing replaced: [String],
    on snapshot: Snapshot?,
    _ session: any EngineSession,
    into loaded: inout Loaded
  ) async throws {
    let loadedAt = environment.world.clock.now()
    var schema = snapshot.map { Self.ownFields($0.schema) }
    // A table of empty files alone has no columns of its own yet.
    if schema?.isEmpty == true { schema = nil }
    var files: [DataFile] = []
    var letters: [FileLetters] = []
    var transactions = [
      TransactionIdentifier(
        appID: SourceSurvey.definitionAppID(dataset),
        version: SourceSurvey.definitionVersion(source)
      )
    ]
    var identities: [FileIdentityRecordSeed] = []
    try await environment.lake.table(dataset).prepare()
    for file in found {
      let part = try await FileLoad(
        source: source,
        found: file,
        environment: environment,
        runID: runID,
        loadedAt: loadedAt,
        session: session,
        thread: thread,
        bronze: table,
        deadLetters: deadLetters
      ).run(knownSchema: schema)
      if !part.schema.isEmpty { schema = part.schema }
      files += part.files.map { data in
        var data = data
        data.tags[Self.sourceTag] = file.shownPath
        return data
      }
      loaded.account.add(part.account)
      loaded.notes += part.notes
      loaded.bytesRead += part.scan.file.size
      loaded.inputs.append(("file:\(file.shownPath)", nil))
      let transaction = TransactionIdentifier(
        appID: SourceSurvey.appID(dataset, file.shownPath),
        version: SourceSurvey.fingerprint(sha256: part.scan.file.sha256)
      )
      transactions.append(transaction)
      letters.append(
        FileLetters(
          shownPath: file.shownPath,
          files: part.letters.map { data in
            var data = data
            data.tags[Self.sourceTag] = file.shownPath
            return data
          },
          transaction: transaction
        )
      )
      identities.append(
        FileIdentityRecordSeed(found: file, sha256: part.scan.file.sha256, at: loadedAt)
      )
    }
    let account = RowAccount.load(loaded.account)
    guard account.isBalanced else {
      throw PipelineError.unbalanced(dataset: dataset, detail: account.json.serialized())
    }
    var facts = CommitFacts(
      dataset: dataset,
      runID: runID,
      account: account,
      inputs: loaded.inputs,
      reason: loaded.reason,
      startedAt: loadedAt,
      bytesRead: loaded.bytesRead
    )
    facts.dataset = dataset.deadLetters
    try await commitLetters(letters, facts)
    facts.dataset = dataset
    loaded.version = try await table.commit(
      TableChange(
        mode: .append,
        files: files,
        replacing: try replacedFiles(of: snapshot, replaced),
        schema: Schema((schema ?? []) + BronzeSchema.reserved),
        transactions: transactions,
        runID: runID,
        info: facts.info,
        description: source.description,
        expecting: replaced.isEmpty ? nil : snapshot?.version
      )
    )
    loaded.didPublish = true
    try await environment.ledger.remember(identities.map { $0.record(dataset) })
  }

  /// The dead letters of one source file, and the content that they are of.
  private struct FileLetters {
    var shownPath: String
    var files: [DataFile]
    var transaction: TransactionIdentifier
  }

  /// Dead letters go first: a crash in between leaves them without their rows, and the next run
  /// sees by each file's transaction that they are there.
  private func commitLetters(
    _ letters: [FileLetters],
    _ facts: CommitFacts
  ) async throws {
    let snapshot = try await deadLetters.snapshotIfExists()
    let missing = letters.filter {
      snapshot?.transactionVersion($0.transaction.appID) != $0.transaction.version
    }
    let files = missing.flatMap(\.files)
    // What a file left here when it had other bytes goes; a new file has left nothing.
    let known = missing.filter { snapshot?.transactionVersion($0.transaction.appID) != nil }
    let old = try replacedFiles(of: snapshot, known.map(\.shownPath))
    // The table is made even when it stays empty, so that who reads it need not ask.
    if snapshot != nil, files.isEmpty, old.isEmpty { return }
    try await deadLetters.commit(
      TableChange(
        mode: .append,
        files: files,
        replacing: old,
        schema: BronzeSchema.deadLetters,
        transactions: missing.map(\.transaction),
        runID: runID,
        info: facts.info,
        description: "Records of \(dataset) that could not be decoded",
        expecting: old.isEmpty ? nil : snapshot?.version
      )
    )
  }

  /// The data files that hold rows of these source files: each holds rows of one alone.
  private func replacedFiles(
    of snapshot: Snapshot?,
    _ shownPaths: [String]
  ) throws -> [AddFile] {
    guard let snapshot, !shownPaths.isEmpty else { return [] }
    let paths = Set(shownPaths.map { ByteKey($0) })
    return try snapshot.files.filter { file in
      guard let path = file.tags[Self.sourceTag] else {
        throw PipelineError.definition(
          path: self.source.path,
          dataset: dataset,
          message: "the table was rewritten so that its files hold rows of several source files; "
            + "`on_change: replace` cannot take one back"
        )
      }
      return paths.contains(ByteKey(path))
    }
  }

  /// The tag of a data file that names the one source file whose rows it holds.
  static let sourceTag = "millrace.source"

  static func ownFields(_ schema: Schema) -> [Field] {
    schema.fields.filter { !BronzeSchema.reservedNames.contains($0.name) }
  }
}

extension RowAccount.Load {
  mutating func add(_ other: Self) {
    files += other.files
    lines += other.lines
    bronze += other.bronze
    deadLetters += other.deadLetters
    blank += other.blank
  }
}
