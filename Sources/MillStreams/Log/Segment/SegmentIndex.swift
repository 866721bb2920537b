// SPDX-License-Identifier: Apache-2.0

internal import MillCore

/// The sparse index of a segment: where to begin a search for an offset or a time.
///
/// There is an entry for about every 64 KiB. It only ever shortens a walk through the segment, whose
/// own headers decide: an index that is missing, damaged or of other content than the segment costs
/// time and never an answer.
struct SegmentIndex: Equatable, Sendable {
  /// A batch of the segment.
  struct Entry: Equatable, Sendable {
    var base: Offset
    var position: Int64
    var appendTime: Int64
    /// The greatest event time of all batches before this one.
    var eventTimeMaxBefore: Int64
  }

  private(set) var entries: [Entry] = []
  /// The bytes of the segment that were seen.
  private(set) var segmentBytes: Int64 = 0
  /// The offset after the last batch.
  private(set) var end: Offset
  private(set) var eventTimeMax = Int64.min
  private(set) var appendTimeFirst = Int64.max
  private(set) var appendTimeLast = Int64.min
  private let interval: Int64

  init(base: Offset, interval: ByteCount) {
    end = base
    self.interval = max(1, interval.bytes)
  }

  /// Takes the next batch in.
  mutating func add(_ header: BatchHeader, position: Int64) {
    if entries.last.map({ position - $0.position >= interval }) ?? true {
      entries.append(
        Entry(
          base: header.base,
          position: position,
          appendTime: header.appendTime,
          eventTimeMaxBefore: eventTimeMax
        )
      )
    }
    segmentBytes = position + Int64(header.length)
    end = header.end
    eventTimeMax = max(eventTimeMax, header.eventTimeMax)
    appendTimeFirst = min(appendTimeFirst, header.appendTime)
    appendTimeLast = max(appendTimeLast, header.appendTime)
  }

  /// Where to begin the walk for an offset.
  func start(of offset: Offset) -> Entry? { last { $0.base <= offset } }

  /// Where to begin the walk for the first event of at least this time.
  func start(eventTime: Int64) -> Entry? { last { $0.eventTimeMaxBefore < eventTime } }

  /// Where to begin the walk for the first batch appended at this time or later.
  func start(appendTime: Int64) -> Entry? { last { $0.appendTime < appendTime } }

  /// The last entry that a condition holds for, which holds for all before it too.
  private func last(where holds: (Entry) -> Bool) -> Entry? {
    var low = 0
    var high = entries.count
    while low < high {
      let middle = (low + high) / 2
      if holds(entries[middle]) { low = middle + 1 } else { high = middle }
    }
    return low == 0 ? nil : entries[low - 1]
  }

  /// The place of an entry, if the batch that it names begins there; else the segment's beginning.
  static func position(_ entry: Entry?, in file: any LogFile) throws(FileError) -> Int64 {
    guard let entry, entry.position > 0 else { return 0 }
    let memory = BatchMemory(count: BatchHeader.size)
    let bytes = UnsafeMutableRawBufferPointer(rebasing: memory.bytes[..<BatchHeader.size])
    let count = try file.read(into: bytes, at: entry.position)
    let found = UnsafeRawBufferPointer(rebasing: memory.readable[..<count])
    guard let header = try? BatchHeader(found), header.base == entry.base else { return 0 }
    return entry.position
  }
}

// MARK: - On the disk

extension SegmentIndex {
  private static let magic: UInt32 = 0x5844_494D  // MIDX
  private static let version: UInt32 = 1

  func encoded() -> [UInt8] {
    var writer = ByteWriter(Self.magic, version: Self.version)
    for number in [
      segmentBytes, end.value, eventTimeMax, appendTimeFirst, appendTimeLast, interval,
      Int64(entries.count),
    ] { writer.put(number) }
    for entry in entries {
      writer.put(entry.base.value)
      writer.put(entry.position)
      writer.put(entry.appendTime)
      writer.put(entry.eventTimeMaxBefore)
    }
    return writer.finish()
  }

  init?(_ bytes: [UInt8]) {
    guard var reader = ByteReader(bytes, Self.magic, version: Self.version),
      let segmentBytes = reader.get(Int64.self), let end = reader.get(Int64.self),
      let eventTimeMax = reader.get(Int64.self), let first = reader.get(Int64.self),
      let last = reader.get(Int64.self), let interval = reader.get(Int64.self),
      let count = reader.get(Int64.self), count >= 0, count <= bytes.count / 32, interval > 0
    else { return nil }
    self.init(base: Offset(end), interval: ByteCount(bytes: interval))
    entries.reserveCapacity(Int(count))
    for _ in 0..<count {
      guard let base = reader.get(Int64.self), let position = reader.get(Int64.self),
        let appendTime = reader.get(Int64.self), let before = reader.get(Int64.self)
      else { return nil }
      entries.append(
        Entry(
          base: Offset(base),
          position: position,
          appendTime: appendTime,
          eventTimeMaxBefore: before
        )
      )
    }
    self.segmentBytes = segmentBytes
    self.eventTimeMax = eventTimeMax
    appendTimeFirst = first
    appendTimeLast = last
  }

  /// The index of a sealed segment: as it was kept, or made anew from the headers.
  ///
  /// - Parameter limit: The bytes of the segment that count.
  static func of(
    _ base: Offset,
    in folder: PartitionFolder,
    _ storage: any LogStorage,
    _ file: any LogFile,
    limit: Int64,
    interval: ByteCount
  ) throws(FileError) -> SegmentIndex {
    if let bytes = try storage.readIfExists(folder.index(base), upTo: 1 << 28),
      let index = SegmentIndex(bytes), index.segmentBytes == limit
    {
      return index
    }
    return try build(base, file, limit: limit, interval: interval)
  }

  /// Walks through the headers.
  ///
  /// What comes after damage is not in the index; who looks for it walks.
  static func build(
    _ base: Offset,
    _ file: any LogFile,
    limit: Int64,
    interval: ByteCount
  ) throws(FileError) -> SegmentIndex {
    var index = SegmentIndex(base: base, interval: interval)
    var walk = SegmentWalk(file, limit: limit, verifyingBodies: false, chunkBytes: 64 << 10)
    while case .batch(let header, let position) = try walk.next() {
      guard header.base == index.end else { break }
      index.add(header, position: position)
    }
    return index
  }
}
