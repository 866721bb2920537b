// SPDX-License-Identifier: Apache-2.0

public import MillCore
internal import MillEngine
internal import MillLake

extension FeatureStore {
  /// Brings the rows of a stretch of time into an online store once more, after whatever came since.
  ///
  /// It puts back what a store lost of some keys: of latest values the newest row of each key within the
  /// range, where it is newer than what is there; of windows all tiles of the keys that have a row in the
  /// range. Nothing else changes, and no value becomes older. Of latest values only files that may hold
  /// rows of the range are read, of windows those that one reaches; all where the log does not tell.
  ///
  /// - Parameters:
  ///   - range: By the time at which rows happened.
  ///   - asOf: Rows that happened or were known later are left for a later call.
  /// - Throws: As ``materialize(_:into:asOf:)``.
  public func backfill(
    _ name: String,
    _ range: Range<Instant>,
    into store: any OnlineStore,
    asOf: Instant? = nil
  ) async throws -> MaterializationReport {
    var attempts = 3
    while true {
      do {
        return try await backfillOnce(name, range, store, asOf)
      } catch OnlineStoreError.superseded where attempts > 1 {
        // Somebody brought a later version in meanwhile: the range is read from that one.
        attempts -= 1
      }
    }
  }

  private func backfillOnce(
    _ name: String,
    _ range: Range<Instant>,
    _ store: any OnlineStore,
    _ asOf: Instant?
  ) async throws -> MaterializationReport {
    var report = try await materialize(name, into: store, asOf: asOf)
    guard let view = definitions.view(name) else { return report }
    // Of a view of both kinds only one may have been written whole just now.
    if report.kind == .all, try await isWhole(view, in: store) { return report }
    report.kind = .range
    return try await withSession("backfill \(name)") { session in
      var report = report
      let sources = try await sources(of: view, at: report.tables)
      let bound = try await bind(view, sources, session)
      if !view.latest.isEmpty {
        try await backfillLatest(bound, range, sources, store, &report, session)
      }
      if !view.windowed.isEmpty {
        try await backfillTiles(bound, range, sources, store, &report, session)
      }
      return report
    }
  }

  /// Whether all keys of a view were written at its last materialization.
  private func isWhole(
    _ view: FeatureViewDefinition,
    in store: any OnlineStore
  ) async throws -> Bool {
    let contents: [OnlineTable.Content] =
      (view.latest.isEmpty ? [] : [.latest]) + (view.windowed.isEmpty ? [] : [.tiles])
    for content in contents {
      guard let state = try await store.state(of: onlineTable(view, content)),
        state.wholeAsOf == state.asOf
      else { return false }
    }
    return true
  }

  private func backfillLatest(
    _ bound: BoundView,
    _ range: Range<Instant>,
    _ sources: [DatasetName: Snapshot],
    _ store: any OnlineStore,
    _ report: inout MaterializationReport,
    _ session: any EngineSession
  ) async throws {
    let table = onlineTable(bound.view, .latest)
    guard let state = try await store.state(of: table) else { return }
    let relation = try await relation(
      of: bound,
      sources,
      only: files(of: bound, sources, from: range.lowerBound, to: range.upperBound),
      named: "mill_range",
      session
    )
    let rows = RelationName("mill_rows")
    try await defineNewest(rows, of: relation, state.asOf, within: range, session)
    try await write(
      rows,
      relation.keyNames.count,
      into: store,
      table,
      as: .newest(generation: state.generation),
      &report,
      session
    )
    for name in [rows, relation.name] { try await session.drop(name) }
    try await store.record(state, of: table)
  }

  private func backfillTiles(
    _ bound: BoundView,
    _ range: Range<Instant>,
    _ sources: [DatasetName: Snapshot],
    _ store: any OnlineStore,
    _ report: inout MaterializationReport,
    _ session: any EngineSession
  ) async throws {
    let table = onlineTable(bound.view, .tiles)
    guard let known = try await store.state(of: table), known.tables == report.tables else {
      throw OnlineStoreError.superseded(store: "of this project", table: table.description)
    }
    var state = known
    var work = TileWork(
      bound: bound,
      layout: TileLayout(bound),
      sources: sources,
      asOf: state.asOf
    )
    let relation = try await relation(
      of: bound,
      sources,
      only: files(
        of: bound,
        sources,
        from: Instant(microseconds: work.asOf.microseconds - work.layout.reach),
        to: work.asOf
      ),
      named: "mill_range",
      session
    )
    let (low, high) = (range.lowerBound.microseconds, range.upperBound.microseconds)
    let rows = dirtyRows(of: relation, work)
    let names = relation.keyNames.joined(separator: ", ")
    // A key of which only some tiles were put back would have wrong values: all of its tiles are.
    try await defineDirtyHops(
      [
        """
        SELECT * FROM (\(rows)) SEMI JOIN (
          SELECT DISTINCT \(names) FROM (\(rows)) WHERE t >= \(low) AND t < \(high)
        ) USING (\(names))
        """
      ],
      &work,
      session
    )
    try await session.drop(relation.name)
    state.generation = try await store.begin(table)
    guard state.generation == known.generation + 1 else {
      throw OnlineStoreError.superseded(store: "of this project", table: table.description)
    }
    do {
      try await write(work, dirty: true, into: store, table, state, &report, session)
    } catch is UnreadableTiles {
      throw OnlineStoreError.damaged(
        store: "of this project",
        detail: "\(table) holds what no version of Millrace wrote"
      )
    }
    try await requireUnchanged(known, of: table, in: store)
    _ = try await store.finish(state, of: table, rest: .stays)
  }
}
