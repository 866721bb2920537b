// SPDX-License-Identifier: Apache-2.0

public import MillCore
internal import Synchronization

extension DeltaTable {
  /// The table at its newest version, or at an older one.
  ///
  /// - Throws: `LakeError.noTable`, `.noVersion`, `.gap`, `.corruptCommit`, `.corruptCheckpoint`,
  ///   `.unsupported`.
  /// - Complexity: One list of names, the newest checkpoint and the commits after it; with a cache
  ///   only the commits since the last call.
  public func snapshot(at version: TableVersion? = nil) async throws(LakeError) -> Snapshot {
    guard let snapshot = try await snapshotIfExists(at: version) else {
      throw .noTable(table: name)
    }
    return snapshot
  }

  /// The table at its newest version or an older one, or nil when there is no table at all.
  public func snapshotIfExists(
    at version: TableVersion? = nil
  ) async throws(LakeError) -> Snapshot? {
    if version == nil, let known = cache?[store.location], let newer = try await refreshed(known) {
      return newer
    }
    let listing = try await listing()
    guard let newest = listing.newest, let oldest = listing.oldest ?? listing.commits.first else {
      return nil
    }
    if let version, version < oldest || version > newest {
      throw .noVersion(table: name, version: version, oldest: oldest, newest: newest)
    }
    let snapshot = try await open(version ?? newest, listing)
    for notice in snapshot.notices { report?(notice) }
    if version == nil { cache?[store.location] = snapshot }
    return snapshot
  }

  /// A known snapshot brought up to date by the commits since, or nil when the table is not the one
  /// that it was or so far ahead that a checkpoint is nearer.
  private func refreshed(_ known: Snapshot) async throws(LakeError) -> Snapshot? {
    // Somebody may have put another table in the place of this one.
    guard try await commitTime(of: known.version) == known.committedAtDisk else { return nil }
    var replay = Replay(known)
    var version = known.version
    while let actions = try await actionsIfExist(of: version.successor) {
      version = version.successor
      if version.number - known.version.number > 2 * known.checkpointInterval { return nil }
      try replay.apply(actions, version: version)
    }
    if version == known.version { return known }
    guard let time = try await commitTime(of: version) else { return nil }
    let snapshot = try replay.snapshot(
      location: known.location,
      committedAt: time,
      checkpoint: known.checkpoint
    )
    cache?[store.location] = snapshot
    return snapshot
  }

  /// When a commit's file was last changed, or its checkpoint's where only that is left.
  private func commitTime(of version: TableVersion) async throws(LakeError) -> Instant? {
    let found = try await storing { () async throws(FileError) in
      try await store.status("\(Self.logFolder)/\(version.logFileName)")
    }
    return found?.modified
  }

  private func open(
    _ version: TableVersion,
    _ listing: LogListing
  ) async throws(LakeError) -> Snapshot {
    var notices: [LakeNotice] = []
    var firstError: LakeError?
    for candidate in listing.candidates(for: version) {
      let tail = listing.commits(after: candidate.version, through: version)
      if let missing = tail.missing { throw .gap(table: name, missing: missing) }
      // With the whole log at hand a short one is sooner read than a checkpoint.
      if checkpoints == nil, !candidate.isJSON { break }
      do {
        let parts = try await checkpointParts(candidate, includingRemoved: false)
        return try await finish(
          try Replay(table: name, checkpoint: candidate.version, parts),
          tail.commits,
          checkpoint: candidate,
          notices
        )
      } catch LakeError.corruptCheckpoint(let table, let at, let file, let reason) {
        let error = LakeError.corruptCheckpoint(
          table: table,
          version: at,
          file: file,
          reason: reason
        )
        firstError = firstError ?? error
        notices.append(
          LakeNotice(
            table: name,
            "table \(name): the checkpoint \(file) cannot be read (\(reason)); "
              + "an older state and the commits after it were read instead"
          )
        )
      }
    }
    let tail = listing.commits(after: nil, through: version)
    if let missing = tail.missing {
      if let firstError { throw firstError }
      if checkpoints == nil, !listing.checkpoints.isEmpty {
        throw .unsupported(
          table: name,
          version: version,
          feature: "somebody who reads Parquet checkpoints, since its older commits are gone"
        )
      }
      throw .gap(table: name, missing: missing)
    }
    return try await finish(Replay(table: name), tail.commits, checkpoint: nil, notices)
  }

