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
    /// How many changes others had made when the store was asked last; nil when that is not certain.
    var foreign: Int64?
    /// Changes that this server made itself: the rows of these are known one by one.
    var own: Int64 = 0
    /// Counts the answers of the store about changes.
    var hearings: UInt64 = 0
  }

  /// What the store says of changes by others that was not known before.
  struct News: Sendable {
    fileprivate var foreign: Int64
    fileprivate var own: Int64
  }

  init(number: Int, online: OnlineTable) {
    self.number = number
    self.online = online
  }

  /// How far the view was brought in, as far as was heard.
  var state: MaterializationState? { known.withLock(\.state) }

  /// Looks at what the store says of changes.
  ///
  /// - Returns: nil when nobody else changed anything; otherwise what ``heard(_:)-(News)`` is told once
  ///   all is done that follows, so that nothing is missed when that fails.
  func news(_ change: Int64) -> News? {
    known.withLock { known in
      known.hearings &+= 1
      let foreign = change - known.own
      return known.foreign == foreign ? nil : News(foreign: foreign, own: known.own)
    }
  }

  /// Takes down that what the store said was heeded.
  func heard(_ news: News) {
    // A write that ended meanwhile may be in the number, or not.
    known.withLock { $0.foreign = $0.own == news.own ? news.foreign : nil }
  }

  /// Takes down a state that was read.
  func heard(_ state: MaterializationState?) { known.withLock { $0.state = state } }

  /// A number for ``made(since:)``, before a change that this server makes.
  var hearings: UInt64 { known.withLock(\.hearings) }

  /// Takes down a change that this server made.
  ///
  /// Where the store was asked while it was under way, nobody knows whether the number that was heard
  /// has it: the next one is news whatever it is.
  func made(since hearings: UInt64) {
    known.withLock { known in
      known.own += 1
      if known.hearings != hearings { known.foreign = nil }
    }
  }

  /// Says that no row in memory is to be believed.
  func forget() { epoch.add(1, ordering: .releasing) }
}
