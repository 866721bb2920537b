// SPDX-License-Identifier: Apache-2.0

public import MillCore

extension DeltaTable {
  /// How many commits there are from one checkpoint to the next, unless the table says otherwise
  /// (`delta.checkpointInterval`).
  public static let checkpointIntervalDefault: Int64 = 100

  /// Puts a version into one Parquet file, so that readers need not read the commits before it.
  ///
  /// Somebody else's checkpoint of the same version is as good as ours and stays.
  ///
  /// - Throws: `LakeError`; the table is as it was.
  public func checkpoint(at version: TableVersion? = nil) async throws(LakeError) {
    guard let checkpoints else {
      throw .refused(table: name, reason: "there is no engine here that writes checkpoints")
    }
    let snapshot = try await snapshot(at: version)
    let removed = try await tombstones(of: snapshot)
    let retention = snapshot.deletedFileRetention
    let cutoff = (world.clock.now() - retention).milliseconds
    let contents = CheckpointContents(
      actions: snapshot.stateActions,
      removed: removed.filter { ($0.deletionTimestamp ?? 0) >= cutoff },
      files: snapshot.files
    )
    let digits = String(snapshot.version.logFileName.dropLast(".json".count))
    let key = "\(Self.logFolder)/\(digits).checkpoint.parquet"
    let temporary = "\(Self.logFolder)/.\(world.makeID()).tmp"
    let count: Int64
    do {
      count = try await checkpoints.writeCheckpoint(
        contents,
        to: "\(store.location)/\(temporary)"
      )
    } catch let error as LakeError {
      throw error
    } catch {
      // Half a file under a temporary name is garbage; failing to remove it changes nothing.
      try? await store.delete(temporary)
      throw .refused(table: name, reason: "the checkpoint could not be written: \(error)")
    }
    guard count == Int64(contents.count) else {
      try? await store.delete(temporary)
      throw .refused(
        table: name,
        reason: "the checkpoint would hold \(count) actions instead of \(contents.count)"
      )
    }
    do {
      try await store.publish(temporary, as: key)
    } catch {
      guard case .alreadyExists = error else { throw .storage(table: name, cause: error) }
    }
    try await writeHint(snapshot, actions: count, key)
  }

  /// Tells readers of the newest checkpoint; they may look at it or not.
  private func writeHint(
    _ snapshot: Snapshot,
    actions: Int64,
    _ key: String
  ) async throws(LakeError) {
    let size = try await storing { () async throws(FileError) in try await store.status(key) }?.size
    if let known = await hintedVersion(), known > snapshot.version { return }
    var hint = JSONObject()
    hint["version"] = .int(snapshot.version.number)
    hint["size"] = .int(actions)
    if let size { hint["sizeInBytes"] = .int(size) }
    hint["numOfAddFiles"] = .int(snapshot.files.count)
    let bytes = Array(JSONValue.object(hint).serialized().utf8)
    try await storing { () async throws(FileError) in
      try await store.replace("\(Self.logFolder)/\(Self.hintName)", bytes)
    }
    // Whoever cleaned up meanwhile has seen the hint before this one.
    let stands = try await storing { () async throws(FileError) in try await store.status(key) }
    if stands == nil {
      try await storing { () async throws(FileError) in
        try await store.delete("\(Self.logFolder)/\(Self.hintName)")
      }
    }
  }

  /// The version whose checkpoint the hint names; nil when there is no hint or none that can be read,
  /// which readers may not mind.
  func hintedVersion() async -> TableVersion? {
    guard let bytes = try? await store.read("\(Self.logFolder)/\(Self.hintName)"),
      let version = (try? JSONValue(parsing: bytes))?["version"]?.integer
    else { return nil }
    return TableVersion(version)
  }

  static let hintName = "_last_checkpoint"

  /// Makes a checkpoint after every so many commits; what fails is told and tried again later.
  func checkpointIfDue(_ version: TableVersion, _ before: Snapshot?) async {
    let interval = before?.checkpointInterval ?? Self.checkpointIntervalDefault
    guard checkpoints != nil, version.number > 0, version.number % interval == 0 else { return }
    do {
      try await checkpoint(at: version)
    } catch {
      // The commit stands; a log without this checkpoint is only longer to read.
      report?(
        LakeNotice(table: name, "table \(name): version \(version) has no checkpoint: \(error)")
      )
    }
  }

  /// The files that left the table, as far as the log still tells.
  func tombstones(of snapshot: Snapshot) async throws(LakeError) -> [RemoveFile] {
    let listing = try await listing()
    var removed: [FileKey: RemoveFile] = [:]
    var start: TableVersion?
    for candidate in listing.candidates(for: snapshot.version) {
      guard checkpoints != nil || candidate.isJSON else { continue }
      guard
        let parts = try? await checkpointParts(candidate, includingRemoved: true)
      else { continue }
      for file in parts.flatMap(\.removed) { removed[file.key] = file }
      start = candidate.version
      break
    }
    let tail = listing.commits(after: start, through: snapshot.version)
    if let missing = tail.missing { throw .gap(table: name, missing: missing) }
    for version in tail.commits {
      let actions = try await actions(of: version)
      for case .remove(let file) in actions { removed[file.key] = file }
      for case .add(let file) in actions { removed[file.key] = nil }
    }
    return removed.values.sorted { $0.path < $1.path }
  }
}

extension Snapshot {
  /// For how long a file that left the table is kept for readers of older versions.
  ///
  /// > Source: Delta transaction log protocol, "Table Properties": `delta.deletedFileRetentionDuration`.
  public var deletedFileRetention: Duration {
    metadata.configuration["delta.deletedFileRetentionDuration"].flatMap(Duration.init(interval:))
      ?? .seconds(7 * 86_400)
  }

  /// For how long commits are kept behind a checkpoint.
  public var logRetention: Duration {
    metadata.configuration["delta.logRetentionDuration"].flatMap(Duration.init(interval:))
      ?? .seconds(30 * 86_400)
  }

  /// What a checkpoint holds besides the files.
  var stateActions: [Action] {
    [.protocol(tableProtocol), .metadata(metadata)]
      + transactions.values.sorted { $0.appID < $1.appID }.map { .transaction($0) }
      + domains.values.sorted { $0.domain < $1.domain }.map { .domain($0) }
  }
}

extension Duration {
  /// A span as table properties have it, such as `interval 1 week` or `7 days`.
  ///
  /// Months and years have no fixed length and are not read.
  ///
  /// > Source: Apache Spark, "Interval literal".
  init?(interval text: String) {
    var words = text.lowercased().split(separator: " ")[...]
    if words.first == "interval" { words.removeFirst() }
    guard !words.isEmpty, words.count.isMultiple(of: 2) else { return nil }
    var seconds: Int64 = 0
    while let number = words.popFirst(), let unit = words.popFirst() {
      guard let count = Int64(number), let length = Self.lengths[String(unit)] else { return nil }
      let (part, tooFar) = count.multipliedReportingOverflow(by: length)
      let (sum, over) = seconds.addingReportingOverflow(part)
      guard !tooFar, !over else { return nil }
      seconds = sum
    }
    self = .seconds(seconds)
  }

  private static let lengths: [String: Int64] = [
    "second": 1, "seconds": 1, "minute": 60, "minutes": 60, "hour": 3600, "hours": 3600,
    "day": 86_400, "days": 86_400, "week": 604_800, "weeks": 604_800,
  ]
}
