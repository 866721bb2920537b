// SPDX-License-Identifier: Apache-2.0

import CChecksum
import MillCore
import MillTesting
import Testing

@Suite("CRC-32C")
struct ChecksumTests {
  private static func both(_ bytes: [UInt8]) -> [UInt32] {
    bytes.withUnsafeBytes {
      [
        mill_crc32c(0, $0.baseAddress, $0.count), mill_crc32c_portable(0, $0.baseAddress, $0.count),
      ]
    }
  }

  /// The examples of RFC 3720, appendix B.4, and the check value of the catalogue of CRCs.
  static let examples: [(bytes: [UInt8], sum: UInt32)] = [
    ([UInt8](repeating: 0, count: 32), 0x8A91_36AA),
    ([UInt8](repeating: 0xFF, count: 32), 0x62A8_AB43),
    (Array(0..<32), 0x46DD_794E),
    (Array((0..<32).reversed()), 0x113F_DB5C),
    (Array("123456789".utf8), 0xE306_9283),
    ([], 0),
  ]

  @Test("has the published values", arguments: examples)
  func published(bytes: [UInt8], sum: UInt32) {
    #expect(Self.both(bytes) == [sum, sum])
  }

  @Test("is the same by the instruction and by tables, at any place and length, whole or in parts")
  func agree() {
    let chance = SeededRandom(seed: 7)
    let bytes = (0..<40_000).map { _ in UInt8(truncatingIfNeeded: chance.next()) }
    for _ in 0..<200 {
      let from = chance.below(bytes.count)
      let part = Array(bytes[from..<(from + chance.below(bytes.count - from + 1))])
      let sums = Self.both(part)
      #expect(sums[0] == sums[1])
      let cut = chance.below(part.count + 1)
      let pieces = part.withUnsafeBytes { part in
        part.baseAddress.map {
          mill_crc32c(mill_crc32c(0, $0, cut), $0 + cut, part.count - cut)
        } ?? 0
      }
      #expect(pieces == sums[0])
    }
  }
}
