// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillFeatures
import Testing

/// The table of known answers for point-in-time joins: noon, a time to live of an hour, one row
/// (event, known, v) for each key unless said.
@Suite("Golden vectors of the point-in-time join")
struct GoldenVectorTests {
  private static let rows = """
    SELECT key::BIGINT AS key, TIMESTAMPTZ '2024-05-02 12:00:00Z' + event AS event,
      TIMESTAMPTZ '2024-05-02 12:00:00Z' + known AS known, v::DOUBLE AS v
    FROM (VALUES
      (1, INTERVAL '-1 hour', INTERVAL '-1 hour', 1),
      (2, INTERVAL '-3600000001 microseconds', INTERVAL '-1 hour', 2),
      (3, INTERVAL '0 hour', INTERVAL '0 hour', 3),
      (4, INTERVAL '1 microsecond', INTERVAL '0 hour', 4),
      (5, INTERVAL '-5 minutes', INTERVAL '-4 minutes', 5.0),
      (5, INTERVAL '-5 minutes', INTERVAL '9 hours', 5.1),
      (6, INTERVAL '-5 minutes', INTERVAL '-5 minutes', NULL),
      (6, INTERVAL '-10 minutes', INTERVAL '-10 minutes', 6)
    ) AS t(key, event, known, v)
    """

  private static let labels = """
    SELECT key::BIGINT AS key, TIMESTAMPTZ '2024-05-02 12:00:00Z' AS at, label::BIGINT AS label
    FROM (VALUES (1, 0), (2, 0), (3, 1), (4, 0), (5, 0), (6, 0), (7, 0), (3, 2), (3, 3))
      AS t(key, label)
    """

  private func join(_ knowledge: Bool) async throws -> [[Datum]] {
    let project = try FeatureProject()
    try await project.append("silver.facts", Self.rows)
    let view = FeatureViewDefinition(
      name: "facts",
      entities: ["thing"],
      source: .dataset(try #require(DatasetName("silver.facts"))),
      time: "event",
      knowledge: .column("known"),
      ttl: .seconds(3600),
      latest: [.init(name: "v", column: "v")]
    )
    let store = project.store(
      FeatureDefinitions(
        entities: [.init(name: "thing", keys: [.init("key", .long)])],
        views: [view]
      )
    )
    let (manifest, _) = try await store.makeTrainingSet(
      TrainingSetRequest(
        name: "golden",
        labels: Labels(.sql(Self.labels), time: "at"),
        features: [FeatureReference(view: "facts", feature: "v")],
        respectsKnowledge: knowledge
      )
    )
    #expect(manifest.rows == 9)
    return try await project.cells(
      of: manifest,
      [("key", .long), ("label", .long), ("v", .double)]
    )
  }

  private func expected(_ five: Double) -> [[Datum]] {
    [
      [.integer(1), .integer(0), .double(1)],
      [.integer(2), .integer(0), .null],
      [.integer(3), .integer(1), .double(3)],
      [.integer(4), .integer(0), .null],
      [.integer(5), .integer(0), .double(five)],
      [.integer(6), .integer(0), .null],
      [.integer(7), .integer(0), .null],
      [.integer(3), .integer(2), .double(3)],
      [.integer(3), .integer(3), .double(3)],
    ]
  }

  @Test("what came to be known after the label is hidden, and every label row is kept")
  func known() async throws {
    #expect(try await join(true) == expected(5.0))
  }

  @Test("with knowledge ignored the correction of later is taken, as others do")
  func classic() async throws {
    #expect(try await join(false) == expected(5.1))
  }
}
