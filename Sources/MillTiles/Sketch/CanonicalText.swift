// SPDX-License-Identifier: Apache-2.0

internal import Crypto
internal import MillCore

/// The one text of a value of which the digest is taken, the same in Swift and on every engine.
///
/// | type | text |
/// | --- | --- |
/// | long, integer, short, byte | decimal digits, `-` before them |
/// | double, float | 16 hexadecimal digits of the IEEE 754 bits as a double, upper case; −0.0 is 0.0 |
/// | decimal | digits with the point and all digits of the scale; a zero before the point |
/// | string | itself |
/// | binary | hexadecimal digits, upper case |
/// | date | `YYYY-MM-DD` |
/// | timestamp | microseconds since 1970 as an integer |
/// | boolean | `true` or `false` |
///
/// Doubles are not written as decimal numbers, since every engine and Swift choose other points at
/// which they begin to write exponents.
enum CanonicalText {
  /// The order-keeping form of the first eight bytes of the text's MD5, the first byte highest.
  ///
  /// Its upper bit is turned, so that signed integers, the only ones that Delta has, are in the order
  /// of the unsigned prefixes.
  static func prefix(of value: Datum) -> Int64? {
    guard let bytes = utf8(of: value) else { return nil }
    var prefix: UInt64 = 0
    for byte in Insecure.MD5.hash(data: bytes).prefix(8) { prefix = prefix << 8 | UInt64(byte) }
    return Int64(bitPattern: prefix ^ 1 << 63)
  }

  /// The text's bytes; nil for null and nested values.
  static func utf8(of value: Datum) -> [UInt8]? {
    switch value {
    case .null, .list: nil
    case .boolean(let value): Array((value ? "true" : "false").utf8)
    case .integer(let value): Array(String(value).utf8)
    case .double(let value): hexadecimal(bytes: bigEndian(value == 0 ? 0 : value))
    case .decimal(let unscaled, let scale): decimal(unscaled, scale: scale)
    case .text(let text): Array(text.utf8)
    case .bytes(let bytes): hexadecimal(bytes: bytes)
    case .date(let date): Array(date.description.utf8)
    case .instant(let instant): Array(String(instant.microseconds).utf8)
    }
  }

  private static func bigEndian(_ value: Double) -> [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: value.bitPattern >> (56 - 8 * UInt64($0))) }
  }

  private static func hexadecimal(bytes: [UInt8]) -> [UInt8] {
    let digits = Array("0123456789ABCDEF".utf8)
    return bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
  }

  private static func decimal(_ unscaled: Int128, scale: Int) -> [UInt8] {
    var digits = Array(String(unscaled.magnitude).utf8)
    if scale > 0 {
      let missing = scale + 1 - digits.count
      if missing > 0 {
        digits.insert(contentsOf: repeatElement(UInt8(ascii: "0"), count: missing), at: 0)
      }
      digits.insert(UInt8(ascii: "."), at: digits.count - scale)
    }
    return (unscaled < 0 ? [UInt8(ascii: "-")] : []) + digits
  }
}
