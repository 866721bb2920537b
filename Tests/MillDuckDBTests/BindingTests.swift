// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillDuckDB
import Testing

func openConnection(
  _ configuration: [String: String] = [:],
  timeZone: String? = nil
) throws -> Connection {
  let connection = try Database(configuration: configuration).connect()
  if let timeZone { try connection.execute("SET TimeZone = '\(timeZone)'") }
  return connection
}

/// Runs one statement in a new database and returns the error, if it has one.
func failure(of sql: String) throws -> DuckDBError? {
  let connection = try openConnection()
  do throws(DuckDBError) {
    try connection.execute(sql)
    return nil
  } catch {
    return error
  }
}

struct Sample: Sendable, CustomTestStringConvertible {
  let type: String
  let values: [Value]
  var testDescription: String { type }

  init(_ type: String, _ values: Value...) {
    self.type = type
    self.values = values
  }
}

let longText = String(repeating: "wörld 日本 🦆 ", count: 5000)
let largestDecimal = Int128(repeating: 9, count: 38)

extension Int128 {
  init(repeating digit: Int128, count: Int) {
    self = (0..<count).reduce(0) { number, _ in number * 10 + digit }
  }
}

let samples: [Sample] = [
  Sample("BOOLEAN", .bool(true), .bool(false)),
  Sample("TINYINT", .int(-128), .int(127)),
  Sample("SMALLINT", .int(-32768), .int(32767)),
  Sample("INTEGER", .int(Int64(Int32.min)), .int(Int64(Int32.max))),
  Sample("BIGINT", .int(.min), .int(.max), .int(0)),
  Sample("HUGEINT", .hugeint(.min), .hugeint(.max), .hugeint(-1), .hugeint(1 << 64)),
  Sample("UTINYINT", .uint(0), .uint(255)),
  Sample("USMALLINT", .uint(65535)),
  Sample("UINTEGER", .uint(UInt64(UInt32.max))),
  Sample("UBIGINT", .uint(.max)),
  Sample("UHUGEINT", .uhugeint(.max), .uhugeint(0)),
  Sample("FLOAT", .float(.greatestFiniteMagnitude), .float(-.infinity), .float(0.1)),
  Sample("DOUBLE", .double(.leastNonzeroMagnitude), .double(.infinity), .double(-0.1)),
  Sample("DECIMAL(4,1)", .decimal(unscaled: -9999, scale: 1), .decimal(unscaled: 5, scale: 1)),
  Sample("DECIMAL(9,9)", .decimal(unscaled: 999_999_999, scale: 9)),
  Sample("DECIMAL(18,3)", .decimal(unscaled: -999_999_999_999_999_999, scale: 3)),
  Sample("DECIMAL(38,10)", .decimal(unscaled: largestDecimal, scale: 10)),
  Sample(
    "VARCHAR",
    .text(""),
    .text("a\0b"),
    .text("exactly12 ch"),
    .text("thirteen chars"),
    .text(longText)
  ),
  Sample("BLOB", .bytes([]), .bytes([0, 255, 34, 92]), .bytes([UInt8](repeating: 7, count: 9999))),
  Sample(
    "DATE",
    .date(days: 0),
    .date(days: -1),
    .date(days: .max),
    .date(days: -.max),
    .date(days: -2_000_000)
  ),
  Sample("TIME", .time(microseconds: 0), .time(microseconds: 86_399_999_999)),
  Sample("TIME_NS", .timeNanoseconds(86_399_999_999_999)),
  Sample(
    "TIMETZ",
    .timeWithZone(microseconds: 1, offsetSeconds: 19_800),
    .timeWithZone(microseconds: 5_000_000, offsetSeconds: -3_661)
  ),
  Sample(
    "TIMESTAMP",
    .timestamp(microseconds: 0),
    .timestamp(microseconds: -1),
    .timestamp(microseconds: .max),
    .timestamp(microseconds: -.max)
  ),
  Sample(
    "TIMESTAMP_NS",
    .timestampNanoseconds(-1),
    .timestampNanoseconds(1_600_000_000_123_456_789)
  ),
  Sample(
    "TIMESTAMPTZ",
    .timestampWithZone(microseconds: -1),
    .timestampWithZone(microseconds: 1_600_000_000_000_001)
  ),
  Sample(
    "INTERVAL",
    .interval(Interval(months: -14, days: 3, microseconds: -1)),
    .interval(Interval(months: .max, days: .min, microseconds: .max))
  ),
  Sample(
    "UUID",
    .uuid("00000000-0000-0000-0000-000000000001"),
    .uuid("ffffffff-0123-4567-89ab-cdefffffffff")
  ),
  Sample("BIGINT[]", .list([.int(1), .null, .int(3)]), .list([.int(.max)])),
  Sample("VARCHAR[][]", .list([.list([.text("a, b"), .null]), .null, .list([.text("c")])])),
  Sample(
    "STRUCT(a BIGINT, \"b c\" VARCHAR)",
    .structure(.init([.init("a", .int(1)), .init("b c", .null)]))
  ),
  Sample(
    "MAP(VARCHAR, BIGINT)",
    .map([.init(key: .text("x"), value: .int(1)), .init(key: .text("y"), value: .null)])
  ),
]

