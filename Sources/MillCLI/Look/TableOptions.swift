// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Foundation
internal import MillAssembly
internal import MillCore
internal import MillEngine
internal import MillLake

/// Which version of a table is meant; the newest when nothing is said.
struct VersionOptions: ParsableArguments, Sendable {
  @Option(name: .customLong("version"), help: "A version by its number.")
  var number: Int64?

  @Option(
    name: .long,
    help: ArgumentHelp(
      "The version that was the newest at a time, such as 2025-10-17 or 2025-10-17T09:12:43Z.",
      valueName: "time"
    )
  )
  var timestamp: String?

  @Option(name: .long, help: "The version that a tag names.")
  var tag: String?

  func validate() throws {
    guard [number != nil, timestamp != nil, tag != nil].count(where: { $0 }) <= 1 else {
      throw ValidationError("Give one of --version, --timestamp and --tag.")
    }
    if let timestamp, Instant(iso8601: timestamp) == nil {
      throw ValidationError("--timestamp \(timestamp) is no day or instant.")
    }
  }

  /// nil for the newest.
  func version(of table: DeltaTable) async throws -> TableVersion? {
    if let number { return TableVersion(number) }
    if let tag { return try await table.version(tagged: tag) }
    guard let instant = timestamp.flatMap({ Instant(iso8601: $0) }) else { return nil }
    return try await table.version(at: instant)
  }
}

extension ProjectOptions {
  /// Opens the table that somebody names: a dataset of the project, or any folder of a Delta table.
  ///
  /// - Parameter outputs: Folders that rows may be written to besides.
  func withTable<Value: Sendable>(
    _ text: String,
    outputs: [String] = [],
    _ console: Console,
    _ body: (OpenTable) async throws -> Value
  ) async throws -> Value {
    let report: @Sendable (LakeNotice) -> Void = { notice in console.warn(notice.description) }
    if let folder = Self.tableFolder(text) {
      let open = try OpenTable(folder: folder, outputs: outputs, report: report)
      return try await finishing(open.engine.shutdown) { try await body(open) }
    }
    let workspace = try await Workspace(project: load(), outputs: outputs, report: report)
    return try await finishing(workspace.engine.shutdown) {
      let name = try await workspace.lake.tableName(text)
      return try await body(workspace.openTable(name))
    }
  }

  /// The absolute folder, when the text names one that holds a table or can only be a path.
  static func tableFolder(_ text: String) -> String? {
    let path = text.hasPrefix("file://") ? String(text.dropFirst(7)) : text
    let absolute = URL(fileURLWithPath: path).standardizedFileURL.path
    var isFolder: ObjCBool = false
    let holdsLog =
      FileManager.default.fileExists(atPath: absolute + "/_delta_log", isDirectory: &isFolder)
      && isFolder.boolValue
    return holdsLog || path.contains("/") ? absolute : nil
  }

  private func finishing<Value: Sendable>(
    _ end: () async -> Void,
    _ body: () async throws -> Value
  ) async throws -> Value {
    let result: Result<Value, any Error>
    do {
      result = .success(try await body())
    } catch {
      result = .failure(error)
    }
    await end()
    return try result.get()
  }
}
