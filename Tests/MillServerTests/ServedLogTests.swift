// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillTesting
import Testing

@Suite("What models were told")
struct ServedLogTests {
  @Test("is kept in a table of the service once the server has stopped, value by value")
  func kept() throws {
    let served = try ServedProject(["keep: 1", "refresh: never"])
    try served.start()
    let connection = try served.connect()
    let reply = try connection.post(
      "/v1/features",
      #"{"service":"fraud","entities":[{"card_id":"K00000001","merchant_id":"x","amount":12.5},"#
        + #"{"card_id":"nobody","merchant_id":"x","amount":null}]}"#
    )
    let told = try #require(reply.json?["entities"]?.array)
    // Features that no service names are nobody's model.
    _ = try connection.post(
      "/v1/features",
      #"{"features":["card_profile"],"entities":[{"card_id":"K00000001"}]}"#
    )
    served.terminate()
    #expect(served.wait() == .exited(0))
    let table = try JSONValue(
      parsing: served.millrace(["table", "rows", "served.fraud", "--json"])
    )
    let names = (table["columns"]?.array ?? []).compactMap(\.text)
    let rows = (table["rows"]?.array ?? []).compactMap(\.array)
    #expect(rows.count == 2)
    func cell(_ row: Int, _ name: String) -> JSONValue? {
      names.firstIndex(of: name).map { rows[row][$0] }
    }
    for (row, entity) in told.enumerated() where rows.indices.contains(row) {
      #expect(cell(row, "card_id") == entity["keys"]?["card_id"])
      for (name, value) in entity["features"]?.object ?? [:] {
        let column = name.split(separator: ".").joined(separator: "__")
        #expect(cell(row, column) == value["value"], "\(column)")
      }
      #expect(cell(row, "_versions")?.text?.contains("silver.payments") == true)
    }
    #expect(cell(0, "amount") == 12.5)
    #expect(cell(1, "_statuses")?.text?.contains("NOT_FOUND") == true)
    #expect(cell(0, "_request") == cell(1, "_request"))
  }
}
