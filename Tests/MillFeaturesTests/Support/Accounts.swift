// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillFeatures
import MillTesting
import MillTiles
import Testing

/// Accounts with a column of every type, and features of all kinds over them.
struct Accounts {
  let project: FeatureProject

  init() async throws {
    project = try FeatureProject()
    try await project.append(
      "silver.accounts",
      """
      SELECT 7::BIGINT AS account_id, 'north' AS region, DATE '2025-01-31' AS day,
        TIMESTAMPTZ '2025-01-31 12:00:00Z' AS happened, TIMESTAMPTZ '2025-02-01 12:00:00Z' AS known,
        1::INTEGER AS i, 1::SMALLINT AS s, 1::TINYINT AS t, 1::BIGINT AS l, 0.5::DOUBLE AS d,
        0.5::FLOAT AS f, 1.25::DECIMAL(12,2) AS amount, 'é' AS word, true AS flag,
        'x'::BLOB AS raw, ['a'] AS words, [1::BIGINT] AS numbers, [true] AS flags,
        [DATE '2025-01-31'] AS days, [1.25::DECIMAL(12,2)] AS amounts, [[1::BIGINT]] AS nested
      """
    )
  }

  static let columns: [(name: String, feast: String)] = [
    ("day", "UNIX_TIMESTAMP"), ("happened", "UNIX_TIMESTAMP"), ("i", "INT32"), ("s", "INT32"),
    ("t", "INT32"), ("l", "INT64"), ("d", "DOUBLE"), ("f", "FLOAT"), ("amount", "DOUBLE"),
    ("word", "STRING"), ("flag", "BOOL"), ("raw", "BYTES"), ("words", "STRING_LIST"),
    ("numbers", "INT64_LIST"), ("flags", "BOOL_LIST"), ("days", "UNIX_TIMESTAMP_LIST"),
    ("amounts", "DOUBLE_LIST"), ("nested", "VALUE_LIST"),
  ]

  static let account = EntityDefinition(
    name: "account",
    keys: [.init("account_id", .long)],
    notes: DefinitionNotes(description: "Who pays", owner: "risk", tags: ["money", "é"])
  )

  static let place = EntityDefinition(
    name: "place",
    keys: [.init("region", .string), .init("day", .date)]
  )

  static func hop(_ seconds: Int) throws -> Window {
    try #require(Window(length: .seconds(seconds), edge: .hop(.fiveMinutes)))
  }

  var definitions: FeatureDefinitions {
    get throws {
      let accounts = FeatureViewDefinition.Source.dataset(
        try #require(DatasetName("silver.accounts"))
      )
      let state = FeatureViewDefinition(
        name: "state",
        entities: ["account"],
        source: accounts,
        time: "happened",
        knowledge: .column("known"),
        ttl: .milliseconds(129_600_500),
        latest: Self.columns.map { .init(name: "the_\($0.name)", column: $0.name) },
        notes: DefinitionNotes(
          description: "On file",
          owner: "risk",
          tags: ["money"],
          deprecated: "use spend"
        )
      )
      let spend = FeatureViewDefinition(
        name: "spend",
        entities: ["account"],
        source: .sql("SELECT * FROM silver.accounts"),
        time: "happened",
        windowed: [
          .init(
            name: "amount",
            column: "amount",
            filter: "flag",
            aggregations: [.sum, .count, .topK(3)],
            windows: [.init(word: "2h", window: try Self.hop(7200))]
          )
        ]
      )
      let regional = FeatureViewDefinition(
        name: "regional",
        entities: ["place"],
        source: accounts,
        time: "happened",
        latest: [.init(name: "load", column: "d")]
      )
      let history = FeatureViewDefinition(
        name: "history",
        entities: ["account", "place"],
        source: accounts,
        time: "happened",
        windowed: [
          .init(
            name: "l",
            column: "l",
            aggregations: [.max],
            windows: [.init(word: "1h", window: try Shop.window(3600))]
          )
        ]
      )
      let habit = OnDemandDefinition(
        name: "habit",
        inputs: [Field("price", .double), Field("on", .date)],
        uses: [
          .init(name: "total", feature: .init(view: "spend", name: "amount_sum_2h")),
          .init(name: "load", feature: .init(view: "regional", name: "load")),
        ],
        features: [
          .init(name: "share", sql: "price / nullif(load, 0)"),
          .init(name: "is_big", sql: "price > 10"),
        ],
        notes: DefinitionNotes(owner: "risk")
      )
      let services = [
        FeatureServiceDefinition(
          name: "fraud",
          features: [
            .init(view: "spend", feature: "amount_count_2h"),
            .init(view: "habit", feature: "share"),
            .init(view: "spend", feature: "amount_sum_2h"),
          ],
          notes: DefinitionNotes(description: "For the model", owner: "risk", tags: ["live"])
        ),
        FeatureServiceDefinition(
          name: "load",
          features: [.init(view: "regional", feature: nil)]
        ),
      ]
      return FeatureDefinitions(
        entities: [Self.account, Self.place],
        views: [state, spend, regional, history],
        onDemand: [habit],
        services: services
      )
    }
  }

  func registry(_ services: [String] = []) async throws -> FeastRegistry {
    try await project.store(try definitions).feastRegistry(
      project: "pay-ments",
      services: services
    )
  }

  /// Writes the folder of a client, and gives its path.
  func export(tokenVariable: String? = nil) async throws -> String {
    let repository = try FeastRepository(
      try await registry(),
      server: "http://127.0.0.1:1/",
      tokenVariable: tokenVariable
    )
    let folder = project.folder.path("repository")
    try repository.write(to: folder, in: project.world)
    return folder
  }
}
