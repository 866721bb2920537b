// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Crypto
internal import MillAssembly
internal import MillCore
internal import MillEngine
internal import MillFeatures
internal import MillLake
internal import MillServer

/// `millrace serve`: features over HTTP, until it is told to stop.
struct ServeCommand: ProjectCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve",
    abstract: "Serve features over HTTP: Feast's protocol, and /v1.",
    discussion: """
        $ millrace serve
        fraud at http://127.0.0.1:6566, for whoever reaches it

        $ curl -s 127.0.0.1:6566/v1/features \\
            -d '{"service": "fraud", "entities": [{"card_id": "K1", "amount": 12.5}]}'

      What `server` in millrace.yaml says holds: address, tokens, TLS, limits. Sources are looked at \
      every few seconds and brought into the online store; a changed definition is served as soon as \
      it is there. Requests are written to standard error, a line for each.

      SIGINT or SIGTERM: no new request is taken, those under way are answered, then it ends with 0. \
      /health says how it is, /openapi.json describes all requests.

      JSON: one line when it listens: {"url", "project", "tokens"}.
      """
  )

  @Option(
    name: .long,
    help: ArgumentHelp("Another address than the project's.", valueName: "host:port")
  )
  var listen: String?

  @Option(
    name: .long,
    help: ArgumentHelp(
      "Serve as of a moment that stands still, to try data of the past.",
      valueName: "time"
    )
  )
  var at: String?

  @Flag(name: .long, help: "Make a token, show it once with what the settings need, and end.")
  var newToken = false

  @OptionGroup
  var common: CommonOptions

  func validate() throws {
    if let at, Instant(iso8601: at) == nil {
      throw ValidationError("--at \(at) is no instant, such as 2025-03-31T12:00:00Z.")
    }
  }

  func run(_ console: Console) async throws -> ExitStatus {
    guard !newToken else { return showToken(console) }
    let loaded = try load()
    let settings = loaded.settings.server
    guard !settings.tokens.isEmpty || settings.isOpen || settings.isLocal else {
      throw CommandError.option(
        "--listen \(listen ?? ""): other machines would reach the server, and `server.tokens` is empty"
      )
    }
    var world = World.system()
    if let moment = at.flatMap(Instant.init(iso8601:)) { world.clock = FixedClock(at: moment) }
    let write: @Sendable ([UInt8]) -> Bool = {
      console.error.write(String(decoding: $0, as: UTF8.self))
    }
    // Requests that come fast take no room from what an operator should know.
    let notices = LineQueue("the server", write: write)
    let workspace = try await Workspace(project: loaded, world: world) {
      notices.append(console.warning($0.description))
    }
    let requests: LineQueue? =
      switch settings.accessLog {
      case .none: nil
      case .stderr: LineQueue("requests", write: write)
      }
    let server = MillraceServer(workspace, accessLog: requests) { notices.append($0.printable) }
    let result: Result<Void, any Error>
    do {
      try await server.run { host, port in
        show(loaded, host, port, console)
      }
      result = .success(())
    } catch {
      result = .failure(error)
    }
    await workspace.engine.shutdown()
    await requests?.flush()
    await notices.flush()
    try result.get()
    return .done
  }

  private func load() throws -> Project {
    var loaded = try project.load()
    if let listen { try loaded.settings.listen(at: listen) }
    return loaded
  }

  private func show(_ project: Project, _ host: String, _ port: Int, _ console: Console) {
    let settings = project.settings.server
    let name = host.contains(":") ? "[\(host)]" : host
    let url = "\(settings.tls == nil ? "http" : "https")://\(name):\(port)"
    guard !console.isJSON else {
      let answer: JSONValue = [
        "url": .string(url), "project": .string(project.settings.name),
        "tokens": .int(settings.tokens.count),
      ]
      console.show(answer.serialized())
      return
    }
    let who =
      settings.tokens.isEmpty
      ? "for whoever reaches it"
      : "for \(settings.tokens.count) \(settings.tokens.count == 1 ? "token" : "tokens")"
    console.show("\(console.style.bold(project.settings.name)) at \(url), \(who)")
  }

  private func showToken(_ console: Console) -> ExitStatus {
    var random = SystemRandomNumberGenerator()
    let bytes = (0..<32).map { _ in UInt8.random(in: 0...255, using: &random) }
    let token = "mill_" + Self.hex(bytes)
    let digest = Self.hex(Array(SHA256.hash(data: Array(token.utf8))))
    guard !console.isJSON else {
      console.show(json: ["token": .string(token), "sha256": .string(digest)])
      return .done
    }
    console.show("The token, which is shown this once:")
    console.show("  \(token)")
    console.show("Under `server` in millrace.yaml:")
    console.show("  tokens:")
    console.show("    - {name: NAME, sha256: \(digest), scopes: [read]}")
    return .done
  }

  private static func hex(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }
}

extension ProjectSettings {
  /// Takes another address than the settings name.
  fileprivate mutating func listen(at text: String) throws {
    guard let (host, port) = ServerSettings.address(text) else {
      throw CommandError.option("--listen \(text) is no address, such as 127.0.0.1:6566")
    }
    (server.host, server.port) = (host, port)
  }
}
