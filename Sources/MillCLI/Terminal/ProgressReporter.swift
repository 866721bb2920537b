// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// Shows on standard error how a run goes on.
///
/// ```swift
/// try await ProgressReporter.withReporter(nodeCount: 4, style: style) { reporter in
///   reporter.report(.started("bronze.flights"))
/// }
/// ```
final class ProgressReporter: Sendable {
  private let line: Mutex<ProgressLine>
  private let terminal: Terminal
  private let start = ContinuousClock.now

  init(nodeCount: Int, style: Style, terminal: Terminal = Terminal(.error)) {
    self.terminal = terminal
    line = Mutex(
      ProgressLine(isLive: terminal.canRedraw, nodeCount: nodeCount, style: style)
    )
  }

  /// Runs `body` with a live line, which turns while it works and is gone when it ends.
  static func withReporter<Value: Sendable>(
    nodeCount: Int,
    style: Style,
    terminal: Terminal = Terminal(.error),
    _ body: (ProgressReporter) async throws -> Value
  ) async throws -> Value {
    let reporter = ProgressReporter(nodeCount: nodeCount, style: style, terminal: terminal)
    let ticking = Task { await reporter.tick() }
    let result: Result<Value, any Error>
    do {
      result = .success(try await body(reporter))
    } catch {
      result = .failure(error)
    }
    ticking.cancel()
    await ticking.value
    reporter.end()
    return try result.get()
  }

  /// Tells of an event.
  func report(_ event: ProgressLine.Event) {
    // Written inside the lock, so that lines never come in another order than events.
    line.withLock { line in
      let text = line.received(
        event,
        elapsed: ContinuousClock.now - start,
        columns: terminal.canRedraw ? terminal.columns : 80
      )
      if !text.isEmpty { terminal.write(text) }
    }
  }

  /// Takes the live line away.
  func end() {
    line.withLock { line in
      let text = line.ended()
      if !text.isEmpty { terminal.write(text) }
    }
  }

  private func tick() async {
    guard terminal.canRedraw else { return }
    while !Task.isCancelled {
      report(.tick)
      try? await Task.sleep(for: ProgressLine.interval)
    }
  }
}
