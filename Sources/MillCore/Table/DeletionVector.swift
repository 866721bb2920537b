// SPDX-License-Identifier: Apache-2.0

/// The rows of one Parquet file that are in the file and no longer in the table.
///
/// Rows are counted from zero in the order of the file. They are held as runs, so that a vector
/// takes memory in proportion to its bytes: 14 of those can delete 65536 rows.
///
/// ```swift
/// let vector = DeletionVector(positions: [7, 3, 4])
/// vector.ranges  // [3...4, 7...7]
/// try DeletionVector.decode(vector.encoded()) == vector  // true
/// ```
///
/// > Source: Delta transaction log protocol, "Deletion Vector Format".
public struct DeletionVector: Hashable, Sendable {
  /// The runs of deleted rows: ascending, and between any two of them a row stays.
  public private(set) var ranges: [ClosedRange<UInt64>] = []
  /// How many rows are deleted.
  public private(set) var count = 0

  /// A vector of these rows, in whatever order and however often each is named.
  public init(positions: [UInt64]) {
    for position in positions.sorted() {
      append(position, position)
    }
  }

  /// A vector of runs of rows, in whatever order.
  public init(ranges: [ClosedRange<UInt64>]) {
    for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
      append(range.lowerBound, range.upperBound)
    }
  }

  /// The deleted rows, ascending, each once.
  ///
  /// A vector made by somebody else may name more rows than memory holds: hold ``count`` and the
  /// last of ``ranges`` to the rows of the file before asking for this.
  ///
  /// - Complexity: 8 bytes for each deleted row, however few bytes the vector has.
  public var positions: [UInt64] {
    var all: [UInt64] = []
    all.reserveCapacity(count)
    for range in ranges {
      all.append(contentsOf: range)
    }
    return all
  }

  /// Whether this row is deleted.
  ///
  /// - Complexity: logarithmic in the runs.
  public func contains(_ position: UInt64) -> Bool {
    var low = 0
    var high = ranges.count
    while low < high {
      let middle = low + (high - low) / 2
      if ranges[middle].upperBound < position {
        low = middle + 1
      } else {
        high = middle
      }
    }
    return low < ranges.count && ranges[low].contains(position)
  }

  /// The rows that one of both deletes.
  ///
  /// - Complexity: linear in the runs of both.
  public func union(_ other: DeletionVector) -> DeletionVector {
    var all = DeletionVector(positions: [])
    var mine = ranges[...]
    var others = other.ranges[...]
    while let left = mine.first, let right = others.first {
      let next = left.lowerBound <= right.lowerBound ? mine.removeFirst() : others.removeFirst()
      all.append(next.lowerBound, next.upperBound)
    }
    for range in mine + others {
      all.append(range.lowerBound, range.upperBound)
    }
    return all
  }

  /// Adds a run that does not begin before the last one.
  ///
  /// The count cannot overflow: 2^63 rows would need more bytes than any file has.
  private mutating func append(_ lower: UInt64, _ upper: UInt64) {
    guard let last = ranges.last, lower == 0 || lower - 1 <= last.upperBound else {
      ranges.append(lower...upper)
      count += Int(upper - lower) + 1
      return
    }
    guard upper > last.upperBound else { return }
    ranges[ranges.count - 1] = last.lowerBound...upper
    count += Int(upper - last.upperBound)
  }
}

// MARK: - Bytes

extension DeletionVector {
  /// What the bytes begin with: a 64-bit roaring bitmap in its portable form follows.
  static let magic: UInt32 = 1_681_511_377
  static let fileVersion: UInt8 = 1

  /// Reads the bytes of one vector, as they stand in the log or between size and checksum in a file.
  ///
  /// - Parameters:
  ///   - bytes: The vector and nothing else.
  ///   - cardinality: How many rows the log says are deleted; nil to take what comes.
  /// - Throws: ``DeletionVectorError`` for whatever a writer could not have meant.
  /// - Complexity: linear in the bytes, in time and memory.
  ///
  /// > Source: RoaringFormatSpec, "Standard 32-bit Roaring Bitmap" and "Extension for 64-bit
  /// > implementations".
  public static func decode(
    _ bytes: [UInt8],
    cardinality: Int64? = nil
  ) throws(DeletionVectorError) -> DeletionVector {
    try decode(bytes[...], cardinality: cardinality)
  }

  /// Reads one vector of a file of vectors.
  ///
  /// - Parameters:
  ///   - bytes: The whole file.
  ///   - offset: Where the vector's size stands, as the log has it; 1 where the log has none.
  ///   - sizeInBytes: Length of the vector's data, as the log has it.
  ///   - cardinality: How many rows the log says are deleted.
  /// - Throws: ``DeletionVectorError`` if file and log disagree or the checksum does not fit.
  ///
  /// > Source: Delta transaction log protocol, "Deletion Vector File Storage Format".
  public static func decodeFile(
    _ bytes: [UInt8],
    offset: Int,
    sizeInBytes: Int,
    cardinality: Int64
  ) throws(DeletionVectorError) -> DeletionVector {
    guard let version = bytes.first else { throw .truncated(offset: 0) }
    guard version == fileVersion else { throw .unknownVersion(version) }
    guard offset >= 1, offset < bytes.count else { throw .badOffset(offset) }
    var reader = ByteReader(bytes[offset...])
    let size = Int(Int32(bitPattern: try reader.next(UInt32.self).byteSwapped))
    guard size >= 0, size == sizeInBytes else {
      throw .wrongSize(found: size, stated: sizeInBytes)
    }
    let data = try reader.take(size)
    guard try reader.next(UInt32.self).byteSwapped == CRC32.checksum(of: data) else {
      throw .badChecksum
    }
    return try decode(data, cardinality: cardinality)
  }

