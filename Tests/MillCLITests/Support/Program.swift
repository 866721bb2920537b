// SPDX-License-Identifier: Apache-2.0

import Foundation
import MillCore
import MillTesting

/// The built binary, run as a user runs it.
struct Program {
  /// How a command ended.
  struct Outcome {
    var status: Int32
    var output: String
    var errors: String
    /// Whether a signal ended it.
    var wasKilled: Bool
  }

  struct MissingBinary: Error, CustomStringConvertible {
    var description: String
  }

  /// Beside the test bundle, where the build puts both.
  static func path() throws -> String {
    var folder = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
    for _ in 0..<6 {
      folder.deleteLastPathComponent()
      let candidate = folder.appendingPathComponent("millrace").path
      var isFolder: ObjCBool = false
      if FileManager.default.fileExists(atPath: candidate, isDirectory: &isFolder),
        !isFolder.boolValue, FileManager.default.isExecutableFile(atPath: candidate)
      {
        return candidate
      }
    }
    let root = URL(fileURLWithPath: #filePath)
      .deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    let debug = root.appendingPathComponent(".build/debug/millrace").path
    guard FileManager.default.isExecutableFile(atPath: debug) else {
      throw MissingBinary(description: "no millrace beside the tests: run `swift build` first")
    }
    return debug
  }

  private static let plainTerminal: [String: String?] = ["NO_COLOR": "1", "COLUMNS": nil]

  /// Starts a command; the caller waits for it or kills it.
  static func start(
    _ arguments: [String],
    in folder: String,
    output: String? = nil,
    errors: String? = nil
  ) throws -> ChildProcess {
    try ChildProcess(
      [try path()] + arguments,
      in: folder,
      environment: Self.plainTerminal,
      output: output,
      errors: errors
    )
  }

  /// Runs a command to its end.
  static func run(_ arguments: [String], in folder: String) throws -> Outcome {
    // Files rather than pipes: nobody has to read while it runs, whatever it prints.
    let base = FileManager.default.temporaryDirectory
      .appendingPathComponent("mill-cli-\(UUID().uuidString)")
    let output = base.appendingPathExtension("out")
    let errors = base.appendingPathExtension("err")
    defer {
      try? FileManager.default.removeItem(at: output)
      try? FileManager.default.removeItem(at: errors)
    }
    let ending = try start(arguments, in: folder, output: output.path, errors: errors.path).wait()
    var status: Int32 = 0
    var wasKilled = false
    switch ending {
    case .exited(let number): status = number
    case .killed(let signal):
      status = signal
      wasKilled = true
    }
    return Outcome(
      status: status,
      output: String(decoding: try Data(contentsOf: output), as: UTF8.self),
      errors: String(decoding: try Data(contentsOf: errors), as: UTF8.self),
      wasKilled: wasKilled
    )
  }
}

/// A folder that goes with the value.
final class Scratch: Sendable {
  let path: String

  init() throws {
    path =
      FileManager.default.temporaryDirectory
      .appendingPathComponent("mill-\(UUID().uuidString)").resolvingSymlinksInPath().path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func write(_ text: String, to name: String) throws {
    let url = URL(fileURLWithPath: path).appendingPathComponent(name)
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(),
      withIntermediateDirectories: true
    )
    try text.write(to: url, atomically: false, encoding: .utf8)
  }
}

/// All tables of a project by name, as rows that two projects can be compared by.
func tables(of project: String) throws -> [String: [String]] {
  let listed = try Program.run(["table", "list", "--json"], in: project)
  let names = try JSONValue(parsing: listed.output)["tables"]?.array?.compactMap {
    $0["table"]?.text
  }
  var found: [String: [String]] = [:]
  for name in names ?? [] {
    let shown = try Program.run(
      ["table", "rows", name, "--limit", "1000000", "--json"],
      in: project
    )
    let json = try JSONValue(parsing: shown.output)
    let columns = json["columns"]?.array?.compactMap(\.text) ?? []
    // When and by which run a row came is not what it says.
    let volatile: Set<String> = ["_loaded_at", "_run", "_judged_at"]
    found[name] = (json["rows"]?.array ?? []).map { row in
      if let object = row.object {
        var kept = JSONObject()
        for key in object.keys.sorted() where !volatile.contains(key) { kept[key] = object[key] }
        return JSONValue.object(kept).serialized()
      }
      let cells = zip(columns, row.array ?? []).filter { !volatile.contains($0.0) }.map(\.1)
      return JSONValue.array(cells).serialized()
    }.sorted()
  }
  return found
}
