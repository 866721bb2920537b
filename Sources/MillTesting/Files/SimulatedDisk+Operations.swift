// SPDX-License-Identifier: Apache-2.0

internal import MillCore

extension SimulatedDisk {
  /// A file or a folder, whatever its names are.
  typealias Node = Int

  /// What each folder holds.
  typealias Names = [Node: [ByteKey: Node]]

  /// A place for a name, taken or not.
  struct Slot: Hashable, Sendable {
    var folder: Node
    var name: ByteKey
  }

  struct Inode: Sendable {
    /// The content of a file, which is written once; nil for a folder.
    var bytes: [UInt8]?
    var modified: Instant
  }

  /// What one operation did to names: it reaches the disk whole or not at all.
  struct Change: Sendable {
    /// One slot, or the two of a rename, and what is in it afterwards.
    var slots: [(slot: Slot, node: Node?)]
    /// The file or folder that came into being.
    var made: Node?
    /// The file or folder that was renamed.
    var moved: Node?

    func apply(to names: inout Names) {
      for (slot, node) in slots { names[slot.folder, default: [:]][slot.name] = node }
    }
  }

  enum Effect: Sendable {
    case names(Change)
    case syncedFile(Node)
    case syncedFolder(Node)
  }

  /// The disk as it is now, and how it became so.
  struct State: Sendable {
    static let root: Node = 0

    var capacity: Int?
    var supportsLinks = true
    var readOnlyPaths: [String] = []
    /// Everything that ever was on the disk; what was removed may come back.
    private(set) var nodes: [Node: Inode]
    private(set) var names: Names = [root: [:]]
    /// The names when the record began, all of them durable.
    private(set) var before: Names = [root: [:]]
    private(set) var record: [(operation: Operation, effect: Effect)] = []
    private var nextNode: Node = root + 1

    init(started: Instant) {
      nodes = [Self.root: Inode(bytes: nil, modified: started)]
    }
  }
}

// MARK: - Operations

extension SimulatedDisk.State {
  typealias Node = SimulatedDisk.Node
  typealias Slot = SimulatedDisk.Slot
  typealias Operation = SimulatedDisk.Operation

  func read(_ path: String) throws(FileError) -> [UInt8] {
    guard let bytes = nodes[try lookup(path, "open")]?.bytes else {
      throw .isFolder("read", path)
    }
    return bytes
  }

  mutating func create(_ path: String, _ bytes: [UInt8], at now: Instant) throws(FileError) {
    let slot = try freeSlot(path, "create")
    let fits = capacity.map { min(bytes.count, max(0, $0 - used())) } ?? bytes.count
    let node = make(Array(bytes.prefix(fits)), now)
    let absolute = Self.absolute(path)
    perform(.create(path: absolute, size: fits), [(slot, node)], made: node, at: now)
    guard fits == bytes.count else {
      perform(.remove(path: absolute), [(slot, nil)], at: now)
      throw .noSpace(path: path)
    }
  }

  mutating func sync(_ path: String, isFolder: Bool = false) throws(FileError) {
    let node = try lookup(path, "open")
    let absolute = Self.absolute(path)
    if nodes[node]?.bytes == nil {
      record.append((.syncFolder(path: absolute), .syncedFolder(node)))
    } else {
      guard !isFolder else { throw .isNoFolder("open", path) }
      record.append((.syncFile(path: absolute), .syncedFile(node)))
    }
  }

  mutating func link(
    _ existing: String,
    as name: String,
    at now: Instant
  ) throws(FileError) {
    try Self.check(existing, "link")
    try Self.check(name, "link")
    guard let node = try find(existing, "link", reporting: name) else {
      throw .notFound(path: existing)
    }
    let slot = try freeSlot(name, "link")
    // A folder cannot have a second name on any disk.
    guard supportsLinks, nodes[node]?.bytes != nil else { throw .linksUnsupported(path: name) }
    let operation = Operation.link(
      existing: Self.absolute(existing),
      name: Self.absolute(name)
    )
    perform(operation, [(slot, node)], at: now)
  }

