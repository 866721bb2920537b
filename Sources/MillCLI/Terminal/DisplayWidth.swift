// SPDX-License-Identifier: Apache-2.0

extension Character {
  /// Columns that a terminal gives to this character: 0, 1 or 2.
  ///
  /// Terminals differ on joined emoji; two columns is what most agree on.
  ///
  /// > Source: Unicode Standard Annex 11, "East Asian Width", the ranges W and F.
  var displayWidth: Int {
    var width = 0
    for scalar in unicodeScalars {
      // Emoji presentation selector: ☁︎ becomes ☁️, which is wide.
      if scalar == "\u{FE0F}", width > 0, unicodeScalars.first?.properties.isEmoji == true {
        return 2
      }
      width = max(width, scalar.displayWidth)
    }
    return width
  }
}

extension Unicode.Scalar {
  fileprivate var displayWidth: Int {
    if isASCII { return value < 0x20 || value == 0x7F ? 0 : 1 }
    switch properties.generalCategory {
    case .nonspacingMark, .enclosingMark, .control, .format, .lineSeparator, .paragraphSeparator:
      return value == 0xAD ? 1 : 0
    default: break
    }
    if properties.isEmojiPresentation { return 2 }
    switch value {
    case 0x1160...0x11FF: return 0  // vowels and finals of Hangul, drawn into the syllable
    case 0x1100...0x115F, 0x2329...0x232A, 0x2E80...0x303E, 0x3041...0x33FF, 0x3400...0x4DBF,
      0x4E00...0xA4CF, 0xA960...0xA97F, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE10...0xFE19,
      0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x16FE0...0x18DFF, 0x1AFF0...0x1B2FF,
      0x1F200...0x1F265, 0x20000...0x3FFFD:
      return 2
    default: return 1
    }
  }
}

extension String {
  /// Columns that a terminal gives to this text, which has no colours in it yet.
  var displayWidth: Int {
    reduce(0) { $0 + $1.displayWidth }
  }

  /// The text with what would drive the terminal made visible: a line end becomes `␊`.
  ///
  /// Names of files and texts of data may hold anything, escape sequences included.
  var printable: String {
    var result = String.UnicodeScalarView()
    for scalar in unicodeScalars {
      switch scalar.value {
      case 0x00...0x1F: result.append(Unicode.Scalar(0x2400 + scalar.value) ?? "\u{FFFD}")
      case 0x7F: result.append("\u{2421}")
      // C1 controls and the marks that turn the direction of writing around.
      case 0x80...0x9F, 0x200E...0x200F, 0x2028...0x202E, 0x2066...0x2069:
        result.append("\u{FFFD}")
      default: result.append(scalar)
      }
    }
    return String(result)
  }

  /// The text cut to a number of columns, with `…` as the last of them where something is missing.
  func truncated(toWidth widthMax: Int) -> String {
    guard widthMax > 0 else { return "" }
    guard displayWidth > widthMax else { return self }
    var result = ""
    var width = 0
    for character in self {
      let next = width + character.displayWidth
      if next > widthMax - 1 { break }
      result.append(character)
      width = next
    }
    return result + "…"
  }
}
