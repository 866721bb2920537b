// SPDX-License-Identifier: Apache-2.0

internal import MillCore

extension PartitionFolder {
  /// How far the partition may be read, as its writer says, in whatever process.
  ///
  /// When neither half of the file `durable` is whole, which only a power cut leaves, the batches
  /// themselves tell of an end that is safe: each knows up to where all was acknowledged when it was
  /// written.
  package func durableEnd(_ storage: any LogStorage) throws(EventLogError) -> DurableEnd {
    try onDisk { () throws(FileError) -> DurableEnd in
      if let end = try markedEnd(storage) { return end }
      guard let base = try segments(storage).last else {
        return DurableEnd(segment: .zero, position: 0, next: .zero, logID: 0)
      }
      let file = try storage.open(segment(base), .read)
      return try Self.provenEnd(base, file)
    }
  }

  private func markedEnd(_ storage: any LogStorage) throws(FileError) -> DurableEnd? {
    do throws(FileError) {
      return DurableEnd(try CheckedSlots.read(storage.open(mark, .read)))
    } catch {
      guard case .notFound = error else { throw error }
      return nil
    }
  }

  private static func provenEnd(
    _ base: Offset,
    _ file: any LogFile
  ) throws(FileError) -> DurableEnd {
    var end = DurableEnd(segment: base, position: 0, next: base, logID: 0)
    var places: [(next: Offset, position: Int64)] = [(base, 0)]
    var walk = SegmentWalk(file, limit: try file.size(), verifyingBodies: true)
    while case .batch(let header, _) = try walk.next() {
      guard header.base == places.last?.next else { break }
      end.logID = header.logID
      places.append((header.end, walk.position))
      // Only the batches since the last proof are of interest.
      if let proven = places.firstIndex(where: { $0.next == header.durableBefore }) {
        (end.next, end.position) = places[proven]
        places.removeFirst(proven)
      }
    }
    return end
  }
}

extension PartitionCursor {
  /// The first offset that there is.
  package static func first(
    _ folder: PartitionFolder,
    _ storage: any LogStorage,
    upTo end: DurableEnd
  ) throws(EventLogError) -> Offset {
    let segments = try onDisk { () throws(FileError) in try folder.segments(storage) }
    return segments.first ?? end.next
  }

  /// What a search by time goes by.
  package enum Time: Hashable, Sendable {
    /// The first event that happened then or later: all before it in the log happened earlier.
    case event(Int64)
    /// The first batch that was appended then or later.
    case append(Int64)
  }

  /// The offset of the first event of a time, or the end if there is none.
  ///
  /// - Complexity: A look at the index of each segment, and a walk through the headers of one stretch.
  package func find(_ time: Time, upTo end: DurableEnd) throws(EventLogError) -> Offset {
    let segments = try onDisk { () throws(FileError) in try folder.segments(storage) }
    for (number, base) in segments.enumerated() where base < end.next {
      let file: any LogFile
      do throws(FileError) {
        file = try storage.open(folder.segment(base), .read)
      } catch {
        // Removed by retention since the list was made.
        if case .notFound = error { continue }
        throw .storage(error)
      }
      let isActive = base == end.segment
      let sealedAt = number + 1 < segments.count ? segments[number + 1] : end.next
      let found = try onDisk { () throws(FileError) -> BatchHeader? in
        let limit = isActive ? end.position : try file.size()
        let index =
          try isActive
          ? SegmentIndex(base: base, interval: configuration.indexIntervalBytes)
          : SegmentIndex.of(
            base,
            in: folder,
            storage,
            file,
            limit: limit,
            interval: configuration.indexIntervalBytes
          )
        if index.end >= sealedAt, !isActive, !Self.mayHold(index, time) { return nil }
        let start = try SegmentIndex.position(Self.start(index, time), in: file)
        return try Self.walk(file, from: start, limit, end.logID) {
          $0.base < sealedAt && Self.matches($0, time)
        }
      }
      guard let found else { continue }
      return try offset(in: found, time, upTo: end)
    }
    return end.next
  }

  private static func mayHold(_ index: SegmentIndex, _ time: Time) -> Bool {
    switch time {
    case .event(let time): index.eventTimeMax >= time
    case .append(let time): index.appendTimeLast >= time
    }
  }

  private static func start(_ index: SegmentIndex, _ time: Time) -> SegmentIndex.Entry? {
    switch time {
    case .event(let time): index.start(eventTime: time)
    case .append(let time): index.start(appendTime: time)
    }
  }

  private static func matches(_ header: BatchHeader, _ time: Time) -> Bool {
    switch time {
    case .event(let time): header.count > 0 && header.eventTimeMax >= time
    case .append(let time): header.appendTime >= time
    }
  }

  /// The first header that a condition holds for; damage is passed over, and met when it is read.
  private static func walk(
    _ file: any LogFile,
    from start: Int64,
    _ limit: Int64,
    _ logID: UInt64,
    _ matches: (BatchHeader) -> Bool
  ) throws(FileError) -> BatchHeader? {
    var walk = SegmentWalk(
      file,
      from: start,
      limit: limit,
      verifyingBodies: false,
      chunkBytes: 64 << 10
    )
    var last = Offset(-1)
    while true {
      switch try walk.next() {
      case .end: return nil
      case .invalid:
        if try walk.skipDamage(logID: logID, after: last) == nil { return nil }
      case .batch(let header, _):
        if matches(header) { return header }
        last = header.base
      }
    }
  }

  private func offset(
    in header: BatchHeader,
    _ time: Time,
    upTo end: DurableEnd
  ) throws(EventLogError) -> Offset {
    guard case .event(let time) = time else { return header.base }
    var cursor = self
    cursor.seek(to: header.base)
    let batches = try cursor.read(upTo: end, bytes: header.length)
    return batches.first?.firstOffset(eventTime: time) ?? header.base
  }
}
