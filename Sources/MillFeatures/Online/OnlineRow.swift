// SPDX-License-Identifier: Apache-2.0

public import MillCore

/// When a row happened, when it was known, and what tells it apart: the order of SEMANTICS 19.
public struct RowVersion: Hashable, Comparable, Sendable {
  /// When it happened.
  public var time: Instant
  /// From when on it was known.
  public var knowledge: Instant
  /// What tells rows of one key and time apart.
  public var id: [UInt8]

  /// A version of a row.
  public init(time: Instant, knowledge: Instant, id: [UInt8] = []) {
    self.time = time
    self.knowledge = knowledge
    self.id = id
  }

  /// By time, then by knowledge, then by id.
  public static func < (left: Self, right: Self) -> Bool {
    if left.time != right.time { return left.time < right.time }
    if left.knowledge != right.knowledge { return left.knowledge < right.knowledge }
    return left.id.lexicographicallyPrecedes(right.id)
  }
}

/// What an online store holds of one key.
public struct OnlineRow: Hashable, Sendable {
  /// The keys, as ``EntityKey`` writes them.
  public var key: [UInt8]
  /// Which row of the source it is.
  public var version: RowVersion
  /// The values or the tiles, as whoever wrote them packs them.
  public var payload: [UInt8]

  /// A row of a key.
  public init(key: [UInt8], version: RowVersion, payload: [UInt8]) {
    self.key = key
    self.version = version
    self.payload = payload
  }
}

/// Values of a row in few bytes, one after the other.
///
/// A cell is one byte for its kind and what the kind needs: whole numbers by seven bits a byte, the
/// nearest to 0 the shortest; doubles, instants in eight bytes; texts and bytes with their length
/// before them.
public enum PackedCells {
  /// The first byte of a packed row; another is of a later Millrace.
  public static let format: UInt8 = 1

  /// Packs values.
  public static func pack(_ values: [Datum]) -> [UInt8] {
    var bytes: [UInt8] = [format]
    bytes.reserveCapacity(1 + values.count * 10)
    for value in values { append(value, to: &bytes) }
    return bytes
  }

