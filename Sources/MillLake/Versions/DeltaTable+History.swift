// SPDX-License-Identifier: Apache-2.0

public import MillCore

extension DeltaTable {
  /// The newest `limit` commits, newest first.
  public func history(limit: Int = 50) async throws(LakeError) -> [CommitSummary] {
    var summaries: [CommitSummary] = []
    var later: Instant?
    for version in try await listing().commits.suffix(limit).reversed() {
      // Somebody may clean the log up meanwhile.
      guard let actions = try await actionsIfExist(of: version) else { break }
      var info = JSONObject()
      var added: [AddFile] = []
      var removed = 0
      for action in actions {
        switch action {
        case .commitInfo(let found): info = found
        case .add(let file): added.append(file)
        case .remove: removed += 1
        default: break
        }
      }
      let rows = added.map(\.numRecords)
      // A clock that was set back must not show a commit after its successor.
      let time = try await time(of: version, info)
      let shown = later.map { min($0, time) } ?? time
      later = shown
      summaries.append(
        CommitSummary(
          version: version,
          committedAt: shown,
          info: info,
          filesAdded: added.count,
          filesRemoved: removed,
          rowsAdded: rows.contains(nil) ? nil : rows.reduce(0) { $0 + ($1 ?? 0) }
        )
      )
    }
    return summaries
  }

  private func time(
    of version: TableVersion,
    _ info: JSONObject
  ) async throws(LakeError) -> Instant {
    if let own = info["inCommitTimestamp"]?.integer.flatMap({ Instant(milliseconds: $0) }) {
      return own
    }
    let key = "\(Self.logFolder)/\(version.logFileName)"
    let found = try await storing { () async throws(FileError) in try await store.status(key) }
    return found?.modified ?? Instant(microseconds: 0)
  }

  /// The newest version that was there at a time.
  ///
  /// Commits are dated by their own word where the table has it (`inCommitTimestamp`), otherwise by
  /// their files, in an order that never goes back.
  ///
  /// - Throws: `LakeError.noTime` for a time before the oldest or after the newest version.
  ///
  /// > Source: Delta transaction log protocol, "In-Commit Timestamps".
  public func version(at time: Instant) async throws(LakeError) -> TableVersion {
    let entries = try await storing { () async throws(FileError) in
      try await store.list(Self.logFolder)
    }
    let listing = LogListing(entries.map(\.name))
    guard let oldest = listing.oldest, let newest = listing.newest else {
      throw .noTable(table: name)
    }
    var modified: [TableVersion: Instant] = [:]
    for entry in entries {
      guard let file = LogFileName(entry.name) else { continue }
      if case .commit(let version) = file {
        modified[version] = entry.modified
      } else if modified[file.version] == nil {
        modified[file.version] = entry.modified
      }
    }
    let isDatedByItself =
      try await snapshot().metadata.configuration["delta.enableInCommitTimestamps"] == "true"
    var times: [(version: TableVersion, time: Instant)] = []
    for version in modified.keys.sorted() where version >= oldest {
      guard var own = modified[version] else { continue }
      if isDatedByItself, let actions = try await actionsIfExist(of: version) {
        for case .commitInfo(let info) in actions {
          own = info["inCommitTimestamp"]?.integer.flatMap { Instant(milliseconds: $0) } ?? own
        }
      }
      if let last = times.last?.time, own <= last { own = last + .milliseconds(1) }
      times.append((version, own))
    }
    let first = times.first?.time ?? time
    let last = times.last?.time ?? time
    guard time >= first, time <= last || newest == oldest && time == last else {
      throw .noTime(table: name, asked: time, oldest: first, newest: last)
    }
    return times.last { $0.time <= time }?.version ?? oldest
  }

  /// The files that commits after `old` up to `new` added, if nothing else happened to the rows.
  ///
  /// - Returns: nil when a commit removed rows, so that the difference is not a set of files, and
  ///   when a commit is gone from the log.
  public func filesAppended(
    after old: TableVersion,
    through new: TableVersion
  ) async throws(LakeError) -> [AddFile]? {
    var added: [AddFile] = []
    var version = old.successor
    while version <= new {
      guard let actions = try await actionsIfExist(of: version) else { return nil }
      for action in actions {
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
}
