// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillLake
import MillTesting
import Testing

@Suite("Checkpoints in parts")
struct PartedCheckpointTests {
  private static let columns = ["day"]
  private static let count = 4

  /// Reads parts that hold one file each, one of them the metadata as well.
  ///
  /// Like every reader of Parquet it needs the partition columns for the files of a part, from
  /// whoever asks or from the part itself.
  private struct Parts: CheckpointFormat {
    var metadataPart: Int

    func readCheckpoint(
      _ location: String,
      partitionColumns: [String]?,
      includingRemoved: Bool
    ) async throws -> CheckpointPart {
      let name = String(location.split(separator: "/").last ?? "")
      guard case .checkpointPart(_, let part, _)? = LogFileName(name) else {
        return CheckpointPart(files: nil, actions: [])
      }
      var actions: [Action] = []
      var known = partitionColumns
      if part == metadataPart {
        let schema = Schema([Field("id", .long), Field("day", .date)])
        let metadata = TableMetadata(id: "t", schema: schema, partitionColumns: columns)
        actions = [.protocol(.classic), .metadata(metadata)]
        known = columns
      }
      var builder = FileBlock.Builder(partitionColumns: known ?? [])
      let isInside = builder.append(
        AddFile(
          path: "file-\(part)",
          partitionValues: ["day": "2024-03-0\(part)"],
          size: 1,
          modificationTime: 0
        )
      )
      #expect(isInside)
      return CheckpointPart(files: builder.finish(), actions: actions)
    }

    func writeCheckpoint(
      _ contents: CheckpointContents,
      to location: String
    ) async throws -> Int64 {
      contents.files.reduce(0) { count, _ in count + 1 }
    }
  }

  /// > Source: delta-spark spreads a checkpoint over its parts by a hash of the path, so that what
  /// > has no path may stand in any of them.
  @Test(
    "the files of every part keep their partition values, wherever the metadata stands",
    arguments: 1...count
  )
  func metadata(in part: Int) async throws {
    let disk = try TableOnDisk()
    let files = LocalFileSystem()
    try files.createFolders("\(disk.location)/_delta_log")
    for number in 1...Self.count {
      let name = "00000000000000000003.checkpoint.000000000\(number).000000000\(Self.count).parquet"
      try files.create("\(disk.location)/_delta_log/\(name)", [])
    }
    let world = World.virtual(seed: 1, files: files)
    let table = DeltaTable(
      name: "silver.t",
      store: LocalObjectStore(
        location: disk.location,
        below: disk.folder.path,
        world: world,
        thread: TableOnDisk.thread
      ),
      world: world,
      checkpoints: Parts(metadataPart: part)
    )
    let snapshot = try await table.snapshot()
    #expect(snapshot.version == TableVersion(3))
    #expect(
      snapshot.files.map { $0.partitionValues["day"] ?? nil }
        == (1...Self.count).map { "2024-03-0\($0)" }
    )
    let wanted = TablePredicate.compare(["day"], .equal, "2024-03-01")
    #expect(snapshot.files(matching: wanted).map(\.path) == ["file-1"])
  }
}
