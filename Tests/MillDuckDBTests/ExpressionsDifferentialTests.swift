// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillDuckDB
import MillSQL
import Testing

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// The value of an expression in DuckDB is that in Swift, for every row.
///
/// Doubles are equal bit for bit but for the sign of zero: DuckDB and Swift call the same libm.
/// Another seed and number: `MILL_SEED=7 MILL_EXPRESSIONS=100000`.
struct ExpressionsDifferentialTests {
  static func setting(_ name: String, _ otherwise: UInt64) -> UInt64 {
    getenv(name).flatMap { UInt64(String(cString: $0)) } ?? otherwise
  }

  @Test func `SQL and Swift give the same value for every row`() async throws {
    let seed = Self.setting("MILL_SEED", 20_260_801)
    let wanted = Int(Self.setting("MILL_EXPRESSIONS", 2400))
    print("expressions: seed \(seed), \(wanted) expressions over 60 rows")
    var generator = ExpressionsGenerator(seed: seed)
    let connection = try Database().connect()
    // Whatever the settings are, the SQL means the same.
    try connection.execute("SET TimeZone = 'America/Santiago'")
    let dialect = DuckDBDialect()
    let columns = expressionInputs.fields
      .map { "\(dialect.quote($0.name)) \(dialect.typeName($0.type))" }
    try connection.execute("CREATE TABLE inputs (\(columns.joined(separator: ", ")))")
    let rows = (0..<60).map { _ in generator.row() }
    let appender = try connection.appender(table: "inputs")
    for row in rows {
      for value in row.stored { try appender.append(value) }
      try appender.endRow()
    }
    try appender.close()

    var made = 0
    var refused = 0
    var invalid = 0
    var batch: [TypedExpression] = []
    var failures: [String] = []
    while made < wanted {
      let expression = generator.expression()
      do throws(ExpressionError) {
        batch.append(try TypedExpression(expression, over: expressionInputs))
      } catch {
        guard case .tooManyDigits = error else {
          Issue.record("\(expression): \(error)")
          continue
        }
        refused += 1
        continue
      }
      guard batch.count == 8 || made + batch.count == wanted else { continue }
      made += batch.count
      let isOdd = made / 8 % 2 == 1
      try connection.execute(
        "SET ieee_floating_point_ops = \(isOdd); SET error_on_division_by_zero = \(!isOdd)"
      )
      let texts = batch.map { $0.rendered(dialect) }
      var found: [[Value]] = []
      do {
        found = try connection.query("SELECT \(texts.joined(separator: ",\n")) FROM inputs").rows()
        let types = try connection.query(
          "SELECT \(texts.map { "typeof(\($0))" }.joined(separator: ", ")) FROM inputs LIMIT 1"
        ).rows()
        for (index, typed) in batch.enumerated() {
          if case .text(let type) = types[0][index],
            type.filter({ $0 != " " }) != dialect.typeName(typed.type).filter({ $0 != " " })
          {
            failures.append("\(type) is not \(typed.type.sqlName): \(texts[index])")
          }
        }
      } catch {
        for text in texts {
          do { _ = try connection.query("SELECT \(text) FROM inputs").rows() } catch {
            failures.append("\(error)\n  \(text)")
          }
        }
        batch = []
        continue
      }
      for (index, typed) in batch.enumerated() {
        let compiled = CompiledExpression(typed)
        for (row, values) in zip(rows, found) {
          let outcome = compiled.evaluate(row.read)
          if outcome.isInvalid { invalid += 1 }
          let expected = ExpressionsGenerator.datum(values[index])
          guard outcome.value != expected else { continue }
          failures.append("SQL \(expected), Swift \(outcome.value):\n  \(texts[index])")
          break
        }
      }
      batch = []
      if failures.count > 12 { break }
    }
    print("expressions: \(made) made, \(refused) of too many digits, \(invalid) invalid values")
    for failure in failures.prefix(12) { Issue.record("\(failure)") }
  }

  @Test func `What an expression is written as reads back as the same`() async throws {
    let seed = Self.setting("MILL_SEED", 20_260_802)
    print("expressions: seed \(seed)")
    var generator = ExpressionsGenerator(seed: seed)
    let engine = try DuckDBEngine(DuckDBEngine.Configuration(threads: 1))
    for _ in 0..<1000 {
      let expression = generator.expression()
      let read = try await engine.expression(of: expression.description)
      guard read != expression else { continue }
      Issue.record("\(expression)\nread as\n\(read)")
      break
    }
  }

  @Test func `Letters and spaces are those of DuckDB, each of them`() throws {
    let connection = try Database().connect()
    let inputs = Schema([Field("s", .string)])
    let functions: [Expression.Function] = [.lower, .upper, .trim, .length, .strlen]
    let typed = try functions.map {
      try TypedExpression(.call($0, [.column("s")]), over: inputs)
    }
    let compiled = typed.map(CompiledExpression.init)
    let columns = typed.map { $0.rendered(DuckDBDialect()) }.joined(separator: ", ")
    // The planes beyond the second have neither cases nor spaces.
    let found = try connection.query(
      """
      SELECT s, \(columns) FROM (
        SELECT chr(i::INTEGER) AS s FROM range(1, 131072) r(i) WHERE i NOT BETWEEN 55296 AND 57343)
      """
    ).rows()
    var differing: [String] = []
    for row in found {
      let text = ExpressionsGenerator.datum(row[0])
      for (index, code) in compiled.enumerated() {
        let value = code.evaluate([text]).value
        if value != ExpressionsGenerator.datum(row[index + 1]) {
          differing.append("\(functions[index]) of \(text): SQL \(row[index + 1]), Swift \(value)")
        }
      }
    }
    #expect(differing.isEmpty, "\(differing.prefix(20).joined(separator: "\n"))")
  }
}
