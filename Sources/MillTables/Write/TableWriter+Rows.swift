// SPDX-License-Identifier: Apache-2.0

internal import MillCore
internal import MillEngine
internal import MillLake
internal import MillSQL

extension TableWriter {
  /// Takes the rows of a condition out of the table.
  ///
  /// Files that cannot hold such a row are not opened, files that hold nothing else leave the table
  /// unread, and only files with both kinds of rows are rewritten.
  @discardableResult
  public func delete(
    where condition: String,
    _ options: WriteOptions = WriteOptions()
  ) async throws -> WriteReport {
    try await write(options) { snapshot, session in
      var prepared = try await removal(of: condition, "DELETE", on: snapshot, options, session)
      prepared.change.parameters["predicate"] = .string(condition)
      return prepared.report.deleted == 0 && prepared.change.replacing.isEmpty ? nil : prepared
    }
  }

  /// Gives the rows of a condition other values.
  ///
  /// - Parameter values: An expression for each column, in SQL over the row as it is.
  @discardableResult
  public func update(
    set values: [String: String],
    where condition: String,
    _ options: WriteOptions = WriteOptions()
  ) async throws -> WriteReport {
    try await write(options) { snapshot, session in
      for name in values.keys where snapshot.schema[name: name] == nil {
        let near = nearestName(to: name, among: snapshot.schema.names)
        throw LakeError.refused(
          table: table.name,
          reason: "there is no column \(name)" + (near.map { ": did you mean \($0)?" } ?? "")
        )
      }
      let found = try await find(condition, on: snapshot, session)
      guard !found.touched.isEmpty else { return nil }
      let matches = "(\n\(condition)\n)"
      let set = snapshot.schema.fields.map { field in
        let name = dialect.quote(field.name)
        guard let value = values[field.name] else { return name }
        return "CAST((\(value)) AS \(dialect.typeName(field.type))) AS \(name)"
      }
      let old = RelationName("mill_old")
      try await session.define(
        old,
        as: try snapshot.contents(of: found.touched),
        withPlaces: options.removal == .deletionVectors
      )
      let new = RelationName("mill_new")
      try await session.define(
        new,
        as:
          "SELECT \(set.joined(separator: ", ")) FROM \(dialect.quote(old.name)) WHERE \(matches)",
        keeping: .stored
      )
      try await judge(new, try snapshot.constraints, snapshot.requiredPaths, session)
      var change = try change("UPDATE", on: snapshot, options)
      change.parameters["predicate"] = .string(condition)
      var report = found.report
      let updated = try await session.rows("SELECT count(*) FROM mill_new", limit: 1).integer(0, 0)
      report.updated = updated ?? 0
      let columns = dialect.list(snapshot.schema.names)
      switch options.removal {
      case .rewrite:
        change.replacing = found.touched
        if found.touched.allSatisfy({ $0.tags.keys.allSatisfy(CompactionPlan.ownTags.contains) }) {
          change.files = try await session.write(
            "SELECT \(columns) FROM mill_new UNION ALL "
              + "SELECT \(columns) FROM mill_old WHERE \(matches) IS NOT TRUE",
            to: target(snapshot, options)
          )
        } else {
          change.files = try await rewritten(found.touched, on: snapshot, options, session) { old in
            "SELECT \(set.joined(separator: ", ")) FROM \(old) WHERE \(matches) UNION ALL "
              + "SELECT \(columns) FROM \(old) WHERE \(matches) IS NOT TRUE"
          }
        }
      case .deletionVectors:
        try await hide(
          "SELECT * FROM mill_old WHERE \(matches)",
          in: found.touched,
          on: snapshot,
          session,
          &change
        )
        change.files = try await session.write(
          "SELECT \(columns) FROM mill_new",
          to: target(snapshot, options)
        )
      }
      if snapshot.hasChangeDataFeed {
        change.changeFiles = try await changeFiles(
          """
          SELECT \(columns), 'update_preimage' AS _change_type FROM mill_old WHERE \(matches)
          UNION ALL SELECT \(columns), 'update_postimage' FROM mill_new
          """,
          on: snapshot,
          session
        )
      }
      change.reads = .files(Set(found.candidates.map(\.key)), where: found.predicate)
      report.filesWritten = change.files.count
      report.filesRemoved = change.replacing.count
      return Prepared(change: change, report: report)
    }
  }

  // MARK: Finding rows

  /// The files that a condition is about.
  struct Found {
    var predicate: TablePredicate
    /// Files that may hold a row of the condition, by the log.
    var candidates: [AddFile]
    /// Files that hold one.
    var touched: [AddFile] = []
    /// Files that hold nothing else.
    var whole: Set<FileKey> = []
    /// Rows of the condition.
    var rows: Int64 = 0
    var report = WriteReport()
  }

