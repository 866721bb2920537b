// SPDX-License-Identifier: Apache-2.0

public import MillCore

/// The stretch of event time before a query that an aggregate sees.
///
/// At a query time q it holds the rows with `lowerBound(at: q)` ≤ t < q: a row at q itself is no part
/// of its own history.
///
/// ```swift
/// let day = Window(length: .seconds(86_400), edge: .hop(.hour))
/// day?.lowerBound(at: Instant(iso8601: "2024-05-02 10:30")!)  // 2024-05-01T10:00:00Z
/// ```
/// > Source: docs/semantics.md, 21.
public struct Window: Hashable, Sendable {
  /// Where a window begins.
  public enum Edge: Hashable, Sendable {
    /// Exactly one length before the query; the rows of the first hop in part are kept for it.
    case exact
    /// At the beginning of the hop in which the exact edge lies, so that whole tiles answer.
    case hop(Hop)
  }

  /// How far the window reaches back at least.
  public let length: Duration

  /// Where it begins.
  public let edge: Edge

  /// A window of a length in whole microseconds above zero, and not shorter than its hop.
  public init?(length: Duration, edge: Edge) {
    guard let microseconds = length.microseconds, microseconds > 0 else { return nil }
    if case .hop(let hop) = edge, hop.microseconds > microseconds { return nil }
    self.length = length
    self.edge = edge
  }

  /// The first moment that a query sees.
  public func lowerBound(at query: Instant) -> Instant {
    switch edge {
    case .exact: query - length
    case .hop(let hop): hop.floor(query - length)
    }
  }

  /// Whether a query sees a row of this time.
  public func contains(_ time: Instant, at query: Instant) -> Bool {
    lowerBound(at: query) <= time && time < query
  }

  /// How far back a query sees, for a reader: `1 d`, or `1 d up to 1 d 1 h by hops of 1 h`.
  public var reach: String {
    switch edge {
    case .exact: length.text
    case .hop(let hop): "\(length.text) up to \((length + hop.length).text) by hops of \(hop.text)"
    }
  }
}
