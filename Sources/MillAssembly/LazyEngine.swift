// SPDX-License-Identifier: Apache-2.0

internal import MillCore
internal import MillEngine

/// An engine that opens when it is first needed: looking at history needs none.
actor LazyEngine: Engine {
  nonisolated let dialect: DialectName
  private let open: @Sendable () throws -> any Engine
  private let thread = BlockingExecutor(name: "mill-engine-open")
  private var opened: (any Engine)?

  init(dialect: DialectName, open: @escaping @Sendable () throws -> any Engine) {
    self.dialect = dialect
    self.open = open
  }

  func references(in query: String) async throws -> [TableReference] {
    try await engine().references(in: query)
  }

  func predicate(of condition: String) async throws -> TablePredicate {
    try await engine().predicate(of: condition)
  }

  func expression(of text: String) async throws -> Expression {
    try await engine().expression(of: text)
  }

  func session(named name: String) async throws -> any EngineSession {
    try await engine().session(named: name)
  }

  func shutdown() async {
    await opened?.shutdown()
    opened = nil
  }

  private var opening: Task<any Engine, any Error>?

  private func engine() async throws -> any Engine {
    if let opened { return opened }
    // Callers that come while it opens wait for the same opening.
    let task = opening ?? Task { [open, thread] in try await thread.run(open) }
    opening = task
    do {
      let engine = try await task.value
      opened = engine
      return engine
    } catch {
      opening = nil
      throw error
    }
  }
}
