// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

#if canImport(Darwin)
  internal import Darwin
#else
  internal import Glibc
#endif

/// Another program, started with `posix_spawn(3)`.
///
/// Foundation's `Process` of Swift 6.3 on Linux reads beyond a directory entry while it looks for
/// open files, and now and then crashes a test run that has many of them.
public final class ChildProcess: Sendable {
  /// How a program ended.
  public enum Ending: Hashable, Sendable {
    /// It returned this status.
    case exited(Int32)
    /// This signal ended it.
    case killed(signal: Int32)
  }

  /// The program could not be started.
  public struct StartError: Error, CustomStringConvertible {
    /// What was started, and what the system says.
    public var description: String
  }

  /// Its number, as others know it.
  public let identifier: Int32
  private let ending = Mutex<Ending?>(nil)

  /// Starts a program.
  ///
  /// - Parameters:
  ///   - command: The program's path and its arguments.
  ///   - folder: Where it works; nil for where we do.
  ///   - environment: Changes to our environment; nil takes a name away.
  ///   - output: The file that takes what it prints, made anew; nil for nothing.
  ///   - errors: The file that takes what it says on standard error; nil for nothing.
  public init(
    _ command: [String],
    in folder: String? = nil,
    environment changes: [String: String?] = [:],
    output: String? = nil,
    errors: String? = nil
  ) throws(StartError) {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    for (descriptor, path) in [(Int32(1), output), (2, errors)] {
      let flags = O_WRONLY | O_CREAT | O_TRUNC
      posix_spawn_file_actions_addopen(&actions, descriptor, path ?? "/dev/null", flags, 0o600)
    }
    // A shell that becomes the program: not every C library can change folders by itself here.
    let enter = folder.map { ["/bin/sh", "-c", "cd \"$0\" && exec \"$@\"", $0] } ?? []
    let command = enter + command
    var arguments: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) } + [nil]
    var variables: [UnsafeMutablePointer<CChar>?] =
      Self.environment(with: changes).map { strdup($0) } + [nil]
    defer { for pointer in arguments + variables { free(pointer) } }
    var process: pid_t = 0
    let failure = posix_spawnp(&process, command[0], &actions, nil, &arguments, &variables)
    guard failure == 0 else {
      throw StartError(description: "\(command[0]): \(String(cString: strerror(failure)))")
    }
    identifier = process
  }

  /// Waits for the end; it may be asked for again.
  @discardableResult
  public func wait() -> Ending {
    ending.withLock { ending in
      if let ending { return ending }
      let found = Self.reap(identifier, 0) ?? .exited(-1)
      ending = found
      return found
    }
  }

  /// Whether it has not ended yet.
  public var isRunning: Bool {
    ending.withLock { ending in
      if ending == nil { ending = Self.reap(identifier, WNOHANG) }
      return ending == nil
    }
  }

  /// Ends it without warning, unless it has ended.
  public func kill() {
    // While nobody has waited for it, its number is nobody else's.
    ending.withLock { ending in
      if ending == nil { _ = sendSignal(identifier, SIGKILL) }
    }
  }

  private static func reap(_ identifier: Int32, _ options: Int32) -> Ending? {
    var status: Int32 = 0
    var result = waitpid(identifier, &status, options)
    while result < 0, errno == EINTR { result = waitpid(identifier, &status, options) }
    guard result == identifier else { return nil }
    let signal = status & 0x7F
    return signal == 0 ? .exited((status >> 8) & 0xFF) : .killed(signal: signal)
  }

  private static func environment(with changes: [String: String?]) -> [String] {
    var values: [String: String] = [:]
    var next = environ
    while let entry = next.pointee {
      let parts = String(cString: entry).split(separator: "=", maxSplits: 1).map(String.init)
      if parts.count == 2 { values[parts[0]] = parts[1] }
      next += 1
    }
    for (name, value) in changes { values[name] = value }
    return values.map { "\($0.key)=\($0.value)" }
  }
}

private func sendSignal(_ identifier: Int32, _ signal: Int32) -> Int32 {
  kill(identifier, signal)
}
