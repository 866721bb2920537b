// SPDX-License-Identifier: Apache-2.0

internal import MillCore

#if canImport(Darwin)
  internal import Darwin
#else
  internal import Glibc
#endif

/// One run per project.
///
/// The lock is `flock(2)` on `.millrace/run.lock`: the kernel gives it back when its owner dies, so
/// a dead owner is taken over and a living one never is, whatever process ids are reused. The file
/// says who has it.
package final class RunLock: Sendable {
  private let descriptor: Int32
  private let path: String

  /// Takes the lock or says who has it.
  ///
  /// - Throws: `PipelineError.locked`, `.lockUnusable`.
  package init(path: String, owner: String) throws(PipelineError) {
    let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else {
      throw .lockUnusable(path: path, message: String(cString: strerror(errno)))
    }
    while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
      let number = errno
      if number == EINTR { continue }
      let holder = Self.readAll(descriptor)
      _ = close(descriptor)
      if number == EWOULDBLOCK {
        throw .locked(owner: holder.isEmpty ? "it has not said who it is" : holder)
      }
      throw .lockUnusable(path: path, message: String(cString: strerror(number)))
    }
    self.descriptor = descriptor
    self.path = path
    // Who has the lock is a courtesy to the one who waits: a full disk must not stop a run here.
    let text = Array(owner.utf8)
    if ftruncate(descriptor, 0) == 0 {
      _ = text.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, 0) }
    }
  }

  /// Gives the lock back; it is given back with the object at the latest.
  package func release() {
    // Nobody else has it between here and the close.
    _ = flock(descriptor, LOCK_UN)
  }

  deinit {
    // The file stays: removing it would let two owners lock two different files of one name.
    _ = close(descriptor)
  }

  private static func readAll(_ descriptor: Int32) -> String {
    var bytes = [UInt8](repeating: 0, count: 512)
    let count = bytes.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, 0) }
    return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
  }
}
