// SPDX-License-Identifier: Apache-2.0

public import MillCore
internal import MillEngine
internal import MillSQL

extension FeatureStore {
  /// The features of entities as a training set would have them at a time: what an online answer was, or
  /// would have been, had everything been brought in that was known by then.
  ///
  /// The tables are read as they are now, and rows that came to be known later are left out. For the
  /// time from which on an online store answers, ``OnlineReader/read(_:requests:at:)`` is faster.
  ///
  /// - Parameters:
  ///   - reader: Says which features, and the order of keys and of what a request says.
  ///   - entities: entities x keys; a key may be null.
  ///   - requests: entities x inputs; empty where all are null.
  /// - Returns: Values that are `present` or `null`; the join knows no times of rows.
  public func readPast(
    _ reader: OnlineReader,
    _ entities: [[Datum]],
    requests: [[Datum]] = [],
    at time: Instant
  ) async throws -> OnlineAnswer {
    try await withSession("features of the past") { session in
      var versions: [String: Int64] = [:]
      let bound = try await bind(reader.features, at: [:], session, &versions)
      let computed = try await bindOnDemand(reader.features, over: bound.map(\.view))
      let fields = reader.keys.map { Field($0.name, $0.type) } + reader.inputs
      let rows = entities.enumerated().map { row, keys in
        let request = requests.indices.contains(row) ? requests[row] : []
        return keys
          + reader.inputs.indices.map { request.indices.contains($0) ? request[$0] : .null }
      }
      try await defineQuestions(rows, fields, time, session)
      let labels = LabelRelation(
        name: RelationName("mill_labels"),
        schema: Schema(fields),
        keyColumns: [:],
        range: time.microseconds...time.microseconds,
        count: Int64(entities.count)
      )
      let join = FeatureJoin(store: self, labels: labels, respectsKnowledge: true)
      let (outputs, _) = try await join.define(
        RelationName("mill_joined"),
        reader.features,
        bound,
        computed,
        fullNames: true,
        session
      )
      let columns = outputs.map { dialect.quote($0.column) }.joined(separator: ", ")
      let found = try await session.columns(
        "SELECT \(columns) FROM mill_joined ORDER BY \(LabelRelation.row)",
        limit: max(1, entities.count)
      )
      let answers = entities.indices.map { row in
        found.columns.map { column in
          let value = column[row]
          return FeatureValue(value: value, status: value.isNull ? .null : .present)
        }
      }
      return OnlineAnswer(features: reader.features, rows: answers)
    }
  }
}
