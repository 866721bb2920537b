// SPDX-License-Identifier: Apache-2.0

internal import MillCore

/// What a vacuum may take away.
public struct VacuumOptions: Sendable {
  /// For how long files are kept that left the table; nil takes it from the table (a week).
  public var retention: Duration?
  /// How many of the newest versions stay readable whatever their age; nil for none beyond retention.
  public var keepVersions: Int?
  /// Whether a retention below the table's own is meant.
  public var allowsShortRetention: Bool
  /// Whether nothing is to be removed.
  public var isDryRun: Bool

  /// Options with the table's own retention.
  public init(
    retention: Duration? = nil,
    keepVersions: Int? = nil,
    allowsShortRetention: Bool = false,
    isDryRun: Bool = false
  ) {
    self.retention = retention
    self.keepVersions = keepVersions
    self.allowsShortRetention = allowsShortRetention
    self.isDryRun = isDryRun
  }
}

/// What a vacuum took away, or would.
public struct VacuumReport: Hashable, Sendable {
  /// The keys of the files, in order.
  public var files: [String] = []
  /// The bytes of each of them.
  public var sizes: [Int64] = []
  /// Their bytes together.
  public var bytes: Int64 = 0
  /// Files that no version has and that are too young to be garbage for sure.
  public var young = 0

  /// A report of nothing.
  public init() {}
}

extension DeltaTable {
  /// Files that no log names are left alone for a day, whatever the retention: somebody may be about
  /// to commit them.
  static let orphanAge = Duration.seconds(86_400)

  /// Removes files that no version needs any more: of the table as it is, of the versions that
  /// retention keeps, and of those that tags name.
  ///
  /// It takes no lock and stands in nobody's way: files of commits under way are too young for it,
  /// and a crash leaves at worst some of the garbage.
  ///
  /// - Throws: `LakeError.refused` for a retention below the table's own that is not meant.
  public func vacuum(_ options: VacuumOptions = VacuumOptions()) async throws(LakeError)
    -> VacuumReport
  {
    let current = try await snapshot()
    try current.tableProtocol.requireWritable(table: name, version: current.version)
    let retention = options.retention ?? current.deletedFileRetention
    guard retention >= current.deletedFileRetention || options.allowsShortRetention else {
      throw .refused(
        table: name,
        reason: "a retention of \(retention.text) is below the table's own "
          + "(\(current.deletedFileRetention.text)): readers of older versions would lose their files; "
          + "force it if that is meant"
      )
    }
    if options.isDryRun { return try await garbage(options, retention) }
    return try await removing { (renew) async throws(LakeError) -> VacuumReport in
      var tags = try await tags()
      var report = try await garbage(options, retention)
      // What took long to find is held against tags that came meanwhile.
      try await renew()
      while try await self.tags() != tags {
        tags = try await self.tags()
        report = try await garbage(options, retention)
        try await renew()
      }
      var renewed = world.clock.now()
      var removed = VacuumReport()
      removed.young = report.young
      for (key, size) in zip(report.files, report.sizes) {
        if world.clock.now() - renewed > Self.renewal {
          try await renew()
          renewed = world.clock.now()
          guard try await self.tags() == tags else { break }
        }
        try await storing { () async throws(FileError) in try await store.delete(key) }
        removed.files.append(key)
        removed.sizes.append(size)
        removed.bytes += size
      }
      return removed
    }
  }

  /// How long work goes on before it says again that it is at work; much less than others believe it.
  private static let renewal = Duration.seconds(60)

  /// The key of a deletion vector's file; nil for one that stands in the log.
  ///
  /// - Throws: `LakeError.refused` for one that cannot be resolved: what it needs is not known.
  private func key(of vector: DeletionVectorReference) throws(LakeError) -> String? {
    switch vector.storageType {
    case .inline: return nil
    case .relative:
      do {
        return try vector.relativePath()
      } catch {
        throw .refused(table: name, reason: "a deletion vector cannot be resolved: \(error)")
      }
    case .absolute:
      let path = vector.pathOrInlineDv
      let plain = path.hasPrefix("file://") ? String(path.dropFirst(7)) : path
      guard plain.hasPrefix(store.location + "/") else { return nil }
      return String(plain.dropFirst(store.location.count + 1))
    }
  }

