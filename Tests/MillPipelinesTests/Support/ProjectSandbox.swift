// SPDX-License-Identifier: Apache-2.0

import Foundation
import MillAssembly
import MillCore
import MillEngine
import MillLake
import MillPipelines
import Testing

/// A project in a temporary folder of its own, run with the real engine on real files.
///
/// Every call opens the project anew, as a new process would. The folder goes with the object.
final class ProjectSandbox: Sendable {
  /// What stands in a file.
  enum Content: Sendable, ExpressibleByStringLiteral, ExpressibleByStringInterpolation {
    case text(String)
    case bytes([UInt8])

    init(stringLiteral text: String) { self = .text(text) }

    var data: Data {
      switch self {
      case .text(let text): Data(text.utf8)
      case .bytes(let bytes): Data(bytes)
      }
    }
  }

  let folder: String

  /// Writes the files; without a `millrace.yaml` among them the project is named shop and small.
  init(_ files: [String: Content] = [:]) throws {
    folder =
      FileManager.default.temporaryDirectory
      .appendingPathComponent("millrace-sandbox-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    if files["millrace.yaml"] == nil { try write("millrace.yaml", Self.settings()) }
    for (path, content) in files { try write(path, content) }
  }

  /// A copy of all that is there now.
  init(copying other: ProjectSandbox) throws {
    folder =
      FileManager.default.temporaryDirectory
      .appendingPathComponent("millrace-sandbox-\(UUID().uuidString)").path
    try FileManager.default.copyItem(atPath: other.folder, toPath: folder)
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  static func settings(_ more: String = "", memory: String = "256MiB") -> Content {
    "name: shop\nmemory: \(memory)\ntemp: 1GiB\nthreads: 2\n\(more)"
  }

  func write(_ path: String, _ content: Content) throws {
    let file = URL(fileURLWithPath: folder + "/" + path)
    try FileManager.default.createDirectory(
      at: file.deletingLastPathComponent(),
      withIntermediateDirectories: true
    )
    try content.data.write(to: file)
  }

  func read(_ path: String) throws -> Data {
    try Data(contentsOf: URL(fileURLWithPath: folder + "/" + path))
  }

  func remove(_ path: String) throws {
    try FileManager.default.removeItem(atPath: folder + "/" + path)
  }

  /// Gives a file another time of change and leaves its bytes alone.
  func touch(_ path: String) throws {
    try FileManager.default.setAttributes(
      [.modificationDate: Date(timeIntervalSince1970: 1_700_000_000)],
      ofItemAtPath: folder + "/" + path
    )
  }

  // MARK: Running

  func withWorkspace<Result>(
    world: World = .system(),
    _ body: (Workspace) async throws -> Result
  ) async throws -> Result {
    let workspace = try await Workspace(project: Project.load(folder: folder), world: world)
    do {
      let result = try await body(workspace)
      await workspace.engine.shutdown()
      return result
    } catch {
      await workspace.engine.shutdown()
      throw error
    }
  }

  @discardableResult
  func run(_ selectors: [String] = [], world: World = .system()) async throws -> RunReport {
    try await withWorkspace(world: world) { try await $0.pipeline().run(selectors) }
  }

  // MARK: Looking

  /// The rows of a table by column, in an order that depends on nothing but the rows.
  func rows(_ dataset: String, at version: Int64? = nil) async throws -> [[String: JSONValue]] {
    try await withWorkspace { try await Self.rows(dataset, at: version, in: $0) }
  }

  /// The rows without the columns that Millrace adds.
  func ownRows(_ dataset: String, at version: Int64? = nil) async throws -> [[String: JSONValue]] {
    let added = BronzeSchema.reservedNames.union(Self.volatile)
    return Self.sorted(
      try await rows(dataset, at: version).map { $0.filter { !added.contains($0.key) } }
    )
  }

  /// The values of one column, as text, in order.
  func column(_ column: String, of dataset: String) async throws -> [String] {
    try await rows(dataset).map { Self.text($0[column] ?? "no such column") }.sorted()
  }

  /// All tables with their columns and rows, without what differs from run to run: columns about
  /// the run, and whether a quarantine without rows was ever needed.
  func tables() async throws -> [String: TableState] {
    try await withWorkspace { try await Self.tables(in: $0) }
  }

  /// Runs everything and looks at all tables.
  func runAndTables() async throws -> (RunReport, [String: TableState]) {
    try await withWorkspace {
      (try await $0.pipeline().run(), try await Self.tables(in: $0))
    }
  }

  private static func tables(in workspace: Workspace) async throws -> [String: TableState] {
    var tables: [String: TableState] = [:]
    for dataset in try await workspace.lake.datasets() {
      let name = dataset.description
      let rows = try await Self.rows(name, at: nil, in: workspace)
      if rows.isEmpty, dataset.layer == .quarantine || dataset.layer == .deadLetters { continue }
      let snapshot = try await workspace.lake.table(dataset).snapshot()
      tables[name] = TableState(
        columns: snapshot.schema.fields.map { "\($0.name): \($0.type)" },
        rows: Self.sorted(rows.map { $0.filter { !Self.volatile.contains($0.key) } })
      )
    }
    return tables
  }

  /// The newest version of each table; a quarantine or dead letters without rows are left out.
  func versions() async throws -> [String: Int64] {
    try await withWorkspace { workspace in
      var versions: [String: Int64] = [:]
      for dataset in try await workspace.lake.datasets() {
        let snapshot = try await workspace.lake.table(dataset).snapshot()
        let isRejected = dataset.layer == .quarantine || dataset.layer == .deadLetters
        if isRejected, snapshot.files.isEmpty { continue }
        versions[dataset.description] = snapshot.version.number
      }
      return versions
    }
  }

  static let volatile: Set<String> = ["_loaded_at", "_run", "_judged_at"]

  private static func rows(
    _ dataset: String,
    at version: Int64?,
    in workspace: Workspace
  ) async throws -> [[String: JSONValue]] {
    let name = try #require(DatasetName(dataset))
    let table = try await workspace.openTable(name).rows(
      at: version.map { TableVersion($0) },
      limit: 1_000_000
    ).rows
    return sorted(
      table.rows.map { Dictionary(uniqueKeysWithValues: zip(table.columns, $0)) }
    )
  }

  static func sorted(_ rows: [[String: JSONValue]]) -> [[String: JSONValue]] {
    let keyed = rows.map { row in
      (key: row.keys.sorted().map { "\($0)=\(text(row[$0] ?? .null))" }.joined(separator: "|"), row)
    }
    return keyed.sorted { $0.key < $1.key }.map(\.1)
  }

  static func text(_ value: JSONValue) -> String { value.text ?? value.serialized() }
}

/// What a table holds, comparable between runs.
struct TableState: Equatable, Sendable {
  var columns: [String]
  var rows: [[String: JSONValue]]
}

extension RunReport {
  subscript(_ dataset: String) -> NodeOutcome? {
    outcomes.first { $0.dataset.description == dataset }
  }

  var statuses: [String: NodeOutcome.Status] {
    Dictionary(uniqueKeysWithValues: outcomes.map { ($0.dataset.description, $0.status) })
  }

  /// What was loaded into a bronze table.
  func load(_ dataset: String) -> RowAccount.Load? {
    guard case .load(let load) = self[dataset]?.account else { return nil }
    return load
  }

  /// What became of a model's rows.
  func model(_ dataset: String) -> RowAccount.Model? {
    guard case .model(let model) = self[dataset]?.account else { return nil }
    return model
  }

  /// Everything that failed, for messages of tests.
  var trouble: String {
    failures.map { "\($0.dataset): \($0.error.map { "\($0)" } ?? "?")" }.joined(separator: "; ")
  }
}
