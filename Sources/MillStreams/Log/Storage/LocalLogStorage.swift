// SPDX-License-Identifier: Apache-2.0

public import MillCore

#if canImport(Darwin)
  internal import Darwin
#elseif canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

/// The log's files on a disk of this computer, by system calls.
public struct LocalLogStorage: LogStorage {
  private let files = LocalFileSystem()

  /// The one there is; it holds nothing.
  public init() {}

  /// Opens a file, by `open(2)`.
  public func open(_ path: String, _ access: LogAccess) throws(FileError) -> any LogFile {
    try LocalLogFile(path, access)
  }

  /// The names in a folder.
  public func names(in folder: String) throws(FileError) -> [String] {
    try files.names(in: folder)
  }

  /// Makes a folder and those above it.
  public func createFolders(_ path: String) throws(FileError) { try files.createFolders(path) }

  /// Makes the names in a folder durable, by `fsync(2)`.
  public func syncFolder(_ path: String) throws(FileError) { try files.syncFolder(path) }

  /// Replaces `target` by `source` atomically.
  public func rename(_ source: String, to target: String) throws(FileError) {
    try files.rename(source, to: target)
  }

  /// Removes a file, if it is there.
  public func remove(_ path: String) throws(FileError) {
    do throws(FileError) {
      try files.remove(path)
    } catch {
      guard case .notFound = error else { throw error }
    }
  }

  /// Takes the lock by `flock(2)`, which the kernel gives back when its owner dies.
  public func lock(_ path: String) throws(FileError) -> (any LogLock)? {
    try LocalLogLock(path)
  }
}

/// A descriptor, closed once.
private final class LocalLogFile: LogFile {
  let path: String
  private let descriptor: Int32

  init(_ path: String, _ access: LogAccess) throws(FileError) {
    self.path = path
    descriptor = try openDescriptor(
      path,
      access == .read ? O_RDONLY : O_RDWR | O_CREAT
    )
  }

  deinit {
    // What counts was synced or reported before; the descriptor is gone whatever close says.
    _ = close(descriptor)
  }

  func size() throws(FileError) -> Int64 {
    var info = stat()
    guard fstat(descriptor, &info) == 0 else { throw fileError(errno, "stat", path) }
    return Int64(info.st_size)
  }

  func write(_ pieces: [UnsafeRawBufferPointer], at place: Int64) throws(FileError) {
    var vectors = pieces.compactMap { piece in
      piece.isEmpty
        ? nil
        : iovec(
          iov_base: UnsafeMutableRawPointer(mutating: piece.baseAddress),
          iov_len: piece.count
        )
    }
    var next = 0
    var place = place
    while next < vectors.count {
      // The system takes 1,024 pieces in one call (IOV_MAX).
      let count = vectors.withUnsafeBufferPointer { buffer in
        pwritev(
          descriptor,
          buffer.baseAddress.map { $0 + next },
          Int32(min(buffer.count - next, 1024)),
          off_t(place)
        )
      }
      guard count >= 0 else {
        if errno == EINTR { continue }
        throw fileError(errno, "write", path)
      }
      guard count > 0 else { throw fileError(EIO, "write", path) }
      place += Int64(count)
      var written = count
      while next < vectors.count, written >= vectors[next].iov_len {
        written -= vectors[next].iov_len
        next += 1
      }
      if written > 0 {
        vectors[next].iov_base += written
        vectors[next].iov_len -= written
      }
    }
  }

  func read(into memory: UnsafeMutableRawBufferPointer, at place: Int64) throws(FileError) -> Int {
    var filled = 0
    while filled < memory.count {
      let count = pread(
        descriptor,
        memory.baseAddress.map { $0 + filled },
        memory.count - filled,
        off_t(place) + off_t(filled)
      )
      if count == 0 { break }
      if count > 0 {
        filled += count
      } else if errno != EINTR {
        throw fileError(errno, "read", path)
      }
    }
    return filled
  }

  func truncate(to size: Int64) throws(FileError) {
    while ftruncate(descriptor, off_t(size)) != 0 {
      guard errno == EINTR else { throw fileError(errno, "truncate", path) }
    }
  }

  func sync() throws(FileError) {
    #if canImport(Darwin)
      // Only this reaches the platter on macOS; some file systems do not know it.
      if fcntl(descriptor, F_FULLFSYNC) == 0 { return }
      let result = fsync(descriptor)
    #else
      let result = fdatasync(descriptor)
    #endif
    // Not again after EINTR either: what failed once is not made good by a second call.
    guard result == 0 else { throw fileError(errno, "fdatasync", path) }
  }
}

/// The lock and the descriptor that it hangs on.
private final class LocalLogLock: LogLock {
  private let descriptor: Int32

  init?(_ path: String) throws(FileError) {
    descriptor = try openDescriptor(path, O_RDWR | O_CREAT)
    while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
      let number = errno
      switch number {
      case EINTR: continue
      case EWOULDBLOCK: return nil
      default: throw fileError(number, "flock", path)
      }
    }
  }

  func release() {
    _ = flock(descriptor, LOCK_UN)
  }

  deinit {
    // The lock goes with the descriptor.
    _ = close(descriptor)
  }
}

private func openDescriptor(_ path: String, _ flags: Int32) throws(FileError) -> Int32 {
  guard !path.utf8.contains(0) else { throw fileError(EINVAL, "open", path) }
  while true {
    let descriptor = open(path, flags | O_CLOEXEC, 0o666)
    if descriptor >= 0 { return descriptor }
    guard errno == EINTR else { throw fileError(errno, "open", path) }
  }
}

private func fileError(_ number: Int32, _ operation: String, _ path: String) -> FileError {
  switch number {
  case ENOENT: return .notFound(path: path)
  case ENOSPC, EDQUOT: return .noSpace(path: path)
  case EACCES, EPERM: return .notPermitted(path: path)
  case EROFS: return .readOnly(path: path)
  default:
    let message = strerror(number).map { String(cString: $0) } ?? "unknown error"
    return .system(operation: operation, path: path, errno: number, message: message)
  }
}