  /// Adds the cell of a row from its column, without a value of its own in between.
  static func append(_ column: ColumnValues, _ row: Int, to bytes: inout [UInt8]) {
    if column.isNull(row) { return bytes.append(0) }
    switch (column.storage, column.type) {
    case (.integers(let values), .boolean): bytes.append(values[row] == 0 ? 1 : 2)
    case (.integers(let values), .long), (.integers(let values), .integer),
      (.integers(let values), .short), (.integers(let values), .byte):
      bytes.append(3)
      append(zigzag: values[row], to: &bytes)
    case (.doubles(let values), _) where !values[row].isNaN:
      bytes.append(4)
      append(fixed: values[row].bitPattern, to: &bytes)
    case (.bytes(let values), .string):
      bytes.append(6)
      values.withBytes { all in
        let range = values.range(row)
        append(count: range.count, to: &bytes)
        bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: all[range]))
      }
    default: append(column[row], to: &bytes)
    }
  }

  /// Adds a cell.
  public static func append(_ value: Datum, to bytes: inout [UInt8]) {
    switch value {
    case .null: bytes.append(0)
    case .boolean(let value): bytes.append(value ? 2 : 1)
    case .integer(let value):
      bytes.append(3)
      append(zigzag: value, to: &bytes)
    case .double(let value):
      bytes.append(4)
      append(fixed: value.bitPattern, to: &bytes)
    case .decimal(let unscaled, let scale):
      bytes.append(5)
      bytes.append(UInt8(truncatingIfNeeded: scale))
      append(fixed: UInt64(truncatingIfNeeded: unscaled), to: &bytes)
      append(fixed: UInt64(truncatingIfNeeded: unscaled >> 64), to: &bytes)
    case .text(let text):
      bytes.append(6)
      let utf8 = Array(text.utf8)
      append(count: utf8.count, to: &bytes)
      bytes += utf8
    case .bytes(let value):
      bytes.append(7)
      append(count: value.count, to: &bytes)
      bytes += value
    case .date(let date):
      bytes.append(8)
      append(zigzag: Int64(date.daysSinceEpoch), to: &bytes)
    case .instant(let instant):
      bytes.append(9)
      append(fixed: UInt64(bitPattern: instant.microseconds), to: &bytes)
    case .list(let values):
      bytes.append(10)
      append(count: values.count, to: &bytes)
      for value in values { append(value, to: &bytes) }
    }
  }

  /// Reads so many cells; nil for bytes that no row was packed to.
  public static func unpack(_ bytes: [UInt8], count: Int) -> [Datum]? {
    var reader = Reader(bytes: bytes)
    guard reader.byte() == format else { return nil }
    var values: [Datum] = []
    values.reserveCapacity(count)
    for _ in 0..<count {
      guard let value = reader.cell(depth: 0) else { return nil }
      values.append(value)
    }
    return reader.isAtEnd ? values : nil
  }

  static func append(fixed bits: UInt64, to bytes: inout [UInt8]) {
    withUnsafeBytes(of: bits.littleEndian) { bytes.append(contentsOf: $0) }
  }

  static func append(zigzag value: Int64, to bytes: inout [UInt8]) {
    append(varint: UInt64(bitPattern: (value << 1) ^ (value >> 63)), to: &bytes)
  }

  static func append(count: Int, to bytes: inout [UInt8]) {
    append(varint: UInt64(count), to: &bytes)
  }

  static func append(varint: UInt64, to bytes: inout [UInt8]) {
    var rest = varint
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  /// Reads packed bytes and believes nothing.
  struct Reader {
    let bytes: [UInt8]
    private(set) var position: Int

    init(bytes: [UInt8], from position: Int = 0) {
      self.bytes = bytes
      self.position = position
    }

    var isAtEnd: Bool { position == bytes.count }

    mutating func byte() -> UInt8? {
      guard position < bytes.count else { return nil }
      defer { position += 1 }
      return bytes[position]
    }

    mutating func fixed() -> UInt64? {
      guard bytes.count - position >= 8 else { return nil }
      defer { position += 8 }
      return bytes.withUnsafeBytes {
        UInt64(littleEndian: $0.loadUnaligned(fromByteOffset: position, as: UInt64.self))
      }
    }

    /// Goes over bytes that have their length (4) before them.
    mutating func skip() -> Bool {
      guard bytes.count - position >= 4 else { return false }
      let length = bytes.withUnsafeBytes {
        Int(UInt32(littleEndian: $0.loadUnaligned(fromByteOffset: position, as: UInt32.self)))
      }
      guard length <= bytes.count - position - 4 else { return false }
      position += 4 + length
      return true
    }

    mutating func varint() -> UInt64? {
      var value: UInt64 = 0
      var shift: UInt64 = 0
      while let byte = byte() {
        guard shift < 64 else { return nil }
        value |= UInt64(byte & 0x7F) << shift
        if byte < 0x80 { return value }
        shift += 7
      }
      return nil
    }

    mutating func zigzag() -> Int64? {
      varint().map { Int64(bitPattern: ($0 >> 1)) ^ -Int64(bitPattern: $0 & 1) }
    }

    mutating func run() -> ArraySlice<UInt8>? {
      guard let count = varint(), count <= UInt64(bytes.count - position) else { return nil }
      defer { position += Int(count) }
      return bytes[position..<position + Int(count)]
    }

    mutating func cell(depth: Int) -> Datum? {
      switch byte() {
      case 0: return .null
      case 1: return .boolean(false)
      case 2: return .boolean(true)
      case 3: return zigzag().map { .integer($0) }
      case 4: return fixed().map { .double(Double(bitPattern: $0)) }
      case 5:
        guard let scale = byte(), let low = fixed(), let high = fixed() else { return nil }
        let unscaled = Int128(Int64(bitPattern: high)) << 64 | Int128(low)
        return .decimal(unscaled: unscaled, scale: Int(scale))
      case 6: return run().flatMap { String(validating: $0, as: UTF8.self) }.map { .text($0) }
      case 7: return run().map { .bytes(Array($0)) }
      case 8:
        return zigzag().flatMap { Int32(exactly: $0) }
          .map { .date(CivilDate(daysSinceEpoch: $0)) }
      case 9:
        return fixed().map { .instant(Instant(microseconds: Int64(bitPattern: $0))) }
      case 10:
        // Every element is a byte at least, so the count is bounded by what is left.
        guard depth < 16, let count = varint(), count <= UInt64(bytes.count - position) else {
          return nil
        }
        var values: [Datum] = []
        for _ in 0..<count {
          guard let value = cell(depth: depth + 1) else { return nil }
          values.append(value)
        }
        return .list(values)
      default: return nil
      }
    }
  }
}

/// The keys of an entity as bytes by which online stores find it.
public enum EntityKey {
  /// The bytes of values, in the order of the view's keys; nil when one is null.
  public static func encode(_ values: [Datum]) -> [UInt8]? {
    var bytes: [UInt8] = []
    for value in values {
      if value.isNull { return nil }
      PackedCells.append(value, to: &bytes)
    }
    return bytes
  }

  /// The values of a key; nil for bytes that are none.
  public static func decode(_ bytes: [UInt8], count: Int) -> [Datum]? {
    PackedCells.unpack([PackedCells.format] + bytes, count: count)
  }
}
