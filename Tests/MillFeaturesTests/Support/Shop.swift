// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillFeatures
import MillTiles
import Testing

/// A few payments of cards, and features over them.
struct Shop {
  static let noon: Int64 = 1_714_651_200_000_000

  let project: FeatureProject

  init() async throws {
    project = try FeatureProject()
    try await pay([(1, -3600, "10.00"), (1, -60, "2.50"), (2, -7200, "7.00"), (3, 60, "1.00")])
  }

  /// Adds payments: the card, seconds from noon, the amount, and when it came to be known.
  func pay(_ payments: [(card: Int, second: Int, amount: String)], known: Int? = nil) async throws {
    let lines = payments.map { payment in
      "(\(payment.card), \(payment.second), \(payment.amount), \(known ?? payment.second))"
    }
    try await project.append(
      "silver.payments",
      """
      SELECT card::BIGINT AS card, make_timestamptz(\(Self.noon) + second::BIGINT * 1000000) AS paid_at,
        make_timestamptz(\(Self.noon) + known::BIGINT * 1000000) AS known_at,
        amount::DECIMAL(12,2) AS amount
      FROM (VALUES \(lines.joined(separator: ", "))) AS v(card, second, amount, known)
      """
    )
  }

  static func window(_ seconds: Int) throws -> Window {
    try #require(Window(length: .seconds(seconds), edge: .exact))
  }

  var card: EntityDefinition { EntityDefinition(name: "card", keys: [.init("card", .long)]) }

  var spend: FeatureViewDefinition {
    get throws {
      FeatureViewDefinition(
        name: "spend",
        entities: ["card"],
        source: .dataset(try #require(DatasetName("silver.payments"))),
        time: "paid_at",
        knowledge: .column("known_at"),
        latest: [.init(name: "last_amount", column: "amount")],
        windowed: [
          .init(
            name: "amount",
            column: "amount",
            aggregations: [.sum, .count],
            windows: [.init(word: "1h", window: try Self.window(3600))]
          )
        ]
      )
    }
  }

  var definitions: FeatureDefinitions {
    get throws {
      FeatureDefinitions(
        entities: [card],
        views: [try spend],
        services: [
          FeatureServiceDefinition(
            name: "fraud",
            features: [FeatureReference(view: "spend", feature: "amount_sum_1h")]
          )
        ]
      )
    }
  }

  var store: FeatureStore { get throws { project.store(try definitions) } }

  /// Labels at noon: a card and whatever else in SQL.
  static func labels(_ rows: [(card: String, label: String)]) -> Labels {
    let lines = rows.map { "(\($0.card)::BIGINT, \($0.label))" }
    return Labels(
      .sql(
        "SELECT card, make_timestamptz(\(noon)) AS at, label "
          + "FROM (VALUES \(lines.joined(separator: ", "))) AS v(card, label)"
      )
    )
  }

  static let three = labels([("1", "0"), ("2", "1"), ("9", "0")])

  func request(
    _ labels: Labels = Self.three,
    _ features: [String] = ["spend"],
    name: String = "fraud",
    fullNames: Bool = false
  ) throws -> TrainingSetRequest {
    TrainingSetRequest(
      name: name,
      labels: labels,
      features: try features.map { try #require(FeatureReference($0)) },
      fullNames: fullNames
    )
  }

  /// The last amount, the sum and the count of an hour for each label.
  func cells(_ manifest: TrainingSetManifest) async throws -> [[Datum]] {
    try await project.cells(
      of: manifest,
      [
        ("card", .long), ("last_amount", .decimal(precision: 12, scale: 2)),
        ("amount_sum_1h", .decimal(precision: 38, scale: 2)), ("amount_count_1h", .long),
      ]
    )
  }

  static func row(_ card: Int64, _ last: Int128?, _ sum: Int128?, _ count: Int64) -> [Datum] {
    [
      .integer(card), last.map { .decimal(unscaled: $0, scale: 2) } ?? .null,
      sum.map { .decimal(unscaled: $0, scale: 2) } ?? .null, .integer(count),
    ]
  }
}
