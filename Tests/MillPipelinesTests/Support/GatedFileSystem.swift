// SPDX-License-Identifier: Apache-2.0

import Foundation
import MillCore
import Synchronization

/// The real disk, at one operation of which the run stands still until it is let on.
final class GatedFileSystem: FileSystem {
  private let disk = LocalFileSystem()
  private let suffix: String
  private let reached = AsyncStream<Void>.makeStream()
  private let gate = DispatchSemaphore(value: 0)
  private let isPassed = Mutex(false)

  /// - Parameter suffix: The end of the path whose first link waits.
  init(linking suffix: String) {
    self.suffix = suffix
  }

  /// Waits until the run stands at the gate.
  func waitUntilReached() async {
    for await _ in reached.stream { return }
  }

  /// Lets the run go on.
  func open() { gate.signal() }

  func link(_ existing: String, as name: String) throws(FileError) {
    let isFirst = isPassed.withLock { isPassed in
      guard !isPassed, name.hasSuffix(suffix) else { return false }
      isPassed = true
      return true
    }
    if isFirst {
      reached.continuation.yield()
      // A thread of a BlockingExecutor waits here, none of the cooperative pool.
      gate.wait()
    }
    try disk.link(existing, as: name)
  }

  func read(_ path: String) throws(FileError) -> [UInt8] { try disk.read(path) }
  func create(_ path: String, _ bytes: [UInt8]) throws(FileError) { try disk.create(path, bytes) }
  func syncFile(_ path: String) throws(FileError) { try disk.syncFile(path) }
  func syncFolder(_ path: String) throws(FileError) { try disk.syncFolder(path) }
  func rename(_ source: String, to target: String) throws(FileError) {
    try disk.rename(source, to: target)
  }
  func remove(_ path: String) throws(FileError) { try disk.remove(path) }
  func createFolders(_ path: String) throws(FileError) { try disk.createFolders(path) }
  func list(_ path: String) throws(FileError) -> [FileEntry] { try disk.list(path) }
  func status(_ path: String) throws(FileError) -> FileEntry? { try disk.status(path) }
}
