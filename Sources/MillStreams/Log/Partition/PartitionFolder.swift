// SPDX-License-Identifier: Apache-2.0

internal import MillCore

/// The names of the files of one partition.
package struct PartitionFolder: Hashable, Sendable {
  package let path: String
  package let partition: TopicPartition

  package init(_ root: String, _ partition: TopicPartition) {
    self.partition = partition
    path = "\(root)/\(partition.topic)/\(partition.partition)"
  }

  /// Readers learn here how far they may read.
  package var mark: String { "\(path)/durable" }
  /// Its owner writes.
  var lock: String { "\(path)/writer.lock" }
  /// Whoever removes or compacts sealed segments has it.
  var retentionLock: String { "\(path)/retention.lock" }
  /// The committed offsets of consumer groups.
  var groups: String { "\(path)/groups" }

  package func segment(_ base: Offset) -> String { "\(path)/\(Self.name(base)).log" }
  package func index(_ base: Offset) -> String { "\(path)/\(Self.name(base)).index" }
  func producers(_ base: Offset) -> String { "\(path)/\(Self.name(base)).producers" }

  /// Twenty digits: names in the order of bytes are in the order of offsets.
  private static func name(_ base: Offset) -> String {
    let digits = "\(base.value)"
    return String(repeating: "0", count: max(0, 20 - digits.utf8.count)) + digits
  }

  /// The first offset of a file with this ending, or nil of any other file.
  static func base(_ name: String, ending: String) -> Offset? {
    guard name.utf8.count == 20 + ending.utf8.count, name.hasSuffix(ending),
      let number = Int64(name.prefix(20)), number >= 0
    else { return nil }
    return Offset(number)
  }

  /// The first offsets of the segments, ascending.
  func segments(_ storage: any LogStorage) throws(FileError) -> [Offset] {
    try storage.names(in: path).compactMap { Self.base($0, ending: ".log") }.sorted()
  }
}
