// SPDX-License-Identifier: Apache-2.0

internal import MillCore

/// What functions of text give, counted in Unicode scalars and compared by bytes.
enum TextArithmetic {
  static func function(_ function: Expression.Function, _ parts: [Node]) -> Code<String> {
    if case .concat = function {
      let parts = parts.map(ExpressionCompiler.text)
      // Null is nothing here, so the whole is never null.
      return { frame in
        var whole = ""
        for part in parts { whole += part(&frame) ?? "" }
        return whole
      }
    }
    if case .replace = function {
      let parts = parts.map(ExpressionCompiler.text)
      return { frame in
        guard let whole = parts[0](&frame), let piece = parts[1](&frame),
          let other = parts[2](&frame)
        else { return nil }
        return replaced(whole, piece, other)
      }
    }
    let text = ExpressionCompiler.text(parts[0])
    let numbers = parts.dropFirst().map { part in
      if case .integer(let number)? = part.constant { Int(number) } else { 0 }
    }
    let step: @Sendable (String) -> String
    switch function {
    case .lower: step = { cased($0, lower) }
    case .upper: step = { cased($0, upper) }
    case .trim: step = { trimmed($0, start: true, end: true) }
    case .ltrim: step = { trimmed($0, start: true, end: false) }
    case .rtrim: step = { trimmed($0, start: false, end: true) }
    case .left: step = { String($0.unicodeScalars.prefix(numbers[0])) }
    case .right: step = { String($0.unicodeScalars.suffix(numbers[0])) }
    default:
      let length = numbers.count > 1 ? numbers[1] : Int.max
      step = { String($0.unicodeScalars.dropFirst(numbers[0] - 1).prefix(length)) }
    }
    return { frame in text(&frame).map(step) }
  }

  static func test(_ function: Expression.Function) -> @Sendable (String, String) -> Bool {
    switch function {
    case .startsWith: { $0.utf8.starts(with: $1.utf8) }
    case .endsWith:
      {
        $0.utf8.count >= $1.utf8.count && $0.utf8.suffix($1.utf8.count).elementsEqual($1.utf8)
      }
    default: { position(of: Array($1.utf8), in: Array($0.utf8), from: 0) != nil }
    }
  }

  private static func position(of piece: [UInt8], in whole: [UInt8], from start: Int) -> Int? {
    guard piece.count <= whole.count - start else { return nil }
    for place in start...(whole.count - piece.count)
    where whole[place..<(place + piece.count)].elementsEqual(piece) {
      return place
    }
    return nil
  }

  private static func replaced(_ whole: String, _ piece: String, _ other: String) -> String {
    guard !piece.isEmpty else { return whole }
    let (bytes, piece) = (Array(whole.utf8), Array(piece.utf8))
    var result: [UInt8] = []
    var start = 0
    while let place = position(of: piece, in: bytes, from: start) {
      result += bytes[start..<place]
      result += other.utf8
      start = place + piece.count
    }
    result += bytes[start...]
    return String(decoding: result, as: UTF8.self)
  }

  // MARK: Letters

  private static func cased(
    _ text: String,
    _ map: (Unicode.Scalar) -> Unicode.Scalar
  ) -> String {
    let bytes = text.utf8.span
    let isASCII = bytes.withUnsafeBytes { $0.allSatisfy { $0 < 0x80 } }
    if isASCII {
      return String(unsafeUninitializedCapacity: bytes.count) { buffer in
        for index in bytes.indices {
          buffer[index] = UInt8(map(Unicode.Scalar(bytes[index])).value)
        }
        return bytes.count
      }
    }
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars { result.append(map(scalar)) }
    return String(result)
  }

  /// One scalar for each, whatever stands around it.
  static func lower(_ scalar: Unicode.Scalar) -> Unicode.Scalar {
    if scalar.isASCII {
      return ("A"..."Z").contains(scalar) ? Unicode.Scalar(UInt8(scalar.value) | 0x20) : scalar
    }
    if scalar == "\u{130}" { return "i" }
    return single(scalar.properties.lowercaseMapping, of: scalar) ?? scalar
  }

  static func upper(_ scalar: Unicode.Scalar) -> Unicode.Scalar {
    if scalar.isASCII {
      return ("a"..."z").contains(scalar) ? Unicode.Scalar(UInt8(scalar.value) & 0xDF) : scalar
    }
    if scalar == "\u{DF}" { return "\u{1E9E}" }
    // Greek letters with an iota below have one capital, which is a title's.
    return single(scalar.properties.uppercaseMapping, of: scalar)
      ?? single(scalar.properties.titlecaseMapping, of: scalar) ?? scalar
  }

  /// The other letter, if it is one and both are in Unicode 15, which engines know.
  private static func single(_ mapping: String, of scalar: Unicode.Scalar) -> Unicode.Scalar? {
    let scalars = mapping.unicodeScalars
    guard let first = scalars.first, scalars.index(after: scalars.startIndex) == scalars.endIndex
    else { return nil }
    guard first != scalar, isKnown(first), isKnown(scalar) else { return scalar }
    return first
  }

  private static func isKnown(_ scalar: Unicode.Scalar) -> Bool {
    // The first blocks were complete long before.
    scalar.value < 0x180 || (scalar.properties.age.map { $0.major <= 15 } ?? false)
  }

  private static func trimmed(_ text: String, start: Bool, end: Bool) -> String {
    var scalars = Substring(text).unicodeScalars
    if start { scalars = scalars.drop(while: isSpace) }
    if end {
      while let last = scalars.last, isSpace(last) { scalars.removeLast() }
    }
    return String(scalars)
  }

  /// Spaces of all widths; tabs and line ends are none.
  static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
    scalar.isASCII ? scalar == " " : scalar.properties.generalCategory == .spaceSeparator
  }

  // MARK: Numbers

  /// A decimal number with or without a fraction and an exponent; nil for all else, and beyond the
  /// range of doubles.
  static func double(_ text: String) -> Double? {
    var bytes = text.utf8[...]
    func skipDigits() -> Int {
      let digits = bytes.prefix { (0x30...0x39).contains($0) }
      bytes = bytes.dropFirst(digits.count)
      return digits.count
    }
    func skip(_ first: UInt8, _ second: UInt8) -> Bool {
      guard let next = bytes.first, next == first || next == second else { return false }
      bytes = bytes.dropFirst()
      return true
    }
    _ = skip(0x2B, 0x2D)
    var digits = skipDigits()
    if skip(0x2E, 0x2E) { digits += skipDigits() }
    guard digits > 0 else { return nil }
    if skip(0x65, 0x45) {
      _ = skip(0x2B, 0x2D)
      guard skipDigits() > 0 else { return nil }
    }
    guard bytes.isEmpty, let value = Double(text), value.isFinite else { return nil }
    return value
  }
}
