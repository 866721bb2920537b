// SPDX-License-Identifier: Apache-2.0

/// The paths that stand in a log: URIs relative to the table, decoded exactly once.
///
/// > Source: Delta transaction log protocol, "Add File and Remove File": `path` is a URI.
package enum LogPath {
  /// The name on disk as it is written in a log.
  ///
  /// A folder that an engine named `p=a%20b` stands in the log as `p=a%2520b`.
  package static func encode(_ name: String) -> String {
    var text = ""
    text.reserveCapacity(name.utf8.count)
    for byte in name.utf8 {
      if isPlain(byte) {
        text.unicodeScalars.append(Unicode.Scalar(byte))
      } else {
        let digits = Array("0123456789ABCDEF".unicodeScalars)
        text.unicodeScalars.append("%")
        text.unicodeScalars.append(digits[Int(byte >> 4)])
        text.unicodeScalars.append(digits[Int(byte & 15)])
      }
    }
    return text
  }

  /// The name on disk, or nil if the text is no path inside of the table.
  package static func decode(_ path: String) -> String? {
    var bytes: [UInt8] = []
    var rest = path.utf8.makeIterator()
    while let byte = rest.next() {
      guard byte == UInt8(ascii: "%") else {
        bytes.append(byte)
        continue
      }
      guard let high = rest.next().flatMap(hexadecimal), let low = rest.next().flatMap(hexadecimal)
      else { return nil }
      bytes.append(high << 4 | low)
    }
    guard let name = String(validating: bytes, as: UTF8.self), !name.isEmpty,
      !name.utf8.contains(0), !name.hasPrefix("/")
    else { return nil }
    let parts = name.split(separator: "/", omittingEmptySubsequences: false)
    // `a:` before the first slash would be a scheme: an absolute URI.
    guard !parts.contains(".."), !parts.contains("."), !parts.contains(""),
      !path.prefix(while: { $0 != "/" }).contains(":")
    else { return nil }
    return name
  }

  private static func isPlain(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"),
      UInt8(ascii: "/"), UInt8(ascii: "="):
      true
    default: false
    }
  }

  private static func hexadecimal(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
  }
}
