// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillDuckDB

/// Numbers of chance that a seed brings back.
///
/// > Source: G. Steele, D. Lea, C. Flood, "Fast splittable pseudorandom number generators",
/// > OOPSLA 2014: SplitMix64.
struct SeededNumbers: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}

/// The columns that random expressions are over.
let expressionInputs = Schema([
  Field("n", .long), Field("m", .long), Field("i", .integer), Field("y", .byte),
  Field("x", .double), Field("z", .double), Field("f", .float),
  Field("d", .decimal(precision: 10, scale: 2)), Field("e", .decimal(precision: 18, scale: 5)),
  Field("g", .decimal(precision: 30, scale: 12)), Field("p", .decimal(precision: 4, scale: 4)),
  Field("Text \"one\"", .string), Field("s", .string), Field("b", .boolean), Field("c", .boolean),
  Field("day", .date), Field("till", .date), Field("t", .timestamp), Field("u", .timestamp),
  Field("xs", .array(element: .double, containsNull: true)),
  Field("ns", .array(element: .long, containsNull: true)),
])

/// Makes random rows and random expressions over them.
struct ExpressionsGenerator {
  var numbers: SeededNumbers

  init(seed: UInt64) { numbers = SeededNumbers(state: seed) }

  mutating func one<Item>(_ items: [Item]) -> Item {
    items[Int.random(in: 0..<items.count, using: &numbers)]
  }

  mutating func chance(_ percent: Int) -> Bool {
    Int.random(in: 0..<100, using: &numbers) < percent
  }

  // MARK: Rows

  /// A row as DuckDB takes it and as Swift does.
  mutating func row() -> (stored: [Value], read: [Datum]) {
    var stored: [Value] = []
    var read: [Datum] = []
    for field in expressionInputs.fields {
      let value = chance(12) ? Value.null : value(of: field.type)
      stored.append(value)
      read.append(Self.datum(value))
    }
    return (stored, read)
  }

  private mutating func value(of type: DataType) -> Value {
    switch type {
    case .long: .int(integer())
    case .integer: .int(Int64(Int32(truncatingIfNeeded: integer())))
    case .byte: .int(Int64(Int8(truncatingIfNeeded: integer())))
    case .double: .double(double())
    case .float: .float(Float(double()))
    case .decimal(let precision, let scale): .decimal(unscaled: decimal(precision), scale: scale)
    // No statement can have a NUL, and data can.
    case .string: .text(chance(3) ? "a\0b" : text())
    case .boolean: .bool(chance(50))
    case .date: .date(days: day())
    case .timestamp: .timestampWithZone(microseconds: instant())
    case .array(.double, _):
      .list((0..<Int.random(in: 0...3, using: &numbers)).map { _ in .double(double()) })
    default: .list((0..<Int.random(in: 0...3, using: &numbers)).map { _ in .int(integer()) })
    }
  }

  static func datum(_ value: Value) -> Datum {
    switch value {
    case .bool(let value): .boolean(value)
    case .int(let value): .integer(value)
    case .float(let value): .double(Double(value))
    case .double(let value): .double(value)
    case .decimal(let unscaled, let scale): .decimal(unscaled: unscaled, scale: scale)
    case .text(let text): .text(text)
    case .date(let days): .date(CivilDate(daysSinceEpoch: days))
    case .timestampWithZone(let microseconds): .instant(Instant(microseconds: microseconds))
    case .list(let values): .list(values.map(datum))
    default: .null
    }
  }

  private static let oddIntegers: [Int64] = [
    .min, .max, -9_223_372_036_854_775_807, 9_223_372_036_854_775_806, 9_007_199_254_740_992,
    9_007_199_254_740_993, -2_147_483_648, 4_611_686_018_427_387_904,
  ]

