// SPDX-License-Identifier: Apache-2.0

/// Which rows of a column hold a value: one bit per row in DuckDB's memory.
///
/// It is lent to a closure and cannot be copied out of it.
public struct Validity: ~Copyable {
  @usableFromInline let words: UnsafePointer<UInt64>?
  @usableFromInline let count: Int

  init(_ words: UnsafePointer<UInt64>?, count: Int) {
    self.words = words
    self.count = count
  }

  /// Whether DuckDB keeps no bits because every row holds a value; false promises nothing.
  @inlinable public var isAllValid: Bool { words == nil }

  /// Whether a row holds a value rather than NULL.
  @inlinable public subscript(row: Int) -> Bool {
    precondition(row >= 0 && row < count, "row outside of the column")
    guard let words else { return true }
    return words[row >> 6] & (1 << UInt64(row & 63)) != 0
  }

  /// How many rows are NULL.
  public var nullCount: Int {
    guard let words else { return 0 }
    var valid = 0
    for word in 0..<(count >> 6) { valid += words[word].nonzeroBitCount }
    let rest = count & 63
    if rest > 0 { valid += (words[count >> 6] & ((1 << UInt64(rest)) - 1)).nonzeroBitCount }
    return count - valid
  }
}
