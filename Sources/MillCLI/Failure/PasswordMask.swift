// SPDX-License-Identifier: Apache-2.0

extension String {
  /// The text with stars for passwords that somebody wrote into a file.
  ///
  /// They are looked for in URLs, and where the name of a variable belongs. The text keeps its length, so
  /// that places in it stay true.
  ///
  /// ```swift
  /// "url: redis://app:secret@cache".maskingPasswords()  // url: redis://app:******@cache
  /// ```
  func maskingPasswords() -> String {
    var characters = Array(self)
    func find(_ word: String, from start: Int) -> Int? {
      let wanted = Array(word)
      guard characters.count >= wanted.count else { return nil }
      return (start...max(start, characters.count - wanted.count)).first { place in
        place + wanted.count <= characters.count
          && characters[place..<place + wanted.count].elementsEqual(wanted)
      }
    }
    func end(from start: Int, _ ends: String) -> Int {
      characters[start...].firstIndex { $0.isWhitespace || ends.contains($0) } ?? characters.count
    }
    func mask(_ range: Range<Int>) {
      for place in range { characters[place] = "*" }
    }
    var next = 0
    while let mark = find("://", from: next) {
      next = mark + 3
      let range = next..<end(from: next, "'\"")
      guard let at = characters[range].lastIndex(of: "@"),
        let colon = characters[range.lowerBound..<at].firstIndex(of: ":")
      else { continue }
      mask(colon + 1..<at)
    }
    next = 0
    while let key = find("password_env:", from: next) {
      next = key + 13
      let start =
        characters[next...].firstIndex { $0.isNewline || !($0.isWhitespace || "'\"".contains($0)) }
        ?? characters.count
      let range = start..<end(from: start, "'\",}")
      let isName = characters[range].allSatisfy { character in
        character.isASCII && (character.isLetter || character.isNumber || character == "_")
      }
      if !isName { mask(range) }
    }
    return String(characters)
  }
}
