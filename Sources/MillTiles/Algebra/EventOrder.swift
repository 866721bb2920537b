// SPDX-License-Identifier: Apache-2.0

public import MillCore

/// The place of a row among the rows of its key: by event time, then knowledge time, then identity.
///
/// `first` and `last` follow it (docs/semantics.md, 19). Identities compare by their bytes, as
/// unsigned numbers, and a shorter one comes before its own extensions.
public struct EventOrder: Hashable, Comparable, Sendable {
  /// When it happened.
  public var time: Instant
  /// When it could be known.
  public var knowledge: Instant
  /// What tells it apart from rows of equal times.
  public var id: [UInt8]

  /// The place of a row.
  public init(time: Instant, knowledge: Instant, id: [UInt8]) {
    self.time = time
    self.knowledge = knowledge
    self.id = id
  }

  /// Whether one row comes before the other.
  public static func < (left: Self, right: Self) -> Bool {
    if left.time != right.time { return left.time < right.time }
    if left.knowledge != right.knowledge { return left.knowledge < right.knowledge }
    return left.id.lexicographicallyPrecedes(right.id)
  }
}
