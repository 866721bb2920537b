// SPDX-License-Identifier: Apache-2.0

internal import Dispatch
internal import Foundation
internal import Synchronization

/// Turns Ctrl-C and SIGTERM into the cancellation of a task, so that work can end in good order.
enum Interruption {
  /// Runs `work` in a task of its own that the first signal cancels; a second one ends the process.
  ///
  /// - Parameter onSignal: Called at the first signal.
  /// - Throws: What `work` throws; `CancellationError` is what most work makes of a signal.
  static func cancelling<Value: Sendable>(
    onSignal: @escaping @Sendable () -> Void,
    _ work: @escaping @Sendable () async throws -> Value
  ) async throws -> Value {
    let task = Task { try await work() }
    let wasAsked = Mutex(false)
    let sources = [SIGINT, SIGTERM].map { number in
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
      source.setEventHandler {
        let isSecond = wasAsked.withLock { asked in
          defer { asked = true }
          return asked
        }
        // Without the farewells of exit(), which may wait for what does not end.
        if isSecond { _exit(ExitStatus.interrupted.rawValue) }
        onSignal()
        task.cancel()
      }
      source.resume()
      return source
    }
    defer {
      for source in sources { source.cancel() }
      signal(SIGINT, SIG_DFL)
      signal(SIGTERM, SIG_DFL)
    }
    return try await task.value
  }
}
