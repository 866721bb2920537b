// SPDX-License-Identifier: Apache-2.0

internal import Foundation
public import MillCore

/// A folder of its own for one test, removed with everything in it when nobody holds it any more.
///
/// ```swift
/// let folder = try TemporaryFolder()
/// try files.create(folder.path("a/b.json"), bytes)
/// ```
public final class TemporaryFolder: Sendable {
  /// The absolute path, without symbolic links and without a slash at the end.
  public let path: String

  /// Makes a new folder below the system's one for temporary files.
  ///
  /// - Throws: `FileError` when the disk refuses.
  public init(_ label: String = "test") throws(FileError) {
    let base = FileManager.default.temporaryDirectory.resolvingSymlinksInPath().path
    path = "\(base)/millrace-\(label)-\(UUID().uuidString.lowercased())"
    try LocalFileSystem().createFolders(path)
  }

  deinit {
    // What cannot be removed is left to the system; it is below the folder for temporary files.
    try? FileManager.default.removeItem(atPath: path)
  }

  /// The absolute path of something in the folder.
  public func path(_ relative: String) -> String { "\(path)/\(relative)" }
}
