// SPDX-License-Identifier: Apache-2.0

internal import MillCore

/// Goes through the batches of a part of a segment, one after the other, and stops at the first that
/// is not whole.
///
/// Memory is bounded by the chunk, or by the longest batch where bodies are verified.
struct SegmentWalk {
  enum Step {
    /// A batch that is whole, and where it begins.
    case batch(BatchHeader, position: Int64)
    /// The part ends here.
    case end
    /// No whole batch begins here; of a damaged body the header is known.
    case invalid(BatchHeader.Problem, position: Int64, BatchHeader?)
  }

  let file: any LogFile
  private let limit: Int64
  private let verifiesBodies: Bool
  private let chunkBytes: Int
  private(set) var position: Int64
  private var memory: BatchMemory
  /// The part of the file that is in memory.
  private var loaded: Range<Int64> = 0..<0

  init(
    _ file: any LogFile,
    from position: Int64 = 0,
    limit: Int64,
    verifyingBodies: Bool,
    chunkBytes: Int = 1 << 20
  ) {
    self.file = file
    self.position = position
    self.limit = limit
    self.verifiesBodies = verifyingBodies
    self.chunkBytes = max(chunkBytes, BatchHeader.size)
    memory = BatchMemory(count: self.chunkBytes)
  }

  mutating func next() throws(FileError) -> Step {
    guard position < limit else { return .end }
    let bytes = try load(BatchHeader.size)
    let header: BatchHeader
    do throws(BatchHeader.Problem) {
      header = try BatchHeader(bytes)
    } catch {
      return .invalid(error, position: position, nil)
    }
    let start = position
    guard start + Int64(header.length) <= limit else {
      return .invalid(.cutBody, position: start, header)
    }
    if verifiesBodies {
      let whole = try load(header.length)
      guard whole.count == header.length else {
        return .invalid(.cutBody, position: start, header)
      }
      guard EncodedBatch.checksum(whole, header) == header.bodyChecksum else {
        return .invalid(.bodyChecksum, position: start, header)
      }
    }
    position += Int64(header.length)
    return .batch(header, position: start)
  }

  /// Looks behind damage for the next header of this log, at multiples of 8 bytes, and goes on there.
  ///
  /// - Returns: The header, or nil if there is none up to the limit.
  mutating func skipDamage(logID: UInt64?, after offset: Offset) throws(FileError) -> BatchHeader? {
    position += 8
    while position < limit {
      let bytes = try load(BatchHeader.size)
      // Most places show by four bytes that no batch begins there.
      if bytes.count >= BatchHeader.size,
        UInt32(littleEndian: bytes.loadUnaligned(as: UInt32.self)) == BatchHeader.magic,
        let header = try? BatchHeader(bytes), header.logID == logID ?? header.logID,
        header.base > offset
      {
        return header
      }
      position += 8
    }
    return nil
  }

  /// So many bytes from the position on, or fewer where the part ends.
  private mutating func load(_ count: Int) throws(FileError) -> UnsafeRawBufferPointer {
    let wanted = Int(min(Int64(count), limit - position))
    if loaded.lowerBound > position || loaded.upperBound < position + Int64(wanted) {
      let size = max(wanted, Int(min(Int64(chunkBytes), limit - position)))
      if memory.bytes.count < size { memory = BatchMemory(count: size) }
      let target = UnsafeMutableRawBufferPointer(rebasing: memory.bytes[..<size])
      let got = try file.read(into: target, at: position)
      loaded = position..<(position + Int64(got))
    }
    let from = Int(position - loaded.lowerBound)
    let there = min(wanted, Int(loaded.upperBound - position))
    return UnsafeRawBufferPointer(rebasing: memory.readable[from..<(from + there)])
  }
}
