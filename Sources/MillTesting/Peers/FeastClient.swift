// SPDX-License-Identifier: Apache-2.0

internal import Foundation
public import MillCore

/// Feast's own Python client on a repository, run by `Tests/Support/feast_client.py`.
///
/// The script says which calls there are and what it gives for each.
public struct FeastClient: Sendable {
  /// The client ended without answers.
  public struct Failed: Error, CustomStringConvertible {
    /// How it ended, and what it said.
    public var description: String
  }

  /// What was asked of a server that answers as it is told.
  public struct Request: Sendable {
    /// The path, with what follows a question mark.
    public var path: String
    /// As the client wrote them.
    public var headers: [String: String]
    /// The body.
    public var body: JSONValue
  }

  private let repository: String
  private let environment: [String: String?]

  /// A client of a folder with `feature_store.yaml` and `registry.db`.
  ///
  /// - Parameter environment: Changes to our environment, such as a token.
  public init(repository: String, environment: [String: String?] = [:]) {
    self.repository = repository
    self.environment = environment
  }

  /// Makes calls, one after the other, on one client.
  ///
  /// - Parameters:
  ///   - calls: As the script wants them.
  ///   - server: Another server than the repository says; nil for that one.
  /// - Returns: What came of each; nil, after a line that begins with `SKIPPED:`, when
  ///   `$MILLRACE_TOOLS_PYTHON` or Feast is missing.
  public func make(
    _ calls: [JSONValue],
    server: String? = nil
  ) async throws -> [JSONValue]? {
    let folder = try TemporaryFolder("feast")
    return try await run(calls, folder, server: server, under: [])
  }

  /// Makes calls on a server of the test's own, which answers as it is told.
  ///
  /// - Parameter answers: For each path the status and the JSON.
  /// - Returns: What came of the calls, and what the server was asked; nil as of ``make(_:server:)``.
  public func make(
    _ calls: [JSONValue],
    answers: [String: (status: Int, body: JSONValue)]
  ) async throws -> (answers: [JSONValue], requests: [Request])? {
    let folder = try TemporaryFolder("feast")
    let told = answers.map { path, answer -> (String, JSONValue) in
      (path, ["status": .int(answer.status), "body": answer.body])
    }
    let answersPath = folder.path("answers.json")
    let recordPath = folder.path("record.json")
    try LocalFileSystem().create(
      answersPath,
      Array(JSONValue.object(JSONObject(told)).serialized().utf8)
    )
    let under = [Self.support("http_echo.py"), answersPath, recordPath, "--"]
    guard let found = try await run(calls, folder, server: "{server}", under: under) else {
      return nil
    }
    let record = try JSONValue(parsing: try LocalFileSystem().read(recordPath))
    let requests = (record.array ?? []).map { request in
      var headers: [String: String] = [:]
      for (name, value) in request["headers"]?.object ?? [:] { headers[name] = value.text }
      return Request(
        path: request["path"]?.text ?? "",
        headers: headers,
        body: request["body"] ?? .null
      )
    }
    return (found, requests)
  }

  private func run(
    _ calls: [JSONValue],
    _ folder: TemporaryFolder,
    server: String?,
    under: [String]
  ) async throws -> [JSONValue]? {
    guard let python = ProcessInfo.processInfo.environment["MILLRACE_TOOLS_PYTHON"] else {
      reportSkipped("MILLRACE_TOOLS_PYTHON is not set: no client of Feast (scripts/test sets it)")
      return nil
    }
    let callsPath = folder.path("calls.json")
    try LocalFileSystem().create(
      callsPath,
      Array(JSONValue.array(calls).serialized().utf8)
    )
    var command = under.isEmpty ? [] : [python] + under
    command += [python, Self.support("feast_client.py"), repository, "--calls", callsPath]
    if let server { command += ["--server", server] }
    let program = try await PeerProgram.run(command, environment: environment)
    switch program.ending {
    case .exited(0):
      guard let answers = try JSONValue(parsing: program.output).array,
        answers.count == calls.count
      else { throw Failed(description: "there is not one answer for each call") }
      return answers
    case .exited(3):
      reportSkipped("\(python) has no feast: no client of Feast (scripts/setup --tools)")
      return nil
    case let ending: throw Failed(description: "\(ending): \(program.errors)")
    }
  }

  private static func support(_ name: String) -> String {
    var root = URL(fileURLWithPath: #filePath)
    for _ in 0..<4 { root.deleteLastPathComponent() }
    return root.appendingPathComponent("Tests/Support/\(name)").path
  }
}
