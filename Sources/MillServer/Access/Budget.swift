// SPDX-License-Identifier: Apache-2.0

internal import HTTPTypes
internal import MillCore
internal import Synchronization

/// What all requests that are worked on may take of memory together, by an estimate.
final class Budget: Sendable {
  private let used = Mutex(0)
  private let most: Int

  init(_ most: ByteCount) { self.most = Int(clamping: most.bytes) }

  /// What one request holds until it is answered.
  final class Share: Sendable {
    private let budget: Budget
    private let held = Mutex(0)

    init(_ budget: Budget) { self.budget = budget }

    deinit { budget.used.withLock { [held = held.withLock(\.self)] used in used -= held } }

    /// Takes more.
    ///
    /// - Throws: `HTTPFailure` with 413 for what could never be had, with 503 for what others hold.
    func take(_ bytes: Int) throws(HTTPFailure) {
      guard bytes <= budget.most else {
        throw HTTPFailure(
          .contentTooLarge,
          "server.too-large",
          "the request and its answer are too large: send several requests (or raise `server.memory`)"
        )
      }
      let isTaken = budget.used.withLock { used in
        guard used + bytes <= budget.most else { return false }
        used += bytes
        return true
      }
      guard isTaken else {
        throw HTTPFailure(
          .serviceUnavailable,
          "server.busy",
          "the requests that are worked on are too large together: try again later"
        )
      }
      held.withLock { $0 += bytes }
    }
  }
}
