// SPDX-License-Identifier: Apache-2.0

extension JSONValue {
  /// The value as text: on one line, or indented by two spaces if `pretty`; with keys in the order
  /// they were written, or in byte order if `sortedKeys`.
  public func serialized(pretty: Bool = false, sortedKeys: Bool = false) -> String {
    String(decoding: bytes(pretty: pretty, sortedKeys: sortedKeys), as: UTF8.self)
  }

  /// The value as UTF-8 on one line, with keys in the order they were written.
  public var bytes: [UInt8] { bytes(pretty: false, sortedKeys: false) }

  private func bytes(pretty: Bool, sortedKeys: Bool) -> [UInt8] {
    var writer = JSONWriter(isPretty: pretty, sortsKeys: sortedKeys)
    writer.write(self)
    return writer.bytes
  }
}

extension JSONValue: CustomStringConvertible {
  /// The value as JSON on one line.
  public var description: String { serialized() }
}

/// Appends values to a buffer of UTF-8.
///
/// > Source: RFC 8259, section 7: quote, backslash and U+0000 to U+001F are escaped, all else is
/// > written as it is.
struct JSONWriter {
  private(set) var bytes: [UInt8] = []
  let isPretty: Bool
  let sortsKeys: Bool
  private var depth = 0

  init(isPretty: Bool, sortsKeys: Bool) {
    self.isPretty = isPretty
    self.sortsKeys = sortsKeys
  }

  mutating func write(_ value: JSONValue) {
    switch value {
    case .null: bytes.append(contentsOf: "null".utf8)
    case .bool(let value): bytes.append(contentsOf: (value ? "true" : "false").utf8)
    case .number(let number): bytes.append(contentsOf: number.text.utf8)
    case .string(let text): write(text)
    case .array(let values):
      open("[")
      for (place, value) in values.enumerated() {
        separate(place)
        write(value)
      }
      close("]", isEmpty: values.isEmpty)
    case .object(let object): write(object)
    }
  }

  private mutating func write(_ object: JSONObject) {
    open("{")
    var entries = Array(object)
    if sortsKeys {
      entries.sort { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
    }
    for (place, entry) in entries.enumerated() {
      separate(place)
      write(entry.key)
      bytes.append(UInt8(ascii: ":"))
      if isPretty {
        bytes.append(UInt8(ascii: " "))
      }
      write(entry.value)
    }
    close("}", isEmpty: entries.isEmpty)
  }

  private mutating func open(_ bracket: Unicode.Scalar) {
    bytes.append(UInt8(ascii: bracket))
    depth += 1
  }

  private mutating func close(_ bracket: Unicode.Scalar, isEmpty: Bool) {
    depth -= 1
    if !isEmpty {
      breakLine()
    }
    bytes.append(UInt8(ascii: bracket))
  }

  private mutating func separate(_ place: Int) {
    if place > 0 {
      bytes.append(UInt8(ascii: ","))
    }
    breakLine()
  }

  private mutating func breakLine() {
    guard isPretty else { return }
    bytes.append(UInt8(ascii: "\n"))
    bytes.append(contentsOf: repeatElement(UInt8(ascii: " "), count: 2 * depth))
  }

  private mutating func write(_ text: String) {
    bytes.append(UInt8(ascii: "\""))
    let written: Void? = text.utf8.withContiguousStorageIfAvailable { escape($0) }
    if written == nil {
      Array(text.utf8).withUnsafeBufferPointer { escape($0) }
    }
    bytes.append(UInt8(ascii: "\""))
  }

  /// Copies runs that need no escape whole.
  private mutating func escape(_ text: UnsafeBufferPointer<UInt8>) {
    var start = 0
    for place in text.indices {
      let byte = text[place]
      if byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") {
        bytes.append(contentsOf: UnsafeBufferPointer(rebasing: text[start..<place]))
        escape(byte)
        start = place + 1
      }
    }
    bytes.append(contentsOf: UnsafeBufferPointer(rebasing: text[start...]))
  }

  private mutating func escape(_ byte: UInt8) {
    bytes.append(UInt8(ascii: "\\"))
    switch byte {
    case 0x08: bytes.append(UInt8(ascii: "b"))
    case 0x09: bytes.append(UInt8(ascii: "t"))
    case 0x0A: bytes.append(UInt8(ascii: "n"))
    case 0x0C: bytes.append(UInt8(ascii: "f"))
    case 0x0D: bytes.append(UInt8(ascii: "r"))
    case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes.append(byte)
    default:
      let digits = String(byte, radix: 16)
      bytes.append(contentsOf: "u00".utf8)
      bytes.append(contentsOf: (digits.utf8.count < 2 ? "0" + digits : digits).utf8)
    }
  }
}