@Suite("Values through DuckDB and back")
struct BindingRoundTripTests {
  @Test("a bound value comes back as it was", arguments: samples)
  func bound(sample: Sample) throws {
    let connection = try openConnection(timeZone: "Asia/Tokyo")
    for value in sample.values + [.null] {
      let rows = try connection.query("SELECT ?::\(sample.type)", [value]).rows()
      #expect(rows == [[value]])
    }
  }

  @Test("an appended value comes back as it was, with NULLs between", arguments: samples)
  func appended(sample: Sample) throws {
    let connection = try openConnection(timeZone: "Asia/Tokyo")
    try connection.execute("CREATE TABLE t (v \(sample.type))")
    let values = sample.values.flatMap { [$0, .null] }
    let appender = try connection.appender(table: "t")
    for value in values {
      try appender.append(value)
      try appender.endRow()
    }
    try appender.close()
    let rows = try connection.query("SELECT v FROM t").rows()
    #expect(rows == values.map { [$0] })
  }

  @Test("the text of a value is DuckDB's own", arguments: samples)
  func rendered(sample: Sample) throws {
    let connection = try openConnection(timeZone: "UTC")
    for value in sample.values where sample.type != "DECIMAL(9,9)" {
      let sql = "SELECT (?::\(sample.type))::VARCHAR"
      let rows = try connection.query(sql, [value]).rows()
      #expect(rows == [[.text(value.description)]])
    }
  }

  @Test(
    "numbers of all sizes are written as DuckDB writes them",
    arguments: [
      16777217, 123456789, 9.1e15, 1e16, 9e15, 1e15, 1e-4, 1e-5, 123.456, 0, -0.0, 1.0, 100,
      Double.leastNonzeroMagnitude, 1.7e308, 0.1,
    ]
  )
  func floats(number: Double) throws {
    let connection = try openConnection()
    let rows = try connection.query("SELECT ?::DOUBLE::VARCHAR", [.double(number)]).rows()
    #expect(rows == [[.text(Value.double(number).description)]])
    let narrow = try connection.query("SELECT ?::FLOAT::VARCHAR", [.float(Float(number))]).rows()
    #expect(narrow == [[.text(Value.float(Float(number)).description)]])
  }

