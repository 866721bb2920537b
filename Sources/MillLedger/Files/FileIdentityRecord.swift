// SPDX-License-Identifier: Apache-2.0

/// The hash of a source file, kept so that an unchanged file is not read again to be hashed.
///
/// Only a cache: losing it costs a reading of the files.
public struct FileIdentityRecord: Hashable, Codable, Sendable {
  /// How long a file must have been at rest when it was hashed for the hash to be believed.
  ///
  /// A file changed right after it was hashed can keep size and time of change, since clocks of
  /// file systems tick in steps: 2 s on FAT, 1 s on old ext3 and HFS+. Git calls such entries
  /// "racily clean" and reads those files again, and so does Millrace.
  public static let restMicroseconds: Int64 = 2_000_000

  /// The dataset that the file is loaded into.
  public var dataset: String
  /// The path as the dataset's source names it.
  public var path: String
  /// Bytes.
  public var size: Int64
  /// Last change of the content, UTC microseconds.
  public var modifiedMicroseconds: Int64
  /// Device and inode.
  public var identity: String
  /// Lower-case hexadecimal.
  public var sha256: String
  /// When the hashing **began**, UTC microseconds.
  public var hashedAt: Int64

  /// A file as it was when it was hashed.
  public init(
    dataset: String,
    path: String,
    size: Int64,
    modifiedMicroseconds: Int64,
    identity: String,
    sha256: String,
    hashedAt: Int64
  ) {
    self.dataset = dataset
    self.path = path
    self.size = size
    self.modifiedMicroseconds = modifiedMicroseconds
    self.identity = identity
    self.sha256 = sha256
    self.hashedAt = hashedAt
  }
}
