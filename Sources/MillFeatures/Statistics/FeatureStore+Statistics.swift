// SPDX-License-Identifier: Apache-2.0

internal import MillCore
internal import MillEngine
internal import MillLake
internal import MillSQL
internal import MillTiles

extension FeatureStore {
  /// Windows are counted over so many keys at most, spread by a hash over all.
  static let windowKeysMax: Int64 = 100_000

  /// What was counted of a view as it is defined now, the newest first.
  ///
  /// - Throws: `FeatureError.unknown`.
  public func statistics(of name: String) async throws -> [ViewStatistics] {
    guard let view = definitions.view(name) else { throw noRows(of: name) }
    return try await environment.statistics?.statistics(of: name, hash: hash(of: view)) ?? []
  }

  /// Whether values are to be counted, for those that are brought in.
  func wantsStatistics(_ view: FeatureViewDefinition) -> Bool {
    environment.statistics != nil && view.keepsStatistics
  }

  /// The rows of the tables' files; nil where one does not tell.
  static func rows(of sources: [DatasetName: Snapshot]) -> Int64? {
    var total: Int64 = 0
    for snapshot in sources.values {
      for file in snapshot.files {
        guard let rows = file.numRecords else { return nil }
        total += rows
      }
    }
    return total
  }

  /// Whether what was added to the tables since the last count is worth another one: a tenth more rows.
  ///
  /// So the price of all counts together stays in proportion to the rows, however small the steps.
  func hasGrown(
    _ view: FeatureViewDefinition,
    _ sources: [DatasetName: Snapshot]
  ) async throws -> Bool {
    guard
      let last = try await environment.statistics?
        .statistics(of: view.name, hash: hash(of: view)).first
    else { return true }
    guard let then = last.sourceRows, let now = Self.rows(of: sources) else { return false }
    return now - then >= max(1, then / 10)
  }

  /// Counts values where they are wanted; what fails says so in the report, since they are served all
  /// the same.
  func counting(
    _ view: FeatureViewDefinition,
    _ report: inout MaterializationReport,
    _ count: () async throws -> Void
  ) async throws {
    guard wantsStatistics(view) else { return }
    do {
      try await count()
    } catch let error as any Failure where error.errorClass != .cancelled {
      report.notCounted = error.description
    }
  }

  /// Keeps what was counted of a view.
  func keep(
    _ counted: CountedFeatures,
    of bound: BoundView,
    _ sources: [DatasetName: Snapshot],
    _ asOf: Instant,
    _ report: inout MaterializationReport
  ) async throws {
    guard let storage = environment.statistics, report.notCounted == nil,
      counted.features.count == bound.features.count
    else { return }
    let statistics = ViewStatistics(
      view: bound.view.name,
      hash: hash(of: bound.view),
      asOf: asOf,
      countedAt: environment.world.clock.now(),
      tables: report.tables,
      sourceRows: Self.rows(of: sources),
      isApproximate: counted.isApproximate,
      features: counted.features
    )
    try await counting(bound.view, &report) {
      try await storage.record(statistics)
    }
    if report.notCounted == nil { report.statistics = statistics }
  }

  /// Counts the latest values of all keys where only new rows were read.
  func countNewest(
    of bound: BoundView,
    _ sources: [DatasetName: Snapshot],
    _ asOf: Instant,
    _ session: any EngineSession
  ) async throws -> CountedFeatures {
    let relation = try await relation(of: bound, sources, named: "mill_all", session)
    let rows = RelationName("mill_counted")
    try await defineNewest(rows, of: relation, asOf, session)
    let counted = try await countLatest(bound, in: rows, session)
    for name in [rows, relation.name] { try await session.drop(name) }
    return counted
  }

  /// Counts the latest values, of which the relation has one row for each key.
  func countLatest(
    _ bound: BoundView,
    in relation: RelationName,
    _ session: any EngineSession
  ) async throws -> CountedFeatures {
    let columns = bound.view.latest.indices.map { index in
      StatisticsScan.Column(feature: bound.features[index], name: "f\(index)")
    }
    return CountedFeatures(
      try await StatisticsScan(
        relation: relation,
        columns: columns,
        dialect: dialect,
        session: session
      ).run()
    )
  }

