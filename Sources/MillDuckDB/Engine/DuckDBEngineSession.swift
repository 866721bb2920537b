// SPDX-License-Identifier: Apache-2.0

internal import MillCore
internal import MillEngine
internal import MillSQL

#if canImport(Darwin)
  internal import Darwin
#else
  internal import Glibc
#endif

/// A workspace in DuckDB: a connection with an in-memory catalog of its own.
actor DuckDBEngineSession: EngineSession {
  private let session: DuckDBSession
  let catalog: String
  let dialect = DuckDBDialect()
  private let relations = RelationSQL()
  /// What has been defined, and whether it is a table rather than a view.
  private var defined: [RelationName: Bool] = [:]
  /// How many tables of deleted rows there are.
  var deletions = 0

  init(
    database: Database,
    catalog: String,
    name: String,
    tracksProgress: Bool
  ) async throws(EngineError) {
    self.catalog = catalog
    do {
      session = try DuckDBSession(database: database, name: name)
    } catch {
      throw EngineError(error)
    }
    let quoted = dialect.quote(catalog)
    try await run("ATTACH ':memory:' AS \(quoted); USE \(quoted);")
    guard tracksProgress else { return }
    do {
      try await session.withConnection { (connection) throws(DuckDBError) in
        try connection.trackProgress()
      }
    } catch {
      throw EngineError(error)
    }
  }

  func define(
    _ relation: RelationName,
    as contents: TableContents,
    withPlaces: Bool
  ) async throws {
    guard contents.files.isEmpty else {
      let deleted = try await deletedRows(of: contents)
      return try await create(
        relation,
        isTable: false,
        "AS \(relations.query(contents, deleted: deleted, withPlaces: withPlaces))"
      )
    }
    // A table rather than a query over nothing: the plan then names what it reads.
    let places =
      withPlaces ? ", \(RelationSQL.fileColumn) VARCHAR, \(RelationSQL.rowColumn) BIGINT" : ""
    try await create(relation, isTable: true, "(\(relations.columns(contents.schema))\(places))")
  }

  func define(_ relation: RelationName, as source: RawSource) async throws {
    try await create(relation, isTable: false, "AS \(relations.query(source))")
  }

  func define(_ relation: RelationName, as query: String, keeping: Keeping) async throws {
    switch keeping {
    case .view: try await create(relation, isTable: false, "AS \(query)")
    case .stored: try await create(relation, isTable: true, "AS \(query)")
    }
  }

  func define(_ relation: RelationName, schema: Schema, rows: [[JSONValue]]) async throws {
    try await create(relation, isTable: true, "(\(relations.columns(schema)))")
    let values = rows.map { row in row.map(\.parameter) }
    let catalog = catalog
    try await engineErrors { () async throws(DuckDBError) in
      try await session.withConnection { (connection) throws(DuckDBError) in
        let appender = try connection.appender(
          table: relation.name,
          schema: relation.schema ?? "main",
          catalog: catalog
        )
        for row in values {
          for value in row { try appender.append(value) }
          try appender.endRow()
        }
        try appender.close()
      }
    }
  }

  func drop(_ relation: RelationName) async throws {
    guard let isTable = defined.removeValue(forKey: relation) else { return }
    try await run("DROP \(isTable ? "TABLE" : "VIEW") \(quote(relation))")
  }

  func describe(_ query: String) async throws -> BoundQuery {
    let (schema, published) = try await self.published(query)
    let plan = try await self.plan(of: query)
    return BoundQuery(
      schema: schema,
      plan: plan,
      shape: PlanShape.of(plan),
      isVolatile: PlanShape.isVolatile(plan),
      published: published
    )
  }

  func write(_ query: String, to target: WriteTarget) async throws -> [DataFile] {
    let (published, query) = try await published(query)
    let (schema, stored, options) = layout(published, query, target)
    let names = PhysicalColumns(mapping: target.table?.mapping ?? .none)
    let columns = target.partitionColumns.map { name in
      schema[name: name]?.physicalName(names.mapping) ?? name
    }
    let partition = columns.isEmpty ? "" : ", PARTITION_BY (\(dialect.list(columns)))"
    // Files of a partitioned write are cut by partition; DuckDB cannot cut them by size as well.
    let size =
      columns.isEmpty ? ", FILE_SIZE_BYTES '\(max(1, target.fileSize.bytes >> 10))KiB'" : ""
    let copied = try await rows(
      ofColumns: WrittenFile.columns,
      """
      COPY (\(stored)) TO \(dialect.literal(target.location)) (FORMAT parquet, RETURN_STATS,
        FILENAME_PATTERN 'part-{uuid}', OVERWRITE_OR_IGNORE\(partition)\(size)\(options))
      """
    )
    let reader = WrittenFile(schema: schema, mapping: names.mapping)
    var files: [DataFile] = []
    for row in copied {
      let file = try reader.dataFile(row)
      if file.statistics.rows == 0, !target.keepsEmptyFiles {
        // Garbage that no commit will name; a failure to remove it changes nothing.
        _ = unlink(file.location)
      } else {
        files.append(file)
      }
    }
    return files
  }

  /// The columns of a written query, the query as the files are to have it, and what COPY must know.
  private func layout(
    _ published: Schema,
    _ query: String,
    _ target: WriteTarget
  ) -> (schema: Schema, query: String, options: String) {
    guard let table = target.table else { return (published, query, "") }
    let names = PhysicalColumns(mapping: table.mapping)
    var fields: [Field] = []
    var columns: [String] = []
    var isPlain = true
    for field in published.fields {
      // A column that the table does not have keeps its own type; the lake says what becomes of it.
      let wanted = table.schema[name: field.name] ?? field
      let name = dialect.quote(field.name)
      let isSame = wanted.type == field.type || wanted.type.writesAlike(field.type)
      let value = isSame ? name : "CAST(\(name) AS \(dialect.typeName(wanted.type)))"
      let column = names.physical(wanted, value)
      isPlain = isPlain && column == name
      columns.append(column)
      fields.append(wanted)
    }
    let parted = Set(target.partitionColumns)
    let stored = fields.filter { !parted.contains($0.name) }
    let ids = table.mapping == .none ? "{}" : names.fieldIDs(stored)
    return (
      Schema(fields),
      isPlain
        ? query : "SELECT \(columns.joined(separator: ", ")) FROM (\n\(query)\n) AS mill_rows",
      ids == "{}" ? "" : ", FIELD_IDS \(ids)"
    )
  }

  func columns(_ query: String, limit: Int) async throws -> ColumnBatch {
    let (schema, published) = try await published(query)
    let types = schema.fields.map(\.type)
    let batch = try await engineErrors { () async throws(DuckDBError) in
      try await session.withConnection {
        (connection) throws(DuckDBError) -> ColumnBatch? in
        // Who waits for a stream asks for work all the time, as dear as the work of another thread.
        var result = try connection.query(published)
        var reader = ColumnReader(types)
        while let chunk = try result.nextChunk() {
          try reader.append(chunk)
          if reader.count > limit { return nil }
        }
        return reader.finish()
      }
    }
    guard let batch else { throw EngineError.tooManyRows(limit: limit) }
    return batch
  }

  func rows(_ query: String, limit: Int) async throws -> ResultTable {
    let (names, rows) = try await engineErrors { () async throws(DuckDBError) in
      try await session.withConnection {
        (connection) throws(DuckDBError) -> (names: [String], rows: [[Value]]?) in
        var result = try connection.query(query)
        let names = result.columns.map(\.name)
        var rows: [[Value]] = []
        while let chunk = try result.nextChunk() {
          for row in 0..<chunk.rowCount {
            var cells: [Value] = []
            for column in names.indices { cells.append(try chunk.value(column: column, row: row)) }
            rows.append(cells)
          }
          if rows.count > limit { return (names, nil) }
        }
        return (names, rows)
      }
    }
    guard let rows else { throw EngineError.tooManyRows(limit: limit) }
    return ResultTable(columns: names, rows: rows.map { $0.map(\.json) })
  }

  nonisolated func progress() -> Double? {
    guard let percentage = session.progress?.percentage, percentage >= 0 else { return nil }
    return percentage / 100
  }

  nonisolated func cancel() { session.interrupt() }

  func close() async {
    defined = [:]
    let quoted = dialect.quote(catalog)
    // What is left is memory alone and goes with the connection.
    _ = try? await session.execute("USE memory; DETACH \(quoted)")
  }

  // MARK: Steps

  private func create(
    _ relation: RelationName,
    isTable: Bool,
    _ body: String
  ) async throws(EngineError) {
    if let schema = relation.schema {
      try await run("CREATE SCHEMA IF NOT EXISTS \(dialect.quote([catalog, schema]))")
    }
    if let wasTable = defined[relation] {
      try await run("DROP \(wasTable ? "TABLE" : "VIEW") \(quote(relation))")
      defined[relation] = nil
    }
    // One line before the query, so that its own lines are counted from 1 after it.
    try await run("CREATE \(isTable ? "TABLE" : "VIEW") \(quote(relation)) \(body)")
    defined[relation] = isTable
  }

  private func quote(_ relation: RelationName) -> String {
    dialect.quote([catalog, relation.schema ?? "main", relation.name])
  }

  func run(_ sql: String) async throws(EngineError) {
    do {
      _ = try await session.execute(sql)
    } catch {
      throw EngineError(error)
    }
  }

  func rows(of sql: String) async throws(EngineError) -> [[Value]] {
    do {
      return try await session.rows(sql)
    } catch {
      throw EngineError(error)
    }
  }

  /// The first columns of a result; those after them may be of types that are not read here.
  private func rows(
    ofColumns count: Int,
    _ sql: String
  ) async throws(EngineError) -> [[Value]] {
    do {
      return try await session.withConnection { (connection) throws(DuckDBError) -> [[Value]] in
        var result = try connection.query(sql)
        var rows: [[Value]] = []
        while let chunk = try result.nextChunk() {
          for row in 0..<chunk.rowCount {
            var cells: [Value] = []
            for column in 0..<min(count, chunk.columnCount) {
              cells.append(try chunk.value(column: column, row: row))
            }
            rows.append(cells)
          }
        }
        return rows
      }
    } catch {
      throw EngineError(error)
    }
  }

  private func columns(of query: String) async throws(EngineError) -> [QueryResult.Column] {
    do {
      return try await session.withConnection {
        (connection) throws(DuckDBError) -> [QueryResult.Column] in
        try connection.prepare(query).columns
      }
    } catch {
      throw EngineError(error)
    }
  }

  /// The published columns of a query, and the query with the casts that make them.
  func published(
    _ query: String
  ) async throws(EngineError) -> (schema: Schema, query: String) {
    var seen: Set<String> = []
    var fields: [Field] = []
    var casts: [String] = []
    var isPlain = true
    for column in try await columns(of: query) {
      guard seen.insert(column.name.lowercased()).inserted else {
        throw .sql(
          message: "two columns are named \(column.name): rename one with AS",
          line: nil,
          column: nil
        )
      }
      let type = try PublishedType.of(column.type, column: column.name)
      fields.append(Field(column.name, type))
      casts.append(PublishedType.cast(column.name, from: column.type, to: type, dialect))
      isPlain = isPlain && PublishedType.isWrittenAsPublished(column.type)
    }
    let list = casts.joined(separator: ", ")
    return (
      Schema(fields),
      isPlain ? query : "SELECT \(list) FROM (\n\(query)\n) AS mill_candidates"
    )
  }

  func schema(of query: String) async throws(EngineError) -> Schema {
    var fields: [Field] = []
    for column in try await columns(of: query) {
      fields.append(Field(column.name, try PublishedType.of(column.type, column: column.name)))
    }
    return Schema(fields)
  }

  private func plan(of query: String) async throws -> JSONValue {
    let answer = try await rows(
      of: "SELECT json_serialize_plan(\(dialect.literal(query)), optimize := false)"
    )
    guard case .text(let text)? = answer.first?.first else { return .null }
    return try JSONValue(parsing: text)
  }
}

