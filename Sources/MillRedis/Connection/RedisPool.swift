// SPDX-License-Identifier: Apache-2.0

internal import MillCore
internal import Synchronization

/// The connections to one server: who gets which, and whether the server is asked at all.
final class RedisPool: Sendable {
  /// Callers that may wait for each connection; more are refused.
  static let waitingMax = 256

  private struct State {
    /// Callers that use each connection or wait for it.
    var loads: [Int]
    var breaker: CircuitBreaker
    /// What went wrong last.
    var reason = ""
  }

  private let lanes: [RedisLane]
  private let world: World
  private let state: Mutex<State>

  init(_ configuration: RedisConfiguration, password: String?, in world: World) {
    self.world = world
    lanes = (0..<configuration.connections).map { number in
      RedisLane(configuration, password: password, number: number, in: world)
    }
    state = Mutex(
      State(
        loads: lanes.map { _ in 0 },
        breaker: CircuitBreaker(
          failureThreshold: configuration.failureThreshold,
          coolDown: configuration.coolDown
        )
      )
    )
  }

  /// Does something with a connection.
  ///
  /// - Parameters:
  ///   - affinity: Callers with one number get one connection, one after the other; nil for whichever
  ///     has the least to do.
  ///   - patience: How long to wait for the connection.
  /// - Throws: ``RedisProblem``, `CancellationError`, and what the body throws.
  func run<Value: Sendable>(
    affinity: Int? = nil,
    patience: Duration,
    _ body: @escaping @Sendable (RedisLane) throws -> Value
  ) async throws -> Value {
    let lane = try enter(affinity)
    defer { state.withLock { $0.loads[lane] -= 1 } }
    let world = world
    let count = lanes.count
    let deadline = Deadline(after: patience, in: world)
    do {
      let value = try await lanes[lane].perform { lane in
        guard !deadline.hasPassed(in: world) else { throw RedisProblem.busy(connections: count) }
        return try body(lane)
      }
      report(nil)
      return value
    } catch {
      if !(error is CancellationError) { report(error as? RedisProblem) }
      throw error
    }
  }

  private func enter(_ affinity: Int?) throws(RedisProblem) -> Int {
    try state.withLock { state throws(RedisProblem) in
      let count = state.loads.count
      let lane =
        affinity.map { Int(UInt(bitPattern: $0) % UInt(count)) }
        ?? state.loads.indices.min { state.loads[$0] < state.loads[$1] } ?? 0
      guard state.loads[lane] < Self.waitingMax else { throw .busy(connections: count) }
      if case .refused(let wait) = state.breaker.admits(at: world.clock.uptime()) {
        throw .suspended(wait, because: state.reason)
      }
      state.loads[lane] += 1
      return lane
    }
  }

  /// A server that answers with an error is there.
  private func report(_ problem: RedisProblem?) {
    let now = world.clock.uptime()
    state.withLock { state in
      switch problem {
      case .some(let problem) where problem.isOfTransport:
        state.breaker.failed(at: now)
        state.reason = problem.description
      case .busy: break
      default: state.breaker.succeeded(at: now)
      }
    }
  }
}
