// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillDuckDB
import MillEngine
import MillLake
import MillTesting
import Testing

/// Tables that our engine writes, read by deltalake and by our engine.
@Suite("Tables for other readers", .serialized)
struct ForeignReaderTests {
  private let folder: TemporaryFolder
  private let table: DeltaTable
  private let engine: DuckDBEngine

  init() throws {
    folder = try TemporaryFolder("foreign")
    let world = World.virtual(seed: 5)
    let location = folder.path("t")
    table = DeltaTable(
      name: "silver.t",
      store: LocalObjectStore(location: location, world: world, thread: TableOnDisk.thread),
      world: world
    )
    engine = try DuckDBEngine(
      DuckDBEngine.Configuration(
        memory: ByteCount(bytes: 256 << 20),
        threads: 2,
        folders: [folder.path]
      )
    )
  }

  /// Writes what a query gives and commits it.
  @discardableResult
  private func publish(
    _ query: String,
    _ mode: TableChange.Mode = .append,
    partitionedBy columns: [String] = []
  ) async throws -> [DataFile] {
    let session = try await engine.session(named: "write")
    let bound = try await session.describe(query)
    try await table.prepare()
    let files = try await session.write(
      bound.published,
      to: WriteTarget(location: table.store.location, partitionColumns: columns)
    )
    try await table.commit(
      TableChange(mode: mode, files: files, schema: bound.schema, partitionColumns: columns)
    )
    await session.close()
    return files
  }

  /// The rows of a version as text, read by our engine.
  private func ours(
    _ order: String,
    at version: TableVersion? = nil,
    columns: String = "*"
  ) async throws -> [[JSONValue]] {
    let session = try await engine.session(named: "read")
    try await session.define(RelationName("t"), as: try await table.snapshot(at: version).contents)
    let rows = try await session.rows(
      "SELECT CAST(COLUMNS(\(columns)) AS VARCHAR) FROM t ORDER BY \(order)",
      limit: 1000
    ).rows
    await session.close()
    return rows
  }

  /// The rows of a query as text, without any table.
  private func expected(_ query: String, _ order: String) async throws -> [[JSONValue]] {
    let session = try await engine.session(named: "expect")
    let published = try await session.describe(query).published
    let rows = try await session.rows(
      "SELECT CAST(COLUMNS(*) AS VARCHAR) FROM (\(published)) ORDER BY \(order)",
      limit: 1000
    ).rows
    await session.close()
    return rows
  }

  /// What deltalake finds, without any problem; nil where there is no deltalake.
  private func theirs(
    at version: TableVersion? = nil,
    expect: String? = nil,
    rows: Int = 0
  ) async throws -> JSONValue? {
    let found = try await deltaCheck(
      table: table.store.location,
      expect: expect,
      version: version,
      rowLimit: rows
    )
    guard let found else { return nil }
    #expect(found["error"] == nil, "\(found["error"] ?? nil)")
    #expect(found["problems"] == [], "\(found["problems"] ?? nil)")
    return found
  }

  /// A Parquet file of the rows, written by an unpartitioned COPY past the lake.
  private func parquet(of query: String) async throws -> String {
    let session = try await engine.session(named: "parquet")
    let target = folder.path("expected-\(World.system().makeID())")
    try LocalFileSystem().createFolders(target)
    _ = try await session.write(
      try await session.describe(query).published,
      to: WriteTarget(location: target)
    )
    await session.close()
    return target
  }

