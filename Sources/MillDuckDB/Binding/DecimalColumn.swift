// SPDX-License-Identifier: Apache-2.0

/// A DECIMAL column in place, whichever of the four widths DuckDB chose to store it in.
public struct DecimalColumn: ~Copyable {
  /// How many rows there are.
  public let count: Int
  /// How many decimal digits a value has at most.
  public let width: Int
  /// How many of them stand after the point.
  public let scale: Int
  @usableFromInline let base: UnsafeRawPointer
  @usableFromInline let words: UnsafePointer<UInt64>?

  init(
    _ base: UnsafeRawPointer,
    _ words: UnsafePointer<UInt64>?,
    count: Int,
    width: Int,
    scale: Int
  ) {
    self.base = base
    self.words = words
    self.count = count
    self.width = width
    self.scale = scale
  }

  /// The unscaled number of a row, or nothing for NULL: `12.50` at scale 2 is `1250`.
  @inlinable public subscript(row: Int) -> Int128? {
    precondition(row >= 0 && row < count, "row outside of the column")
    if let words, words[row >> 6] & (1 << UInt64(row & 63)) == 0 { return nil }
    switch width {
    case ...4: return Int128(base.load(fromByteOffset: row &* 2, as: Int16.self))
    case ...9: return Int128(base.load(fromByteOffset: row &* 4, as: Int32.self))
    case ...18: return Int128(base.load(fromByteOffset: row &* 8, as: Int64.self))
    default: return base.loadUnaligned(fromByteOffset: row &* 16, as: Int128.self)
    }
  }
}
