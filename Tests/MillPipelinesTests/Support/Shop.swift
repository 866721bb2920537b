// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillPipelines
import Testing

/// A project with one source, `bronze.a`, and models over it.
struct Shop {
  let sandbox: ProjectSandbox

  /// - Parameters:
  ///   - rows: CSV with its header.
  ///   - columns: The declared columns as YAML in braces.
  ///   - models: SQL with its header by name, such as `silver.m`.
  init(_ rows: String, columns: String? = nil, models: [String: String]) throws {
    var files: [String: ProjectSandbox.Content] = [
      "data/a.csv": .text(rows),
      "sources/a.yaml": .text(
        "files: 'data/*.csv'\ncsv: {delimiter: ','}\non_change: replace\n"
          + (columns.map { "columns: \($0)\n" } ?? "")
      ),
    ]
    for (name, text) in models {
      files["models/\(name.replacing(".", with: "/")).sql"] = .text(text)
    }
    sandbox = try ProjectSandbox(files)
  }

  /// One silver model, `silver.m`, with these keys in its header.
  init(
    _ rows: String,
    columns: String? = nil,
    header: String,
    sql: String = "SELECT * EXCLUDE (_source, _partition, _offset, _event_id, _appended_at, "
      + "_loaded_at, _watermark, _rescued) FROM bronze.a"
  ) throws {
    try self.init(rows, columns: columns, models: ["silver.m": "/*\n\(header)\n*/\n\(sql)\n"])
  }

  /// Runs everything, which must work, and gives back what became of `silver.m`.
  @discardableResult
  func run() async throws -> NodeOutcome {
    let report = try await sandbox.run()
    #expect(report.trouble == "")
    return try #require(report["silver.m"])
  }

  /// Runs everything and gives back the error of `silver.m`, of which nothing is published.
  func failure(of name: String = "silver.m") async throws -> any Failure {
    let before = try await sandbox.versions().filter { !$0.key.hasPrefix("bronze") }
    let report = try await sandbox.run()
    #expect(report[name]?.status == .failed)
    let after = try await sandbox.versions().filter { !$0.key.hasPrefix("bronze") }
    #expect(after == before, "half of it was published")
    return try #require(report[name]?.error)
  }

  /// The rows of `silver.m`.
  func rows() async throws -> [[String: JSONValue]] { try await sandbox.ownRows("silver.m") }

  /// The first column of the rows in quarantine, each with its rules.
  func quarantine(_ column: String = "id") async throws -> [String: [String]] {
    var found: [String: [String]] = [:]
    guard try await sandbox.versions()["quarantine.m"] != nil else { return [:] }
    for row in try await sandbox.rows("quarantine.m") {
      let key = ProjectSandbox.text(row[column] ?? .null)
      #expect(found[key] == nil, "\(key) is in quarantine twice")
      found[key] = row["_rules"]?.array?.compactMap(\.text).sorted() ?? []
    }
    return found
  }
}
