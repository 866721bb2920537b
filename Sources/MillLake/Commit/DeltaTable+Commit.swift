// SPDX-License-Identifier: Apache-2.0

public import MillCore

extension DeltaTable {
  /// Makes files visible that an engine has written into the table's folder, in one atomic step.
  ///
  /// Data is synced first, then the folders that name it, then the commit. A crash before the
  /// commit leaves only files that nobody reads. An append that loses the race for a version tries
  /// the next one; an overwrite that loses reports the conflict, since it stands on what it read.
  ///
  /// - Returns: The version that the commit made.
  /// - Throws: `LakeError.conflict`, `.staleVersion`, `.schemaMismatch`, `.invalidName`, `.storage`.
  @discardableResult
  public func commit(_ change: TableChange) async throws(LakeError) -> TableVersion {
    let keys = try keys(of: change.files)
    let changeKeys = try self.keys(of: change.changeFiles)
    do {
      try await store.makeDurable(keys + changeKeys)
    } catch {
      if case .notFound(let path) = error {
        throw .missingFile(table: name, version: .first, path: path)
      }
      throw .storage(table: name, cause: error)
    }
    var snapshot = try await snapshotIfExists()
    if let expected = change.expecting {
      guard let snapshot else { throw .noTable(table: name) }
      guard snapshot.version == expected else {
        throw .staleVersion(table: name, expected: expected, newest: snapshot.version)
      }
    }
    let base = snapshot
    if let read = change.readVersion, let snapshot, read < snapshot.version {
      try await requireNoConflict(change, base, from: read.successor, through: snapshot.version)
    }
    if snapshot == nil {
      // The first commit is as durable as the names of all folders that lead to it.
      try await storing { () async throws(FileError) in try await store.prepare(Self.logFolder) }
    }
    let deadline = Deadline(after: change.patience, in: world)
    var attempts = 0
    while true {
      let version = snapshot?.version.successor ?? .first
      let actions = try self.actions(for: change, keys: keys, changeKeys, on: snapshot)
      let text = actions.map(\.line).joined(separator: "\n") + "\n"
      do {
        try await store.putIfAbsent("\(Self.logFolder)/\(version.logFileName)", Array(text.utf8))
        await checkpointIfDue(version, snapshot)
        return version
      } catch {
        guard case .alreadyExists = error else { throw .storage(table: name, cause: error) }
      }
      attempts += 1
      let newer = try await self.snapshot()
      try await requireNoConflict(change, base, from: version, through: newer.version)
      snapshot = newer
      guard !deadline.hasPassed(in: world) else {
        throw .busy(
          table: name,
          seconds: change.patience.components.seconds,
          attempts: attempts
        )
      }
      try await pause(afterAttempt: attempts)
    }
  }

  /// A little while, of random length, so that writers who met do not meet again.
  private func pause(afterAttempt attempt: Int) async throws(LakeError) {
    guard attempt > 1 else { return }
    let policy = RetryPolicy(attempts: .max, base: .milliseconds(2), cap: .milliseconds(100))
    let delay = policy.delay(afterAttempt: min(attempt, 8), random: world.random.next())
    do {
      try await world.clock.sleep(for: delay)
    } catch {
      throw .cancelled(table: name)
    }
  }

  /// Holds every winner against the conflict rules.
  private func requireNoConflict(
    _ change: TableChange,
    _ base: Snapshot?,
    from first: TableVersion,
    through last: TableVersion
  ) async throws(LakeError) {
    if change.expecting != nil {
      throw .conflict(table: name, version: first, reason: "this commit stands on the one before")
    }
    guard base != nil else {
      throw .conflict(table: name, version: first, reason: "made the table")
    }
    let rules = ConflictRules(change, removing: Set(change.replacing.map(\.key)), on: base)
    var version = first
    while version <= last {
      if let reason = rules.objection(to: try await actions(of: version)) {
        throw .conflict(table: name, version: version, reason: reason)
      }
      version = version.successor
    }
  }

  private func keys(of files: [DataFile]) throws(LakeError) -> [String] {
    var keys: [String] = []
    let prefix = store.location + "/"
    for file in files {
      guard file.location.hasPrefix(prefix) else {
        throw .pathOutside(table: name, version: .first, path: file.location)
      }
      let key = String(file.location.dropFirst(prefix.count))
      guard LogPath.decode(LogPath.encode(key)) != nil else {
        throw .pathOutside(table: name, version: .first, path: file.location)
      }
      keys.append(key)
    }
    return keys
  }
}

extension Snapshot {
  /// Whether the table takes no change that removes rows.
  public var isAppendOnly: Bool {
    metadata.configuration["delta.appendOnly"] == "true" && tableProtocol.supports(.appendOnly)
  }

  /// Whether changes are to be told row by row.
  public var hasChangeDataFeed: Bool {
    metadata.configuration["delta.enableChangeDataFeed"] == "true"
      && tableProtocol.supports(.changeDataFeed)
  }

  /// Refuses a table that demands more of a writer than there is here.
  package func requireWritable() throws(LakeError) {
    try tableProtocol.requireWritable(table: table, version: version)
    for field in schema.fields {
      guard let object = field.metadata.object else { continue }
      if object["delta.generationExpression"] != nil {
        throw .unsupported(
          table: table,
          version: version,
          feature: "values for the generated column \(field.name)"
        )
      }
      if object.contains(where: { $0.key.hasPrefix("delta.identity.") }) {
        throw .unsupported(
          table: table,
          version: version,
          feature: "values for the identity column \(field.name)"
        )
      }
    }
  }
}
