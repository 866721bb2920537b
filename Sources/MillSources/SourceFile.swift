// SPDX-License-Identifier: Apache-2.0

/// The identity of a file: where it was, how long it was, and what was in it.
///
/// New content under a known path is a revision, not the same file.
///
/// > Source: docs/semantics.md, 13.
public struct SourceFile: Hashable, Sendable {
  /// The path as it is shown to the user.
  public var path: String
  /// Bytes on disk, before any decompression.
  public var size: Int64
  /// SHA-256 of the bytes on disk, 64 lower-case hexadecimal digits as `sha256sum` prints them.
  public var sha256: String

  /// The identity of a file whose bytes were read.
  public init(path: String, size: Int64, sha256: String) {
    self.path = path
    self.size = size
    self.sha256 = sha256
  }
}
