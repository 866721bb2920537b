// SPDX-License-Identifier: Apache-2.0

public import MillCore
internal import MillEngine
internal import MillLake
internal import MillSQL
internal import MillTiles

/// What bringing a view into the online store did.
public struct MaterializationReport: Hashable, Sendable {
  /// How the rows were found.
  public enum Kind: String, Sendable {
    /// The tables are as they were: nothing was read.
    case none = "unchanged"
    /// Only files that came since were read.
    case added
    /// Everything was read.
    case all
    /// The rows of a stretch of time were read once more.
    case range
  }

  /// The view.
  public var view: String
  /// How the rows were found.
  public var kind: Kind
  /// Keys that were looked at.
  public var keys = 0
  /// Keys whose row is another one now.
  public var changed = 0
  /// Keys that are gone.
  public var removed = 0
  /// The version of each table that is in the store now.
  public var tables: [String: Int64] = [:]
  /// What was counted of the values; nil where nothing was, see ``FeatureStore/materialize(_:into:asOf:)``.
  public var statistics: ViewStatistics?
  /// Why values could not be counted; they are in the store all the same.
  public var notCounted: String?
}

extension FeatureStore {
  /// How many keys are packed and written at a time; memory is bounded by it.
  static let keysPerWrite = 32_768
  /// How many keys' tiles are read, and put together with new ones, at a time.
  static let keysPerMerge = 256

  /// Brings a view's newest values and tiles into an online store.
  ///
  /// Where the source only got files since the last time, those are read, and of windows the hops into
  /// which their rows fall are computed again; so late rows are seen whenever they happened. Otherwise
  /// everything is read. An older row never replaces a newer one.
  /// Interrupted work is done again from its beginning by the next call, with the same result.
  ///
  /// All definitions are recorded before the first row is written. Values are counted when all of them
  /// were read, and when so many rows came that their tables have a tenth more than at the last count.
  ///
  /// - Parameter asOf: Rows that happened or were known later are left for a later call.
  public func materialize(
    _ name: String,
    into store: any OnlineStore,
    asOf: Instant? = nil
  ) async throws -> MaterializationReport {
    guard let view = definitions.view(name) else {
      throw noRows(of: name)
    }
    if let asOf, asOf > environment.world.clock.now() {
      throw FeatureError.ahead(view: name, asked: asOf)
    }
    if !view.windowed.isEmpty { try requireServable(view) }
    var attempts = 3
    while true {
      do {
        // Whoever was first is as of a later time than this began.
        return try await materialize(view, into: store, asOf ?? environment.world.clock.now())
      } catch OnlineStoreError.superseded where attempts > 1 {
        // Somebody was first: from what they left, what is missing is taken.
        attempts -= 1
      }
    }
  }

  private func materialize(
    _ view: FeatureViewDefinition,
    into store: any OnlineStore,
    _ asOf: Instant
  ) async throws -> MaterializationReport {
    let name = view.name
    return try await withSession("materialize \(name)") { session in
      let sources = try await sources(of: view, at: [:])
      let bound = try await bind(view, sources, session)
      var report = MaterializationReport(view: name, kind: .none)
      for (dataset, snapshot) in sources {
        report.tables[dataset.description] = snapshot.version.number
      }
      try await recordDefinitions(types: [name: bound.features])
      var counted = CountedFeatures()
      if !view.latest.isEmpty {
        try await materializeLatest(bound, sources, store, asOf, &report, &counted, session)
      }
      if !view.windowed.isEmpty {
        try await materializeTiles(bound, sources, store, asOf, &report, &counted, session)
      }
      try await keep(counted, of: bound, sources, asOf, &report)
      return report
    }
  }

  /// Why there is no view of a name that has rows of its own.
  func noRows(of name: String) -> FeatureError {
    guard let definition = definitions.onDemand(name) else {
      let nearest = nearestName(to: name, among: definitions.views.map(\.name))
      return .unknown(.view, name, nearest: nearest)
    }
    return .definition(
      definition.place,
      name: name,
      problem: "it is computed on demand, and nothing of it is stored"
    )
  }

