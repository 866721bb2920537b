// SPDX-License-Identifier: Apache-2.0

internal import MillCore
internal import MillEngine
internal import MillLake
internal import MillSQL
internal import MillTiles

extension FeatureStore {
  /// An exact window is answered by rows one by one, of which a bounded number is kept.
  func requireServable(_ view: FeatureViewDefinition) throws(FeatureError) {
    guard view.eventsPerKeyMax == nil else { return }
    for windowed in view.windowed {
      guard let span = windowed.windows.first(where: { $0.window.edge == .exact }) else { continue }
      throw .definition(
        windowed.place,
        name: view.name,
        problem:
          "the window \(span.word) is exact, and its rows are kept online once the view says of how "
          + "many for a key: write `max_events_per_key: 10000` there, or `edge: hop` here; without, "
          + "the view is for training alone"
      )
    }
  }

  /// Brings the tiles of a view's windows into an online store.
  ///
  /// Tiles hold the rows before `asOf`; all of a key's tiles are one row of the store. Where only files
  /// came, the hops of their rows are computed again, from all rows of these hops, and take the place of
  /// what the keys had for them: the same work again gives the same tiles.
  ///
  /// > Source: docs/semantics.md, 27.
  func materializeTiles(
    _ bound: BoundView,
    _ sources: [DatasetName: Snapshot],
    _ store: any OnlineStore,
    _ asOf: Instant,
    _ report: inout MaterializationReport,
    _ counted: inout CountedFeatures,
    _ session: any EngineSession
  ) async throws {
    let table = onlineTable(bound.view, .tiles)
    let known = try await store.state(of: table)
    try requireLater(known, asOf, bound.view)
    // What a pass left that was broken off, only another one over all rows makes good.
    let isSettled = try await isSettled(known, table, in: store)
    if let known, isSettled, known.isCurrent(with: report.tables, at: asOf) { return }
    let layout = TileLayout(bound)
    var work = TileWork(bound: bound, layout: layout, sources: sources, asOf: asOf)
    var state = MaterializationState(tables: report.tables, asOf: asOf, generation: 0)
    var isPart = false
    // What no window reaches any more goes with the next pass over all keys.
    if let known, isSettled,
      known.wholeAsOf.microseconds > asOf.microseconds - layout.reach - layout.reach,
      let additions = try await added(since: known, bound, sources)
    {
      state.pendingFrom = known.pendingFrom
      state.wholeAsOf = known.wholeAsOf
      isPart = try await define(
        dirtyHopsOf: additions,
        since: known,
        &work,
        &state,
        session
      )
    }
    state.generation = try await store.begin(table)
    // Nor may somebody else be at work: their rows would stand under this state.
    if isPart, state.generation != (known?.generation ?? 0) + 1 { isPart = false }
    if isPart {
      report.kind = report.kind == .all ? .all : .added
      do {
        try await write(work, dirty: true, into: store, table, state, &report, session)
      } catch is UnreadableTiles {
        // The store holds what nobody can add to: all is made anew.
        isPart = false
      }
    }
    if !isPart {
      report.kind = .all
      state.wholeAsOf = asOf
      let relation = try await whole(work, session)
      state.pendingFrom = try await later(than: asOf, excluding: true, relation, session)?.first
      try await write(work, dirty: false, into: store, table, state, &report, session)
    }
    if isPart { try await requireUnchanged(known, of: table, in: store) }
    let isWhole = !isPart
    try await counting(bound.view, &report) {
      // A view is counted as a whole.
      var isDue = isWhole || !counted.features.isEmpty
      if !isDue { isDue = try await hasGrown(bound.view, sources) }
      guard isDue else { return }
      if !isWhole {
        let relation = try await whole(work, session)
        try await session.define(
          TileWork.tiles,
          as: query(work, relation, dirty: false),
          keeping: .stored
        )
      }
      counted.append(
        try await countWindows(
          layout,
          bound,
          tiles: TileWork.tiles,
          keys: work.keyNames,
          asOf,
          session
        )
      )
    }
    report.removed += try await store.finish(state, of: table, rest: isPart ? .stays : .goes)
  }

