// SPDX-License-Identifier: Apache-2.0

public import MillCore

/// Where tables lie: named, immutable byte sequences under one root.
///
/// The contract is that of an object store, which a local folder can keep as well: no rename, no
/// append, and one primitive that tells two writers apart, ``putIfAbsent(_:_:)``. Keys are relative
/// to the root and separated by `/`.
public protocol ObjectStore: Sendable {
  /// The root as engines name it: an absolute folder or a URI, without a slash at the end.
  var location: String { get }

  /// The bytes under a key.
  func read(_ key: String) async throws(FileError) -> [UInt8]

  /// Stores bytes under a key that nobody has used, durably.
  ///
  /// Of several writers exactly one succeeds; a reader sees the whole content or nothing.
  /// - Throws: `FileError.alreadyExists` when the key is taken.
  func putIfAbsent(_ key: String, _ bytes: [UInt8]) async throws(FileError)

  /// Makes objects durable that an engine wrote under these keys, and the names of all of them.
  func makeDurable(_ keys: [String]) async throws(FileError)

  /// The objects directly under a prefix, in byte order of their names; empty if there are none.
  func list(_ prefix: String) async throws(FileError) -> [StoredObject]

  /// The names directly under a prefix, in byte order, without what else is known of them.
  func names(_ prefix: String) async throws(FileError) -> [String]

  /// Gives an object that an engine wrote under a temporary key its own one, durably, unless
  /// somebody else has it; the temporary one is gone afterwards.
  ///
  /// - Throws: `FileError.alreadyExists` when the key is taken.
  func publish(_ temporary: String, as key: String) async throws(FileError)

  /// Stores bytes under a key, durably, in the place of what was there: a reader sees either.
  func replace(_ key: String, _ bytes: [UInt8]) async throws(FileError)

  /// What is known of one key, or nil.
  func status(_ key: String) async throws(FileError) -> StoredObject?

  /// Removes an object; one that is gone already is no error.
  func delete(_ key: String) async throws(FileError)

  /// Makes room for an engine to write under a prefix.
  func prepare(_ prefix: String) async throws(FileError)
}

extension ObjectStore {
  /// The names of a listing, for stores that have no cheaper way.
  public func names(_ prefix: String) async throws(FileError) -> [String] {
    try await list(prefix).map(\.name)
  }
}

/// A name under a prefix of an ``ObjectStore``.
public struct StoredObject: Hashable, Sendable {
  /// The last part of the key.
  public var name: String
  /// Length in bytes; nothing to rely on for a folder.
  public var size: Int64
  /// Last change of the content, UTC microseconds.
  public var modified: Instant
  /// Whether the name is a folder rather than an object.
  public var isPrefix: Bool
  /// Whether the name only points to something, perhaps outside of the store.
  public var isLink = false

  /// An entry as a store lists it.
  public init(name: String, size: Int64, modified: Instant, isPrefix: Bool = false) {
    self.name = name
    self.size = size
    self.modified = modified
    self.isPrefix = isPrefix
  }
}
