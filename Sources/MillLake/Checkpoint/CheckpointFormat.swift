// SPDX-License-Identifier: Apache-2.0

internal import MillCore

/// Reads and writes the Parquet files that a log itself consists of: checkpoints and sidecars.
///
/// The lake decides what is in them; whoever can read and write Parquet, usually the engine,
/// fulfils this. Files are named by location, as an engine opens them.
public protocol CheckpointFormat: Sendable {
  /// Reads one Parquet file of a checkpoint, or a sidecar.
  ///
  /// - Parameters:
  ///   - location: The file, absolute.
  ///   - partitionColumns: The physical names of the partition columns, when they are known from
  ///     another file of the checkpoint; nil to find them in this one.
  ///   - includingRemoved: Whether files that left the table are wanted too.
  func readCheckpoint(
    _ location: String,
    partitionColumns: [String]?,
    includingRemoved: Bool
  ) async throws -> CheckpointPart

  /// Writes a checkpoint of the classic kind as one Parquet file.
  ///
  /// - Returns: How many actions the file holds.
  func writeCheckpoint(_ contents: CheckpointContents, to location: String) async throws -> Int64
}

/// What one file of a checkpoint holds.
public struct CheckpointPart: Sendable {
  /// The files of the table; nil when there are none in this part.
  package var files: FileBlock?
  /// Everything that is not a file: protocol, metadata, transactions, domains, sidecars.
  package var actions: [Action]
  /// Files that left the table and may still be read by older versions.
  package var removed: [RemoveFile]

  package init(files: FileBlock?, actions: [Action], removed: [RemoveFile] = []) {
    self.files = files
    self.actions = actions
    self.removed = removed
  }
}

/// What a checkpoint of a version is to hold.
public struct CheckpointContents: Sendable {
  /// Protocol, metadata, transactions and domains.
  public var actions: [Action]
  /// Files that left the table and must still be kept.
  public var removed: [RemoveFile]
  /// The files of the table.
  public var files: FileList

  /// How many actions that is.
  public var count: Int { actions.count + removed.count + files.count }

  /// The contents of a checkpoint.
  public init(actions: [Action], removed: [RemoveFile], files: FileList) {
    self.actions = actions
    self.removed = removed
    self.files = files
  }
}
