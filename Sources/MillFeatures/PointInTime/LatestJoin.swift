// SPDX-License-Identifier: Apache-2.0

internal import MillCore
internal import MillEngine
internal import MillSQL

/// The newest values of a view as of each label's time.
///
/// A label at q sees the rows with q − ttl ≤ t ≤ q and k ≤ q, and takes the greatest by (t, k, id).
/// A row is seen from max(t, k) on. In that order a row that has a lesser t than one before it is
/// never anybody's newest; all others are records, and the last record at or before q is the answer.
/// So one sort and one ASOF join give the answer of both times at once, and only the row's place
/// travels through them: the values are fetched for the rows that were chosen.
///
/// > Source: docs/semantics.md, 19 to 21.
struct LatestJoin {
  let view: ViewRelation
  let labels: LabelRelation
  /// Before the names of relations of this join, unique in the session.
  let prefix: String
  /// Whether a row that came to be known after q is hidden from it.
  let respectsKnowledge: Bool

  private var dialect: any Dialect { view.dialect }
  private var source: String { dialect.quote(view.name.name) }
  private var keys: String { view.keyNames.joined(separator: ", ") }
  private var index: String { "\(prefix)_index" }
  private var resolved: String { "\(prefix)_resolved" }

  /// Rows that some label may see, without those of no key.
  private var isCandidate: String {
    var parts = view.keyNames.map { "\($0) IS NOT NULL" } + ["t IS NOT NULL"]
    parts.append("t >= \(Instant.earliest.microseconds)")
    if respectsKnowledge { parts.append("k IS NOT NULL") }
    if let range = labels.range {
      parts.append("t <= \(range.upperBound)")
      if let ttl = view.bound.view.ttl {
        let (low, isOver) = range.lowerBound.subtractingReportingOverflow(ttl.microsecondsWhole)
        if !isOver { parts.append("t >= \(low)") }
      }
    } else {
      parts.append("false")
    }
    return parts.joined(separator: " AND ")
  }

  /// A row of which nobody knows when it was known comes before all others of its time, where that is
  /// not asked at all.
  private var knowledge: String {
    respectsKnowledge ? "k" : "coalesce(k, CAST(\(Instant.earliest.microseconds) AS BIGINT))"
  }

  /// Finds the rows that can be somebody's newest.
  ///
  /// - Returns: The name of a relation with keys, `v` (from when on it is), `t` and `place`.
  func prepare(_ session: any EngineSession) async throws -> String {
    try await session.define(
      RelationName(index),
      as: """
        SELECT \(keys), t, \(knowledge) AS k, min(place) AS place, count(*) AS c
        FROM (SELECT \(view.header) FROM \(source) AS s) WHERE \(isCandidate)
        GROUP BY \(keys), t, \(knowledge)
        """,
      keeping: .stored
    )
    let ties = try await session.rows("SELECT count(*) FROM \(index) WHERE c > 1", limit: 1)
    let rows = (ties.integer(0, 0) ?? 0) > 0 ? try await resolve(session) : index
    let isHidden = respectsKnowledge
    let seen = isHidden ? "greatest(t, k)" : "t"
    let records = "\(prefix)_records"
    try await session.define(
      RelationName(records),
      as: view.hasKnowledge
        ? """
        SELECT \(keys), v, t, place FROM (
          SELECT *, max(t) OVER w AS newest, lead(v) OVER w AS next
          FROM (SELECT \(keys), t, k, place, \(seen) AS v FROM \(rows))
          WINDOW w AS (PARTITION BY \(keys) ORDER BY v, t, k))
        WHERE t = newest AND next IS DISTINCT FROM v
        """
        : "SELECT \(keys), \(seen) AS v, t, place FROM \(rows)",
      keeping: .view
    )
    return records
  }

  /// Chooses one of the rows that agree in key, t and k: the greatest by its id, or by its content.
  private func resolve(_ session: any EngineSession) async throws -> String {
    let on = (view.keyNames + ["t", "k"]).map { "c.\($0) = i.\($0)" }.joined(separator: " AND ")
    let columns = (view.keyNames + ["t", "k"]).map { "c.\($0)" }.joined(separator: ", ")
    try await session.define(
      RelationName(resolved),
      as: """
        SELECT \(keys), t, k, place FROM \(index) WHERE c = 1
        UNION ALL
        SELECT \(columns), c.place
        FROM (SELECT * REPLACE (\(knowledge) AS k)
          FROM (SELECT \(view.header), \(view.identity) AS id FROM \(source) AS s)) AS c
        JOIN (SELECT \(keys), t, k FROM \(index) WHERE c > 1) AS i ON \(on)
        QUALIFY row_number() OVER (PARTITION BY \(columns) ORDER BY c.id DESC) = 1
        """,
      keeping: .stored
    )
    return resolved
  }

  /// A query with `_row` and the features, for the labels that have a value.
  ///
  /// - Parameter records: What ``prepare(_:)`` gave.
  func query(_ features: [FeatureViewDefinition.Latest], records: String) throws -> String {
    var conditions: [String] = []
    for (index, key) in view.bound.keys.enumerated() {
      let column = try labels.column(for: key.key, of: view.bound.view.name)
      conditions.append(
        "TRY_CAST(l.\(dialect.quote(column)) AS \(dialect.typeName(key.key.type))) = r.k\(index)"
      )
    }
    conditions.append("l.\(LabelRelation.time) >= r.v")
    let isFresh =
      view.bound.view.ttl.map {
        "WHERE r.t >= l.\(LabelRelation.time) - \($0.microsecondsWhole)"
      } ?? ""
    // The values under names of our own: a source may have any.
    let inner = features.enumerated().map { index, feature in
      let name = dialect.quote(feature.column)
      let type = view.bound.source[name: feature.column]?.type
      // Not a number is no value (docs/semantics.md, 4).
      let value =
        type == .double || type == .float ? "CASE WHEN NOT isnan(\(name)) THEN \(name) END" : name
      return "\(value) AS f\(index)"
    }
    let values = features.indices.map { "f.f\($0) AS \(dialect.quote(features[$0].name))" }
    return """
      SELECT m.\(LabelRelation.row), \(values.joined(separator: ", "))
      FROM (SELECT l.\(LabelRelation.row), r.place
        FROM \(dialect.quote(labels.name.name)) AS l
        ASOF JOIN \(records) AS r ON \(conditions.joined(separator: " AND "))
        \(isFresh)) AS m
      JOIN (SELECT \(inner.joined(separator: ", ")), \(view.place) AS place FROM \(source)) AS f
        ON f.place = m.place
      """
  }
}
