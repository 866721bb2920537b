// SPDX-License-Identifier: Apache-2.0

package import MillCore

/// What the texts of one column look like, counted over all rows.
package struct TextCounts: Hashable, Sendable {
  /// Each value is of exactly one kind; the raw value is its number in SQL.
  package enum Kind: Int, Sendable, CaseIterable {
    /// No text, empty text, or text that means null by convention.
    case null = 0
    /// Text that may mean null if nothing else keeps the column from being a number or a time.
    case nullLike = 1
    case boolean = 2
    /// A whole number of 64 bits without zeros before it.
    case long = 3
    /// Digits after a zero, as codes have them.
    case leadingZero = 4
    /// Digits with a point.
    case fraction = 5
    /// A number with an exponent.
    case exponent = 6
    case date = 7
    /// A date and time with an offset from UTC.
    case instant = 8
    /// A date and time without one.
    case localTime = 9
    case text = 10
    /// A whole number of more than 64 bits.
    case longDigits = 11
  }

  /// How many values of each kind there are.
  package var counts: [Kind: Int64]
  /// Digits that carry value, of numbers with a point or an exponent.
  package var significantDigitsMax: Int64
  /// Digits after the point.
  package var fractionDigitsMax: Int64
  /// Digits before the point.
  package var wholeDigitsMax: Int64
  /// Values with blanks around them.
  package var padded: Int64

  package init(
    counts: [Kind: Int64],
    significantDigitsMax: Int64 = 0,
    fractionDigitsMax: Int64 = 0,
    wholeDigitsMax: Int64 = 0,
    padded: Int64 = 0
  ) {
    self.counts = counts
    self.significantDigitsMax = significantDigitsMax
    self.fractionDigitsMax = fractionDigitsMax
    self.wholeDigitsMax = wholeDigitsMax
    self.padded = padded
  }

  package subscript(kind: Kind) -> Int64 { counts[kind] ?? 0 }
}

/// The type of a column, and whether texts such as `N/A` must mean null for it.
package struct TypeChoice: Hashable, Sendable {
  package var type: DataType
  package var takesNullLikes: Bool

  /// The narrowest type that holds every value without loss.
  ///
  /// A column of numbers of which one has a zero before it stays text, and so do whole numbers of
  /// more than 64 bits: both are codes. A double holds 17 digits; more stay text unless they have
  /// a point and fit into a decimal. Amounts of money (by the column's name, with at most four
  /// digits after the point) become decimals.
  ///
  /// ```swift
  /// TypeChoice(TextCounts(counts: [.long: 9, .null: 1]), name: "seats").type  // .long
  /// ```
  package init(_ texts: TextCounts, name: String) {
    let nullLikes = texts[.nullLike]
    let decided = Self.type(texts, name)
    self.init(
      type: decided ?? .string,
      // A column of nothing but `-` is text as well as null: nothing is gained by deciding.
      takesNullLikes: nullLikes > 0 && decided != nil
    )
  }

  package init(type: DataType, takesNullLikes: Bool) {
    self.type = type
    self.takesNullLikes = takesNullLikes
  }

  /// nil for text.
  private static func type(_ texts: TextCounts, _ name: String) -> DataType? {
    let all = TextCounts.Kind.allCases.filter { $0 != .null && $0 != .nullLike }
      .reduce(Int64(0)) { $0 + texts[$1] }
    guard all > 0 else { return nil }
    if texts[.boolean] == all { return .boolean }
    if texts[.long] == all { return .long }
    if texts[.long] + texts[.fraction] + texts[.exponent] == all { return number(texts, name) }
    if texts[.date] == all { return .date }
    if texts[.instant] + texts[.localTime] == all { return .timestamp }
    return nil
  }

  private static func number(_ texts: TextCounts, _ name: String) -> DataType? {
    let scale = Int(texts.fractionDigitsMax)
    let digits = Int(texts.wholeDigitsMax) + scale
    if texts[.exponent] == 0, digits <= 34 {
      let isMoney = ColumnWords(name).isMoney && (1...4).contains(scale)
      if isMoney || texts.significantDigitsMax > 17 {
        return .decimal(precision: min(38, max(12, digits + 4)), scale: scale)
      }
    }
    // Seventeen digits are enough to tell any two doubles apart, so text of more is not a double's.
    return texts.significantDigitsMax <= 17 ? .double : nil
  }
}

/// The words that a column's name is made of: `unitPrice`, `unit_price` and `UNIT PRICE` are the
/// same two.
package struct ColumnWords: Hashable, Sendable {
  package let words: [String]

  package init(_ name: String) {
    var words: [String] = []
    var word = ""
    var wasLower = false
    for character in name {
      let isUpper = character.isUppercase
      if !(character.isLetter || character.isNumber) || (isUpper && wasLower) {
        if !word.isEmpty { words.append(word) }
        word = ""
      }
      if character.isLetter || character.isNumber { word += character.lowercased() }
      wasLower = character.isLowercase || character.isNumber
    }
    if !word.isEmpty { words.append(word) }
    self.words = words
  }

  private static let money: Set<String> = [
    "amount", "price", "cost", "fee", "fees", "total", "subtotal", "balance", "revenue", "fare",
    "tax", "paid", "payment", "tip", "salary", "usd", "eur", "gbp", "chf", "toll", "tolls",
  ]
  private static let identity: Set<String> = [
    "id", "ids", "uuid", "guid", "sku", "isbn", "iban", "iata", "icao", "faa", "tailnum", "carrier",
    "zip", "postcode", "phone", "email", "serial",
  ]
  /// Words that name an identifier at the end (`order_number`) but not in front (`num_rooms`).
  private static let identityAtEnd: Set<String> = [
    "key", "code", "num", "number", "no", "nr", "ref", "reference",
  ]
  private static let dateParts: Set<String> = [
    "year", "quarter", "month", "week", "weekday", "day", "dayof", "hour", "minute", "second",
    "date", "time", "timestamp", "yr", "mon", "dow", "doy",
  ]

  package var isMoney: Bool { words.contains { Self.money.contains($0) } }

  /// Whether the name says that values tell things apart.
  package var isIdentity: Bool {
    words.contains { Self.identity.contains($0) }
      || words.last.map { Self.identityAtEnd.contains($0) } ?? false
      || words.last.map { $0.hasSuffix("id") && $0.count > 4 } ?? false
  }

  package var isTemporal: Bool {
    words.contains { Self.dateParts.contains($0) || $0.hasPrefix("dayof") }
  }

  /// A part of a date that follows from the others.
  package var isDerivedPart: Bool {
    words.contains { ["week", "weekday", "quarter", "dow", "doy"].contains($0) }
  }

  package var isYear: Bool { words == ["year"] || words == ["yr"] }

  /// The name without case and separators, for comparing names of different files.
  package var joined: String { words.joined() }
}
