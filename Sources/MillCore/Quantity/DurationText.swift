// SPDX-License-Identifier: Apache-2.0

extension Duration {
  /// Reads one number and one unit: `250us`, `500ms`, `10s`, `5m` (or `5min`), `24h`, `7d`.
  ///
  /// A day is 86,400 seconds (docs/semantics.md, 1). A space before the unit and a fraction are
  /// allowed, a sign is not. Nil is given back for anything else and for more than 292 years.
  ///
  /// ```swift
  /// Duration(text: "1.5h")  // 5400 seconds
  /// ```
  public init?(text: String) {
    guard let (number, unit) = DecimalWithUnit.split(text) else { return nil }
    let unitNanoseconds: Int64
    switch unit {
    case "us", "µs", "μs": unitNanoseconds = 1000
    case "ms": unitNanoseconds = 1_000_000
    case "s": unitNanoseconds = 1_000_000_000
    case "m", "min": unitNanoseconds = 60_000_000_000
    case "h": unitNanoseconds = 3_600_000_000_000
    case "d": unitNanoseconds = 86_400_000_000_000
    default: return nil
    }
    guard let nanoseconds = number.multiplied(by: unitNanoseconds) else { return nil }
    self = .nanoseconds(nanoseconds)
  }

  /// The duration for a reader, with two units at most: `340 ms`, `1.2 s`, `3 min 5 s`, `7 d`.
  ///
  /// Rounded to what is shown, half up.
  public var text: String {
    let microseconds = abs(wholeMicrosecondsNearest)
    return (self < .zero && microseconds > 0 ? "-" : "") + Self.text(microseconds)
  }

  private var wholeMicrosecondsNearest: Int128 {
    let (seconds, attoseconds) = components
    let sign: Int64 = attoseconds < 0 ? -1 : 1
    let rounded = (attoseconds + sign * 500_000_000_000) / 1_000_000_000_000
    return Int128(seconds) * 1_000_000 + Int128(rounded)
  }

  /// Each step rounds before it decides, so that 999.7 ms is `1 s` and never `1000 ms`.
  private static func text(_ microseconds: Int128) -> String {
    if microseconds == 0 {
      return "0 s"
    }
    if microseconds < 1000 {
      return "\(microseconds) µs"
    }
    let milliseconds = (microseconds + 500) / 1000
    if milliseconds < 1000 {
      return "\(milliseconds) ms"
    }
    let tenths = (microseconds + 50_000) / 100_000
    if tenths < 600 {
      return tenths % 10 == 0 ? "\(tenths / 10) s" : "\(tenths / 10).\(tenths % 10) s"
    }
    let seconds = (microseconds + 500_000) / 1_000_000
    if seconds < 3600 {
      return pair(seconds / 60, "min", seconds % 60, "s")
    }
    let minutes = (seconds + 30) / 60
    if minutes < 1440 {
      return pair(minutes / 60, "h", minutes % 60, "min")
    }
    let hours = (minutes + 30) / 60
    return pair(hours / 24, "d", hours % 24, "h")
  }

  private static func pair(_ large: Int128, _ unit: String, _ small: Int128, _ rest: String)
    -> String
  {
    small == 0 ? "\(large) \(unit)" : "\(large) \(unit) \(small) \(rest)"
  }
}