  private static func decode(
    _ data: ArraySlice<UInt8>,
    cardinality: Int64?
  ) throws(DeletionVectorError) -> DeletionVector {
    var vector = DeletionVector(positions: [])
    var reader = ByteReader(data)
    let magic = try reader.next(UInt32.self)
    guard magic == Self.magic else { throw .badMagic(magic) }
    let buckets = try reader.next(UInt64.self)
    // The smallest bucket is a key, a cookie and a count of zero containers.
    guard buckets <= UInt64(reader.remaining / 12) else { throw .truncated(offset: reader.offset) }
    var keyMin: UInt64 = 0
    for _ in 0..<buckets {
      let key = UInt64(try reader.next(UInt32.self))
      guard key >= keyMin else { throw .malformed(.bucketOrder, offset: reader.offset) }
      keyMin = key + 1
      try vector.appendBitmap(from: &reader, above: key << 32)
    }
    guard reader.remaining == 0 else { throw .trailingBytes(reader.remaining) }
    guard cardinality == nil || cardinality == Int64(vector.count) else {
      throw .wrongCardinality(found: Int64(vector.count), stated: cardinality ?? 0)
    }
    return vector
  }

  private mutating func appendBitmap(
    from reader: inout ByteReader,
    above base: UInt64
  ) throws(DeletionVectorError) {
    let start = reader.offset
    let cookie = try reader.next(UInt32.self)
    var containers = Int(cookie >> 16) + 1
    var runFlags: ArraySlice<UInt8>?
    if cookie & 0xFFFF == Roaring.cookieWithRuns {
      runFlags = try reader.take((containers + 7) / 8)
    } else if cookie == Roaring.cookie {
      containers = Int(try reader.next(UInt32.self))
      guard containers <= 1 << 16 else { throw .malformed(.containers, offset: reader.offset) }
    } else {
      throw .malformed(.cookie, offset: start)
    }
    var headers = ByteReader(try reader.take(containers * 4))
    let hasOffsets = runFlags == nil || containers >= Roaring.offsetsMin
    var offsets = ByteReader(try reader.take(hasOffsets ? containers * 4 : 0))
    var keyMin: UInt64 = 0
    for index in 0..<containers {
      let key = UInt64(try headers.next(UInt16.self))
      let cardinality = Int(try headers.next(UInt16.self)) + 1
      guard key >= keyMin else { throw .malformed(.containerOrder, offset: reader.offset) }
      keyMin = key + 1
      // A reader that jumps by the offsets must find the rows that we find by going on.
      if hasOffsets {
        guard try offsets.next(UInt32.self) == UInt32(truncatingIfNeeded: reader.offset - start)
        else { throw .malformed(.containerOffset, offset: reader.offset) }
      }
      let countBefore = count
      let isRuns = runFlags.map { $0[$0.startIndex + index / 8] >> (index % 8) & 1 == 1 } ?? false
      if isRuns {
        try appendRuns(from: &reader, above: base | key << 16)
      } else if cardinality <= Roaring.arrayMax {
        try appendArray(of: cardinality, from: &reader, above: base | key << 16)
      } else {
        try appendBitset(from: &reader, above: base | key << 16)
      }
      guard count - countBefore == cardinality else {
        throw .malformed(.containerCount, offset: reader.offset)
      }
    }
  }

  private mutating func appendArray(
    of count: Int,
    from reader: inout ByteReader,
    above base: UInt64
  ) throws(DeletionVectorError) {
    var valueMin: UInt64 = 0
    for _ in 0..<count {
      let value = UInt64(try reader.next(UInt16.self))
      guard value >= valueMin else { throw .malformed(.valueOrder, offset: reader.offset) }
      valueMin = value + 1
      append(base | value, base | value)
    }
  }

  private mutating func appendRuns(
    from reader: inout ByteReader,
    above base: UInt64
  ) throws(DeletionVectorError) {
    var firstMin: UInt64 = 0
    for _ in 0..<(try reader.next(UInt16.self)) {
      let first = UInt64(try reader.next(UInt16.self))
      let last = first + UInt64(try reader.next(UInt16.self))
      guard first >= firstMin, last <= 0xFFFF else {
        throw .malformed(.valueOrder, offset: reader.offset)
      }
      firstMin = last + 1
      append(base | first, base | last)
    }
  }

  private mutating func appendBitset(
    from reader: inout ByteReader,
    above base: UInt64
  ) throws(DeletionVectorError) {
    for word in 0..<UInt64(Roaring.bitsetSize / 8) {
      var bits = try reader.next(UInt64.self)
      while bits != 0 {
        let first = bits.trailingZeroBitCount
        let ones = (~(bits >> first)).trailingZeroBitCount
        let lower = base | word << 6 | UInt64(first)
        append(lower, lower + UInt64(ones - 1))
        // A shift by the whole width leaves nothing, which ends the word.
        bits &= UInt64.max << (first + ones)
      }
    }
  }
}
