// SPDX-License-Identifier: Apache-2.0

public import MillCore

/// A Delta Lake table: Parquet files and a log of JSON commits that says which of them count.
///
/// Tables that Millrace makes have reader version 1 and writer version 2, which every reader of
/// Delta can read; it reads and writes those of other writers with the features that
/// ``TableFeature`` names.
///
/// ```swift
/// let table = DeltaTable(name: "silver.flights", store: store, world: .system(), checkpoints: engine)
/// let snapshot = try await table.snapshot()
/// snapshot.rows  // 100000
/// ```
///
/// > Source: Delta transaction log protocol.
public struct DeltaTable: Sendable {
  /// The name that errors and commits carry.
  public let name: String
  /// Where the log and the files lie.
  public let store: any ObjectStore
  let world: World
  /// Who reads and writes the Parquet files of the log; nil for a table without checkpoints.
  let checkpoints: (any CheckpointFormat)?
  let cache: SnapshotCache?
  let report: (@Sendable (LakeNotice) -> Void)?

  /// A table at a place; whether it exists is seen when it is used.
  ///
  /// - Parameters:
  ///   - checkpoints: Who reads and writes checkpoints; without it a table that has them is read
  ///     from its commits, and none are made.
  ///   - cache: Where snapshots are kept between calls, so that only newer commits are read.
  ///   - report: Called for what was amiss and could be got around.
  public init(
    name: String,
    store: any ObjectStore,
    world: World,
    checkpoints: (any CheckpointFormat)? = nil,
    cache: SnapshotCache? = nil,
    report: (@Sendable (LakeNotice) -> Void)? = nil
  ) {
    self.name = name
    self.store = store
    self.world = world
    self.checkpoints = checkpoints
    self.cache = cache
    self.report = report
  }

  static let logFolder = "_delta_log"

  /// Whether the folder holds a table.
  public func exists() async throws(LakeError) -> Bool {
    try await !listing().isEmpty
  }

  /// The newest version, or nil when there is no table.
  public func newestVersion() async throws(LakeError) -> TableVersion? {
    let listing = try await listing()
    guard let newest = listing.newest else { return nil }
    try requireWhole(listing, through: newest)
    return newest
  }

  /// Makes the folder into which an engine writes this table's files.
  public func prepare() async throws(LakeError) {
    try await storing { () async throws(FileError) in try await store.prepare("") }
  }

  /// The names in the log, in one operation.
  package func listing() async throws(LakeError) -> LogListing {
    LogListing(
      try await storing { () async throws(FileError) in try await store.names(Self.logFolder) }
    )
  }

  /// Refuses a log from which a version cannot be made.
  func requireWhole(
    _ listing: LogListing,
    through version: TableVersion
  ) throws(LakeError) {
    let newest = listing.candidates(for: version).first?.version
    guard let missing = listing.commits(after: newest, through: version).missing else { return }
    throw .gap(table: name, missing: missing)
  }

  /// The actions of one commit.
  func actions(of version: TableVersion) async throws(LakeError) -> [Action] {
    guard let actions = try await actionsIfExist(of: version) else {
      throw .gap(table: name, missing: version)
    }
    return actions
  }

  /// The actions of one commit, or nil when nobody has made it.
  func actionsIfExist(of version: TableVersion) async throws(LakeError) -> [Action]? {
    let bytes: [UInt8]
    do {
      bytes = try await store.read("\(Self.logFolder)/\(version.logFileName)")
    } catch {
      if case .notFound = error { return nil }
      throw .storage(table: name, cause: error)
    }
    return try parse(bytes, version)
  }

  /// Reads actions, a line each.
  func parse(_ bytes: [UInt8], _ version: TableVersion) throws(LakeError) -> [Action] {
    var actions: [Action] = []
    var start = 0
    var line = 0
    while start < bytes.count {
      let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
      line += 1
      defer { start = end + 1 }
      guard end > start else { continue }
      do {
        actions.append(try Action(line: Array(bytes[start..<end])))
      } catch {
        if let feature = error.feature {
          throw .unsupported(table: name, version: version, feature: feature)
        }
        throw .corruptCommit(
          table: name,
          version: version,
          line: line,
          reason: error.reason
        )
      }
    }
    return actions
  }

  func storing<T>(
    _ body: () async throws(FileError) -> T
  ) async throws(LakeError) -> T {
    do {
      return try await body()
    } catch {
      throw .storage(table: name, cause: error)
    }
  }
}
