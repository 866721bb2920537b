// SPDX-License-Identifier: Apache-2.0

/// Texts one after the other in one piece of memory: no allocation for each of them.
///
/// An absent text and an empty one are the same here.
public struct ByteColumn: Sendable {
  @usableFromInline var bytes: [UInt8] = []
  @usableFromInline var ends: [Int] = []

  /// A column without rows.
  @inlinable public init() {}

  /// How many texts there are.
  @inlinable public var count: Int { ends.count }

  /// The memory in use.
  @inlinable public var sizeInBytes: Int { bytes.count + 8 * ends.count }

  /// Makes room for so many more.
  @inlinable public mutating func reserve(rows: Int, bytes count: Int) {
    ends.reserveCapacity(rows)
    bytes.reserveCapacity(count)
  }

  /// Adds the bytes of a text.
  @inlinable public mutating func append(_ text: UnsafeRawBufferPointer) {
    bytes.append(contentsOf: text)
    ends.append(bytes.count)
  }

  /// Adds a text.
  @inlinable public mutating func append(_ text: String) {
    bytes.append(contentsOf: text.utf8)
    ends.append(bytes.count)
  }

  /// Where the bytes of a row lie in the memory of all.
  @inlinable public func range(_ row: Int) -> Range<Int> {
    (row == 0 ? 0 : ends[row - 1])..<ends[row]
  }

  /// A text.
  @inlinable public subscript(row: Int) -> String {
    String(decoding: bytes[range(row)], as: UTF8.self)
  }

  /// Whether a row is this very text.
  @inlinable public func equals(_ row: Int, _ text: UnsafeRawBufferPointer) -> Bool {
    let range = range(row)
    guard range.count == text.count else { return false }
    return bytes.withUnsafeBytes { bytes in
      var index = 0
      while index < text.count {
        if bytes[range.lowerBound &+ index] != text[index] { return false }
        index &+= 1
      }
      return true
    }
  }

  /// Whether a text is empty or absent.
  @inlinable public func isEmpty(_ row: Int) -> Bool { range(row).isEmpty }

  /// All bytes, for a walk over many rows.
  @inlinable public func withBytes<Result, Issue: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Issue) -> Result
  ) throws(Issue) -> Result {
    let outcome: Swift.Result<Result, Issue> = bytes.withUnsafeBytes { bytes in
      Swift.Result { () throws(Issue) -> Result in try body(bytes) }
    }
    return try outcome.get()
  }
}
