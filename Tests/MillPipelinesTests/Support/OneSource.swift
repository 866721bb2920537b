// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillLake
import MillPipelines
import Testing

/// A project with one source, `bronze.a`.
struct OneSource {
  let sandbox: ProjectSandbox

  /// - Parameters:
  ///   - columns: The declared columns as YAML in braces; nil to have them found.
  ///   - more: Further keys of the source.
  init(
    _ files: [String: ProjectSandbox.Content],
    pattern: String? = nil,
    columns: String? = "{id: long, name: string}",
    more: String = "",
    settings: String = "",
    memory: String = "256MiB"
  ) throws {
    var yaml = "files: '\(pattern ?? files.keys.sorted()[0])'\n"
    if let columns { yaml += "columns: \(columns)\n" }
    var all = files
    all["sources/a.yaml"] = .text(yaml + more)
    all["millrace.yaml"] = ProjectSandbox.settings(settings, memory: memory)
    sandbox = try ProjectSandbox(all)
  }

  /// Loads what there is, which must work, and gives back what is said of the source.
  @discardableResult
  func load() async throws -> NodeOutcome {
    let report = try await sandbox.run()
    #expect(report.trouble == "")
    return try #require(report["bronze.a"])
  }

  /// Tries to load, which must fail and publish nothing; gives back the error.
  func failure() async throws -> any Failure {
    let before = try await sandbox.versions()
    let report = try await sandbox.run()
    #expect(report["bronze.a"]?.status == .failed)
    #expect(try await sandbox.versions() == before, "half of it was published")
    return try #require(report["bronze.a"]?.error)
  }

  func rows() async throws -> [[String: JSONValue]] { try await sandbox.ownRows("bronze.a") }

  /// The dead letters in the order of their lines.
  func letters() async throws -> [Letter] {
    try await sandbox.rows("dead_letters.a").map {
      Letter(
        line: $0["line"]?.integer ?? -1,
        byteOffset: $0["byte_offset"]?.integer,
        reason: $0["reason"]?.text ?? "",
        column: $0["column"]?.text,
        raw: $0["raw"]?.text ?? ""
      )
    }.sorted { $0.line < $1.line }
  }
}

/// A dead letter: where, why and what.
struct Letter: Equatable, Sendable {
  var line: Int64
  var byteOffset: Int64?
  var reason: String
  var column: String?
  var raw: String

  init(
    line: Int64,
    byteOffset: Int64? = nil,
    reason: String,
    column: String? = nil,
    raw: String
  ) {
    self.line = line
    self.byteOffset = byteOffset
    self.reason = reason
    self.column = column
    self.raw = raw
  }
}
