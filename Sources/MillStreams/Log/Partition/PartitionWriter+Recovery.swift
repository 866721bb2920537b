// SPDX-License-Identifier: Apache-2.0

internal import MillCore

extension PartitionWriter {
  /// Takes the partition's lock and opens it as the last writer left it, or as a crash did.
  ///
  /// The newest segment is read and verified whole. What is not whole at its end and was never
  /// acknowledged is cut; what was acknowledged and cannot be read is reported, kept for whoever wants
  /// to look at it, and followed by a new segment. That something was acknowledged is known from the
  /// file `durable`, and from later batches: each says up to where all was when it was written.
  package static func open(
    _ folder: PartitionFolder,
    _ storage: any LogStorage,
    _ configuration: LogConfiguration,
    newLogID: UInt64
  ) throws(EventLogError) -> (writer: PartitionWriter, report: RecoveryReport) {
    var unknown: (file: String, position: Int64)?
    let outcome: Result<(writer: PartitionWriter, report: RecoveryReport)?, FileError> = Result {
      () throws(FileError) in
      guard let lock = try storage.lock(folder.lock) else { return nil }
      var recovery = Recovery(
        folder: folder,
        storage: storage,
        configuration: configuration,
        lock: lock
      )
      let opened = try recovery.run(newLogID)
      unknown = recovery.unknown
      return opened
    }
    switch outcome {
    case .success(let opened?): return opened
    case .success(nil):
      if let unknown {
        throw .unknownFormat(folder.partition, file: unknown.file, position: unknown.position)
      }
      throw .locked(folder.partition)
    case .failure(let error): throw .storage(error)
    }
  }
}

/// The steps of opening a partition.
private struct Recovery {
  let folder: PartitionFolder
  let storage: any LogStorage
  let configuration: LogConfiguration
  let lock: any LogLock
  var report: RecoveryReport
  var appendTimeLast = Int64.min
  /// A batch that a later version wrote: nothing may be done to the partition.
  var unknown: (file: String, position: Int64)?

  init(
    folder: PartitionFolder,
    storage: any LogStorage,
    configuration: LogConfiguration,
    lock: any LogLock
  ) {
    self.folder = folder
    self.storage = storage
    self.configuration = configuration
    self.lock = lock
    report = RecoveryReport(partition: folder.partition, end: .zero)
  }

  /// Nil of a partition that a later version wrote.
  mutating func run(
    _ newLogID: UInt64
  ) throws(FileError) -> (writer: PartitionWriter, report: RecoveryReport)? {
    for name in try storage.names(in: folder.path) where name.hasSuffix(".tmp") {
      try storage.remove("\(folder.path)/\(name)")
    }
    let segments = try folder.segments(storage)
    let mark = try CheckedSlots(storage.open(folder.mark, .write))
    let known = DurableEnd(mark.content)
    guard let base = segments.last else {
      return try withoutSegments(mark, known, known?.logID ?? newLogID)
    }
    let file = try storage.open(folder.segment(base), .write)
    let size = try file.size()
    var logID = known?.logID ?? newLogID
    if known == nil, let found = try identity(segments) { logID = found }
    var seen = try verify(file, base, size, logID, segments)
    if seen.problem == .version {
      unknown = (file.path, seen.index.segmentBytes)
      return nil
    }
    let acknowledged = max(known?.next ?? .zero, seen.acknowledged)
    var begin: Offset?
    if acknowledged > seen.index.end || seen.hasDamageBeforeEnd(acknowledged) {
      begin = max(acknowledged, seen.endAfterDamage)
      // They count only now that it is known that the damage was acknowledged.
      let damaged = seen
      try forEachBatch(behind: damaged, file, size, logID) { seen.producers.add($0) }
      reportLoss(file, seen, upTo: acknowledged)
    } else if seen.index.segmentBytes < size {
      try cut(file, seen, size)
    }
    try rewrite(file, from: known, base, upTo: begin == nil ? seen.index.segmentBytes : size)
    try file.sync()
    try storage.syncFolder(folder.path)
    var writer = PartitionWriter(
      folder: folder,
      storage: storage,
      configuration: configuration,
      lock: lock,
      mark: mark,
      logID: logID,
      file: file,
      index: seen.index,
      base: base,
      producers: seen.producers,
      appendTimeLast: appendTimeLast
    )
    if let begin {
      try writer.begin(begin)
    } else {
      try writer.tell(writer.end)
    }
    report.end = writer.next
    return (writer, report)
  }

  /// A new partition, or one whose files are all gone.
  private mutating func withoutSegments(
    _ mark: CheckedSlots,
    _ known: DurableEnd?,
    _ logID: UInt64
  ) throws(FileError) -> (writer: PartitionWriter, report: RecoveryReport) {
    let start = known?.next ?? .zero
    if start > .zero { report.findings.append(.missing(offsets: .zero..<start)) }
    let file = try storage.open(folder.segment(start), .write)
    var writer = PartitionWriter(
      folder: folder,
      storage: storage,
      configuration: configuration,
      lock: lock,
      mark: mark,
      logID: logID,
      file: file,
      index: SegmentIndex(base: start, interval: configuration.indexIntervalBytes),
      base: start,
      producers: ProducerTable(limit: configuration.producersMax),
      appendTimeLast: .min
    )
    try writer.begin(start)
    report.end = start
    return (writer, report)
  }

  /// What the newest segment was found to hold.
  private struct Seen {
    /// Of the whole batches from its beginning on.
    var index: SegmentIndex
    var producers: ProducerTable
    /// What later batches say was acknowledged.
    var acknowledged: Offset
    var problem: BatchHeader.Problem?
    /// Where the whole batches behind the damage begin and end.
    var nextAfterDamage: Offset?
    var endAfterDamage = Offset.zero

