// SPDX-License-Identifier: Apache-2.0

/// Keeps callers away from a service that is down.
///
/// - **closed**: calls pass. So many failures in a row as `failureThreshold` open the breaker; a
///   success sets the count back to zero.
/// - **open**: calls are refused until `coolDown` has passed.
/// - **half-open**: up to `probes` calls pass, the others are refused. If all of them succeed the
///   breaker closes, if one fails it opens for another `coolDown`. Probes that report nothing for a
///   whole `coolDown` count as lost, and as many new ones pass.
///
/// What a call reports while the breaker is open is about the past and changes nothing. Times are
/// ``WallClock/uptime()``; the breaker reads no clock itself.
///
/// > Source: Michael Nygard, "Release It!", 2nd edition, chapter 5, "Circuit Breaker".
public struct CircuitBreaker: Hashable, Sendable {
  /// Where the breaker stands.
  public enum State: Hashable, Sendable {
    /// Calls pass; this many failed in a row.
    case closed(failures: Int)
    /// Calls are refused since then.
    case open(since: Duration)
    /// Since then this many probes have passed, and this many of them succeeded.
    case halfOpen(since: Duration, admitted: Int, succeeded: Int)
  }

  /// Whether a call may be made.
  public enum Admission: Hashable, Sendable {
    /// Make the call, then report how it ended.
    case admitted
    /// Do not make it; ask again after this time at the earliest.
    case refused(retryAfter: Duration)
  }

  /// How many failures in a row open the breaker.
  public let failureThreshold: Int
  /// How long it stays open before probes pass.
  public let coolDown: Duration
  /// How many probes have to succeed before it closes.
  public let probes: Int
  /// Where it stands now.
  public private(set) var state = State.closed(failures: 0)

  /// A closed breaker: five failures open it for half a minute, one probe closes it.
  public init(failureThreshold: Int = 5, coolDown: Duration = .seconds(30), probes: Int = 1) {
    precondition(failureThreshold >= 1 && probes >= 1, "a breaker counts from one")
    precondition(coolDown >= .zero, "a wait is not negative")
    self.failureThreshold = failureThreshold
    self.coolDown = coolDown
    self.probes = probes
  }

  /// Whether a call may be made now; one that is admitted must be reported.
  public mutating func admits(at now: Duration) -> Admission {
    switch state {
    case .closed: return .admitted
    case .halfOpen(let since, let admitted, let succeeded) where admitted < probes:
      state = .halfOpen(since: since, admitted: admitted + 1, succeeded: succeeded)
      return .admitted
    case .open(let since), .halfOpen(let since, _, _):
      guard now - since >= coolDown else {
        return .refused(retryAfter: since + coolDown - now)
      }
      state = .halfOpen(since: now, admitted: 1, succeeded: 0)
      return .admitted
    }
  }

  /// Takes note that a call succeeded.
  public mutating func succeeded(at now: Duration) {
    switch state {
    case .closed: state = .closed(failures: 0)
    case .open: break
    case .halfOpen(let since, let admitted, let succeeded):
      state =
        succeeded + 1 >= probes
        ? .closed(failures: 0)
        : .halfOpen(since: since, admitted: admitted, succeeded: succeeded + 1)
    }
  }

  /// Takes note that a call failed.
  public mutating func failed(at now: Duration) {
    switch state {
    case .closed(let failures):
      state =
        failures + 1 >= failureThreshold
        ? .open(since: now)
        : .closed(failures: failures + 1)
    case .open: break
    case .halfOpen: state = .open(since: now)
    }
  }
}
