// SPDX-License-Identifier: Apache-2.0

public import MillCore
public import MillEngine
public import MillLake
internal import MillSQL

/// Changes the rows of a Delta table with an engine.
///
/// Each change is one commit: it reads the newest version, writes files, holds new rows against the
/// table's constraints, and commits under the conflict rules. When another writer was first and
/// changed what was read, it is made again from the new version.
///
/// ```swift
/// let writer = TableWriter(table, engine: engine, world: .system())
/// try await writer.append(.query("SELECT 1 AS id, 10.5 AS amount"))
/// try await writer.delete(where: "amount > 10").deleted  // 1
/// ```
public struct TableWriter: Sendable {
  /// The table.
  public let table: DeltaTable
  let engine: any Engine
  let world: World
  let dialect: any Dialect

  /// A writer of a table; the engine must be able to read and write in the table's folder.
  public init(_ table: DeltaTable, engine: any Engine, world: World) {
    self.table = table
    self.engine = engine
    self.world = world
    dialect = SQLDialects.named(engine.dialect)
  }

  // MARK: The table itself

  /// Makes an empty table.
  ///
  /// - Parameters:
  ///   - settings: Such as `delta.appendOnly` or `delta.columnMapping.mode`; the protocol rises to
  ///     what they need.
  /// - Throws: `LakeError.refused` when there is a table already.
  @discardableResult
  public func create(
    _ schema: Schema,
    partitionedBy columns: [String] = [],
    settings: [String: String] = [:],
    description: String? = nil
  ) async throws -> TableVersion {
    guard try await table.snapshotIfExists() == nil else {
      throw LakeError.refused(table: table.name, reason: "it is there already")
    }
    var settings = settings
    var schema = schema
    if let mode = settings["delta.columnMapping.mode"].flatMap(ColumnMapping.init), mode != .none {
      var last: Int64 = 0
      schema.fields = schema.fields.map { mapped($0, &last) }
      settings["delta.columnMapping.maxColumnId"] = String(last)
    }
    return try await table.commit(
      TableChange(
        mode: .append,
        files: [],
        schema: schema,
        partitionColumns: columns,
        description: description,
        operation: "CREATE TABLE",
        settings: settings.mapValues { Optional($0) },
        features: Self.features(of: settings)
      )
    )
  }

  /// Changes settings of the table, constraints included; nil takes one away.
  ///
  /// A new constraint is held against all rows first.
  ///
  /// - Throws: `LakeError.constraint` when rows break a new constraint.
  @discardableResult
  public func set(_ settings: [String: String?]) async throws -> TableVersion {
    let snapshot = try await table.snapshot()
    for key in settings.keys.sorted() where Self.fixedSettings.contains(key) {
      throw LakeError.refused(
        table: table.name,
        reason: "\(key) of a table that is there cannot be changed here"
      )
    }
    let constraints = settings.compactMap { key, value -> TableConstraint? in
      guard let value, key.hasPrefix(TableConstraint.settingPrefix) else { return nil }
      let name = String(key.dropFirst(TableConstraint.settingPrefix.count))
      return TableConstraint(name: name, expression: value)
    }
    if !constraints.isEmpty {
      try await withSession { session in
        let relation = RelationName("mill_table")
        try await session.define(relation, as: try snapshot.contents)
        try await judge(relation, constraints, [], session)
      }
    }
    let known = settings.compactMapValues { $0 }
    return try await table.commit(
      TableChange(
        mode: .append,
        files: [],
        schema: snapshot.schema,
        partitionColumns: snapshot.metadata.partitionColumns,
        operation: "SET TBLPROPERTIES",
        parameters: [
          "properties": .string(
            JSONValue.object(JSONObject(known.sorted { $0.key < $1.key }.map { ($0, .string($1)) }))
              .serialized()
          )
        ],
        // Rows that come meanwhile were not held against a new constraint.
        reads: constraints.isEmpty ? .nothing : .table,
        readVersion: snapshot.version,
        settings: settings,
        features: Self.features(of: known)
      )
    )
  }

  /// Settings that need more than a word: columns of their own, or what is not known here.
  private static let fixedSettings: Set<String> = [
    "delta.columnMapping.mode", "delta.columnMapping.maxColumnId", "delta.enableRowTracking",
    "delta.enableTypeWidening", "delta.enableIcebergCompatV1", "delta.enableIcebergCompatV2",
    "delta.enableIcebergCompatV3", "delta.checkpointPolicy",
  ]

