// SPDX-License-Identifier: Apache-2.0

internal import MillCore

/// The name under which readers that share work keep how far they have come.
///
/// It is made like the name of a topic.
public struct ConsumerGroup: Hashable, Sendable, CustomStringConvertible {
  /// The name.
  public let description: String

  /// A name, or nil if a group cannot have it.
  public init?(_ name: String) {
    guard TopicName(name) != nil else { return nil }
    description = name
  }
}

/// The committed offset of one group in one partition, in a file of its own.
///
/// Two slots are written in turn and synced, so a crash within a commit leaves the one before.
struct CommittedOffset {
  let folder: PartitionFolder
  let group: ConsumerGroup
  let storage: any LogStorage

  private var path: String { "\(folder.groups)/\(group).offset" }

  func read() throws(FileError) -> Offset? {
    let file: any LogFile
    do throws(FileError) {
      file = try storage.open(path, .read)
    } catch {
      guard case .notFound = error else { throw error }
      return nil
    }
    return try CheckedSlots.read(file).map { Offset($0.numbers[0]) }
  }

  /// Durable when it returns; false while another process commits for the same group.
  func write(_ offset: Offset, at time: Instant) throws(FileError) -> Bool {
    let isNew = try read() == nil
    if isNew { try storage.createFolders(folder.groups) }
    guard let lock = try storage.lock("\(folder.groups)/\(group).lock") else { return false }
    defer { lock.release() }
    var slots = try CheckedSlots(storage.open(path, .write))
    try slots.write([offset.value, time.microseconds, 0, 0])
    try slots.sync()
    if isNew {
      try storage.syncFolder(folder.groups)
      try storage.syncFolder(folder.path)
    }
    return true
  }
}