  private func garbage(
    _ options: VacuumOptions,
    _ retention: Duration
  ) async throws(LakeError) -> VacuumReport {
    // Tags before the snapshot: a tag that comes later looks for us.
    let tags = try await tags()
    let current = try await snapshot()
    let now = world.clock.now()
    let cutoff = (now - retention).milliseconds
    let removed = try await tombstones(of: current)
    var needed: Set<String> = []
    var departed: Set<String> = []
    func need(_ path: String, _ vector: DeletionVectorReference?) throws(LakeError) {
      if let key = LogPath.decode(path) { needed.insert(key) }
      if let vector, let file = try key(of: vector) { needed.insert(file) }
    }
    for file in current.files { try need(file.path, file.deletionVector) }
    for file in removed {
      // Of a file that left at a time that nobody wrote down, the file's own age must tell.
      guard let left = file.deletionTimestamp else { continue }
      if left > cutoff {
        try need(file.path, file.deletionVector)
      } else {
        if let key = LogPath.decode(file.path) { departed.insert(key) }
        if let vector = file.deletionVector, let key = try key(of: vector) { departed.insert(key) }
      }
    }
    for tag in tags {
      // A tag whose version cannot be read keeps files that nobody can name: nothing is removed.
      let tagged: Snapshot
      do {
        tagged = try await snapshot(at: tag.version)
      } catch {
        throw .tag(
          table: name,
          name: tag.name,
          problem: "its version \(tag.version) cannot be read any more (\(error)); "
            + "take the tag away, or restore the log from a backup"
        )
      }
      for file in tagged.files { try need(file.path, file.deletionVector) }
    }
    if let count = options.keepVersions, count > 0 {
      let first = TableVersion(max(0, current.version.number - Int64(count) + 1))
      let oldest = try await listing().oldest ?? first
      for file in try await snapshot(at: max(first, oldest)).files {
        try need(file.path, file.deletionVector)
      }
      var version = max(first, oldest)
      while version < current.version {
        version = version.successor
        for case .add(let file) in try await actions(of: version) {
          try need(file.path, file.deletionVector)
        }
      }
    }
    let recent = try await recent(since: now - retention, through: current.version)
    for file in recent.removed { try need(file.path, file.deletionVector) }
    var report = VacuumReport()
    var found: [(key: String, size: Int64)] = []
    for (key, object) in try await objects()
    where !needed.contains(key) && !recent.changes.contains(key) {
      // What the log says has left is old enough by its word; of all else the age must tell.
      guard departed.contains(key) || object.modified + max(retention, Self.orphanAge) <= now
      else {
        report.young += 1
        continue
      }
      found.append((key, object.size))
    }
    found.sort { $0.key < $1.key }
    report.files = found.map(\.key)
    report.sizes = found.map(\.size)
    report.bytes = report.sizes.reduce(0, +)
    return report
  }

  /// What commits of the time since then removed, and the files of the change feed that they name.
  ///
  /// Checkpoints forget removals after the table's own retention, which may be shorter.
  private func recent(
    since time: Instant,
    through newest: TableVersion
  ) async throws(LakeError) -> (removed: [RemoveFile], changes: Set<String>) {
    var removed: [RemoveFile] = []
    var changes: Set<String> = []
    var version = newest
    while true {
      let key = "\(Self.logFolder)/\(version.logFileName)"
      let status = try await storing { () async throws(FileError) in try await store.status(key) }
      guard let status, status.modified >= time,
        let actions = try await actionsIfExist(of: version)
      else { break }
      for action in actions {
        switch action {
        case .change(let file):
          if let key = LogPath.decode(file.path) { changes.insert(key) }
        case .remove(let file): removed.append(file)
        default: break
        }
      }
      guard version > .first else { break }
      version = TableVersion(version.number - 1)
    }
    return (removed, changes)
  }
}