  /// Finds the files with rows of a condition, first by the log, then by looking into them.
  func find(
    _ condition: String,
    on snapshot: Snapshot,
    _ session: any EngineSession
  ) async throws -> Found {
    let predicate = try await engine.predicate(of: condition)
    let skipping = snapshot.skipping(predicate)
    var found = Found(predicate: predicate, candidates: snapshot.files(matching: predicate))
    found.report.filesSkipped = snapshot.files.count - found.candidates.count
    var unsure: [AddFile] = []
    for file in found.candidates {
      if skipping.surelyMatchesAll(file), let rows = file.numRecords {
        found.touched.append(file)
        found.whole.insert(file.key)
        found.rows += rows - (file.deletionVector?.cardinality ?? 0)
      } else {
        unsure.append(file)
      }
    }
    guard !unsure.isEmpty else { return found }
    found.report.filesRead = unsure.count
    let relation = RelationName("mill_candidates")
    try await session.define(relation, as: try snapshot.contents(of: unsure), withPlaces: true)
    let counts = try await session.rows(
      """
      SELECT \(RowPlace.file), count(*) FILTER (WHERE (
      \(condition)
      )), count(*)
      FROM \(dialect.quote(relation.name)) GROUP BY ALL
      """,
      limit: unsure.count
    )
    try await session.drop(relation)
    let byLocation = try fileByLocation(unsure, snapshot)
    for row in counts.rows {
      guard let location = row[0].text, let matching = row[1].integer, let all = row[2].integer,
        matching > 0, let file = byLocation[location]
      else { continue }
      found.touched.append(file)
      found.rows += matching
      if matching == all { found.whole.insert(file.key) }
    }
    return found
  }

  /// The files by the names that engines have for them.
  func fileByLocation(
    _ files: [AddFile],
    _ snapshot: Snapshot
  ) throws(LakeError) -> [String: AddFile] {
    var found: [String: AddFile] = [:]
    for file in files {
      for data in try snapshot.contents(of: [file]).files { found[data.location] = file }
    }
    return found
  }

  /// Everything that a change needs to take the rows of a condition out.
  func removal(
    of condition: String,
    _ operation: String,
    on snapshot: Snapshot,
    _ options: WriteOptions,
    _ session: any EngineSession
  ) async throws -> Prepared {
    let found = try await find(condition, on: snapshot, session)
    var change = try change(operation, on: snapshot, options)
    change.reads =
      found.predicate == .constant(true)
      ? .table : .files(Set(found.candidates.map(\.key)), where: found.predicate)
    var report = found.report
    report.deleted = found.rows
    let partial = found.touched.filter { !found.whole.contains($0.key) }
    change.replacing = found.touched.filter { found.whole.contains($0.key) }
    let columns = dialect.list(snapshot.schema.names)
    if !partial.isEmpty {
      let relation = RelationName("mill_partial")
      switch options.removal {
      case .rewrite:
        change.replacing += partial
        change.files = try await rewritten(partial, on: snapshot, options, session) { old in
          """
          SELECT \(columns) FROM \(old) WHERE (
          \(condition)
          ) IS NOT TRUE
          """
        }
      case .deletionVectors:
        try await session.define(
          relation,
          as: try snapshot.contents(of: partial),
          withPlaces: true
        )
        try await hide(
          """
          SELECT * FROM mill_partial WHERE (
          \(condition)
          )
          """,
          in: partial,
          on: snapshot,
          session,
          &change
        )
      }
    }
    if snapshot.hasChangeDataFeed, !found.touched.isEmpty {
      let relation = RelationName("mill_leaving")
      try await session.define(relation, as: try snapshot.contents(of: found.touched))
      change.changeFiles = try await changeFiles(
        """
        SELECT \(columns), 'delete' AS _change_type FROM mill_leaving WHERE (
        \(condition)
        )
        """,
        on: snapshot,
        session
      )
    }
    report.filesWritten = change.files.count
    report.filesRemoved = change.replacing.count
    return Prepared(change: change, report: report)
  }