  /// Counts the values of windows as of the time of their tiles.
  ///
  /// - Parameter tiles: As they go into the store, all of a key's before those of the next.
  func countWindows(
    _ layout: TileLayout,
    _ bound: BoundView,
    tiles: RelationName,
    keys: [String],
    _ asOf: Instant,
    _ session: any EngineSession
  ) async throws -> CountedFeatures {
    let sql = TileSQL(environment.engine.dialect)
    let source = dialect.quote(tiles.name)
    let list = keys.joined(separator: ", ")
    let count = try await session.rows(
      "SELECT count(DISTINCT \(keys.count == 1 ? list : "(\(list))")) FROM \(source)",
      limit: 1
    ).integer(0, 0)
    let share = ((count ?? 0) + Self.windowKeysMax - 1) / Self.windowKeysMax
    let isCounted = share > 1 ? "hash(\(list)) % \(share) = 0" : "true"
    let features = bound.view.windowed.flatMap(\.features)
    let latestCount = bound.view.latest.count
    var joins: [String] = []
    var columns: [Int: String] = [:]
    for (level, tiles) in layout.levels.enumerated() {
      let groups = tiles.groups
      for window in TileLayout.windows(of: tiles) {
        let name = "w\(joins.count)"
        let merged = groups.flatMap { group in
          group.shapes.flatMap { shape in
            sql.merge(shape) { group.column(shape, $0) }
              .map { "\($0.sql) AS m\(group.column(shape, $0.suffix))" }
          }
        }
        let finished = groups.flatMap { group in
          group.windowed.features.filter { $0.window == window }.compactMap { feature -> String? in
            guard let place = features.firstIndex(where: { $0.name == feature.name }),
              let shape = group.shape(for: feature.aggregation)
            else { return nil }
            let value = sql.finish(feature.aggregation, shape) { "m\(group.column(shape, $0))" }
            switch feature.aggregation {
            case .count, .distinct: columns[place] = "coalesce(\(name).f\(place), 0)"
            default: columns[place] = "\(name).f\(place)"
            }
            return "\(value) AS f\(place)"
          }
        }
        guard !finished.isEmpty else { continue }
        let low = window.lowerBound(at: asOf).microseconds
        joins.append(
          """
          LEFT JOIN (
            SELECT \(list), \(finished.joined(separator: ", ")) FROM (
              SELECT \(list), \(merged.joined(separator: ", ")) FROM \(source)
              WHERE level = \(level) AND hop >= \(low) AND \(isCounted) GROUP BY \(list))
          ) AS \(name) USING (\(list))
          """
        )
      }
    }
    let cells = features.indices.compactMap { index in columns[index].map { "\($0) AS f\(index)" } }
    guard cells.count == features.count else { return CountedFeatures(([], false)) }
    let values = RelationName("mill_values")
    try await session.define(
      values,
      as: """
        SELECT \(cells.joined(separator: ", "))
        FROM (SELECT DISTINCT \(list) FROM \(source) WHERE \(isCounted)) AS keys
        \(joins.joined(separator: "\n"))
        """,
      keeping: .stored
    )
    let scan = StatisticsScan(
      relation: values,
      columns: features.indices.map { index in
        StatisticsScan.Column(feature: bound.features[latestCount + index], name: "f\(index)")
      },
      dialect: dialect,
      session: session
    )
    let counted = CountedFeatures(try await scan.run())
    try await session.drop(values)
    return counted
  }
}

/// What was counted of some features of a view.
struct CountedFeatures {
  var features: [FeatureStatistics] = []
  var isApproximate = false

  init() {}

  init(_ found: (features: [FeatureStatistics], isApproximate: Bool)) {
    (features, isApproximate) = found
  }

  mutating func append(_ other: CountedFeatures) {
    features += other.features
    isApproximate = isApproximate || other.isApproximate
  }
}
