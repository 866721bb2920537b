// SPDX-License-Identifier: Apache-2.0

public import MillCore

/// Rows that are handed over in a request, column by column, in the shape of a view's source.
public struct PushedRows: Sendable {
  /// The columns by name; keys and features may have the names of the view as well.
  public var columns: [(name: String, values: [JSONValue])]
  /// Whether they are a data frame of Feast's client, which calls times `event_timestamp` and `created`
  /// whatever the source calls them, and gives moments in seconds.
  public var isFrame: Bool

  /// Rows of columns that are all as long.
  public init(columns: [(name: String, values: [JSONValue])], isFrame: Bool = false) {
    self.columns = columns
    self.isFrame = isFrame
  }

  /// How many rows there are; nil where columns are of different lengths, or there is none.
  public var count: Int? {
    guard let first = columns.first?.values.count else { return nil }
    return columns.allSatisfy { $0.values.count == first } ? first : nil
  }
}

/// What became of rows that were pushed.
public struct PushReport: Hashable, Sendable {
  /// How many rows there were.
  public var rows: Int
  /// How many keys have a newer row now; the others had one that is as new already.
  public var newer: Int

  /// What became of so many rows.
  public init(rows: Int, newer: Int) {
    self.rows = rows
    self.newer = newer
  }
}

extension Datum {
  /// A value as JSON gives it, in a type; nil for one that the type does not hold as it is.
  ///
  /// A whole number and a decimal may come as text as well, so that no reader of JSON rounds them. A
  /// moment is ISO 8601, without a zone UTC; bytes are base64.
  /// - Parameter countsSeconds: Whether a number may stand for a moment or a day, in seconds since 1970.
  package init?(_ json: JSONValue, as type: DataType, countsSeconds: Bool = false) {
    switch (json, type) {
    case (.number(let number), .timestamp) where countsSeconds,
      (.number(let number), .timestampWithoutZone) where countsSeconds,
      (.number(let number), .date) where countsSeconds:
      guard let seconds = number.integer, seconds.magnitude <= 300_000_000_000 else { return nil }
      let instant = Instant(microseconds: seconds * 1_000_000)
      guard instant.isPublishable else { return nil }
      if type == .date {
        guard instant.date.start == instant else { return nil }
        self = .date(instant.date)
      } else {
        self = .instant(instant)
      }
    case (.null, _): self = .null
    case (.bool(let value), .boolean): self = .boolean(value)
    case (.number(let number), .long), (.number(let number), .integer),
      (.number(let number), .short),
      (.number(let number), .byte):
      // A reader of JSON that knows doubles only writes 7 as 7.0.
      guard let value = number.integer ?? Self(decimal: number.text, scale: 0)?.whole else {
        return nil
      }
      self = .integer(value)
    case (.string(let text), .long), (.string(let text), .integer), (.string(let text), .short),
      (.string(let text), .byte):
      guard let value = Int64(text) else { return nil }
      self = .integer(value)
    case (.number(let number), .double), (.number(let number), .float):
      guard let value = number.double else { return nil }
      self = .double(value)
    case (.number(let number), .decimal(_, let scale)):
      guard let value = Datum(decimal: number.text, scale: scale) else { return nil }
      self = value
    case (.string(let text), .decimal(_, let scale)):
      guard let value = Datum(decimal: text, scale: scale) else { return nil }
      self = value
    case (.string(let text), .string): self = .text(text)
    case (.string(let text), .binary):
      guard let bytes = AnswerText.bytes(base64: text) else { return nil }
      self = .bytes(bytes)
    case (.string(let text), .date):
      // Whoever has moments only gives midnight for a day.
      guard
        let day = CivilDate(iso8601: text)
          ?? Instant(iso8601: text).flatMap({ $0.date.start == $0 ? $0.date : nil })
      else { return nil }
      self = .date(day)
    case (.string(let text), .timestamp), (.string(let text), .timestampWithoutZone):
      guard let instant = Instant(iso8601: text) else { return nil }
      self = .instant(instant)
    case (.array(let elements), .array(let element, _)):
      var values: [Datum] = []
      for json in elements {
        guard let value = Datum(json, as: element, countsSeconds: countsSeconds) else { return nil }
        values.append(value)
      }
      self = .list(values)
    default: return nil
    }
    guard isNull || !held(by: type).isNull else { return nil }
  }

  /// A decimal of so many digits after the point; nil where digits would be lost.
  private init?(decimal text: String, scale: Int) {
    guard let mark = text.utf8.firstIndex(where: { $0 | 0x20 == UInt8(ascii: "e") }) else {
      guard let value = Self.unscaled(text, scale: scale) else { return nil }
      self = .decimal(unscaled: value, scale: scale)
      return
    }
    guard let exponent = Int(text[text.utf8.index(after: mark)...]), (-60...60).contains(exponent),
      let value = Self.unscaled(String(text[..<mark]), scale: scale + exponent)
    else { return nil }
    self = .decimal(unscaled: value, scale: scale)
  }

  /// The number of a decimal without a fraction, where 64 bits hold it.
  private var whole: Int64? {
    if case .decimal(let value, 0) = self { Int64(exactly: value) } else { nil }
  }

  /// The number without its point of text such as `-12.50`.
  private static func unscaled(_ text: String, scale: Int) -> Int128? {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count <= 2, let whole = parts.first, isNumeral(whole, canHaveSign: true),
      parts.count == 1 || isNumeral(parts[1], canHaveSign: false)
    else { return nil }
    var digits = Substring(parts.count > 1 ? parts[1] : "")
    while digits.last == "0" { digits.removeLast() }
    guard scale >= 0 ? digits.count <= scale : digits.isEmpty else { return nil }
    guard scale >= 0 else {
      guard let value = Int128(whole) else { return nil }
      // Beyond all that it could divide.
      guard -scale <= 38 else { return value == 0 ? 0 : nil }
      var power: Int128 = 1
      for _ in 0..<(-scale) { power *= 10 }
      return value % power == 0 ? value / power : nil
    }
    return Int128(whole + digits + String(repeating: "0", count: scale - digits.count))
  }

  private static func isNumeral(_ text: Substring, canHaveSign: Bool) -> Bool {
    let hasSign = canHaveSign && (text.first == "-" || text.first == "+")
    let digits = text.utf8.dropFirst(hasSign ? 1 : 0)
    return !digits.isEmpty
      && digits.allSatisfy { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }
  }
}
