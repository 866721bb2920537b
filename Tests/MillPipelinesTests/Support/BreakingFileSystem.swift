// SPDX-License-Identifier: Apache-2.0

import MillCore
import Synchronization

/// The real disk, of which chosen operations fail or tell somebody that they happen.
final class BreakingFileSystem: FileSystem {
  /// What breaks.
  enum Break: Sendable {
    case never
    /// One operation, counted from 0; all others succeed.
    case once(Int)
    /// This operation and all that follow, as when a cable is pulled.
    case from(Int)
  }

  private let disk = LocalFileSystem()
  private let breaking: Break
  private let count = Mutex(0)
  private let onOperation: @Sendable (_ name: String, _ path: String) throws(FileError) -> Void

  init(
    _ breaking: Break,
    onOperation: @escaping @Sendable (String, String) throws(FileError) -> Void = { _, _ in }
  ) {
    self.breaking = breaking
    self.onOperation = onOperation
  }

  /// How many operations there were.
  var operations: Int { count.withLock { $0 } }

  private func step(_ name: String, _ path: String) throws(FileError) {
    let number = count.withLock { count in
      defer { count += 1 }
      return count
    }
    let isBroken =
      switch breaking {
      case .never: false
      case .once(let broken): number == broken
      case .from(let first): number >= first
      }
    if isBroken { throw .system(operation: name, path: path, errno: 5, message: "made to fail") }
    try onOperation(name, path)
  }

  func read(_ path: String) throws(FileError) -> [UInt8] {
    try step("read", path)
    return try disk.read(path)
  }

  func create(_ path: String, _ bytes: [UInt8]) throws(FileError) {
    try step("create", path)
    try disk.create(path, bytes)
  }

  func syncFile(_ path: String) throws(FileError) {
    try step("sync", path)
    try disk.syncFile(path)
  }

  func syncFolder(_ path: String) throws(FileError) {
    try step("sync", path)
    try disk.syncFolder(path)
  }

  func link(_ existing: String, as name: String) throws(FileError) {
    try step("link", name)
    try disk.link(existing, as: name)
  }

  func rename(_ source: String, to target: String) throws(FileError) {
    try step("rename", target)
    try disk.rename(source, to: target)
  }

  func remove(_ path: String) throws(FileError) {
    try step("remove", path)
    try disk.remove(path)
  }

  func createFolders(_ path: String) throws(FileError) {
    try step("mkdir", path)
    try disk.createFolders(path)
  }

  func list(_ path: String) throws(FileError) -> [FileEntry] {
    try step("list", path)
    return try disk.list(path)
  }

  func status(_ path: String) throws(FileError) -> FileEntry? {
    try step("stat", path)
    return try disk.status(path)
  }
}

extension World {
  /// The real world with another disk.
  static func with(_ files: any FileSystem) -> World {
    var world = World.system()
    world.files = files
    return world
  }
}