  private static let oddDoubles: [Double] = [
    .nan, .infinity, -.infinity, -0.0, 0, .greatestFiniteMagnitude, -.greatestFiniteMagnitude,
    .leastNonzeroMagnitude, .leastNormalMagnitude, 9_223_372_036_854_775_808,
    -9_223_372_036_854_775_808, 2147483647.5, 127.5, -128.5, 0.49999999999999994,
  ]

  mutating func integer() -> Int64 {
    switch Int.random(in: 0..<10, using: &numbers) {
    case 0: one(Self.oddIntegers)
    case 1: Int64.random(in: .min ... .max, using: &numbers)
    case 2...4: Int64.random(in: -1000...1000, using: &numbers)
    case 5: Int64.random(in: -4_000_000_000...4_000_000_000, using: &numbers)
    default: Int64.random(in: -3...3, using: &numbers)
    }
  }

  mutating func double() -> Double {
    switch Int.random(in: 0..<10, using: &numbers) {
    case 0:
      one(Self.oddDoubles)
    case 1: Double(bitPattern: UInt64.random(in: .min ... .max, using: &numbers))
    case 2: Double(Int64.random(in: -20...20, using: &numbers)) / 2
    case 3: Double(integer())
    case 4: Double.random(in: -1e-3...1e-3, using: &numbers)
    default: Double.random(in: -1000...1000, using: &numbers)
    }
  }

  mutating func decimal(_ precision: Int) -> Int128 {
    let bound = (0..<precision).reduce(Int128(1)) { power, _ in power * 10 } - 1
    switch Int.random(in: 0..<5, using: &numbers) {
    case 0: return one([bound, -bound, 0])
    case 1: return Int128(Int64.random(in: -150...150, using: &numbers)) % (bound + 1)
    default: return Int128(integer()) &* Int128(integer()) % (bound + 1)
    }
  }

  private static let texts: [String] = [
    "", " ", "a", "A", "ab", "abc", "Straße", "ÉCOLE", "e\u{301}cole", "école", "\u{212B}",
    "\u{C5}", "A\u{30A}", "ΑΣ", "İstanbul", "日本語", "🦆 quack", " padded\u{A0}\u{3000}",
    "\ttab", "it's", "\"quoted\"", "12", "-7", "+5", " 12 ", "1e3", "1.5", ".5", "5.", "0x10",
    "1_000", "9223372036854775807", "9223372036854775808", "1e400", "1e-400", "nan", "inf",
    "2024-02-29", "2023-02-29", "0000-01-01", "0001-01-01", "9999-12-31", "1969-12-31",
    "2024-03-03T14:03:00Z", "2024-03-03 14:03:00.5+02:00", "2024-03-03 24:00:00", "true",
    "9999-12-31T23:59:59-18:00", "0001-01-01T00:00+00:01", "2024-03-03T14:03:61", "\u{10FFFF}",
    "\u{FFFF}", "a\u{300}\u{301}", "ﬁ", "ǅ", "aXbXc",
  ]

  mutating func text() -> String {
    one(Self.texts)
  }

  mutating func day() -> Int32 {
    switch Int.random(in: 0..<6, using: &numbers) {
    case 0: one([-719_162, -719_163, 2_932_896, 2_932_897, 0, -1, 11_016, 19_782, .max])
    case 1: Int32.random(in: -719_162...2_932_896, using: &numbers)
    default: Int32.random(in: -20_000...20_000, using: &numbers)
    }
  }

  mutating func instant() -> Int64 {
    switch Int.random(in: 0..<6, using: &numbers) {
    case 0:
      one([
        -62_135_596_800_000_000, -62_135_596_800_000_001, 253_402_300_799_999_999,
        253_402_300_800_000_000, 0, -1, -500_000, 86_399_999_999, -86_400_000_000, .max,
      ])
    case 1: Int64.random(in: -62_135_596_800_000_000...253_402_300_799_999_999, using: &numbers)
    case 2: Int64(Int32.random(in: -20_000...20_000, using: &numbers)) * 86_400_000_000
    default: Int64.random(in: -1_000_000_000_000_000...1_800_000_000_000_000, using: &numbers)
    }
  }

