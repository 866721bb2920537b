// SPDX-License-Identifier: Apache-2.0

public import MillCore
internal import MillEngine
internal import MillLake
internal import MillSQL
internal import MillTiles

/// Why a feature had its value: the rows that were looked at, and what became of each.
public struct FeatureExplanation: Hashable, Sendable {
  /// What became of a row of the entity.
  public enum Verdict: String, Sendable {
    /// The value is that of this row, or this row is in the window.
    case counts
    /// A newer row stands before it.
    case older = "an older row"
    /// It happened after the question, or at it where a window ends before it.
    case later = "after the question"
    /// It came to be known after the question.
    case unknown = "not known yet"
    /// Its time to live was over.
    case expired = "past its time to live"
    /// It happened before the window began.
    case before = "before the window"
    /// The condition of the aggregate leaves it out.
    case filtered = "left out by the condition"
  }

  /// A row of the source.
  public struct Row: Hashable, Sendable {
    /// When it happened.
    public var time: Instant
    /// From when on it was known.
    public var knowledge: Instant
    /// The value of the column, as text; nil for null.
    public var value: String?
    /// What became of it.
    public var verdict: Verdict
  }

  /// The feature.
  public var feature: ResolvedFeature
  /// As of when.
  public var asOf: Instant
  /// The value that a training set has.
  public var value: Datum
  /// What decides which rows count.
  public var rule: String
  /// Why there is no value; nil when there is one.
  public var reason: String?
  /// The tables that were read, with their versions.
  public var tables: [String: Int64]
  /// The rows nearest to the question, the newest first.
  public var rows: [Row]
  /// Whether there are more rows than are listed.
  public var isCut: Bool
}

extension FeatureStore {
  /// Tells which rows made the value of a feature of one entity at a time, and why others did not.
  ///
  /// - Parameters:
  ///   - keys: The values of the view's keys, in their order.
  ///   - limit: How many rows to list; those nearest to the question.
  /// - Throws: `FeatureError` for names; on-demand features are explained by what they are made of.
  public func explain(
    _ reference: FeatureReference,
    keys: [Datum],
    at time: Instant,
    limit: Int = 20
  ) async throws -> FeatureExplanation {
    let features = try definitions.resolve([reference])
    guard let feature = features.first, features.count == 1,
      let view = definitions.view(feature.view)
    else {
      let used = definitions.onDemand(reference.view)?.uses.map(\.feature.description) ?? []
      throw FeatureError.definition(
        definitions.onDemand(reference.view)?.place ?? SourcePlace(path: "features"),
        name: reference.description,
        problem: used.isEmpty
          ? "name one feature of a view"
          : "it is computed on demand: explain \(used.joined(separator: ", "))"
      )
    }
    return try await withSession("explain \(feature)") { session in
      var versions: [String: Int64] = [:]
      let bound = try await bind([feature], at: [:], session, &versions)
      let (value, rows) = try await look(feature, bound, keys, time, limit, session)
      let windowed = view.windowed.flatMap(\.features).first { $0.name == feature.name }
      return FeatureExplanation(
        feature: feature,
        asOf: time,
        value: value,
        rule: windowed.map { rule(of: $0.window, at: time) } ?? rule(of: view, at: time),
        reason: value.isNull ? reason(rows, isWindow: windowed != nil) : nil,
        tables: versions,
        rows: rows.prefix(limit).sorted { ($0.time, $0.knowledge) > ($1.time, $1.knowledge) },
        isCut: rows.count > limit
      )
    }
  }

  private func rule(of view: FeatureViewDefinition, at time: Instant) -> String {
    "the newest row at or before \(time)" + (view.ttl.map { ", not before \(time - $0)" } ?? "")
      + ", known by then"
  }

  private func rule(of window: Window, at time: Instant) -> String {
    "rows from \(window.lowerBound(at: time)) on and before \(time), known by then"
      + " (\(window.reach))"
  }

  private func reason(_ rows: [FeatureExplanation.Row], isWindow: Bool) -> String {
    if rows.isEmpty { return "the source has no row of this entity" }
    if rows.contains(where: { $0.verdict == .counts }) {
      return isWindow
        ? "the rows of the window give no value: all are null, or too few"
        : "the newest row has null here, and no other row fills it in"
    }
    let verdicts = Set(rows.map(\.verdict.rawValue)).sorted()
    return "no row counts: \(verdicts.joined(separator: ", "))"
  }