  private func finish(
    _ start: Replay,
    _ commits: [TableVersion],
    checkpoint: LogListing.Checkpoint?,
    _ notices: [LakeNotice]
  ) async throws(LakeError) -> Snapshot {
    var replay = start
    for commit in commits { try replay.apply(try await actions(of: commit), version: commit) }
    let newest = TableVersion(replay.next.number - 1)
    if commits.isEmpty { replay.takeInfo(of: try await info(of: newest)) }
    var time = try await commitTime(of: newest)
    if time == nil, let name = checkpoint?.names.first {
      time = try await storing { () async throws(FileError) in
        try await store.status("\(Self.logFolder)/\(name)")
      }?.modified
    }
    return try replay.snapshot(
      location: store.location,
      committedAt: time ?? Instant(microseconds: 0),
      checkpoint: checkpoint?.version,
      notices: notices
    )
  }

  /// Who made a commit, which no checkpoint keeps; nothing for a commit of very many files.
  private func info(of version: TableVersion) async throws(LakeError) -> [Action] {
    let key = "\(Self.logFolder)/\(version.logFileName)"
    let found = try await storing { () async throws(FileError) in try await store.status(key) }
    guard let found, found.size <= Self.infoSizeMax else { return [] }
    let bytes: [UInt8]
    do {
      bytes = try await store.read(key)
    } catch {
      // The log was cleaned up meanwhile.
      if case .notFound = error { return [] }
      throw .storage(table: name, cause: error)
    }
    let marker = Array(#"{"commitInfo""#.utf8)
    let lines = bytes.split(separator: UInt8(ascii: "\n")).filter { $0.starts(with: marker) }
    return try parse(Array(lines.joined(separator: [UInt8(ascii: "\n")])), version)
  }

  private static let infoSizeMax: Int64 = 1 << 20

  // MARK: Checkpoints

  /// Reads all files of a checkpoint.
  ///
  /// - Throws: `LakeError.corruptCheckpoint` for one that cannot be read.
  func checkpointParts(
    _ checkpoint: LogListing.Checkpoint,
    includingRemoved: Bool
  ) async throws(LakeError) -> [CheckpointPart] {
    var parts: [CheckpointPart] = []
    for file in checkpoint.names {
      parts.append(
        checkpoint.isJSON
          ? try await jsonCheckpoint(file, checkpoint.version)
          : try await parquetPart(
            "\(Self.logFolder)/\(file)",
            checkpoint.version,
            nil,
            includingRemoved
          )
      )
    }
    // Protocol and metadata may stand in any part.
    let columns = CheckpointPart(files: nil, actions: parts.flatMap(\.actions)).partitionColumns
    if parts.count > 1, columns?.isEmpty == false {
      // Parts without the metadata were read without the values of partitions.
      for index in parts.indices {
        parts[index] = try await parquetPart(
          "\(Self.logFolder)/\(checkpoint.names[index])",
          checkpoint.version,
          columns,
          includingRemoved
        )
      }
    }
    // Sidecars are read when the columns that files are parted by are known.
    for part in parts {
      for case .sidecar(let sidecar) in part.actions {
        guard let sidecarName = LogPath.decode(sidecar.path), !sidecarName.contains("/") else {
          throw .pathOutside(table: name, version: checkpoint.version, path: sidecar.path)
        }
        parts.append(
          try await parquetPart(
            "\(Self.logFolder)/_sidecars/\(sidecarName)",
            checkpoint.version,
            columns,
            includingRemoved
          )
        )
      }
    }
    return parts
  }

  private func parquetPart(
    _ key: String,
    _ version: TableVersion,
    _ columns: [String]?,
    _ includingRemoved: Bool
  ) async throws(LakeError) -> CheckpointPart {
    guard let checkpoints else {
      throw .unsupported(
        table: name,
        version: version,
        feature: "somebody who reads Parquet checkpoints"
      )
    }
    let location = "\(store.location)/\(key)"
    let part: CheckpointPart
    do {
      part = try await checkpoints.readCheckpoint(
        location,
        partitionColumns: columns,
        includingRemoved: includingRemoved
      )
    } catch let error as LakeError {
      throw error
    } catch let error as any Failure where error.errorClass == .cancelled {
      throw .cancelled(table: name)
    } catch {
      throw .corruptCheckpoint(
        table: name,
        version: version,
        file: key,
        reason: "\(error)"
      )
    }
    return part
  }

  private func jsonCheckpoint(
    _ file: String,
    _ version: TableVersion
  ) async throws(LakeError) -> CheckpointPart {
    let bytes = try await storing { () async throws(FileError) in
      try await store.read("\(Self.logFolder)/\(file)")
    }
    do {
      let actions = try parse(bytes, version)
      return CheckpointPart(
        files: nil,
        actions: actions.filter { if case .remove = $0 { false } else { true } },
        removed: actions.compactMap { if case .remove(let file) = $0 { file } else { nil } }
      )
    } catch LakeError.corruptCommit(_, _, let line, let reason) {
      throw .corruptCheckpoint(
        table: name,
        version: version,
        file: file,
        reason: "line \(line): \(reason)"
      )
    }
  }
}

extension CheckpointPart {
  /// The physical names of the columns that files are parted by, when this part has the metadata.
  package var partitionColumns: [String]? {
    var tableProtocol: TableProtocol?
    for case .protocol(let found) in actions { tableProtocol = found }
    for case .metadata(let metadata) in actions {
      return metadata.physicalPartitionColumns(tableProtocol)
    }
    return nil
  }
}

extension Snapshot {
  /// The time by which the newest commit's file is known again.
  var committedAtDisk: Instant { committedAt }

