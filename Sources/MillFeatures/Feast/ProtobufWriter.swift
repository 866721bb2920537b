// SPDX-License-Identifier: Apache-2.0

/// Writes a message in the wire format of Protocol Buffers.
///
/// Fields are written in the order of the calls. In the order of their numbers, the bytes are those
/// that Google's own libraries write when they are asked for deterministic output. As in proto3, a
/// field that has its default value is left out.
///
/// ```swift
/// var writer = ProtobufWriter()
/// writer.write("card", as: 1)
/// writer.bytes  // 0a 04 63 61 72 64
/// ```
///
/// > Source: Protocol Buffers documentation, "Encoding".
package struct ProtobufWriter {
  /// What was written so far.
  package private(set) var bytes: [UInt8] = []

  /// An empty message.
  package init() {}

  /// How the value of a field is laid out.
  private enum WireType: UInt64 {
    case varint = 0
    case lengthDelimited = 2
  }

  /// Writes a text; an empty one is the default.
  package mutating func write(_ text: String, as field: Int) {
    guard !text.isEmpty else { return }
    write(payload: Array(text.utf8), as: field)
  }

  /// Writes a whole number or the number of a choice; 0 is the default.
  package mutating func write(_ number: Int64, as field: Int) {
    guard number != 0 else { return }
    tag(field, .varint)
    // A negative number takes ten bytes, those of its two's complement.
    varint(UInt64(bitPattern: number))
  }

  /// Writes a flag; false is the default.
  package mutating func write(_ flag: Bool, as field: Int) {
    write(flag ? Int64(1) : 0, as: field)
  }

  /// Writes a message inside of this one; an empty one is written too, for being there says something.
  package mutating func write(message body: (inout ProtobufWriter) -> Void, as field: Int) {
    var inner = ProtobufWriter()
    body(&inner)
    write(payload: inner.bytes, as: field)
  }

  /// Writes a map of texts, in the order of the keys' bytes.
  package mutating func write(_ entries: [String: String], as field: Int) {
    for (key, value) in entries.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }) {
      var entry = ProtobufWriter()
      // Unlike fields, both halves of an entry are written even when they are empty.
      entry.write(payload: Array(key.utf8), as: 1)
      entry.write(payload: Array(value.utf8), as: 2)
      write(payload: entry.bytes, as: field)
    }
  }

  private mutating func write(payload: [UInt8], as field: Int) {
    tag(field, .lengthDelimited)
    varint(UInt64(payload.count))
    bytes += payload
  }

  private mutating func tag(_ field: Int, _ type: WireType) {
    varint(UInt64(field) << 3 | type.rawValue)
  }

  /// Seven bits a byte, the lowest first; the top bit says that more follow.
  private mutating func varint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }
}
