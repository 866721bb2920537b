// SPDX-License-Identifier: Apache-2.0

package import MillCore

/// Values as the JSON of answers has them.
///
/// Whole numbers and decimals keep all their digits, doubles are the shortest text that reads back as
/// the same double, bytes are base64, days and instants ISO 8601.
package enum AnswerText {
  /// Adds the text of a value.
  ///
  /// - Returns: False for a value that JSON cannot hold, of which `null` was written.
  @discardableResult
  package static func append(_ value: Datum, to text: inout [UInt8]) -> Bool {
    switch value {
    case .null: text += "null".utf8
    case .boolean(let value): text += (value ? "true" : "false").utf8
    case .integer(let value): text += String(value).utf8
    case .double(let value):
      guard value.isFinite else {
        text += "null".utf8
        return false
      }
      text += value.description.utf8
    case .decimal: text += value.text.utf8
    case .text(let value): append(quoted: value.utf8, to: &text)
    case .bytes(let value): append(base64: value, to: &text)
    case .date(let date): append(quoted: date.description.utf8, to: &text)
    case .instant(let instant): append(quoted: instant.description.utf8, to: &text)
    case .list(let values):
      var isWhole = true
      text.append(UInt8(ascii: "["))
      for (place, value) in values.enumerated() {
        if place > 0 { text.append(UInt8(ascii: ",")) }
        isWhole = append(value, to: &text) && isWhole
      }
      text.append(UInt8(ascii: "]"))
      return isWhole
    }
    return true
  }

  /// Adds a JSON string of UTF-8 bytes.
  package static func append(quoted bytes: some Sequence<UInt8>, to text: inout [UInt8]) {
    text.append(UInt8(ascii: "\""))
    for byte in bytes {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"):
        text.append(UInt8(ascii: "\\"))
        text.append(byte)
      case 0x0A: text += "\\n".utf8
      case 0x0D: text += "\\r".utf8
      case 0x09: text += "\\t".utf8
      case 0..<0x20:
        text += "\\u00".utf8
        for nibble in [byte >> 4, byte & 15] { text.append(hexDigit(nibble)) }
      default: text.append(byte)
      }
    }
    text.append(UInt8(ascii: "\""))
  }

  private static func hexDigit(_ nibble: UInt8) -> UInt8 {
    nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") + nibble - 10
  }

  private static let alphabet = Array(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8
  )

  /// The bytes of base64 text as this writes it; nil for any other.
  package static func bytes(base64 text: String) -> [UInt8]? {
    let digits = Array(text.utf8)
    guard digits.count % 4 == 0 else { return nil }
    var bytes: [UInt8] = []
    for start in stride(from: 0, to: digits.count, by: 4) {
      let group = digits[start..<start + 4]
      let padding = start + 4 == digits.count ? group.reversed().prefix { $0 == 0x3D }.count : 0
      guard padding < 3 else { return nil }
      var bits: UInt32 = 0
      for digit in group.dropLast(padding) {
        guard let value = alphabet.firstIndex(of: digit) else { return nil }
        bits = bits << 6 | UInt32(value)
      }
      bits <<= UInt32(6 * padding)
      let all = [UInt8(bits >> 16 & 0xFF), UInt8(bits >> 8 & 0xFF), UInt8(bits & 0xFF)]
      bytes += all.dropLast(padding)
    }
    return bytes
  }

  /// > Source: RFC 4648, 4.
  private static func append(base64 bytes: [UInt8], to text: inout [UInt8]) {
    text.append(UInt8(ascii: "\""))
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let end = min(start + 3, bytes.count)
      var group: UInt32 = 0
      for place in start..<start + 3 {
        group = group << 8 | (place < end ? UInt32(bytes[place]) : 0)
      }
      for digit in 0..<4 {
        let isThere = digit <= end - start
        let index = Int(group >> UInt32(18 - 6 * digit) & 63)
        text.append(isThere ? alphabet[index] : UInt8(ascii: "="))
      }
    }
    text.append(UInt8(ascii: "\""))
  }
}