  /// How many commits there are from one checkpoint to the next.
  var checkpointInterval: Int64 {
    metadata.configuration["delta.checkpointInterval"].flatMap { Int64($0) }.map { max(1, $0) }
      ?? DeltaTable.checkpointIntervalDefault
  }
}

/// Snapshots between calls, by the location of their tables.
///
/// A snapshot shares its files with those after it, so what is kept costs little more than the
/// newest of each table.
public final class SnapshotCache: Sendable {
  private struct State {
    var snapshots: [String: (snapshot: Snapshot, used: UInt64)] = [:]
    var clock: UInt64 = 0
    var bytes = 0
  }

  private let state: Mutex<State>
  private let budget: Int

  /// - Parameter budget: Memory for all snapshots; beyond it those used longest ago are let go.
  public init(budget: ByteCount = ByteCount(bytes: 128 << 20)) {
    self.budget = Int(clamping: budget.bytes)
    state = Mutex(State())
  }

  subscript(location: String) -> Snapshot? {
    get {
      state.withLock { state in
        state.clock += 1
        state.snapshots[location]?.used = state.clock
        return state.snapshots[location]?.snapshot
      }
    }
    set {
      state.withLock { state in
        state.clock += 1
        if let old = state.snapshots[location] { state.bytes -= old.snapshot.footprint }
        guard let newValue, newValue.footprint <= budget else {
          state.snapshots[location] = nil
          return
        }
        state.snapshots[location] = (newValue, state.clock)
        state.bytes += newValue.footprint
        while state.bytes > budget,
          let oldest = state.snapshots.min(by: { $0.value.used < $1.value.used })
        {
          state.bytes -= oldest.value.snapshot.footprint
          state.snapshots[oldest.key] = nil
        }
      }
    }
  }
}

extension Snapshot {
  /// The memory that keeping the snapshot takes, nearly.
  var footprint: Int { files.footprint + 4096 + transactions.count * 128 }
}
