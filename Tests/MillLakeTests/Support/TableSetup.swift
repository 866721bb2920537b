// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillLake
import MillTesting

extension TableOnDisk {
  /// The same table with checkpoints, over any disk and clock.
  func withCheckpoints(
    _ disk: any FileSystem = LocalFileSystem(),
    seed: UInt64 = 7,
    clock: any WallClock = SteppedClock(start: Instant(microseconds: 1_700_000_000_000_000)),
    cache: SnapshotCache? = nil,
    report: (@Sendable (LakeNotice) -> Void)? = nil
  ) -> DeltaTable {
    let world = World.virtual(seed: seed, files: disk, clock: clock)
    return DeltaTable(
      name: "silver.t",
      store: LocalObjectStore(
        location: location,
        below: folder.path,
        world: world,
        thread: Self.thread
      ),
      world: world,
      checkpoints: JSONCheckpoints(files: disk),
      cache: cache,
      report: report
    )
  }

  /// A change with one file that the test engine has written.
  func change(_ name: String, rows: Int64 = 1) throws -> TableChange {
    TableChange(mode: .append, files: [try file(name, rows: rows)], schema: twoColumns)
  }
}

/// The code of the failure that a piece of work throws, or nil.
func failureCode(_ body: () async throws -> Void) async -> String? {
  do {
    try await body()
    return nil
  } catch let error as any Failure {
    return error.code
  } catch {
    return "\(error)"
  }
}