  /// What is in a store is never made older: whoever asked meanwhile has seen it.
  func requireLater(
    _ known: MaterializationState?,
    _ asOf: Instant,
    _ view: FeatureViewDefinition
  ) throws(FeatureError) {
    guard let known, known.asOf > asOf else { return }
    throw .older(view: view.name, asOf: known.asOf, asked: asOf)
  }

  /// Whether no pass was begun since the one that a state is of.
  func isSettled(
    _ known: MaterializationState?,
    _ table: OnlineTable,
    in store: any OnlineStore
  ) async throws -> Bool {
    try await store.lastPass(of: table) == known?.generation ?? 0
  }

  /// Whether a view's values can be kept online: an exact window needs to say how many rows.
  public func isServable(_ view: FeatureViewDefinition) -> Bool {
    (try? requireServable(view)) != nil
  }

  func onlineTable(_ view: FeatureViewDefinition, _ content: OnlineTable.Content) -> OnlineTable {
    OnlineTable(view: view.name, hash: hash(of: view), content: content)
  }

  // MARK: Latest values

  private func materializeLatest(
    _ bound: BoundView,
    _ sources: [DatasetName: Snapshot],
    _ store: any OnlineStore,
    _ asOf: Instant,
    _ report: inout MaterializationReport,
    _ counted: inout CountedFeatures,
    _ session: any EngineSession
  ) async throws {
    let table = onlineTable(bound.view, .latest)
    let known = try await store.state(of: table)
    // The same rows; but some may have lain in the future.
    try requireLater(known, asOf, bound.view)
    // What a pass left that was broken off, only another one over all rows makes good.
    let isSettled = try await isSettled(known, table, in: store)
    if let known, isSettled, known.isCurrent(with: report.tables, at: asOf) { return }
    // Rows that lay in the future then, and have happened since, may be in any file.
    var additions: [AddFile]?
    if let known, isSettled, known.pendingFrom.map({ $0 > asOf }) ?? true {
      additions = try await added(since: known, bound, sources)
    }
    let relation: ViewRelation
    let write: OnlineWrite
    var state = MaterializationState(
      tables: report.tables,
      asOf: asOf,
      generation: known?.generation ?? 0,
      wholeAsOf: known?.wholeAsOf
    )
    if let known, let additions {
      report.kind = .added
      write = .newest(generation: known.generation)
      relation = try await self.relation(
        of: bound,
        sources,
        only: additions,
        named: "mill_new",
        session
      )
    } else {
      report.kind = .all
      state.generation = try await store.begin(table)
      state.wholeAsOf = asOf
      write = .pass(generation: state.generation)
      relation = try await self.relation(of: bound, sources, named: "mill_new", session)
    }
    state.pendingFrom = try await later(than: asOf, relation, session)?.first
    // Those that were left out before still are, unless all rows are read again.
    if report.kind == .added, let before = known?.pendingFrom {
      state.pendingFrom = min(before, state.pendingFrom ?? before)
    }
    let rows = RelationName("mill_rows")
    try await defineNewest(rows, of: relation, asOf, session)
    try await self.write(
      rows,
      relation.keyNames.count,
      into: store,
      table,
      as: write,
      &report,
      session
    )
    let isWhole = report.kind == .all
    try await counting(bound.view, &report) {
      var isDue = isWhole
      if !isDue { isDue = try await hasGrown(bound.view, sources) }
      guard isDue else { return }
      counted.append(
        isWhole
          ? try await countLatest(bound, in: rows, session)
          : try await countNewest(of: bound, sources, asOf, session)
      )
    }
    for name in [rows, relation.name] { try await session.drop(name) }
    if report.kind == .all {
      report.removed += try await store.finish(state, of: table)
    } else {
      try await store.record(state, of: table)
    }
  }

