// SPDX-License-Identifier: Apache-2.0

package import MillCore

/// Removes and rewrites sealed segments.
///
/// The segment that is being written is not touched, so appends and reads go on meanwhile, in whatever
/// process; a lock of its own keeps two from doing it at once.
package struct PartitionRetention {
  let folder: PartitionFolder
  let storage: any LogStorage
  let configuration: LogConfiguration

  package init(
    _ folder: PartitionFolder,
    _ storage: any LogStorage,
    _ configuration: LogConfiguration
  ) {
    self.folder = folder
    self.storage = storage
    self.configuration = configuration
  }

  /// Removes the segments that a policy lets go.
  ///
  /// - Parameters:
  ///   - kept: The offset before which all events are kept elsewhere.
  ///   - end: The end of the partition.
  ///   - now: The time by which segments are old.
  package func retain(
    _ policy: RetentionPolicy,
    keptElsewhereTo kept: Offset,
    upTo end: DurableEnd,
    at now: Instant
  ) throws(EventLogError) -> RetentionReport {
    try onDisk { () throws(FileError) in
      try cleanUp()
      let segments = try folder.segments(storage)
      var report = RetentionReport(firstOffset: segments.first ?? end.next)
      var sizes: [Int64] = []
      for base in segments { sizes.append(try storage.open(folder.segment(base), .read).size()) }
      var total = sizes.reduce(0, +)
      for (number, base) in segments.enumerated().dropLast() where base < end.segment {
        let next = segments[number + 1]
        let isTooMuch = policy.bytes.map { total > $0.bytes } ?? false
        let isOld = try isOlder(base, sizes[number], than: policy.age, now)
        guard next <= kept, isTooMuch || isOld else { break }
        try storage.remove(folder.index(base))
        try storage.remove(folder.producers(base))
        try storage.remove(folder.segment(base))
        // After a power cut a later segment must not be gone while this one is back.
        try storage.syncFolder(folder.path)
        total -= sizes[number]
        report.removed.append(base)
        report.bytesRemoved += sizes[number]
        report.firstOffset = next
      }
      return report
    }
  }

  /// Removes what a compaction left that was interrupted.
  func cleanUp() throws(FileError) {
    for name in try storage.names(in: folder.path) where name.hasSuffix(".compacting") {
      try storage.remove("\(folder.path)/\(name)")
    }
  }

  private func isOlder(
    _ base: Offset,
    _ size: Int64,
    than age: Duration?,
    _ now: Instant
  ) throws(FileError) -> Bool {
    guard let age else { return false }
    let index = try SegmentIndex.of(
      base,
      in: folder,
      storage,
      storage.open(folder.segment(base), .read),
      limit: size,
      interval: configuration.indexIntervalBytes
    )
    return Instant(microseconds: index.appendTimeLast) + age <= now
  }
}
