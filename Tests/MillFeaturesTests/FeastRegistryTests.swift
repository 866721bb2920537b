// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillFeatures
import MillTesting
import Testing

/// What Feast's own package sees of an exported registry, held against the definitions.
@Suite("A registry for Feast clients")
struct FeastRegistryTests {
  /// What Feast sees of the registry; nil where there is no Feast.
  ///
  /// It takes seconds to start, so it is asked once for the whole suite.
  private static let seen = Task {
    let accounts = try await Accounts()
    let found = try await FeastClient(repository: try await accounts.export()).make(
      [["call": "registry"]]
    )
    // The folder goes with the project.
    return withExtendedLifetime(accounts) { found?.first }
  }

  @Test("is to Feast the same entities, views with types, and services")
  func isSeen() async throws {
    guard let seen = try await Self.seen.value else { return }
    #expect(seen["error"] == nil)
    #expect(seen["project"] == "pay_ments")
    #expect(seen["projects"] == ["pay_ments"])
    // Written by Feast's own protobuf, it would be the same bytes; and no client changes them.
    #expect(seen["is_canonical"] == true)
    #expect(seen["is_untouched"] == true)
    #expect(seen["version"]?.text?.count == 32)

    let entities = try rows(seen["entities"], "name", "join_key", "type")
    #expect(
      entities == [
        ["account", "account_id", "INT64"], ["place.region", "region", "STRING"],
        ["place.day", "day", "STRING"],
      ]
    )
    let account = seen["entities"]?[0]
    #expect(account?["description"] == "Who pays")
    #expect(account?["owner"] == "risk")
    #expect(account?["tags"] == ["money": "true", "é": "true"])
    #expect(seen["entities"]?[1]?["tags"] == ["millrace.entity": "place"])

