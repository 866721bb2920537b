// SPDX-License-Identifier: Apache-2.0

/// What the product takes from outside: time, chance and files.
///
/// Nothing reads a clock or a disk but through a world, so a test can stop time, repeat chance and
/// break the disk. Only MillAssembly makes the real one.
public struct World: Sendable {
  /// The time of day and the time that passes.
  public var clock: any WallClock
  /// Chance.
  public var random: any RandomSource
  /// The disk.
  public var files: any FileSystem

  /// A world of these parts.
  public init(clock: any WallClock, random: any RandomSource, files: any FileSystem) {
    self.clock = clock
    self.random = random
    self.files = files
  }

  /// The real clock, chance and disk.
  public static func system() -> World {
    World(clock: SystemClock(), random: SystemRandom(), files: LocalFileSystem())
  }

  /// A new identity that sorts by the time it was made: UUID version 7 in lower case.
  ///
  /// The 12 bits after the version hold the part of the millisecond, so identities made a
  /// microsecond apart sort as well; 62 bits are random.
  ///
  /// > Source: RFC 9562, sections 5.7 and 6.2, method 3.
  public func makeID() -> String {
    let now = max(0, clock.now().microseconds)
    let milliseconds = UInt64(now / 1000) & 0xFFFF_FFFF_FFFF
    let part = UInt64(now % 1000) * 4096 / 1000
    let high = milliseconds << 16 | 0x7000 | part
    let low = random.next() & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000
    let digits = Array((hexadecimal(high) + hexadecimal(low)).utf8)
    let groups = [digits[0..<8], digits[8..<12], digits[12..<16], digits[16..<20], digits[20...]]
    return groups.map { String(decoding: $0, as: UTF8.self) }.joined(separator: "-")
  }

  private func hexadecimal(_ number: UInt64) -> String {
    let digits = String(number, radix: 16)
    return String(repeating: "0", count: 16 - digits.utf8.count) + digits
  }
}
