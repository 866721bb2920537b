// SPDX-License-Identifier: Apache-2.0

internal import MillCore

// What a path leads to. Nothing here changes the disk.
extension SimulatedDisk.State {
  func status(_ path: String) throws(FileError) -> FileEntry? {
    try Self.check(path, "stat")
    let parts = Self.parts(path)
    guard case .found(let trail) = walk(parts), let node = trail.last else { return nil }
    return entry(node, parts.last?.description ?? path)
  }

  /// What a folder holds, in byte order.
  func entries(of path: String) throws(FileError) -> [(name: ByteKey, node: Node)] {
    let folder = try lookup(path, "list")
    guard nodes[folder]?.bytes == nil else { throw .isNoFolder("list", path) }
    return sorted(folder)
  }

  func entry(_ node: Node, _ name: String) -> FileEntry {
    let inode = nodes[node]
    return FileEntry(
      name: name,
      isFolder: inode?.bytes == nil,
      size: Int64(inode?.bytes?.count ?? 0),
      modified: inode?.modified ?? Instant(microseconds: 0),
      identity: "1:\(node)"
    )
  }

  /// A line for each name, folders with a slash at the end.
  func lines(below folder: Node, _ path: String) -> [String] {
    sorted(folder).flatMap { name, node in
      guard let bytes = nodes[node]?.bytes else {
        return ["\(path)/\(name)/\n"] + lines(below: node, "\(path)/\(name)")
      }
      return ["\(path)/\(name) \(bytes.count) bytes, file \(node)\n"]
    }
  }

  private func sorted(_ folder: Node) -> [(name: ByteKey, node: Node)] {
    (names[folder] ?? [:]).sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
  }

  /// The bytes of all files that have a name.
  func used() -> Int {
    // A file that was renamed over or removed is in the table, though it takes no place any more.
    Set(names.values.flatMap(\.values)).reduce(0) { $0 + (nodes[$1]?.bytes?.count ?? 0) }
  }

  private enum Walk {
    /// The nodes from the root to the end.
    case found([Node])
    case missing
    /// A file stands where a folder should.
    case blocked
  }

  private func walk(_ parts: some Sequence<ByteKey>) -> Walk {
    var trail = [Self.root]
    var node = Self.root
    for part in parts {
      guard nodes[node]?.bytes == nil else { return .blocked }
      guard let next = names[node]?[part] else { return .missing }
      node = next
      trail.append(node)
    }
    return .found(trail)
  }

  func lookup(_ path: String, _ operation: String) throws(FileError) -> Node {
    guard let node = try find(path, operation, reporting: path) else {
      throw .notFound(path: path)
    }
    return node
  }

  func find(
    _ path: String,
    _ operation: String,
    reporting reported: String
  ) throws(FileError) -> Node? {
    try Self.check(path, operation)
    switch walk(Self.parts(path)) {
    case .found(let trail): return trail.last
    case .missing: return nil
    case .blocked: throw .isNoFolder(operation, reported)
    }
  }

  /// The place of a path and the folders that lead to it, of which the last holds the place.
  ///
  /// - Returns: Nil for the root, which is in no folder.
  func slot(
    _ path: String,
    _ operation: String,
    missing: String? = nil,
    blocked: String? = nil
  ) throws(FileError) -> (slot: Slot, trail: [Node])? {
    try Self.check(path, operation)
    let parts = Self.parts(path)
    guard let name = parts.last else { return nil }
    switch walk(parts.dropLast()) {
    case .found(let trail):
      guard let folder = trail.last, nodes[folder]?.bytes == nil else {
        throw .isNoFolder(operation, blocked ?? path)
      }
      return (Slot(folder: folder, name: name), trail)
    case .missing: throw .notFound(path: missing ?? path)
    case .blocked: throw .isNoFolder(operation, blocked ?? path)
    }
  }

  /// The place for a new name.
  func freeSlot(_ path: String, _ operation: String) throws(FileError) -> Slot {
    guard let (slot, _) = try slot(path, operation), names[slot.folder]?[slot.name] == nil else {
      throw .alreadyExists(path: path)
    }
    try checkWritable(path)
    return slot
  }

  func checkWritable(_ path: String) throws(FileError) {
    let parts = Self.parts(path)
    guard !readOnlyPaths.contains(where: { parts.starts(with: Self.parts($0)) }) else {
      throw .notPermitted(path: path)
    }
  }

  func checkEmpty(
    _ node: Node,
    _ operation: String,
    _ path: String
  ) throws(FileError) {
    guard names[node]?.isEmpty ?? true else {
      throw .isNotEmpty(operation, path)
    }
  }

  /// A zero byte would end the path early and name another file.
  static func check(_ path: String, _ operation: String) throws(FileError) {
    guard !path.utf8.contains(0) else {
      throw .isInvalid(operation, path)
    }
  }

  /// The names from the root to the end of a path.
  static func parts(_ path: String) -> [ByteKey] {
    var parts: [ByteKey] = []
    for part in path.utf8.split(separator: UInt8(ascii: "/")) {
      switch String(part) {
      case ".": break
      case "..": _ = parts.popLast()
      case let name?: parts.append(ByteKey(name))
      case nil: break
      }
    }
    return parts
  }

  static func absolute(_ path: String) -> String {
    "/" + parts(path).map(\.description).joined(separator: "/")
  }
}

// The numbers and words are those of Linux wherever a test runs, so that it sees the same.
extension FileError {
  static func isBusy(_ operation: String, _ path: String) -> Self {
    .system(operation: operation, path: path, errno: 16, message: "Device or resource busy")
  }

  static func isNoFolder(_ operation: String, _ path: String) -> Self {
    .system(operation: operation, path: path, errno: 20, message: "Not a directory")
  }

  static func isFolder(_ operation: String, _ path: String) -> Self {
    .system(operation: operation, path: path, errno: 21, message: "Is a directory")
  }

  static func isInvalid(_ operation: String, _ path: String) -> Self {
    .system(operation: operation, path: path, errno: 22, message: "Invalid argument")
  }

  static func isNotEmpty(_ operation: String, _ path: String) -> Self {
    .system(operation: operation, path: path, errno: 39, message: "Directory not empty")
  }
}
