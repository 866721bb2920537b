// SPDX-License-Identifier: Apache-2.0

/// An amount of storage or memory in bytes.
///
/// ```swift
/// ByteCount("1.5 GiB")?.bytes           // 1610612736
/// ByteCount(bytes: 1536).description    // "1.5 KiB"
/// ```
public struct ByteCount: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// The amount in bytes.
  public let bytes: Int64

  /// An amount in bytes.
  public init(bytes: Int64) {
    self.bytes = bytes
  }

  /// Nothing.
  public static let zero = ByteCount(bytes: 0)

  /// Reads a number that is not negative and a unit, with or without a space and in any case: `B`,
  /// `kB` to `PB` (powers of 1000), `KiB` to `PiB` (powers of 1024), or none for bytes.
  ///
  /// Nil is given back for anything else and for more than an Int64 holds. A fraction of a byte is
  /// dropped.
  public init?(_ text: String) {
    guard let (number, unit) = DecimalWithUnit.split(text) else { return nil }
    let lowercased = unit.lowercased()
    let size: Int64
    if lowercased.isEmpty || lowercased == "b" {
      size = 1
    } else if let power = Self.decimalUnits.firstIndex(of: lowercased) {
      size = (0...power).reduce(1) { size, _ in size * 1000 }
    } else if let power = Self.binaryUnits.firstIndex(where: { $0.lowercased() == lowercased }) {
      size = 1 << (10 * Int64(power + 1))
    } else {
      return nil
    }
    guard let bytes = number.multiplied(by: size) else { return nil }
    self.init(bytes: bytes)
  }

  /// The amount in the largest binary unit that it fills, to a tenth: `512 B`, `1.5 GiB`.
  public var description: String {
    let sign = bytes < 0 ? "-" : ""
    let magnitude = bytes.magnitude
    guard magnitude >= 1024 else { return "\(bytes) B" }
    var power = 0
    while power + 1 < Self.binaryUnits.count, Self.tenths(magnitude, power) >= 10_240 {
      power += 1
    }
    let tenths = Self.tenths(magnitude, power)
    let fraction = tenths % 10 == 0 ? "" : ".\(tenths % 10)"
    return "\(sign)\(tenths / 10)\(fraction) \(Self.binaryUnits[power])"
  }

  /// Smaller amounts come first.
  public static func < (left: Self, right: Self) -> Bool {
    left.bytes < right.bytes
  }

  private static let decimalUnits = ["kb", "mb", "gb", "tb", "pb"]
  private static let binaryUnits = ["KiB", "MiB", "GiB", "TiB", "PiB"]

  /// Tenths of a unit, rounded half up.
  private static func tenths(_ bytes: UInt64, _ power: Int) -> UInt64 {
    let unit = UInt64(1) << (10 * UInt64(power + 1))
    let (whole, rest) = bytes.quotientAndRemainder(dividingBy: unit)
    return whole * 10 + (rest * 10 + unit / 2) / unit
  }
}
