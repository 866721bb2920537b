// SPDX-License-Identifier: Apache-2.0

extension JSONValue {
  /// Reads one JSON value and nothing else: strict RFC 8259, in valid UTF-8, without a byte order
  /// mark, nested at most `depthMax` deep.
  ///
  /// - Throws: ``JSONError`` with the offset of the first byte that does not fit.
  /// - Complexity: linear in the bytes.
  public init(parsing bytes: Span<UInt8>, depthMax: Int = 512) throws(JSONError) {
    do {
      _ = try UTF8Span(validating: bytes)
    } catch {
      throw JSONError(offset: error.byteOffsets.lowerBound, reason: .invalidUTF8)
    }
    var parser = JSONParser(depthMax: depthMax)
    self = try parser.document(bytes)
  }

  /// Reads one JSON value from bytes; see ``init(parsing:depthMax:)``.
  public init(parsing bytes: [UInt8], depthMax: Int = 512) throws(JSONError) {
    try self.init(parsing: bytes.span, depthMax: depthMax)
  }

  /// Reads one JSON value from any bytes, which are copied; a span or an array is not.
  public init(parsing bytes: some Collection<UInt8>, depthMax: Int = 512) throws(JSONError) {
    try self.init(parsing: Array(bytes).span, depthMax: depthMax)
  }

  /// Reads one JSON value from text; offsets in errors count its UTF-8 bytes.
  public init(parsing text: String, depthMax: Int = 512) throws(JSONError) {
    try self.init(parsing: text.utf8.span, depthMax: depthMax)
  }
}

