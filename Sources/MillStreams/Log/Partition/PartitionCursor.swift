// SPDX-License-Identifier: Apache-2.0

internal import MillCore

/// A place in a partition from which batches are read, one chunk after the other.
///
/// It knows no thread and does not wait: it gives what there is up to an end that it is told. What it
/// gives follows on without a hole; a hole, or bytes that are not those that were written, is an
/// error that names them, and never an end.
package struct PartitionCursor {
  let folder: PartitionFolder
  let storage: any LogStorage
  let configuration: LogConfiguration
  /// The offset that is read next.
  package private(set) var next: Offset
  private var segment: OpenSegment?
  /// Memory that nobody but we hold is used again.
  private var spare: BatchMemory?

  package init(
    _ folder: PartitionFolder,
    _ storage: any LogStorage,
    _ configuration: LogConfiguration,
    at next: Offset
  ) {
    self.folder = folder
    self.storage = storage
    self.configuration = configuration
    self.next = next
  }

  /// Goes on elsewhere.
  package mutating func seek(to offset: Offset) {
    next = offset
    segment = nil
  }

  /// The whole batches from here on that fit into about so many bytes: none only at the end.
  ///
  /// - Parameter end: How far may be read.
  package mutating func read(
    upTo end: DurableEnd,
    bytes: Int
  ) throws(EventLogError) -> [RecordBatch] {
    while next < end.next {
      var open: OpenSegment
      if let segment { open = segment } else { open = try locate(next, upTo: end) }
      segment = nil
      let limit = try open.limit(upTo: end, folder, storage)
      if open.isOver(limit, next) {
        // The next one begins here, is missing, or all of it was removed by retention meanwhile.
        open = try locate(next, upTo: end, after: open.base)
        segment = open
        continue
      }
      let batches = try readChunk(&open, limit: limit, upTo: end, bytes: bytes)
      segment = open
      if !batches.isEmpty { return batches }
    }
    return []
  }

  private mutating func readChunk(
    _ open: inout OpenSegment,
    limit: Int64,
    upTo end: DurableEnd,
    bytes: Int
  ) throws(EventLogError) -> [RecordBatch] {
    var wanted = Int(min(Int64(max(bytes, BatchHeader.size)), limit - open.position))
    while true {
      let memory = takeMemory(wanted)
      let target = UnsafeMutableRawBufferPointer(rebasing: memory.bytes[..<wanted])
      let (file, position) = (open.file, open.position)
      let got = try onDisk { () throws(FileError) in try file.read(into: target, at: position) }
      guard got > 0 else {
        // Somebody cut the file.
        let until = max(open.sealedAt ?? end.next, next + 1)
        throw .missing(folder.partition, offsets: next..<until)
      }
      let isAll = got < wanted || position + Int64(got) >= limit
      var parse = Parse(memory: memory, count: got, isAll: isAll)
      try parse.run(&open, next: &next, folder.partition, end.next)
      spare = memory
      guard let longer = parse.longBatch else { return parse.batches }
      // One batch is longer than the chunk.
      wanted = Int(min(Int64(longer), limit - open.position))
    }
  }

  private mutating func takeMemory(_ count: Int) -> BatchMemory {
    if var memory = spare {
      spare = nil
      if memory.bytes.count >= count, memory.bytes.count <= 4 * count + (1 << 20),
        isKnownUniquelyReferenced(&memory)
      {
        return memory
      }
    }
    return BatchMemory(count: count)
  }

  /// Finds the segment that holds an offset, and in it the batch.
  private func locate(
    _ offset: Offset,
    upTo end: DurableEnd,
    after: Offset? = nil
  ) throws(EventLogError) -> OpenSegment {
    // Retention may remove what was just listed; then the list has become shorter.
    for _ in 0..<100 {
      let segments = try onDisk { () throws(FileError) in try folder.segments(storage) }
      guard let base = segments.last(where: { $0 <= offset }) else {
        throw .offsetOutOfRange(
          folder.partition,
          asked: offset,
          first: segments.first ?? end.next,
          end: end.next
        )
      }
      if let after, base <= after {
        let later = segments.first { $0 > offset } ?? end.next
        throw .missing(folder.partition, offsets: offset..<max(later, offset + 1))
      }
      guard let file = try openIfExists(folder.segment(base)) else { continue }
      var open = OpenSegment(file: file, base: base, position: 0)
      open.sealedAt = segments.first { $0 > base }
      if offset > base { try open.advance(to: offset, upTo: end, self) }
      return open
    }
    throw .missing(folder.partition, offsets: offset..<(offset + 1))
  }

  private func openIfExists(_ path: String) throws(EventLogError) -> (any LogFile)? {
    do throws(FileError) {
      return try storage.open(path, .read)
    } catch {
      if case .notFound = error { return nil }
      throw .storage(error)
    }
  }
}

// MARK: - One segment

/// A segment that is being read, and the place in it.
struct OpenSegment {
  let file: any LogFile
  let base: Offset
  var position: Int64
  /// The first offset of the batch at the position, once one before it was read.
  var expected: Offset?
  /// Where the next segment begins, once there is one.
  var sealedAt: Offset?

  init(file: any LogFile, base: Offset, position: Int64) {
    self.file = file
    self.base = base
    self.position = position
  }

