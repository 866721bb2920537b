// SPDX-License-Identifier: Apache-2.0

public import MillCore
internal import Synchronization

/// A disk that keeps through a power cut only what was synced.
///
/// It works on a real folder, so that engines can write there too, and remembers which contents
/// and which names were made durable. ``powerCut(seed:)`` turns the folder into one of the states
/// that a disk may be in afterwards:
///
/// - a name made, moved or removed since its folder was last synced may be as before or as after,
///   each change for itself, whatever the order of the changes was;
/// - content that was never synced may be empty, cut anywhere or whole;
/// - a folder whose own name is lost takes all that is in it along.
///
/// What somebody wrote past this disk, as an engine does, counts as unsynced until it is synced.
///
/// > Source: POSIX `fsync`; Pillai and others, "All File Systems Are Not Created Equal", OSDI 2014.
public final class ForgetfulDisk: FileSystem {
  /// One file, whatever its names are.
  private typealias File = Int

  private enum Entry: Equatable {
    case file(File)
    case folder
  }

  /// A change of a folder that happened whole or not at all.
  private enum Change {
    case added(String, Entry)
    case removed(String)
    case renamed(String, to: String, Entry)
  }

  private struct State {
    /// The entries of each folder as they would surely be after a power cut.
    var durable: [String: [String: Entry]] = [:]
    /// The changes of each folder since it was last synced, in order.
    var pending: [String: [Change]] = [:]
    var files: [String: File] = [:]
    var synced: Set<File> = []
    /// Contents of removed files, which may come back.
    var removed: [File: [UInt8]] = [:]
    var nextFile = 0
  }

  private let base: any FileSystem
  private let root: String
  private let state = Mutex(State())

  /// A disk below an existing folder, whose present content counts as durable.
  ///
  /// - Parameter root: An absolute folder; calls outside of it go straight to `base`.
  public init(_ base: any FileSystem, root: String) throws(FileError) {
    self.base = base
    self.root = root
    try locked { (state) throws(FileError) in try self.keepEverything(in: root, &state) }
  }

  // MARK: Operations

  /// The whole content of a file, synced or not.
  public func read(_ path: String) throws(FileError) -> [UInt8] { try base.read(path) }

  /// Makes a file of which neither content nor name is durable.
  public func create(_ path: String, _ bytes: [UInt8]) throws(FileError) {
    try locked { (state) throws(FileError) in
      try self.base.create(path, bytes)
      guard let (folder, name) = self.place(path) else { return }
      state.nextFile += 1
      state.files[path] = state.nextFile
      state.pending[folder, default: []].append(.added(name, .file(state.nextFile)))
    }
  }

  /// Makes a content durable, under all names that the file has.
  public func syncFile(_ path: String) throws(FileError) {
    try locked { (state) throws(FileError) in
      guard try self.base.status(path) != nil else { throw .notFound(path: path) }
      guard self.place(path) != nil else { return }
      state.synced.insert(self.file(at: path, &state))
    }
  }

  /// Makes the names in a folder durable, those that somebody else made included.
  public func syncFolder(_ path: String) throws(FileError) {
    try locked { (state) throws(FileError) in
      let entries = try self.base.list(path)
      guard path == self.root || self.place(path) != nil else { return }
      state.durable[path] = self.entries(entries, in: path, &state)
      state.pending[path] = nil
    }
  }

  /// Gives a file a second name, which is not durable.
  public func link(_ existing: String, as name: String) throws(FileError) {
    try locked { (state) throws(FileError) in
      try self.base.link(existing, as: name)
      guard let (folder, last) = self.place(name) else { return }
      let file = self.file(at: existing, &state)
      state.files[name] = file
      state.pending[folder, default: []].append(.added(last, .file(file)))
    }
  }

  /// Moves a file; before the folder is synced either name may be there, never both or none.
  public func rename(_ source: String, to target: String) throws(FileError) {
    try locked { (state) throws(FileError) in
      if let old = try self.base.status(target), !old.isFolder {
        state.removed[self.file(at: target, &state)] = try self.base.read(target)
      }
      let isFolder = try self.base.status(source)?.isFolder ?? false
      precondition(!isFolder, "a forgetful disk does not rename folders")
      try self.base.rename(source, to: target)
      let file = self.file(at: source, &state)
      state.files[source] = nil
      state.files[target] = file
      guard let (from, old) = self.place(source), let (into, new) = self.place(target) else {
        return
      }
      if from == into {
        state.pending[into, default: []].append(.renamed(old, to: new, .file(file)))
      } else {
        state.pending[from, default: []].append(.removed(old))
        state.pending[into, default: []].append(.added(new, .file(file)))
      }
    }
  }

  /// Removes a name, which may come back.
  public func remove(_ path: String) throws(FileError) {
    try locked { (state) throws(FileError) in
      let entry = try self.base.status(path)
      if let entry, !entry.isFolder, self.place(path) != nil {
        state.removed[self.file(at: path, &state)] = try self.base.read(path)
      }
      try self.base.remove(path)
      state.files[path] = nil
      guard let (folder, name) = self.place(path) else { return }
      state.pending[folder, default: []].append(.removed(name))
    }
  }

