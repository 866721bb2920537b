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

  /// The path in our own spelling; what is no path inside of the table stays as it is.
  package static func normalized(_ path: String) -> String {
    if path.utf8.allSatisfy(isPlain) { return path }
    return decode(path).map(encode) ?? path
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
    // By bytes, as the system sees them: to Swift a slash before a combining accent is no slash.
    let parts = bytes.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
    guard !bytes.contains(0), parts.allSatisfy({ !isStep($0) }) else {
      return nil
    }
    guard !hasScheme(path) else { return nil }
    return String(validating: bytes, as: UTF8.self)
  }

  /// Whether the text is an absolute URI; a folder such as `time=10:30` is no scheme.
  ///
  /// > Source: RFC 3986, 3.1, "Scheme".
  private static func hasScheme(_ path: String) -> Bool {
    let scheme = path.utf8.prefix { byte in
      isPlain(byte) && byte != UInt8(ascii: "/") && byte != UInt8(ascii: "=")
        && byte != UInt8(ascii: "_") && byte != UInt8(ascii: "~") || byte == UInt8(ascii: "+")
    }
    return !scheme.isEmpty && path.utf8.dropFirst(scheme.count).first == UInt8(ascii: ":")
  }

  /// Whether a part of a path is nothing, this folder or the one above.
  private static func isStep(_ part: ArraySlice<UInt8>) -> Bool {
    part.count <= 2 && part.allSatisfy { $0 == UInt8(ascii: ".") }
  }

  static func isPlain(_ byte: UInt8) -> Bool {
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
