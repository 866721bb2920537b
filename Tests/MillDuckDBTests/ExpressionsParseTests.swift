// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillDuckDB
import MillEngine
import Testing

struct ExpressionsParseTests {
  private static func engine() throws -> DuckDBEngine {
    try DuckDBEngine(DuckDBEngine.Configuration(threads: 1))
  }

  /// What is written, and how it is spelled when it has been read.
  static let read = [
    ("amount / nullif(avg_24h, 0)", #"("amount" / nullif("avg_24h", 0))"#),
    (
      "CASE WHEN country = home THEN 0 ELSE 1 END",
      #"CASE WHEN ("country" = "home") THEN 0 ELSE 1 END"#
    ),
    ("case a when 1 then 2 end", #"CASE WHEN ("a" = 1) THEN 2 ELSE NULL END"#),
    ("if(a, 1, 2)", #"CASE WHEN "a" THEN 1 ELSE 2 END"#),
    ("coalesce(x, 0) + 1", #"(coalesce("x", 0) + 1)"#),
    ("ifnull(x, 0)", #"coalesce("x", 0)"#),
    ("ABS(a - b)", #"abs(("a" - "b"))"#),
    ("ln(1 + n)", #"ln((1 + "n"))"#),
    ("lcase(city)", #"lower("city")"#),
    ("date_diff('minute', a, b)", #"date_diff('minute', "a", "b")"#),
    ("extract(hour FROM ts)", #"hour("ts")"#),
    ("x NOT BETWEEN 1 AND 2", #"(NOT ("x" BETWEEN 1 AND 2))"#),
    ("c NOT IN ('a', 'it''s')", #"(NOT ("c" IN ('a', 'it''s')))"#),
    ("a IS NOT NULL", #"(NOT ("a" IS NULL))"#),
    ("x::DECIMAL(10, 2)", #"CAST("x" AS DECIMAL(10, 2))"#),
    ("TRY_CAST(x AS int)", #"TRY_CAST("x" AS INTEGER)"#),
    ("a || b || 'c'", #"(("a" || "b") || 'c')"#),
    ("a AND b OR NOT c", #"(("a" AND "b") OR (NOT "c"))"#),
    // The sign binds before the power, as in DuckDB.
    ("-x ** 2", #"((- "x") ** 2)"#),
    ("pow(x, 2) % mod(y, 3)", #"(("x" ** 2) % ("y" % 3))"#),
    ("1_000 + 1.50 + 1e3 + .5", "(((1000 + 1.50) + 1000.0e0) + 0.5)"),
    ("DATE '2024-03-03'", "DATE '2024-03-03'"),
    ("'2024-03-03 14:00+02:00'::timestamptz", "TIMESTAMPTZ '2024-03-03T12:00:00Z'"),
    ("\"Odd \"\"name\"\"\"", #""Odd ""name""""#),
    ("xs[1]", #"list_extract("xs", 1)"#),
    ("a -- and no more", #""a""#),
    ("a IS DISTINCT FROM b", #"("a" IS DISTINCT FROM "b")"#),
  ]

  @Test(arguments: read)
  func `An expression is read as the engine reads it`(text: String, spelled: String) async throws {
    let engine = try Self.engine()
    let expression = try await engine.expression(of: text)
    #expect(expression.description == spelled)
    #expect(try await engine.expression(of: spelled) == expression)
  }

  /// What is written, and the beginning of what is said of it.
  static let refused: [(String, message: String, column: Int?)] = [
    ("regexp_extract(a, 'b')", "function regexp_extract is not in the subset", 1),
    ("1 + lowr(a)", "function lowr is not in the subset of expressions; did you mean lower?", 5),
    ("sum(amount)", "function sum is not in the subset", 1),
    ("count(DISTINCT a)", "DISTINCT is not in the subset", 1),
    ("row_number() OVER ()", "a window function is not in the subset", 1),
    ("a + (SELECT 1)", "a subquery is not in the subset", 5),
    ("(SELECT max(x) FROM secret)", "a subquery is not in the subset", 1),
    ("EXISTS (SELECT 1)", "a subquery is not in the subset", 1),
    ("a IN (SELECT 1)", "a subquery is not in the subset", nil),
    ("a = any(b)", "a subquery is not in the subset", nil),
    ("a LIKE 'x%'", "LIKE is not in the subset", 3),
    ("a SIMILAR TO 'x'", "function regexp_full_match is not in the subset", nil),
    ("t + INTERVAL 1 DAY", "INTERVAL is not in the subset", nil),
    ("t + INTERVAL '1 day'", "the type INTERVAL is not in the subset", nil),
    ("a AT TIME ZONE 'UTC'", "AT TIME ZONE is not in the subset", nil),
    ("now()", "now() is not in the subset", 1),
    ("random()", "random() is not in the subset", 1),
    ("t.a", "the name t.a is not in the subset", 1),
    ("main.abs(a)", "the name main.abs is not in the subset", 1),
    ("*", "a star is not in the subset", 1),
    ("$1", "a parameter is not in the subset", 1),
    ("lambda x: x", "a lambda is not in the subset", nil),
    ("[1, 2]", "a list written out is not in the subset", 1),
    ("{'a': 1}", "a structure is not in the subset", 1),
    ("a[1:2]", "a slice of a list is not in the subset", nil),
    ("a COLLATE nocase", "COLLATE is not in the subset", nil),
    ("a & b", "the operator & is not in the subset", nil),
    ("CAST(a AS HUGEINT)", "the type HUGEINT is not in the subset", nil),
    ("CAST(a AS INT[])", "the type of a list is not in the subset", nil),
    ("x'00'", "a literal of kind HEX is not in the subset", 1),
    ("f(x := 1)", "a named argument is not in the subset", 1),
    ("try(a)", "TRY is not in the subset", nil),
    ("a, b", "this is not one expression", nil),
    ("a FROM t", "this is not one expression", nil),
    ("", "", nil),
    ("1) + (2", "", nil),
    ("1; SELECT 2", "", nil),
    ("a +", "", nil),
    ("a AS b", "", nil),
    ("1 WHERE true", "this is not one expression", nil),
    ("1e400", "the number 1e400 is not in the subset", 1),
  ]

  @Test(arguments: refused.indices)
  func `What is outside of the subset is refused by its name`(_ index: Int) async throws {
    let (text, message, column) = Self.refused[index]
    let engine = try Self.engine()
    do {
      let expression = try await engine.expression(of: text)
      Issue.record("\(text) was read as \(expression)")
    } catch EngineError.sql(let found, let line, let place) {
      #expect(found.hasPrefix(message), "\(text): \(found)")
      if let column {
        #expect(line == 1 && place == column, "\(text): \(line ?? 0) \(place ?? 0)")
      }
    }
  }

  @Test func `What is too deep is refused, and nothing falls over`() async throws {
    let engine = try Self.engine()
    for depth in [200, 900, 5000] {
      let text =
        String(repeating: "abs(", count: depth) + "a" + String(repeating: ")", count: depth)
      await #expect(throws: EngineError.self) { _ = try await engine.expression(of: text) }
    }
  }

  @Test func `A mistake is found on its own line`() async throws {
    let engine = try Self.engine()
    await #expect(
      throws: EngineError.sql(
        message: "INTERVAL is not in the subset of expressions; "
          + "date_diff counts the time between two",
        line: 2,
        column: 3
      )
    ) { _ = try await engine.expression(of: "a +\n  to_days(1)") }
    do {
      _ = try await engine.expression(of: "a +\n b c d")
      Issue.record("taken")
    } catch EngineError.sql(_, let line, _) {
      #expect(line == 2)
    }
  }
}