    func hasDamageBeforeEnd(_ acknowledged: Offset) -> Bool {
      problem != nil && acknowledged > index.end
    }
  }

  private mutating func verify(
    _ file: any LogFile,
    _ base: Offset,
    _ size: Int64,
    _ logID: UInt64,
    _ segments: [Offset]
  ) throws(FileError) -> Seen {
    var seen = Seen(
      index: SegmentIndex(base: base, interval: configuration.indexIntervalBytes),
      producers: try producers(segments),
      acknowledged: .zero
    )
    var walk = SegmentWalk(file, limit: size, verifyingBodies: true)
    loop: while true {
      switch try walk.next() {
      case .end: break loop
      case .invalid(let problem, _, _):
        seen.problem = problem
        break loop
      case .batch(let header, let position):
        guard header.base == seen.index.end, header.logID == logID else {
          seen.problem = .order
          break loop
        }
        seen.index.add(header, position: position)
        seen.producers.add(header)
        seen.acknowledged = max(seen.acknowledged, header.durableBefore)
        appendTimeLast = max(appendTimeLast, header.appendTime)
      }
    }
    report.bytesVerified = walk.position
    if seen.problem != nil {
      let damaged = seen
      try forEachBatch(behind: damaged, file, size, logID) { header in
        seen.nextAfterDamage = seen.nextAfterDamage ?? header.base
        seen.endAfterDamage = max(seen.endAfterDamage, header.end)
        seen.acknowledged = max(seen.acknowledged, header.durableBefore)
        appendTimeLast = max(appendTimeLast, header.appendTime)
      }
    }
    return seen
  }

  /// Looks for whole batches behind damage: they tell whether it was acknowledged.
  private func forEachBatch(
    behind seen: Seen,
    _ file: any LogFile,
    _ size: Int64,
    _ logID: UInt64,
    _ body: (BatchHeader) -> Void
  ) throws(FileError) {
    var walk = SegmentWalk(
      file,
      from: seen.index.segmentBytes,
      limit: size,
      verifyingBodies: true
    )
    let damaged = seen.index.end
    while try walk.skipDamage(logID: logID, after: damaged) != nil {
      while case .batch(let header, _) = try walk.next() {
        guard header.logID == logID, header.base > damaged else { break }
        body(header)
      }
    }
  }

  private mutating func reportLoss(_ file: any LogFile, _ seen: Seen, upTo acknowledged: Offset) {
    let from = seen.index.end
    guard let problem = seen.problem else {
      report.findings.append(.missing(offsets: from..<acknowledged))
      return
    }
    report.findings.append(
      .damaged(
        file: file.path,
        position: seen.index.segmentBytes,
        offsets: from..<max(seen.nextAfterDamage ?? acknowledged, from + 1),
        problem: problem.rawValue
      )
    )
  }

  private mutating func cut(
    _ file: any LogFile,
    _ seen: Seen,
    _ size: Int64
  ) throws(FileError) {
    try file.truncate(to: seen.index.segmentBytes)
    report.findings.append(
      .tornTail(
        file: file.path,
        position: seen.index.segmentBytes,
        bytes: size - seen.index.segmentBytes,
        offset: seen.index.end,
        problem: (seen.problem ?? .tooShort).rawValue
      )
    )
  }

  /// Writes again what no sync is known to have made durable.
  ///
  /// After a sync that failed the system may hold as clean what is not on the disk: read back it looks
  /// right, and syncing it once more does nothing. Written again, it is dirty and the sync counts.
  private func rewrite(
    _ file: any LogFile,
    from known: DurableEnd?,
    _ base: Offset,
    upTo end: Int64
  ) throws(FileError) {
    var place = known?.segment == base ? min(known?.position ?? 0, end) : 0
    let memory = BatchMemory(count: Int(min(end - place, 1 << 20)))
    while place < end {
      let count = Int(min(end - place, Int64(memory.bytes.count)))
      let part = UnsafeMutableRawBufferPointer(rebasing: memory.bytes[..<count])
      let got = try file.read(into: part, at: place)
      guard got > 0 else { return }
      try file.write([UnsafeRawBufferPointer(rebasing: part[..<got])], at: place)
      place += Int64(got)
    }
  }

  /// The partition's own number as its oldest batch has it that can be read.
  private func identity(_ segments: [Offset]) throws(FileError) -> UInt64? {
    for base in segments {
      let file = try storage.open(folder.segment(base), .read)
      var walk = SegmentWalk(file, limit: try file.size(), verifyingBodies: false)
      if case .batch(let header, _) = try walk.next() { return header.logID }
      if let header = try walk.skipDamage(logID: nil, after: Offset(-1)) { return header.logID }
    }
    return nil
  }

  /// The producers as of the newest segment's beginning: as they were kept, or from all headers.
  private func producers(_ segments: [Offset]) throws(FileError) -> ProducerTable {
    let empty = ProducerTable(limit: configuration.producersMax)
    guard let newest = segments.last else { return empty }
    if let bytes = try storage.readIfExists(folder.producers(newest), upTo: 1 << 30),
      let table = ProducerTable(bytes, limit: configuration.producersMax)
    {
      return table
    }
    var table = empty
    for base in segments.dropLast() {
      let file = try storage.open(folder.segment(base), .read)
      var walk = SegmentWalk(file, limit: try file.size(), verifyingBodies: false)
      while case .batch(let header, _) = try walk.next() { table.add(header) }
    }
    return table
  }
}
