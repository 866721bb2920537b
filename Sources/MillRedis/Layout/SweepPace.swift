// SPDX-License-Identifier: Apache-2.0

/// How many fields one step of a sweep looks at, so that it holds the server up for milliseconds only.
///
/// A server does one thing at a time, and rows may have 30 bytes or 30 KiB: the steps follow the time
/// that the last one took.
package struct SweepPace {
  package private(set) var count = 128

  package init() {}

  static let range = 16...1024

  package mutating func took(_ time: Duration) {
    if time > .milliseconds(10) {
      count = max(Self.range.lowerBound, count / 2)
    } else if time < .milliseconds(3) {
      count = min(Self.range.upperBound, count * 2)
    }
  }
}
