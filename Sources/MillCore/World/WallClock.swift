// SPDX-License-Identifier: Apache-2.0

#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif
#if canImport(SwiftOverlayShims)
  // An optimised build of Swift 6.3 on Linux finds `timespec` here and not in Glibc.
  import SwiftOverlayShims
#endif

/// The time of day, the time that passes, and waiting.
public protocol WallClock: Sendable {
  /// The time of day, which somebody may set back.
  func now() -> Instant
  /// Waits; throws `CancellationError` when the task is cancelled before the time is over.
  func sleep(for duration: Duration) async throws
  /// The time since some fixed moment, which never goes back: for deadlines and measurements.
  func uptime() -> Duration
}

/// The clock of this computer.
public struct SystemClock: WallClock {
  /// The one clock there is.
  public init() {}

  /// The time of day, to the microsecond.
  public func now() -> Instant {
    let time = read(CLOCK_REALTIME)
    return Instant(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000)
  }

  /// Waits on the continuous clock.
  public func sleep(for duration: Duration) async throws {
    try await Task.sleep(for: duration)
  }

  /// The monotonic clock of the system, to the nanosecond.
  public func uptime() -> Duration {
    let time = read(CLOCK_MONOTONIC)
    return .seconds(Int64(time.tv_sec)) + .nanoseconds(Int64(time.tv_nsec))
  }

  private func read(_ clock: clockid_t) -> timespec {
    var time = timespec()
    let result = clock_gettime(clock, &time)
    precondition(result == 0, "POSIX promises both clocks")
    return time
  }
}