  static let scalars = """
    SELECT * FROM (VALUES
      (1, true, 127::TINYINT, 32767::SMALLINT, 2147483647::INTEGER, 9223372036854775807,
        3.4028235e38::FLOAT, 1.7976931348623157e308::DOUBLE, 99.99::DECIMAL(4, 2),
        12345678901234567890123456789012345678::DECIMAL(38, 0),
        'a "quote" and ''another'', \\ and ü 日本 🎉', '\\x00\\xFF'::BLOB, DATE '9999-12-31',
        TIMESTAMPTZ '9999-12-31 23:59:59.999999+00'),
      (2, false, (-128)::TINYINT, (-32768)::SMALLINT, (-2147483648)::INTEGER,
        -9223372036854775808, -1e-45::FLOAT, 5e-324::DOUBLE, -99.99::DECIMAL(4, 2),
        -0.0000000001::DECIMAL(38, 10)::DECIMAL(38, 0), '', ''::BLOB, DATE '0001-01-01',
        TIMESTAMPTZ '0001-01-01 00:00:00+00'),
      (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
      (4, true, 0::TINYINT, 0::SMALLINT, 0, 0, 'inf'::FLOAT, '-inf'::DOUBLE, 0::DECIMAL(4, 2),
        0::DECIMAL(38, 0), e'line\\nbreak\\ttab', 'x'::BLOB, DATE '1969-12-31',
        TIMESTAMPTZ '1969-12-31 23:59:59.999999+00'),
      (5, true, 0::TINYINT, 0::SMALLINT, 0, 0, -0.0::FLOAT, -0.0::DOUBLE, 0.01::DECIMAL(4, 2),
        1::DECIMAL(38, 0), e'e\\u0301', 'x'::BLOB, DATE '2024-02-29',
        TIMESTAMPTZ '2024-02-29 12:00:00.0005+02')
    ) AS v(id, bool, byte, short, int, long, float, double, small, wide, text, bytes, day, moment)
    """