  /// The rest of a table stays under a new state only while it is that of the state that was read.
  ///
  /// - Throws: `OnlineStoreError.superseded` when somebody ended a pass, or made the store anew.
  func requireUnchanged(
    _ known: MaterializationState?,
    of table: OnlineTable,
    in store: any OnlineStore
  ) async throws {
    guard try await store.state(of: table) != known else { return }
    throw OnlineStoreError.superseded(store: "of this project", table: table.description)
  }

  /// All rows of the source.
  private func whole(
    _ work: TileWork,
    _ session: any EngineSession
  ) async throws -> ViewRelation {
    try await relation(of: work.bound, work.sources, named: "mill_source", session)
  }

  // MARK: Dirty hops

  /// Defines the hops of keys into which rows fall that the store does not know.
  ///
  /// - Returns: False when so many do that all keys are written as well.
  private func define(
    dirtyHopsOf additions: [AddFile],
    since known: MaterializationState,
    _ work: inout TileWork,
    _ state: inout MaterializationState,
    _ session: any EngineSession
  ) async throws -> Bool {
    var parts: [String] = []
    if !additions.isEmpty {
      let fresh = try await relation(
        of: work.bound,
        work.sources,
        only: additions,
        named: "mill_fresh",
        session
      )
      parts.append(dirtyRows(of: fresh, work))
      if let first = try await later(than: work.asOf, excluding: true, fresh, session)?.first {
        state.pendingFrom = min(state.pendingFrom ?? first, first)
      }
    }
    if let pending = known.pendingFrom, pending <= work.asOf {
      // Rows that were left out, wherever they are: they happen, or are known, since then.
      let all = try await whole(work, session)
      let then = known.asOf.microseconds
      parts.append("\(dirtyRows(of: all, work)) AND (t >= \(then) OR k > \(then))")
      state.pendingFrom =
        try await later(than: work.asOf, excluding: true, all, session)?.first
    }
    guard !parts.isEmpty else { return false }
    try await defineDirtyHops(parts, &work, session)
    return true
  }

  /// Defines the hops of rows, each once, and in which time all of them are.
  func defineDirtyHops(
    _ parts: [String],
    _ work: inout TileWork,
    _ session: any EngineSession
  ) async throws {
    try await session.define(
      RelationName("mill_dirty_rows"),
      as: parts.joined(separator: "\nUNION\n"),
      keeping: .stored
    )
    let keys = work.keyNames.joined(separator: ", ")
    let levels = work.layout.levels.enumerated().map { index, level in
      """
      SELECT DISTINCT \(keys), CAST(\(index) AS INTEGER) AS level, \(level.hop) AS hop
      FROM mill_dirty_rows WHERE t >= \(work.lowest(level))
      """
    }
    try await session.define(
      TileWork.dirty,
      as: levels.joined(separator: "\nUNION ALL\n"),
      keeping: .stored
    )
    try await session.drop(RelationName("mill_dirty_rows"))
    // Only files that may hold rows of these hops are read.
    let ends = work.layout.levels.enumerated().map { index, level in
      "CASE WHEN level = \(index) THEN hop + \(level.size - 1) END"
    }
    let range = try await session.rows(
      "SELECT min(hop), max(coalesce(\(ends.joined(separator: ", ")))) FROM mill_dirty",
      limit: 1
    )
    guard let low = range.integer(0, 0), let high = range.integer(0, 1) else {
      // All that came is older than any window reaches.
      work.range = (work.asOf, work.asOf)
      return
    }
    work.range = (Instant(microseconds: low), Instant(microseconds: high))
  }

  /// The keys and times of rows that go into tiles.
  func dirtyRows(of relation: ViewRelation, _ work: TileWork) -> String {
    """
    SELECT \((relation.keyNames + ["t"]).joined(separator: ", "))
    FROM (SELECT \(relation.header) FROM \(dialect.quote(relation.name.name)) AS s)
    WHERE \(work.isCandidate(relation))
    """
  }

  // MARK: Tiles

