// SPDX-License-Identifier: Apache-2.0

internal import MillCore
internal import Synchronization

/// One table of the online store that answers are given from, and what is known of it.
final class ServedTable: Sendable {
  /// Its number in the memory of a server.
  let number: Int
  let online: OnlineTable
  /// Counts the times that rows may have changed by whomever; rows read under another epoch are old.
  let epoch = Atomic<UInt64>(1)
  private let known = Mutex(Known())

  struct Known: Sendable {
    var state: MaterializationState?
    /// What the store said last of changes; nil before it was asked.
    var change: Int64?
    /// Changes that this server made itself: the rows of these are known one by one.
    var own: Int64 = 0
  }

  init(number: Int, online: OnlineTable) {
    self.number = number
    self.online = online
  }

  /// How far the view was brought in, as far as was heard.
  var state: MaterializationState? { known.withLock(\.state) }

  /// Takes down what the store says of changes.
  ///
  /// - Returns: Whether somebody else changed something since the last time.
  func heard(_ change: Int64) -> Bool {
    known.withLock { known in
      let foreign = change - known.own
      defer { known.change = foreign }
      return known.change != foreign
    }
  }

  /// Takes down a state that was read.
  func heard(_ state: MaterializationState?) { known.withLock { $0.state = state } }

  /// Takes down a change that this server made.
  func made() { known.withLock { $0.own += 1 } }

  /// Says that no row in memory is to be believed.
  func forget() { epoch.add(1, ordering: .releasing) }
}
