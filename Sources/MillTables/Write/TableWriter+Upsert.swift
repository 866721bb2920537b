// SPDX-License-Identifier: Apache-2.0

internal import MillCore
internal import MillEngine
internal import MillLake
internal import MillSQL

extension TableWriter {
  /// Puts rows in the place of those with the same keys, and adds the others.
  ///
  /// Columns that the new rows lack keep the values that the row had. Files whose bounds exclude
  /// every new key are not opened; of the others only the keys are read to find the files to
  /// rewrite.
  ///
  /// - Throws: `LakeError.constraint` when a key of the new rows is null or comes twice.
  @discardableResult
  public func upsert(
    _ source: RowSource,
    keys: [String],
    _ options: WriteOptions = WriteOptions()
  ) async throws -> WriteReport {
    try await write(options) { snapshot, session in
      let new = try await incoming(source, snapshot, options, session, isStored: true)
      try requireKeys(keys, new, snapshot)
      let bounds = try await bounds(of: keys, snapshot, session)
      guard let bounds else { return nil }
      let candidates = snapshot.files(matching: bounds)
      var report = WriteReport()
      report.filesSkipped = snapshot.files.count - candidates.count
      report.filesRead = candidates.count
      let touched = try await touched(candidates, keys, snapshot, session, &report)
      var change = try change("MERGE", on: snapshot, options)
      change.schema = new.schema
      change.parameters["matchedPredicates"] = #"[{"actionType":"update"}]"#
      change.parameters["notMatchedPredicates"] = #"[{"actionType":"insert"}]"#
      change.reads = .files(Set(candidates.map(\.key)), where: bounds)
      try await merge(touched, new, keys, snapshot, options, session, &change)
      let known =
        touched.isEmpty
        ? "0" : "(SELECT count(*) FROM (SELECT DISTINCT \(dialect.list(keys)) FROM mill_matched))"
      let rows = try await session.rows(
        "SELECT count(*) - \(known) FROM mill_incoming",
        limit: 1
      )
      report.inserted = rows.integer(0, 0) ?? 0
      report.filesWritten = change.files.count
      report.filesRemoved = change.replacing.count
      return Prepared(change: change, report: report)
    }
  }

  private func requireKeys(
    _ keys: [String],
    _ new: Incoming,
    _ snapshot: Snapshot
  ) throws {
    guard !keys.isEmpty else {
      throw LakeError.refused(table: table.name, reason: "an upsert needs keys")
    }
    for key in keys where !new.columns.contains(key) || snapshot.schema[name: key] == nil {
      let near = nearestName(to: key, among: snapshot.schema.names)
      throw LakeError.schemaMismatch(
        table: table.name,
        detail: "the key \(key) is no column of both the table and the new rows"
          + (near.map { ": did you mean \($0)?" } ?? "")
      )
    }
  }

  /// What the new keys lie between, or nil when there are no new rows.
  private func bounds(
    of keys: [String],
    _ snapshot: Snapshot,
    _ session: any EngineSession
  ) async throws -> TablePredicate? {
    let columns = keys.flatMap { key in
      let name = dialect.quote(key)
      return ["CAST(min(\(name)) AS VARCHAR)", "CAST(max(\(name)) AS VARCHAR)"]
    }
    let nulls = keys.map { "\(dialect.quote($0)) IS NULL" }.joined(separator: " OR ")
    let found = try await session.rows(
      """
      SELECT count(*), count(*) FILTER (WHERE \(nulls)),
        count(*) - count(DISTINCT \(dialect.row(keys))), \(columns.joined(separator: ", "))
      FROM mill_incoming
      """,
      limit: 1
    )
    guard let count = found.integer(0, 0), count > 0 else { return nil }
    let name = "the keys \(keys.joined(separator: ", "))"
    if let nulls = found.integer(0, 1), nulls > 0 {
      throw LakeError.constraint(
        table: table.name,
        name: name,
        detail: "\(nulls) of the new rows have null in one"
      )
    }
    if let repeated = found.integer(0, 2), repeated > 0 {
      throw LakeError.constraint(
        table: table.name,
        name: name,
        detail: "\(repeated) of the new rows repeat those of another; deduplicate them first"
      )
    }
    var parts: [TablePredicate] = []
    for (index, key) in keys.enumerated() {
      guard let low = found.rows[0][3 + 2 * index].text,
        let high = found.rows[0][4 + 2 * index].text
      else { continue }
      parts.append(.compare([key], .greaterOrEqual, snapshot.literal(low, key)))
      parts.append(.compare([key], .lessOrEqual, snapshot.literal(high, key)))
    }
    return .all(parts)
  }

  /// The files that hold a row of the new keys.
  private func touched(
    _ candidates: [AddFile],
    _ keys: [String],
    _ snapshot: Snapshot,
    _ session: any EngineSession,
    _ report: inout WriteReport
  ) async throws -> [AddFile] {
    guard !candidates.isEmpty else { return [] }
    let relation = RelationName("mill_existing")
    try await session.define(relation, as: try snapshot.contents(of: candidates), withPlaces: true)
    // Of the table only the keys are read, once, and what matches is little.
    try await session.define(
      RelationName("mill_matched"),
      as: """
        SELECT \(RowPlace.file), \(dialect.list(keys)) FROM mill_existing
        WHERE \(dialect.row(keys)) IN (SELECT \(dialect.row(keys)) FROM mill_incoming)
        """,
      keeping: .stored
    )
    let counts = try await session.rows(
      "SELECT \(RowPlace.file), count(*) FROM mill_matched GROUP BY ALL",
      limit: candidates.count
    )
    try await session.drop(relation)
    let byLocation = try fileByLocation(candidates, snapshot)
    var found: [AddFile] = []
    for row in counts.rows {
      guard let location = row[0].text, let file = byLocation[location] else { continue }
      found.append(file)
      report.updated += row[1].integer ?? 0
    }
    return found
  }

