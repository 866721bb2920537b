// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillTesting
import Testing

@Suite("The world")
struct WorldTests {
  private let stepped = SteppedClock(start: Instant(microseconds: 1_645_557_742_000_000))

  private func world(seed: UInt64) -> World {
    World(clock: stepped, random: SeededRandom(seed: seed), files: LocalFileSystem())
  }

  @Test("an identity is a UUID of version 7 that begins with the time")
  func identity() {
    // The time of the example in RFC 9562, appendix A.6.
    let id = world(seed: 1).makeID()
    #expect(id.hasPrefix("017f22e2-79b0-7000-"))
    #expect(id.utf8.count == 36)
    #expect(id == id.lowercased())
    #expect("89ab".contains(Array(id)[19]))
  }

  @Test("identities made a microsecond apart sort by time and are all different")
  func order() async throws {
    let world = world(seed: 2)
    var ids: [String] = []
    for _ in 0..<2000 {
      ids.append(world.makeID())
      try await world.clock.sleep(for: .microseconds(1))
    }
    #expect(ids == ids.sorted())
    #expect(Set(ids).count == ids.count)
  }

  @Test("a seed gives the numbers of SplitMix64")
  func splitMix() {
    // Vigna's splitmix64.c with the state 1234567.
    let random = SeededRandom(seed: 1_234_567)
    let numbers = (0..<3).map { _ in random.next() }
    #expect(
      numbers == [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]
    )
  }

  @Test("the system's clock shows this century and its uptime never goes back")
  func systemClock() {
    let clock = SystemClock()
    #expect(clock.now().date.year >= 2024)
    #expect(clock.now().isPublishable)
    let before = clock.uptime()
    #expect(clock.uptime() >= before)
    #expect(SystemRandom().next() != SystemRandom().next())
  }
}