  // MARK: Expressions

  typealias Made = Expression

  mutating func expression() -> Made {
    let depth = Int.random(in: 1...4, using: &numbers)
    switch Int.random(in: 0..<8, using: &numbers) {
    case 0: return condition(depth)
    case 1: return whole(depth)
    case 2, 3: return real(depth)
    case 4: return amount(depth)
    case 5: return words(depth)
    case 6: return date(depth)
    default: return moment(depth)
    }
  }

  private mutating func shared(_ depth: Int, _ make: (inout Self, Int) -> Made) -> Made {
    switch Int.random(in: 0..<6, using: &numbers) {
    case 0:
      let branches = (0..<Int.random(in: 1...2, using: &numbers)).map { _ in
        Made.Branch(when: condition(depth - 1), then: make(&self, depth - 1))
      }
      return .choice(branches, otherwise: chance(20) ? .literal(.null) : make(&self, depth - 1))
    case 1: return .coalesce([make(&self, depth - 1), make(&self, depth - 1)])
    case 2: return .nullIf(make(&self, depth - 1), make(&self, depth - 1))
    default:
      return .call(
        chance(50) ? .least : .greatest,
        (0..<Int.random(in: 1...3, using: &numbers)).map { _ in make(&self, depth - 1) }
      )
    }
  }

  mutating func condition(_ depth: Int) -> Made {
    guard depth > 0 else {
      return chance(80) ? .column(one(["b", "c"])) : .literal(.boolean(chance(50)))
    }
    if chance(10) { return shared(depth) { $0.condition($1) } }
    switch Int.random(in: 0..<9, using: &numbers) {
    case 0: return .all([junctionPart(depth), junctionPart(depth)])
    case 1: return .any([junctionPart(depth), junctionPart(depth)])
    case 2: return .not(condition(depth - 1))
    case 3: return .isNull(any(depth - 1))
    case 4:
      let kind = Int.random(in: 0..<7, using: &numbers)
      return .oneOf(
        of(kind, depth - 1),
        (0..<Int.random(in: 1...3, using: &numbers)).map { _ in
          chance(10) ? .literal(.null) : of(kind, chance(50) ? 0 : depth - 1)
        }
      )
    case 5:
      let kind = Int.random(in: 0..<7, using: &numbers)
      return .between(
        of(kind, depth - 1),
        low: of(kind, depth - 1),
        high: of(kind, depth - 1)
      )
    case 6:
      return .call(
        one([.contains, .startsWith, .endsWith]),
        [words(depth - 1), words(depth - 1)]
      )
    default:
      let kind = Int.random(in: 0..<10, using: &numbers)
      let comparison = one(Made.Comparison.allCases)
      switch kind {
      // Kinds that have a common one.
      case 7: return .comparison(comparison, whole(depth - 1), real(depth - 1))
      case 8: return .comparison(comparison, amount(depth - 1), whole(0))
      case 9: return .comparison(comparison, date(depth - 1), moment(depth - 1))
      default: return .comparison(comparison, of(kind, depth - 1), of(kind, depth - 1))
      }
    }
  }

  /// A condition that is not itself an AND or an OR: within each other they read back as one.
  private mutating func junctionPart(_ depth: Int) -> Made {
    let part = condition(depth - 1)
    return switch part {
    case .all, .any: .isNull(part)
    default: part
    }
  }

  private mutating func any(_ depth: Int) -> Made {
    chance(10)
      ? .column(one(["xs", "ns"])) : of(Int.random(in: 0..<7, using: &numbers), depth)
  }

  private mutating func of(_ kind: Int, _ depth: Int) -> Made {
    switch kind {
    case 0: condition(depth)
    case 1: whole(depth)
    case 2: real(depth)
    case 3: amount(depth)
    case 4: words(depth)
    case 5: date(depth)
    default: moment(depth)
    }
  }

