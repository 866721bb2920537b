// SPDX-License-Identifier: Apache-2.0

public import MillCore
internal import Synchronization

/// A whole disk in memory that remembers what was done to it and what a power cut would leave.
///
/// It behaves as a local disk of Linux does, errors included, and keeps a record of every operation
/// that changed or synced something. ``states(afterOperations:limit:seed:)`` gives the disks that
/// may be found when the power was cut at any place in the record.
///
/// ```swift
/// let disk = SimulatedDisk()
/// disk.loadFolder("/t")
/// try disk.create("/t/a", [1, 2])
/// disk.states(afterOperations: 1).count
/// // 6: without /t/a, or with [], [1], [0, 0], [1, 0] or [1, 2] in it
/// ```
///
/// What may be lost, under a pessimistic reading of POSIX:
///
/// - The **content** of a file is safe after ``syncFile(_:)`` under any of its names. Before, it may
///   be cut anywhere, from nothing to the whole, and the part cut off may have been replaced by
///   zeros. All names of one file have one content.
/// - A **name** made, moved or removed is safe after ``syncFolder(_:)`` of its folder; syncing the
///   file does not help. Before, any subset of these changes may have reached the disk, whatever
///   their order, but for three rules:
///   1. Changes of one same name in one folder reach the disk in their order: with a later one come
///      all earlier ones.
///   2. A rename is one change, of two names: both halves or neither. When it crosses folders, the
///      sync of either makes all of it safe, and what rule 1 asks for with it.
///   3. Renames of whole folders reach the disk in their order; else folders could form a ring.
/// - A **folder** whose own name is lost takes all that is in it along, synced or not.
/// - A link may survive the name that it was made from, and a file the folder that it was moved
///   out of.
///
/// Paths are absolute and have no symbolic links; a slash at the end is ignored. Names are told
/// apart by their bytes.
///
/// > Source: POSIX `fsync`, `rename`; Pillai and others, "All File Systems Are Not Created Equal",
/// > OSDI 2014.
public final class SimulatedDisk: FileSystem, CustomStringConvertible {
  /// Something that was done to the disk; what was refused is not in the record.
  public enum Operation: Hashable, Sendable, CustomStringConvertible {
    /// A new file got a name and a content of so many bytes.
    case create(path: String, size: Int)
    /// The content of a file was made durable.
    case syncFile(path: String)
    /// The names in a folder were made durable.
    case syncFolder(path: String)
    /// A file got one more name.
    case link(existing: String, name: String)
    /// A file or a folder changed its name.
    case rename(source: String, target: String)
    /// A file lost a name, or an empty folder its only one.
    case remove(path: String)
    /// One folder was made: ``SimulatedDisk/createFolders(_:)`` is one of these for each missing one.
    case createFolder(path: String)

    /// The operation and its paths, such as `link /t/.a.tmp /t/a`.
    public var description: String {
      switch self {
      case .create(let path, let size): "create \(path) (\(size) bytes)"
      case .syncFile(let path): "syncFile \(path)"
      case .syncFolder(let path): "syncFolder \(path)"
      case .link(let existing, let name): "link \(existing) \(name)"
      case .rename(let source, let target): "rename \(source) \(target)"
      case .remove(let path): "remove \(path)"
      case .createFolder(let path): "createFolder \(path)"
      }
    }
  }

  private let clock: any WallClock
  private let state: Mutex<State>

  /// An empty disk with a durable root.
  ///
  /// - Parameters:
  ///   - clock: Where the times of change come from.
  ///   - capacity: Bytes that all contents together may take; nil for no bound.
  ///   - supportsLinks: Whether ``link(_:as:)`` works at all.
  ///   - readOnlyPaths: Files and folders that are refused any change, with all that is below.
  public init(
    clock: any WallClock = SteppedClock(),
    capacity: Int? = nil,
    supportsLinks: Bool = true,
    readOnlyPaths: [String] = []
  ) {
    self.clock = clock
    var state = State(started: clock.now())
    state.capacity = capacity
    state.supportsLinks = supportsLinks
    state.readOnlyPaths = readOnlyPaths
    self.state = Mutex(state)
  }

  private init(clock: any WallClock, state: State) {
    self.clock = clock
    self.state = Mutex(state)
  }

  // MARK: What the disk is like

  /// Bytes that all contents together may take; beyond, ``create(_:_:)`` throws `noSpace`.
  public var capacity: Int? {
    get { state.withLock(\.capacity) }
    set { state.withLock { $0.capacity = newValue } }
  }

  /// Whether hard links can be made; without, ``link(_:as:)`` throws `linksUnsupported`.
  public var supportsLinks: Bool {
    get { state.withLock(\.supportsLinks) }
    set { state.withLock { $0.supportsLinks = newValue } }
  }

  /// Paths at which and below which every change of a name throws `notPermitted`.
  public var readOnlyPaths: [String] {
    get { state.withLock(\.readOnlyPaths) }
    set { state.withLock { $0.readOnlyPaths = newValue } }
  }

