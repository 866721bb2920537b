// SPDX-License-Identifier: Apache-2.0

internal import MillCore

extension TileState {
  /// The version of the encoding that is written.
  static let encodingVersion: UInt8 = 1

  /// Appends the state in the encoding of the online store.
  ///
  /// One byte of version, one of kind, then the members in the order of ``TileShape/columns``:
  ///
  /// | member | bytes |
  /// | --- | --- |
  /// | whole number | LEB128 of the zigzag form, at most 10 bytes; of a sum at most 19 |
  /// | double | 8, little endian |
  /// | instant | 8, little endian microseconds |
  /// | text, bytes | length in LEB128, then the bytes |
  /// | value that may be null | 1 when it is there, 0 when not; then the value |
  /// | list | length in LEB128, then the elements; of buckets the first and the distances |
  /// | prefix of a digest | 8, little endian |
  ///
  /// The shape is not in the bytes: the reader knows it.
  public func encode(into bytes: inout [UInt8]) {
    var writer = TileWriter(bytes: bytes)
    bytes = []
    writer.byte(Self.encodingVersion)
    writer.byte(shape.kind.code)
    for (column, value) in zip(shape.columns, columns()) {
      switch (column.suffix, value) {
      case ("prefixes", .list(let prefixes)): writer.list(prefixes) { $0.fixed($1) }
      case ("buckets", .list(let buckets)): writer.ascending(buckets)
      case (_, .list(let list)): writer.list(list) { $0.value($1) }
      default: writer.optional(value)
      }
    }
    bytes = writer.bytes
  }

  /// Reads a state from the bytes that ``encode(into:)`` appended.
  ///
  /// - Throws: `unknownVersion`, or `damaged` for bytes that are not exactly one state of this shape.
  ///   Any bytes may be given.
  public init(_ shape: TileShape, decoding bytes: RawSpan) throws(TileError) {
    let columns = try bytes.withUnsafeBytes { (raw) throws(TileError) in
      try Self.columns(shape, of: raw)
    }
    try self.init(shape, columns: columns)
  }

  private static func columns(_ shape: TileShape, of bytes: UnsafeRawBufferPointer)
    throws(TileError) -> [Datum]
  {
    var reader = TileReader(shape, bytes)
    let version = try reader.byte()
    guard version == encodingVersion else { throw .unknownVersion(version) }
    let kind = try reader.byte()
    guard kind == shape.kind.code else { throw .damaged(shape, .kind(kind)) }
    var columns: [Datum] = []
    for column in shape.columns {
      switch (column.suffix, column.type) {
      case ("prefixes", _):
        columns.append(
          try reader.list(ofAtLeast: 8) { (reader) throws(TileError) in
            .integer(Int64(bitPattern: try reader.fixed()))
          }
        )
      case ("buckets", _): columns.append(try reader.ascending())
      case (_, .array(let element, _)):
        columns.append(
          try reader.list(ofAtLeast: 1) { (reader) throws(TileError) in
            try reader.value(element)
          }
        )
      default: columns.append(try reader.optional(column.type))
      }
    }
    try reader.finish()
    return columns
  }
}
