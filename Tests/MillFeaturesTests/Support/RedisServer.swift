// SPDX-License-Identifier: Apache-2.0

import Foundation
import MillCore
import MillFeatures
import MillRedis
import MillTesting
import Synchronization

/// A `redis-server` of our own that keeps nothing on disk; it ends with whoever holds it, or with this
/// process.
final class RedisServer: Sendable {
  struct NotReady: Error, CustomStringConvertible {
    var description: String
  }

  static let program = requireProgram(
    "redis-server",
    "online stores were tested with SQLite alone (scripts/setup --tools installs redis-server)"
  )
  static var isInstalled: Bool { program != nil }

  private static let one = Mutex<RedisServer?>(nil)
  private static let prefixes = Atomic<Int>(0)

  /// The server that all tests share which leave it alone.
  static func shared() throws -> RedisServer {
    try one.withLock { one in
      if let one { return one }
      let server = try RedisServer()
      one = server
      atexit { RedisServer.one.withLock { $0?.kill() } }
      return server
    }
  }

  /// A prefix that no other test has.
  static func makePrefix() -> String {
    "t\(prefixes.add(1, ordering: .relaxed).newValue)"
  }

  let endpoint: RedisEndpoint
  let password: String?
  private let folder: TemporaryFolder
  private let options: [String]
  private let process = Mutex<ChildProcess?>(nil)

  /// Starts one.
  ///
  /// - Parameter port: Where on the loopback device; nil for a socket in a folder of its own.
  init(port: Int? = nil, password: String? = nil, options: [String] = []) throws {
    folder = try TemporaryFolder("redis")
    self.password = password
    endpoint =
      if let port {
        RedisEndpoint(.tcp(host: "127.0.0.1", port: port))
      } else {
        RedisEndpoint(.unix(path: folder.path("redis.sock")))
      }
    let place =
      port.map { ["--port", String($0), "--bind", "127.0.0.1"] }
      ?? ["--port", "0", "--unixsocket", folder.path("redis.sock")]
    self.options =
      place + ["--dir", folder.path, "--save", "", "--appendonly", "no"]
      + (password.map { ["--requirepass", $0] } ?? []) + options
    try start()
  }

  deinit { kill() }

  /// Starts it again at the same place, with nothing in it but what it saved.
  func start() throws {
    guard let program = Self.program else { throw NotReady(description: "no redis-server") }
    let started = try ChildProcess([program] + options, output: folder.path("log"))
    process.withLock { $0 = started }
    // Nobody is left to end it when this process is killed, so that a shell looks after it.
    _ = try ChildProcess([
      "/bin/sh", "-c",
      "while kill -0 $0 && kill -0 $1; do sleep 1; done 2>/dev/null; kill -0 $0 || kill -9 $1",
      String(ProcessInfo.processInfo.processIdentifier), String(started.identifier),
    ])
    for _ in 0..<2000 {
      if (try? ask("PING")) == .status("PONG") { return }
      guard started.isRunning else { break }
      // There is nothing else to wait for in another process.
      usleep(5000)
    }
    let log = (try? String(contentsOfFile: folder.path("log"), encoding: .utf8)) ?? ""
    throw NotReady(description: "redis-server does not start: \(log)")
  }

  /// Ends it without warning.
  func kill() {
    process.withLock { process in
      process?.kill()
      process?.wait()
      process = nil
    }
  }

  /// A port that nobody has.
  static func freePort() throws -> Int {
    let listener = try Listener()
    return listener.port
  }

  /// A command on a connection of its own, its words parted by blanks.
  @discardableResult
  func ask(_ text: String) throws -> RedisReply {
    try ask(text.split(separator: " ").map { Array($0.utf8) })
  }

  @discardableResult
  func ask(_ words: [[UInt8]]) throws -> RedisReply {
    let world = World.system()
    let connection = try RedisConnection.open(
      endpoint,
      password: password,
      connectTimeout: .seconds(5),
      in: world
    )
    var commands = RedisCommands()
    commands.append(words)
    return try connection.ask(
      commands,
      until: Deadline(after: .seconds(30), in: world),
      in: world
    )[0]
  }

  /// A store in it; times are long, since tests share the machine.
  func store(
    prefix: String = "t",
    world: World = .system(),
    adjusting adjust: (inout RedisConfiguration) -> Void = { _ in }
  ) -> RedisOnlineStore {
    var configuration = RedisConfiguration(
      endpoint: endpoint,
      project: "tests",
      prefix: prefix,
      connectTimeout: .seconds(20),
      readTimeout: .seconds(20),
      writeTimeout: .seconds(20)
    )
    adjust(&configuration)
    return RedisOnlineStore(configuration, password: password, in: world)
  }
}
