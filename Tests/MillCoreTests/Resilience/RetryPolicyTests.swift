// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillTesting
import Testing

@Suite("Trying again")
struct RetryPolicyTests {
  private enum Trouble: Failure {
    case passing, lasting

    var code: String { "test.trouble" }
    var errorClass: ErrorClass { self == .passing ? .transient : .data }
    var description: String { "trouble" }
  }

  private let clock = SteppedClock()

  private var world: World {
    World(clock: clock, random: SeededRandom(seed: 7), files: LocalFileSystem())
  }

  @Test("a wait lies between zero and its ceiling", arguments: 0..<12)
  func bounds(attempt: Int) {
    let policy = RetryPolicy(base: .milliseconds(100), cap: .seconds(10))
    let ceiling = min(Duration.seconds(10), .milliseconds(100 << attempt))
    let random = SeededRandom(seed: UInt64(attempt))
    for _ in 0..<500 {
      let delay = policy.delay(afterAttempt: attempt, random: random.next())
      #expect(delay >= .zero && delay <= ceiling)
    }
    #expect(policy.delay(afterAttempt: attempt, random: 0) == .zero)
    #expect(policy.delay(afterAttempt: attempt, random: .max) == ceiling)
  }

  @Test("no attempt is so late and no cap so long that the wait overflows")
  func extremes() {
    let longest = Duration.seconds(Int64.max)
    let policy = RetryPolicy(base: .nanoseconds(1), cap: longest)
    #expect(policy.delay(afterAttempt: .max, random: .max) > .zero)
    #expect(policy.delay(afterAttempt: -1, random: .max) == .nanoseconds(1))
    let none = RetryPolicy(base: .zero, cap: .zero)
    #expect(none.delay(afterAttempt: .max, random: .max) == .zero)
  }

  @Test("waits are spread over the whole range")
  func spread() {
    let policy = RetryPolicy(base: .seconds(1), cap: .seconds(1))
    let random = SeededRandom(seed: 3)
    var sum = Duration.zero
    for _ in 0..<10_000 {
      sum += policy.delay(afterAttempt: 0, random: random.next())
    }
    #expect(sum / 10_000 > .milliseconds(480) && sum / 10_000 < .milliseconds(520))
  }

  @Test("passing trouble is tried again until it succeeds, on the world's clock")
  func success() async throws {
    var calls = 0
    let result = try await RetryPolicy(attempts: 5, base: .seconds(60)).run(in: world) {
      calls += 1
      if calls < 4 {
        throw Trouble.passing
      }
      return "done"
    }
    #expect(result == "done")
    #expect(calls == 4)
    #expect(clock.sleeps.count == 3)
  }

  @Test("the last error is thrown when the attempts are used up", arguments: 1...4)
  func exhaustion(attempts: Int) async {
    var calls = 0
    await #expect(throws: Trouble.passing) {
      try await RetryPolicy(attempts: attempts).run(in: world) {
        calls += 1
        throw Trouble.passing
      }
    }
    #expect(calls == attempts)
    #expect(clock.sleeps.count == attempts - 1)
  }

  @Test(
    "lasting trouble, unknown errors and cancellation are not tried again",
    arguments: [Trouble.lasting, Unknown(), CancellationError()] as [any Error]
  )
  func notRetried(error: any Error) async {
    var calls = 0
    await #expect(throws: (any Error).self) {
      try await RetryPolicy().run(in: world) {
        calls += 1
        throw error
      }
    }
    #expect(calls == 1)
  }

  private struct Unknown: Error {}

  @Test("a wait that would pass the deadline is not begun")
  func deadline() async {
    let deadline = Deadline(after: .seconds(5), in: world)
    await #expect(throws: Trouble.passing) {
      try await RetryPolicy(attempts: 1000, base: .seconds(1), cap: .seconds(2)).run(
        in: world,
        deadline: deadline
      ) {
        throw Trouble.passing
      }
    }
    #expect(!clock.sleeps.isEmpty)
    #expect(clock.uptime() < .seconds(5))
    #expect(!deadline.hasPassed(in: world))
  }

  @Test("a deadline passes when its time has come")
  func deadlines() async throws {
    let deadline = Deadline(after: .seconds(2), in: world)
    #expect(deadline.remaining(in: world) == .seconds(2))
    try await clock.sleep(for: .seconds(2))
    #expect(deadline.hasPassed(in: world))
    try await clock.sleep(for: .seconds(2))
    #expect(deadline.remaining(in: world) == .zero)
    #expect(deadline < Deadline(after: .seconds(1), in: world))
  }
}
