// SPDX-License-Identifier: Apache-2.0

internal import MillCore
internal import MillEngine
public import MillLake
internal import MillSQL

extension TableWriter {
  /// Brings a table into the state that a policy wants: rows move or go, small files are put
  /// together, and what nobody needs any more is removed.
  ///
  /// It takes no lock. Every step is a commit of its own or removes garbage, so it may be stopped
  /// and run again at any time.
  ///
  /// - Parameters:
  ///   - archive: The table that old rows move to, when the policy has one.
  ///   - isDryRun: Tells what would be removed and changes nothing.
  public func maintain(
    _ policy: LifecyclePolicy,
    archive: DeltaTable? = nil,
    isDryRun: Bool = false
  ) async throws -> MaintenanceReport {
    var report = MaintenanceReport(table: table.name)
    report.before = try await use(policy, archive: archive)
    if let archive, archive.store.location == table.store.location {
      throw LakeError.refused(table: table.name, reason: "it cannot be its own archive")
    }
    if let age = policy.archive, let archive {
      report.archivedRows = try await move(age, to: archive, isDryRun: isDryRun)
    }
    if let age = policy.delete {
      let condition = try await condition(age)
      if isDryRun {
        report.deletedRows = try await count(where: condition)
      } else {
        report.deletedRows = try await delete(where: condition).deleted
      }
    }
    if let size = policy.compactTo, !isDryRun {
      report.compaction =
        policy.clusterBy.isEmpty
        ? try await compact(to: size)
        : try await cluster(by: policy.clusterBy, to: size, onlyWorn: true)
    }
    report.vacuum = try await table.vacuum(
      VacuumOptions(
        retention: policy.keep,
        keepVersions: policy.keepVersions,
        // The policy is the owner's word.
        allowsShortRetention: policy.keep != nil,
        isDryRun: isDryRun
      )
    )
    // The log of a version that is to stay readable stays too.
    let snapshot = try await table.snapshot()
    report.log = try await table.cleanUpLog(
      retention: max(
        policy.keepLog ?? snapshot.logRetention,
        policy.keep ?? snapshot.deletedFileRetention
      ),
      keepVersions: policy.keepVersions,
      isDryRun: isDryRun
    )
    if !isDryRun { report.after = try await use(policy, archive: archive) }
    return report
  }

  /// Where the bytes of the table are.
  public func use(
    _ policy: LifecyclePolicy = LifecyclePolicy(),
    archive: DeltaTable? = nil
  ) async throws -> StorageUse {
    let snapshot = try await table.snapshot()
    let objects = try await table.objects()
    let garbage = try await table.vacuum(
      VacuumOptions(
        retention: policy.keep,
        keepVersions: policy.keepVersions,
        allowsShortRetention: true,
        isDryRun: true
      )
    )
    var use = StorageUse()
    var live: Set<String> = []
    for data in try snapshot.contents.files {
      live.insert(String(data.location.dropFirst(snapshot.location.count + 1)))
      if case .file(let vector, _)? = data.deletedRows?.place {
        live.insert(String(vector.dropFirst(snapshot.location.count + 1)))
      }
    }
    var tagged: Set<String> = []
    for tag in try await table.tags() {
      for data in try await table.snapshot(at: tag.version).contents.files {
        tagged.insert(String(data.location.dropFirst(snapshot.location.count + 1)))
      }
    }
    let unneeded = Set(garbage.files)
    for (key, object) in objects {
      if live.contains(key) {
        use.live += object.size
      } else if unneeded.contains(key) {
        use.garbage += object.size
      } else if tagged.contains(key) {
        use.tagged += object.size
      } else {
        use.history += object.size
      }
    }
    use.log = try await table.logSize()
    if let archive, try await archive.exists() {
      use.archived = try await archive.snapshot().files.sizeInBytes
    }
    return use
  }

  // MARK: Rows of an age