extension DataType {
  /// Whether DuckDB writes values of both types alike, so that no cast is needed.
  fileprivate func writesAlike(_ other: DataType) -> Bool {
    DuckDBDialect().typeName(self) == DuckDBDialect().typeName(other)
  }
}

extension JSONValue {
  /// The value as DuckDB's appender takes it; text becomes what its column is.
  fileprivate var parameter: MillDuckDB.Value {
    switch self {
    case .null: .null
    case .bool(let bool): .bool(bool)
    case .number(let number):
      number.integer.map { .int($0) } ?? number.double.map { .double($0) } ?? .text(number.text)
    case .string(let text): .text(text)
    case .array, .object: .text(serialized())
    }
  }
}

extension Value {
  /// The value as an answer shows it.
  fileprivate var json: JSONValue {
    switch self {
    case .null: .null
    case .bool(let bool): .bool(bool)
    case .int(let number): .int(number)
    case .uint(let number): .int(number)
    case .hugeint(let number): .int(number)
    case .float(let number):
      // JSON has no words for these; null would hide them.
      number.isFinite ? .real(Double(number)) : .string("\(number)")
    case .double(let number): number.isFinite ? .real(number) : .string("\(number)")
    case .text(let text): .string(text)
    case .list(let items): .array(items.map(\.json))
    default: .string("\(self)")
    }
  }
}
