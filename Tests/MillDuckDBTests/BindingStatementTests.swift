// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillDuckDB
import Testing

let endlessQuery = "SELECT count(*) FROM range(100000000) a, range(1000000) b WHERE a.range % 7 = 3"

@Suite("Statements and their errors")
struct BindingStatementTests {
  struct Place: Sendable {
    let sql: String
    let kind: DuckDBError.Kind
    let line: Int?
    let column: Int?
  }

  static let places = [
    Place(sql: "SELECT * FORM t", kind: .parser, line: 1, column: 15),
    Place(sql: "SELECT 1;\n\nSELECT\n  nope\nFROM range(3)", kind: .binder, line: 4, column: 3),
    Place(sql: "SELECT 1; SELECT nope FROM range(3)", kind: .binder, line: 1, column: 18),
    Place(sql: "SELECT 1;\nSELECT ??? FORM x y", kind: .parser, line: 2, column: nil),
    Place(sql: "-- note; 'x\nSELECT * FROM nowhere", kind: .catalog, line: 2, column: 15),
    Place(sql: "\n\n  SELECT 'ä', 'é;', nope FROM range(3)", kind: .binder, line: 3, column: 21),
    Place(
      sql: "SELECT " + (0..<100).map { "\($0)" }.joined(separator: ",") + ", nope FROM range(2)",
      kind: .binder,
      line: 1,
      column: 299
    ),
    Place(sql: "SELECT\n  CAST('abc' AS INTEGER)", kind: .conversion, line: 2, column: 3),
    Place(sql: "SELECT 9223372036854775807 + 1", kind: .outOfRange, line: nil, column: nil),
    Place(sql: "SELECT * FROM '/nowhere/x.parquet'", kind: .io, line: nil, column: nil),
    Place(sql: "SET memory_limit_of_all = 1", kind: .catalog, line: nil, column: nil),
    Place(sql: "SELECT error('boom')", kind: .invalidInput, line: nil, column: nil),
    Place(sql: "SELECT ?", kind: .invalidInput, line: nil, column: nil),
  ]

  @Test("an error has its kind and its place in the whole text", arguments: places)
  func place(place: Place) throws {
    let error = try failure(of: place.sql)
    #expect(error?.kind == place.kind, "\(String(reflecting: error))")
    #expect(error?.line == place.line, "\(String(reflecting: error))")
    if let column = place.column {
      #expect(error?.column == column, "\(String(reflecting: error))")
    }
    #expect(error?.code.hasPrefix("duckdb.") == true)
  }

  @Test("a description of a data error does not repeat the data")
  func secret() throws {
    let error = try failure(of: "SELECT CAST('sesame' AS INTEGER)")
    #expect(error?.description.contains("sesame") == false)
    #expect(error?.message.contains("sesame") == true)
    #expect(error?.errorClass == .data)
  }

  @Test("a broken constraint is one")
  func constraint() throws {
    let error = try failure(
      of: "CREATE TABLE t (i INTEGER PRIMARY KEY); INSERT INTO t VALUES (1), (1)"
    )
    #expect(error?.kind == .constraint)
  }

  @Test("several statements run in order, and the last one's changed rows are told")
  func several() throws {
    let connection = try openConnection()
    let changed = try connection.execute(
      """
      CREATE TABLE t (s VARCHAR); -- a; comment
      INSERT INTO t VALUES ('a;b'), ($$c;d$$), (E'e\\';f') /* ; /* ; */ */;
      UPDATE t SET s = s || ';' WHERE s LIKE 'a%' OR s LIKE 'c%';
      """
    )
    #expect(changed == 2)
    let rows = try connection.query("FROM t ORDER BY s").rows()
    #expect(rows == [[.text("a;b;")], [.text("c;d;")], [.text("e';f")]])
    #expect(try connection.statementCount(of: "SELECT 1; SELECT ';'; -- end") == 2)
    #expect(try connection.execute("-- nothing") == 0)
  }

  @Test("a text that does not parse runs nothing")
  func allOrNothing() throws {
    let connection = try openConnection()
    #expect(throws: DuckDBError.self) { try connection.execute("CREATE TABLE t (i INT); SELEC") }
    #expect(throws: DuckDBError.self) { _ = try connection.query("FROM t") }
  }

  @Test("parameters have names and numbers, and a wrong one is refused", arguments: [-1, 0, 3, 99])
  func parameters(wrong: Int) throws {
    let connection = try openConnection()
    let statement = try connection.prepare("SELECT $low::BIGINT + 0, $high::VARCHAR AS h")
    #expect(statement.parameterCount == 2)
    #expect(statement.parameterNames == ["low", "high"])
    #expect(statement.columns.map(\.name).last == "h")
    try statement.bind(7, at: "low")
    try statement.bind("x", at: "high")
    let rows = try statement.execute().rows()
    #expect(rows == [[.int(7), .text("x")]])
    let error = #expect(throws: DuckDBError.self) { try statement.bind(1, at: .index(wrong)) }
    #expect(error?.kind == .invalidInput)
    #expect(throws: DuckDBError.self) { try statement.bind(1, at: "middle") }
    try statement.clearBindings()
    #expect(throws: DuckDBError.self) { _ = try statement.execute() }
  }

