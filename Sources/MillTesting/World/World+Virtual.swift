// SPDX-License-Identifier: Apache-2.0

public import MillCore

extension World {
  /// A world whose time stands still, whose chance repeats itself, and whose disk is given.
  ///
  /// - Parameter seed: Two worlds that may make names in one folder need different seeds.
  public static func virtual(
    seed: UInt64,
    files: any FileSystem = LocalFileSystem(),
    clock: any WallClock = SteppedClock(start: Instant(microseconds: 1_700_000_000_000_000))
  ) -> World {
    World(clock: clock, random: SeededRandom(seed: seed), files: files)
  }
}

extension RandomSource {
  /// A number from 0 up to but not including `bound`.
  ///
  /// The remainder favours small numbers by less than 2^-40 for any bound a test has.
  public func below(_ bound: Int) -> Int {
    precondition(bound > 0, "there is no number below \(bound)")
    return Int(next() % UInt64(bound))
  }

  /// True with this chance out of a hundred.
  public func happens(percent: Int) -> Bool { below(100) < percent }
}
