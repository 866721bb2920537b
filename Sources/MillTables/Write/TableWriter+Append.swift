// SPDX-License-Identifier: Apache-2.0

internal import MillCore
internal import MillEngine
internal import MillLake
internal import MillSQL

extension TableWriter {
  /// Adds rows; the table is made of them when it is not there.
  ///
  /// - Parameter columns: What a new table is partitioned by.
  /// - Throws: `LakeError.schemaMismatch` for columns of another type, and for new ones unless they
  ///   are to be added; `.constraint` for rows that the table may not hold.
  @discardableResult
  public func append(
    _ source: RowSource,
    partitionedBy columns: [String] = [],
    _ options: WriteOptions = WriteOptions()
  ) async throws -> WriteReport {
    if try await table.snapshotIfExists() == nil {
      let schema = try await withSession { session in
        try await session.published(try await source.prepare(session)).schema
      }
      do {
        try await create(schema, partitionedBy: columns)
      } catch {
        // When somebody else made it meanwhile, the rows are held against what is there now.
        guard try await table.snapshotIfExists() != nil else { throw error }
      }
    }
    return try await write(options) { snapshot, session in
      let new = try await incoming(source, snapshot, options, session)
      var change = try change("WRITE", on: snapshot, options)
      change.schema = new.schema
      change.reads = .nothing
      change.files = try await session.write(new.query, to: target(snapshot, options))
      if change.files.isEmpty, new.schema == snapshot.schema { return nil }
      var report = WriteReport()
      report.inserted = change.files.rows
      report.filesWritten = change.files.count
      return Prepared(change: change, report: report)
    }
  }

  /// Puts rows in the place of all rows, or of those of a condition.
  ///
  /// - Parameters:
  ///   - condition: The rows that leave, in SQL; every new row must satisfy it too. nil: all.
  ///   - replacingSchema: Whether the columns of the new rows become those of the table; only
  ///     without a condition.
  @discardableResult
  public func overwrite(
    with source: RowSource,
    where condition: String? = nil,
    replacingSchema: Bool = false,
    _ options: WriteOptions = WriteOptions()
  ) async throws -> WriteReport {
    try await write(options) { snapshot, session in
      if replacingSchema, condition == nil {
        return try await replacement(of: snapshot, with: source, options, session)
      }
      let new = try await incoming(source, snapshot, options, session)
      if let condition {
        try await judge(
          new.relation,
          [TableConstraint(name: "the condition of the overwrite", expression: condition)],
          [],
          session
        )
      }
      var prepared = try await removal(
        of: condition ?? "true",
        "WRITE",
        on: snapshot,
        options,
        session
      )
      prepared.change.parameters["predicate"] = condition.map { .string($0) }
      prepared.change.schema = new.schema
      let files = try await session.write(new.query, to: target(snapshot, options))
      prepared.change.files += files
      prepared.report.inserted = files.rows
      prepared.report.filesWritten += files.count
      if snapshot.hasChangeDataFeed {
        prepared.change.changeFiles += try await changeFiles(
          "SELECT *, 'insert' AS _change_type FROM \(dialect.quote(new.relation.name))",
          on: snapshot,
          session
        )
      }
      return prepared
    }
  }

