// SPDX-License-Identifier: Apache-2.0

internal import CChecksum
internal import MillCore

/// Four numbers in a file of two slots that are written in turn.
///
/// A slot has 64 bytes: `MSLT`, a CRC-32C of what follows, a counter, and four numbers of eight
/// bytes, little-endian; then zeros. The slot that is whole and has the greater counter is the one
/// that counts. A reader beside the writer finds at most one of them half written, and so does
/// whoever comes after a crash within one write.
struct CheckedSlots {
  static let slotBytes = 64
  private static let magic: UInt32 = 0x544C_534D

  struct Content: Sendable {
    var counter: UInt64
    var numbers: [4 of Int64]
  }

  private let file: any LogFile
  private(set) var content: Content?

  init(_ file: any LogFile) throws(FileError) {
    self.file = file
    content = try Self.read(file)
  }

  /// What counts, or nil if neither slot is whole.
  static func read(_ file: any LogFile) throws(FileError) -> Content? {
    try withTemporary(2 * slotBytes) { (memory) throws(FileError) -> Content? in
      let count = try file.read(into: memory, at: 0)
      var newest: Content?
      for slot in 0..<2 where count >= (slot + 1) * slotBytes {
        let bytes = UnsafeRawBufferPointer(
          rebasing: memory[(slot * slotBytes)..<((slot + 1) * slotBytes)]
        )
        guard let found = decode(bytes), found.counter > newest?.counter ?? 0 else { continue }
        newest = found
      }
      return newest
    }
  }

  /// Writes into the slot that does not count; it is in the page cache only.
  mutating func write(_ numbers: [4 of Int64]) throws(FileError) {
    let next = Content(counter: (content?.counter ?? 0) &+ 1, numbers: numbers)
    let file = file
    try withTemporary(Self.slotBytes) { (memory) throws(FileError) in
      Self.encode(next, memory)
      try file.write(
        [UnsafeRawBufferPointer(memory)],
        at: Int64(Self.slotBytes) * Int64(next.counter % 2)
      )
    }
    content = next
  }

  func sync() throws(FileError) { try file.sync() }

  private static func encode(_ content: Content, _ bytes: UnsafeMutableRawBufferPointer) {
    bytes.initializeMemory(as: UInt8.self, repeating: 0)
    bytes.storeBytes(of: magic.littleEndian, as: UInt32.self)
    bytes.storeBytes(of: content.counter.littleEndian, toByteOffset: 8, as: UInt64.self)
    for index in 0..<4 {
      let number = content.numbers[index].littleEndian
      bytes.storeBytes(of: number, toByteOffset: 16 + 8 * index, as: Int64.self)
    }
    let sum = checksum(UnsafeRawBufferPointer(bytes))
    bytes.storeBytes(of: sum.littleEndian, toByteOffset: 4, as: UInt32.self)
  }

  private static func decode(_ bytes: UnsafeRawBufferPointer) -> Content? {
    func get<Number: FixedWidthInteger>(_ place: Int, _: Number.Type) -> Number {
      Number(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: Number.self))
    }
    guard get(0, UInt32.self) == magic, get(4, UInt32.self) == checksum(bytes) else { return nil }
    return Content(
      counter: get(8, UInt64.self),
      numbers: [
        get(16, Int64.self), get(24, Int64.self), get(32, Int64.self), get(40, Int64.self),
      ]
    )
  }

  private static func checksum(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
    guard let start = bytes.baseAddress else { return 0 }
    return mill_crc32c(0, start + 8, slotBytes - 8)
  }
}

/// A few bytes for the time of a call.
private func withTemporary<Result, Issue: Error>(
  _ count: Int,
  _ body: (UnsafeMutableRawBufferPointer) throws(Issue) -> Result
) throws(Issue) -> Result {
  let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 16)
  defer { memory.deallocate() }
  return try body(memory)
}
