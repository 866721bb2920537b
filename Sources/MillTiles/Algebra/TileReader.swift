// SPDX-License-Identifier: Apache-2.0

internal import MillCore

/// Reads the members of a state; ``TileState/encode(into:)`` describes the bytes.
///
/// Nothing is believed: each read is within the bytes or throws, and a list is no longer than the
/// bytes that are left. It lives within a borrow of its bytes.
struct TileReader {
  private let shape: TileShape
  private let bytes: UnsafeRawBufferPointer
  private var position = 0

  init(_ shape: TileShape, _ bytes: UnsafeRawBufferPointer) {
    self.shape = shape
    self.bytes = bytes
  }

  mutating func byte() throws(TileError) -> UInt8 {
    guard position < bytes.count else { throw .damaged(shape, .truncated) }
    defer { position += 1 }
    return bytes[position]
  }

  /// Eight bytes, the lowest first.
  mutating func fixed() throws(TileError) -> UInt64 {
    var bits: UInt64 = 0
    for shift in 0..<8 { bits |= UInt64(try byte()) << (8 * UInt64(shift)) }
    return bits
  }

  /// A value of a type that is not nested, or null.
  mutating func optional(_ type: DataType) throws(TileError) -> Datum {
    switch try byte() {
    case 0: return .null
    case 1: return try value(type)
    default: throw invalid
    }
  }

  mutating func value(_ type: DataType) throws(TileError) -> Datum {
    switch type {
    case .boolean:
      let byte = try byte()
      guard byte <= 1 else { throw invalid }
      return .boolean(byte == 1)
    case .long, .integer, .short, .byte:
      guard let value = Int64(exactly: try whole()) else { throw invalid }
      return .integer(value)
    case .decimal(_, let scale): return .decimal(unscaled: try whole(), scale: scale)
    case .date:
      guard let days = Int32(exactly: try whole()) else { throw invalid }
      return .date(CivilDate(daysSinceEpoch: days))
    case .double, .float: return .double(Double(bitPattern: try fixed()))
    case .timestamp, .timestampWithoutZone:
      return .instant(Instant(microseconds: Int64(bitPattern: try fixed())))
    case .string:
      guard let text = String(validating: try run(), as: UTF8.self) else { throw invalid }
      return .text(text)
    case .binary: return .bytes(Array(try run()))
    case .array, .map, .structure, .void: throw invalid
    }
  }

  /// Elements of which each takes a byte at least, so that no length asks for more than there is.
  mutating func list(
    ofAtLeast byteCount: Int,
    element: (inout Self) throws(TileError) -> Datum
  ) throws(TileError) -> Datum {
    let count = try length(of: byteCount)
    var list: [Datum] = []
    list.reserveCapacity(count)
    for _ in 0..<count { list.append(try element(&self)) }
    return .list(list)
  }

  /// Integers as the first and the distances of all others.
  mutating func ascending() throws(TileError) -> Datum {
    var previous: Int64 = 0
    return try list(ofAtLeast: 1) { (reader) throws(TileError) in
      guard let distance = Int64(exactly: try reader.whole()) else { throw reader.invalid }
      let (value, overflows) = previous.addingReportingOverflow(distance)
      guard !overflows else { throw reader.invalid }
      previous = value
      return .integer(value)
    }
  }

  /// Sees that nothing is left.
  func finish() throws(TileError) {
    let rest = bytes.count - position
    guard rest == 0 else { throw .damaged(shape, .trailing(rest)) }
  }

  private var invalid: TileError { .damaged(shape, .encoding(position)) }

  private mutating func run() throws(TileError) -> UnsafeRawBufferPointer {
    let count = try length(of: 1)
    defer { position += count }
    return UnsafeRawBufferPointer(rebasing: bytes[position..<position + count])
  }

  private mutating func length(of byteCount: Int) throws(TileError) -> Int {
    let count = try natural()
    guard count <= (bytes.count - position) / byteCount else {
      throw .damaged(shape, .truncated)
    }
    return Int(count)
  }

  private mutating func whole() throws(TileError) -> Int128 {
    let zigzag = try natural()
    return Int128(bitPattern: zigzag >> 1) ^ -Int128(bitPattern: zigzag & 1)
  }

  private mutating func natural() throws(TileError) -> UInt128 {
    var number: UInt128 = 0
    var shift: UInt128 = 0
    while true {
      let byte = try byte()
      let bits = UInt128(byte & 0x7F)
      // What would be shifted out, and zeros that lengthen a number, have no place.
      guard shift < 128, (bits << shift) >> shift == bits, byte != 0 || shift == 0 else {
        throw invalid
      }
      number |= bits << shift
      guard byte & 0x80 != 0 else { return number }
      shift += 7
    }
  }
}
