// SPDX-License-Identifier: Apache-2.0

/// Decimals as their digits without the point.
enum DecimalArithmetic {
  /// Ten to the power of 0 to 38.
  static let powers: [Int128] = (0...38).map { exponent in
    (0..<exponent).reduce(Int128(1)) { power, _ in power * 10 }
  }

  /// The same amount with other digits after the point, half away from zero; nil if there are too
  /// many digits for 128 bits.
  static func rescaled(_ unscaled: Int128, from: Int, to scale: Int) -> Int128? {
    if scale >= from {
      let (value, overflows) = unscaled.multipliedReportingOverflow(by: powers[scale - from])
      return overflows ? nil : value
    }
    let power = powers[from - scale]
    let (quotient, remainder) = unscaled.quotientAndRemainder(dividingBy: power)
    guard remainder.magnitude >= (power.magnitude + 1) / 2 else { return quotient }
    return quotient + (unscaled < 0 ? -1 : 1)
  }

  /// Whether a decimal of so many digits holds the number.
  static func fits(_ unscaled: Int128, precision: Int) -> Bool {
    unscaled.magnitude < powers[precision].magnitude
  }

  /// The nearest double.
  static func double(_ unscaled: Int128, scale: Int) -> Double {
    // Both are exact, so their quotient is rounded once.
    if unscaled.magnitude <= 1 << 53, scale <= 22 {
      return Double(unscaled) / doublePowers[scale]
    }
    return Double("\(unscaled)e-\(scale)") ?? 0
  }

  /// Ten to the power of 0 to 22, all of them exact.
  static let doublePowers: [Double] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
  ]
}
