// SPDX-License-Identifier: Apache-2.0

internal import MillCore

/// Writes the members of a state; ``TileState/encode(into:)`` describes the bytes.
struct TileWriter {
  private(set) var bytes: [UInt8]

  init(bytes: [UInt8]) {
    self.bytes = bytes
  }

  mutating func byte(_ byte: UInt8) { bytes.append(byte) }

  mutating func optional(_ value: Datum) {
    byte(value.isNull ? 0 : 1)
    self.value(value)
  }

  mutating func value(_ value: Datum) {
    switch value {
    case .null, .list: break
    case .boolean(let value): byte(value ? 1 : 0)
    case .integer(let value): whole(Int128(value))
    case .decimal(let unscaled, _): whole(unscaled)
    case .date(let date): whole(Int128(date.daysSinceEpoch))
    case .double(let value): fixed(value.bitPattern)
    case .instant(let instant): fixed(UInt64(bitPattern: instant.microseconds))
    case .text(let text): run(Array(text.utf8))
    case .bytes(let bytes): run(bytes)
    }
  }

  mutating func list(_ list: [Datum], element: (inout Self, Datum) -> Void) {
    natural(UInt128(list.count))
    for item in list { element(&self, item) }
  }

  /// A long in eight bytes.
  mutating func fixed(_ value: Datum) {
    if case .integer(let value) = value { fixed(UInt64(bitPattern: value)) }
  }

  /// The first, then by how much each is above the one before it.
  mutating func ascending(_ list: [Datum]) {
    var previous: Int128 = 0
    natural(UInt128(list.count))
    for case .integer(let value) in list {
      whole(Int128(value) - previous)
      previous = Int128(value)
    }
  }

  private mutating func fixed(_ bits: UInt64) {
    for shift in 0..<8 { byte(UInt8(truncatingIfNeeded: bits >> (8 * UInt64(shift)))) }
  }

  private mutating func run(_ run: [UInt8]) {
    natural(UInt128(run.count))
    bytes.append(contentsOf: run)
  }

  /// Zigzag, so that small negative numbers are short too.
  private mutating func whole(_ number: Int128) {
    natural(UInt128(bitPattern: (number << 1) ^ (number >> 127)))
  }

  /// LEB128: seven bits a byte, the lowest first, the upper bit set when more follow.
  private mutating func natural(_ number: UInt128) {
    var rest = number
    while rest > 0x7F {
      byte(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    byte(UInt8(truncatingIfNeeded: rest))
  }
}