  /// Computes tiles and writes them, some at a time.
  ///
  /// - Throws: ``UnreadableTiles``.
  func write(
    _ work: TileWork,
    dirty: Bool,
    into store: any OnlineStore,
    _ table: OnlineTable,
    _ state: MaterializationState,
    _ report: inout MaterializationReport,
    _ session: any EngineSession
  ) async throws {
    let relation: ViewRelation
    if dirty, let files = files(of: work.bound, work.sources, from: work.range.0, to: work.range.1)
    {
      relation = try await self.relation(
        of: work.bound,
        work.sources,
        only: files,
        named: "mill_source",
        session
      )
    } else {
      relation = try await whole(work, session)
    }
    try await session.define(
      TileWork.tiles,
      as: query(work, relation, dirty: dirty),
      keeping: .stored
    )
    let count =
      try await session.rows("SELECT count(*) FROM mill_tiles", limit: 1).integer(0, 0) ?? 0
    var keysSeen = 0
    var packer = TilePacker(layout: work.layout, keyCount: relation.keyNames.count)
    func put(_ rows: [OnlineRow]) async throws {
      guard !rows.isEmpty else { return }
      keysSeen += rows.count
      // Of a key a tile may be new, and thousands may be there: some keys at a time.
      let size = dirty ? Self.keysPerMerge : rows.count
      for start in stride(from: 0, to: rows.count, by: size) {
        var part = Array(rows[start..<min(start + size, rows.count)])
        if dirty { try await merge(&part, work, table, store) }
        report.changed += try await store.write(
          part,
          to: table,
          as: .pass(generation: state.generation)
        )
      }
    }
    for start in stride(from: Int64(0), to: count, by: Self.keysPerWrite) {
      let batch = try await session.columns(
        """
        SELECT * EXCLUDE (number) FROM mill_tiles
        WHERE number > \(start) AND number <= \(start + Int64(Self.keysPerWrite))
        ORDER BY number
        """,
        limit: Self.keysPerWrite
      )
      try await put(try packer.append(batch))
    }
    try await put(packer.finish())
    report.keys = max(report.keys, keysSeen)
  }

  /// Takes the other tiles of keys from the store.
  ///
  /// - Throws: ``UnreadableTiles``.
  private func merge(
    _ rows: inout [OnlineRow],
    _ work: TileWork,
    _ table: OnlineTable,
    _ store: any OnlineStore
  ) async throws {
    let known = try await store.read(rows.map(\.key), of: table)
    for (index, row) in known.enumerated() {
      guard let row else { continue }
      guard let merged = work.layout.row(row, replacedBy: rows[index], asOf: work.asOf) else {
        throw UnreadableTiles()
      }
      rows[index] = merged
    }
  }

  /// The tiles of all keys and hops, those of one key together.
  ///
  /// - Parameter dirty: Whether those of dirty hops alone.
  private func query(_ work: TileWork, _ relation: ViewRelation, dirty: Bool) -> String {
    let layout = work.layout
    let keys = relation.keyNames.joined(separator: ", ")
    let sql = TileSQL(environment.engine.dialect)
    var groups: [TileGroup] = []
    for group in layout.levels.flatMap(\.groups)
    where !groups.contains(where: { $0.index == group.index }) {
      groups.append(group)
    }
    groups.sort { $0.index < $1.index }
    let id = groups.contains(where: \.needsIdentity) ? relation.identity : "CAST('' AS BLOB)"
    let cells = [relation.header, "\(id) AS id"] + groups.flatMap { $0.cells(dialect) }
    var isCandidate = work.isCandidate(relation)
    if dirty {
      let (low, high) = work.range
      isCandidate += " AND t >= \(low.microseconds) AND t <= \(high.microseconds)"
    }
    let states = groups.flatMap { $0.states(sql) }.joined(separator: ", ")
    let isDirty = (relation.keyNames + ["hop"]).map { "d.\($0) = r.\($0)" }
      .joined(separator: " AND ")
    let levels = layout.levels.enumerated().map { index, level in
      let rows = "SELECT *, \(level.hop) AS hop FROM mill_rows WHERE t >= \(work.lowest(level))"
      let chosen =
        dirty
        ? "(\(rows)) AS r SEMI JOIN (SELECT * FROM mill_dirty WHERE level = \(index)) AS d ON \(isDirty)"
        : "(\(rows)) AS r"
      // One more than are kept says that there were more.
      let newest =
        level.isExact
        ? "QUALIFY row_number() OVER (PARTITION BY \(keys) ORDER BY hop DESC) <= \(layout.momentsMax + 1)"
        : ""
      return """
        SELECT \(keys), CAST(\(index) AS INTEGER) AS level, hop, max(t) AS t, max(k) AS k, \(states)
        FROM \(chosen) GROUP BY \(keys), hop \(newest)
        """
    }
    return """
      WITH mill_rows AS MATERIALIZED (
        SELECT * FROM (
          SELECT \(cells.joined(separator: ", "))
          FROM \(dialect.quote(relation.name.name)) AS s)
        WHERE \(isCandidate))
      SELECT row_number() OVER (ORDER BY \(keys), level, hop) AS number, *
      FROM (\(levels.joined(separator: "\nUNION ALL\n")))
      """
  }
}