  /// Puts rows in the place of all rows of the partitions that they are in; others stay.
  @discardableResult
  public func overwritePartitions(
    with source: RowSource,
    _ options: WriteOptions = WriteOptions()
  ) async throws -> WriteReport {
    try await write(options) { snapshot, session in
      let columns = snapshot.metadata.partitionColumns
      guard !columns.isEmpty else {
        throw LakeError.refused(
          table: table.name,
          reason: "it has no partitions that rows could take the place of"
        )
      }
      let new = try await incoming(source, snapshot, options, session)
      let files = try await session.write(new.query, to: target(snapshot, options))
      let partitions = Dictionary(
        files.map { (PartitionKey($0.partitionValues), $0.partitionValues) },
        uniquingKeysWith: { first, _ in first }
      )
      // By value: other writers spell the same partition otherwise.
      let predicates = partitions.values.map { values in
        TablePredicate.all(
          columns.map { column in
            guard let text = values[column].flatMap({ $0 }) else { return .isNull([column]) }
            return .compare([column], .equal, snapshot.literal(text, column))
          }
        )
      }
      let skipping = snapshot.skipping(.any(predicates))
      var change = try change("WRITE", on: snapshot, options)
      change.schema = new.schema
      change.parameters["partitionOverwriteMode"] = "dynamic"
      change.files = files
      for file in snapshot.files(matching: .any(predicates)) {
        guard skipping.surelyMatchesAll(file) else {
          throw LakeError.refused(
            table: table.name,
            reason: "whether the file \(file.path) is of one of the partitions cannot be told from "
              + "the log; overwrite by a condition instead"
          )
        }
        change.replacing.append(file)
      }
      // A row that somebody adds to one of the partitions meanwhile would have had to go.
      change.reads = .files(Set(change.replacing.map(\.key)), where: .any(predicates))
      var report = WriteReport()
      report.inserted = files.rows
      report.deleted = change.replacing.reduce(0) { $0 + ($1.numRecords ?? 0) }
      report.filesWritten = files.count
      report.filesRemoved = change.replacing.count
      return files.isEmpty ? nil : Prepared(change: change, report: report)
    }
  }

  private func replacement(
    of snapshot: Snapshot,
    with source: RowSource,
    _ options: WriteOptions,
    _ session: any EngineSession
  ) async throws -> Prepared {
    guard snapshot.mapping == .none else {
      throw LakeError.refused(
        table: table.name,
        reason: "under column mapping its schema cannot be replaced; add columns instead"
      )
    }
    let bound = try await session.published(try await source.prepare(session))
    var change = try change("WRITE", on: snapshot, options)
    change.mode = .overwrite
    change.schema = bound.schema
    change.partitionColumns = snapshot.metadata.partitionColumns.filter {
      bound.schema[name: $0] != nil
    }
    change.reads = .table
    var target = WriteTarget(
      location: snapshot.location,
      partitionColumns: change.partitionColumns,
      fileSize: options.fileSize
    )
    target.table = nil
    try await requireKnown(
      bound.query,
      constraints: try snapshot.constraints,
      session
    )
    change.files = try await session.write(bound.query, to: target)
    var report = WriteReport()
    report.inserted = change.files.rows
    report.deleted = snapshot.rows ?? 0
    report.filesWritten = change.files.count
    report.filesRemoved = snapshot.files.count
    return Prepared(change: change, report: report)
  }

  private func requireKnown(
    _ query: String,
    constraints: [TableConstraint],
    _ session: any EngineSession
  ) async throws {
    guard !constraints.isEmpty else { return }
    let relation = RelationName("mill_replacement")
    try await session.define(relation, as: query, keeping: .stored)
    try await judge(relation, constraints, [], session)
  }

  /// New rows, held against the table's columns and constraints.
  struct Incoming {
    /// A query that gives them, cast to the table's types.
    var query: String
    /// The same as a relation.
    var relation: RelationName
    /// The columns of the table after the change.
    var schema: Schema
    /// The table's columns that the rows have.
    var columns: [String]
  }

