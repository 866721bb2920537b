// SPDX-License-Identifier: Apache-2.0

internal import MillCore
internal import MillLake

/// Who reads and writes checkpoints, opened when a table first has one.
actor LazyCheckpoints: CheckpointFormat {
  private let open: @Sendable () throws -> any CheckpointFormat
  private let thread = BlockingExecutor(name: "mill-checkpoint-open")
  private var opening: Task<any CheckpointFormat, any Error>?

  init(open: @escaping @Sendable () throws -> any CheckpointFormat) {
    self.open = open
  }

  func readCheckpoint(
    _ location: String,
    partitionColumns: [String]?,
    includingRemoved: Bool
  ) async throws -> CheckpointPart {
    try await format().readCheckpoint(
      location,
      partitionColumns: partitionColumns,
      includingRemoved: includingRemoved
    )
  }

  func writeCheckpoint(_ contents: CheckpointContents, to location: String) async throws -> Int64 {
    try await format().writeCheckpoint(contents, to: location)
  }

  private func format() async throws -> any CheckpointFormat {
    // Callers that come while it opens wait for the same opening.
    let task = opening ?? Task { [open, thread] in try await thread.run(open) }
    opening = task
    do {
      return try await task.value
    } catch {
      opening = nil
      throw error
    }
  }
}
