// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// Tells readers in this process how far a partition may be read, while its writer is here too.
final class PartitionSignal: Sendable {
  private struct State {
    var end: DurableEnd?
    var waiting: [Int: CheckedContinuation<Void, Never>] = [:]
    var count = 0
  }

  private let state = Mutex(State())

  /// The end, or nil while nobody in this process writes the partition.
  var end: DurableEnd? { state.withLock(\.end) }

  /// Says how far it goes now and wakes whoever waits; nil when the writer has closed.
  func publish(_ end: DurableEnd?) {
    let waiting = state.withLock { state in
      state.end = end
      defer { state.waiting = [:] }
      return state.waiting
    }
    for waiter in waiting.values { waiter.resume() }
  }

  /// Returns when there is something behind an offset, when the writer closes, or when the task is
  /// cancelled.
  func wait(beyond offset: Offset) async {
    let number = state.withLock { state in
      state.count += 1
      return state.count
    }
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let isOver = state.withLock { state in
          // Cancelled before: the handler has found nobody and comes no more.
          if Task.isCancelled { return true }
          guard let end = state.end, end.next <= offset else { return true }
          state.waiting[number] = continuation
          return false
        }
        if isOver { continuation.resume() }
      }
    } onCancel: {
      let waiter = state.withLock { $0.waiting.removeValue(forKey: number) }
      waiter?.resume()
    }
  }
}
