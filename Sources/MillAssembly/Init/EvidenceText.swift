// SPDX-License-Identifier: Apache-2.0

/// Numbers as evidence shows them.
package enum EvidenceText {
  /// A number without a fraction that says nothing.
  package static func number(_ value: Double) -> String {
    if let whole = Int64(exactly: value) { return String(whole) }
    let scaled = (value * 1000).rounded() / 1000
    return scaled == 0 ? "\(value)" : "\(scaled)"
  }

  /// A count in groups of three digits.
  package static func count(_ value: Int64) -> String {
    let digits = String(value.magnitude)
    var text = value < 0 ? "-" : ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index) % 3 == 0 { text += "," }
      text.append(digit)
    }
    return text
  }

  /// A share of a whole, never 0 or 100 unless it is none or all.
  package static func percent(_ part: Int64, of whole: Int64) -> String {
    guard whole > 0, part > 0 else { return "0 %" }
    guard part < whole else { return "100 %" }
    let share = Double(part) / Double(whole) * 100
    if share < 0.1 { return "< 0.1 %" }
    let tenths = (min(share, 99.9) * 10).rounded() / 10
    return "\(number(min(tenths, 99.9))) %"
  }

  /// A value cut to what fits beside a column.
  package static func value(_ text: String) -> String {
    text.count <= 24 ? text : text.prefix(23) + "…"
  }
}
