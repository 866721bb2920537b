// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Where chance comes from.
public protocol RandomSource: Sendable {
  /// 64 bits, each value as likely as any other.
  func next() -> UInt64
}

/// The random numbers of the operating system, fit for identities and secrets.
public struct SystemRandom: RandomSource {
  /// The one source there is.
  public init() {}

  /// 64 bits that nobody can foretell.
  public func next() -> UInt64 {
    var generator = SystemRandomNumberGenerator()
    return generator.next()
  }
}

/// Numbers that look random and are the same for the same seed: for tests and samples.
///
/// > Source: SplitMix64, from Steele, Lea and Flood, "Fast Splittable Pseudorandom Number
/// > Generators", OOPSLA 2014.
public final class SeededRandom: RandomSource {
  private let state: Mutex<UInt64>

  /// The sequence of this seed from its beginning.
  public init(seed: UInt64) {
    state = Mutex(seed)
  }

  /// The next number of the sequence; callers on several threads share it.
  public func next() -> UInt64 {
    var mixed = state.withLock { state in
      state &+= 0x9E37_79B9_7F4A_7C15
      return state
    }
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
