// SPDX-License-Identifier: Apache-2.0

internal import CChecksum

/// The small files beside the segments: four letters, a CRC-32C of what follows, a version, numbers.
struct ByteWriter {
  private(set) var bytes: [UInt8]

  init(_ magic: UInt32, version: UInt32) {
    bytes = []
    put(magic)
    put(UInt32(0))
    put(version)
    put(UInt32(0))
  }

  mutating func put<Number: FixedWidthInteger>(_ number: Number) {
    withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
  }

  /// The content with its checksum.
  func finish() -> [UInt8] {
    var bytes = bytes
    let sum = ByteReader.checksum(bytes)
    withUnsafeBytes(of: sum.littleEndian) { bytes.replaceSubrange(4..<8, with: $0) }
    return bytes
  }
}

/// Reads what ``ByteWriter`` wrote.
struct ByteReader {
  private let bytes: [UInt8]
  private var next = 16

  /// Nil where letters, version or checksum do not agree.
  init?(_ bytes: [UInt8], _ magic: UInt32, version: UInt32) {
    self.bytes = bytes
    guard bytes.count >= 16 else { return nil }
    next = 0
    guard get(UInt32.self) == magic, get(UInt32.self) == Self.checksum(bytes),
      get(UInt32.self) == version
    else { return nil }
    next = 16
  }

  /// The next number, or nil behind the end.
  mutating func get<Number: FixedWidthInteger>(_: Number.Type = Number.self) -> Number? {
    let size = MemoryLayout<Number>.size
    guard next + size <= bytes.count else { return nil }
    defer { next += size }
    return bytes.withUnsafeBytes {
      Number(littleEndian: $0.loadUnaligned(fromByteOffset: next, as: Number.self))
    }
  }

  static func checksum(_ bytes: [UInt8]) -> UInt32 {
    bytes.withUnsafeBytes { bytes in
      bytes.baseAddress.map { mill_crc32c(0, $0 + 8, bytes.count - 8) } ?? 0
    }
  }
}