  /// The rows older than a policy allows.
  private func condition(_ age: LifecyclePolicy.Age) async throws -> String {
    let snapshot = try await table.snapshot()
    guard let field = snapshot.schema[name: age.column] else {
      let near = nearestName(to: age.column, among: snapshot.schema.names)
      throw LakeError.refused(
        table: table.name,
        reason: "its lifecycle names the column \(age.column), which is not there"
          + (near.map { ": did you mean \($0)?" } ?? "")
      )
    }
    let limit = world.clock.now() - age.after
    let text: String
    switch field.type {
    case .date: text = limit.date.description
    case .timestamp, .timestampWithoutZone: text = limit.description
    default:
      throw LakeError.refused(
        table: table.name,
        reason:
          "its lifecycle tells age by \(age.column), which is \(field.type) and neither a day "
          + "nor an instant"
      )
    }
    return "\(dialect.quote(age.column)) < CAST(\(dialect.literal(text)) AS "
      + "\(dialect.typeName(field.type)))"
  }

  private func count(where condition: String) async throws -> Int64 {
    let snapshot = try await table.snapshot()
    return try await withSession { session in
      try await find(condition, on: snapshot, session).rows
    }
  }

  /// Moves rows to a colder table: first they are there, then they leave here.
  ///
  /// Both commits carry the version that the rows come from, so a crash between the two is seen: the
  /// rows are taken out of the archive again, and the move starts over.
  private func move(
    _ age: LifecyclePolicy.Age,
    to archive: DeltaTable,
    isDryRun: Bool
  ) async throws -> Int64 {
    let condition = try await condition(age)
    if isDryRun { return try await count(where: condition) }
    let predicate = try await engine.predicate(of: condition)
    let appID = "millrace/archive/\(try await table.snapshot().metadata.id)"
    let colder = TableWriter(archive, engine: engine, world: world)
    var attempt = 0
    while true {
      try await undoHalfMove(appID, in: archive)
      let current = try await table.snapshot()
      let contents = try current.contents(matching: predicate)
      guard !contents.files.isEmpty else { return 0 }
      let version = TransactionIdentifier(appID: appID, version: current.version.number)
      var options = WriteOptions(newColumns: .add)
      options.transactions = [version]
      options.info = ["millrace": ["archived": .string(condition)]]
      let moved = try await colder.append(
        RowSource { session in
          try await session.define(RelationName("mill_aged"), as: contents)
          return "SELECT * FROM mill_aged WHERE \(condition)"
        },
        partitionedBy: current.metadata.partitionColumns,
        options
      )
      guard moved.inserted > 0 else { return 0 }
      var removal = WriteOptions()
      removal.transactions = [version]
      removal.expecting = current.version
      do {
        _ = try await delete(where: condition, removal)
        return moved.inserted
      } catch let error as LakeError where error.isRetryable && attempt < 3 {
        attempt += 1
      } catch {
        try await undoHalfMove(appID, in: archive)
        throw error
      }
    }
  }

  /// Takes rows out of the archive that never left here.
  ///
  /// Another process may be between the two commits of a move right now. An empty commit here comes
  /// first: either that process's removal lands before it, and there is nothing to undo, or it fails,
  /// since it stands on the version before.
  private func undoHalfMove(_ appID: String, in archive: DeltaTable) async throws {
    var attempt = 0
    while true {
      do {
        return try await undoOnce(appID, in: archive)
      } catch let error as LakeError where error.isRetryable && attempt < 5 {
        attempt += 1
      }
    }
  }

  private func undoOnce(_ appID: String, in archive: DeltaTable) async throws {
    guard let there = try await archive.snapshotIfExists(),
      let arrived = there.transactionVersion(appID)
    else { return }
    let here = try await table.snapshot()
    let left = here.transactionVersion(appID) ?? -1
    guard arrived > left else { return }
    guard there.commitInfo["millrace"]?["archived"] != nil, there.version > .first else {
      throw LakeError.refused(
        table: archive.name,
        reason: "it holds rows of \(table.name), version \(arrived), that never left there, and it "
          + "was changed since: restore it to the version before that commit by hand"
      )
    }
    try await table.commit(
      TableChange(
        mode: .append,
        files: [],
        schema: here.schema,
        partitionColumns: here.metadata.partitionColumns,
        expecting: here.version,
        operation: "ARCHIVE FENCE"
      )
    )
    try await archive.restore(
      to: TableVersion(there.version.number - 1),
      expecting: there.version,
      transactions: [TransactionIdentifier(appID: appID, version: left)]
    )
  }
}