  /// Writes what becomes of files to new ones; files that their writers told apart by tags stay
  /// apart, and keep them.
  func rewritten(
    _ files: [AddFile],
    on snapshot: Snapshot,
    _ options: WriteOptions,
    _ session: any EngineSession,
    _ query: (_ old: String) -> String
  ) async throws -> [DataFile] {
    var written: [DataFile] = []
    let relation = RelationName("mill_rewritten")
    for bin in CompactionPlan.partitions(files, acrossPartitions: true) {
      try await session.define(relation, as: try snapshot.contents(of: bin.files))
      let tags = (bin.files.first?.tags ?? [:]).filter { !CompactionPlan.ownTags.contains($0.key) }
      for var file in try await session.write(
        query(dialect.quote(relation.name)),
        to: target(snapshot, options)
      ) {
        file.tags.merge(tags) { own, _ in own }
        written.append(file)
      }
    }
    return written
  }

  /// Hides rows of files by deletion vectors.
  ///
  /// - Parameter query: The rows, with their places.
  func hide(
    _ query: String,
    in files: [AddFile],
    on snapshot: Snapshot,
    _ session: any EngineSession,
    _ change: inout TableChange
  ) async throws {
    let byLocation = try fileByLocation(files, snapshot)
    // Runs of rows, so that what comes here is small for large parts of files.
    let runs = try await session.rows(
      """
      SELECT \(RowPlace.file), min(\(RowPlace.row)), max(\(RowPlace.row)) FROM (
        SELECT \(RowPlace.file), \(RowPlace.row), \(RowPlace.row)
          - row_number() OVER (PARTITION BY \(RowPlace.file) ORDER BY \(RowPlace.row)) AS run
        FROM (\(query)) AS mill_hidden) AS mill_numbered
      GROUP BY \(RowPlace.file), run ORDER BY ALL
      """,
      limit: Self.hiddenRunsMax
    )
    var hidden: [String: [ClosedRange<UInt64>]] = [:]
    for row in runs.rows {
      guard let location = row[0].text, let first = row[1].integer, let last = row[2].integer else {
        continue
      }
      hidden[location, default: []].append(UInt64(first)...UInt64(last))
    }
    for (location, ranges) in hidden.sorted(by: { $0.key < $1.key }) {
      guard let file = byLocation[location] else { continue }
      let before = try await vector(of: file, snapshot)
      let vector = DeletionVector(ranges: ranges).union(before)
      var next = file
      next.deletionVector = try await stored(vector)
      next.stats = file.stats.map(Self.withWideBounds)
      change.replacing.append(file)
      change.returning.append(next)
    }
  }

  private static let hiddenRunsMax = 5_000_000

  private func vector(of file: AddFile, _ snapshot: Snapshot) async throws -> DeletionVector {
    guard let data = try snapshot.contents(of: [file]).files.first?.deletedRows else {
      return DeletionVector(positions: [])
    }
    switch data.place {
    case .inline(let bytes): return try DeletionVector.decode(bytes, cardinality: data.cardinality)
    case .file(let location, let offset):
      let key = String(location.dropFirst(snapshot.location.count + 1))
      return try DeletionVector.decodeFile(
        try await table.store.read(key),
        offset: offset,
        sizeInBytes: data.sizeInBytes,
        cardinality: data.cardinality
      )
    }
  }

  /// Small vectors stand in the log, others in files of their own.
  private func stored(_ vector: DeletionVector) async throws -> DeletionVectorReference {
    let file = vector.encodedFile()
    if file.sizeInBytes <= 256 { return .inline(vector) }
    let uuid = world.makeID()
    try await table.store.putIfAbsent("deletion_vector_\(uuid).bin", file.bytes)
    guard
      let reference = DeletionVectorReference.file(
        uuid: uuid,
        offset: file.offset,
        sizeInBytes: file.sizeInBytes,
        cardinality: Int64(vector.count)
      )
    else {
      throw LakeError.refused(table: table.name, reason: "a new identity is none: \(uuid)")
    }
    return reference
  }

  /// Statistics of a file of which rows are hidden: the bounds still hold, and may be wide.
  private static func withWideBounds(_ stats: String) -> String {
    guard let json = try? JSONValue(parsing: stats), var object = json.object else { return stats }
    object["tightBounds"] = false
    return JSONValue.object(object).serialized()
  }

  /// Files of the change data feed.
  func changeFiles(
    _ query: String,
    on snapshot: Snapshot,
    schema: Schema? = nil,
    _ session: any EngineSession
  ) async throws -> [DataFile] {
    try await table.store.prepare("_change_data")
    var schema = schema ?? snapshot.schema
    schema.fields.append(Field("_change_type", .string))
    return try await session.write(
      query,
      to: WriteTarget(
        location: "\(snapshot.location)/_change_data",
        partitionColumns: snapshot.metadata.partitionColumns,
        table: TableLayout(schema: schema, mapping: snapshot.mapping)
      )
    )
  }
}
