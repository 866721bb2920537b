// SPDX-License-Identifier: Apache-2.0

public import MillCore

/// A Delta Lake table: Parquet files and a log of JSON commits that says which of them count.
///
/// Millrace writes reader version 1 and writer version 2, which every reader of Delta can read.
///
/// ```swift
/// let table = DeltaTable(name: "silver.flights", store: store, world: .system())
/// let snapshot = try await table.snapshot()
/// snapshot.contents.rows  // 100000
/// ```
///
/// > Source: Delta transaction log protocol.
public struct DeltaTable: Sendable {
  /// The name that errors and commits carry.
  public let name: String
  /// Where the log and the files lie.
  public let store: any ObjectStore
  let world: World

  /// A table at a place; whether it exists is seen when it is used.
  public init(name: String, store: any ObjectStore, world: World) {
    self.name = name
    self.store = store
    self.world = world
  }

  static let logFolder = "_delta_log"

  /// Whether the folder holds a table.
  public func exists() async throws(LakeError) -> Bool {
    try await !versions().isEmpty
  }

  /// The newest version, or nil when there is no table.
  public func newestVersion() async throws(LakeError) -> TableVersion? {
    try await versions().last?.version
  }

  /// The table at its newest version, or at an older one.
  ///
  /// - Throws: `LakeError.noTable`, `.noVersion`, `.gap`, `.corruptCommit`, `.unsupported`.
  /// - Complexity: One read per commit.
  public func snapshot(at version: TableVersion? = nil) async throws(LakeError) -> Snapshot {
    guard let snapshot = try await snapshotIfExists(at: version) else {
      throw .noTable(table: name)
    }
    return snapshot
  }

  /// The table at its newest version or an older one, or nil when there is no table at all.
  public func snapshotIfExists(at version: TableVersion? = nil) async throws(LakeError) -> Snapshot?
  {
    let commits = try await versions()
    guard let oldest = commits.first?.version, let newest = commits.last?.version else {
      return nil
    }
    if let version, version < oldest || version > newest {
      throw .noVersion(table: name, version: version, oldest: oldest, newest: newest)
    }
    var replay = Replay(table: name)
    var committedAt = Instant(microseconds: 0)
    for commit in commits where version.map({ commit.version <= $0 }) ?? true {
      try replay.apply(try await actions(of: commit.version), version: commit.version)
      committedAt = max(committedAt, commit.modified)
    }
    return try replay.snapshot(location: store.location, committedAt: committedAt)
  }

  /// The newest `limit` commits, newest first.
  public func history(limit: Int = 50) async throws(LakeError) -> [CommitSummary] {
    var summaries: [CommitSummary] = []
    for commit in try await versions().suffix(limit).reversed() {
      var info = JSONObject()
      var added: [AddFile] = []
      var removed = 0
      for action in try await actions(of: commit.version) {
        switch action {
        case .commitInfo(let found): info = found
        case .add(let file): added.append(file)
        case .remove: removed += 1
        default: break
        }
      }
      let rows = added.map { FileStatistics(statsText: $0.stats).rows }
      summaries.append(
        CommitSummary(
          version: commit.version,
          committedAt: commit.modified,
          info: info,
          filesAdded: added.count,
          filesRemoved: removed,
          rowsAdded: rows.contains(nil) ? nil : rows.reduce(0) { $0 + ($1 ?? 0) }
        )
      )
    }
    return summaries
  }

  /// The files that commits after `old` up to `new` added, if nothing else happened to the rows.
  ///
  /// - Returns: nil when a commit removed rows, so that the difference is not a set of files.
  public func filesAppended(
    after old: TableVersion,
    through new: TableVersion
  ) async throws(LakeError) -> [AddFile]? {
    var added: [AddFile] = []
    var version = old.successor
    while version <= new {
      for action in try await actions(of: version) {
        switch action {
        case .add(let file) where file.dataChange: added.append(file)
        case .remove(let file) where file.dataChange: return nil
        default: break
        }
      }
      version = version.successor
    }
    return added
  }

  /// Makes the folder into which an engine writes this table's files.
  public func prepare() async throws(LakeError) {
    do {
      try await store.prepare("")
    } catch {
      throw .storage(table: name, cause: error)
    }
  }

  struct CommitFile {
    var version: TableVersion
    var modified: Instant
  }

  /// The commits in the log, in order and without holes.
  func versions() async throws(LakeError) -> [CommitFile] {
    let listing: [StoredObject]
    do {
      listing = try await store.list(Self.logFolder)
    } catch {
      throw .storage(table: name, cause: error)
    }
    let commits = listing.compactMap { object in
      TableVersion(logFileName: object.name).map {
        CommitFile(version: $0, modified: object.modified)
      }
    }
    var next = TableVersion.first
    for commit in commits {
      guard commit.version == next else { throw .gap(table: name, missing: next) }
      next = next.successor
    }
    return commits
  }

  func actions(of version: TableVersion) async throws(LakeError) -> [Action] {
    let bytes: [UInt8]
    do {
      bytes = try await store.read("\(Self.logFolder)/\(version.logFileName)")
    } catch {
      if case .notFound = error { throw .gap(table: name, missing: version) }
      throw .storage(table: name, cause: error)
    }
    var actions: [Action] = []
    let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    for (index, line) in lines.enumerated() where !line.isEmpty {
      do {
        actions.append(try Action(line: Array(line)))
      } catch {
        throw .corruptCommit(
          table: name,
          version: version,
          line: index + 1,
          reason: error.reason
        )
      }
    }
    return actions
  }
}
