// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillSQL
import Testing

private let columns = Schema([
  Field("n", .long), Field("x", .double), Field("s", .string), Field("b", .boolean),
  Field("d", .decimal(precision: 10, scale: 2)), Field("day", .date), Field("t", .timestamp),
  Field("xs", .array(element: .double, containsNull: true)),
])

private func outcome(
  _ expression: Expression,
  n: Datum = .null,
  x: Datum = .null,
  s: Datum = .null,
  b: Datum = .null,
  d: Datum = .null,
  day: Datum = .null,
  t: Datum = .null,
  xs: Datum = .null
) throws -> CompiledExpression.Outcome {
  let typed = try TypedExpression(expression, over: columns)
  return CompiledExpression(typed).evaluate([n, x, s, b, d, day, t, xs])
}

private func valid(_ value: Datum) -> CompiledExpression.Outcome { .init(value: value) }
private let invalid = CompiledExpression.Outcome(value: .null, isInvalid: true)

private let n = Expression.column("n")
private let x = Expression.column("x")
private let s = Expression.column("s")
private func int(_ value: Int64) -> Expression { .literal(.integer(value)) }

struct CompiledExpressionTests {
  @Test func `A division by zero is null and not invalid`() throws {
    let ratio = Expression.arithmetic(.divide, x, n)
    #expect(try outcome(ratio, n: .integer(0), x: .double(1)) == valid(.null))
    #expect(try outcome(ratio, n: .integer(2), x: .double(1)) == valid(.double(0.5)))
    #expect(
      try outcome(.arithmetic(.divideWhole, n, int(0)), n: .integer(1)) == valid(.null)
    )
    #expect(try outcome(.arithmetic(.remainder, n, int(0)), n: .integer(1)) == valid(.null))
  }

  @Test func `An overflow of integers is null and invalid`() throws {
    let most = Datum.integer(.max)
    let least = Datum.integer(.min)
    #expect(try outcome(.arithmetic(.add, n, int(1)), n: most) == invalid)
    #expect(try outcome(.arithmetic(.multiply, n, n), n: least) == invalid)
    #expect(try outcome(.negated(n), n: least) == invalid)
    #expect(try outcome(.call(.abs, [n]), n: least) == invalid)
    #expect(try outcome(.arithmetic(.divideWhole, n, int(-1)), n: least) == invalid)
    #expect(try outcome(.arithmetic(.remainder, n, int(-1)), n: least) == valid(.integer(0)))
  }

  @Test func `An overflow that another value covers leaves its mark`() throws {
    let covered = Expression.coalesce([.arithmetic(.add, n, int(1)), int(0)])
    #expect(
      try outcome(covered, n: .integer(.max)) == .init(value: .integer(0), isInvalid: true)
    )
  }

  @Test func `A branch that is not taken leaves none`() throws {
    let choice = Expression.choice(
      [.init(when: .column("b"), then: .arithmetic(.add, n, int(1)))],
      otherwise: int(0)
    )
    #expect(
      try outcome(choice, n: .integer(.max), b: .boolean(false)) == valid(.integer(0))
    )
    #expect(try outcome(choice, n: .integer(.max), b: .boolean(true)) == invalid)
  }

  @Test func `NaN and the infinities are null, in and out`() throws {
    for odd in [Double.nan, .infinity, -.infinity] {
      #expect(try outcome(x, x: .double(odd)) == valid(.null))
      #expect(try outcome(.isNull(x), x: .double(odd)) == valid(.boolean(true)))
    }
    #expect(try outcome(.call(.exp, [x]), x: .double(1000)) == valid(.null))
    #expect(try outcome(.arithmetic(.multiply, x, x), x: .double(1e200)) == valid(.null))
    #expect(try outcome(.call(.ln, [x]), x: .double(0)) == valid(.null))
    #expect(try outcome(.call(.sqrt, [x]), x: .double(-1)) == valid(.null))
    #expect(
      try outcome(.arithmetic(.power, x, int(-1)), x: .double(0)) == valid(.null)
    )
  }

  @Test func `Conditions are of three values`() throws {
    let b = Expression.column("b")
    let no = Expression.literal(.boolean(false))
    let yes = Expression.literal(.boolean(true))
    #expect(try outcome(.all([b, no])) == valid(.boolean(false)))
    #expect(try outcome(.all([b, yes])) == valid(.null))
    #expect(try outcome(.any([b, yes])) == valid(.boolean(true)))
    #expect(try outcome(.not(b)) == valid(.null))
    #expect(try outcome(.oneOf(n, [int(1), .literal(.null)]), n: .integer(2)) == valid(.null))
    #expect(
      try outcome(.between(n, low: .literal(.null), high: int(1)), n: .integer(2))
        == valid(.boolean(false))
    )
    #expect(try outcome(.comparison(.notDistinct, n, .literal(.null))) == valid(.boolean(true)))
  }

  @Test func `Text compares by its bytes`() throws {
    let isSame = Expression.comparison(.equal, s, .literal(.text("é")))
    #expect(try outcome(isSame, s: .text("é")) == valid(.boolean(true)))
    #expect(try outcome(isSame, s: .text("e\u{301}")) == valid(.boolean(false)))
    #expect(
      try outcome(.comparison(.less, s, .literal(.text("a"))), s: .text("Z"))
        == valid(.boolean(true))
    )
    #expect(try outcome(.call(.length, [s]), s: .text("e\u{301}")) == valid(.integer(2)))
  }

  @Test func `Decimals are exact`() throws {
    let sum = Expression.arithmetic(
      .add,
      .column("d"),
      .literal(.decimal(unscaled: 1, scale: 3))
    )
    #expect(
      try outcome(sum, d: .decimal(unscaled: 10, scale: 2))
        == valid(.decimal(unscaled: 101, scale: 3))
    )
    #expect(
      try outcome(.cast(.strict, .column("d"), .long), d: .decimal(unscaled: -250, scale: 2))
        == valid(.integer(-3))
    )
  }

  @Test func `A cast that fails is invalid, and one that may is not`() throws {
    #expect(try outcome(.cast(.strict, s, .long), s: .text("1.5")) == invalid)
    #expect(try outcome(.cast(.lenient, s, .long), s: .text("1.5")) == valid(.null))
    #expect(try outcome(.cast(.strict, n, .byte), n: .integer(128)) == invalid)
    #expect(try outcome(.cast(.strict, x, .long), x: .double(2.5)) == valid(.integer(2)))
    #expect(
      try outcome(.cast(.strict, s, .timestamp), s: .text("1969-12-31T23:59:59.5Z"))
        == valid(.instant(Instant(microseconds: -500_000)))
    )
  }

  @Test func `Times before 1970 fall on their own days`() throws {
    let t = Expression.column("t")
    let before = Datum.instant(Instant(microseconds: -1))
    #expect(try outcome(.call(.hour, [t]), t: before) == valid(.integer(23)))
    #expect(try outcome(.call(.dayofweek, [t]), t: before) == valid(.integer(3)))
    let minutes = Expression.call(
      .dateDiff,
      [.literal(.text("minute")), t, .literal(.instant(Instant(microseconds: 0)))]
    )
    #expect(try outcome(minutes, t: before) == valid(.integer(1)))
    #expect(
      try outcome(
        .call(.dateTrunc, [.literal(.text("week")), .column("day")]),
        day: .date(CivilDate(daysSinceEpoch: 0))
      )
        == valid(.date(CivilDate(daysSinceEpoch: -3)))
    )
  }

  @Test func `What is outside of the years 1 to 9999 is null`() throws {
    #expect(
      try outcome(.column("day"), day: .date(CivilDate(daysSinceEpoch: .max))) == valid(.null)
    )
    #expect(
      try outcome(.column("t"), t: .instant(Instant(microseconds: .max))) == valid(.null)
    )
  }

  @Test func `A value of another kind than its column is null and invalid`() throws {
    #expect(try outcome(.arithmetic(.add, n, int(1)), n: .text("1")) == invalid)
    #expect(try outcome(x, x: .integer(2)) == valid(.double(2)))
  }

  @Test func `Lists are counted and looked into`() throws {
    let list = Datum.list([.double(1), .double(.nan), .double(3)])
    #expect(try outcome(.call(.length, [.column("xs")]), xs: list) == valid(.integer(3)))
    #expect(
      try outcome(.call(.element, [.column("xs"), int(-1)]), xs: list) == valid(.double(3))
    )
    #expect(try outcome(.call(.element, [.column("xs"), int(2)]), xs: list) == valid(.null))
    #expect(try outcome(.call(.element, [.column("xs"), int(0)]), xs: list) == valid(.null))
    #expect(try outcome(.column("xs"), xs: list) == valid(list))
  }

  @Test func `The inputs that a value depends on are known`() throws {
    let typed = try TypedExpression(.arithmetic(.add, .column("X"), n), over: columns)
    #expect(typed.slots == [0, 1])
    #expect(typed.type == .double)
    #expect(Expression.arithmetic(.add, .column("x"), .column("x")).columns == ["x"])
  }
}
