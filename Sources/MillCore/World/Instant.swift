// SPDX-License-Identifier: Apache-2.0

/// A moment: microseconds since 1970-01-01T00:00:00Z, without leap seconds.
///
/// Published instants lie within the years 1 to 9999 (docs/semantics.md, 1). A value read from
/// elsewhere may lie outside; ``isPublishable`` says so, and text never does.
///
/// ```swift
/// Instant(iso8601: "2013-01-01 12:00+02:00")?.description  // "2013-01-01T10:00:00Z"
/// ```
public struct Instant: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// Microseconds since 1970-01-01T00:00:00Z.
  public let microseconds: Int64

  /// The first microsecond of the year 1.
  public static let earliest = Instant(microseconds: -62_135_596_800_000_000)

  /// The last microsecond of the year 9999.
  public static let latest = Instant(microseconds: 253_402_300_799_999_999)

  static let microsecondsPerDay: Int64 = 86_400_000_000

  /// The moment at a distance from 1970-01-01T00:00:00Z.
  public init(microseconds: Int64) {
    self.microseconds = microseconds
  }

  /// The moment so many milliseconds from 1970-01-01T00:00:00Z, or nil outside of years 1 to 9999.
  public init?(milliseconds: Int64) {
    let (microseconds, overflows) = milliseconds.multipliedReportingOverflow(by: 1000)
    guard !overflows else { return nil }
    self.init(microseconds: microseconds)
    guard isPublishable else { return nil }
  }

  /// Reads `YYYY-MM-DD`, with `hh:mm`, `hh:mm:ss` or `hh:mm:ss.fraction` after a `T` or a space,
  /// and `Z` or `±hh:mm` after that; without a zone it is UTC.
  ///
  /// Nil is given back for anything else, for a day that the calendar does not have, for a result
  /// outside of the years 1 to 9999, and for a fraction finer than a microsecond, which would have
  /// to be cut.
  public init?(iso8601 text: String) {
    var reader = DigitReader(text)
    guard let date = reader.date() else { return nil }
    var microseconds = date.start.microseconds
    if !reader.isAtEnd {
      guard reader.skip("T", "t", " "), let time = reader.timeOfDay() else { return nil }
      microseconds += time
      if !reader.skip("Z", "z"), !reader.isAtEnd {
        guard let shift = reader.zoneShift() else { return nil }
        microseconds -= shift
      }
      guard reader.isAtEnd else { return nil }
    }
    self.init(microseconds: microseconds)
    guard isPublishable else { return nil }
  }

  /// Whether the moment lies within the years 1 to 9999.
  public var isPublishable: Bool { self >= .earliest && self <= .latest }

  /// Whole milliseconds since 1970-01-01T00:00:00Z, rounded towards the past.
  public var milliseconds: Int64 { floorDivided(microseconds, by: 1000).quotient }

  /// The day in UTC.
  public var date: CivilDate {
    // An Int64 of microseconds holds fewer than 2^27 days, so this fits.
    let days = floorDivided(microseconds, by: Self.microsecondsPerDay).quotient
    return CivilDate(daysSinceEpoch: Int32(days))
  }

  /// ISO 8601 in UTC with `Z`; six digits of fraction only where it is not zero.
  public var description: String {
    let time = floorDivided(microseconds, by: Self.microsecondsPerDay).remainder
    let (seconds, fraction) = time.quotientAndRemainder(dividingBy: 1_000_000)
    let hour = padded(Int(seconds / 3600), to: 2)
    let minute = padded(Int(seconds / 60 % 60), to: 2)
    let second = padded(Int(seconds % 60), to: 2)
    let tail = fraction == 0 ? "" : ".\(padded(Int(fraction), to: 6))"
    return "\(date)T\(hour):\(minute):\(second)\(tail)Z"
  }

  /// Earlier moments come first.
  public static func < (left: Self, right: Self) -> Bool {
    left.microseconds < right.microseconds
  }

  /// The moment a duration later, whole microseconds of it; stops at the ends of Int64.
  public static func + (left: Self, right: Duration) -> Instant {
    let sum = Int128(left.microseconds) + right.wholeMicroseconds
    return Instant(microseconds: Int64(clamping: sum))
  }

  /// The moment a duration earlier, whole microseconds of it; stops at the ends of Int64.
  public static func - (left: Self, right: Duration) -> Instant {
    let difference = Int128(left.microseconds) - right.wholeMicroseconds
    return Instant(microseconds: Int64(clamping: difference))
  }

  /// The time from the right moment to the left.
  public static func - (left: Self, right: Self) -> Duration {
    .microseconds(left.microseconds) - .microseconds(right.microseconds)
  }
}

extension Duration {
  /// Whole microseconds, rounded towards the past.
  var wholeMicroseconds: Int128 {
    let (seconds, attoseconds) = components
    let (whole, rest) = attoseconds.quotientAndRemainder(dividingBy: 1_000_000_000_000)
    return Int128(seconds) * 1_000_000 + Int128(rest < 0 ? whole - 1 : whole)
  }
}

private func floorDivided(_ number: Int64, by divisor: Int64) -> (quotient: Int64, remainder: Int64)
{
  let (quotient, remainder) = number.quotientAndRemainder(dividingBy: divisor)
  return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
}

extension DigitReader {
  /// `hh:mm`, `hh:mm:ss` or `hh:mm:ss.fraction` in microseconds.
  fileprivate mutating func timeOfDay() -> Int64? {
    guard let hour = number(digits: 2), hour < 24, skip(":"), let minute = number(digits: 2),
      minute < 60
    else { return nil }
    var microseconds = Int64(hour * 60 + minute) * 60_000_000
    guard skip(":") else { return microseconds }
    guard let second = number(digits: 2), second < 60 else { return nil }
    microseconds += Int64(second) * 1_000_000
    guard skip(".") else { return microseconds }
    guard var digit = digit() else { return nil }
    var unit: Int64 = 100_000
    while true {
      guard unit > 0 || digit == 0 else { return nil }
      microseconds += Int64(digit) * unit
      unit /= 10
      guard let next = self.digit() else { return microseconds }
      digit = next
    }
  }

  /// `±hh:mm` in microseconds east of UTC, at most 18 hours.
  fileprivate mutating func zoneShift() -> Int64? {
    let isWest = next == UInt8(ascii: "-")
    guard skip("+", "-"), let hour = number(digits: 2), skip(":"),
      let minute = number(digits: 2), minute < 60, hour * 60 + minute <= 18 * 60
    else { return nil }
    let shift = Int64(hour * 60 + minute) * 60_000_000
    return isWest ? -shift : shift
  }
}
