// SPDX-License-Identifier: Apache-2.0

import Foundation

/// One measured piece of work, as a part prints it: a JSON object on a line of its own.
struct Measurement: Codable {
  /// What was measured; both sides use the same words for the same work.
  var measure: String
  var wallSeconds: Double
  /// User and system time of all threads.
  var cpuSeconds: Double
  /// The greatest resident size of the process until then, in MiB.
  var peakMebibytes: Double
  /// What was found or done, by which two sides are held against each other.
  var facts: [String: Double] = [:]

  enum CodingKeys: String, CodingKey {
    case measure
    case wallSeconds = "wall_seconds"
    case cpuSeconds = "cpu_seconds"
    case peakMebibytes = "peak_mebibytes"
    case facts
  }

  func print() throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    Swift.print(String(decoding: try encoder.encode(self), as: UTF8.self))
  }

  func with(_ facts: [String: Double]) -> Measurement {
    var copy = self
    copy.facts.merge(facts) { _, new in new }
    return copy
  }

  /// No work yet, for the sum of several pieces.
  static func nothing(_ name: String) -> Measurement {
    Measurement(measure: name, wallSeconds: 0, cpuSeconds: 0, peakMebibytes: 0)
  }

  /// This work and then that, as one.
  func and(_ other: Measurement, named name: String) -> Measurement {
    Measurement(
      measure: name,
      wallSeconds: wallSeconds + other.wallSeconds,
      cpuSeconds: cpuSeconds + other.cpuSeconds,
      peakMebibytes: max(peakMebibytes, other.peakMebibytes),
      facts: facts.merging(other.facts) { _, new in new }
    )
  }
}

/// Does a piece of work and measures it in this process.
func metered<T>(
  _ name: String,
  _ body: () async throws -> T
) async throws -> (result: T, measurement: Measurement) {
  let before = try ownUsage()
  let began = ContinuousClock.now
  let result = try await body()
  let wall = began.duration(to: .now)
  let after = try ownUsage()
  return (
    result,
    Measurement(
      measure: name,
      wallSeconds: wall / .seconds(1),
      cpuSeconds: after.cpuSeconds - before.cpuSeconds,
      peakMebibytes: after.peakMebibytes
    )
  )
}

/// What this process has used so far.
private func ownUsage() throws -> (cpuSeconds: Double, peakMebibytes: Double) {
  #if canImport(Darwin)
    let ourselves = RUSAGE_SELF
  #else
    let ourselves = RUSAGE_SELF.rawValue
  #endif
  var usage = rusage()
  guard getrusage(ourselves, &usage) == 0 else {
    throw ChildError(description: "getrusage failed")
  }
  let seconds = { (time: timeval) in Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
  return (
    seconds(usage.ru_utime) + seconds(usage.ru_stime), Double(usage.ru_maxrss) / 1024
  )
}