  @Test("every typed bind arrives as its type")
  func typedBinds() throws {
    let connection = try openConnection()
    let list = (1...19).map { "typeof($\($0))" }.joined(separator: ", ")
    let statement = try connection.prepare("SELECT \(list)")
    try statement.bind(true, at: 1)
    try statement.bind(Int8.min, at: 2)
    try statement.bind(Int16.min, at: 3)
    try statement.bind(Int32.min, at: 4)
    try statement.bind(Int64.min, at: 5)
    try statement.bind(Int128.min, at: 6)
    try statement.bind(UInt8.max, at: 7)
    try statement.bind(UInt16.max, at: 8)
    try statement.bind(UInt32.max, at: 9)
    try statement.bind(UInt64.max, at: 10)
    try statement.bind(UInt128.max, at: 11)
    try statement.bind(Float(1), at: 12)
    try statement.bind(1.0, at: 13)
    try statement.bind("text", at: 14)
    try statement.bind([1, 2] as [UInt8], at: 15)
    try statement.bind(dateInDays: 1, at: 16)
    try statement.bind(timestampInMicroseconds: 1, at: 17)
    try statement.bind(timestampWithZoneInMicroseconds: 1, at: 18)
    try statement.bind(decimal: 125, width: 5, scale: 2, at: 19)
    let types = try statement.execute().rows()[0].map(\.description)
    #expect(
      types == [
        "BOOLEAN", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT",
        "UINTEGER", "UBIGINT", "UHUGEINT", "FLOAT", "DOUBLE", "VARCHAR", "BLOB", "DATE",
        "TIMESTAMP", "TIMESTAMP WITH TIME ZONE", "DECIMAL(5,2)",
      ]
    )
  }

  @Test("types that only come out come out right")
  func readOnly() throws {
    let connection = try openConnection()
    let row = try connection.query(
      """
      SELECT '0101'::BIT, 'b'::ENUM('a', 'b'), union_value(k := 5), [1, 2]::INTEGER[2],
        123456789012345678901234567890::BIGNUM, -256::BIGNUM, 0::BIGNUM,
        '2020-01-01 00:00:01'::TIMESTAMP_S, '1969-12-31 23:59:59.999'::TIMESTAMP_MS,
        'infinity'::TIMESTAMP_S, '{"a": 1}'::JSON, NULL
      """
    ).rows()[0]
    #expect(
      row == [
        .text("0101"), .text("b"), .union(tag: "k", .int(5)), .list([.int(1), .int(2)]),
        .text("123456789012345678901234567890"), .text("-256"), .text("0"),
        .timestamp(microseconds: 1_577_836_801_000_000), .timestamp(microseconds: -1000),
        .timestamp(microseconds: .max), .text(#"{"a": 1}"#), .null,
      ]
    )
  }

  @Test("a result names its columns and their types")
  func columns() throws {
    let connection = try openConnection()
    let sql = """
      SELECT 1::DECIMAL(10,2) AS a, {'x': [1], 'y z': 'b'::ENUM('a', 'b')} AS s,
        MAP {'k': 1.5::DOUBLE} AS m, '1'::JSON AS j, [1, 2]::INTEGER[2] AS f
      """
    let result = try connection.query(sql)
    #expect(result.columns.map(\.name) == ["a", "s", "m", "j", "f"])
    #expect(
      result.columns.map(\.type) == [
        .decimal(width: 10, scale: 2),
        .structure([
          .init(name: "x", type: .list(.integer)),
          .init(name: "y z", type: .enumeration(["a", "b"])),
        ]),
        .map(key: .varchar, value: .double), .varchar, .array(.integer, size: 2),
      ]
    )
    #expect(result.columns.map(\.alias) == [nil, nil, nil, "JSON", nil])
    for column in result.columns {
      let again = try connection.query("SELECT NULL::\(column.type)")
      #expect(again.columns.map(\.type) == [column.type])
    }
  }

  @Test("elements of different types are refused rather than rounded")
  func mixedList() throws {
    let connection = try openConnection()
    let mixed = Value.list([.decimal(unscaled: 1, scale: 0), .decimal(unscaled: 15, scale: 1)])
    let error = #expect(throws: DuckDBError.self) { _ = try connection.query("SELECT ?", [mixed]) }
    #expect(error?.kind == .invalidInput)
  }
}
