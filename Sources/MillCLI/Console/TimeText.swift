// SPDX-License-Identifier: Apache-2.0

internal import MillCore

/// Moments as people and programs read them, in UTC.
enum TimeText {
  /// To the second: `2025-10-17 09:12:44`.
  static func seconds(_ microseconds: Int64) -> String {
    seconds(Instant(microseconds: microseconds))
  }

  static func seconds(_ instant: Instant) -> String {
    let text = instant.description
    return String(text.prefix(19)).replacing("T", with: " ")
  }

  /// ISO 8601, or null.
  static func json(_ microseconds: Int64?) -> JSONValue {
    microseconds.map { .string(Instant(microseconds: $0).description) } ?? .null
  }
}