  /// Adds columns that are null in all rows there are.
  @discardableResult
  public func addColumns(_ fields: [Field]) async throws -> TableVersion {
    let snapshot = try await table.snapshot()
    var settings: [String: String?] = [:]
    var schema = snapshot.schema
    var last =
      snapshot.metadata.configuration["delta.columnMapping.maxColumnId"]
      .flatMap { Int64($0) } ?? 0
    for field in fields {
      guard schema[name: field.name] == nil else {
        throw LakeError.schemaMismatch(
          table: table.name,
          detail: "there is a column \(field.name) already"
        )
      }
      guard field.isNullable else {
        throw LakeError.schemaMismatch(
          table: table.name,
          detail: "the new column \(field.name) would be null in the rows there are"
        )
      }
      schema.fields.append(snapshot.mapping == .none ? field : mapped(field, &last))
    }
    if snapshot.mapping != .none {
      settings["delta.columnMapping.maxColumnId"] = String(last)
    }
    return try await table.commit(
      TableChange(
        mode: .append,
        files: [],
        schema: schema,
        partitionColumns: snapshot.metadata.partitionColumns,
        operation: "ADD COLUMNS",
        parameters: ["columns": .string(Schema(fields).schemaString)],
        // Two writers that add columns must not give them one number.
        readVersion: snapshot.version,
        settings: settings
      )
    )
  }

  /// A column with a name and number of its own in files.
  private func mapped(_ field: Field, _ last: inout Int64) -> Field {
    var field = field
    last += 1
    var metadata = field.metadata.object ?? [:]
    if metadata["delta.columnMapping.physicalName"] == nil {
      metadata["delta.columnMapping.id"] = .int(last)
      metadata["delta.columnMapping.physicalName"] = .string("col-\(world.makeID())")
    }
    field.metadata = .object(metadata)
    field.type = mapped(field.type, &last)
    return field
  }

  private func mapped(_ type: DataType, _ last: inout Int64) -> DataType {
    switch type {
    case .structure(let members): return .structure(members.map { mapped($0, &last) })
    case .array(let element, let containsNull):
      return .array(element: mapped(element, &last), containsNull: containsNull)
    case .map(let key, let value, let containsNull):
      let key = mapped(key, &last)
      return .map(key: key, value: mapped(value, &last), valueContainsNull: containsNull)
    default: return type
    }
  }

  /// The capabilities that settings need.
  private static func features(of settings: [String: String]) -> Set<TableFeature> {
    var features: Set<TableFeature> = []
    for (key, value) in settings {
      switch key {
      case "delta.columnMapping.mode" where value != "none": features.insert(.columnMapping)
      case "delta.enableDeletionVectors" where value == "true": features.insert(.deletionVectors)
      case "delta.appendOnly" where value == "true": features.insert(.appendOnly)
      case "delta.enableChangeDataFeed" where value == "true": features.insert(.changeDataFeed)
      case "delta.enableInCommitTimestamps" where value == "true":
        features.insert(.inCommitTimestamp)
      case let key where key.hasPrefix(TableConstraint.settingPrefix):
        features.insert(.checkConstraints)
      default: break
      }
    }
    return features
  }

  // MARK: Steps that all changes share

  /// Runs a step in a session of its own.
  func withSession<T>(
    _ body: (any EngineSession) async throws -> T
  ) async throws -> T {
    let session = try await engine.session(named: "change \(table.name)")
    do {
      let result = try await body(session)
      await session.close()
      return result
    } catch {
      await session.close()
      throw error
    }
  }

  /// A change as it is to be committed, and what it did.
  struct Prepared {
    var change: TableChange
    var report: WriteReport
  }

  /// Makes a change from the newest version, again when another writer was first.
  func write(
    _ options: WriteOptions,
    _ prepare: (Snapshot, any EngineSession) async throws -> Prepared?
  ) async throws -> WriteReport {
    var attempt = 1
    while true {
      let snapshot = try await table.snapshot()
      try snapshot.requireWritable()
      if let expected = options.expecting, snapshot.version != expected {
        throw LakeError.staleVersion(
          table: table.name,
          expected: expected,
          newest: snapshot.version
        )
      }
      let prepared = try await withSession { session in try await prepare(snapshot, session) }
      guard let prepared else {
        var report = WriteReport()
        report.recomputed = attempt - 1
        return report
      }
      var report = prepared.report
      do {
        report.version = try await table.commit(prepared.change)
        report.recomputed = attempt - 1
        return report
      } catch {
        // Of these the caller's commit surely did not land; what `storage` did nobody knows, and its
        // files must stay.
        switch error {
        case .conflict, .busy, .staleVersion, .constraint, .schemaMismatch, .unsupported,
          .appendOnly:
          await discard(prepared.change)
        default: break
        }
        guard error.isRetryable, attempt < options.attempts, options.expecting == nil else {
          throw error
        }
        attempt += 1
      }
    }
  }

