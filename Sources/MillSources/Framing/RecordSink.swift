// SPDX-License-Identifier: Apache-2.0

/// Where an irregular record lies in the decompressed text.
struct RecordExtent {
  var line: Int
  var lineCount: Int
  var start: Int
  /// Bytes without the line end.
  var length: Int
  /// The first byte behind the line end.
  var end: Int
}

/// What a framer reports besides its counts.
protocol RecordSink {
  /// An irregular record: its first bytes are `head` and, after them, `tail`, line end included.
  mutating func irregular(
    _ extent: RecordExtent,
    _ reason: IrregularReason,
    head: borrowing RecordHead,
    tail: UnsafeRawBufferPointer
  )

  /// This chunk of the text was framed: what is irregular in it and ends in it was reported.
  mutating func framed(_ chunk: UnsafeRawBufferPointer) throws(SourceError)
}

/// The part of a record that earlier chunks held, up to a bound.
struct RecordHead: ~Copyable {
  private(set) var bytes: [UInt8] = []
  /// Whether some of those earlier bytes were not kept.
  private(set) var isCut = false

  mutating func append(_ more: UnsafeRawBufferPointer, limit: Int) {
    let room = max(0, limit - bytes.count)
    bytes.append(contentsOf: more.prefix(room))
    if more.count > room { isCut = true }
  }

  mutating func clear() {
    bytes.removeAll(keepingCapacity: true)
    isCut = false
  }

  /// The first `limit` bytes of head and tail together.
  borrowing func joined(with tail: UnsafeRawBufferPointer, limit: Int) -> [UInt8] {
    var all = Array(bytes.prefix(limit))
    if !isCut { all.append(contentsOf: tail.prefix(limit - all.count)) }
    return all
  }
}

/// Counts of one pass.
struct FrameCounts {
  var records = 0
  var blankLines = 0
  var irregular = 0
  var longest = 0
  /// Newlines seen so far.
  var newlines = 0
}

/// Cuts text, arriving in chunks of any size, into records.
protocol RecordFramer: ~Copyable {
  var counts: FrameCounts { get }
  /// The bytes of the header once its end was seen, line end removed, and its line.
  var header: FramedHeader? { get }
  /// Leaves out the first bytes of the text: a byte order mark.
  mutating func skip(_ count: Int)
  mutating func feed(_ chunk: UnsafeRawBufferPointer, to sink: inout some RecordSink)
  mutating func finish(_ sink: inout some RecordSink)
}

/// The regular records that somebody asked for by their numbers, met in order.
struct RecordPicks {
  private var wanted: ArraySlice<Int64>
  private var passed: Int64 = 0

  /// - Parameter wanted: Numbers of regular records from 1, ascending.
  init(_ wanted: [Int64]) {
    self.wanted = wanted[...]
  }

  var isEmpty: Bool { wanted.isEmpty }

  /// Takes down that a regular record went by; a reason to report it if it was asked for.
  mutating func passedRegular() -> IrregularReason? {
    passed += 1
    guard wanted.first == passed else { return nil }
    wanted = wanted.dropFirst()
    return .picked
  }
}
