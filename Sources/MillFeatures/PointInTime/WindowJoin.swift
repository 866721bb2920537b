// SPDX-License-Identifier: Apache-2.0

internal import MillCore
internal import MillEngine
internal import MillSQL
internal import MillTiles

/// Aggregates over windows as of each label's time, from tiles.
///
/// A window of a label is cut into whole hops and what is left at its ends. A tile answers for a hop
/// that lies inside of the window and of which every row was known by then; the rows of all other
/// hops that the window touches are folded one by one. Both are states of one algebra, so the answer
/// is that of folding all rows, and the work is a few tiles for each label whatever they hold.
///
/// > Source: docs/semantics.md, 21 to 24.
struct WindowJoin {
  let view: ViewRelation
  let labels: LabelRelation
  let prefix: String
  let respectsKnowledge: Bool
  let groups: [TileGroup]
  let sql: TileSQL

  private var dialect: any Dialect { view.dialect }
  private var keys: String { view.keyNames.joined(separator: ", ") }
  private var rows: String { "\(prefix)_rows" }

  /// - Parameter wanted: The features that were asked for, by their names in the view.
  init(
    view: ViewRelation,
    labels: LabelRelation,
    prefix: String,
    respectsKnowledge: Bool,
    wanted: [String],
    names: [ResolvedFeature: String],
    dialect name: DialectName
  ) {
    self.names = names
    self.view = view
    self.labels = labels
    self.prefix = prefix
    self.respectsKnowledge = respectsKnowledge
    sql = TileSQL(name)
    groups = TileGroup.of(view.bound, wanted: wanted)
    self.wanted = Set(wanted)
  }

  private let wanted: Set<String>
  /// The columns that features become.
  private let names: [ResolvedFeature: String]

  /// A window and the features over it.
  private func features(over window: Window) -> [(
    TileGroup, FeatureViewDefinition.Windowed.Feature
  )] {
    groups.flatMap { group in
      group.windowed.features
        .filter { $0.window == window && wanted.contains($0.name) }
        .map { (group, $0) }
    }
  }

  private var windows: [Window] {
    var found: [Window] = []
    for feature in groups.flatMap(\.windowed.features) where wanted.contains(feature.name) {
      if !found.contains(feature.window) { found.append(feature.window) }
    }
    return found
  }

  /// The hop of the tiles that answer for most of a window; nil where rows alone do.
  static func hop(for window: Window) -> Hop? {
    if case .hop(let hop) = window.edge { return hop }
    return Hop.default(for: window.length)
      ?? Hop.allCases.last { $0.microseconds <= window.length.microsecondsWhole / 4 }
  }

  // MARK: Steps

  /// Defines rows and tiles, and gives a query by `_row` for each window.
  func queries(_ session: any EngineSession) async throws -> [String] {
    guard labels.range != nil else { return [] }
    try await defineRows(session)
    var defined: Set<Hop> = []
    var queries: [String] = []
    for window in windows {
      if let hop = Self.hop(for: window), defined.insert(hop).inserted {
        try await defineTiles(hop, session)
      }
      queries.append(try query(window))
    }
    return queries
  }

  private func defineRows(_ session: any EngineSession) async throws {
    let longest = windows.map { window in
      window.length.microsecondsWhole + (Self.hop(for: window)?.microseconds ?? 0)
    }
    let cells = groups.flatMap { $0.cells(dialect) }
    var conditions = view.keyNames.map { "\($0) IS NOT NULL" }
    conditions.append("t >= \(Instant.earliest.microseconds)")
    if respectsKnowledge { conditions.append("k IS NOT NULL") }
    if let range = labels.range {
      conditions.append("t < \(range.upperBound)")
      let (low, isOver) = range.lowerBound.subtractingReportingOverflow(longest.max() ?? 0)
      if !isOver { conditions.append("t >= \(low)") }
    }
    let id = groups.contains(where: \.needsIdentity) ? view.identity : "CAST('' AS BLOB)"
    try await session.define(
      RelationName(rows),
      as: """
        SELECT * REPLACE (coalesce(k, CAST(\(Instant.earliest.microseconds) AS BIGINT)) AS k) FROM (
          SELECT \(([view.header, "\(id) AS id"] + cells).joined(separator: ", "))
          FROM \(dialect.quote(view.name.name)) AS s)
        WHERE \(conditions.joined(separator: " AND "))
        """,
      keeping: .stored
    )
  }

  private func tiles(_ hop: Hop) -> String { "\(prefix)_tiles_\(hop.microseconds)" }

  private func defineTiles(_ hop: Hop, _ session: any EngineSession) async throws {
    let name = RelationName(tiles(hop))
    try await session.define(
      name,
      as: """
        SELECT \(keys), \(floor("t", hop.microseconds)) AS hop, max(k) AS known,
          \(states.joined(separator: ", "))
        FROM \(rows) GROUP BY \(keys), \(floor("t", hop.microseconds))
        """,
      keeping: .stored
    )
  }