  /// Takes away files that no commit names; what is left is garbage for vacuum.
  private func discard(_ change: TableChange) async {
    let prefix = table.store.location + "/"
    for file in change.files + change.changeFiles where file.location.hasPrefix(prefix) {
      try? await table.store.delete(String(file.location.dropFirst(prefix.count)))
    }
  }

  /// The commit of a change, without its files.
  func change(
    _ operation: String,
    on snapshot: Snapshot,
    _ options: WriteOptions
  ) throws(LakeError) -> TableChange {
    TableChange(
      mode: .append,
      files: [],
      schema: snapshot.schema,
      partitionColumns: snapshot.metadata.partitionColumns,
      transactions: options.transactions,
      runID: options.runID,
      info: options.info,
      expecting: options.expecting,
      operation: operation,
      readVersion: snapshot.version,
      isolation: options.isolation,
      settings: options.removal == .deletionVectors
        && snapshot.metadata.configuration["delta.enableDeletionVectors"] != "true"
        ? ["delta.enableDeletionVectors": "true"] : [:],
      features: options.removal == .deletionVectors ? [.deletionVectors] : [],
      checked: Set(try snapshot.constraints.map(\.name))
        .union(snapshot.requiredPaths.map { "not null \($0.joined(separator: "."))" })
    )
  }

  /// Where the rows of a change are written.
  func target(_ snapshot: Snapshot, _ options: WriteOptions) -> WriteTarget {
    WriteTarget(
      location: snapshot.location,
      partitionColumns: snapshot.metadata.partitionColumns,
      fileSize: options.fileSize,
      table: TableLayout(schema: snapshot.schema, mapping: snapshot.mapping)
    )
  }

  private func unjudgeable(
    _ names: [String],
    _ texts: [String],
    _ error: EngineError
  ) -> LakeError {
    .constraint(
      table: table.name,
      name: names.joined(separator: ", "),
      detail: "this engine cannot judge rows by \(texts.joined(separator: "; ")): \(error)"
    )
  }

  /// Holds new rows against what the table demands of every row.
  ///
  /// - Throws: `LakeError.constraint` naming the constraint and how many rows break it.
  func judge(
    _ relation: RelationName,
    _ constraints: [TableConstraint],
    _ required: [[String]],
    _ session: any EngineSession
  ) async throws {
    var conditions: [(name: String, text: String, broken: String)] = []
    for constraint in constraints {
      do {
        // A log is somebody's text: it enters SQL only as one condition on one row.
        _ = try await engine.predicate(of: constraint.expression)
      } catch let error as EngineError {
        throw unjudgeable([constraint.name], [constraint.expression], error)
      }
      conditions.append(
        (constraint.name, constraint.expression, "(\n\(constraint.expression)\n) IS NOT TRUE")
      )
    }
    for path in required {
      let name = path.joined(separator: ".")
      var value = dialect.quote(path[0])
      var broken: [String] = []
      for member in path.dropFirst() {
        // A member of a structure that is null itself is not missed.
        broken.append("\(value) IS NOT NULL")
        value = "struct_extract(\(value), \(dialect.literal(member)))"
      }
      broken.append("\(value) IS NULL")
      conditions.append(
        ("not null \(name)", "\(name) IS NOT NULL", broken.joined(separator: " AND "))
      )
    }
    guard !conditions.isEmpty else { return }
    let counts = conditions.map { "count(*) FILTER (WHERE \($0.broken))" }
    let found: ResultTable
    do {
      found = try await session.rows(
        "SELECT \(counts.joined(separator: ", ")) FROM \(dialect.quote(relation.name))",
        limit: 1
      )
    } catch let error as EngineError where error.errorClass == .definition {
      throw unjudgeable(conditions.map(\.name), conditions.map(\.text), error)
    }
    for (index, condition) in conditions.enumerated() {
      guard let broken = found.integer(0, index), broken > 0 else { continue }
      throw LakeError.constraint(
        table: table.name,
        name: condition.name,
        detail: "\(broken) of the new rows break it (\(condition.text))"
      )
    }
  }
}

extension Snapshot {
  /// The columns and members of structures that may not be null, but for partition columns.
  var requiredPaths: [[String]] {
    var paths: [[String]] = []
    func collect(_ fields: [Field], below path: [String]) {
      for field in fields {
        if !field.isNullable { paths.append(path + [field.name]) }
        if case .structure(let members) = field.type {
          collect(members, below: path + [field.name])
        }
      }
    }
    collect(schema.fields, below: [])
    return paths
  }
}
