// SPDX-License-Identifier: Apache-2.0

internal import HTTPTypes
internal import MillCore
internal import MillFeatures

/// Reads a JSON list of keys of one type into a column, without a value in between for the usual ones.
struct KeyReader {
  let type: DataType
  let name: String
  let limit: Int

  static func tooMany(_ limit: Int) -> HTTPFailure {
    HTTPFailure(
      .contentTooLarge,
      "server.too-many-entities",
      "more than \(limit) entities in one request: send several (or raise `server.max_entities`)"
    )
  }

  func read(_ parser: inout JSONParser, _ bytes: Span<UInt8>) throws -> KeyColumn {
    var column = KeyColumn()
    try parser.enter()
    var isFirst = true
    while try parser.nextElement(bytes, &isFirst) {
      guard column.count < limit else { throw Self.tooMany(limit) }
      let start = parser
      switch (try parser.beginning(bytes), type) {
      case (.string, .string):
        if let range = try parser.stringRange(bytes) {
          bytes.extracting(range).withUnsafeBytes { column.append(text: $0) }
        } else {
          parser = start
          column.append(.text(try parser.string(bytes)))
        }
      case (.number, .long):
        let first = parser.offset
        try parser.number(bytes)
        if let value = Self.integer(bytes, first..<parser.offset) {
          column.append(.integer(value))
        } else {
          parser = start
          try append(parser.value(bytes), to: &column)
        }
      default: try append(parser.value(bytes), to: &column)
      }
    }
    return column
  }

  private func append(_ value: JSONValue, to column: inout KeyColumn) throws {
    guard let datum = Datum(value, as: type) else {
      throw HTTPFailure(
        .unprocessableContent,
        "server.key-type",
        "value \(column.count) of \(name) is no \(type)"
      )
    }
    column.append(datum)
  }

  /// A whole number of digits alone; nil for all else.
  private static func integer(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Int64? {
    guard range.count <= 18 else { return nil }
    var value: Int64 = 0
    var place = range.lowerBound
    let isNegative = bytes[place] == UInt8(ascii: "-")
    if isNegative { place += 1 }
    while place < range.upperBound {
      let digit = bytes[place] &- UInt8(ascii: "0")
      guard digit < 10 else { return nil }
      value = value * 10 + Int64(digit)
      place += 1
    }
    return isNegative ? -value : value
  }
}
