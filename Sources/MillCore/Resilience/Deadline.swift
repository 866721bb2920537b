// SPDX-License-Identifier: Apache-2.0

/// The moment by which an answer is wanted, on the clock that never goes back.
///
/// A deadline is handed down through calls, so that three tries of ten seconds cannot become thirty
/// when ten were allowed.
public struct Deadline: Hashable, Comparable, Sendable {
  /// The ``WallClock/uptime()`` at which the time is over.
  public let uptime: Duration

  /// The deadline at this ``WallClock/uptime()``.
  public init(uptime: Duration) {
    self.uptime = uptime
  }

  /// The deadline this long from now.
  public init(after duration: Duration, in world: World) {
    uptime = world.clock.uptime() + duration
  }

  /// The time that is left, zero if none is.
  public func remaining(in world: World) -> Duration {
    max(.zero, uptime - world.clock.uptime())
  }

  /// Whether no time is left.
  public func hasPassed(in world: World) -> Bool {
    remaining(in: world) == .zero
  }

  /// Sooner deadlines come first.
  public static func < (left: Self, right: Self) -> Bool {
    left.uptime < right.uptime
  }
}
