// SPDX-License-Identifier: Apache-2.0

public import MillCore

/// A step of the grid on which event time is cut into tiles.
///
/// Each step divides the next, so tiles of a smaller one make up tiles of a larger one. Hops begin at
/// whole multiples from 1970-01-01T00:00:00Z, before it as well as after.
///
/// ```swift
/// Hop.default(for: .seconds(86_400))  // .hour: the day holds 24 of them
/// ```
public enum Hop: Int64, CaseIterable, Comparable, Sendable {
  /// 10 seconds.
  case tenSeconds = 10_000_000
  /// 1 minute.
  case minute = 60_000_000
  /// 5 minutes.
  case fiveMinutes = 300_000_000
  /// 1 hour.
  case hour = 3_600_000_000
  /// 1 day of 86,400 seconds.
  case day = 86_400_000_000

  /// How many hops a window holds at least when its hop is chosen by default.
  public static let countPerWindowMin: Int64 = 12

  /// The largest hop that divides a window and of which the window holds at least 12.
  ///
  /// - Returns: nil for a window that no hop suits, such as 90 seconds: it declares a hop or is exact.
  public static func `default`(for window: Duration) -> Hop? {
    guard let microseconds = window.microseconds else { return nil }
    return allCases.last {
      microseconds % $0.microseconds == 0
        && microseconds / $0.microseconds >= countPerWindowMin
    }
  }

  /// The hop as it is written in a definition: `10s`, `1min`, `5min`, `1h` or `1d`.
  public init?(text: String) {
    guard let microseconds = Duration(text: text)?.microseconds else { return nil }
    self.init(rawValue: microseconds)
  }

  /// Microseconds of one hop.
  public var microseconds: Int64 { rawValue }

  /// How long one hop is.
  public var length: Duration { .microseconds(rawValue) }

  /// The hop for a reader: `10 s`, `1 min`, `5 min`, `1 h` or `1 d`.
  public var text: String { length.text }

  /// The beginning of the hop that holds a moment: the last whole multiple at or before it.
  ///
  /// Rounds to −∞: the hop of one microsecond before 1970 begins before 1970. Stops at the earliest
  /// moment of Int64.
  public func floor(_ instant: Instant) -> Instant {
    let rest = instant.microseconds % rawValue
    let past = rest < 0 ? rest + rawValue : rest
    let (start, overflows) = instant.microseconds.subtractingReportingOverflow(past)
    return Instant(microseconds: overflows ? .min : start)
  }

  /// The beginning of the first hop at or after a moment.
  public func ceiling(_ instant: Instant) -> Instant {
    let start = floor(instant)
    return start == instant ? start : start + length
  }

  /// Smaller hops come first.
  public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

extension Duration {
  /// The duration in microseconds, if it is a whole number of them that fits.
  var microseconds: Int64? {
    let (seconds, attoseconds) = components
    guard attoseconds % 1_000_000_000_000 == 0 else { return nil }
    let (whole, overflows) = seconds.multipliedReportingOverflow(by: 1_000_000)
    guard !overflows else { return nil }
    let (sum, isTooMuch) = whole.addingReportingOverflow(attoseconds / 1_000_000_000_000)
    return isTooMuch ? nil : sum
  }
}
