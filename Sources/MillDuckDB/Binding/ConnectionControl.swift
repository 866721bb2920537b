// SPDX-License-Identifier: Apache-2.0

internal import CDuckDB
internal import Dispatch
internal import Synchronization

/// One stretch of work that can be stopped: a statement, a stream of rows, a whole scope of calls.
final class Operation: Sendable {
  enum Stop: UInt8, AtomicRepresentable {
    case none
    case interrupted
    case deadline
  }

  private let state = Atomic<Stop>(.none)

  var stop: Stop { state.load(ordering: .acquiring) }

  fileprivate func stop(because reason: Stop) {
    _ = state.compareExchange(expected: .none, desired: reason, ordering: .acquiringAndReleasing)
  }
}

/// The part of a connection that other threads may touch.
///
/// DuckDB forgets an interrupt that comes before a statement has begun and keeps no record of whom
/// it was meant for. So each operation has a mark of its own, and the mutex is held around every
/// foreign use of the handle, which is gone from here before the connection closes.
final class ConnectionControl: Sendable {
  private struct State {
    var handle: duckdb_connection?
    var running: [Operation] = []
  }

  private let state: Mutex<State>

  init(_ handle: sending duckdb_connection) {
    state = Mutex(State(handle: handle))
  }

  func close() {
    state.withLock { $0.handle = nil }
  }

  func begin(_ operation: Operation) {
    state.withLock { $0.running.append(operation) }
  }

  func end(_ operation: Operation) {
    state.withLock { state in state.running.removeAll { $0 === operation } }
  }

  /// Stops everything that runs now.
  func stopAll() {
    state.withLock { state in
      guard !state.running.isEmpty, let handle = state.handle else { return }
      for operation in state.running { operation.stop(because: .interrupted) }
      duckdb_interrupt(handle)
    }
  }

  /// Stops one operation, whether it has begun or not, and leaves all others alone.
  func stop(_ operation: Operation, because reason: Operation.Stop) {
    state.withLock { state in
      operation.stop(because: reason)
      guard let handle = state.handle else { return }
      if state.running.contains(where: { $0 === operation }) { duckdb_interrupt(handle) }
    }
  }

  var stopReason: Operation.Stop {
    state.withLock { state in state.running.lazy.map(\.stop).first { $0 != .none } ?? .none }
  }

  var progress: QueryProgress? {
    state.withLock { state in
      guard let handle = state.handle else { return nil }
      let progress = duckdb_query_progress(handle)
      guard progress.percentage >= 0 else { return nil }
      return QueryProgress(
        percentage: progress.percentage,
        rowsProcessed: progress.rows_processed,
        rowsTotal: progress.total_rows_to_process
      )
    }
  }

  /// Throws when any operation that runs now was told to stop.
  func checkStopped() throws(DuckDBError) {
    switch stopReason {
    case .none: return
    case .interrupted:
      throw DuckDBError(kind: .interrupted, message: "INTERRUPT Error: Interrupted!")
    case .deadline:
      throw DuckDBError(kind: .deadlineExceeded, message: "the deadline of the statement passed")
    }
  }

  /// Runs work as one operation, and tells an interrupt by the deadline from one by a person.
  func run<Result: ~Copyable>(
    _ operation: Operation = Operation(),
    deadline: ContinuousClock.Instant? = nil,
    _ work: () throws(DuckDBError) -> Result
  ) throws(DuckDBError) -> Result {
    begin(operation)
    defer { end(operation) }
    let timer = deadline.map { Alarm(at: $0) { self.stop(operation, because: .deadline) } }
    defer { timer?.cancel() }
    do throws(DuckDBError) {
      try checkStopped()
      return try work()
    } catch {
      guard error.kind == .interrupted, stopReason == .deadline else { throw error }
      throw DuckDBError(kind: .deadlineExceeded, message: error.message)
    }
  }
}

/// Calls once at an instant unless it is cancelled first.
private struct Alarm {
  private static let queue = DispatchQueue(label: "millrace.duckdb.deadline", qos: .userInitiated)

  private let source: (any DispatchSourceTimer)?

  init(at instant: ContinuousClock.Instant, _ action: @escaping @Sendable () -> Void) {
    let delay = instant - .now
    guard delay > .zero else {
      source = nil
      action()
      return
    }
    let source = DispatchSource.makeTimerSource(queue: Alarm.queue)
    let seconds = min(delay / .seconds(1), 1e9)
    source.setEventHandler(handler: action)
    source.schedule(deadline: .now() + seconds)
    source.activate()
    self.source = source
  }

  func cancel() { source?.cancel() }
}
