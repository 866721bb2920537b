// SPDX-License-Identifier: Apache-2.0

import MillCore
import Synchronization

/// A clock on which waiting takes no time: it moves on by as much as somebody wants to sleep.
final class SteppedClock: WallClock {
  private let start: Instant
  private let state = Mutex<(passed: Duration, sleeps: [Duration])>((.zero, []))

  init(start: Instant = Instant(microseconds: 0)) {
    self.start = start
  }

  /// Every wait so far.
  var sleeps: [Duration] { state.withLock(\.sleeps) }

  func now() -> Instant { start + uptime() }

  func uptime() -> Duration { state.withLock(\.passed) }

  func sleep(for duration: Duration) async throws {
    try Task.checkCancellation()
    state.withLock {
      $0.passed += duration
      $0.sleeps.append(duration)
    }
  }
}
