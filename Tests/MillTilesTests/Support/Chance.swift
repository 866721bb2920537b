// SPDX-License-Identifier: Apache-2.0

import MillCore
import Testing

/// Numbers of a printed seed, for the library's own random functions.
struct Chance: RandomNumberGenerator {
  private let source: SeededRandom

  init(_ seed: UInt64) { source = SeededRandom(seed: seed) }

  mutating func next() -> UInt64 { source.next() }

  mutating func one(in count: Int) -> Bool { Int.random(in: 0..<count, using: &self) == 0 }
}

/// One row of an event table.
struct Row {
  var key: Int64
  var order: EventOrderParts
  var isKept: Bool
  var value: Datum
}

/// Time, knowledge and identity of a row in plain numbers.
struct EventOrderParts {
  var time: Int64
  var knowledge: Int64
  var id: [UInt8]
}

/// A type of values and how wild they are.
struct Flavour: Sendable, CustomTestStringConvertible {
  let type: DataType
  let isWild: Bool

  init(_ type: DataType, isWild: Bool = false) {
    self.type = type
    self.isWild = isWild
  }

  var testDescription: String { "\(type)\(isWild ? ", wild" : "")" }

  static let all: [Flavour] = [
    Flavour(.long), Flavour(.long, isWild: true), Flavour(.integer), Flavour(.short),
    Flavour(.byte), Flavour(.double), Flavour(.double, isWild: true), Flavour(.float),
    Flavour(.float, isWild: true), Flavour(.decimal(precision: 12, scale: 2)),
    Flavour(.decimal(precision: 6, scale: 6)), Flavour(.decimal(precision: 38, scale: 0)),
    Flavour(.decimal(precision: 38, scale: 38)), Flavour(.boolean), Flavour(.string),
    Flavour(.binary), Flavour(.date), Flavour(.timestamp), Flavour(.timestampWithoutZone),
  ]

  func value(_ chance: inout Chance) -> Datum {
    if chance.one(in: 7) { return .null }
    switch type {
    case .long:
      if isWild, chance.one(in: 2) {
        return .integer([.min, .max, -1, 0].randomElement(using: &chance) ?? 0)
      }
      return .integer(Int64.random(in: -50...50, using: &chance))
    case .integer: return .integer(Int64(Int32.random(in: .min ... .max, using: &chance)))
    case .short: return .integer(Int64(Int16.random(in: .min ... .max, using: &chance)))
    case .byte: return .integer(Int64(Int8.random(in: .min ... .max, using: &chance)))
    case .double: return .double(double(&chance))
    case .float: return .double(Double(Float(double(&chance))))
    case .decimal(let precision, let scale):
      let bound = (0..<min(precision, 34)).reduce(Int128(1)) { power, _ in power * 10 } - 1
      let wide = Int128(truncatingIfNeeded: UInt128.random(in: .min ... .max, using: &chance))
      let small = Int128(Int64.random(in: -99...99, using: &chance))
      return .decimal(unscaled: chance.one(in: 3) ? wide % bound : small, scale: scale)
    case .boolean: return .boolean(chance.one(in: 2))
    case .string:
      let words = ["", "a", "A", "é", "e\u{301}", "日本", "O'Hara", "🦆", "zz", "\\", "a\u{0}b"]
      return .text(words.prefix(10).randomElement(using: &chance) ?? "")
    case .binary:
      return .bytes(
        (0..<Int.random(in: 0...3, using: &chance)).map { _ in chance.one(in: 2) ? 0xFF : 0x01 }
      )
    case .date:
      return .date(
        CivilDate(daysSinceEpoch: Int32.random(in: -719_162...(-719_100), using: &chance))
      )
    case .timestamp, .timestampWithoutZone:
      return .instant(Instant(microseconds: Int64.random(in: -20...20, using: &chance)))
    default: return .null
    }
  }

  private func double(_ chance: inout Chance) -> Double {
    let odd: [Double] = [
      .infinity, -.infinity, .nan, 1e300, -1e300, .greatestFiniteMagnitude, .leastNonzeroMagnitude,
      -2.3e-308,
      -0.0, 0.0,
    ]
    if isWild, chance.one(in: 6) { return odd.randomElement(using: &chance) ?? 0 }
    if chance.one(in: 12) { return [.nan, -0.0, 0.0, 1, 2].randomElement(using: &chance) ?? 0 }
    let size = isWild ? Double.random(in: -40...40, using: &chance) : 2
    return (Double.random(in: -10...10, using: &chance) * 8).rounded() / 8 * scaled(size)
  }

  private func scaled(_ exponent: Double) -> Double {
    Double(sign: .plus, exponent: Int(exponent), significand: 1)
  }

  func rows(_ count: Int, _ chance: inout Chance) -> [Row] {
    (0..<count).map { _ in
      let key = Int64.random(in: 1...4, using: &chance)
      return Row(
        key: key,
        order: EventOrderParts(
          // Five hops around the epoch; few times and identities, so that some rows are equal in all.
          time: Int64.random(in: -25...24, using: &chance) * 360_000_000 - 1,
          knowledge: Int64.random(in: 0...2, using: &chance),
          id: Array([1, 255, 7].prefix(Int.random(in: 0...3, using: &chance)))
            + [UInt8.random(in: 0...2, using: &chance)]
        ),
        isKept: key != 4 && !chance.one(in: 10),
        value: key == 3 ? .null : value(&chance)
      )
    }
  }
}
