// SPDX-License-Identifier: Apache-2.0

public import MillCore

/// All tables of a project: `lake/{bronze,silver,gold,quarantine,dead_letters}/NAME`.
public struct Lake: Sendable {
  /// The folder that holds the layers, absolute.
  public let location: String
  private let standing: String
  private let world: World
  private let thread: BlockingExecutor

  /// A lake below an absolute folder, which need not exist yet.
  public init(location: String, world: World) {
    self.location = location
    standing = LocalObjectStore.folder(of: location)
    self.world = world
    thread = BlockingExecutor(name: "mill-lake")
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
      world: world
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
          try await store.list(log).contains(where: { TableVersion(logFileName: $0.name) != nil })
        else { continue }
        names.append(name)
      }
    }
    return names
  }
}
