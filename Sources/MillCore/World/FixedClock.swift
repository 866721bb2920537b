// SPDX-License-Identifier: Apache-2.0

/// A clock whose time of day stands still, for work as of a moment of the past.
///
/// The time that passes goes on.
public struct FixedClock: WallClock {
  private let moment: Instant
  private let passing: any WallClock

  /// A clock that stands at a moment, and waits by another.
  public init(at moment: Instant, passing: any WallClock = SystemClock()) {
    self.moment = moment
    self.passing = passing
  }

  /// The moment at which it stands.
  public func now() -> Instant { moment }

  /// Waits by the other clock.
  public func sleep(for duration: Duration) async throws { try await passing.sleep(for: duration) }

  /// The time that passes by the other clock.
  public func uptime() -> Duration { passing.uptime() }
}