  mutating func whole(_ depth: Int) -> Made {
    guard depth > 0 else {
      return chance(70) ? .column(one(["n", "m", "i", "y"])) : .literal(.integer(integer()))
    }
    if chance(15) { return shared(depth) { $0.whole($1) } }
    switch Int.random(in: 0..<12, using: &numbers) {
    case 0...3:
      return .arithmetic(
        one([.add, .subtract, .multiply, .divideWhole, .remainder]),
        whole(depth - 1),
        whole(depth - 1)
      )
    case 4: return negated(whole(depth - 1))
    case 5: return .call(one([.abs, .floor]), [whole(depth - 1)])
    case 6: return .call(.sign, [of(Int.random(in: 1...3, using: &numbers), depth - 1)])
    case 7: return .call(one([.length, .strlen]), [words(depth - 1)])
    case 8:
      return .call(
        .dateDiff,
        [.literal(.text(unit())), time(depth - 1), time(depth - 1)]
      )
    case 9:
      return .call(
        one([
          .year, .quarter, .month, .day, .dayofweek, .isodow, .dayofyear, .hour, .minute, .second,
          .epochMilliseconds, .epochMicroseconds,
        ]),
        [time(depth - 1)]
      )
    case 10:
      return chance(50)
        ? .call(.length, [.column(one(["xs", "ns"]))])
        : .call(
          .element,
          [.column("ns"), .literal(.integer(Int64.random(in: -3...3, using: &numbers)))]
        )
    default:
      let kind = one([0, 1, 2, 3, 4])
      return .cast(
        chance(50) ? .strict : .lenient,
        of(kind, depth - 1),
        one([.long, .integer, .short, .byte])
      )
    }
  }

  private mutating func negated(_ part: Made) -> Made {
    // A number with a sign reads back as a number.
    if case .literal = part { return part }
    return .negated(part)
  }

  private mutating func time(_ depth: Int) -> Made {
    chance(40) ? date(depth) : moment(depth)
  }

  private mutating func unit() -> String {
    one([
      "microsecond", "millisecond", "second", "minute", "hour", "day", "week", "month", "quarter",
      "year", "Days",
    ])
  }

  mutating func real(_ depth: Int) -> Made {
    guard depth > 0 else {
      if chance(75) { return .column(one(["x", "z", "f"])) }
      let value = double()
      return .literal(.double(value.isFinite ? value : 1))
    }
    if chance(15) { return shared(depth) { $0.real($1) } }
    switch Int.random(in: 0..<11, using: &numbers) {
    case 0...3:
      return .arithmetic(
        one([.add, .subtract, .multiply, .divide, .divide, .remainder]),
        real(depth - 1),
        real(depth - 1)
      )
    case 4: return .arithmetic(.divide, of(one([1, 3]), depth - 1), of(one([1, 2, 3]), depth - 1))
    case 5: return .arithmetic(.power, real(depth - 1), of(one([1, 2]), depth - 1))
    case 6: return negated(real(depth - 1))
    case 7:
      return .call(
        one([.abs, .floor, .ceil, .trunc, .round, .sqrt, .exp, .ln, .log10, .log2]),
        [real(depth - 1)]
      )
    case 8:
      return chance(70)
        ? .call(
          .round,
          [real(depth - 1), .literal(.integer(Int64.random(in: 0...15, using: &numbers)))]
        )
        : .call(
          .element,
          [.column("xs"), .literal(.integer(Int64.random(in: -3...3, using: &numbers)))]
        )
    case 9: return .call(.epoch, [time(depth - 1)])
    default:
      return .cast(chance(50) ? .strict : .lenient, of(one([0, 1, 3, 4]), depth - 1), .double)
    }
  }

