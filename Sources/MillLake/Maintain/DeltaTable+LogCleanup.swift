// SPDX-License-Identifier: Apache-2.0

public import MillCore

/// What a clean-up of a log took away, or would.
public struct LogCleanupReport: Hashable, Sendable {
  /// Commits removed.
  public var commits = 0
  /// Files of checkpoints removed.
  public var checkpoints = 0
  /// Files of writers that stopped half-way, and checksums of versions that are gone.
  public var leftovers = 0
  /// Bytes over all of them.
  public var bytes: Int64 = 0
  /// The oldest version that can be read afterwards.
  public var oldest: TableVersion?

  /// A report of nothing.
  public init() {}
}

extension DeltaTable {
  /// Removes commits and checkpoints that are older than the log's retention and behind a checkpoint
  /// from which every kept and every tagged version can be made.
  ///
  /// - Parameters:
  ///   - retention: nil takes it from the table (30 days).
  ///   - keepVersions: How many of the newest versions stay readable whatever their age.
  ///
  /// > Source: Delta transaction log protocol, "Metadata Cleanup".
  public func cleanUpLog(
    retention: Duration? = nil,
    keepVersions: Int? = nil,
    isDryRun: Bool = false
  ) async throws(LakeError) -> LogCleanupReport {
    let current = try await snapshot()
    try current.tableProtocol.requireWritable(table: name, version: current.version)
    if isDryRun { return try await cleanUp(current, retention, keepVersions, isDryRun: true) }
    return try await removing { (_) async throws(LakeError) -> LogCleanupReport in
      try await cleanUp(current, retention, keepVersions, isDryRun: false)
    }
  }

  private func cleanUp(
    _ current: Snapshot,
    _ retention: Duration?,
    _ keepVersions: Int?,
    isDryRun: Bool
  ) async throws(LakeError) -> LogCleanupReport {
    var report = LogCleanupReport()
    let entries = try await storing { () async throws(FileError) in
      try await store.list(Self.logFolder)
    }
    let now = world.clock.now()
    var doomed: [StoredObject] = []
    for entry in entries
    where entry.name.hasPrefix(".") && entry.name.hasSuffix(".tmp")
      && entry.modified + Self.orphanAge <= now
    {
      doomed.append(entry)
      report.leftovers += 1
    }
    let listing = LogListing(entries.map(\.name))
    let boundary = try await boundary(
      listing,
      entries,
      cutoff: now - (retention ?? current.logRetention),
      keepVersions,
      current
    )
    report.oldest = boundary ?? listing.oldest
    if let boundary {
      // Checkpoints first and commits in order, so that a crash leaves no version that seems to be
      // there and cannot be made.
      var commits: [StoredObject] = []
      for entry in entries {
        guard let file = LogFileName(entry.name), file.version < boundary else {
          if Self.isChecksum(entry.name, before: boundary) {
            doomed.append(entry)
            report.leftovers += 1
          }
          continue
        }
        if case .commit = file {
          commits.append(entry)
          report.commits += 1
        } else {
          doomed.append(entry)
          report.checkpoints += 1
        }
      }
      doomed += commits.sorted { $0.name < $1.name }
    }
    report.bytes = doomed.reduce(0) { $0 + $1.size }
    guard !isDryRun else { return report }
    if let boundary { try await forgetHint(before: boundary) }
    for entry in doomed {
      try await storing { () async throws(FileError) in
        try await store.delete("\(Self.logFolder)/\(entry.name)")
      }
    }
    return report
  }

  /// Takes the hint away that names a checkpoint which is about to go.
  ///
  /// A writer that stopped between a checkpoint and its hint leaves one that names the checkpoint
  /// before. Readers need no hint, but some stop at one that leads nowhere.
  private func forgetHint(before boundary: TableVersion) async throws(LakeError) {
    guard let named = await hintedVersion(), named < boundary else { return }
    try await storing { () async throws(FileError) in
      try await store.delete("\(Self.logFolder)/\(Self.hintName)")
    }
  }

  /// The checkpoint behind which nothing is needed, or nil when all is.
  private func boundary(
    _ listing: LogListing,
    _ entries: [StoredObject],
    cutoff: Instant,
    _ keepVersions: Int?,
    _ current: Snapshot
  ) async throws(LakeError) -> TableVersion? {
    guard current.metadata.configuration["delta.enableExpiredLogCleanup"] != "false" else {
      return nil
    }
    var newestExpired: TableVersion?
    for entry in entries where entry.modified <= cutoff {
      guard case .commit(let version)? = LogFileName(entry.name) else { continue }
      newestExpired = max(newestExpired ?? version, version)
    }
    guard var bound = newestExpired else { return nil }
    if let keepVersions {
      bound = min(bound, TableVersion(current.version.number - Int64(keepVersions) + 1))
    }
    if let tagged = try await tags().map(\.version).min() { bound = min(bound, tagged) }
    for candidate in listing.candidates(for: bound) {
      // Only a checkpoint that can be read may stand for what is removed.
      guard (try? await checkpointParts(candidate, includingRemoved: false)) != nil else {
        continue
      }
      return candidate.version > (listing.oldest ?? .first) || candidate.version > .first
        ? candidate.version : nil
    }
    return nil
  }

  private static func isChecksum(_ name: String, before version: TableVersion) -> Bool {
    guard name.hasSuffix(".crc"), let number = Int64(name.dropLast(4)) else { return false }
    return TableVersion(number) < version
  }
}
