// SPDX-License-Identifier: Apache-2.0

/// How often a failed call is tried again, and how long to wait before each try.
///
/// The wait is drawn from zero to a ceiling that doubles with every attempt ("full jitter"), so that
/// many callers who failed together do not come back together.
///
/// > Source: Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
public struct RetryPolicy: Hashable, Sendable {
  /// How often the call is made at most, the first time included.
  public var attempts: Int
  /// The ceiling of the first wait.
  public var base: Duration
  /// The ceiling that no wait exceeds.
  public var cap: Duration

  /// Five attempts within about a second and a half, unless told otherwise.
  public init(
    attempts: Int = 5,
    base: Duration = .milliseconds(100),
    cap: Duration = .seconds(10)
  ) {
    precondition(attempts >= 1, "a call is made at least once")
    precondition(base >= .zero && cap >= .zero, "a wait is not negative")
    self.attempts = attempts
    self.base = base
    self.cap = cap
  }

  /// A call that is made once.
  public static let never = RetryPolicy(attempts: 1)

  /// The wait after an attempt, counted from zero: a part of min(cap, base · 2^attempt) that
  /// `random` chooses, in whole nanoseconds.
  ///
  /// ```swift
  /// RetryPolicy(base: .seconds(1)).delay(afterAttempt: 2, random: .max)  // 4 s
  /// ```
  public func delay(afterAttempt attempt: Int, random: UInt64) -> Duration {
    var ceiling = min(base, cap)
    for _ in 0..<max(0, attempt) {
      // Stopping here keeps a late attempt from overflowing.
      guard ceiling > .zero, ceiling < cap else { break }
      ceiling = ceiling > cap / 2 ? cap : ceiling * 2
    }
    let (seconds, attoseconds) = ceiling.components
    let nanoseconds = Int128(seconds) * 1_000_000_000 + Int128(attoseconds / 1_000_000_000)
    let choices = UInt64(clamping: nanoseconds + 1)
    let chosen = choices.multipliedFullWidth(by: random).high
    return .nanoseconds(Int64(clamping: chosen))
  }

  /// Makes a call until it succeeds, fails for good, or attempts or time run out.
  ///
  /// Tried again are only errors that are a ``Failure`` with `isRetryable`. A wait that would pass
  /// the deadline is not begun.
  /// - Throws: the error of the last attempt, or `CancellationError`.
  public func run<T>(
    in world: World,
    deadline: Deadline? = nil,
    _ body: () async throws -> T
  ) async throws -> T {
    var attempt = 0
    while true {
      let wait: Duration
      do {
        return try await body()
      } catch {
        guard !(error is CancellationError), let failure = error as? any Failure,
          failure.isRetryable, attempt + 1 < attempts
        else { throw error }
        wait = delay(afterAttempt: attempt, random: world.random.next())
        if let deadline, deadline.remaining(in: world) <= wait {
          throw error
        }
      }
      try await world.clock.sleep(for: wait)
      attempt += 1
    }
  }
}
