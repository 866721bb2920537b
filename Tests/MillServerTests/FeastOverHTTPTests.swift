// SPDX-License-Identifier: Apache-2.0

import Foundation
import MillCore
import MillTesting
import Testing

/// Feast's own Python client, told to ask this server, with the registry that is exported for it.
@Suite("A Feast client")
struct FeastOverHTTPTests {
  @Test("reads, pushes and materializes, and is told what is wrong as by its own server")
  func calls() async throws {
    let served = try ServedProject()
    try served.start()
    _ = try served.millrace([
      "features", "export-feast", "--out", "feast", "--server", "http://127.0.0.1:\(served.port)",
    ])
    let client = FeastClient(repository: served.project + "/feast")
    let card = try #require(try card(of: served))
    let row: JSONValue = [
      "card_id": .string(card), "merchant_id": "nobody", "amount": 250.0,
    ]
    let limit: JSONValue = [
      "call": "get_online_features", "features": ["card_profile:credit_limit"],
      "entity_rows": [["card_id": .string(card)], ["card_id": "nobody"]],
    ]
    let calls: [JSONValue] = [
      ["call": "get_online_features", "service": "fraud", "entity_rows": [row]],
      limit,
      [
        "call": "push", "source": "card_profile", "times": ["issued_on"], "to": "online",
        "df": [
          "card_id": [.string(card)], "issued_on": ["2026-01-01"], "network": ["visa"],
          "credit_limit": [4711], "status": ["active"],
        ],
      ],
      limit,
      [
        "call": "get_online_features", "features": ["card_profile:credit_limi"],
        "entity_rows": [["card_id": .string(card)]],
      ],
      [
        "call": "get_online_features", "features": ["card_profile:network"],
        "entity_rows": [["card": .string(card)]],
      ],
      ["call": "materialize_incremental", "end": "2026-01-02T00:00:00", "views": ["card_profile"]],
      ["call": "materialize_incremental", "end": "2026-01-02T00:00:00", "views": ["card_profil"]],
    ]
    guard let answers = try await client.make(calls) else { return }
    // What the service has is what /v1 says of it.
    let own = try served.features("{\"service\": \"fraud\", \"entities\": [\(row.serialized())]}")
    #expect(own.count == 15)
    for (name, cell) in own {
      let short = String(try #require(name.split(separator: ".").last))
      if name == "card_profile.credit_limit" {
        #expect(cell["value"] == 4711)
      } else {
        #expect(answers[0]["values"]?[short] == [cell["value"] ?? .null], "\(name)")
        #expect(answers[0]["statuses"]?[short] == [cell["status"] ?? .null], "\(name)")
      }
    }
    #expect(answers[1]["statuses"]?["credit_limit"] == ["PRESENT", "NOT_FOUND"])
    #expect(answers[2] == ["done": true])
    #expect(answers[3]["values"]?["credit_limit"] == [4711, nil])
    #expect(answers[4]["error"]?["class"] == "FeatureViewNotFoundException")
    #expect(
      answers[4]["error"]?["message"]?.text?.contains("did you mean card_profile.credit_limit?")
        == true
    )
    #expect(answers[5]["error"]?["class"] == "FeastError")
    #expect(answers[5]["error"]?["message"]?.text?.contains("lack the key card_id") == true)
    #expect(answers[6]["error"]?["message"]?.text?.contains("are as of") == true)
    #expect(answers[7]["error"]?["message"]?.text?.contains("card_profile") == true)
  }

  @Test("says its token, and is refused without one")
  func tokens() async throws {
    let token = "mill_for_feast"
    // Of that text, by sha256sum.
    let digest = "d10653c31d02d7865db27b178def9d14e3e5cc3da52cf4a913440ea1eec49568"
    let served = try ServedProject([
      "tokens:", "  - {name: feast, sha256: \(digest), scopes: [read]}",
    ])
    try served.start()
    _ = try served.millrace([
      "features", "export-feast", "--out", "feast", "--server", "http://127.0.0.1:\(served.port)",
      "--token-variable", "MILL_TOKEN",
    ])
    let call: JSONValue = [
      "call": "get_online_features", "features": ["card_profile:network"],
      "entity_rows": [["card_id": "nobody"]],
    ]
    for (text, isAllowed) in [(token, true), ("another", false)] {
      let client = FeastClient(
        repository: served.project + "/feast",
        environment: ["MILL_TOKEN": text]
      )
      guard let answers = try await client.make([call]) else { return }
      #expect((answers[0]["error"] == nil) == isAllowed, "\(answers[0])")
    }
  }

  private func card(of served: ServedProject) throws -> String? {
    let rows = try served.millrace(["table", "rows", "silver.cards", "--limit", "1", "--json"])
    return try JSONValue(parsing: rows)["rows"]?.array?.first?.array?.first?.text
  }
}

extension ServedProject {
  /// The features of the first entity of a request to /v1/features.
  fileprivate func features(_ body: String) throws -> JSONObject {
    let connection = try connect()
    let answer = try connection.post("/v1/features", body)
    return try JSONValue(parsing: answer.body)["entities"]?.array?.first?["features"]?.object ?? [:]
  }
}
