// SPDX-License-Identifier: Apache-2.0

internal import HTTPTypes
internal import MillCore
internal import Synchronization

/// Lets some through at a time, has some wait in their order, and turns the others away.
///
/// Work on the engine takes a thread and memory of the engine, so that there must not be as much of it as
/// there are connections.
final class Gate: Sendable {
  private struct Line {
    var inside = 0
    var waiting: [CheckedContinuation<Bool, Never>] = []
  }

  private let line = Mutex(Line())
  private let insideMax: Int
  private let waitingMax: Int

  init(inside: Int, waiting: Int) {
    insideMax = inside
    waitingMax = waiting
  }

  /// Whether whoever comes now must wait.
  var isFull: Bool { line.withLock { $0.inside >= insideMax } }

  /// Does some work once there is room for it.
  ///
  /// - Throws: `HTTPFailure` with 503 when too many wait already; what the work throws.
  func pass<T>(_ body: () async throws -> T) async throws -> T {
    let isIn = await withCheckedContinuation { turn in
      let answer = line.withLock { line -> Bool? in
        if line.inside < insideMax {
          line.inside += 1
          return true
        }
        guard line.waiting.count < waitingMax else { return false }
        line.waiting.append(turn)
        return nil
      }
      if let answer { turn.resume(returning: answer) }
    }
    guard isIn else {
      throw HTTPFailure(
        .serviceUnavailable,
        "server.busy",
        "too many wait already: try again later"
      )
    }
    defer { leave() }
    return try await body()
  }

  /// Whoever waits longest takes the place of who leaves.
  private func leave() {
    let next = line.withLock { line -> CheckedContinuation<Bool, Never>? in
      guard !line.waiting.isEmpty else {
        line.inside -= 1
        return nil
      }
      return line.waiting.removeFirst()
    }
    next?.resume(returning: true)
  }
}
