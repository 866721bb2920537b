// SPDX-License-Identifier: Apache-2.0

public import MillCore
public import MillEngine
internal import MillLake
internal import MillSQL

/// What is different between two versions of a table, row by row.
public struct TableDiff: Sendable {
  /// The older side.
  public var from: TableVersion
  /// The newer side.
  public var to: TableVersion
  /// The columns by which rows are the same row; empty when rows have no keys.
  public var keys: [String]
  /// Rows that only the newer version has.
  public var added: Int64
  /// Rows that only the older version has.
  public var removed: Int64
  /// Rows of the same keys with other values; nil without keys.
  public var changed: Int64?
  /// Columns that only one version has, or with another type: `+ name type` and the like.
  public var columns: [String]
  /// Some of the rows: `change` (added, removed, before, after), then the columns of both versions.
  public var rows: ResultTable
}

extension TableWriter {
  /// Compares two versions of the table.
  ///
  /// Only files that one version has and the other lacks are read.
  ///
  /// - Parameters:
  ///   - keys: The columns by which a row is the same row.
  ///   - limit: How many rows to bring along.
  public func diff(
    from old: TableVersion,
    to new: TableVersion,
    keys: [String] = [],
    limit: Int = 100
  ) async throws -> TableDiff {
    let before = try await table.snapshot(at: old)
    let after = try await table.snapshot(at: new)
    for key in keys where before.schema[name: key] == nil || after.schema[name: key] == nil {
      throw LakeError.refused(
        table: table.name,
        reason: "the key \(key) is no column of both versions"
      )
    }
    let shared = after.schema.fields.filter { before.schema[name: $0.name] != nil }
    guard !shared.isEmpty else {
      throw LakeError.schemaMismatch(
        table: table.name,
        detail: "versions \(old) and \(new) have no column in common"
      )
    }
    let (oldKeys, newKeys) = (before.files.keys, after.files.keys)
    return try await withSession { session in
      try await session.define(
        RelationName("mill_before"),
        as: try before.contents(of: before.files.filter { !newKeys.contains($0.key) })
      )
      try await session.define(
        RelationName("mill_after"),
        as: try after.contents(of: after.files.filter { !oldKeys.contains($0.key) })
      )
      let (both, sides) = columns(shared, before, after)
      try await session.define(
        RelationName("mill_removed"),
        as: "SELECT \(sides.before) FROM mill_before EXCEPT ALL "
          + "SELECT \(sides.after) FROM mill_after",
        keeping: .stored
      )
      try await session.define(
        RelationName("mill_added"),
        as: "SELECT \(sides.after) FROM mill_after EXCEPT ALL "
          + "SELECT \(sides.before) FROM mill_before",
        keeping: .stored
      )
      return try await counted(
        TableDiff(
          from: old,
          to: new,
          keys: keys,
          added: 0,
          removed: 0,
          changed: nil,
          columns: Self.schemaChanges(before.schema, after.schema),
          rows: ResultTable(columns: [], rows: [])
        ),
        both,
        limit,
        session
      )
    }
  }

  /// The columns that both versions have, each read as the newer version's type.
  private func columns(
    _ shared: [Field],
    _ before: Snapshot,
    _ after: Snapshot
  ) -> (names: [String], sides: (before: String, after: String)) {
    let names = shared.map(\.name)
    let old = shared.map { field in
      let name = dialect.quote(field.name)
      return before.schema[name: field.name]?.type == field.type
        ? name : "CAST(\(name) AS \(dialect.typeName(field.type))) AS \(name)"
    }
    return (names, (old.joined(separator: ", "), dialect.list(names)))
  }

  private func counted(
    _ empty: TableDiff,
    _ names: [String],
    _ limit: Int,
    _ session: any EngineSession
  ) async throws -> TableDiff {
    var diff = empty
    let columns = dialect.list(names)
    let isSame = diff.keys.map {
      "mill_removed.\(dialect.quote($0)) IS NOT DISTINCT FROM mill_added.\(dialect.quote($0))"
    }.joined(separator: " AND ")
    let isChanged = diff.keys.isEmpty ? "false" : isSame
    let counts = try await session.rows(
      """
      SELECT (SELECT count(*) FROM mill_added), (SELECT count(*) FROM mill_removed),
        (SELECT count(*) FROM mill_removed
          WHERE EXISTS (SELECT 1 FROM mill_added WHERE \(isChanged))),
        (SELECT count(*) FROM mill_added
          WHERE EXISTS (SELECT 1 FROM mill_removed WHERE \(isChanged)))
      """,
      limit: 1
    )
    let gone = counts.integer(0, 2) ?? 0
    let come = counts.integer(0, 3) ?? 0
    diff.added = (counts.integer(0, 0) ?? 0) - come
    diff.removed = (counts.integer(0, 1) ?? 0) - gone
    diff.changed = diff.keys.isEmpty ? nil : max(gone, come)
    let order =
      diff.keys.isEmpty ? "mill_change" : dialect.list(diff.keys) + ", mill_rank"
    diff.rows = try await session.rows(
      """
      SELECT mill_change AS change, \(columns) FROM (
        SELECT CASE WHEN EXISTS (SELECT 1 FROM mill_added WHERE \(isChanged))
          THEN 'before' ELSE 'removed' END AS mill_change, 0 AS mill_rank, \(columns)
        FROM mill_removed
        UNION ALL
        SELECT CASE WHEN EXISTS (SELECT 1 FROM mill_removed WHERE \(isChanged))
          THEN 'after' ELSE 'added' END, 1, \(columns)
        FROM mill_added) AS mill_changes
      ORDER BY \(order) LIMIT \(max(0, limit))
      """,
      limit: max(0, limit)
    )
    return diff
  }

  private static func schemaChanges(_ before: Schema, _ after: Schema) -> [String] {
    var changes: [String] = []
    for field in before.fields where after[name: field.name] == nil {
      changes.append("- \(field.name) \(field.type)")
    }
    for field in after.fields {
      guard let old = before[name: field.name] else {
        changes.append("+ \(field.name) \(field.type)")
        continue
      }
      if old.type != field.type { changes.append("~ \(field.name) \(old.type) -> \(field.type)") }
    }
    return changes
  }
}
