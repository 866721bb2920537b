// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillFeatures
import MillTesting
import Testing

@Suite("A Feast client of an exported folder")
struct FeastClientTests {
  private let accounts: Accounts

  init() async throws { accounts = try await Accounts() }

  private static let answer: JSONValue = [
    "metadata": ["feature_names": ["account_id", "amount_count_2h"]],
    "results": [
      ["values": [7], "statuses": ["PRESENT"]], ["values": [nil], "statuses": ["OUTSIDE_MAX_AGE"]],
    ],
  ]

  @Test("asks the server for lists of features and for services, reads answers and writes rows")
  func calls() async throws {
    let folder = try await accounts.export()
    let rows: JSONValue = [
      ["account_id": 7, "region": "north", "day": "2025-01-31", "price": 12.5]
    ]
    let frame: JSONValue = [
      "region": ["north"], "day": ["2025-01-31"], "load": [0.5],
      "happened": ["2025-01-31T13:00:00.25+01:00"],
    ]
    guard
      let (answers, requests) = try await FeastClient(repository: folder).make(
        [
          [
            "call": "get_online_features", "features": ["spend:amount_count_2h"],
            "entity_rows": rows,
          ],
          ["call": "get_online_features", "service": "fraud", "entity_rows": rows],
          ["call": "get_online_features", "service": "nothing", "entity_rows": rows],
          ["call": "push", "source": "regional", "df": frame, "times": ["happened"]],
          ["call": "write_to_online_store", "view": "habit", "df": frame, "times": ["happened"]],
          ["call": "materialize_incremental", "end": "2025-01-31T12:00:00", "views": ["state"]],
        ],
        answers: [
          "/get-online-features": (200, Self.answer), "/write-to-online-store": (200, nil),
          "/materialize-incremental": (200, nil),
        ]
      )
    else { return }
    try #require(
      requests.map(\.path) == [
        "/get-online-features", "/get-online-features", "/write-to-online-store",
        "/materialize-incremental",
      ]
    )
    #expect(requests[0].headers["Content-Type"] == "application/json")
    #expect(requests[0].headers["Authorization"] == nil)
    #expect(
      requests[0].body == [
        "entities": [
          "account_id": [7], "region": ["north"], "day": ["2025-01-31"], "price": [12.5],
        ],
        "full_feature_names": false, "include_feature_view_version_metadata": false,
        "features": ["spend:amount_count_2h"],
      ]
    )
    #expect(requests[1].body["feature_service"] == "fraud")
    #expect(requests[1].body["features"] == nil)
    #expect(answers[0]["values"] == ["account_id": [7], "amount_count_2h": [nil]])
    #expect(answers[0]["statuses"]?["amount_count_2h"] == ["OUTSIDE_MAX_AGE"])
    #expect(answers[2]["error"]?["class"] == "FeatureServiceNotFoundException")
    // Times go under names of Feast's own, whatever the view calls them.
    #expect(
      requests[2].body == [
        "feature_view_name": "regional", "allow_registry_cache": false,
        "df": [
          "region": ["north"], "day": ["2025-01-31"], "load": [0.5],
          "event_timestamp": ["2025-01-31T12:00:00.250000"], "created": [nil],
        ],
      ]
    )
    #expect(answers[3] == ["done": true])
    // Features on demand are of no rows, so the client itself refuses to write any.
    #expect(answers[4]["error"] != nil)
    #expect(requests[3].body["end_ts"] == "2025-01-31T12:00:00")
    #expect(answers[5] == ["done": true])
  }

  @Test("sends the token of the variable that its settings name")
  func token() async throws {
    let folder = try await accounts.export(tokenVariable: "SHOP_TOKEN")
    let client = FeastClient(repository: folder, environment: ["SHOP_TOKEN": "abc"])
    guard
      let (_, requests) = try await client.make(
        [
          [
            "call": "get_online_features", "features": ["spend:amount_count_2h"],
            "entity_rows": [["account_id": 7]],
          ]
        ],
        answers: ["/get-online-features": (200, Self.answer)]
      )
    else { return }
    #expect(requests.map { $0.headers["Authorization"] } == ["Bearer abc"])
  }
}
