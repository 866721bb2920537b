// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillLake

/// Checkpoints as lines of JSON under the names of Parquet files, for disks that no engine can read.
struct JSONCheckpoints: CheckpointFormat {
  let files: any FileSystem

  func readCheckpoint(
    _ location: String,
    partitionColumns: [String]?,
    includingRemoved: Bool
  ) async throws -> CheckpointPart {
    var actions: [Action] = []
    var removed: [RemoveFile] = []
    var builder = FileBlock.Builder(partitionColumns: partitionColumns ?? [])
    let bytes = try files.read(location)
    var lines = bytes.split(separator: UInt8(ascii: "\n")).map(Array.init)
    guard let last = lines.popLast(), last == Array("end".utf8) else {
      throw Torn(location: location)
    }
    for line in lines {
      switch try Action(line: line) {
      case .add(let file):
        guard builder.append(file) else { throw Torn(location: location) }
      case .remove(let file): removed.append(file)
      case let action: actions.append(action)
      }
    }
    return CheckpointPart(
      files: builder.count == 0 ? nil : builder.finish(),
      actions: actions,
      removed: includingRemoved ? removed : []
    )
  }

  func writeCheckpoint(_ contents: CheckpointContents, to location: String) async throws -> Int64 {
    let actions =
      contents.actions + contents.removed.map { .remove($0) } + contents.files.map { .add($0) }
    let text = (actions.map(\.line) + ["end"]).joined(separator: "\n")
    try files.create(location, Array(text.utf8))
    return Int64(actions.count)
  }

  /// A checkpoint of which only a part reached the disk.
  struct Torn: Error {
    var location: String
  }
}
