// SPDX-License-Identifier: Apache-2.0

public import MillCore
internal import Synchronization

/// A clock on which waiting takes no time: it moves on by as much as somebody wants to sleep.
///
/// ```swift
/// let clock = SteppedClock()
/// try await clock.sleep(for: .seconds(60))
/// clock.now()  // 1970-01-01T00:01:00Z
/// ```
public final class SteppedClock: WallClock {
  private let start: Instant
  private let state = Mutex<(passed: Duration, sleeps: [Duration])>((.zero, []))

  /// A clock that shows this moment and stands still.
  public init(start: Instant = Instant(microseconds: 0)) {
    self.start = start
  }

  /// Every wait so far.
  public var sleeps: [Duration] { state.withLock(\.sleeps) }

  /// The start and what has passed since.
  public func now() -> Instant { start + uptime() }

  /// What has passed since the start.
  public func uptime() -> Duration { state.withLock(\.passed) }

  /// Moves the clock on without anybody waiting.
  public func advance(by duration: Duration) {
    state.withLock { $0.passed += duration }
  }

  /// Moves the clock on at once; throws `CancellationError` in a cancelled task.
  public func sleep(for duration: Duration) async throws {
    try Task.checkCancellation()
    state.withLock {
      $0.passed += duration
      $0.sleeps.append(duration)
    }
  }
}
