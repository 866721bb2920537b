// SPDX-License-Identifier: Apache-2.0

import Foundation
import MillAssembly
import MillCore
import MillPipelines
import MillQuality
import Testing

@Suite("A run of the payments sample")
struct PaymentsRunTests {
  private func payments(
    _ rows: Int = 1_000,
    seed: UInt64 = 1
  ) throws -> (ProjectSandbox, SampleManifest) {
    let sandbox = try ProjectSandbox()
    try sandbox.remove("millrace.yaml")
    let manifest = try PaymentsProject(rows: rows, seed: seed).write(to: sandbox.folder)
    return (sandbox, manifest)
  }

  @Test("every count of the manifest stands in the accounts and in the tables", arguments: 1...3)
  func counts(seed: Int) async throws {
    let (sandbox, manifest) = try payments(5_000, seed: UInt64(seed))
    let report = try await sandbox.run()
    #expect(report.trouble == "")
    let tables = try await sandbox.tables()
    for source in manifest.sources {
      let load = try #require(report.load("bronze.\(source.name)"))
      #expect(load.bronze == Int64(source.bronzeRows), "\(source.name)")
      #expect(load.deadLetters == Int64(source.deadLetters), "\(source.name)")
      #expect(load.blank == Int64(source.blankLines), "\(source.name)")
      #expect(tables["bronze.\(source.name)"]?.rows.count == source.bronzeRows)
      #expect(tables["dead_letters.\(source.name)"]?.rows.count ?? 0 == source.deadLetters)
    }
    for model in manifest.models {
      let account = try #require(report.model(model.name))
      #expect(account.candidates == Int64(model.candidates), "\(model.name)")
      #expect(account.deduplicated == Int64(model.deduplicated), "\(model.name)")
      #expect(account.published == Int64(model.published), "\(model.name)")
      #expect(account.quarantined == Int64(model.quarantined.values.reduce(0, +)))
      #expect(tables[model.name]?.rows.count == model.published, "\(model.name)")
      let kept = tables["quarantine.\(model.name.split(separator: ".")[1])"]?.rows ?? []
      var byRule: [String: Int] = [:]
      for row in kept {
        let rules = try #require(row["_rules"]?.array)
        #expect(rules.count == 1)
        for rule in rules { byRule[rule.text ?? "?", default: 0] += 1 }
      }
      #expect(byRule == model.quarantined, "\(model.name)")
      let results = try #require(report[model.name]?.results)
      for (rule, count) in model.warned.merging(model.quarantined, uniquingKeysWith: +) {
        #expect(results.first { $0.rule == rule }?.violations == Int64(count), "\(rule)")
      }
      for (column, count) in model.repaired {
        let repaired = account.repaired.filter { $0.key.hasSuffix(" \(column)") }
        #expect(repaired.values.reduce(0, +) == Int64(count), "\(column)")
      }
    }
    let gold = report.outcomes.filter { $0.dataset.layer == .gold }
    #expect(gold.count == 3 && gold.allSatisfy { $0.status == .published })
  }

  @Test("a second run reads no byte and changes nothing")
  func again() async throws {
    let (sandbox, _) = try payments()
    try await sandbox.run()
    let before = try await sandbox.versions()
    let report = try await sandbox.run()
    #expect(report.outcomes.allSatisfy { $0.status == .unchanged })
    #expect(report.bytesRead == 0)
    #expect(try await sandbox.versions() == before)
  }

  @Test("a file that has another time but the same bytes is not loaded again")
  func touched() async throws {
    let (sandbox, _) = try payments()
    try await sandbox.run()
    let before = try await sandbox.versions()
    try sandbox.touch("data/cards.csv")
    try sandbox.touch("data/payments-2025-01.csv")
    let report = try await sandbox.run()
    #expect(report.outcomes.allSatisfy { $0.status == .unchanged && $0.notes.isEmpty })
    #expect(report.bytesRead > 0, "the bytes are compared, not the time")
    #expect(try await sandbox.versions() == before)
    #expect(try await sandbox.run().bytesRead == 0, "the new time is remembered")
  }

  @Test("of a new file that a glob finds, and of nothing else, the rows are loaded")
  func newFile() async throws {
    let (sandbox, manifest) = try payments()
    try await sandbox.run()
    let january = String(decoding: try sandbox.read("data/payments-2025-01.csv"), as: UTF8.self)
    let lines = january.split(separator: "\n").map(String.init)
    // A good payment once more, under an identity of its own.
    let published = Set(try await sandbox.column("payment_id", of: "silver.payments"))
    let good = try #require(lines.first { published.contains(String($0.prefix(11))) })
    try sandbox.write(
      "data/payments-2025-01b.csv",
      "\(lines[0])\nP0000900001\(good.dropFirst(11))\n"
    )
    let report = try await sandbox.run()
    #expect(report.trouble == "")
    let load = try #require(report.load("bronze.payments_csv"))
    #expect(load.files == 1 && load.bronze == 1)
    #expect(report["bronze.payments_json"]?.status == .unchanged)
    #expect(report["silver.customers"]?.status == .unchanged)
    let account = try #require(report.model("silver.payments"))
    let expected = try #require(manifest.models.first { $0.name == "silver.payments" })
    #expect(account.candidates == Int64(expected.candidates + 1))
  }

  @Test("changed bytes under a known name are reported where the source says report")
  func reported() async throws {
    let (sandbox, _) = try payments()
    try await sandbox.run()
    let before = try await sandbox.tables()
    let path = "data/payments-2025-01.csv"
    let text = String(decoding: try sandbox.read(path), as: UTF8.self)
    try sandbox.write(path, .text(text.replacing("captured", with: "refunded")))
    for _ in 0..<2 {
      let report = try await sandbox.run()
      #expect(report["bronze.payments_csv"]?.status == .unchanged)
      let notes = try #require(report["bronze.payments_csv"]?.notes)
      #expect(notes.count == 1 && notes[0].contains(path), "\(notes)")
    }
    #expect(try await sandbox.tables() == before)
  }

  @Test("changed bytes under a known name replace the old rows where the source says replace")
  func replaced() async throws {
    let (sandbox, manifest) = try payments()
    try await sandbox.run()
    let text = String(decoding: try sandbox.read("data/cards.csv"), as: UTF8.self)
    try sandbox.write("data/cards.csv", .text(text.replacing(",visa,", with: ",amex,")))
    let report = try await sandbox.run()
    #expect(report.trouble == "")
    let cards = try #require(manifest.sources.first { $0.name == "cards" })
    let rows = try await sandbox.rows("bronze.cards")
    #expect(rows.count == cards.bronzeRows)
    #expect(!rows.contains { $0["network"] == "visa" })
    let letters = try await sandbox.tables()["dead_letters.cards"]?.rows.count ?? 0
    #expect(letters == cards.deadLetters)
    let old = try await sandbox.rows("bronze.cards", at: 0)
    #expect(old.contains { $0["network"] == "visa" })
  }
}
