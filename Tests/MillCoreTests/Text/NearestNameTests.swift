// SPDX-License-Identifier: Apache-2.0

import MillCore
import Testing

@Suite("Did you mean …?")
struct NearestNameTests {
  @Test(
    "the name that was meant is found",
    arguments: [
      ("ordres", "orders"), ("order", "orders"), ("orderss", "orders"), ("custmers", "customers"),
      ("orders", "orders"), ("x", "y"), ("cutsomesr", "customers"),
    ]
  )
  func near(name: String, expected: String) {
    #expect(nearestName(to: name, among: ["customers", "orders", "payments", "y"]) == expected)
  }

  @Test("a name unlike all others means none", arguments: ["invoices", "", "o", "abc"])
  func far(name: String) {
    #expect(nearestName(to: name, among: ["customers", "orders"]) == nil)
  }

  @Test("of equally close names the first is taken, a closer one later still wins")
  func ties() {
    #expect(nearestName(to: "cat", among: ["bat", "hat"]) == "bat")
    #expect(nearestName(to: "parquet", among: ["parkett", "parqet"]) == "parqet")
    #expect(nearestName(to: "a", among: []) == nil)
  }

  @Test("two neighbours swapped are one edit, not two")
  func swap() {
    #expect(nearestName(to: "ab", among: ["ba"]) == "ba")
    #expect(nearestName(to: "abcd", among: ["badc"]) == nil)
  }
}
