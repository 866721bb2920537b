// SPDX-License-Identifier: Apache-2.0

import Foundation

/// What a benchmark found: comparisons with a peer, and counts.
struct LakeReport: Encodable {
  /// The runs of one side, and what they come to.
  struct Side: Encodable {
    var name: String
    /// Medians over the runs; the peak is the greatest.
    var wallSeconds: Double
    var cpuSeconds: Double
    var peakMebibytes: Double
    var runs: [Measurement]

    /// - Throws: `ChildError` when nobody measured the work.
    init(_ name: String, _ runs: [Measurement], of measure: String) throws {
      let runs = runs.filter { $0.measure == measure }
      guard !runs.isEmpty else {
        throw ChildError(description: "\(name) measured no \(measure)")
      }
      self.name = name
      self.runs = runs
      wallSeconds = Self.median(runs.map(\.wallSeconds))
      cpuSeconds = Self.median(runs.map(\.cpuSeconds))
      peakMebibytes = runs.reduce(0) { max($0, $1.peakMebibytes) }
    }

    /// A fact on which all runs agree.
    ///
    /// - Throws: `ChildError` when they differ, or when a run lacks it.
    func fact(_ name: String) throws -> Double {
      let values = Set(runs.map { $0.facts[name] })
      guard values.count == 1, let value = values.first.flatMap({ $0 }) else {
        throw ChildError(description: "the runs of \(self.name) do not agree on \(name)")
      }
      return value
    }

    private static func median(_ values: [Double]) -> Double {
      let sorted = values.sorted()
      let middle = sorted.count / 2
      return sorted.count.isMultiple(of: 2)
        ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
    }
  }

  /// The same work by both sides.
  struct Comparison: Encodable {
    var title: String
    var peer: Side
    var millrace: Side
    var ratioWall: Double
    var ratioCPU: Double
    /// Lines about what was done.
    var notes: [String]
  }

  /// Something counted, such as the operations of a commit.
  struct Count: Encodable {
    var title: String
    var facts: [String: Double]
    /// Lines that say it in words.
    var lines: [String]
  }

  var benchmark: String
  /// The sizes in force.
  var sizes: [String: Int]
  var rounds: Int
  var counts: [Count] = []
  var comparisons: [Comparison] = []

  init(_ benchmark: String, sizes: [String: Int], rounds: Int) {
    self.benchmark = benchmark
    self.sizes = sizes
    self.rounds = rounds
  }

  mutating func compare(_ title: String, _ peer: Side, _ millrace: Side, notes: [String] = []) {
    comparisons.append(
      Comparison(
        title: title,
        peer: peer,
        millrace: millrace,
        ratioWall: millrace.wallSeconds / peer.wallSeconds,
        ratioCPU: millrace.cpuSeconds / peer.cpuSeconds,
        notes: notes
      )
    )
  }

  func print(asJSON: Bool) throws {
    guard !asJSON else {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
      encoder.keyEncodingStrategy = .convertToSnakeCase
      return Swift.print(String(decoding: try encoder.encode(self), as: UTF8.self))
    }
    for count in counts {
      Swift.print(count.title)
      for line in count.lines { Swift.print("  \(line)") }
    }
    for comparison in comparisons {
      Swift.print(comparison.title)
      let sides = [comparison.peer, comparison.millrace]
      let width = sides.reduce(5) { max($0, $1.name.count) } + 2
      let label = { (text: String) in
        text.padding(toLength: width, withPad: " ", startingAt: 0)
      }
      for side in sides {
        Swift.print(
          "  \(label(side.name))\(shortTime(side.cpuSeconds)) CPU, \(shortTime(side.wallSeconds)), "
            + "peak \(whole(side.peakMebibytes)) MiB"
        )
      }
      Swift.print(
        "  \(label("ratio"))\(fixed(comparison.ratioCPU)) CPU, "
          + "\(fixed(comparison.ratioWall)) wall"
      )
      for note in comparison.notes { Swift.print("  \(note)") }
    }
  }
}

/// A span in the unit that suits it.
func shortTime(_ seconds: Double) -> String {
  seconds < 1 ? "\(fixed(seconds * 1000, 1)) ms" : "\(fixed(seconds)) s"
}

/// A number rounded to a whole one.
func whole(_ value: Double) -> String { String(Int(value.rounded())) }
