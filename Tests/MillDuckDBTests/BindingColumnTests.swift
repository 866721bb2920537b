// SPDX-License-Identifier: Apache-2.0

import MillDuckDB
import Testing

@Suite("Columns read in place")
struct BindingColumnTests {
  @Test("a sum over a million rows in spans is the sum of SQL", arguments: [false, true])
  func millionRows(isStreaming: Bool) throws {
    let connection = try openConnection()
    let sql = """
      SELECT CASE WHEN i % 7 <> 0 THEN (i * 7919) % 1000003 END AS v FROM range(1000000) r(i)
      """
    var result = try connection.query(sql, delivery: isStreaming ? .streaming : .materialised)
    var sum: Int64 = 0
    var nulls = 0
    var chunks = 0
    while let chunk = try result.nextChunk() {
      chunks += 1
      try chunk.withColumn(0, as: Int64.self) { values, validity in
        nulls += validity.nullCount
        for row in values.indices where validity[row] { sum += values[row] }
      }
    }
    let expected = try connection.query(
      "SELECT sum(v)::BIGINT, count(*) - count(v) FROM (\(sql))"
    ).rows()
    #expect(expected == [[.int(sum), .int(Int64(nulls))]])
    #expect(chunks > 400)
  }

  @Test(
    "validity holds past 64 rows and over several chunks",
    arguments: [1, 63, 64, 65, 2048, 5000]
  )
  func validity(count: Int) throws {
    let connection = try openConnection()
    let sql = "SELECT CASE WHEN i % 3 <> 1 THEN i END FROM range(\(count)) r(i)"
    var seen = 0
    try connection.query(sql).forEachChunk { chunk throws(DuckDBError) in
      try chunk.withColumn(0, as: Int64.self) { values, validity in
        var nulls = 0
        for row in values.indices {
          #expect(validity[row] == (seen % 3 != 1))
          if validity[row] { #expect(values[row] == Int64(seen)) } else { nulls += 1 }
          seen += 1
        }
        #expect(validity.nullCount == nulls)
      }
    }
    #expect(seen == count)
  }

  @Test("texts are read where they lie, short and long")
  func texts() throws {
    let connection = try openConnection()
    let sql = "SELECT CASE WHEN i % 5 <> 0 THEN repeat('é', i % 40) END FROM range(4000) r(i)"
    var seen = 0
    var bytes = 0
    try connection.query(sql).forEachChunk { chunk throws(DuckDBError) in
      try chunk.withText(0) { texts in
        for row in 0..<texts.count {
          let wanted = seen % 5 == 0 ? nil : String(repeating: "é", count: seen % 40)
          #expect(texts.string(row) == wanted)
          #expect(texts.isNull(row) == (wanted == nil))
          #expect(texts[row].count == wanted?.utf8.count ?? 0)
          bytes += texts.withBytes(row) { $0.byteCount } ?? 0
          seen += 1
        }
      }
    }
    #expect(seen == 4000)
    #expect(bytes == (0..<4000).reduce(0) { $0 + ($1 % 5 == 0 ? 0 : $1 % 40 * 2) })
  }

  @Test("decimals of every width are read by one reader", arguments: [4, 9, 18, 38])
  func decimals(width: Int) throws {
    let connection = try openConnection()
    let sql = """
      SELECT CASE WHEN i <> 70 THEN (i - 50)::DECIMAL(\(width),1) END FROM range(100) r(i)
      """
    try connection.query(sql).forEachChunk { chunk throws(DuckDBError) in
      try chunk.withDecimals(0) { decimals in
        #expect(decimals.scale == 1)
        for row in 0..<decimals.count {
          #expect(decimals[row] == (row == 70 ? nil : Int128(row - 50) * 10))
        }
      }
    }
  }

  @Test("hugeints are spans of Int128 even where C aligned them to eight bytes")
  func hugeints() throws {
    let connection = try openConnection()
    let sql = "SELECT i::TINYINT, (i - 1)::HUGEINT * 1000000000000000000000 FROM range(100) r(i)"
    try connection.query(sql).forEachChunk { chunk throws(DuckDBError) in
      try chunk.withColumn(1, as: Int128.self) { values, _ in
        #expect(values.count == 100)
        for row in values.indices {
          #expect(values[row] == Int128(row - 1) * 1_000_000_000_000_000_000_000)
        }
      }
    }
  }

  @Test("lists, structures, maps and arrays are read in place")
  func nested() throws {
    let connection = try openConnection()
    let sql = """
      SELECT CASE WHEN i <> 1 THEN range(i) END, {'a': i, 'b': [i]},
        MAP {i: 'x'}, [i, -i]::BIGINT[2]
      FROM range(5) r(i)
      """
    try connection.query(sql).forEachChunk { chunk throws(DuckDBError) in
      try chunk.withVector(0) { vector throws(DuckDBError) in
        try vector.withLists { entries, validity, elements throws(DuckDBError) in
          #expect(!validity[1])
          #expect(entries[3].rows.count == 3)
          let last = entries[4].rows
          try elements.withElements(as: Int64.self) { values, _ in
            #expect(last.map { values[$0] } == [0, 1, 2, 3])
          }
        }
      }
      try chunk.withVector(1) { vector throws(DuckDBError) in
        try vector.withField(0) { field throws(DuckDBError) in
          try field.withElements(as: Int64.self) { values, _ in #expect(values[4] == 4) }
        }
        #expect(throws: DuckDBError.self) { try vector.withField(2) { _ in } }
      }
      try chunk.withVector(2) { vector throws(DuckDBError) in
        try vector.withLists { entries, _, elements throws(DuckDBError) in
          #expect(entries.count == 5)
          try elements.withField(1) { field throws(DuckDBError) in
            try field.withText { #expect($0.string(2) == "x") }
          }
        }
      }
      try chunk.withVector(3) { vector throws(DuckDBError) in
        try vector.withArrayElements { elements throws(DuckDBError) in
          try elements.withElements(as: Int64.self) { values, _ in #expect(values[9] == -4) }
        }
      }
    }
  }

  @Test(
    "streamed rows are the materialised rows, whatever vectors DuckDB made of them",
    arguments: [
      "SELECT [1, 2, NULL], {'a': 'constant', 'b': i} FROM range(5000) r(i)",
      "SELECT list_value(s, s), {'s': s} FROM (SELECT 'k' || (i % 3) AS s FROM range(5000) r(i))",
      "SELECT MAP {i % 7: [i]}, NULL::INTEGER[], i FROM range(5000) r(i) WHERE i % 3 = 1",
      "SELECT (i % 2)::VARCHAR::ENUM('0', '1'), [i]::BIGINT[1] FROM range(3000) r(i)",
      "SELECT 7::HUGEINT, 1.5::DECIMAL(38,2) FROM range(3000)",
    ]
  )
  func streamed(sql: String) throws {
    let connection = try openConnection()
    let whole = try connection.query(sql).rows()
    let streamed = try connection.query(sql, delivery: .streaming).rows()
    #expect(whole == streamed)
    #expect(whole.count > 1000)
  }

  @Test("a column read as another type is a typed error")
  func mismatch() throws {
    let connection = try openConnection()
    var result = try connection.query("SELECT 1::INTEGER, DATE '1970-01-03', 1.5, 'x'")
    guard let chunk = try result.nextChunk() else {
      Issue.record("there is no chunk")
      return
    }
    for column in 0..<4 {
      let error = #expect(throws: DuckDBError.self) {
        try chunk.withColumn(column, as: Int64.self) { _, _ in }
      }
      #expect(error?.kind == .typeMismatch)
    }
    #expect(throws: DuckDBError.self) { try chunk.withText(0) { _ in } }
    #expect(throws: DuckDBError.self) { try chunk.withDecimals(0) { _ in } }
    #expect(throws: DuckDBError.self) { try chunk.withColumn(4, as: Int64.self) { _, _ in } }
    #expect(throws: DuckDBError.self) { try chunk.value(column: 0, row: 1) }
    let days = try chunk.withStorage(1, as: Int32.self) { values, _ in values[0] }
    #expect(days == 2)
  }

  @Test("a result without rows ends at once and keeps its columns")
  func empty() throws {
    let connection = try openConnection()
    var result = try connection.query("SELECT 1 AS a WHERE false")
    #expect(result.columns.map(\.name) == ["a"])
    let hasChunk = try result.nextChunk() != nil
    #expect(!hasChunk)
  }

  @Test("a chunk that is kept outlives its result and its connection", arguments: [false, true])
  func keptChunks(isStreaming: Bool) throws {
    var kept: [KeptChunk] = []
    do {
      let connection = try openConnection()
      let sql = "SELECT 'a rather long text ' || i FROM range(20000) r(i)"
      var result = try connection.query(sql, delivery: isStreaming ? .streaming : .materialised)
      while let chunk = try result.nextChunk() { kept.append(KeptChunk(chunk)) }
    }
    var seen = 0
    for kept in kept {
      try kept.chunk.withText(0) { texts in
        for row in 0..<texts.count {
          #expect(texts.string(row) == "a rather long text \(seen)")
          seen += 1
        }
      }
    }
    #expect(seen == 20000)
  }
}

private final class KeptChunk {
  let chunk: DataChunk

  init(_ chunk: consuming DataChunk) { self.chunk = chunk }
}
