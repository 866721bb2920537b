// SPDX-License-Identifier: Apache-2.0

internal import MillCore

/// A connection and the one thread that uses it; it is opened when it is first needed, and opened
/// anew when it broke.
///
/// `@unchecked Sendable` is true because `connection` and `scripts` are touched by ``ask(_:within:)``
/// and ``run(_:on:_:within:)`` alone, which are called only within ``perform(_:)``: that is, on the
/// thread of `executor`, one call at a time.
final class RedisLane: @unchecked Sendable {
  private let configuration: RedisConfiguration
  private let password: String?
  private let world: World
  private let executor: BlockingExecutor
  private var connection: RedisConnection?
  /// What the server calls the scripts that it was given.
  private var scripts: [RedisScript: [UInt8]] = [:]

  init(_ configuration: RedisConfiguration, password: String?, number: Int, in world: World) {
    self.configuration = configuration
    self.password = password
    self.world = world
    executor = BlockingExecutor(name: "mill-redis-\(number)")
  }

  /// Does something on the thread.
  func perform<Value: Sendable>(
    _ body: @escaping @Sendable (RedisLane) throws -> Value
  ) async throws -> Value {
    try await executor.run { try body(self) }
  }

  /// Asks, and opens the connection before where there is none.
  ///
  /// - Parameter isRepeatable: Whether asking twice does no harm; it is then asked once more where a
  ///   connection that was open before turns out to be broken.
  func ask(
    _ commands: RedisCommands,
    within time: Duration,
    isRepeatable: Bool = false
  ) throws(RedisProblem) -> [RedisReply] {
    if let isUsable = connection?.isUsable, !isUsable { connection = nil }
    let wasOpen = connection != nil
    do throws(RedisProblem) {
      return try exchange(commands, within: time)
    } catch {
      guard case .broken = error, wasOpen, isRepeatable else { throw error }
      return try exchange(commands, within: time)
    }
  }

  /// Runs a script over one key: by its name, and by its text where the server does not know it.
  func run(
    _ script: RedisScript,
    on key: [UInt8],
    _ arguments: [[UInt8]],
    within time: Duration
  ) throws(RedisProblem) -> RedisReply {
    func call(_ command: String, _ what: [UInt8]) throws(RedisProblem) -> RedisReply {
      var commands = RedisCommands()
      commands.begin(words: 4 + arguments.count)
      for word in [.word(command), what, .word("1"), key] { commands.append(word: word) }
      for argument in arguments { commands.append(word: argument) }
      return try ask(commands, within: time)[0]
    }
    let text = Array(script.text.utf8)
    if scripts[script] == nil {
      let loaded = try ask(RedisCommands(.word("SCRIPT"), .word("LOAD"), text), within: time)[0]
      if case .bytes(let name) = loaded { scripts[script] = name }
    }
    // Who may not load scripts may still be allowed to run them.
    guard let name = scripts[script] else { return try call("EVAL", text) }
    let reply = try call("EVALSHA", name)
    guard case .error(let text) = reply, text.hasPrefix("NOSCRIPT") else { return reply }
    // It was restarted, or told to forget its scripts.
    return try call("EVAL", Array(script.text.utf8))
  }

  /// The time begins when there is a connection.
  private func exchange(
    _ commands: RedisCommands,
    within time: Duration
  ) throws(RedisProblem) -> [RedisReply] {
    if connection == nil {
      connection = try RedisConnection.open(
        configuration.endpoint,
        password: password,
        connectTimeout: configuration.connectTimeout,
        in: world
      )
    }
    do throws(RedisProblem) {
      let deadline = Deadline(after: time, in: world)
      guard let replies = try connection?.ask(commands, until: deadline, in: world) else {
        throw .unreachable("no connection")
      }
      return replies
    } catch {
      connection = nil
      throw error
    }
  }
}