/// Walks once over bytes that are known to be UTF-8.
///
/// The bytes are handed to every method: a stored span would make the parser non-escapable.
package struct JSONParser {
  package private(set) var offset = 0
  let depthMax: Int
  private var depth = 0

  package init(depthMax: Int, from offset: Int = 0) {
    self.depthMax = depthMax
    self.offset = offset
  }

  mutating func document(_ bytes: Span<UInt8>) throws(JSONError) -> JSONValue {
    skipSpace(bytes)
    let value = try self.value(bytes)
    skipSpace(bytes)
    guard offset == bytes.count else { throw error(.trailingContent) }
    return value
  }

  /// Reads the value that begins here.
  package mutating func value(_ bytes: Span<UInt8>) throws(JSONError) -> JSONValue {
    guard offset < bytes.count else { throw error(.unexpectedEnd) }
    switch bytes[offset] {
    case UInt8(ascii: "\""): return .string(try string(bytes))
    case UInt8(ascii: "{"): return .object(try object(bytes))
    case UInt8(ascii: "["): return .array(try array(bytes))
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
      let start = offset
      try number(bytes)
      return .number(JSONNumber(validated: text(bytes, start..<offset)))
    case UInt8(ascii: "t"):
      try word("true", bytes)
      return .bool(true)
    case UInt8(ascii: "f"):
      try word("false", bytes)
      return .bool(false)
    case UInt8(ascii: "n"):
      try word("null", bytes)
      return .null
    default: throw error(.unexpectedByte)
    }
  }

  // MARK: Containers

  private mutating func array(_ bytes: Span<UInt8>) throws(JSONError) -> [JSONValue] {
    try descend()
    var values: [JSONValue] = []
    skipSpace(bytes)
    if peek(bytes) == UInt8(ascii: "]") {
      ascend()
      return values
    }
    while true {
      skipSpace(bytes)
      values.append(try value(bytes))
      skipSpace(bytes)
      switch peek(bytes) {
      case UInt8(ascii: ","): offset += 1
      case UInt8(ascii: "]"):
        ascend()
        return values
      default: throw misplaced(bytes)
      }
    }
  }

  private mutating func object(_ bytes: Span<UInt8>) throws(JSONError) -> JSONObject {
    try descend()
    var object = JSONObject()
    skipSpace(bytes)
    if peek(bytes) == UInt8(ascii: "}") {
      ascend()
      return object
    }
    while true {
      skipSpace(bytes)
      guard peek(bytes) == UInt8(ascii: "\"") else { throw misplaced(bytes) }
      let key = try string(bytes)
      skipSpace(bytes)
      guard peek(bytes) == UInt8(ascii: ":") else { throw misplaced(bytes) }
      offset += 1
      skipSpace(bytes)
      object.set(key, try value(bytes))
      skipSpace(bytes)
      switch peek(bytes) {
      case UInt8(ascii: ","): offset += 1
      case UInt8(ascii: "}"):
        ascend()
        return object
      default: throw misplaced(bytes)
      }
    }
  }

  private mutating func descend() throws(JSONError) {
    guard depth < depthMax else { throw error(.tooDeep(depthMax: depthMax)) }
    depth += 1
    offset += 1
  }

  private mutating func ascend() {
    depth -= 1
    offset += 1
  }

  // MARK: Piece by piece

  /// What begins at the current byte.
  package enum Beginning: Sendable {
    case null
    case boolean
    case number
    case string
    case array
    case object
  }

  /// What begins here, after white space.
  package mutating func beginning(_ bytes: Span<UInt8>) throws(JSONError) -> Beginning {
    skipSpace(bytes)
    guard let byte = peek(bytes) else { throw misplaced(bytes) }
    switch byte {
    case UInt8(ascii: "\""): return .string
    case UInt8(ascii: "{"): return .object
    case UInt8(ascii: "["): return .array
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number
    case UInt8(ascii: "t"), UInt8(ascii: "f"): return .boolean
    case UInt8(ascii: "n"): return .null
    default: throw misplaced(bytes)
    }
  }

  /// Enters an object or an array, which ``beginning(_:)`` found.
  package mutating func enter() throws(JSONError) { try descend() }

  /// The next key of an object, with the colon after it; nil once the object is over and left.
  ///
  /// - Parameter isFirst: True before the first call; it becomes false.
  package mutating func nextKey(
    _ bytes: Span<UInt8>,
    _ isFirst: inout Bool
  ) throws(JSONError) -> String? {
    guard try advance(bytes, &isFirst, closing: UInt8(ascii: "}")) else { return nil }
    guard peek(bytes) == UInt8(ascii: "\"") else { throw misplaced(bytes) }
    let key = try string(bytes)
    skipSpace(bytes)
    guard peek(bytes) == UInt8(ascii: ":") else { throw misplaced(bytes) }
    offset += 1
    skipSpace(bytes)
    return key
  }

  /// Whether an array has another element, which begins here; false once it is over and left.
  package mutating func nextElement(
    _ bytes: Span<UInt8>,
    _ isFirst: inout Bool
  ) throws(JSONError) -> Bool {
    try advance(bytes, &isFirst, closing: UInt8(ascii: "]"))
  }

  private mutating func advance(
    _ bytes: Span<UInt8>,
    _ isFirst: inout Bool,
    closing: UInt8
  ) throws(JSONError) -> Bool {
    skipSpace(bytes)
    if peek(bytes) == closing {
      ascend()
      return false
    }
    if !isFirst {
      guard peek(bytes) == UInt8(ascii: ",") else { throw misplaced(bytes) }
      offset += 1
      skipSpace(bytes)
    }
    isFirst = false
    return true
  }

  /// Passes over the value that begins here, which must be well-formed.
  package mutating func skip(_ bytes: Span<UInt8>) throws(JSONError) {
    switch try beginning(bytes) {
    case .object:
      try descend()
      var isFirst = true
      while try nextKey(bytes, &isFirst) != nil { try skip(bytes) }
    case .array:
      try descend()
      var isFirst = true
      while try nextElement(bytes, &isFirst) { try skip(bytes) }
    case .number: try number(bytes)
    case .string: _ = try stringRange(bytes)
    case .boolean, .null: _ = try value(bytes)
    }
  }

  /// Passes over the string that begins here; nil where it has escapes, so that ``string(_:)`` of a copy
  /// of this parser must read it.
  package mutating func stringRange(_ bytes: Span<UInt8>) throws(JSONError) -> Range<Int>? {
    offset += 1
    let start = offset
    try skipPlain(bytes)
    if bytes[offset] == UInt8(ascii: "\"") {
      offset += 1
      return start..<offset - 1
    }
    while bytes[offset] != UInt8(ascii: "\"") {
      _ = try escape(bytes)
      try skipPlain(bytes)
    }
    offset += 1
    return nil
  }

  /// Sees that nothing but white space follows.
  package mutating func end(_ bytes: Span<UInt8>) throws(JSONError) {
    skipSpace(bytes)
    guard offset == bytes.count else { throw error(.trailingContent) }
  }

  // MARK: Strings

  /// Reads the string that begins here.
  package mutating func string(_ bytes: Span<UInt8>) throws(JSONError) -> String {
    offset += 1
    let start = offset
    try skipPlain(bytes)
    if bytes[offset] == UInt8(ascii: "\"") {
      offset += 1
      return text(bytes, start..<offset - 1)
    }
    var unescaped: [UInt8] = []
    var plainStart = start
    while true {
      for position in plainStart..<offset {
        unescaped.append(bytes[position])
      }
      if bytes[offset] == UInt8(ascii: "\"") {
        offset += 1
        return String(decoding: unescaped, as: UTF8.self)
      }
      unescaped.append(contentsOf: String(try escape(bytes)).utf8)
      plainStart = offset
      try skipPlain(bytes)
    }
  }

  /// Stops at the next quote or backslash, which is there.
  private mutating func skipPlain(_ bytes: Span<UInt8>) throws(JSONError) {
    while offset < bytes.count {
      let byte = bytes[offset]
      if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") {
        return
      }
      guard byte >= 0x20 else { throw error(.controlCharacter) }
      offset += 1
    }
    throw error(.unexpectedEnd)
  }

  /// One escape from its backslash on; an error points at that backslash.
  private mutating func escape(_ bytes: Span<UInt8>) throws(JSONError) -> Unicode.Scalar {
    let start = offset
    guard offset + 1 < bytes.count else {
      offset = bytes.count
      throw error(.unexpectedEnd)
    }
    let letter = bytes[offset + 1]
    offset += 2
    switch letter {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(letter)
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{C}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"): break
    default: throw JSONError(offset: start, reason: .invalidEscape)
    }
    let first = try codeUnit(bytes, of: start)
    if let scalar = Unicode.Scalar(first) {
      return scalar
    }
    let loneSurrogate = JSONError(offset: start, reason: .loneSurrogate)
    guard first < 0xDC00, offset + 1 < bytes.count, bytes[offset] == UInt8(ascii: "\\"),
      bytes[offset + 1] == UInt8(ascii: "u")
    else { throw loneSurrogate }
    let secondStart = offset
    offset += 2
    let second = try codeUnit(bytes, of: secondStart)
    guard (0xDC00...0xDFFF).contains(second),
      let scalar = Unicode.Scalar(0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00))
    else { throw loneSurrogate }
    return scalar
  }

  private mutating func codeUnit(
    _ bytes: Span<UInt8>,
    of escapeStart: Int
  ) throws(JSONError) -> UInt32 {
    var unit: UInt32 = 0
    for _ in 0..<4 {
      guard offset < bytes.count else { throw error(.unexpectedEnd) }
      let byte = bytes[offset]
      let digit: UInt8
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
      case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
      case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = byte - UInt8(ascii: "A") + 10
      default: throw JSONError(offset: escapeStart, reason: .invalidEscape)
      }
      unit = unit << 4 | UInt32(digit)
      offset += 1
    }
    return unit
  }

  // MARK: Numbers and words

  /// Moves over one number; an error points at the byte that does not fit.
  package mutating func number(_ bytes: Span<UInt8>) throws(JSONError) {
    if peek(bytes) == UInt8(ascii: "-") {
      offset += 1
    }
    if peek(bytes) == UInt8(ascii: "0") {
      offset += 1
      if let next = peek(bytes), isDigit(next) {
        throw error(.invalidNumber)
      }
    } else {
      try digits(bytes)
    }
    if peek(bytes) == UInt8(ascii: ".") {
      offset += 1
      try digits(bytes)
    }
    if peek(bytes) == UInt8(ascii: "e") || peek(bytes) == UInt8(ascii: "E") {
      offset += 1
      if peek(bytes) == UInt8(ascii: "+") || peek(bytes) == UInt8(ascii: "-") {
        offset += 1
      }
      try digits(bytes)
    }
  }

  private mutating func digits(_ bytes: Span<UInt8>) throws(JSONError) {
    guard let first = peek(bytes) else { throw error(.unexpectedEnd) }
    guard isDigit(first) else { throw error(.invalidNumber) }
    while let next = peek(bytes), isDigit(next) {
      offset += 1
    }
  }

  private func isDigit(_ byte: UInt8) -> Bool {
    byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
  }

  private mutating func word(_ word: StaticString, _ bytes: Span<UInt8>) throws(JSONError) {
    try word.withUTF8Buffer { (letters) -> Result<Void, JSONError> in
      for letter in letters {
        guard offset < bytes.count else { return .failure(error(.unexpectedEnd)) }
        guard bytes[offset] == letter else { return .failure(error(.unexpectedByte)) }
        offset += 1
      }
      return .success(())
    }.get()
  }

  // MARK: Bytes

  private func peek(_ bytes: Span<UInt8>) -> UInt8? {
    offset < bytes.count ? bytes[offset] : nil
  }

  private mutating func skipSpace(_ bytes: Span<UInt8>) {
    while offset < bytes.count {
      switch bytes[offset] {
      case 0x20, 0x09, 0x0A, 0x0D: offset += 1
      default: return
      }
    }
  }

  /// A piece as text; the whole is valid UTF-8 and pieces end at ASCII, so nothing is repaired.
  private func text(_ bytes: Span<UInt8>, _ range: Range<Int>) -> String {
    bytes.extracting(range).withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
  }

  private func error(_ reason: JSONError.Reason) -> JSONError {
    JSONError(offset: offset, reason: reason)
  }

  private func misplaced(_ bytes: Span<UInt8>) -> JSONError {
    error(offset < bytes.count ? .unexpectedByte : .unexpectedEnd)
  }
}
