// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillStreams
import MillTesting
import Synchronization

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// A disk in memory that keeps through a power cut only what was synced, and fails where it is told to.
///
/// What may be lost, under a pessimistic reading of POSIX: of the writes of a file since its last
/// sync each for itself may have reached the disk, whole, in part or not at all, whatever their order
/// (the beginning of a later one without an earlier one, with zeros between); of the changes of names
/// since the last sync of their folder any subset, but for each name in its order; a rename whole or
/// not at all. After a sync that failed what was written before it never becomes durable by a later
/// sync, though it can be read until the power is cut.
///
/// > Source: Pillai and others, "All File Systems Are Not Created Equal", OSDI 2014; Rebello and others,
/// > "Can Applications Recover from fsync Failures?", USENIX ATC 2020.
final class SimulatedLogDisk: LogStorage {
  /// What becomes of an operation that fails.
  enum Fault: CaseIterable {
    /// Nothing, or of a write a part, is done.
    case noSpace
    /// The same; of a sync, what it was to make durable is lost.
    case brokenDisk
    /// It is done, and reported as failed.
    case doneButReported
  }

  /// A disk that lies: what the log relies on is taken away.
  enum Lie: CaseIterable {
    case none
    /// Syncing a file does nothing.
    case syncOfFiles
    /// Syncing a folder does nothing.
    case syncOfFolders
  }

  enum Change {
    case write(at: Int, bytes: [UInt8])
    case truncate(Int)
  }

  struct Inode {
    var content: [UInt8] = []
    var durable: [UInt8] = []
    var pending: [Change] = []
  }

  enum NameChange {
    case add(String, Int)
    case remove(String)
    case rename(String, String, Int)
  }

  struct State {
    var inodes: [Int: Inode] = [:]
    var names: [String: Int] = [:]
    var durableNames: [String: Int] = [:]
    var pendingNames: [NameChange] = []
    var nextInode = 0
    var locks: [String: Int] = [:]
    var lockCount = 0
    var operations = 0
    var faults: [Int: Fault] = [:]
    var syncs = 0
  }

  let lie: Lie
  let state = Mutex(State())
  let isHeld = Mutex(false)

  init(lie: Lie = .none) {
    self.lie = lie
  }

  // MARK: For tests

  var operations: Int { state.withLock(\.operations) }
  var syncs: Int { state.withLock(\.syncs) }

  /// Lets the operation fail that comes so many after the next one.
  func fail(after count: Int, _ fault: Fault) {
    state.withLock { $0.faults[$0.operations + count] = fault }
  }

  /// Lets syncs of files wait until ``letGo()``.
  func hold() { isHeld.withLock { $0 = true } }

  func letGo() { isHeld.withLock { $0 = false } }

  func mend() { state.withLock { $0.faults = [:] } }

  /// The process ended: its locks are free, the page cache is as it was.
  func endProcess() { state.withLock { $0.locks = [:] } }

  /// The power was cut; the seed chooses what is left.
  func powerCut(_ chance: SeededRandom) {
    state.withLock { state in
      state.locks = [:]
      state.faults = [:]
      var names = state.durableNames
      var blocked: Set<String> = []
      for change in state.pendingNames {
        let of: [String] =
          switch change {
          case .add(let name, _), .remove(let name): [name]
          case .rename(let source, let target, _): [source, target]
          }
        guard blocked.isDisjoint(with: of), chance.happens(percent: 60) else {
          blocked.formUnion(of)
          continue
        }
        change.apply(to: &names)
      }
      for number in state.inodes.keys.sorted() {
        guard var inode = state.inodes[number] else { continue }
        for change in inode.pending { change.applyPerhaps(to: &inode.durable, chance) }
        inode.content = inode.durable
        inode.pending = []
        state.inodes[number] = inode
      }
      state.names = names
      state.durableNames = names
      state.pendingNames = []
      let used = Set(names.values)
      state.inodes = state.inodes.filter { used.contains($0.key) }
    }
  }

  func content(_ path: String) -> [UInt8]? {
    state.withLock { state in state.names[path].flatMap { state.inodes[$0]?.content } }
  }

