// SPDX-License-Identifier: Apache-2.0

internal import MillCore

/// What functions of time give, in microseconds and days of UTC.
enum TimeArithmetic {
  static let day: Int64 = 86_400_000_000
  /// The years 1 to 9999.
  static let days: ClosedRange<Int32> = -719_162...2_932_896

  /// Towards the past.
  private static func floor(_ number: Int64, by divisor: Int64) -> Int64 {
    let (quotient, remainder) = number.quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? quotient - 1 : quotient
  }

  private static func modulo(_ number: Int64, by divisor: Int64) -> Int64 {
    let remainder = number % divisor
    return remainder < 0 ? remainder + divisor : remainder
  }

  private static func date(_ microseconds: Int64) -> CivilDate {
    Instant(microseconds: microseconds).date
  }

  /// How many borders of a unit lie between two times.
  static func dateDiff(
    _ unit: TimeUnit,
    _ earlier: @escaping Code<Int64>,
    _ later: @escaping Code<Int64>
  ) -> Code<Int64> {
    let units = units(unit)
    return ExpressionCompiler.both(earlier, later) { units($1) - units($0) }
  }

  private static func units(_ unit: TimeUnit) -> @Sendable (Int64) -> Int64 {
    if let months = unit.months {
      return { time in
        let (year, month, _) = date(time).components
        return Int64((year * 12 + month - 1) / months)
      }
    }
    let length = unit.microseconds ?? 1
    // 1970-01-01 was a Thursday.
    let shift = unit == .week ? 3 * day : 0
    return { floor($0 + shift, by: length) }
  }

  static func truncated(_ time: Int64, _ unit: TimeUnit) -> Int64 {
    if unit.months != nil {
      return Int64(truncated(day: date(time).daysSinceEpoch, unit)) * day
    }
    let length = unit.microseconds ?? 1
    let shift = unit == .week ? 3 * day : 0
    return floor(time + shift, by: length) * length - shift
  }

  static func truncated(day: Int32, _ unit: TimeUnit) -> Int32 {
    switch unit {
    case .month, .quarter, .year:
      let (year, month, _) = CivilDate(daysSinceEpoch: day).components
      let months = unit.months ?? 1
      let first = CivilDate(year: year, month: (month - 1) / months * months + 1, day: 1)
      return first?.daysSinceEpoch ?? day
    case .week: return Int32(floor(Int64(day) + 3, by: 7) * 7 - 3)
    default: return day
    }
  }

  static func field(_ function: Expression.Function) -> @Sendable (Int64) -> Int64 {
    switch function {
    case .year: { Int64(date($0).year) }
    case .quarter: { Int64((date($0).month - 1) / 3 + 1) }
    case .month: { Int64(date($0).month) }
    case .day: { Int64(date($0).day) }
    case .dayofweek: { modulo(floor($0, by: day) + 4, by: 7) }
    case .isodow: { modulo(floor($0, by: day) + 3, by: 7) + 1 }
    case .dayofyear:
      { time in
        let date = date(time)
        let first = CivilDate(year: date.year, month: 1, day: 1) ?? date
        return Int64(date.daysSinceEpoch - first.daysSinceEpoch) + 1
      }
    case .hour: { modulo($0, by: day) / 3_600_000_000 }
    case .minute: { modulo($0, by: 3_600_000_000) / 60_000_000 }
    case .second: { modulo($0, by: 60_000_000) / 1_000_000 }
    case .epochMilliseconds: { floor($0, by: 1000) }
    default: { $0 }
    }
  }

  /// What a moment is read from: as ``Instant`` has it, but with six digits of fraction at most,
  /// and with `T` and `Z` as capitals.
  static func instant(_ text: String) -> Int64? {
    let fraction = text.utf8.drop { $0 != UInt8(ascii: ".") }.dropFirst()
    guard fraction.prefix(while: { (0x30...0x39).contains($0) }).count <= 6,
      !text.utf8.contains(where: { $0 == UInt8(ascii: "t") || $0 == UInt8(ascii: "z") })
    else { return nil }
    return Instant(iso8601: text)?.microseconds
  }
}
