// SPDX-License-Identifier: Apache-2.0

public import MillCore
internal import Synchronization

/// A disk of which one operation fails.
///
/// Every call counts as one operation, reads included. A test raises the number of the operation
/// that fails until nothing fails any more, and so has seen every place where it can.
///
/// ```swift
/// let files = FaultyFileSystem(LocalFileSystem(), failing: 3)
/// // the fourth call throws `noSpace`
/// ```
public final class FaultyFileSystem: FileSystem {
  /// What becomes of the operation that fails, and of those after it.
  public enum Fate: Sendable, CaseIterable {
    /// It is not done; later ones are.
    case refused
    /// It is done, yet reported as failed; later ones are done.
    case doneButReported
    /// It is not done and nothing after it is: the process was killed here.
    case killed
  }

  private struct State {
    var count = 0
    var log: [String] = []
  }

  private let base: any FileSystem
  private let failing: Int?
  private let fate: Fate
  private let error: @Sendable (_ path: String) -> FileError
  private let state = Mutex(State())

  /// A disk whose operation of this number fails, counted from 0; with nil none does.
  public init(
    _ base: any FileSystem,
    failing: Int?,
    fate: Fate = .refused,
    with error: @escaping @Sendable (_ path: String) -> FileError = { .noSpace(path: $0) }
  ) {
    self.base = base
    self.failing = failing
    self.fate = fate
    self.error = error
  }

  /// How many operations were asked for.
  public var operations: Int { state.withLock(\.count) }

  /// The operations in their order, such as `link /t/_delta_log/00000000000000000000.json`.
  public var log: [String] { state.withLock(\.log) }

  /// Whether the operation that was to fail has been reached.
  public var hasFailed: Bool { failing.map { operations > $0 } ?? false }

  private func perform<T>(
    _ name: String,
    _ path: String,
    _ body: () throws(FileError) -> T
  ) throws(FileError) -> T {
    let number = state.withLock { state in
      state.log.append("\(name) \(path)")
      defer { state.count += 1 }
      return state.count
    }
    guard let failing else { return try body() }
    switch fate {
    case .refused where number == failing: throw error(path)
    case .killed where number >= failing: throw error(path)
    case .doneButReported where number == failing:
      _ = try body()
      throw error(path)
    default: return try body()
    }
  }

  /// Counted, then read.
  public func read(_ path: String) throws(FileError) -> [UInt8] {
    try perform("read", path) { () throws(FileError) in try base.read(path) }
  }

  /// Counted, then created.
  public func create(_ path: String, _ bytes: [UInt8]) throws(FileError) {
    try perform("create", path) { () throws(FileError) in try base.create(path, bytes) }
  }

  /// Counted, then synced.
  public func syncFile(_ path: String) throws(FileError) {
    try perform("syncFile", path) { () throws(FileError) in try base.syncFile(path) }
  }

  /// Counted, then synced.
  public func syncFolder(_ path: String) throws(FileError) {
    try perform("syncFolder", path) { () throws(FileError) in try base.syncFolder(path) }
  }

  /// Counted under the new name, then linked.
  public func link(_ existing: String, as name: String) throws(FileError) {
    try perform("link", name) { () throws(FileError) in try base.link(existing, as: name) }
  }

  /// Counted under the target, then renamed.
  public func rename(_ source: String, to target: String) throws(FileError) {
    try perform("rename", target) { () throws(FileError) in try base.rename(source, to: target) }
  }

  /// Counted, then removed.
  public func remove(_ path: String) throws(FileError) {
    try perform("remove", path) { () throws(FileError) in try base.remove(path) }
  }

  /// Counted once for all folders, then made.
  public func createFolders(_ path: String) throws(FileError) {
    try perform("createFolders", path) { () throws(FileError) in try base.createFolders(path) }
  }

  /// Counted, then listed.
  public func list(_ path: String) throws(FileError) -> [FileEntry] {
    try perform("list", path) { () throws(FileError) in try base.list(path) }
  }

  /// Counted, then looked up.
  public func status(_ path: String) throws(FileError) -> FileEntry? {
    try perform("status", path) { () throws(FileError) in try base.status(path) }
  }
}