  private func merge(
    _ touched: [AddFile],
    _ new: Incoming,
    _ keys: [String],
    _ snapshot: Snapshot,
    _ options: WriteOptions,
    _ session: any EngineSession,
    _ change: inout TableChange
  ) async throws {
    let target = target(snapshot, options)
    guard !touched.isEmpty else {
      change.files = try await session.write(new.query, to: target)
      if snapshot.hasChangeDataFeed {
        change.changeFiles = try await changeFiles(
          "SELECT *, 'insert' AS _change_type FROM mill_incoming",
          on: snapshot,
          session
        )
      }
      return
    }
    let isVector = options.removal == .deletionVectors
    try await session.define(
      RelationName("mill_touched"),
      as: try snapshot.contents(of: touched),
      withPlaces: isVector
    )
    let isMatched =
      "\(dialect.row(keys)) IN (SELECT \(dialect.row(keys)) FROM mill_incoming)"
    let rows = try await merged(new, keys, snapshot, session)
    let columns = dialect.list(new.schema.names)
    let kept = new.schema.fields.map { field in
      snapshot.schema[name: field.name] == nil
        ? "CAST(NULL AS \(dialect.typeName(field.type))) AS \(dialect.quote(field.name))"
        : dialect.quote(field.name)
    }
    if isVector {
      try await hide(
        "SELECT * FROM mill_touched WHERE \(isMatched)",
        in: touched,
        on: snapshot,
        session,
        &change
      )
      change.files = try await session.write("SELECT \(columns) FROM (\(rows)) AS rows", to: target)
    } else {
      change.replacing = touched
      // NOT IN would be null for a null key, and lose its row.
      let equal = keys.map {
        "mill_touched.\(dialect.quote($0)) = mill_incoming.\(dialect.quote($0))"
      }
      let stays =
        "NOT EXISTS (SELECT 1 FROM mill_incoming WHERE \(equal.joined(separator: " AND ")))"
      if CompactionPlan.partitions(touched, acrossPartitions: true).count == 1,
        touched.allSatisfy({ $0.tags.keys.allSatisfy(CompactionPlan.ownTags.contains) })
      {
        change.files = try await session.write(
          """
          SELECT \(kept.joined(separator: ", ")) FROM mill_touched WHERE \(stays)
          UNION ALL SELECT \(columns) FROM (\(rows)) AS rows
          """,
          to: target
        )
      } else {
        change.files = try await rewritten(touched, on: snapshot, options, session) { old in
          "SELECT \(kept.joined(separator: ", ")) FROM \(old) AS mill_touched WHERE \(stays)"
        }
        change.files += try await session.write(
          "SELECT \(columns) FROM (\(rows)) AS rows",
          to: target
        )
      }
    }
    if snapshot.hasChangeDataFeed {
      let old = kept.joined(separator: ", ")
      let wasThere = "\(dialect.row(keys)) IN (SELECT \(dialect.row(keys)) FROM mill_touched)"
      change.changeFiles = try await changeFiles(
        """
        SELECT \(old), 'update_preimage' AS _change_type FROM mill_touched WHERE \(isMatched)
        UNION ALL SELECT \(columns), CASE WHEN \(wasThere) THEN 'update_postimage' ELSE 'insert' END
        FROM (\(rows)) AS rows
        """,
        on: snapshot,
        schema: new.schema,
        session
      )
    }
  }

  /// The new rows with every column of the table: what they lack comes from the rows they replace.
  private func merged(
    _ new: Incoming,
    _ keys: [String],
    _ snapshot: Snapshot,
    _ session: any EngineSession
  ) async throws -> String {
    let missing = new.schema.names.filter { !new.columns.contains($0) }
    guard !missing.isEmpty else { return new.query }
    // Of which of two rows of one key the missing values would come, nobody can say.
    let repeated = try await session.rows(
      """
      SELECT count(*) FROM (SELECT 1 FROM mill_matched
        GROUP BY \(dialect.list(keys)) HAVING count(*) > 1) AS mill_repeated
      """,
      limit: 1
    )
    if let count = repeated.integer(0, 0), count > 0 {
      throw LakeError.constraint(
        table: table.name,
        name: "the keys \(keys.joined(separator: ", "))",
        detail: "\(count) of the new rows meet several rows of the table, and lack "
          + missing.joined(separator: ", ")
      )
    }
    let columns = new.schema.names.map { name in
      (new.columns.contains(name) ? "new." : "old.") + dialect.quote(name)
    }
    let equal = keys.map { "new.\(dialect.quote($0)) = old.\(dialect.quote($0))" }
    return """
      SELECT \(columns.joined(separator: ", ")) FROM mill_incoming AS new
      LEFT JOIN mill_touched AS old ON \(equal.joined(separator: " AND "))
      """
  }
}
