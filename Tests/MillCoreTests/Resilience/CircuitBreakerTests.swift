// SPDX-License-Identifier: Apache-2.0

import MillCore
import Testing

@Suite("The circuit breaker")
struct CircuitBreakerTests {
  private func opened(probes: Int = 1) -> CircuitBreaker {
    var breaker = CircuitBreaker(failureThreshold: 2, coolDown: .seconds(10), probes: probes)
    breaker.failed(at: .seconds(0))
    breaker.failed(at: .seconds(1))
    return breaker
  }

  @Test("failures in a row open it, a success between them does not let it")
  func opening() {
    var breaker = CircuitBreaker(failureThreshold: 2)
    breaker.failed(at: .zero)
    breaker.succeeded(at: .zero)
    breaker.failed(at: .zero)
    #expect(breaker.state == .closed(failures: 1))
    #expect(breaker.admits(at: .zero) == .admitted)
    breaker.failed(at: .seconds(1))
    #expect(breaker.state == .open(since: .seconds(1)))
  }

  @Test("while open it refuses and says for how long")
  func refusing() {
    var breaker = opened()
    #expect(breaker.admits(at: .seconds(4)) == .refused(retryAfter: .seconds(7)))
    #expect(breaker.admits(at: .milliseconds(10_999)) == .refused(retryAfter: .milliseconds(1)))
    #expect(breaker.admits(at: .seconds(11)) == .admitted)
  }

  @Test("half open it lets as many probes through as it was told")
  func probing() {
    var breaker = opened(probes: 2)
    #expect(breaker.admits(at: .seconds(11)) == .admitted)
    #expect(breaker.admits(at: .seconds(11)) == .admitted)
    #expect(breaker.admits(at: .seconds(12)) == .refused(retryAfter: .seconds(9)))
    breaker.succeeded(at: .seconds(13))
    #expect(breaker.state == .halfOpen(since: .seconds(11), admitted: 2, succeeded: 1))
    breaker.succeeded(at: .seconds(13))
    #expect(breaker.state == .closed(failures: 0))
  }

  @Test("one failed probe opens it again")
  func failedProbe() {
    var breaker = opened(probes: 2)
    #expect(breaker.admits(at: .seconds(11)) == .admitted)
    breaker.failed(at: .seconds(12))
    #expect(breaker.state == .open(since: .seconds(12)))
    #expect(breaker.admits(at: .seconds(21)) == .refused(retryAfter: .seconds(1)))
  }

  @Test("a probe that never reports does not keep it half open for ever")
  func lostProbe() {
    var breaker = opened()
    #expect(breaker.admits(at: .seconds(11)) == .admitted)
    #expect(breaker.admits(at: .seconds(20)) == .refused(retryAfter: .seconds(1)))
    #expect(breaker.admits(at: .seconds(21)) == .admitted)
  }

  @Test("what calls from before report while it is open changes nothing")
  func lateReports() {
    var breaker = opened()
    breaker.succeeded(at: .seconds(5))
    breaker.failed(at: .seconds(6))
    #expect(breaker.state == .open(since: .seconds(1)))
  }
}