  /// Changes bytes of a file behind everybody's back, on the disk itself.
  func damage(_ path: String, _ body: (inout [UInt8]) -> Void) {
    state.withLock { state in
      guard let number = state.names[path], var inode = state.inodes[number] else { return }
      body(&inode.content)
      inode.durable = inode.content
      inode.pending = []
      state.inodes[number] = inode
    }
  }

  func files(in folder: String) -> [String] {
    state.withLock { state in
      state.names.keys.filter { $0.hasPrefix(folder + "/") }.sorted()
    }
  }

  // MARK: What the log does

  /// Counts an operation and says how it fails.
  func count(_ state: inout State, _ path: String) -> (fault: Fault, error: FileError)? {
    defer { state.operations += 1 }
    guard let fault = state.faults.removeValue(forKey: state.operations) else { return nil }
    if fault == .noSpace { return (fault, .noSpace(path: path)) }
    return (fault, .system(operation: "test", path: path, errno: 5, message: "broken"))
  }

  func open(_ path: String, _ access: LogAccess) throws(FileError) -> any LogFile {
    let inode: Result<Int, FileError> = state.withLock { state in
      if let number = state.names[path] { return .success(number) }
      guard access == .write else { return .failure(.notFound(path: path)) }
      let failure = count(&state, path)
      if let failure, failure.fault != .doneButReported { return .failure(failure.error) }
      state.nextInode += 1
      state.inodes[state.nextInode] = Inode()
      state.names[path] = state.nextInode
      state.pendingNames.append(.add(path, state.nextInode))
      if let failure { return .failure(failure.error) }
      return .success(state.nextInode)
    }
    return SimulatedLogFile(path, self, try inode.get())
  }

  func names(in folder: String) throws(FileError) -> [String] {
    let prefix = folder + "/"
    return state.withLock { state in
      let below = state.names.keys.filter { $0.hasPrefix(prefix) }.map {
        $0.dropFirst(prefix.count)
      }
      return Set(below.map { String($0.prefix { $0 != "/" }) })
        .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }
  }

  /// Folders are always there: what holds them durable is `LogStorage`'s caller and tested elsewhere.
  func createFolders(_ path: String) throws(FileError) {}

  func syncFolder(_ path: String) throws(FileError) {
    try change(path) { state in
      guard self.lie != .syncOfFolders else { return }
      let isThere = { (name: String) in name.hasPrefix(path + "/") }
      var left: [NameChange] = []
      for change in state.pendingNames {
        let name =
          switch change {
          case .add(let name, _), .remove(let name), .rename(let name, _, _): name
          }
        if isThere(name) { change.apply(to: &state.durableNames) } else { left.append(change) }
      }
      state.pendingNames = left
    }
  }

  func rename(_ source: String, to target: String) throws(FileError) {
    guard state.withLock({ $0.names[source] }) != nil else { throw .notFound(path: source) }
    try change(target) { state in
      guard let number = state.names[source] else { return }
      let change = NameChange.rename(source, target, number)
      change.apply(to: &state.names)
      state.pendingNames.append(change)
    }
  }

  func remove(_ path: String) throws(FileError) {
    guard state.withLock({ $0.names[path] }) != nil else { return }
    try change(path) { state in
      state.names[path] = nil
      state.pendingNames.append(.remove(path))
    }
  }

  func lock(_ path: String) throws(FileError) -> (any LogLock)? {
    let number: Int? = state.withLock { state in
      if state.locks[path] != nil { return nil }
      state.lockCount += 1
      state.locks[path] = state.lockCount
      return state.lockCount
    }
    return number.map { SimulatedLogLock(self, path, $0) }
  }

  private func change(_ path: String, _ body: (inout State) -> Void) throws(FileError) {
    let failure: FileError? = state.withLock { state in
      let failure = count(&state, path)
      if let failure, failure.fault != .doneButReported { return failure.error }
      body(&state)
      return failure?.error
    }
    if let failure { throw failure }
  }
}

final class SimulatedLogLock: LogLock {
  private let disk: SimulatedLogDisk
  private let path: String
  private let number: Int

  init(_ disk: SimulatedLogDisk, _ path: String, _ number: Int) {
    (self.disk, self.path, self.number) = (disk, path, number)
  }

  func release() {
    disk.state.withLock { state in
      if state.locks[path] == number { state.locks[path] = nil }
    }
  }

  deinit { release() }
}

final class SimulatedLogFile: LogFile {
  let path: String
  private let disk: SimulatedLogDisk
  private let inode: Int