  /// The states of rows, as aggregate expressions with the names of their columns.
  private var states: [String] { groups.flatMap { $0.states(sql) } }

  private var stateColumns: [String] { groups.flatMap(\.columns) }

  private func floor(_ time: String, _ size: Int64) -> String {
    "(\(time) - ((\(time) % \(size)) + \(size)) % \(size))"
  }

  /// The labels with their keys under the names of the rows, `q`, and `lo`, where the window begins.
  ///
  /// Each stands once for every stretch of the window's length that its window touches: rows of
  /// other stretches are then never looked at.
  private func questions(_ window: Window, stretch: Int64) throws -> String {
    var cells = ["l.\(LabelRelation.row)", "l.\(LabelRelation.time) AS q"]
    for (index, key) in view.bound.keys.enumerated() {
      let column = try labels.column(for: key.key, of: view.bound.view.name)
      cells.append(
        "TRY_CAST(l.\(dialect.quote(column)) AS \(dialect.typeName(key.key.type))) AS k\(index)"
      )
    }
    let length = window.length.microsecondsWhole
    let start = "l.\(LabelRelation.time) - \(length)"
    let lo: String =
      switch window.edge {
      case .exact: "(\(start))"
      case .hop(let hop): floor("(\(start))", hop.microseconds)
      }
    let reach = Self.hop(for: window).map { floor(lo, $0.microseconds) } ?? lo
    let first = floor(reach, stretch)
    let last = floor("(l.\(LabelRelation.time))", stretch)
    return """
      SELECT \(cells.joined(separator: ", ")), \(lo) AS lo,
        unnest(list_distinct([\(first), \(last)])) AS stretch
      FROM \(dialect.quote(labels.name.name)) AS l
      """
  }

  private func query(_ window: Window) throws -> String {
    let length = window.length.microsecondsWhole
    let parts: String
    let equal = view.keyNames.map { "l.\($0) = r.\($0)" }.joined(separator: " AND ")
    let isKnown = respectsKnowledge ? "r.k <= l.q" : "true"
    let names = stateColumns.joined(separator: ", ")
    if let hop = Self.hop(for: window) {
      let size = hop.microseconds
      let stretch = length + 2 * size
      let wasKnown = respectsKnowledge ? "r.known <= l.q" : "true"
      let touched = "\(prefix)_touched"
      parts = """
        WITH \(touched) AS MATERIALIZED (
          SELECT l.\(LabelRelation.row), l.q, l.lo,
            (r.hop >= l.lo AND r.hop + \(size) <= l.q AND \(wasKnown)) AS is_whole, r.*
          FROM (\(try questions(window, stretch: stretch))) AS l
          JOIN (SELECT *, \(floor("hop", stretch)) AS stretch FROM \(tiles(hop))) AS r
            ON \(equal) AND l.stretch = r.stretch AND r.hop < l.q AND r.hop + \(size) > l.lo)
        SELECT \(LabelRelation.row), \(names) FROM \(touched) WHERE is_whole
        UNION ALL
        SELECT * FROM (
          SELECT \(LabelRelation.row), \(states.joined(separator: ", ")) FROM (
            SELECT l.\(LabelRelation.row), r.* FROM \(touched) AS l
            JOIN (SELECT *, \(floor("t", size)) AS hop FROM \(rows)) AS r
              ON \(equal) AND l.hop = r.hop
            WHERE NOT l.is_whole AND r.t >= l.lo AND r.t < l.q AND \(isKnown))
          GROUP BY \(LabelRelation.row))
        """
    } else {
      parts = """
        SELECT \(LabelRelation.row), \(states.joined(separator: ", ")) FROM (
          SELECT l.\(LabelRelation.row), r.*
          FROM (\(try questions(window, stretch: length))) AS l
          JOIN (SELECT *, \(floor("t", length)) AS stretch FROM \(rows)) AS r
            ON \(equal) AND l.stretch = r.stretch
          WHERE r.t >= l.lo AND r.t < l.q AND \(isKnown))
        GROUP BY \(LabelRelation.row)
        """
    }
    let merged = groups.flatMap { group in
      group.shapes.flatMap { shape in
        sql.merge(shape) { group.column(shape, $0) }
          .map { "\($0.sql) AS m\(group.column(shape, $0.suffix))" }
      }
    }
    let finished = features(over: window).compactMap { group, feature -> String? in
      guard let shape = group.shape(for: feature.aggregation) else { return nil }
      let value = sql.finish(feature.aggregation, shape) { "m\(group.column(shape, $0))" }
      let name = self.names[ResolvedFeature(view: view.bound.view.name, name: feature.name)]
      return "\(value) AS \(name ?? dialect.quote(feature.name))"
    }
    return """
      SELECT \(LabelRelation.row), \(finished.joined(separator: ", ")) FROM (
        SELECT \(LabelRelation.row), \(merged.joined(separator: ", "))
        FROM (\(parts)) AS parts GROUP BY \(LabelRelation.row))
      """
  }
}
