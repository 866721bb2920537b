// SPDX-License-Identifier: Apache-2.0

/// Text compared and hashed by its UTF-8 bytes.
///
/// Swift's `String` calls "é" and "e\u{301}" equal; a database does not, and a key that joins in
/// one execution and not in another is a wrong answer (docs/semantics.md, 4). Keys of data are
/// therefore never compared as `String`.
///
/// ```swift
/// ByteKey("é") == ByteKey("e\u{301}")  // false
/// ```
public struct ByteKey: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// The UTF-8 bytes, as they were given.
  public let bytes: [UInt8]

  /// The bytes of a text, without any normalisation.
  public init(_ text: String) {
    bytes = Array(text.utf8)
  }

  /// Bytes as they stand; they need not be UTF-8.
  public init(bytes: [UInt8]) {
    self.bytes = bytes
  }

  /// All bytes at once: one call for each byte costs as much as the rest of a look-up.
  public func hash(into hasher: inout Hasher) {
    bytes.withUnsafeBytes { hasher.combine(bytes: $0) }
  }

  /// Byte by byte, unsigned; a prefix comes before what it begins.
  public static func < (left: Self, right: Self) -> Bool {
    left.bytes.lexicographicallyPrecedes(right.bytes)
  }

  /// The bytes as text; those that are not UTF-8 are shown as U+FFFD.
  public var description: String { String(decoding: bytes, as: UTF8.self) }
}