  mutating func rename(
    _ source: String,
    to target: String,
    at now: Instant
  ) throws(FileError) {
    try Self.check(source, "rename")
    try Self.check(target, "rename")
    guard let (from, above) = try slot(source, "rename", blocked: target),
      let (into, trail) = try slot(target, "rename", missing: source)
    else { throw .isBusy("rename", target) }
    guard let node = names[from.folder]?[from.name] else { throw .notFound(path: source) }
    let replaced = names[into.folder]?[into.name]
    guard node != replaced else { return }
    try checkWritable(source)
    try checkWritable(target)
    let isFolder = nodes[node]?.bytes == nil
    guard !trail.contains(node) else { throw .isInvalid("rename", target) }
    if let replaced {
      guard !above.contains(replaced) else { throw .isNotEmpty("rename", target) }
      switch (isFolder, nodes[replaced]?.bytes == nil) {
      case (false, true): throw .isFolder("rename", target)
      case (true, false): throw .isNoFolder("rename", target)
      default: try checkEmpty(replaced, "rename", target)
      }
    }
    let operation = Operation.rename(
      source: Self.absolute(source),
      target: Self.absolute(target)
    )
    perform(operation, [(from, nil), (into, node)], moved: node, at: now)
  }

  mutating func remove(_ path: String, at now: Instant) throws(FileError) {
    guard let (slot, _) = try slot(path, "remove") else { throw .isBusy("remove", path) }
    guard let node = names[slot.folder]?[slot.name] else { throw .notFound(path: path) }
    try checkWritable(path)
    try checkEmpty(node, "remove", path)
    perform(.remove(path: Self.absolute(path)), [(slot, nil)], at: now)
  }

  mutating func createFolders(_ path: String, at now: Instant) throws(FileError) {
    try Self.check(path, "mkdir")
    var folder = Self.root
    var absolute = ""
    for part in Self.parts(path) {
      absolute += "/\(part)"
      if let node = names[folder]?[part] {
        guard nodes[node]?.bytes == nil else { throw .alreadyExists(path: absolute) }
        folder = node
      } else {
        try checkWritable(absolute)
        let node = make(nil, now)
        let slot = Slot(folder: folder, name: part)
        perform(.createFolder(path: absolute), [(slot, node)], made: node, at: now)
        folder = node
      }
    }
  }

  /// Puts a file, or with nil a folder, on the disk before the record begins.
  mutating func load(_ path: String, _ bytes: [UInt8]?, at now: Instant) {
    precondition(record.isEmpty, "\(path) can only be loaded before the first operation")
    var folder = Self.root
    let parts = Self.parts(path)
    for (index, part) in parts.enumerated() {
      let isFile = bytes != nil && index == parts.count - 1
      if let node = names[folder]?[part] {
        precondition(!isFile && nodes[node]?.bytes == nil, "there is a file in the way of \(path)")
        folder = node
      } else {
        let node = make(isFile ? bytes : nil, now)
        names[folder, default: [:]][part] = node
        folder = node
      }
    }
    before = names
  }

  private mutating func make(_ bytes: [UInt8]?, _ now: Instant) -> Node {
    // A number is never given twice, so that a file that comes back is known as itself.
    let node = nextNode
    nextNode += 1
    nodes[node] = SimulatedDisk.Inode(bytes: bytes, modified: now)
    if bytes == nil { names[node] = [:] }
    return node
  }

  private mutating func perform(
    _ operation: Operation,
    _ slots: [(slot: Slot, node: Node?)],
    made: Node? = nil,
    moved: Node? = nil,
    at now: Instant
  ) {
    let change = SimulatedDisk.Change(slots: slots, made: made, moved: moved)
    change.apply(to: &names)
    for (slot, _) in slots { nodes[slot.folder]?.modified = now }
    record.append((operation, .names(change)))
  }

  /// The disk after a power cut: everything on it is durable.
  func found(_ outcome: SimulatedDisk.Outcome) -> Self {
    var state = self
    state.names = outcome.names
    state.before = outcome.names
    state.record = []
    for (node, remains) in outcome.remains {
      state.nodes[node]?.bytes = nodes[node]?.bytes.map(remains.cut)
    }
    // A node that no name leads to will never be seen again.
    let known = Set(outcome.names.values.flatMap(\.values)).union([Self.root])
    state.nodes = state.nodes.filter { known.contains($0.key) }
    return state
  }
}
