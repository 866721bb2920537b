// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import MillCore

#if canImport(Darwin)
  internal import Darwin
#else
  internal import Glibc
#endif

/// A folder on a disk of few bytes, for the programs that are started through it: a `tmpfs` in a mount
/// namespace of its own, as root or as whoever may be root in a namespace.
///
/// ```swift
/// let disk = try SmallDisk(over: project + "/.millrace", kibibytes: 4096)
/// try disk.fill(leaving: 8)
/// let process = try ChildProcess(disk.command([program, "run"], in: project))
/// ```
/// This process reads and writes the folder through ``path(_:)``; by its own name it sees what was there
/// before.
public final class SmallDisk: Sendable {
  /// A step that did not do what it should.
  public struct Failed: Error, CustomStringConvertible {
    /// Which, and why.
    public var description: String
  }

  /// The folder that is on the disk, absolute.
  public let folder: String
  private let holder: ChildProcess

  /// Whether this computer lets us have one.
  public static let isAvailable: Bool = {
    do {
      let folder = try TemporaryFolder("small-disk")
      let disk = try SmallDisk(over: folder.path, kibibytes: 64)
      let inside = try ChildProcess(disk.command(["true"], in: folder.path)).wait()
      if inside == .exited(0) { return true }
    } catch {}
    print("not tested: a full disk, for which unshare(1) and nsenter(1) must be allowed")
    return false
  }()

  /// Puts a folder, with what is in it, on a disk of so many kibibytes.
  public init(over folder: String, kibibytes: Int) throws {
    self.folder = folder
    let scratch = try TemporaryFolder("small-disk")
    try LocalFileSystem().createFolders(scratch.path("kept"))
    let script = """
      cp -a "$0/." "$2/kept" && mount -t tmpfs -o size="$1"k none "$0" && cp -a "$2/kept/." "$0" \
        && : > "$2/ready" || exit 1
      while kill -0 "$3"; do sleep 1; done 2>/dev/null
      """
    let user = geteuid() == 0 ? [] : ["--map-root-user"]
    // Nobody is left to end it when this process is killed, so it looks itself whether we are there.
    holder = try ChildProcess(
      ["unshare", "--mount"] + user
        + [
          "/bin/sh", "-c", script, folder, String(kibibytes), scratch.path,
          String(ProcessInfo.processInfo.processIdentifier),
        ],
      errors: scratch.path("errors")
    )
    while !FileManager.default.fileExists(atPath: scratch.path("ready")) {
      guard holder.isRunning else {
        let said = try? String(contentsOfFile: scratch.path("errors"), encoding: .utf8)
        throw Failed(description: "no small disk: \(said ?? "")")
      }
      // There is nothing else to wait for in another process.
      usleep(2000)
    }
  }

  deinit {
    holder.kill()
    holder.wait()
  }

  /// A command that sees the disk, in a folder.
  public func command(_ words: [String], in place: String) -> [String] {
    let user = geteuid() == 0 ? [] : ["--user", "--preserve-credentials"]
    return ["nsenter", "--target", String(holder.identifier), "--mount"] + user
      + ["/bin/sh", "-c", "cd \"$0\" && exec \"$@\"", place] + words
  }

  /// Where this process finds what such a command finds at a path.
  public func path(_ path: String) -> String { "/proc/\(holder.identifier)/root\(path)" }

  /// Takes all room but so many kibibytes.
  public func fill(leaving kibibytes: Int = 0) throws {
    try free()
    var info = statvfs()
    guard statvfs(path(folder), &info) == 0 else { throw Failed(description: "statvfs: \(errno)") }
    let room = Int(info.f_bavail) * Int(info.f_frsize) - kibibytes * 1024
    guard room > 0 else { return }
    let descriptor = open(filler, O_CREAT | O_WRONLY, 0o600)
    defer { close(descriptor) }
    let result = posix_fallocate(descriptor, 0, room)
    guard result == 0 else { throw Failed(description: "posix_fallocate: \(result)") }
  }

  /// Gives back what ``fill(leaving:)`` took.
  public func free() throws {
    guard unlink(filler) == 0 || errno == ENOENT else {
      throw Failed(description: "unlink: \(errno)")
    }
  }

  private var filler: String { path(folder) + "/filler" }
}
