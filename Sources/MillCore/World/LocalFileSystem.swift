// SPDX-License-Identifier: Apache-2.0

#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif
#if canImport(SwiftOverlayShims)
  // An optimised build of Swift 6.3 on Linux finds `timespec` here and not in Glibc.
  import SwiftOverlayShims
#endif

/// The disks of this computer, by system calls.
///
/// Nothing is buffered here: what ``create(_:_:)`` wrote is in the page cache until
/// ``syncFile(_:)``, and a name is safe only after ``syncFolder(_:)``.
public struct LocalFileSystem: FileSystem {
  /// The one there is; it holds nothing.
  public init() {}

  /// The whole content of a file.
  public func read(_ path: String) throws(FileError) -> [UInt8] {
    let file = try Descriptor(path, O_RDONLY, "open")
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: try file.chunkSize())
    while true {
      let count = try file.read(into: &chunk)
      if count == 0 {
        return bytes
      }
      bytes.append(contentsOf: chunk[..<count])
    }
  }

  /// Makes a new file; one that could not be written whole is taken away again.
  public func create(_ path: String, _ bytes: [UInt8]) throws(FileError) {
    var file = try Descriptor(path, O_CREAT | O_EXCL | O_WRONLY, "create")
    do {
      try file.write(bytes)
      try file.close()
    } catch {
      // The first error is the one to report; what the clean-up says adds nothing.
      _ = unlinkat(AT_FDCWD, path, 0)
      throw error
    }
  }

  /// Makes the content of a file durable.
  public func syncFile(_ path: String) throws(FileError) {
    try Descriptor(path, O_RDONLY, "open").sync()
  }

  /// Makes the names in a folder durable.
  public func syncFolder(_ path: String) throws(FileError) {
    try Descriptor(path, O_RDONLY | O_DIRECTORY, "open").sync()
  }

  /// Gives an existing file a second name, never replacing one.
  public func link(_ existing: String, as name: String) throws(FileError) {
    try checkPath(existing, "link")
    try checkPath(name, "link")
    guard linkat(AT_FDCWD, existing, AT_FDCWD, name, 0) != 0 else { return }
    let number = errno
    switch number {
    case EPERM, EOPNOTSUPP, ENOSYS, EMLINK: throw .linksUnsupported(path: name)
    // Either side may be what is missing.
    case ENOENT where try status(existing) == nil: throw .notFound(path: existing)
    default: throw FileError(number, "link", name)
    }
  }

  /// Replaces `target` by `source` atomically.
  public func rename(_ source: String, to target: String) throws(FileError) {
    try checkPath(source, "rename")
    try checkPath(target, "rename")
    guard renameat(AT_FDCWD, source, AT_FDCWD, target) != 0 else { return }
    let number = errno
    throw FileError(number, "rename", number == ENOENT ? source : target)
  }

  /// Removes a file or an empty folder.
  public func remove(_ path: String) throws(FileError) {
    try checkPath(path, "remove")
    guard unlinkat(AT_FDCWD, path, 0) != 0 else { return }
    let number = errno
    // Linux says EISDIR of a folder, macOS EPERM.
    guard number == EISDIR || number == EPERM, try status(path)?.isFolder == true else {
      throw FileError(number, "remove", path)
    }
    guard unlinkat(AT_FDCWD, path, AT_REMOVEDIR) != 0 else { return }
    throw FileError(errno, "remove", path)
  }

  /// Makes a folder and those above it; somebody else may be doing the same.
  public func createFolders(_ path: String) throws(FileError) {
    try checkPath(path, "mkdir")
    var folder = path.hasPrefix("/") ? "/" : ""
    for step in path.split(separator: "/") {
      folder += folder.isEmpty || folder == "/" ? step : "/\(step)"
      if try status(folder)?.isFolder == true {
        continue
      }
      guard mkdirat(AT_FDCWD, folder, 0o777) != 0 else { continue }
      let number = errno
      if number == EEXIST, try status(folder)?.isFolder == true {
        continue
      }
      throw FileError(number, "mkdir", folder)
    }
  }

  /// The entries of a folder in byte order; one that vanishes meanwhile is left out.
  public func list(_ path: String) throws(FileError) -> [FileEntry] {
    var entries: [FileEntry] = []
    try forEachName(in: path) { (folder, name) throws(FileError) in
      if let entry = try inspect(folder, name, name: name, path: "\(path)/\(name)") {
        entries.append(entry)
      }
    }
    entries.sort { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    return entries
  }

  /// The names in a folder in byte order, in one read of the folder.
  public func names(in path: String) throws(FileError) -> [String] {
    var names: [String] = []
    try forEachName(in: path) { (_, name) throws(FileError) in names.append(name) }
    // Swift orders these names, which are mostly digits, as their bytes do, only much slower.
    names.sort { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    return names
  }

  /// Visits the names in a folder, in the disk's own order, without `.` and `..`.
  private func forEachName(
    in path: String,
    _ body: (_ folder: Int32, _ name: String) throws(FileError) -> Void
  ) throws(FileError) {
    try checkPath(path, "list")
    guard let folder = opendir(path) else { throw FileError(errno, "list", path) }
    // It was opened for reading, so closing it loses nothing.
    defer { _ = closedir(folder) }
    guard let nameOffset = MemoryLayout<dirent>.offset(of: \.d_name) else {
      throw FileError(ENOSYS, "list", path)
    }
    while true {
      errno = 0
      guard let found = readdir(folder) else {
        let number = errno
        guard number == 0 else { throw FileError(number, "list", path) }
        return
      }
      // An entry may be shorter than the structure says, so its name is not copied as a whole.
      let bytes = UnsafeRawPointer(found).advanced(by: nameOffset)
      guard let name = String(validatingCString: bytes.assumingMemoryBound(to: CChar.self)) else {
        throw FileError(EILSEQ, "list", path)
      }
      if name != ".", name != ".." { try body(dirfd(folder), name) }
    }
  }

  /// What is known of one path; symbolic links are followed where they lead somewhere.
  public func status(_ path: String) throws(FileError) -> FileEntry? {
    try checkPath(path, "stat")
    let name = path.split(separator: "/").last.map(String.init) ?? path
    return try inspect(AT_FDCWD, path, name: name, path: path)
  }

  private func inspect(
    _ folder: Int32,
    _ relative: String,
    name: String,
    path: String
  ) throws(FileError) -> FileEntry? {
    var own = stat()
    let isLink =
      fstatat(folder, relative, &own, AT_SYMLINK_NOFOLLOW) == 0
      && own.st_mode & S_IFMT == S_IFLNK
    guard isLink else {
      // What is no link is what it says of itself.
      return try follow(folder, relative, name: name, path: path)
    }
    var entry = try follow(folder, relative, name: name, path: path)
    entry?.isLink = true
    return entry
  }

  private func follow(
    _ folder: Int32,
    _ relative: String,
    name: String,
    path: String
  ) throws(FileError) -> FileEntry? {
    var info = stat()
    if fstatat(folder, relative, &info, 0) != 0 {
      // A link that leads nowhere is still a name.
      guard fstatat(folder, relative, &info, AT_SYMLINK_NOFOLLOW) != 0 else {
        return FileEntry(info, name: name)
      }
      let number = errno
      guard number == ENOENT || number == ENOTDIR else { throw FileError(number, "stat", path) }
      return nil
    }
    return FileEntry(info, name: name)
  }
}

// MARK: - System calls

/// An open file, closed once.
private struct Descriptor: ~Copyable {
  private var number: Int32
  private let path: String

  init(_ path: String, _ flags: Int32, _ operation: String) throws(FileError) {
    // A noncopyable value cannot be left half made, so all that may fail comes before.
    number = try openDescriptor(path, flags, operation)
    self.path = path
  }

  deinit {
    if number >= 0 {
      // Reached only after reading or after an error: nothing written depends on it.
      _ = closeDescriptor(number)
    }
  }

  /// The size of the file and a byte more, so that the second read finds the end.
  func chunkSize() throws(FileError) -> Int {
    var info = stat()
    guard fstat(number, &info) == 0 else { throw FileError(errno, "stat", path) }
    return Int(min(max(info.st_size + 1, 4096), 16 << 20))
  }

  func read(into chunk: inout [UInt8]) throws(FileError) -> Int {
    while true {
      let count = chunk.withUnsafeMutableBytes {
        readDescriptor(number, $0.baseAddress, $0.count)
      }
      if count >= 0 {
        return count
      }
      guard errno == EINTR else { throw FileError(errno, "read", path) }
    }
  }

  func write(_ bytes: [UInt8]) throws(FileError) {
    var written = 0
    while written < bytes.count {
      let count = bytes[written...].withUnsafeBytes {
        writeDescriptor(number, $0.baseAddress, $0.count)
      }
      if count >= 0 {
        written += count
      } else if errno != EINTR {
        throw FileError(errno, "write", path)
      }
    }
  }

  func sync() throws(FileError) {
    #if canImport(Darwin)
      // Only this reaches the platter on macOS; some file systems do not know it.
      if fcntl(number, F_FULLFSYNC) == 0 {
        return
      }
    #endif
    while fsync(number) != 0 {
      guard errno == EINTR else { throw FileError(errno, "fsync", path) }
    }
  }

  // A full disk may show itself only here. After EINTR the file is closed all the same.
  mutating func close() throws(FileError) {
    let closing = number
    number = -1
    guard closeDescriptor(closing) == 0 || errno == EINTR else {
      throw FileError(errno, "close", path)
    }
  }
}

private func openDescriptor(
  _ path: String,
  _ flags: Int32,
  _ operation: String
) throws(FileError) -> Int32 {
  try checkPath(path, operation)
  while true {
    let number = open(path, flags | O_CLOEXEC, 0o666)
    if number >= 0 {
      return number
    }
    guard errno == EINTR else { throw FileError(errno, operation, path) }
  }
}

// Within a type the methods of the same names would hide these.
private func closeDescriptor(_ number: Int32) -> Int32 { close(number) }

private func readDescriptor(_ number: Int32, _ bytes: UnsafeMutableRawPointer?, _ count: Int) -> Int
{
  read(number, bytes, count)
}

private func writeDescriptor(_ number: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
  write(number, bytes, count)
}

/// A zero byte would end the path early and name another file.
private func checkPath(_ path: String, _ operation: String) throws(FileError) {
  guard !path.utf8.contains(0) else { throw FileError(EINVAL, operation, path) }
}

extension FileError {
  fileprivate init(_ number: Int32, _ operation: String, _ path: String) {
    switch number {
    case ENOENT: self = .notFound(path: path)
    case EEXIST: self = .alreadyExists(path: path)
    case ENOSPC, EDQUOT: self = .noSpace(path: path)
    case EACCES, EPERM: self = .notPermitted(path: path)
    case EROFS: self = .readOnly(path: path)
    default:
      let message = strerror(number).map { String(cString: $0) } ?? "unknown error"
      self = .system(operation: operation, path: path, errno: number, message: message)
    }
  }
}

extension FileEntry {
  fileprivate init(_ info: stat, name: String) {
    #if canImport(Darwin)
      let changed = info.st_mtimespec
    #else
      let changed = info.st_mtim
    #endif
    // A disk can claim any time; one beyond Int64 microseconds stops at its ends.
    let modified =
      Int128(changed.tv_sec) * 1_000_000 + Int128(changed.tv_nsec) / 1000
    self.init(
      name: name,
      isFolder: info.st_mode & S_IFMT == S_IFDIR,
      size: Int64(info.st_size),
      modified: Instant(microseconds: Int64(clamping: modified)),
      identity: "\(info.st_dev):\(info.st_ino)"
    )
  }
}
