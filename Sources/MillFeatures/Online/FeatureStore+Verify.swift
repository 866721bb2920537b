// SPDX-License-Identifier: Apache-2.0

public import MillCore
internal import MillEngine
internal import MillLake
internal import MillSQL
internal import MillTiles

/// What came of holding online answers against the join that trains models.
public struct VerificationReport: Hashable, Sendable {
  /// One feature.
  public struct Feature: Hashable, Sendable {
    /// The feature.
    public var feature: ResolvedFeature
    /// Cells that were compared.
    public var compared: Int
    /// Cells that differ.
    public var different: Int
    /// Cells that were not compared: their exact windows reach back to rows that are not kept online.
    public var beyondKept = 0
    /// One of the keys of which the cells differ, with both values as text.
    public var example: Example?
  }

  /// A cell that differs.
  public struct Example: Hashable, Sendable {
    /// The keys of the entity.
    public var keys: [String]
    /// What was answered online.
    public var online: String
    /// What a training set would hold.
    public var offline: String
  }

  /// As of when both were asked.
  public var asOf: Instant
  /// Entities that were asked for.
  public var entities: Int
  /// The features, in the order of the views.
  public var features: [Feature]

  /// Cells that differ over all features.
  public var different: Int { features.reduce(0) { $0 + $1.different } }
}

extension FeatureStore {
  /// Replays online answers as labels of a training set, and compares every cell.
  ///
  /// Both look at one moment and at the table versions that the online store holds.
  ///
  /// - Parameters:
  ///   - name: The view.
  ///   - count: How many entities, spread over all that the store knows.
  public func verify(
    _ name: String,
    in online: any OnlineStore,
    sampling count: Int = 1000
  ) async throws -> VerificationReport {
    guard let view = definitions.view(name) else {
      throw noRows(of: name)
    }
    try requireServable(view)
    let tables =
      (view.latest.isEmpty ? [] : [onlineTable(view, .latest)])
      + (view.windowed.isEmpty ? [] : [onlineTable(view, .tiles)])
    var versions: [String: Int64] = [:]
    var asOf = Instant.earliest
    for table in tables {
      guard let state = try await online.state(of: table) else {
        throw FeatureError.notServed(view: name)
      }
      versions.merge(state.tables) { old, _ in old }
      asOf = max(asOf, state.asOf)
    }
    let keys = try await online.sample(count, of: tables[0])
    let reader = try await reader(of: [FeatureReference(view: name, feature: nil)], from: online)
    let entities = keys.compactMap { EntityKey.decode($0, count: reader.keys.count) }
    let answer = try await reader.read(entities, at: asOf)
    return try await withSession("verify \(name)") { session in
      var read: [String: Int64] = [:]
      let bound = try await bind(answer.features, at: versions, session, &read)
      let keys = reader.keys.map { Field($0.name, $0.type) }
      try await defineQuestions(entities, keys, asOf, session)
      let labels = LabelRelation(
        name: RelationName("mill_labels"),
        schema: Schema(keys),
        keyColumns: [:],
        range: asOf.microseconds...asOf.microseconds,
        count: Int64(entities.count)
      )
      let join = FeatureJoin(store: self, labels: labels, respectsKnowledge: true)
      let joined = RelationName("mill_joined")
      let (outputs, _) = try await join.define(
        joined,
        answer.features,
        bound,
        [],
        fullNames: true,
        session
      )
      let columns = outputs.map { dialect.quote($0.column) }.joined(separator: ", ")
      let offline = try await session.columns(
        "SELECT \(columns) FROM mill_joined ORDER BY \(LabelRelation.row)",
        limit: max(1, entities.count)
      )
      return compare(answer, offline, entities, asOf)
    }
  }

  /// Defines entities as labels of one time.
  func defineQuestions(
    _ entities: [[Datum]],
    _ fields: [Field],
    _ time: Instant,
    _ session: any EngineSession
  ) async throws {
    try await session.define(
      RelationName("mill_questions"),
      schema: Schema(fields + [Field(LabelRelation.row, .long)]),
      rows: entities.enumerated().map { number, values in
        values.map(\.json) + [.int(number)]
      }
    )
    try await session.define(
      RelationName("mill_labels"),
      as: "SELECT *, CAST(\(time.microseconds) AS BIGINT) AS \(LabelRelation.time) "
        + "FROM mill_questions",
      keeping: .stored
    )
  }

  /// How far doubles of a feature may lie apart, of their size: sums and means by what sums are exact
  /// to, variances by what is left of it when the values are far from 0.
  func tolerance(of feature: ResolvedFeature) -> Double {
    let windowed = definitions.view(feature.view)?.windowed.flatMap(\.features)
      .first { $0.name == feature.name }
    return windowed?.aggregation.kind == .moments ? 1e-6 : 1e-9
  }

  private func isExact(_ feature: ResolvedFeature) -> Bool {
    definitions.view(feature.view)?.windowed.flatMap(\.features)
      .first { $0.name == feature.name }?.window.edge == .exact
  }

  private func compare(
    _ answer: OnlineAnswer,
    _ offline: ColumnBatch,
    _ entities: [[Datum]],
    _ asOf: Instant
  ) -> VerificationReport {
    let features = answer.features.enumerated().map { column, feature in
      var result = VerificationReport.Feature(feature: feature, compared: 0, different: 0)
      for row in entities.indices {
        let cell = answer.rows[row][column]
        let online = cell.value
        let trained = offline.columns[column][row]
        // A row that cannot be read at all has no time.
        if cell.status == .invalid, cell.time != nil, isExact(feature) {
          result.beyondKept += 1
          continue
        }
        result.compared += 1
        if online.agrees(with: trained, within: tolerance(of: feature)) { continue }
        result.different += 1
        if result.example == nil {
          result.example = .init(
            keys: entities[row].map(\.text),
            online: online.text,
            offline: trained.text
          )
        }
      }
      return result
    }
    return VerificationReport(asOf: asOf, entities: entities.count, features: features)
  }
}

extension Datum {
  /// Equal; doubles to what their sums are exact to (docs/semantics.md, 3).
  fileprivate func agrees(with other: Datum, within tolerance: Double) -> Bool {
    guard case .double(let left) = self, case .double(let right) = other else {
      return self == other
    }
    return left == right || abs(left - right) <= tolerance * max(abs(left), abs(right))
  }

  /// The value in the forms that relations are made of.
  package var json: JSONValue {
    switch self {
    case .null: .null
    case .boolean(let value): .bool(value)
    case .integer(let value): .int(value)
    case .double(let value): JSONNumber(value).map { .number($0) } ?? .null
    default: .string(text)
    }
  }

  /// The value as people write it.
  public var text: String {
    switch self {
    case .null: return "null"
    case .boolean(let value): return value ? "true" : "false"
    case .integer(let value): return String(value)
    case .double(let value): return "\(value)"
    case .decimal(let unscaled, let scale):
      guard scale > 0 else { return String(unscaled) }
      let digits = String(unscaled.magnitude)
      let padded = String(repeating: "0", count: max(0, scale + 1 - digits.count)) + digits
      return (unscaled < 0 ? "-" : "") + padded.dropLast(scale) + "." + padded.suffix(scale)
    case .text(let text): return text
    case .bytes(let bytes):
      return bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    case .date(let date): return date.description
    case .instant(let instant): return instant.description
    case .list(let values): return "[" + values.map(\.text).joined(separator: ", ") + "]"
    }
  }
}