  init(_ path: String, _ disk: SimulatedLogDisk, _ inode: Int) {
    (self.path, self.disk, self.inode) = (path, disk, inode)
  }

  func size() throws(FileError) -> Int64 {
    disk.state.withLock { Int64($0.inodes[inode]?.content.count ?? 0) }
  }

  func write(_ pieces: [UnsafeRawBufferPointer], at place: Int64) throws(FileError) {
    var bytes: [UInt8] = []
    for piece in pieces { bytes.append(contentsOf: piece) }
    let written = bytes
    try change { inode, fault in
      // A write that is refused has often begun.
      let part =
        fault == nil || fault == .doneButReported
        ? written : Array(written.prefix(written.count / 2))
      let change = SimulatedLogDisk.Change.write(at: Int(place), bytes: part)
      change.apply(to: &inode.content)
      inode.pending.append(change)
    }
  }

  func read(into memory: UnsafeMutableRawBufferPointer, at place: Int64) throws(FileError) -> Int {
    disk.state.withLock { state in
      let content = state.inodes[inode]?.content ?? []
      guard place < content.count else { return 0 }
      let part = content[Int(place)...].prefix(memory.count)
      memory.copyBytes(from: part)
      return part.count
    }
  }

  func truncate(to size: Int64) throws(FileError) {
    try change { inode, fault in
      guard fault == nil || fault == .doneButReported else { return }
      let change = SimulatedLogDisk.Change.truncate(Int(size))
      change.apply(to: &inode.content)
      inode.pending.append(change)
    }
  }

  func sync() throws(FileError) {
    disk.state.withLock { $0.syncs += 1 }
    // On the writer's own thread, so nobody is kept from working.
    while disk.isHeld.withLock({ $0 }) { sched_yield() }
    try change { [disk] inode, fault in
      guard disk.lie != .syncOfFiles else { return }
      switch fault {
      case .noSpace: return
      case .brokenDisk:
        // Clean in the cache, and not on the disk: no later sync makes up for it.
        inode.pending = []
      case .doneButReported, nil:
        for change in inode.pending { change.apply(to: &inode.durable) }
        inode.pending = []
      }
    }
  }

  private func change(
    _ body: (inout SimulatedLogDisk.Inode, SimulatedLogDisk.Fault?) -> Void
  ) throws(FileError) {
    let failure: FileError? = disk.state.withLock { state in
      let failure = disk.count(&state, path)
      body(&state.inodes[inode, default: SimulatedLogDisk.Inode()], failure?.fault)
      return failure?.error
    }
    if let failure { throw failure }
  }
}

extension SimulatedLogDisk.Change {
  func apply(to bytes: inout [UInt8]) {
    switch self {
    case .write(let place, let written):
      if bytes.count < place + written.count {
        bytes += [UInt8](repeating: 0, count: place + written.count - bytes.count)
      }
      bytes.replaceSubrange(place..<(place + written.count), with: written)
    case .truncate(let size):
      if bytes.count > size { bytes.removeLast(bytes.count - size) }
    }
  }

  /// Whole, in part, as zeros, or not at all.
  func applyPerhaps(to bytes: inout [UInt8], _ chance: SeededRandom) {
    guard case .write(let place, let written) = self else {
      if chance.happens(percent: 50) { apply(to: &bytes) }
      return
    }
    let kept = chance.below(written.count + 1)
    switch chance.below(5) {
    case 0: return
    case 1: Self.write(at: place, bytes: Array(written.prefix(kept))).apply(to: &bytes)
    case 2 where place >= bytes.count:
      // The length reached the disk, the content did not.
      let zeros = [UInt8](repeating: 0, count: written.count - kept)
      Self.write(at: place, bytes: written.prefix(kept) + zeros).apply(to: &bytes)
    case 3: Self.write(at: place + kept, bytes: Array(written.dropFirst(kept))).apply(to: &bytes)
    default: apply(to: &bytes)
    }
  }
}

extension SimulatedLogDisk.NameChange {
  func apply(to names: inout [String: Int]) {
    switch self {
    case .add(let name, let number): names[name] = number
    case .remove(let name): names[name] = nil
    case .rename(let source, let target, let number):
      names[source] = nil
      names[target] = number
    }
  }
}
