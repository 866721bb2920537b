// SPDX-License-Identifier: Apache-2.0

import Foundation
import MillCore
import MillTesting
import Testing

/// The commands on tables, by the built binary.
@Suite("Commands on tables", .serialized)
struct TableCommandTests {
  private func json(_ arguments: [String], in folder: String) throws -> JSONValue {
    let outcome = try Program.run(arguments + ["--json"], in: folder)
    #expect(outcome.status == 0, "\(arguments): \(outcome.errors)")
    return try JSONValue(parsing: outcome.output)
  }

  @Test("a version is named, compared, restored and kept through maintenance")
  func versions() throws {
    let scratch = try Scratch()
    #expect(try Program.run(["init", "p", "--rows", "2000"], in: scratch.path).status == 0)
    let project = scratch.path + "/p"
    #expect(try Program.run(["run"], in: project).status == 0)
    let first = try json(["table", "show", "silver.payments"], in: project)
    #expect(first["protocol"]?["reader"] == 1)
    #expect(first["protocol"]?["writer"] == 2)
    _ = try json(["table", "tag", "silver.payments", "first", "--note", "n"], in: project)
    // A stricter rule makes another version.
    let model = project + "/models/silver/payments.sql"
    let text = try String(contentsOfFile: model, encoding: .utf8)
    try text.replacing("max: 50000", with: "max: 100").write(
      toFile: model,
      atomically: true,
      encoding: .utf8
    )
    #expect(try Program.run(["run"], in: project).status == 0)
    let diff = try json(["table", "diff", "silver.payments", "first"], in: project)
    #expect(diff["keys"] == ["payment_id"])
    #expect((diff["removed"]?.integer ?? 0) > 0)
    #expect(diff["added"] == 0)
    let old = try json(["table", "rows", "silver.payments", "--tag", "first"], in: project)
    #expect(old["version"] == 0)
    let some = try json(
      ["table", "rows", "silver.payments", "--where", "paid_month = '2024-02'"],
      in: project
    )
    #expect((some["files_opened"]?.integer ?? 9) < (some["files"]?.integer ?? 0))
    let file = scratch.path + "/out.parquet"
    let out = try json(
      ["table", "rows", "silver.payments", "--version", "0", "--output", file],
      in: project
    )
    #expect(out["rows"] == first["rows"])
    #expect(FileManager.default.fileExists(atPath: file))
    let again = try Program.run(
      ["table", "rows", "silver.payments", "--output", file],
      in: project
    )
    #expect(again.status == 3, "what is there already is not overwritten")
    let restored = try json(["table", "restore", "silver.payments", "--tag", "first"], in: project)
    #expect(restored["restored"] == 0)
    let now = try json(["table", "show", "silver.payments"], in: project)
    #expect(now["rows"] == first["rows"])
    // What the restore took back is made again.
    #expect(try Program.run(["run"], in: project).status == 0)
    let settings = project + "/millrace.yaml"
    let lines = try String(contentsOfFile: settings, encoding: .utf8)
    try (lines + "lifecycle:\n  default: {keep: 7d}\nstorage: {price_per_gib_month: 0.02}\n").write(
      toFile: settings,
      atomically: true,
      encoding: .utf8
    )
    let maintained = try json(["maintain"], in: project)
    #expect(maintained["failed"] == 0)
    #expect(maintained["currency"] == "USD")
    #expect((maintained["tables"]?.array?.count ?? 0) > 20)
    let idle = try Program.run(["run"], in: project)
    #expect(idle.output.contains("nothing to do"), "maintenance makes nothing again")
  }

  @Test("a table of others is read by its folder, without a project")
  func foreign() throws {
    guard let root = requireShared("data/delta-conformance") else { return }
    let scratch = try Scratch()
    let rows = try json(
      ["table", "rows", "\(root)/generated/dv_file/delta", "--version", "2", "--limit", "1000"],
      in: scratch.path
    )
    #expect(rows["rows"]?.array?.count == 180)
    let diff = try json(
      ["table", "diff", "\(root)/generated/dv_file/delta", "2", "3", "--key", "id"],
      in: scratch.path
    )
    #expect(diff["removed"] == 40)
    let refused = try Program.run(
      ["table", "rows", "\(root)/golden/deltalog-invalid-protocol-version/delta"],
      in: scratch.path
    )
    #expect(refused.status == 3)
    #expect(refused.errors.contains("reader version 99"))
  }

  @Test("a policy that would lose rows or names nothing is refused with its place")
  func policies() throws {
    let scratch = try Scratch()
    #expect(try Program.run(["init", "p", "--rows", "500"], in: scratch.path).status == 0)
    let settings = scratch.path + "/p/millrace.yaml"
    let lines = try String(contentsOfFile: settings, encoding: .utf8)
    for (policy, words) in [
      ("silver.paymnts: {keep: 7d}", "did you mean"),
      ("silver.payments: {archive: {by: paid_at, after: 1d, to: lake}}", "lie in one another"),
      ("silver.payments: {keep: soon}", "no duration"),
      ("silver.payments: {kep: 7d}", "unknown key"),
    ] {
      try (lines + "lifecycle:\n  \(policy)\n").write(
        toFile: settings,
        atomically: true,
        encoding: .utf8
      )
      let outcome = try Program.run(["validate"], in: scratch.path + "/p")
      #expect(outcome.status == 2, "\(policy)")
      #expect((outcome.output + outcome.errors).contains(words), "\(policy): \(outcome.errors)")
    }
  }
}