/// The store holds tiles that are none of the layout.
struct UnreadableTiles: Error {}

/// What one materialization of tiles is about.
struct TileWork {
  let bound: BoundView
  let layout: TileLayout
  let sources: [DatasetName: Snapshot]
  let asOf: Instant
  /// The first and the last moment of all dirty hops.
  var range: (Instant, Instant) = (.earliest, .latest)

  static let tiles = RelationName("mill_tiles")
  static let dirty = RelationName("mill_dirty")

  var keyNames: [String] { bound.keys.indices.map { "k\($0)" } }

  /// The first moment that tiles of a level are needed of.
  func lowest(_ level: TileLayout.Level) -> Int64 { asOf.microseconds - layout.reach(of: level) }

  /// Which rows go into tiles, over the columns of ``ViewRelation``.
  func isCandidate(_ relation: ViewRelation) -> String {
    (relation.keyNames.map { "\($0) IS NOT NULL" } + [
      "t < \(asOf.microseconds)", "k <= \(asOf.microseconds)",
      "t >= \(asOf.microseconds - layout.reach)",
    ]).joined(separator: " AND ")
  }
}

extension TileLayout.Level {
  /// The beginning of the tile that holds `t`, in SQL.
  fileprivate var hop: String { isExact ? "t" : "(t - ((t % \(size)) + \(size)) % \(size))" }
}

/// Puts the tiles of a key, which come one after the other, into one row.
private struct TilePacker {
  private let layout: TileLayout
  private let keyCount: Int
  private let places: [Int: [Int]]
  private var key: [UInt8]?
  private var builder: TileLayout.Builder
  private var version = RowVersion(time: .earliest, knowledge: .earliest)

  init(layout: TileLayout, keyCount: Int) {
    self.layout = layout
    self.keyCount = keyCount
    builder = TileLayout.Builder(layout)
    // The states of a group lie behind those of all groups of a lesser number.
    var next = keyCount + 4
    var places: [Int: [Int]] = [:]
    let groups = layout.levels.flatMap(\.groups).sorted { $0.index < $1.index }
    for group in groups where places[group.index] == nil {
      places[group.index] = group.shapes.map { shape in
        defer { next += shape.columns.count }
        return next
      }
    }
    self.places = places
  }

  mutating func append(_ batch: ColumnBatch) throws -> [OnlineRow] {
    var rows: [OnlineRow] = []
    for row in 0..<batch.count {
      var bytes: [UInt8] = []
      for column in 0..<keyCount { PackedCells.append(batch.columns[column], row, to: &bytes) }
      if bytes != key {
        rows += finish()
        key = bytes
      }
      let level = Int(batch.columns[keyCount].integer(row))
      builder.begin(level: level, hop: batch.columns[keyCount + 1].integer(row))
      version.time = max(
        version.time,
        Instant(microseconds: batch.columns[keyCount + 2].integer(row))
      )
      version.knowledge = max(
        version.knowledge,
        Instant(microseconds: batch.columns[keyCount + 3].integer(row))
      )
      for group in layout.levels[level].groups {
        for (shape, place) in zip(group.shapes, places[group.index] ?? []) {
          let members = shape.columns.indices.map { batch.columns[place + $0][row] }
          builder.append(try TileState(shape, columns: members), level: level)
        }
      }
    }
    return rows
  }

  /// The row of the key that was worked on last.
  mutating func finish() -> [OnlineRow] {
    guard let key else { return [] }
    let row = OnlineRow(key: key, version: version, payload: builder.finish())
    self.key = nil
    builder = TileLayout.Builder(layout)
    version = RowVersion(time: .earliest, knowledge: .earliest)
    return [row]
  }
}
