// SPDX-License-Identifier: Apache-2.0

/// The file operations that a commit is made of.
///
/// Calls block; they run on a ``BlockingExecutor``, never on the cooperative pool. A test replaces
/// the disk with one that fails the n-th operation or forgets what was never synced.
public protocol FileSystem: Sendable {
  /// The whole content of a file.
  func read(_ path: String) throws(FileError) -> [UInt8]
  /// Makes a new file with this content, in the page cache only; an existing one is `alreadyExists`.
  func create(_ path: String, _ bytes: [UInt8]) throws(FileError)
  /// Makes the content of a file durable.
  func syncFile(_ path: String) throws(FileError)
  /// Makes the names in a folder durable.
  func syncFolder(_ path: String) throws(FileError)
  /// Gives an existing file a second name, or throws `alreadyExists`: the put-if-absent of a disk.
  func link(_ existing: String, as name: String) throws(FileError)
  /// Replaces `target` by `source` atomically.
  func rename(_ source: String, to target: String) throws(FileError)
  /// Removes a file or an empty folder; `notFound` if there is none.
  func remove(_ path: String) throws(FileError)
  /// Makes a folder and those above it; nothing happens if it is there.
  func createFolders(_ path: String) throws(FileError)
  /// The entries of a folder in byte order, without `.` and `..`.
  func list(_ path: String) throws(FileError) -> [FileEntry]
  /// The names in a folder in byte order, without `.` and `..`.
  func names(in path: String) throws(FileError) -> [String]
  /// What is known of one path, or nil if there is nothing.
  func status(_ path: String) throws(FileError) -> FileEntry?
}

extension FileSystem {
  /// The names of a listing, for disks that have no cheaper way.
  public func names(in path: String) throws(FileError) -> [String] {
    try list(path).map(\.name)
  }
}

/// One name in a folder.
public struct FileEntry: Hashable, Sendable {
  /// The last part of the path.
  public var name: String
  /// Whether other names may lie below this one.
  public var isFolder: Bool
  /// Length of the content in bytes.
  public var size: Int64
  /// Last change of the content, UTC microseconds.
  public var modified: Instant
  /// Device and inode: the same file under another name has the same.
  public var identity: String
  /// Whether the name only points to what the rest of the entry tells of.
  public var isLink = false

  /// An entry made of what a disk, or a test in its stead, knows of a name.
  public init(name: String, isFolder: Bool, size: Int64, modified: Instant, identity: String) {
    self.name = name
    self.isFolder = isFolder
    self.size = size
    self.modified = modified
    self.identity = identity
  }
}

/// Why a file operation did not happen.
@nonexhaustive
public enum FileError: Failure, Equatable {
  /// Nothing has this name, or a folder on the way to it is missing.
  case notFound(path: String)
  /// Somebody else has taken the name: how a lost race shows itself.
  case alreadyExists(path: String)
  /// The disk or a quota is full.
  case noSpace(path: String)
  /// This process may not do it.
  case notPermitted(path: String)
  /// The mount cannot be written to.
  case readOnly(path: String)
  /// The mount cannot make hard links, so two writers could not be kept apart.
  case linksUnsupported(path: String)
  /// Any other refusal, with the system's own name and number.
  case system(operation: String, path: String, errno: Int32, message: String)

  /// `file.` and the kind of refusal.
  public var code: String {
    switch self {
    case .notFound: "file.not-found"
    case .alreadyExists: "file.already-exists"
    case .noSpace: "file.no-space"
    case .notPermitted: "file.not-permitted"
    case .readOnly: "file.read-only"
    case .linksUnsupported: "file.links-unsupported"
    case .system: "file.system"
    }
  }

  /// Files are outside of our control, whatever the refusal.
  public var errorClass: ErrorClass { .outside }

  /// The refusal, the path and what to do about it.
  public var description: String {
    switch self {
    case .notFound(let path): "there is no file \(path)"
    case .alreadyExists(let path): "\(path) is there already"
    case .noSpace(let path): "no space left on the disk of \(path): free some, then run again"
    case .notPermitted(let path): "not permitted to use \(path): check its owner and mode"
    case .readOnly(let path): "\(path) is on a read-only file system"
    case .linksUnsupported(let path):
      "the file system of \(path) has no hard links, without which two writers cannot be kept "
        + "apart: put the lake on another mount"
    case .system(let operation, let path, let number, let message):
      "\(operation) \(path): \(message) (errno \(number))"
    }
  }
}