  @Test("values of all plain types, with nulls and extremes, are read back by both")
  func scalarTypes() async throws {
    try await publish(Self.scalars)
    #expect(try await ours("id") == expected(Self.scalars, "id"))
    let found = try await theirs(expect: parquet(of: Self.scalars))
    guard let found else { return }
    #expect(found["row_count"] == 5)
    let types = found["schema"]?["fields"]?.array?.compactMap { $0["type"]?.text }
    #expect(
      types == [
        "integer", "boolean", "byte", "short", "integer", "long", "float", "double",
        "decimal(4,2)", "decimal(38,0)", "string", "binary", "date", "timestamp",
      ]
    )
    #expect(found["files_with_deep_check"] == 1)
  }

  @Test("types that Delta does not have are published as those that it has")
  func castTypes() async throws {
    let query = """
      SELECT 1 AS id, 18446744073709551615::UBIGINT AS u64, 4294967295::UINTEGER AS u32,
        170141183460469231731687303715::HUGEINT AS huge, TIMESTAMP '2024-01-01 10:00:00' AS naive,
        TIME '01:02:03' AS time, 'b'::ENUM('a', 'b') AS enum, INTERVAL 1 DAY AS span,
        uuid '00000000-0000-0000-0000-000000000001' AS uuid, NULL AS nothing
      """
    try await publish(query)
    #expect(try await ours("id") == expected(query, "id"))
    guard let found = try await theirs(rows: 1), let row = found["rows"]?[0] else { return }
    #expect(row["u64"] == "d:18446744073709551615")
    #expect(row["huge"] == "d:170141183460469231731687303715")
    #expect(row["naive"] == "t:2024-01-01T10:00:00.000000Z")
    #expect(row["time"] == "01:02:03")
    #expect(row["enum"] == "b")
    #expect(row["nothing"] == .null)
  }

  @Test("nested values are read back by both")
  func nested() async throws {
    let query = """
      SELECT * FROM (VALUES
        (1, [1, NULL, 3], {'a': 'x', 'b': {'c': 1.5::DOUBLE}}, MAP {'k': [1], 'l': NULL}),
        (2, [], {'a': NULL, 'b': NULL}, MAP {}),
        (3, NULL, NULL, NULL)) AS v(id, list, record, map)
      """
    try await publish(query)
    #expect(try await ours("id") == expected(query, "id"))
    #expect(try await theirs(expect: parquet(of: query))?["row_count"] ?? 3 == 3)
  }

  @Test("a column with NaN has no bounds, and its rows are all there")
  func notANumber() async throws {
    let query = "SELECT * FROM (VALUES (1, 'nan'::DOUBLE), (2, 1.5), (3, NULL)) AS v(id, x)"
    let files = try await publish(query)
    #expect(files.first?.statistics.columns["x"]?.minimum == nil)
    #expect(files.first?.statistics.columns["x"]?.maximum == nil)
    #expect(files.first?.statistics.columns["x"]?.nullCount == 1)
    #expect(files.first?.statistics.columns["id"]?.maximum == 3)
    #expect(try await ours("id") == expected(query, "id"))
    _ = try await theirs(expect: parquet(of: query))
  }

  @Test("bounds of long text, of exact decimals and of moments bound what is there")
  func bounds() async throws {
    let query = """
      SELECT i AS id, repeat(chr(120 + i), 5000) AS long_text,
        (12345678901234567890123456789::DECIMAL(38, 0) * i)::DECIMAL(38, 0) AS wide,
        0.1234567891::DECIMAL(38, 10) * i AS fine,
        TIMESTAMPTZ '1960-01-01 00:00:00.000001+00' + i * INTERVAL 1 MICROSECOND AS moment,
        ('x' || chr(1114111 - 3 * i)) AS high
      FROM (SELECT range::INTEGER AS i FROM range(0, 3))
      """
    try await publish(query)
    let found = try await theirs(expect: parquet(of: query))
    if let found { #expect(found["row_count"] == 3) }
  }

  @Test("a table without rows has its columns, and rows can follow")
  func empty() async throws {
    let files = try await publish("SELECT 1 AS id, 'x' AS name WHERE false")
    #expect(files.isEmpty)
    #expect(try await ours("1").isEmpty)
    #expect(try await theirs()?["row_count"] ?? 0 == 0)
    try await publish("SELECT 1 AS id, 'x' AS name")
    #expect(try await ours("id") == [["1", "x"]])
    #expect(try await theirs()?["row_count"] ?? 1 == 1)
    try await publish("SELECT 1 AS id, 'x' AS name WHERE false", .overwrite)
    #expect(try await ours("1").isEmpty)
    #expect(try await theirs()?["row_count"] ?? 0 == 0)
  }

  @Test("every version holds what it held, after appends, a new column and an overwrite")
  func versions() async throws {
    let queries = [
      "SELECT 1 AS id, 'a' AS name", "SELECT 2 AS id, NULL::VARCHAR AS name",
      "SELECT 3 AS id, 'c' AS name, 1.5::DOUBLE AS more", "SELECT 'new' AS other",
    ]
    for (number, query) in queries.enumerated() {
      try await publish(query, number == 3 ? .overwrite : .append)
    }
    let held: [[[JSONValue]]] = [
      [["1", "a"]], [["1", "a"], ["2", nil]],
      [["1", "a", nil], ["2", nil, nil], ["3", "c", "1.5"]], [["new"]],
    ]
    for (number, rows) in held.enumerated() {
      let version = TableVersion(Int64(number))
      #expect(try await ours("1", at: version) == rows)
      let found = try await theirs(at: version, rows: 10)
      guard let found else { continue }
      #expect(found["row_count"]?.integer == Int64(rows.count))
      #expect(found["version"]?.integer == version.number)
    }
  }

  /// Values by which a table is parted: one column of each type, special text above all.
  static let partitions: [(type: String, values: [String])] = [
    (
      "VARCHAR",
      [
        "'a b'", "'a/b'", "'100%'", "'k=v'", "'ü'", "NULL", "'a%20b'", "e'e\\u0301'", "'日本🎉'",
        "'a:b'", "'\"q\"'", "'it''s'", "'a\\b'", "'..'", "'.'", "' '", "'a+b&c#d?e'", "'*'",
        "'[x]'",
        "'{y}'", "'null'", "'NULL'", "'__HIVE_DEFAULT_PARTITION__'", "e'line\\nbreak'", "e'\\t'",
        "'~'", "'a''b'", "'01'",
      ]
    ),
    ("BOOLEAN", ["true", "false", "NULL"]),
    ("TINYINT", ["-128", "127", "NULL"]),
    ("SMALLINT", ["-32768", "0"]),
    ("INTEGER", ["-2147483648", "2147483647", "NULL"]),
    ("BIGINT", ["-9223372036854775808", "9223372036854775807"]),
    ("FLOAT", ["1.5", "-0.1", "3.4028235e38", "NULL"]),
    ("DOUBLE", ["1e300", "5e-324", "0.1", "-123456789.123456789", "NULL"]),
    ("DECIMAL(38, 10)", ["1.5", "-1234567890123456789012345678.0000000001", "NULL"]),
    ("DATE", ["DATE '0001-01-01'", "DATE '2024-02-29'", "DATE '9999-12-31'", "NULL"]),
    (
      "TIMESTAMPTZ",
      [
        "'2024-01-01 10:00:00+02'", "'1969-12-31 23:59:59.999999+00'", "'0001-01-01 00:00:00+00'",
        "'9999-12-31 23:59:59.5+00'", "NULL",
      ]
    ),
  ]

  @Test("partition values of every type are read back by both", arguments: partitions)
  func partitionValues(type: String, values: [String]) async throws {
    let rows = values.enumerated().map { "(\($0), CAST(\($1) AS \(type)))" }
    let query = "SELECT id, p FROM (VALUES \(rows.joined(separator: ", "))) AS v(id, p)"
    let files = try await publish(query, partitionedBy: ["p"])
    #expect(files.count == values.count)
    #expect(try await ours("id", columns: "['id', 'p']") == expected(query, "id"))
    let found = try await theirs(expect: parquet(of: query))
    if let found { #expect(found["row_count"]?.integer == Int64(values.count)) }
  }

  @Test("two partition columns, one of them null, are read back by both")
  func twoPartitions() async throws {
    let query = """
      SELECT * FROM (VALUES (1, 'a/b', 1), (2, NULL, 2), (3, 'a/b', NULL), (4, NULL, NULL))
        AS v(id, p, q)
      """
    try await publish(query, partitionedBy: ["p", "q"])
    #expect(try await ours("id") == expected(query, "id"))
    _ = try await theirs(expect: parquet(of: query))
  }

  @Test(
    "a partition that no log can hold is refused rather than changed",
    arguments: [
      "''", "'a'::BLOB", "'\\x00\\xFF'::BLOB", "'nan'::DOUBLE", "'inf'::FLOAT", "'-inf'::DOUBLE",
      "-0.0::DOUBLE", "TIMESTAMPTZ 'infinity'", "DATE '-infinity'", "DATE '10000-01-01'",
    ]
  )
  func refusedPartitions(value: String) async throws {
    let query = "SELECT * FROM (VALUES (1, \(value)), (2, NULL)) AS v(id, p)"
    do {
      try await publish(query, partitionedBy: ["p"])
    } catch {
      #expect((error as? any Failure)?.errorClass == .data, "\(error)")
      return
    }
    // What was not refused must be right.
    #expect(value != "''")
    #expect(try await ours("id") == expected(query, "id"))
    _ = try await theirs(expect: parquet(of: query))
  }

  @Test("columns with odd names, and more partitions than are read as one query each")
  func oddNames() async throws {
    let query = """
      SELECT i AS "a.b", i % 250 AS "größe", chr(65 + i % 26) AS "q""uote", i AS "CASE"
      FROM (SELECT range::INTEGER AS i FROM range(0, 500))
      """
    let files = try await publish(query, partitionedBy: ["größe"])
    #expect(files.count == 250)
    #expect(files.allSatisfy { $0.statistics.columns["a.b"]?.nullCount == 0 })
    #expect(files.allSatisfy { $0.statistics.columns["q\"uote"]?.minimum != nil })
    let order = "CAST(\"a.b\" AS BIGINT)"
    #expect(
      try await ours(order, columns: "['a.b', 'größe', 'CASE']")
        == expected("SELECT \"a.b\", \"größe\", \"CASE\" FROM (\(query))", order)
    )
    let found = try await theirs()
    if let found { #expect(found["row_count"] == 500) }
  }
}
