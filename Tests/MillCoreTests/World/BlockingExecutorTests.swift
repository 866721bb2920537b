// SPDX-License-Identifier: Apache-2.0

import MillCore
import Synchronization
import Testing

@Suite("The thread for calls that block")
struct BlockingExecutorTests {
  private struct Trouble: Error {}

  private final class Counts: Sendable {
    let running = Atomic<Int>(0)
    let done = Atomic<Int>(0)
  }

  /// An actor that lives on the thread of an executor.
  private actor Resident {
    private let executor: BlockingExecutor
    private(set) var count = 0

    init(_ executor: BlockingExecutor) {
      self.executor = executor
    }

    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    func add() { count += 1 }
  }

  @Test("work gives back its result or its error")
  func results() async throws {
    let executor = BlockingExecutor(name: "a name longer than fifteen bytes")
    #expect(try await executor.run { 1 + 1 } == 2)
    await #expect(throws: Trouble.self) { try await executor.run { throw Trouble() } }
  }

  @Test("pieces of work never overlap and none is lost")
  func serial() async throws {
    let executor = BlockingExecutor(name: "serial")
    let counts = Counts()
    try await withThrowingTaskGroup(of: Bool.self) { group in
      for _ in 0..<200 {
        group.addTask {
          try await executor.run {
            let alone = counts.running.add(1, ordering: .relaxed).newValue == 1
            counts.done.add(1, ordering: .relaxed)
            counts.running.subtract(1, ordering: .relaxed)
            return alone
          }
        }
      }
      for try await alone in group {
        #expect(alone)
      }
    }
    #expect(counts.done.load(ordering: .relaxed) == 200)
  }

  @Test("an actor can live on the thread, even past the shutdown")
  func actors() async throws {
    let executor = BlockingExecutor(name: "actor")
    let resident = Resident(executor)
    for _ in 0..<50 {
      await resident.add()
    }
    executor.shutdown()
    for _ in 0..<50 {
      await resident.add()
    }
    #expect(await resident.count == 100)
  }

  @Test("after the shutdown no new work is taken")
  func shutdown() async throws {
    let executor = BlockingExecutor(name: "short")
    #expect(try await executor.run { true })
    executor.shutdown()
    await #expect(throws: BlockingExecutorError.stopped(name: "short")) {
      try await executor.run { true }
    }
  }

  @Test("a cancelled task does not begin")
  func cancelled() async {
    let executor = BlockingExecutor(name: "cancelled")
    let task = Task {
      withUnsafeCurrentTask { $0?.cancel() }
      return try await executor.run { true }
    }
    await #expect(throws: CancellationError.self) { try await task.value }
  }

  @Test("executors come and go without keeping anything")
  func lifetimes() async throws {
    for number in 0..<100 {
      let executor = BlockingExecutor(name: "short")
      #expect(try await executor.run { number } == number)
    }
  }
}
