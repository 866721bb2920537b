// SPDX-License-Identifier: Apache-2.0

internal import CChecksum

/// The 128 bytes before the records of a batch, as they lie in a segment.
///
/// All numbers are little-endian. The body follows, then zeros up to a multiple of 8 bytes.
///
/// | at | bytes | what |
/// | --- | --- | --- |
/// | 0 | 4 | `MLOG` |
/// | 4 | 1 | version of the format, 1 |
/// | 5 | 1 | kind: 0 records, 1 idle marker |
/// | 6 | 1 | compression of the body: 0 none, 1 zstd |
/// | 7 | 1 | which parts the body has, see ``RecordLayout`` |
/// | 8 | 4 | CRC-32C of the header's other bytes, 0 to 7 and 12 to 127 |
/// | 12 | 4 | CRC-32C of the body as it is stored, with the zeros after it |
/// | 16 | 4 | bytes of the body as it is stored |
/// | 20 | 4 | bytes of the body unpacked |
/// | 24 | 4 | records in it |
/// | 28 | 4 | offsets that it covers, at least the records |
/// | 32 | 8 | first offset |
/// | 40 | 8 | least event time, UTC microseconds |
/// | 48 | 8 | greatest event time |
/// | 56 | 8 | append time |
/// | 64 | 8 | the offset before which all was acknowledged when this was written |
/// | 72 | 16 | producer, 0 for none |
/// | 88 | 8 | sequence of the first record, -1 for none |
/// | 96 | 4 | bytes of keys |
/// | 100 | 4 | bytes of values |
/// | 104 | 4 | bytes of record headers |
/// | 108 | 4 | zero |
/// | 112 | 8 | the partition's own number, by chance |
/// | 120 | 8 | zero |
///
/// The header has a checksum of its own, so that a damaged body has known offsets and a known end,
/// and so that a segment can be walked through without reading its records. The number at 112 keeps
/// bytes of another log, which may stand in somebody's value, from being taken for a batch when a
/// damaged segment is searched.
package struct BatchHeader: Equatable, Sendable {
  package static let size = 128
  static let magic: UInt32 = 0x474F_4C4D
  static let version: UInt8 = 1
  /// No body is longer, whatever a writer is configured to take.
  package static let bodyBytesMax = 1 << 30

  package enum Kind: UInt8, Sendable {
    case records = 0
    case idleMarker = 1
  }

  package var kind = Kind.records
  package var isCompressed = false
  package var sections: RecordLayout.Sections = []
  package var bodyChecksum: UInt32 = 0
  package var storedBytes = 0
  package var unpackedBytes = 0
  package var count = 0
  package var span = 0
  package var base = Offset.zero
  package var eventTimeMin = Int64.max
  package var eventTimeMax = Int64.min
  package var appendTime: Int64 = 0
  package var durableBefore = Offset.zero
  package var producer = ProducerID.none
  package var sequence: Int64 = -1
  package var keyBytes = 0
  package var valueBytes = 0
  package var recordHeaderBytes = 0
  package var logID: UInt64 = 0

  package init() {}

  /// The first offset after the batch.
  package var end: Offset { base + span }

  /// The whole length in a segment, the zeros at the end included.
  package var length: Int { Self.size + Self.padded(storedBytes) }

  static func padded(_ count: Int) -> Int { (count + 7) & ~7 }

  /// Writes the 128 bytes.
  package func write(to bytes: UnsafeMutableRawBufferPointer) {
    precondition(bytes.count >= Self.size)
    bytes.prefix(Self.size).initializeMemory(as: UInt8.self, repeating: 0)
    func put<Number: FixedWidthInteger>(_ number: Number, _ place: Int) {
      bytes.storeBytes(of: number.littleEndian, toByteOffset: place, as: Number.self)
    }
    put(Self.magic, 0)
    put(Self.version, 4)
    put(kind.rawValue, 5)
    put(UInt8(isCompressed ? 1 : 0), 6)
    put(sections.rawValue, 7)
    put(bodyChecksum, 12)
    put(UInt32(storedBytes), 16)
    put(UInt32(unpackedBytes), 20)
    put(UInt32(count), 24)
    put(UInt32(span), 28)
    put(base.value, 32)
    put(eventTimeMin, 40)
    put(eventTimeMax, 48)
    put(appendTime, 56)
    put(durableBefore.value, 64)
    put(producer.high, 72)
    put(producer.low, 80)
    put(sequence, 88)
    put(UInt32(keyBytes), 96)
    put(UInt32(valueBytes), 100)
    put(UInt32(recordHeaderBytes), 104)
    put(logID, 112)
    put(Self.checksum(UnsafeRawBufferPointer(bytes)), 8)
  }

  /// Why bytes are no header.
  package enum Problem: String, Error, Sendable {
    case tooShort = "it is cut off within the header of a batch"
    case zeros = "there are zeros where a batch should begin"
    case noMagic = "no batch begins here"
    case version = "the batch has a format that this version does not know"
    case headerChecksum = "the checksum of the batch's header does not agree"
    case fields = "the header of the batch contradicts itself"
    case cutBody = "it is cut off within a batch"
    case bodyChecksum = "the checksum of the batch's records does not agree"
    case compression = "the batch's records cannot be unpacked"
    case layout = "the records do not lie as the header says"
    case order = "the batch does not follow the one before it"
  }

  /// Reads and verifies a header.
  package init(_ bytes: UnsafeRawBufferPointer) throws(Problem) {
    guard bytes.count >= Self.size else { throw .tooShort }
    func get<Number: FixedWidthInteger>(_ place: Int, _: Number.Type = Number.self) -> Number {
      Number(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: Number.self))
    }
    let magic = get(0, UInt32.self)
    guard magic == Self.magic else {
      throw magic == 0 && bytes.prefix(Self.size).allSatisfy { $0 == 0 } ? .zeros : .noMagic
    }
    // The checksum comes first: a flipped bit in the version is damage, not a later format.
    guard Self.checksum(bytes) == get(8, UInt32.self) else { throw .headerChecksum }
    guard get(4, UInt8.self) == Self.version else { throw .version }
    guard let kind = Kind(rawValue: get(5)), get(6, UInt8.self) <= 1 else { throw .version }
    self.kind = kind
    isCompressed = get(6, UInt8.self) == 1
    sections = RecordLayout.Sections(rawValue: get(7))
    bodyChecksum = get(12)
    storedBytes = Int(get(16, UInt32.self))
    unpackedBytes = Int(get(20, UInt32.self))
    count = Int(get(24, UInt32.self))
    span = Int(get(28, UInt32.self))
    base = Offset(get(32))
    eventTimeMin = get(40)
    eventTimeMax = get(48)
    appendTime = get(56)
    durableBefore = Offset(get(64))
    producer = ProducerID(high: get(72), low: get(80))
    sequence = get(88)
    keyBytes = Int(get(96, UInt32.self))
    valueBytes = Int(get(100, UInt32.self))
    recordHeaderBytes = Int(get(104, UInt32.self))
    logID = get(112)
    guard storedBytes <= Self.bodyBytesMax, unpackedBytes <= Self.bodyBytesMax, count <= span,
      span > 0, base >= .zero, !base.value.addingReportingOverflow(Int64(span)).overflow,
      durableBefore <= base, isCompressed || storedBytes == unpackedBytes
    else { throw .fields }
  }

  /// Of all the bytes but its own four.
  private static func checksum(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
    guard let start = bytes.baseAddress else { return 0 }
    return mill_crc32c(mill_crc32c(0, start, 8), start + 12, size - 12)
  }
}
