// SPDX-License-Identifier: Apache-2.0

internal import MillCore

/// Numbers as people read them, the same in every language of the system.
enum NumberText {
  /// Groups of three digits: `1,234,567`.
  static func grouped(_ value: some BinaryInteger) -> String {
    let digits = String(value.magnitude)
    var result = value < 0 ? "-" : ""
    for (position, digit) in digits.enumerated() {
      if position > 0, (digits.count - position).isMultiple(of: 3) { result.append(",") }
      result.append(digit)
    }
    return result
  }

  /// A number and its word: `1 row`, `1,234 rows`.
  static func counted(_ value: some BinaryInteger, _ one: String, _ many: String? = nil) -> String {
    "\(grouped(value)) \(value == 1 ? one : many ?? one + "s")"
  }

  /// A share to a tenth of a percent: `98.3%`.
  ///
  /// Only nothing is `0%` and only all is `100%`: 999,999 of a million is `>99.9%`.
  static func percentage(_ part: Int64, of whole: Int64) -> String {
    guard whole > 0 else { return "–" }
    if part == 0 { return "0%" }
    if part == whole { return "100%" }
    let share = Double(part) / Double(whole)
    if part > 0, share < 0.001 { return "<0.1%" }
    if part < whole, share > 0.999 { return ">99.9%" }
    let tenths = Int64((share * 1_000).rounded())
    return "\(tenths / 10).\(abs(tenths % 10))%"
  }

  /// A span of time: `340 ms`, `1.2 s`, `3 min 5 s`.
  static func duration(_ duration: Duration) -> String { duration.text }

  /// A span between two instants in microseconds.
  static func duration(microseconds: Int64) -> String { Duration.microseconds(microseconds).text }

  /// An amount of bytes: `1.5 GiB`.
  static func bytes(_ bytes: Int64) -> String { ByteCount(bytes: bytes).description }
}
