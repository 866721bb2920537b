// SPDX-License-Identifier: Apache-2.0

import Foundation
import MillCore
import MillTesting

/// The sample project in a folder of its own, brought into its online store, and the built server over it.
final class ServedProject {
  struct Failed: Error, CustomStringConvertible {
    var description: String
  }

  let folder: TemporaryFolder
  private(set) var port = 0
  private var server: ChildProcess?

  /// The folder of the project.
  var project: String { folder.path("p") }
  var output: String { folder.path("output") }
  /// Where its standard error goes.
  lazy var errors = folder.path("errors")
  /// A disk that it has for the folder of its state.
  var disk: SmallDisk?

  /// - Parameter settings: What `server` in millrace.yaml says besides the address, line by line.
  init(_ settings: [String] = []) throws {
    folder = try TemporaryFolder("serve")
    try Self.run(["/bin/cp", "-R", try Self.template.get().path("p"), project])
    try write(settings)
  }

  deinit { server?.kill() }

  /// Makes the sample once for all tests.
  private static let template = Result {
    let folder = try TemporaryFolder("serve-template")
    // A static lives until the process ends, and so would its folder.
    atexit { ServedProject.removeTemplate() }
    let program = try binary()
    try run([program, "init", "p", "--rows", "300", "--seed", "7"], in: folder.path)
    let path = folder.path("p")
    try run([program, "run"], in: path)
    try run([program, "features", "materialize"], in: path)
    return folder
  }

  private static func removeTemplate() {
    if case .success(let folder) = template {
      try? FileManager.default.removeItem(atPath: folder.path)
    }
  }

  /// Replaces what the settings say of the server.
  func write(_ settings: [String]) throws {
    let path = project + "/millrace.yaml"
    let text = try String(contentsOfFile: path, encoding: .utf8)
    let kept = text.components(separatedBy: "server:\n")[0]
    let lines = ["listen: 127.0.0.1:0"].filter { _ in !settings.contains { $0.hasPrefix("listen") }
    }
    let server = (lines + settings).map { "  \($0)\n" }.joined()
    try (kept + "server:\n" + server).write(toFile: path, atomically: false, encoding: .utf8)
  }

  /// Starts the server and waits until it listens.
  func start() throws {
    let command = [try Self.binary(), "serve", "--json"]
    let server = try ChildProcess(
      disk?.command(command, in: project) ?? command,
      in: project,
      environment: ["NO_COLOR": "1"],
      output: output,
      errors: errors
    )
    self.server = server
    let line = try Self.until("the server listens") { () -> String? in
      guard server.isRunning else {
        throw Failed(description: "it ended: \(self.said)")
      }
      let text = (try? String(contentsOfFile: output, encoding: .utf8)) ?? ""
      return text.hasSuffix("\n") ? text : nil
    }
    port = try Self.port(line)
  }

  /// What it wrote to standard error.
  var said: String { (try? String(contentsOfFile: errors, encoding: .utf8)) ?? "" }

  var isRunning: Bool { server?.isRunning ?? false }

  /// Tells it to stop, as an operator does.
  func terminate() {
    if let server, server.isRunning { Glibc.kill(server.identifier, SIGTERM) }
  }

  func wait() -> ChildProcess.Ending? { server?.wait() }

  func connect() throws -> HTTPConnection { try HTTPConnection(port: port) }

  /// A moment in which another process may do something.
  static func pause() { usleep(5_000) }

  /// Another server over the same project.
  final class Second {
    private let server: ChildProcess
    private(set) var port = 0

    init(of first: ServedProject) throws {
      let output = first.folder.path("second")
      server = try ChildProcess(
        [try ServedProject.binary(), "serve", "--json"],
        in: first.project,
        output: output
      )
      let server = server
      let line = try ServedProject.until("the second server listens") { () -> String? in
        guard server.isRunning else { throw Failed(description: "it ended") }
        let text = (try? String(contentsOfFile: output, encoding: .utf8)) ?? ""
        return text.hasSuffix("\n") ? text : nil
      }
      port = try ServedProject.port(line)
    }

    deinit { server.kill() }
  }

  private static func port(_ line: String) throws -> Int {
    Int(try JSONValue(parsing: line)["url"]?.text?.split(separator: ":").last ?? "") ?? 0
  }

  /// Waits for something that another process does, for twenty seconds at the most.
  static func until<T>(_ what: String, _ body: () throws -> T?) throws -> T {
    for _ in 0..<2000 {
      if let found = try body() { return found }
      usleep(10_000)
    }
    throw Failed(description: "it never came that \(what)")
  }

  /// Runs a program to its end, which must be a good one.
  @discardableResult
  static func run(_ command: [String], in folder: String? = nil) throws -> String {
    let scratch = try TemporaryFolder("run")
    let process = try ChildProcess(
      command,
      in: folder,
      environment: ["NO_COLOR": "1"],
      output: scratch.path("out"),
      errors: scratch.path("err")
    )
    let ending = process.wait()
    let errors = (try? String(contentsOfFile: scratch.path("err"), encoding: .utf8)) ?? ""
    guard ending == .exited(0) else {
      throw Failed(description: "\(command.joined(separator: " ")): \(ending) \(errors)")
    }
    return (try? String(contentsOfFile: scratch.path("out"), encoding: .utf8)) ?? ""
  }

  func millrace(_ arguments: [String]) throws -> String {
    try Self.run([try Self.binary()] + arguments, in: project)
  }

  /// Beside the test bundle, where the build puts both.
  static func binary() throws -> String {
    var folder = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
    for _ in 0..<6 {
      folder.deleteLastPathComponent()
      let candidate = folder.appendingPathComponent("millrace").path
      if isProgram(candidate) { return candidate }
    }
    let debug = Self.root.appendingPathComponent(".build/debug/millrace").path
    guard isProgram(debug) else {
      throw Failed(description: "no millrace beside the tests: run `swift build` first")
    }
    return debug
  }

  static let root = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  private static func isProgram(_ path: String) -> Bool {
    var isFolder: ObjCBool = false
    return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
      && !isFolder.boolValue && FileManager.default.isExecutableFile(atPath: path)
  }
}
