// SPDX-License-Identifier: Apache-2.0

#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// How a file is packed, by its first bytes.
///
/// - Throws: `SourceError.notFound`, `.unreadable`.
public func compression(of path: String, shownAs: String) throws(SourceError) -> Compression {
  let descriptor = open(path, O_RDONLY | O_CLOEXEC)
  guard descriptor >= 0 else {
    if errno == ENOENT { throw .notFound(path: shownAs) }
    throw .unreadable(path: shownAs, operation: "open", errno: errno)
  }
  defer { _ = close(descriptor) }
  var bytes = [UInt8](repeating: 0, count: 4)
  let count = bytes.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, 0) }
  guard count >= 0 else { throw .unreadable(path: shownAs, operation: "read", errno: errno) }
  return Compression(firstBytes: bytes.prefix(count))
}