  private func look(
    _ feature: ResolvedFeature,
    _ bound: [(view: BoundView, sources: [DatasetName: Snapshot])],
    _ keys: [Datum],
    _ time: Instant,
    _ limit: Int,
    _ session: any EngineSession
  ) async throws -> (Datum, [FeatureExplanation.Row]) {
    guard let (view, sources) = bound.first else { return (.null, []) }
    try await defineQuestions(
      [keys],
      view.keys.map { Field($0.key.name, $0.key.type) },
      time,
      session
    )
    let labels = LabelRelation(
      name: RelationName("mill_labels"),
      schema: Schema(view.keys.map { Field($0.key.name, $0.key.type) }),
      keyColumns: [:],
      range: time.microseconds...time.microseconds,
      count: 1
    )
    let joined = RelationName("mill_joined")
    let join = FeatureJoin(store: self, labels: labels, respectsKnowledge: true)
    _ = try await join.define(joined, [feature], bound, [], fullNames: false, session)
    let value = try await session.columns(
      "SELECT \(dialect.quote(feature.name)) FROM mill_joined",
      limit: 1
    ).columns[0][0]
    let relation = try await relation(of: view, sources, named: "mill_explained", session)
    return (value, try await rows(feature, view, relation, keys, time, limit, session))
  }

  private func rows(
    _ feature: ResolvedFeature,
    _ view: BoundView,
    _ relation: ViewRelation,
    _ keys: [Datum],
    _ time: Instant,
    _ limit: Int,
    _ session: any EngineSession
  ) async throws -> [FeatureExplanation.Row] {
    let latest = view.view.latest.first { $0.name == feature.name }
    let group = view.view.windowed.first { $0.features.contains { $0.name == feature.name } }
    let window = group?.features.first { $0.name == feature.name }?.window
    let column = latest?.column ?? group?.column
    let value = column.map { "CAST(\(dialect.quote($0)) AS VARCHAR)" } ?? "'1'"
    let condition = group.flatMap { group in
      view.view.windowed.firstIndex(of: group).flatMap { view.conditions[$0]?.sql }
    }
    let filter = condition.map { "coalesce(\($0), false)" } ?? "true"
    let isEntity = zip(relation.keyNames, zip(keys, view.keys)).map { name, pair in
      // An entity without a key has no rows.
      pair.0.isNull
        ? "false"
        : "\(name) = CAST(\(dialect.literal(pair.0.text)) AS \(dialect.typeName(pair.1.key.type)))"
    }
    // One row beyond the limit tells that there are more.
    let found = try await session.columns(
      """
      SELECT t, k, value, is_kept FROM (
        SELECT \(relation.header), \(relation.identity) AS id, \(value) AS value,
          \(filter) AS is_kept
        FROM \(dialect.quote(relation.name.name)) AS s)
      WHERE \(isEntity.joined(separator: " AND ")) AND k IS NOT NULL
        AND t BETWEEN \(Instant.earliest.microseconds) AND \(Instant.latest.microseconds)
      ORDER BY t > \(time.microseconds), abs(t - \(time.microseconds)), k DESC, id DESC
      LIMIT \(limit + 1)
      """,
      limit: limit + 1
    )
    var hasNewest = false
    var rows: [FeatureExplanation.Row] = []
    for row in 0..<found.count {
      var explained = FeatureExplanation.Row(
        time: Instant(microseconds: found.columns[0].integer(row)),
        knowledge: Instant(microseconds: found.columns[1].integer(row)),
        value: { if case .text(let text) = found.columns[2][row] { text } else { nil } }(),
        verdict: .counts
      )
      let isLater = window == nil ? explained.time > time : explained.time >= time
      if isLater {
        explained.verdict = .later
      } else if explained.knowledge > time {
        explained.verdict = .unknown
      } else if let window {
        if explained.time < window.lowerBound(at: time) {
          explained.verdict = .before
        } else if found.columns[3].integer(row) == 0 {
          explained.verdict = .filtered
        }
      } else if hasNewest {
        explained.verdict = .older
      } else {
        hasNewest = true
        if let ttl = view.view.ttl, explained.time < time - ttl { explained.verdict = .expired }
      }
      rows.append(explained)
    }
    return rows
  }
}