  /// Puts a durable file on the disk, in folders that are durable too.
  ///
  /// It stands before the record, so nothing may be recorded yet, nor the name be taken.
  public func load(_ path: String, _ bytes: [UInt8]) {
    let now = clock.now()
    state.withLock { $0.load(path, bytes, at: now) }
  }

  /// Puts a durable folder on the disk, and those above it; it stands before the record.
  public func loadFolder(_ path: String) {
    let now = clock.now()
    state.withLock { $0.load(path, nil, at: now) }
  }

  // MARK: What was done and what a power cut leaves

  /// What changed or synced something, in order.
  public var operations: [Operation] { state.withLock { $0.record.map(\.operation) } }

  /// The present end of the record: so many operations have been done.
  public func mark() -> Int { state.withLock { $0.record.count } }

  /// The disks that may be found when the power was cut after the first `count` operations.
  ///
  /// All of them if there are at most `limit`, where five contents stand for all that an unsynced
  /// file may have: nothing, the first half, the whole, zeros, and the first half before zeros.
  /// Otherwise `limit` different ones, drawn with the seed and with cuts at any length. The first
  /// always has nothing that was not synced, and the last has everything unless that is the same.
  ///
  /// On a disk that was found so, everything is durable and the record is empty; it has the same
  /// clock and limits, and files keep their identities. Life goes on there and can be cut again.
  ///
  /// - Parameter limit: At least 2.
  /// - Complexity: (names on the disk + operations) for each state, and for each subset that looks
  ///   like an earlier one; after 64 such for each state of the limit it is left at a sample, which
  ///   may then be smaller. Each sync costs the changes that are not yet durable.
  public func states(
    afterOperations count: Int,
    limit: Int = 1000,
    seed: UInt64 = 0
  ) -> [SimulatedDisk] {
    let state = state.withLock { $0 }
    precondition(count >= 0 && count <= state.record.count, "the record has no place \(count)")
    let cut = PowerCut(state, afterOperations: count)
    return cut.outcomes(limit: limit, seed: seed).map {
      SimulatedDisk(clock: clock, state: state.found($0))
    }
  }

  /// All names below the root in byte order, one on a line, for messages.
  ///
  /// ```text
  /// /t/
  /// /t/a 2 bytes, file 4
  /// ```
  public var description: String { state.withLock { $0.lines(below: State.root, "") }.joined() }

  // MARK: Operations

  /// The whole content of a file, synced or not.
  public func read(_ path: String) throws(FileError) -> [UInt8] {
    try locked { (state) throws(FileError) in try state.read(path) }
  }

  /// Makes a file of which neither content nor name is durable.
  ///
  /// What does not fit is taken away again, as `LocalFileSystem` does; so a power cut may find a
  /// part of it.
  public func create(_ path: String, _ bytes: [UInt8]) throws(FileError) {
    let now = clock.now()
    try locked { (state) throws(FileError) in try state.create(path, bytes, at: now) }
  }

  /// Makes a content durable, under all names that the file has; of a folder it syncs the names.
  public func syncFile(_ path: String) throws(FileError) {
    try locked { (state) throws(FileError) in try state.sync(path) }
  }

  /// Makes the names in a folder durable, not its own and not the contents.
  public func syncFolder(_ path: String) throws(FileError) {
    try locked { (state) throws(FileError) in try state.sync(path, isFolder: true) }
  }

  /// Gives a file a second name, which is not durable.
  public func link(_ existing: String, as name: String) throws(FileError) {
    let now = clock.now()
    try locked { (state) throws(FileError) in try state.link(existing, as: name, at: now) }
  }

  /// Moves a file or a folder in place of what has the name `target`, which may come back.
  ///
  /// Nothing happens when both are names of one file: POSIX leaves both.
  public func rename(_ source: String, to target: String) throws(FileError) {
    let now = clock.now()
    try locked { (state) throws(FileError) in try state.rename(source, to: target, at: now) }
  }

  /// Removes a name, which may come back.
  public func remove(_ path: String) throws(FileError) {
    let now = clock.now()
    try locked { (state) throws(FileError) in try state.remove(path, at: now) }
  }

  /// Makes folders whose names are not durable.
  public func createFolders(_ path: String) throws(FileError) {
    let now = clock.now()
    try locked { (state) throws(FileError) in try state.createFolders(path, at: now) }
  }

  /// The names as they are now, durable or not.
  public func list(_ path: String) throws(FileError) -> [FileEntry] {
    try locked { (state) throws(FileError) in
      try state.entries(of: path).map { state.entry($0.node, $0.name.description) }
    }
  }

  /// The names in a folder in byte order, without what is known of them.
  public func names(in path: String) throws(FileError) -> [String] {
    try locked { (state) throws(FileError) in
      try state.entries(of: path).map(\.name.description)
    }
  }

  /// What is known of a path now, durable or not.
  public func status(_ path: String) throws(FileError) -> FileEntry? {
    try locked { (state) throws(FileError) in try state.status(path) }
  }

  private func locked<T: Sendable>(
    _ body: (inout State) throws(FileError) -> T
  ) throws(FileError) -> T {
    let outcome: Result<T, FileError> = state.withLock { state in
      Result { () throws(FileError) -> T in try body(&state) }
    }
    return try outcome.get()
  }
}