  mutating func amount(_ depth: Int) -> Made {
    guard depth > 0 else {
      return chance(70)
        ? .column(one(["d", "e", "g", "p"]))
        : .literal(
          .decimal(unscaled: Int128(Int32(truncatingIfNeeded: integer())), scale: one([1, 2, 4]))
        )
    }
    if chance(15) { return shared(depth) { $0.amount($1) } }
    switch Int.random(in: 0..<8, using: &numbers) {
    case 0...2:
      return .arithmetic(
        one([.add, .subtract, .multiply]),
        amount(depth - 1),
        chance(70) ? amount(depth - 1) : .column(one(["i", "y"]))
      )
    case 3: return negated(amount(depth - 1))
    case 4: return .call(.abs, [amount(depth - 1)])
    default:
      let precision = Int.random(in: 1...20, using: &numbers)
      return .cast(
        chance(50) ? .strict : .lenient,
        of(one([1, 3, 3]), depth - 1),
        .decimal(
          precision: precision,
          scale: Int.random(in: 0...min(precision, 6), using: &numbers)
        )
      )
    }
  }

  mutating func words(_ depth: Int) -> Made {
    guard depth > 0 else {
      return chance(70) ? .column(one(["Text \"one\"", "s"])) : .literal(.text(text()))
    }
    if chance(15) { return shared(depth) { $0.words($1) } }
    switch Int.random(in: 0..<8, using: &numbers) {
    case 0: return .joined(words(depth - 1), words(depth - 1))
    case 1: return .call(.concat, [words(depth - 1), words(depth - 1)])
    case 2, 3: return .call(one([.lower, .upper, .trim, .ltrim, .rtrim]), [words(depth - 1)])
    case 4:
      return .call(
        one([.left, .right]),
        [words(depth - 1), .literal(.integer(Int64.random(in: 0...4, using: &numbers)))]
      )
    case 5:
      let length: [Made] =
        chance(70) ? [.literal(.integer(Int64.random(in: 0...4, using: &numbers)))] : []
      return .call(
        .substr,
        [words(depth - 1), .literal(.integer(Int64.random(in: 1...4, using: &numbers)))] + length
      )
    case 6: return .call(.replace, [words(depth - 1), words(0), words(0)])
    default:
      return .cast(
        chance(50) ? .strict : .lenient,
        of(one([0, 1, 3, 5]), depth - 1),
        .string
      )
    }
  }

  mutating func date(_ depth: Int) -> Made {
    guard depth > 0 else {
      return chance(80)
        ? .column(one(["day", "till"]))
        : .literal(
          .date(CivilDate(daysSinceEpoch: Int32.random(in: -20_000...20_000, using: &numbers)))
        )
    }
    if chance(30) { return shared(depth) { $0.date($1) } }
    switch Int.random(in: 0..<3, using: &numbers) {
    case 0:
      return .call(
        .dateTrunc,
        [.literal(.text(one(["day", "week", "month", "quarter", "year"]))), date(depth - 1)]
      )
    case 1:
      let part = words(depth - 1)
      if case .literal = part { return .cast(.lenient, part, .date) }
      return .cast(chance(50) ? .strict : .lenient, part, .date)
    default: return .cast(.strict, moment(depth - 1), .date)
    }
  }

  mutating func moment(_ depth: Int) -> Made {
    guard depth > 0 else {
      return chance(80)
        ? .column(one(["t", "u"]))
        : .literal(
          .instant(
            Instant(
              microseconds: Int64.random(
                in: -62_135_596_800_000_000...253_402_300_799_999_999,
                using: &numbers
              )
            )
          )
        )
    }
    if chance(30) { return shared(depth) { $0.moment($1) } }
    switch Int.random(in: 0..<4, using: &numbers) {
    case 0, 1: return .call(.dateTrunc, [.literal(.text(unit())), moment(depth - 1)])
    case 2:
      let part = words(depth - 1)
      if case .literal = part { return .cast(.lenient, part, .timestamp) }
      return .cast(chance(50) ? .strict : .lenient, part, .timestamp)
    default: return .cast(.strict, date(depth - 1), .timestamp)
    }
  }
}