  /// The bytes that count, as far as they are known: of a sealed segment also its last batch must
  /// lie before the next segment.
  mutating func limit(
    upTo end: DurableEnd,
    _ folder: PartitionFolder,
    _ storage: any LogStorage
  ) throws(EventLogError) -> Int64 {
    if base == end.segment { return end.position }
    if sealedAt == nil {
      let base = base
      let later = try onDisk { () throws(FileError) in
        try folder.segments(storage).first { $0 > base }
      }
      sealedAt = later ?? end.segment
    }
    let file = file
    return try onDisk { () throws(FileError) in try file.size() }
  }

  func isOver(_ limit: Int64, _ next: Offset) -> Bool {
    position >= limit || sealedAt.map { next >= $0 } ?? false
  }

  /// Goes to the batch that holds an offset.
  mutating func advance(
    to offset: Offset,
    upTo end: DurableEnd,
    _ cursor: PartitionCursor
  ) throws(EventLogError) {
    let limit = try limit(upTo: end, cursor.folder, cursor.storage)
    let (file, base) = (file, base)
    let isSealed = base != end.segment
    let start = try onDisk { () throws(FileError) -> Int64 in
      guard isSealed else { return 0 }
      let index = try SegmentIndex.of(
        base,
        in: cursor.folder,
        cursor.storage,
        file,
        limit: limit,
        interval: cursor.configuration.indexIntervalBytes
      )
      return try SegmentIndex.position(index.start(of: offset), in: file)
    }
    var walk = SegmentWalk(
      file,
      from: start,
      limit: limit,
      verifyingBodies: false,
      chunkBytes: 64 << 10
    )
    var damage: (position: Int64, problem: BatchHeader.Problem)?
    while true {
      switch try onDisk({ () throws(FileError) in try walk.next() }) {
      case .batch(let header, let place):
        position = place
        expected = nil
        if header.base > offset, let damage {
          throw .damaged(
            cursor.folder.partition,
            file: file.path,
            position: damage.position,
            offsets: offset..<header.base,
            problem: damage.problem.rawValue
          )
        }
        if header.end > offset { return }
        position = walk.position
      case .end: return
      case .invalid(let problem, let place, _):
        damage = (place, problem)
        let found = try onDisk { () throws(FileError) in
          try walk.skipDamage(logID: end.logID, after: base)
        }
        if found == nil {
          throw .damaged(
            cursor.folder.partition,
            file: file.path,
            position: place,
            offsets: offset..<max(sealedAt ?? end.next, offset + 1),
            problem: problem.rawValue
          )
        }
      }
    }
  }
}

/// The batches of one chunk.
private struct Parse {
  let memory: BatchMemory
  /// The bytes that are there.
  let count: Int
  /// Whether the segment ends with the chunk.
  let isAll: Bool
  var batches: [RecordBatch] = []
  /// The length of a batch of which the chunk has only a part, when it has nothing else.
  var longBatch: Int?

  init(memory: BatchMemory, count: Int, isAll: Bool) {
    self.memory = memory
    self.count = count
    self.isAll = isAll
  }

  mutating func run(
    _ open: inout OpenSegment,
    next: inout Offset,
    _ partition: TopicPartition,
    _ end: Offset
  ) throws(EventLogError) {
    var place = 0
    let start = open.position
    while place < count {
      if let sealedAt = open.sealedAt, next >= sealedAt { return }
      let rest = UnsafeRawBufferPointer(rebasing: memory.readable[place..<count])
      let header: BatchHeader
      do throws(BatchHeader.Problem) {
        header = try BatchHeader(rest)
        guard header.base == open.expected ?? header.base else { throw .order }
        if place + header.length > count {
          guard !isAll else { throw .cutBody }
          // The rest of it comes with the next chunk, which begins with it.
          if batches.isEmpty, place == 0 { longBatch = header.length }
          return
        }
        if header.end > next {
          let batch = try RecordBatch(header, in: memory, at: place).from(next)
          if batch.count > 0 { batches.append(batch) }
        }
      } catch {
        if error == .tooShort, !isAll, place > 0 { return }
        // What came before the damage is given first; the next call comes here again.
        guard batches.isEmpty else { return }
        throw damage(error, rest, start + Int64(place), open, next, partition, end)
      }
      place += header.length
      open.position = start + Int64(place)
      open.expected = header.end
      next = max(next, header.end)
    }
  }

  private func damage(
    _ problem: BatchHeader.Problem,
    _ bytes: UnsafeRawBufferPointer,
    _ position: Int64,
    _ open: OpenSegment,
    _ next: Offset,
    _ partition: TopicPartition,
    _ end: Offset
  ) -> EventLogError {
    // A whole header tells how far the damage goes; without one it goes to the next whole batch, and
    // where the disk does not let us look for that, to the end of the segment.
    var last: Offset?
    if problem != .order, let header = try? BatchHeader(bytes) {
      last = header.end
    } else if var walk = try? SegmentWalk(
      open.file,
      from: position,
      limit: open.file.size(),
      verifyingBodies: false
    ) {
      last = (try? walk.skipDamage(logID: nil, after: next))??.base
    }
    return .damaged(
      partition,
      file: open.file.path,
      position: position,
      offsets: next..<max(last ?? open.sealedAt ?? end, next + 1),
      problem: problem.rawValue
    )
  }
}
