// SPDX-License-Identifier: Apache-2.0

package import MillCore

/// What lies in a table's log, by its names alone.
///
/// Pure, so that every order and every hole of a log is tested without a disk.
package struct LogListing: Sendable {
  /// A checkpoint whose every file is there.
  package struct Checkpoint: Hashable, Sendable {
    package var version: TableVersion
    /// The files' names; several for one in parts.
    package var names: [String]
    package var isJSON: Bool
  }

  /// The versions that have a commit file, in order.
  package private(set) var commits: [TableVersion] = []
  /// The complete checkpoints, in the order in which they are to be tried for a version: of one
  /// version those in parts last.
  package private(set) var checkpoints: [Checkpoint] = []

  package init(_ names: [String]) {
    var parts: [PartedKey: [Int: String]] = [:]
    for name in names {
      switch LogFileName(name) {
      case .commit(let version)?: commits.append(version)
      case .checkpoint(let version)?:
        checkpoints.append(Checkpoint(version: version, names: [name], isJSON: false))
      case .namedCheckpoint(let version, let isJSON)?:
        checkpoints.append(Checkpoint(version: version, names: [name], isJSON: isJSON))
      case .checkpointPart(let version, let part, let count)?:
        parts[PartedKey(version: version, count: count), default: [:]][part] = name
      case nil: break
      }
    }
    for (key, found) in parts where found.count == key.count {
      checkpoints.append(
        Checkpoint(
          version: key.version,
          names: (1...key.count).compactMap { found[$0] },
          isJSON: false
        )
      )
    }
    commits.sort()
    checkpoints.sort { left, right in
      (left.version.number, right.names.count, left.names[0])
        < (right.version.number, left.names.count, right.names[0])
    }
  }

  private struct PartedKey: Hashable {
    var version: TableVersion
    var count: Int
  }

  /// Whether there is a table at all.
  package var isEmpty: Bool { commits.isEmpty && checkpoints.isEmpty }

  /// The newest version that the names tell of.
  package var newest: TableVersion? {
    guard let commit = commits.last else { return checkpoints.last?.version }
    return checkpoints.last.map { max($0.version, commit) } ?? commit
  }

  /// The oldest version that can be made from what is there.
  package var oldest: TableVersion? {
    if commits.first == .first { return .first }
    return checkpoints.first?.version
  }

  /// The checkpoints that a version can be read from, newest first, for trying one after the other.
  package func candidates(for version: TableVersion) -> [Checkpoint] {
    checkpoints.filter { $0.version <= version }.reversed()
  }

  /// The commits to apply after a checkpoint, or from the start, up to a version.
  ///
  /// - Returns: The first version that is missing when there is a hole.
  package func commits(
    after checkpoint: TableVersion?,
    through version: TableVersion
  ) -> (commits: [TableVersion], missing: TableVersion?) {
    var next = checkpoint?.successor ?? .first
    var found: [TableVersion] = []
    let start = commits.partitioningIndex { $0 >= next }
    for commit in commits[start...] {
      guard commit <= version else { break }
      guard commit == next else { return (found, next) }
      found.append(commit)
      next = next.successor
    }
    return (found, next <= version ? next : nil)
  }
}

extension Array {
  /// The first position whose element satisfies a condition that, once true, stays true.
  func partitioningIndex(_ belongs: (Element) -> Bool) -> Int {
    var low = 0
    var high = count
    while low < high {
      let middle = (low + high) / 2
      if belongs(self[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
