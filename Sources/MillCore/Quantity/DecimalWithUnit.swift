// SPDX-License-Identifier: Apache-2.0

/// A decimal number that is not negative, kept as its digits so that nothing is rounded.
struct DecimalWithUnit {
  /// The number without its point.
  private let digits: Int64
  /// Ten to the number of digits after the point.
  private let scale: Int64

  /// Splits `1.5 GiB` into the number and `GiB`; nil if no number stands first.
  static func split(_ text: String) -> (number: DecimalWithUnit, unit: String)? {
    var digits: Int64 = 0
    var scale: Int64 = 1
    var isFraction = false
    var digitCount = 0
    var rest = Substring(text).utf8
    while let byte = rest.first {
      if byte == UInt8(ascii: "."), !isFraction, digitCount > 0 {
        isFraction = true
        // A point needs a digit after it.
        digitCount = 0
      } else if byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") {
        let (shifted, shiftOverflows) = digits.multipliedReportingOverflow(by: 10)
        let (sum, sumOverflows) =
          shifted.addingReportingOverflow(Int64(byte - UInt8(ascii: "0")))
        guard !shiftOverflows, !sumOverflows else { return nil }
        digits = sum
        digitCount += 1
        if isFraction {
          let (nextScale, scaleOverflows) = scale.multipliedReportingOverflow(by: 10)
          guard !scaleOverflows else { return nil }
          scale = nextScale
        }
      } else {
        break
      }
      rest.removeFirst()
    }
    guard digitCount > 0 else { return nil }
    if rest.first == UInt8(ascii: " ") {
      rest.removeFirst()
      guard !rest.isEmpty else { return nil }
    }
    return (DecimalWithUnit(digits: digits, scale: scale), String(Substring(rest)))
  }

  /// The number times a unit, rounded down; nil if that is more than an Int64 holds.
  func multiplied(by unit: Int64) -> Int64? {
    Int64(exactly: Int128(digits) * Int128(unit) / Int128(scale))
  }
}