    let views = try rows(seen["views"], "name")
    #expect(views == [["state"], ["spend"], ["regional"], ["history"], ["habit"]])
    #expect(seen["on_demand_views"] == [])
    let services = try rows(seen["services"], "name", "description", "owner")
    #expect(services == [["fraud", "For the model", "risk"], ["load", "", ""]])
    let parts = seen["services"]?[0]?["views"]
    #expect(try rows(parts, "name") == [["spend"], ["habit"]])
    #expect(
      try rows(parts?[0]?["features"], "name", "type") == [
        ["amount_count_2h", "INT64"], ["amount_sum_2h", "DOUBLE"],
      ]
    )
  }

  @Test("has every column type under the name that Feast has for it")
  func types() async throws {
    guard let seen = try await Self.seen.value else { return }
    let state = try #require(seen["views"]?[0])
    #expect(
      try rows(state["features"], "name", "type")
        == Accounts.columns.map { ["the_\($0.name)", $0.feast] }
    )
    #expect(state["features"]?[17]?["words"] == "Array(Array(Int64))")
    #expect(state["features"]?[0]?["description"] == "the newest day")
    #expect(try rows(state["keys"], "name", "type") == [["account_id", "INT64"]])
    #expect(state["join_keys"] == ["account_id"])
    let spend = try #require(seen["views"]?[1])
    #expect(
      try rows(spend["features"], "name", "type") == [
        ["amount_sum_2h", "DOUBLE"], ["amount_count_2h", "INT64"],
        ["amount_top3_2h", "DOUBLE_LIST"],
      ]
    )
    let meaning = "sum of amount over 2 h up to 2 h 5 min by hops of 5 min where flag"
    #expect(spend["features"]?[0]?["description"] == .string(meaning))
  }

  @Test("says of a view how long it holds, where its rows are, and whose it is")
  func views() async throws {
    guard let seen = try await Self.seen.value else { return }
    let accounts = try await Accounts()
    let store = accounts.project.store(try accounts.definitions)
    let state = try #require(seen["views"]?[0])
    #expect(state["ttl_seconds"]?.double == 129_600.5)
    #expect(state["online"] == true)
    #expect(state["description"] == "On file")
    #expect(state["owner"] == "risk")
    let hash = store.hash(of: try accounts.definitions.views[0])
    #expect(
      state["tags"] == [
        "money": "true", "millrace.deprecated": "use spend",
        "millrace.definition": .string(hash),
      ]
    )
    #expect(state["batch_source"]?["path"] == "millrace://dataset/silver.accounts")
    #expect(state["batch_source"]?["class"] == "FileSource")
    #expect(state["batch_source"]?["time"] == "happened")
    #expect(state["batch_source"]?["created"] == "known")
    // A row of latest values can be pushed; one that a window is made of is no value of it.
    #expect(state["stream_source"]?["name"] == "state")
    #expect(state["stream_source"]?["batch_source"] == "state.source")
    let spend = try #require(seen["views"]?[1])
    #expect(spend["ttl_seconds"] == 0)
    #expect(spend["batch_source"]?["path"] == "millrace://view/spend")
    #expect(spend["batch_source"]?["created"] == "")
    #expect(spend["stream_source"] == .null)
    let history = try #require(seen["views"]?[3])
    #expect(history["online"] == false)
    #expect(history["join_keys"] == ["account_id", "region", "day"])
    #expect(history["entities"] == ["account", "place.region", "place.day"])
  }

  @Test("has features on demand as a view without rows, and what a request says as a source")
  func onDemand() async throws {
    guard let seen = try await Self.seen.value else { return }
    let habit = try #require(seen["views"]?[4])
    #expect(habit["entities"] == ["account", "place.region", "place.day"])
    #expect(habit["batch_source"] == .null)
    #expect(habit["tags"]?["millrace.on_demand"] == "true")
    #expect(
      try rows(habit["features"], "name", "type", "description") == [
        ["share", "DOUBLE", "price / nullif(load, 0)"], ["is_big", "BOOL", "price > 10"],
      ]
    )
    let name = try #require(habit["tags"]?["millrace.request"]?.text)
    let request = try #require(
      seen["sources"]?.array?.first { $0["name"]?.text == name }
    )
    #expect(request["class"] == "RequestSource")
    #expect(
      try rows(request["schema"], "name", "type") == [
        ["price", "DOUBLE"], ["on", "UNIX_TIMESTAMP"],
      ]
    )
  }

  @Test("of some services has what is in them, and nothing else")
  func someServices() async throws {
    let accounts = try await Accounts()
    let found = try await accounts.registry(["fraud", "fraud"])
    #expect(found.services.map(\.name) == ["fraud"])
    #expect(found.views.map(\.name) == ["spend", "habit"])
    #expect(found.entities.map(\.name) == ["account", "place.region", "place.day"])
    #expect(found.requestSources.map(\.name) == ["habit.request"])
    let load = try await accounts.registry(["load"])
    #expect(load.entities.map(\.name) == ["place.region", "place.day"])
    #expect(load.requestSources.isEmpty)
    let error = await failure { _ = try await accounts.registry(["fruad"]) }
    #expect(error?.code == "features.unknown")
    #expect(error?.text.contains("did you mean fraud?") == true)
  }

  @Test("of the same definitions has the same bytes at another time, and others of others")
  func isDeterministic() async throws {
    let accounts = try await Accounts()
    let first = try await accounts.registry()
    accounts.project.clock.advance(by: .seconds(3600))
    let again = try await accounts.registry()
    #expect(first.bytes == again.bytes)
    var changed = try accounts.definitions
    changed.entities[0].notes.description = "Who pays what"
    let other = try await accounts.project.store(changed).feastRegistry(project: "pay-ments")
    #expect(other.bytes != first.bytes)
    #expect(other.bytes.count == first.bytes.count + 5)
  }

  @Test("of a view whose source was never made is refused by its name")
  func notMade() async throws {
    let accounts = try await Accounts()
    var definitions = try accounts.definitions
    definitions.views[2].source = .dataset(try #require(DatasetName("gold.nothing")))
    let store = accounts.project.store(definitions)
    let error = await failure { _ = try await store.feastRegistry(project: "p") }
    #expect(error?.code == "features.not-made")
  }

  @Test(
    "is of a project whose name Feast allows",
    arguments: [
      ("payments", "payments"), ("my pay/ments", "my_pay_ments"), ("a-b", "a_b"), ("_-x", "x"),
      ("..", "millrace"),
    ]
  )
  func projectName(name: String, expected: String) async throws {
    let store = try FeatureProject().store(FeatureDefinitions())
    #expect(try await store.feastRegistry(project: name).project == expected)
  }

  /// Some members of each object of a list, as text.
  private func rows(_ list: JSONValue?, _ members: String...) throws -> [[String]] {
    try #require(list?.array).map { row in members.map { row[$0]?.text ?? "" } }
  }
}
