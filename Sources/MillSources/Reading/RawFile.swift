// SPDX-License-Identifier: Apache-2.0

#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// A file on disk, open for one reading from front to back.
struct RawFile: ~Copyable {
  private let descriptor: Int32
  private let shownPath: String
  private let before: Fingerprint

  deinit {
    _ = close(descriptor)
  }

  /// Opens a regular file; `shownPath` is how errors name it.
  static func open(_ path: String, shownPath: String) throws(SourceError) -> RawFile {
    var status = stat()
    guard stat(path, &status) == 0 else {
      throw refused("stat", errno, shownPath)
    }
    // Asked before opening: to open a pipe nobody writes to would wait for ever.
    guard status.st_mode & S_IFMT == S_IFREG else { throw .notAFile(path: shownPath) }
    let descriptor = openForReading(path)
    guard descriptor >= 0 else { throw refused("open", errno, shownPath) }
    guard let before = Fingerprint(descriptor) else {
      let number = errno
      _ = close(descriptor)
      throw refused("fstat", number, shownPath)
    }
    return RawFile(descriptor: descriptor, shownPath: shownPath, before: before)
  }

  /// Fills the buffer as far as the file goes; less than its size only at the end.
  mutating func read(into buffer: UnsafeMutableRawBufferPointer) throws(SourceError) -> Int {
    var filled = 0
    while filled < buffer.count {
      let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[filled...])
      let got = readOnce(rest)
      if got == 0 { break }
      if got > 0 {
        filled += got
      } else if errno != EINTR {
        throw Self.refused("read", errno, shownPath)
      }
    }
    return filled
  }

  /// Throws unless the file is as it was when opened and had `size` bytes.
  func checkUnchanged(size: Int64) throws(SourceError) {
    guard let after = Fingerprint(descriptor) else {
      throw Self.refused("fstat", errno, shownPath)
    }
    guard after == before, after.size == size else {
      throw .changedWhileReading(path: shownPath)
    }
  }

  private func readOnce(_ buffer: UnsafeMutableRawBufferPointer) -> Int {
    systemRead(descriptor, buffer.baseAddress, buffer.count)
  }

  private static func refused(_ operation: String, _ number: Int32, _ path: String) -> SourceError {
    number == ENOENT || number == ENOTDIR
      ? .notFound(path: path)
      : .unreadable(path: path, operation: operation, errno: number)
  }

  /// What changes when somebody writes to a file.
  private struct Fingerprint: Equatable {
    var size: Int64
    var seconds: Int
    var nanoseconds: Int

    init?(_ descriptor: Int32) {
      var status = stat()
      guard fstat(descriptor, &status) == 0 else { return nil }
      size = Int64(status.st_size)
      #if canImport(Darwin)
        seconds = status.st_mtimespec.tv_sec
        nanoseconds = status.st_mtimespec.tv_nsec
      #else
        seconds = Int(status.st_mtim.tv_sec)
        nanoseconds = Int(status.st_mtim.tv_nsec)
      #endif
    }
  }
}

private func openForReading(_ path: String) -> Int32 {
  open(path, O_RDONLY | O_CLOEXEC)
}

private func systemRead(
  _ descriptor: Int32,
  _ buffer: UnsafeMutableRawPointer?,
  _ count: Int
) -> Int {
  read(descriptor, buffer, count)
}
