// SPDX-License-Identifier: Apache-2.0

public import MillCore

/// The values of one key for all entities of a request, as online stores find them.
public struct KeyColumn: Sendable {
  private(set) var bytes: [UInt8] = []
  private var ends: [Int] = []
  /// Whether one of the values is missing.
  private(set) var hasNulls = false

  /// A column without values.
  public init() {}

  /// How many values there are.
  public var count: Int { ends.count }

  /// Makes room.
  public mutating func reserve(_ count: Int) {
    ends.reserveCapacity(count)
    bytes.reserveCapacity(count * 12)
  }

  /// Adds a value.
  public mutating func append(_ value: Datum) {
    if value.isNull {
      hasNulls = true
    } else {
      PackedCells.append(value, to: &bytes)
    }
    ends.append(bytes.count)
  }

  /// Adds a text by its UTF-8 bytes.
  package mutating func append(text: UnsafeRawBufferPointer) {
    bytes.append(6)
    PackedCells.append(count: text.count, to: &bytes)
    bytes.append(contentsOf: text)
    ends.append(bytes.count)
  }

  /// Where the bytes of a value are; empty for a null.
  func range(_ row: Int) -> Range<Int> { (row == 0 ? 0 : ends[row - 1])..<ends[row] }

  /// Adds the bytes of a value of each of some columns; nothing where one of them is null.
  mutating func append(joining columns: [KeyColumn], _ row: Int) {
    let isWhole = columns.allSatisfy { !$0.range(row).isEmpty }
    if isWhole {
      for column in columns { bytes.append(contentsOf: column.bytes[column.range(row)]) }
    } else {
      hasNulls = true
    }
    ends.append(bytes.count)
  }

  /// Adds the JSON text of each value, as an answer repeats them.
  package func withValue<R>(_ row: Int, _ body: (Datum) -> R) -> R {
    let range = range(row)
    guard !range.isEmpty else { return body(.null) }
    var reader = PackedCells.Reader(bytes: bytes, from: range.lowerBound)
    return body(reader.cell(depth: 0) ?? .null)
  }
}
