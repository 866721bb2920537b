// SPDX-License-Identifier: Apache-2.0

/// The numbers of the roaring bitmap format.
///
/// > Source: RoaringFormatSpec, "General layout".
enum Roaring {
  static let cookie: UInt32 = 12346
  static let cookieWithRuns: UInt32 = 12347
  static let arrayMax = 4096
  static let bitsetSize = 8192
  /// From so many containers on a bitmap with runs has offsets.
  static let offsetsMin = 4
}

/// Reads little-endian numbers, each checked against what is left.
struct ByteReader {
  private let bytes: ArraySlice<UInt8>
  private var position: Int

  init(_ bytes: ArraySlice<UInt8>) {
    self.bytes = bytes
    position = bytes.startIndex
  }

  /// How far it has read.
  var offset: Int { position - bytes.startIndex }

  var remaining: Int { bytes.endIndex - position }

  mutating func next<Number: FixedWidthInteger>(
    _ type: Number.Type
  ) throws(DeletionVectorError) -> Number {
    let size = Number.bitWidth / 8
    guard size <= remaining else { throw .truncated(offset: offset) }
    var number: Number = 0
    for index in 0..<size {
      number |= Number(truncatingIfNeeded: bytes[position + index]) << Number(8 * index)
    }
    position += size
    return number
  }

  mutating func take(_ count: Int) throws(DeletionVectorError) -> ArraySlice<UInt8> {
    guard count >= 0, count <= remaining else { throw .truncated(offset: offset) }
    defer { position += count }
    return bytes[position..<(position + count)]
  }
}

/// The checksum of zip and PNG.
///
/// > Source: ISO 3309; RFC 1952, 8.
package enum CRC32 {
  private static let table: [UInt32] = (0..<256).map { index in
    var value = UInt32(index)
    for _ in 0..<8 { value = value & 1 == 1 ? 0xEDB8_8320 ^ (value >> 1) : value >> 1 }
    return value
  }

  package static func checksum(of bytes: some Sequence<UInt8>) -> UInt32 {
    let table = table
    var sum: UInt32 = 0xFFFF_FFFF
    for byte in bytes { sum = table[Int((sum ^ UInt32(byte)) & 0xFF)] ^ (sum >> 8) }
    return sum ^ 0xFFFF_FFFF
  }
}

/// Bytes as text, five characters for four of them.
///
/// > Source: ZeroMQ RFC 32, "Z85".
package enum Z85 {
  private static let alphabet = Array(
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#".utf8
  )

  /// - Parameter bytes: A multiple of four.
  package static func encode(_ bytes: [UInt8]) -> String {
    var text: [UInt8] = []
    for start in stride(from: 0, to: bytes.count, by: 4) {
      var value: UInt32 = 0
      for index in start..<min(start + 4, bytes.count) { value = value << 8 | UInt32(bytes[index]) }
      var group = [UInt8](repeating: 0, count: 5)
      for index in (0..<5).reversed() {
        group[index] = alphabet[Int(value % 85)]
        value /= 85
      }
      text += group
    }
    return String(decoding: text, as: UTF8.self)
  }

  package static func decode(_ text: [UInt8]) throws(DeletionVectorError) -> [UInt8] {
    guard text.count.isMultiple(of: 5) else { throw .badText }
    var bytes: [UInt8] = []
    for start in stride(from: 0, to: text.count, by: 5) {
      var value: UInt64 = 0
      for character in text[start..<(start + 5)] {
        guard let digit = alphabet.firstIndex(of: character) else { throw .badText }
        value = value * 85 + UInt64(digit)
      }
      guard let word = UInt32(exactly: value) else { throw .badText }
      for shift in [24, 16, 8, 0] { bytes.append(UInt8(truncatingIfNeeded: word >> UInt32(shift))) }
    }
    return bytes
  }
}

extension DeletionVector {
  /// The bytes of the vector: arrays for up to 4,096 rows of a container, bitsets for more.
  public func encoded() -> [UInt8] {
    var bytes: [UInt8] = []
    append(UInt32(1_681_511_377), to: &bytes)
    // Bucket, container, rows: all ascending.
    var buckets: [(key: UInt32, containers: [(key: UInt16, values: [UInt16])])] = []
    for position in positions {
      let bucket = UInt32(truncatingIfNeeded: position >> 32)
      let container = UInt16(truncatingIfNeeded: position >> 16)
      if buckets.last?.key != bucket { buckets.append((bucket, [])) }
      let last = buckets.count - 1
      if buckets[last].containers.last?.key != container {
        buckets[last].containers.append((container, []))
      }
      let lastContainer = buckets[last].containers.count - 1
      buckets[last].containers[lastContainer].values.append(UInt16(truncatingIfNeeded: position))
    }
    append(UInt64(buckets.count), to: &bytes)
    for (key, containers) in buckets {
      append(key, to: &bytes)
      append(Roaring.cookie, to: &bytes)
      append(UInt32(containers.count), to: &bytes)
      for (key, values) in containers {
        append(key, to: &bytes)
        append(UInt16(values.count - 1), to: &bytes)
      }
      var offset = 8 + 8 * containers.count
      for (_, values) in containers {
        append(UInt32(offset), to: &bytes)
        offset += values.count <= Roaring.arrayMax ? 2 * values.count : Roaring.bitsetSize
      }
      for (_, values) in containers {
        if values.count <= Roaring.arrayMax {
          for value in values { append(value, to: &bytes) }
        } else {
          var bits = [UInt8](repeating: 0, count: Roaring.bitsetSize)
          for value in values { bits[Int(value >> 3)] |= 1 << (value & 7) }
          bytes += bits
        }
      }
    }
    return bytes
  }

  /// The vector as a file of its own.
  ///
  /// - Returns: The file, and what the log must say of the vector in it.
  public func encodedFile() -> (bytes: [UInt8], offset: Int, sizeInBytes: Int) {
    let data = encoded()
    var bytes: [UInt8] = [1]
    append(UInt32(data.count).byteSwapped, to: &bytes)
    bytes += data
    append(CRC32.checksum(of: data).byteSwapped, to: &bytes)
    return (bytes, 1, data.count)
  }

  private func append(_ number: some FixedWidthInteger, to bytes: inout [UInt8]) {
    withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
  }
}
