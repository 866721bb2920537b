// SPDX-License-Identifier: Apache-2.0

/// A unit of `date_diff` and `date_trunc`.
enum TimeUnit: String, Hashable, Sendable, CaseIterable {
  case microsecond, millisecond, second, minute, hour, day, week, month, quarter, year

  /// Also with an s at the end, in any letter case.
  init?(_ text: String) {
    let name = text.lowercased()
    let singular = name.hasSuffix("s") ? String(name.dropLast()) : name
    guard let unit = Self(rawValue: singular) else { return nil }
    self = unit
  }

  /// How many microseconds it has; nil where that depends on the calendar.
  var microseconds: Int64? {
    switch self {
    case .microsecond: 1
    case .millisecond: 1000
    case .second: 1_000_000
    case .minute: 60_000_000
    case .hour: 3_600_000_000
    case .day: 86_400_000_000
    case .week: 604_800_000_000
    case .month, .quarter, .year: nil
    }
  }

  /// How many months it has; nil for those that have none.
  var months: Int? {
    switch self {
    case .month: 1
    case .quarter: 3
    case .year: 12
    default: nil
    }
  }
}
