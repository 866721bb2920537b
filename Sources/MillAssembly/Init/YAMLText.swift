// SPDX-License-Identifier: Apache-2.0

/// Writes YAML that every reader understands in the same way.
///
/// A word is left bare only if no version of YAML takes it for anything but text; all else is
/// quoted. What would end the SQL comment that a header stands in is escaped.
package enum YAMLText {
  /// Words that some version of YAML, or a person, reads as something else.
  private static let words: Set<String> = [
    "null", "true", "false", "yes", "no", "on", "off", "y", "n", "na", "nan", "inf", "infinity",
    "none",
  ]

  /// A text as a scalar, for block and flow style, for keys and values.
  package static func scalar(_ text: String) -> String {
    if isPlain(text) { return text }
    let needsEscapes =
      text.contains("*/") || text.contains("/*")
      || text.unicodeScalars.contains { !isPrintable($0) }
    return needsEscapes ? escaped(text) : "'" + doubledQuotes(text) + "'"
  }

  /// A list in flow style.
  package static func list(_ items: [String]) -> String {
    "[" + items.map { scalar($0) }.joined(separator: ", ") + "]"
  }

  /// Items in flow style over as many lines as they need.
  ///
  /// - Parameter indent: blanks before each line but the first.
  package static func wrapped(_ items: [String], after start: String, indent: Int) -> String {
    var lines = [start + "["]
    for (index, item) in items.enumerated() {
      let isLast = index == items.count - 1
      let piece = item + (isLast ? "]" : ",")
      let line = lines[lines.count - 1]
      if line.hasSuffix("[") {
        lines[lines.count - 1] += piece
      } else if line.count + 1 + piece.count <= 96 {
        lines[lines.count - 1] += " " + piece
      } else {
        lines.append(String(repeating: " ", count: indent) + piece)
      }
    }
    if items.isEmpty { lines[lines.count - 1] += "]" }
    return lines.joined(separator: "\n")
  }

  /// A text as a comment on one line, harmless inside a comment of SQL.
  package static func comment(_ text: String) -> String {
    var line = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      line.append(isPrintable(scalar) ? scalar : " ")
    }
    return "# "
      + String(line).replacing("*/", with: "* /").replacing("/*", with: "/ *")
  }

  private static func isPlain(_ text: String) -> Bool {
    guard let first = text.utf8.first, isLetter(first), text.utf8.count <= 200 else { return false }
    return !words.contains(text.lowercased())
      && text.utf8.allSatisfy { isLetter($0) || (0x30...0x39).contains($0) }
  }

  private static func isLetter(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "_"):
      true
    default: false
    }
  }

  private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse,
      .unassigned:
      false
    default: true
    }
  }

  private static func doubledQuotes(_ text: String) -> String {
    var scalars = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      scalars.append(scalar)
      if scalar == "'" { scalars.append(scalar) }
    }
    return String(scalars)
  }

  private static func escaped(_ text: String) -> String {
    var line = "\""
    var before: Unicode.Scalar = " "
    for scalar in text.unicodeScalars {
      let endsComment =
        (scalar == "/" && before == "*") || (scalar == "*" && before == "/")
      before = scalar
      switch scalar {
      case "\"": line += "\\\""
      case "\\": line += "\\\\"
      case "\n": line += "\\n"
      case "\t": line += "\\t"
      case "\r": line += "\\r"
      default:
        guard endsComment || !isPrintable(scalar) else {
          line.unicodeScalars.append(scalar)
          continue
        }
        let digits = String(scalar.value, radix: 16, uppercase: true)
        let width = scalar.value < 0x100 ? 2 : scalar.value < 0x10000 ? 4 : 8
        let mark = width == 2 ? "x" : width == 4 ? "u" : "U"
        line += "\\" + mark + String(repeating: "0", count: width - digits.utf8.count) + digits
      }
    }
    return line + "\""
  }
}
