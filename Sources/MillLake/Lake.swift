// SPDX-License-Identifier: Apache-2.0

public import MillCore

/// All tables of a project: `lake/{bronze,silver,gold,quarantine,dead_letters}/NAME`.
public struct Lake: Sendable {
  /// The folder that holds the layers, absolute.
  public let location: String
  private let standing: String
  private let world: World
  private let thread: BlockingExecutor
  private let checkpoints: (any CheckpointFormat)?
  private let cache = SnapshotCache()
  private let report: (@Sendable (LakeNotice) -> Void)?

  /// A lake below an absolute folder, which need not exist yet.
  ///
  /// - Parameters:
  ///   - checkpoints: Who reads and writes the Parquet files of logs.
  ///   - report: Called for what was amiss in a log and could be got around.
  public init(
    location: String,
    world: World,
    checkpoints: (any CheckpointFormat)? = nil,
    report: (@Sendable (LakeNotice) -> Void)? = nil
  ) {
    self.location = location
    standing = LocalObjectStore.folder(of: location)
    self.world = world
    thread = BlockingExecutor(name: "mill-lake")
    self.checkpoints = checkpoints
    self.report = report
  }

  /// A Delta table anywhere on the disk, whoever made it.
  ///
  /// - Parameter folder: The table's absolute folder.
  public func table(at folder: String) -> DeltaTable {
    DeltaTable(
      name: folder,
      store: LocalObjectStore(location: folder, world: world, thread: thread),
      world: world,
      checkpoints: checkpoints,
      cache: cache,
      report: report
    )
  }

  /// The table of a dataset such as `silver.flights`; it need not exist.
  public func table(_ dataset: DatasetName) -> DeltaTable {
    DeltaTable(
      name: dataset.description,
      store: LocalObjectStore(
        location: "\(location)/\(dataset.layer.rawValue)/\(dataset.name)",
        below: standing,
        world: world,
        thread: thread
      ),
      world: world,
      checkpoints: checkpoints,
      cache: cache,
      report: report
    )
  }

  /// The names of all tables that exist, in order.
  public func datasets() async throws(FileError) -> [DatasetName] {
    let store = LocalObjectStore(location: location, world: world, thread: thread)
    var names: [DatasetName] = []
    for layer in DatasetName.Layer.allCases {
      for entry in try await store.list(layer.rawValue) where entry.isPrefix {
        let log = "\(layer.rawValue)/\(entry.name)/\(DeltaTable.logFolder)"
        guard let name = DatasetName(layer: layer, name: entry.name),
          // A folder that a run only got ready holds no table yet.
          try await store.names(log).contains(where: { LogFileName($0) != nil })
        else { continue }
        names.append(name)
      }
    }
    return names
  }
}