  /// Defines the newest row of each key as of a time: `number`, keys, `t`, `k`, `id`, and `fN`.
  ///
  /// - Parameter range: Of the rows that happened then; nil for all.
  func defineNewest(
    _ rows: RelationName,
    of relation: ViewRelation,
    _ asOf: Instant,
    within range: Range<Instant>? = nil,
    _ session: any EngineSession
  ) async throws {
    let keys = relation.keyNames.joined(separator: ", ")
    var isCandidate =
      (relation.keyNames.map { "\($0) IS NOT NULL" } + [
        "t >= \(Instant.earliest.microseconds)", "t <= \(asOf.microseconds)",
        "k <= \(asOf.microseconds)",
      ]).joined(separator: " AND ")
    if let range {
      isCandidate += " AND t >= \(range.lowerBound.microseconds)"
      isCandidate += " AND t < \(range.upperBound.microseconds)"
    }
    let best = RelationName("mill_best")
    let source = dialect.quote(relation.name.name)
    let named = relation.keyNames.map { "\($0) AS _mill_\($0)" }.joined(separator: ", ")
    // First at which time: what tells the rows of one apart, and their values, are read of those alone.
    try await session.define(
      best,
      as: """
        SELECT \(named), max(t) AS _mill_t FROM (SELECT \(relation.header) FROM \(source) AS s)
        WHERE \(isCandidate) GROUP BY \(keys)
        """,
      keeping: .stored
    )
    let values = relation.bound.view.latest.enumerated().map { index, latest in
      "\(dialect.quote(latest.column)) AS f\(index)"
    }
    let isNewest =
      (zip(relation.keyNames, relation.keys).map { "b._mill_\($0) = \($1)" } + [
        "b._mill_t = \(relation.time)"
      ]).joined(separator: " AND ")
    let chosen = [relation.header, "\(relation.identity) AS id"] + values
    let names = relation.keyNames + ["t", "k", "id"] + values.indices.map { "f\($0)" }
    try await session.define(
      rows,
      as: """
        SELECT row_number() OVER () AS number, \(names.joined(separator: ", ")) FROM (
          SELECT \(chosen.joined(separator: ", "))
          FROM \(source) AS s SEMI JOIN mill_best AS b ON \(isNewest))
        WHERE \(isCandidate)
        QUALIFY row_number() OVER (PARTITION BY \(keys) ORDER BY k DESC, id DESC) = 1
        """,
      keeping: .stored
    )
    try await session.drop(best)
  }

  /// Writes rows that ``defineNewest(_:of:_:_:)`` defined, some at a time.
  func write(
    _ rows: RelationName,
    _ keyCount: Int,
    into store: any OnlineStore,
    _ table: OnlineTable,
    as write: OnlineWrite,
    _ report: inout MaterializationReport,
    _ session: any EngineSession
  ) async throws {
    let name = dialect.quote(rows.name)
    let count =
      try await session.rows("SELECT count(*) FROM \(name)", limit: 1).integer(0, 0) ?? 0
    var keysSeen = 0
    for start in stride(from: Int64(0), to: count, by: Self.keysPerWrite) {
      let batch = try await session.columns(
        """
        SELECT * EXCLUDE (number) FROM \(name)
        WHERE number > \(start) AND number <= \(start + Int64(Self.keysPerWrite))
        """,
        limit: Self.keysPerWrite
      )
      let packed = Self.pack(batch, keyCount: keyCount)
      keysSeen += packed.count
      report.changed += try await store.write(packed, to: table, as: write)
    }
    report.keys = max(report.keys, keysSeen)
  }

  /// Rows of keys, t, k, id and values as the store wants them.
  private static func pack(_ batch: ColumnBatch, keyCount: Int) -> [OnlineRow] {
    var rows: [OnlineRow] = []
    rows.reserveCapacity(batch.count)
    for row in 0..<batch.count {
      var key: [UInt8] = []
      for column in 0..<keyCount { PackedCells.append(batch.columns[column], row, to: &key) }
      var payload: [UInt8] = [PackedCells.format]
      for column in batch.columns.dropFirst(keyCount + 3) {
        PackedCells.append(column, row, to: &payload)
      }
      rows.append(
        OnlineRow(
          key: key,
          version: RowVersion(
            time: Instant(microseconds: batch.columns[keyCount].integer(row)),
            knowledge: Instant(microseconds: batch.columns[keyCount + 1].integer(row)),
            id: {
              if case .bytes(let bytes) = batch.columns[keyCount + 2][row] { bytes } else { [] }
            }()
          ),
          payload: payload
        )
      )
    }
    return rows
  }
}

extension MaterializationState {
  /// Whether the same tables were taken, and nothing that was left out counts by now.
  func isCurrent(with tables: [String: Int64], at time: Instant) -> Bool {
    self.tables == tables && pendingFrom.map { $0 > time } ?? true
  }
}
