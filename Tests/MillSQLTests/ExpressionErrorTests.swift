// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillSQL
import Testing

struct ExpressionErrorTests {
  static let columns = Schema([
    Field("amount", .double), Field("n", .long), Field("city", .string), Field("seen", .timestamp),
    Field("wide", .decimal(precision: 38, scale: 10)), Field("flag", .boolean),
    Field("place", .structure([Field("x", .long)])),
    Field("xs", .array(element: .double, containsNull: true)),
  ])

  static let one = Expression.literal(.integer(1))

  /// Expressions that have no type, and what is said of them.
  static let refused: [(Expression, code: String, message: String)] = [
    (
      .column("amuont"), "expression.unknown-column",
      "there is no column amuont; did you mean amount?"
    ),
    (
      .column("elsewhere"), "expression.unknown-column",
      "there is no column elsewhere; there are amount, n, city, seen, wide, flag, place, xs"
    ),
    (
      .arithmetic(.add, .column("city"), one), "expression.wrong-type",
      "+ takes numbers, and here is VARCHAR"
    ),
    (
      .comparison(.equal, .column("city"), one), "expression.no-common-type",
      "= has VARCHAR and BIGINT, which have no common type: cast one"
    ),
    (
      .arithmetic(.divideWhole, .column("amount"), one), "expression.wrong-type",
      "// takes integers; / divides others, and here is DOUBLE"
    ),
    (
      .arithmetic(.multiply, .column("wide"), .column("wide")), "expression.too-many-digits",
      "* would have 76 digits, and a decimal has 38: cast to DOUBLE or to fewer digits"
    ),
    (
      .arithmetic(.subtract, .column("seen"), .column("seen")), "expression.outside-subset",
      "- of times is not in the subset of expressions; "
        + "date_diff('second', earlier, later) gives the time between two"
    ),
    (.not(.column("n")), "expression.wrong-type", "NOT takes conditions, and here is BIGINT"),
    (
      .cast(.strict, .column("amount"), .string), "expression.outside-subset",
      "CAST of DOUBLE AS VARCHAR is not in the subset of expressions; "
        + "engines write doubles in different ways: cast to BIGINT first"
    ),
    (
      .column("place"), "expression.outside-subset",
      "column place of type STRUCT is not in the subset of expressions; "
        + "make what is needed of it a column of its own"
    ),
    (
      .call(.dateDiff, [.literal(.text("fortnight")), .column("seen"), .column("seen")]),
      "expression.wrong-arguments",
      "date_diff takes a unit written out: microsecond, millisecond, second, minute, hour, day, "
        + "week, month, quarter, year"
    ),
    (
      .call(.lower, []), "expression.wrong-arguments", "lower takes one value"
    ),
    (
      .comparison(.less, .column("xs"), .column("xs")), "expression.wrong-type",
      "< takes values that compare, and here is DOUBLE[]"
    ),
    (
      .comparison(.less, .column("seen"), .literal(.text("soon"))), "expression.outside-subset",
      "the text 'soon' as a time is not in the subset of expressions; "
        + "write 2024-03-03 or 2024-03-03T14:03:00Z"
    ),
    (
      .literal(.null), "expression.untyped",
      "NULL alone is of no type: write CAST(NULL AS BIGINT)"
    ),
  ]

  @Test(arguments: refused.indices)
  func `What has no meaning is refused with its name`(_ index: Int) {
    let (expression, code, message) = Self.refused[index]
    do throws(ExpressionError) {
      _ = try TypedExpression(expression, over: Self.columns)
      Issue.record("\(expression) was taken")
    } catch {
      #expect(error.code == code)
      #expect(error.description == message)
      #expect(error.errorClass == .definition)
    }
  }

  @Test func `An expression has a bound`() {
    let deep = (0..<200).reduce(Expression.column("n")) { part, _ in .negated(part) }
    #expect(throws: ExpressionError.tooLarge(limit: 128, unit: "pieces within each other")) {
      try TypedExpression(deep, over: Self.columns)
    }
    let wide = Expression.coalesce(Array(repeating: .column("n"), count: 3000))
    #expect(throws: ExpressionError.tooLarge(limit: 2000, unit: "pieces")) {
      try TypedExpression(wide, over: Self.columns)
    }
  }

  @Test func `SQL grows with the expression and not faster`() throws {
    let sum = Expression.arithmetic(.add, .column("amount"), Self.one)
    let deep = (0..<40).reduce(sum) { part, _ in
      .arithmetic(.divide, .column("amount"), .call(.ln, [part]))
    }
    let text = try TypedExpression(deep, over: Self.columns).rendered(DuckDBDialect())
    #expect(text.utf8.count < 40 * 300)
  }
}
