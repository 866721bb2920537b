// SPDX-License-Identifier: Apache-2.0

internal import MillCore
internal import MillEngine
internal import MillLake
internal import MillSQL

/// What to find out about tables since a state.
extension FeatureStore {
  /// The files that came since a state, when nothing else happened to the tables; none where the tables
  /// are as they were.
  ///
  /// - Returns: nil when everything must be read: rows left, several tables are read, or rows are
  ///   combined before they are rows of the view.
  func added(
    since state: MaterializationState,
    _ bound: BoundView,
    _ sources: [DatasetName: Snapshot]
  ) async throws -> [AddFile]? {
    guard sources.count == 1, let (name, snapshot) = sources.first,
      let version = state.tables[name.description], version <= snapshot.version.number
    else { return nil }
    if case .sql(let sql) = bound.view.source {
      guard try await isRowLocal(sql, over: name, snapshot.schema) else { return nil }
    }
    if version == snapshot.version.number { return [] }
    let old: Snapshot
    do {
      old = try await environment.lake.table(name).snapshot(at: TableVersion(version))
    } catch {
      // The log of then was cleaned up, so that nobody can tell what is new.
      if case .noVersion = error { return nil }
      throw error
    }
    // A column of the same name may be another one.
    guard old.metadata.id == snapshot.metadata.id, old.schema == snapshot.schema else { return nil }
    let before = old.files.keys
    guard before.isSubset(of: snapshot.files.keys) else { return nil }
    return snapshot.files.filter { !before.contains($0.key) }
  }

  /// Whether each row of a query comes from one row of its table.
  private func isRowLocal(
    _ sql: String,
    over name: DatasetName,
    _ schema: Schema
  ) async throws -> Bool {
    // An empty stand-in is enough for the plan.
    try await withSession("shape of a view") { session in
      try await session.define(RelationName(name), schema: schema, rows: [])
      let query = try await session.describe(sql)
      return query.shape == .rowLocal && !query.isVolatile
    }
  }

  /// The files that may hold rows of some time; nil where that cannot be told from the log.
  func files(
    of bound: BoundView,
    _ sources: [DatasetName: Snapshot],
    from low: Instant,
    to high: Instant
  ) -> [AddFile]? {
    guard case .dataset(let dataset) = bound.view.source, let snapshot = sources[dataset],
      bound.timeType == .timestamp
    else { return nil }
    return snapshot.files(
      matching: .all([
        .compare([bound.view.time], .greaterOrEqual, .string(low.description)),
        .compare([bound.view.time], .lessOrEqual, .string(high.description)),
      ])
    )
  }

  /// How many rows happened or were known after a time, and when the first of them counts; nil for none.
  ///
  /// - Parameter excluding: Whether a row that happened at that very time is among them, as for windows,
  ///   which end before the question.
  func later(
    than time: Instant,
    excluding: Bool = false,
    _ relation: ViewRelation,
    _ session: any EngineSession
  ) async throws -> (count: Int64, first: Instant)? {
    let found = try await session.rows(
      """
      SELECT count(*), min(greatest(t, k)) FROM (
        SELECT \(relation.header) FROM \(dialect.quote(relation.name.name)) AS s)
      WHERE t \(excluding ? ">=" : ">") \(time.microseconds) OR k > \(time.microseconds)
      """,
      limit: 1
    )
    guard let count = found.integer(0, 0), count > 0 else { return nil }
    return (count, found.integer(0, 1).map { Instant(microseconds: $0) } ?? .latest)
  }
}