  /// Makes folders whose names are not durable.
  public func createFolders(_ path: String) throws(FileError) {
    try locked { (state) throws(FileError) in
      var missing: [String] = []
      var folder = path
      while let (above, _) = self.place(folder), try self.base.status(folder) == nil {
        missing.append(folder)
        folder = above
      }
      try self.base.createFolders(path)
      for folder in missing.reversed() {
        guard let (above, name) = self.place(folder) else { continue }
        state.durable[folder] = [:]
        state.pending[above, default: []].append(.added(name, .folder))
      }
    }
  }

  /// The names as they are now, durable or not.
  public func list(_ path: String) throws(FileError) -> [FileEntry] { try base.list(path) }

  /// What is known of a path now, durable or not.
  public func status(_ path: String) throws(FileError) -> FileEntry? { try base.status(path) }

  // MARK: The power cut

  /// Rewrites the folder into a state that it may be in after a power cut; the seed chooses which.
  ///
  /// What is left counts as durable afterwards, so life can go on and be cut again.
  public func powerCut(seed: UInt64) throws(FileError) {
    try locked { (state) throws(FileError) in
      var contents: [File: [UInt8]] = state.removed
      try self.restore(self.root, SeededRandom(seed: seed), &contents, &state)
      state = State()
      try self.keepEverything(in: self.root, &state)
    }
  }

  private func restore(
    _ folder: String,
    _ chance: SeededRandom,
    _ contents: inout [File: [UInt8]],
    _ state: inout State
  ) throws(FileError) {
    let now = entries(try base.list(folder), in: folder, &state)
    for (name, entry) in now {
      if case .file(let file) = entry { contents[file] = try base.read("\(folder)/\(name)") }
    }
    let kept = survivors(of: folder, now, chance, state)
    for name in now.keys.sorted() where kept[name] != now[name] {
      try removeAll("\(folder)/\(name)")
    }
    for name in kept.keys.sorted() {
      let path = "\(folder)/\(name)"
      switch kept[name] {
      case .folder?:
        try base.createFolders(path)
        try restore(path, chance, &contents, &state)
      case .file(let file)?:
        // An engine may have removed a file that it made itself, so that nobody has its content.
        let whole = contents[file] ?? []
        let left = state.synced.contains(file) ? whole : Self.remains(of: whole, chance)
        if try base.status(path) != nil { try base.remove(path) }
        try base.create(path, left)
        // Two names of one file have one content.
        contents[file] = left
        state.synced.insert(file)
      case nil: break
      }
    }
  }

  /// The entries of a folder after some of its unsynced changes.
  private func survivors(
    of folder: String,
    _ now: [String: Entry],
    _ chance: SeededRandom,
    _ state: State
  ) -> [String: Entry] {
    var entries = state.durable[folder] ?? [:]
    var known = entries
    for change in state.pending[folder] ?? [] {
      Self.apply(change, to: &known)
      if chance.happens(percent: 50) { Self.apply(change, to: &entries) }
    }
    // What somebody else changed is seen only in the outcome.
    for name in Set(now.keys).union(known.keys).sorted() where now[name] != known[name] {
      if chance.happens(percent: 50) { entries[name] = now[name] }
    }
    return entries
  }

  private static func apply(_ change: Change, to entries: inout [String: Entry]) {
    switch change {
    case .added(let name, let entry): entries[name] = entry
    case .removed(let name): entries[name] = nil
    case .renamed(let old, let new, let entry):
      entries[old] = nil
      entries[new] = entry
    }
  }

  private static func remains(of bytes: [UInt8], _ chance: SeededRandom) -> [UInt8] {
    switch chance.below(3) {
    case 0: []
    case 1: Array(bytes.prefix(chance.below(bytes.count + 1)))
    default: bytes
    }
  }

  private func removeAll(_ path: String) throws(FileError) {
    if try base.status(path)?.isFolder == true {
      for entry in try base.list(path) { try removeAll("\(path)/\(entry.name)") }
    }
    try base.remove(path)
  }

  // MARK: Bookkeeping

  private func keepEverything(in folder: String, _ state: inout State) throws(FileError) {
    let found = try base.list(folder)
    state.durable[folder] = entries(found, in: folder, &state)
    for entry in found {
      let path = "\(folder)/\(entry.name)"
      if entry.isFolder {
        try keepEverything(in: path, &state)
      } else {
        state.synced.insert(file(at: path, &state))
      }
    }
  }

  private func entries(
    _ found: [FileEntry],
    in folder: String,
    _ state: inout State
  ) -> [String: Entry] {
    var entries: [String: Entry] = [:]
    for entry in found {
      entries[entry.name] =
        entry.isFolder ? .folder : .file(file(at: "\(folder)/\(entry.name)", &state))
    }
    return entries
  }

  private func file(at path: String, _ state: inout State) -> File {
    if let known = state.files[path] { return known }
    state.nextFile += 1
    state.files[path] = state.nextFile
    return state.nextFile
  }

  /// The folder and last part of a path below the root; nil for the root and all else.
  private func place(_ path: String) -> (folder: String, name: String)? {
    guard path.hasPrefix(root + "/"), let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else {
      return nil
    }
    return (String(path[..<slash]), String(path[path.utf8.index(after: slash)...]))
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
