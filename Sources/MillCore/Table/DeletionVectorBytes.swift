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

  /// - Parameter bytes: Of a last group of less than four the rest is zeros, which are read back.
  package static func encode(_ bytes: [UInt8]) -> String {
    var text: [UInt8] = []
    for start in stride(from: 0, to: bytes.count, by: 4) {
      var value: UInt32 = 0
      for index in start..<(start + 4) {
        value = value << 8 | (index < bytes.count ? UInt32(bytes[index]) : 0)
      }
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
  /// The bytes that ``decode(_:cardinality:)`` reads; the same rows have the same bytes.
  ///
  /// Each stretch of 65536 rows takes the smallest of three forms: values, bits or runs.
  public func encoded() -> [UInt8] {
    var containers: [RoaringContainer] = []
    for range in ranges {
      var lower = range.lowerBound
      while true {
        let upper = min(range.upperBound, lower | 0xFFFF)
        if containers.last?.key != lower >> 16 {
          containers.append(RoaringContainer(key: lower >> 16))
        }
        containers[containers.count - 1].append(lower & 0xFFFF, upper & 0xFFFF)
        guard upper < range.upperBound else { break }
        lower = upper + 1
      }
    }
    var buckets: [ArraySlice<RoaringContainer>] = []
    var rest = containers[...]
    while let key = rest.first?.bucket {
      let bucket = rest.prefix { $0.bucket == key }
      buckets.append(bucket)
      rest = rest[bucket.endIndex...]
    }
    var bytes: [UInt8] = []
    bytes.appendLittleEndian(Self.magic)
    bytes.appendLittleEndian(UInt64(buckets.count))
    for bucket in buckets {
      bytes.appendLittleEndian(UInt32(truncatingIfNeeded: bucket[bucket.startIndex].bucket))
      Self.append(bucket, to: &bytes)
    }
    return bytes
  }

  /// A file of this one vector, and what the log must say of its place in there.
  ///
  /// A vector of 2 GiB or more, which is beyond 2^34 scattered rows, does not fit the format: its
  /// file states a size that ``decodeFile(_:offset:sizeInBytes:cardinality:)`` refuses.
  public func encodedFile() -> (bytes: [UInt8], offset: Int, sizeInBytes: Int) {
    let data = encoded()
    var bytes = [Self.fileVersion]
    bytes.appendLittleEndian(Int32(clamping: data.count).byteSwapped)
    bytes += data
    bytes.appendLittleEndian(CRC32.checksum(of: data).byteSwapped)
    return (bytes, 1, data.count)
  }

  private static func append(_ bucket: ArraySlice<RoaringContainer>, to bytes: inout [UInt8]) {
    let start = bytes.count
    let hasRuns = bucket.contains { $0.form == .runs }
    if hasRuns {
      bytes.appendLittleEndian(Roaring.cookieWithRuns | UInt32(bucket.count - 1) << 16)
      var flags = [UInt8](repeating: 0, count: (bucket.count + 7) / 8)
      for (index, container) in bucket.enumerated() where container.form == .runs {
        flags[index / 8] |= 1 << (index % 8)
      }
      bytes += flags
    } else {
      bytes.appendLittleEndian(Roaring.cookie)
      bytes.appendLittleEndian(UInt32(bucket.count))
    }
    for container in bucket {
      bytes.appendLittleEndian(UInt16(truncatingIfNeeded: container.key))
      bytes.appendLittleEndian(UInt16(container.count - 1))
    }
    if !hasRuns || bucket.count >= Roaring.offsetsMin {
      var offset = bytes.count - start + bucket.count * 4
      for container in bucket {
        bytes.appendLittleEndian(UInt32(offset))
        offset += container.size
      }
    }
    for container in bucket {
      container.append(to: &bytes)
    }
  }
}

/// Up to 65536 rows that share all but the low 16 bits.
private struct RoaringContainer {
  enum Form { case array, bitset, runs }

  /// The bits that they share.
  let key: UInt64
  private(set) var count = 0
  private var runs: [(first: UInt16, last: UInt16)] = []

  init(key: UInt64) { self.key = key }

  var bucket: UInt64 { key >> 16 }

  var form: Form {
    let other = count <= Roaring.arrayMax ? count * 2 : Roaring.bitsetSize
    guard 2 + runs.count * 4 >= other else { return .runs }
    return count <= Roaring.arrayMax ? .array : .bitset
  }

  var size: Int {
    switch form {
    case .array: count * 2
    case .bitset: Roaring.bitsetSize
    case .runs: 2 + runs.count * 4
    }
  }

  mutating func append(_ first: UInt64, _ last: UInt64) {
    runs.append((UInt16(truncatingIfNeeded: first), UInt16(truncatingIfNeeded: last)))
    count += Int(last - first) + 1
  }

  func append(to bytes: inout [UInt8]) {
    switch form {
    case .array:
      for run in runs {
        for value in run.first...run.last {
          bytes.appendLittleEndian(value)
        }
      }
    case .runs:
      bytes.appendLittleEndian(UInt16(runs.count))
      for run in runs {
        bytes.appendLittleEndian(run.first)
        bytes.appendLittleEndian(run.last - run.first)
      }
    case .bitset:
      var bitset = [UInt8](repeating: 0, count: Roaring.bitsetSize)
      for run in runs {
        for value in run.first...run.last {
          bitset[Int(value >> 3)] |= 1 << UInt8(value & 7)
        }
      }
      bytes += bitset
    }
  }
}

extension [UInt8] {
  fileprivate mutating func appendLittleEndian(_ value: some FixedWidthInteger) {
    for index in 0..<(value.bitWidth / 8) {
      append(UInt8(truncatingIfNeeded: value >> (index * 8)))
    }
  }
}
