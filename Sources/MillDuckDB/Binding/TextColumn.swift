// SPDX-License-Identifier: Apache-2.0

/// A VARCHAR or BLOB column in place.
///
/// DuckDB keeps twelve bytes or fewer inside of the row's entry, and a pointer for more.
public struct TextColumn: ~Copyable {
  /// How many rows there are.
  public let count: Int
  @usableFromInline let entries: UnsafeRawPointer
  @usableFromInline let words: UnsafePointer<UInt64>?

  init(_ entries: UnsafeRawPointer, _ words: UnsafePointer<UInt64>?, count: Int) {
    self.entries = entries
    self.words = words
    self.count = count
  }

  /// Whether a row is NULL.
  @inlinable public func isNull(_ row: Int) -> Bool {
    precondition(row >= 0 && row < count, "row outside of the column")
    guard let words else { return false }
    return words[row >> 6] & (1 << UInt64(row & 63)) == 0
  }

  /// The bytes of a row where they lie, valid while the column is lent; empty for NULL.
  @inlinable public subscript(row: Int) -> UnsafeRawBufferPointer {
    guard !isNull(row) else { return UnsafeRawBufferPointer(start: nil, count: 0) }
    let entry = entries + row &* 16
    let length = Int(entry.load(as: UInt32.self))
    let start = length <= 12 ? entry + 4 : entry.load(fromByteOffset: 8, as: UnsafeRawPointer.self)
    return UnsafeRawBufferPointer(start: start, count: length)
  }

  /// The bytes of a row as a span that cannot outlive the closure; nothing is called for NULL.
  @inlinable public func withBytes<Result: ~Copyable, Issue: Error>(
    _ row: Int,
    _ body: (RawSpan) throws(Issue) -> Result
  ) throws(Issue) -> Result? {
    guard !isNull(row) else { return nil }
    let bytes = self[row]
    return try body(bytes.bytes)
  }

  /// The text of a row, or nothing for NULL.
  @inlinable public func string(_ row: Int) -> String? {
    isNull(row) ? nil : String(decoding: self[row], as: UTF8.self)
  }
}
