// SPDX-License-Identifier: Apache-2.0

/// The header line as it was framed.
struct FramedHeader {
  var bytes: [UInt8]
  var line: Int
  var delimiter: UInt8
  var quote: UInt8
  var problem: IrregularReason?

  /// The column names.
  func names(path: String) throws(SourceError) -> [String] {
    if let problem { throw .brokenHeader(path: path, line: Int64(line), reason: problem) }
    guard let names = headerFields(of: bytes, delimiter: delimiter, quote: quote) else {
      throw .carriageReturnLines(path: path, line: Int64(line))
    }
    guard names.contains(where: { !$0.isEmpty }) else {
      throw .emptyHeader(path: path, line: Int64(line))
    }
    return names
  }
}

/// The names in a header line, quotes removed, or nil where a bare `\r` stands outside of quotes.
func headerFields(of header: [UInt8], delimiter: UInt8, quote: UInt8) -> [String]? {
  var names: [String] = []
  var field: [UInt8] = []
  var isQuoted = false
  var isAtStart = true
  var index = 0
  while index < header.count {
    let byte = header[index]
    index += 1
    if isQuoted {
      if byte != quote {
        field.append(byte)
      } else if index < header.count, header[index] == quote {
        field.append(quote)
        index += 1
      } else {
        isQuoted = false
      }
    } else if byte == quote, isAtStart {
      isQuoted = true
      isAtStart = false
    } else if byte == delimiter {
      names.append(String(decoding: field, as: UTF8.self))
      field.removeAll(keepingCapacity: true)
      isAtStart = true
    } else if byte == UInt8(ascii: "\r") {
      return nil
    } else {
      field.append(byte)
      isAtStart = false
    }
  }
  names.append(String(decoding: field, as: UTF8.self))
  return names
}