  @Test("a wrong number of parameters and a text with NUL are refused")
  func refusals() throws {
    let connection = try openConnection()
    #expect(throws: DuckDBError.self) { _ = try connection.query("SELECT ?", []) }
    #expect(throws: DuckDBError.self) { _ = try connection.query("SELECT 1", [.null]) }
    #expect(throws: DuckDBError.self) { _ = try connection.query("SELECT 1; SELECT 2") }
    #expect(throws: DuckDBError.self) { try connection.execute("SELECT 1\0; DROP TABLE x") }
    #expect(throws: DuckDBError.self) { _ = try connection.query("") }
  }

  @Test("too many digits for a decimal are refused")
  func decimalBounds() throws {
    let connection = try openConnection()
    let statement = try connection.prepare("SELECT ?")
    let error = #expect(throws: DuckDBError.self) {
      try statement.bind(decimal: 1000, width: 3, scale: 1, at: 1)
    }
    #expect(error?.kind == .outOfRange)
  }

  @Test("the memory limit is a typed error and the connection goes on")
  func memoryLimit() throws {
    let connection = try openConnection(["memory_limit": "20MB", "max_temp_directory_size": "0GB"])
    let error = #expect(throws: DuckDBError.self) {
      _ = try connection.query(
        "SELECT list(i::VARCHAR || repeat('x', 100)) FROM range(5000000) r(i)"
      )
    }
    #expect(error?.kind == .outOfMemory)
    #expect(error?.errorClass == .outside)
    let rows = try connection.query("SELECT 1").rows()
    #expect(rows == [[.int(1)]])
  }

  @Test("an unknown setting and a missing folder are typed errors")
  func opening() {
    let setting = #expect(throws: DuckDBError.self) {
      try Database(configuration: ["no_such": "1"])
    }
    #expect(setting?.errorClass == .definition)
    let value = #expect(throws: DuckDBError.self) { try Database(configuration: ["threads": "x"]) }
    #expect(value != nil)
    let path = #expect(throws: DuckDBError.self) { try Database(path: "/nowhere/at/all.db") }
    #expect(path?.kind == .io)
  }

  @Test("the library is of version two or later")
  func version() { #expect(Database.libraryVersion.hasPrefix("v")) }
}

@Suite("Appending rows")
struct BindingAppenderTests {
  @Test("rows of several chunks arrive in order")
  func many() throws {
    let connection = try openConnection()
    try connection.execute("CREATE TABLE t (i INTEGER, s VARCHAR, d DOUBLE DEFAULT 2.5)")
    let appender = try connection.appender(table: "t", schema: "main")
    #expect(appender.columnCount == 3)
    for row in 0..<10_000 {
      try appender.append(Int32(row))
      if row % 100 == 50 { try appender.appendNull() } else { try appender.append("row \(row)") }
      try appender.appendDefault()
      try appender.endRow()
      if row == 5000 { try appender.flush() }
    }
    try appender.close()
    let sql = """
      SELECT count(*), count(s), sum(i)::BIGINT, min(d), count(*) FILTER (s = 'row ' || i) FROM t
      """
    let rows = try connection.query(sql).rows()
    #expect(rows == [[.int(10000), .int(9900), .int(49_995_000), .double(2.5), .int(9900)]])
  }

  @Test("rows of an appender that was not closed are thrown away")
  func dropped() throws {
    let connection = try openConnection()
    try connection.execute("CREATE TABLE t (i INTEGER, j INTEGER)")
    do {
      let appender = try connection.appender(table: "t")
      try appender.append(1)
      try appender.append(1)
      try appender.endRow()
      try appender.append(1)
    }
    let rows = try connection.query("SELECT count(*) FROM t").rows()
    #expect(rows == [[.int(0)]])
  }

  @Test("a short row, a long row, a wrong value and a broken key are typed errors")
  func errors() throws {
    let connection = try openConnection()
    try connection.execute("CREATE TABLE t (i INTEGER PRIMARY KEY, j INTEGER)")
    let short = try connection.appender(table: "t")
    try short.append(1)
    #expect(throws: DuckDBError.self) { try short.endRow() }
    let long = try connection.appender(table: "t")
    try long.append(1)
    try long.append(1)
    #expect(throws: DuckDBError.self) { try long.append(1) }
    let wrong = try connection.appender(table: "t")
    let conversion = #expect(throws: DuckDBError.self) { try wrong.append("x") }
    #expect(conversion?.errorClass == .data)
    let twice = try connection.appender(table: "t")
    for _ in 0..<2 {
      try twice.append(1)
      try twice.append(1)
      try twice.endRow()
    }
    let key = #expect(throws: DuckDBError.self) { try twice.flush() }
    #expect(key?.kind == .constraint)
    let missing = #expect(throws: DuckDBError.self) { _ = try connection.appender(table: "no") }
    #expect(missing?.kind == .catalog)
    let rows = try connection.query("SELECT count(*) FROM t").rows()
    #expect(rows == [[.int(0)]])
  }
}