  /// - Parameter isStored: Whether the rows are needed more than once.
  func incoming(
    _ source: RowSource,
    _ snapshot: Snapshot,
    _ options: WriteOptions,
    _ session: any EngineSession,
    isStored: Bool = false
  ) async throws -> Incoming {
    let bound = try await session.published(try await source.prepare(session))
    var schema = snapshot.schema
    var columns: [String] = []
    var casts: [String] = []
    for field in bound.schema.fields {
      let name = dialect.quote(field.name)
      columns.append(field.name)
      guard let known = snapshot.schema[name: field.name] else {
        guard options.newColumns == .add, snapshot.mapping == .none else {
          throw unknownColumn(field, snapshot)
        }
        schema.fields.append(field)
        casts.append(name)
        continue
      }
      guard known.type.accepts(field.type) else {
        throw LakeError.schemaMismatch(
          table: table.name,
          detail: "column \(field.name) is \(known.type), the new rows have \(field.type)"
        )
      }
      casts.append("CAST(\(name) AS \(dialect.typeName(known.type))) AS \(name)")
    }
    for column in snapshot.metadata.partitionColumns where !columns.contains(column) {
      throw LakeError.schemaMismatch(
        table: table.name,
        detail: "the new rows lack the partition column \(column)"
      )
    }
    for field in snapshot.schema.fields where !columns.contains(field.name) {
      guard field.metadata["CURRENT_DEFAULT"] != nil else { continue }
      throw LakeError.unsupported(
        table: table.name,
        version: snapshot.version,
        feature: "the default of column \(field.name), which the new rows lack"
      )
    }
    let constraints = try snapshot.constraints
    let required = snapshot.requiredPaths
    if let missing = required.first(where: { $0.count == 1 && !columns.contains($0[0]) }) {
      throw LakeError.constraint(
        table: table.name,
        name: "not null \(missing[0])",
        detail: "the new rows lack the column"
      )
    }
    let relation = RelationName("mill_incoming")
    let isJudged = !constraints.isEmpty || !required.isEmpty
    try await session.define(
      relation,
      as: "SELECT \(casts.joined(separator: ", ")) FROM (\n\(bound.query)\n) AS mill_source",
      keeping: isJudged || isStored ? .stored : .view
    )
    try await judge(relation, constraints, required, session)
    return Incoming(
      query: "SELECT * FROM \(dialect.quote(relation.name))",
      relation: relation,
      schema: schema,
      columns: columns
    )
  }

  private func unknownColumn(_ field: Field, _ snapshot: Snapshot) -> LakeError {
    let near = nearestName(to: field.name, among: snapshot.schema.names)
    return .schemaMismatch(
      table: table.name,
      detail: "there is no column \(field.name)"
        + (near.map { ": did you mean \($0)?" } ?? "; add it first, or let the change add it")
    )
  }
}

extension [DataFile] {
  /// Rows over all files.
  var rows: Int64 { reduce(0) { $0 + ($1.statistics.rows ?? 0) } }
}

extension Snapshot {
  /// Text of a value as a predicate has it.
  func literal(_ text: String, _ column: String) -> JSONValue {
    let type = schema[name: column]?.type ?? .string
    if type == .boolean { return .bool(text.lowercased() == "true") }
    if type.isNumeric { return JSONNumber(text: text).map { .number($0) } ?? .string(text) }
    return .string(text)
  }
}

extension DataType {
  /// Whether every value of the other type is one of this.
  func accepts(_ other: DataType) -> Bool {
    switch (self, other) {
    case (.long, .integer), (.long, .short), (.long, .byte), (.integer, .short), (.integer, .byte),
      (.short, .byte), (.double, .float), (.double, .integer), (.double, .short), (.double, .byte),
      (.timestampWithoutZone, .timestamp):
      true
    case (.decimal(let precision, let scale), .decimal(let otherPrecision, let otherScale)):
      scale >= otherScale && precision - scale >= otherPrecision - otherScale
    case (.decimal(let precision, let scale), .long): precision - scale >= 19
    case (.decimal(let precision, let scale), .integer): precision - scale >= 10
    case (.array(let element, _), .array(let otherElement, _)): element.accepts(otherElement)
    case (.map(let key, let value, _), .map(let otherKey, let otherValue, _)):
      key.accepts(otherKey) && value.accepts(otherValue)
    case (.structure(let fields), .structure(let others)):
      others.allSatisfy { other in
        Schema(fields)[name: other.name]?.type.accepts(other.type) ?? false
      }
    default: isSameShape(as: other)
    }
  }
}
