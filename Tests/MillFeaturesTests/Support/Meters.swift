// SPDX-License-Identifier: Apache-2.0

import Foundation
import MillCore
import MillTesting

/// A project whose files change between runs in all the ways that an online store meets: rows that are
/// newer, rows that are late, rows that are gone, and rows that have not happened yet.
///
/// Three views: one of a table that is made anew each time, one of a table that is appended to, and one
/// of windows over that. The windows reach over all readings, since what falls out of one stays in a
/// store until all of its keys are written. What is summed is decimal, since sums of doubles may end in
/// another bit each time that they are made (docs/semantics.md, 3).
struct Meters {
  /// What the files are changed to before a run, and as of when the views are brought in then.
  enum Step: Int, CaseIterable {
    /// The first rows.
    case beginning
    /// A file came with newer rows and with late ones.
    case growth
    /// Nothing changed but the time: rows that lay in the future have happened.
    case time
    /// A file was replaced by one with fewer rows, and meters are gone.
    case removal
    /// A file came with rows that are all older than what is there.
    case late

    var asOf: String { "2025-03-0\(rawValue + 3)T00:00:00Z" }
  }

  var program: MillraceProgram
  private let meters: Int
  private let readings: Int
  private var chance: Chance
  private var count = 0

  var folder: String { program.folder }
  var state: String { "\(folder)/.millrace" }

  /// - Parameters:
  ///   - meters: So many keys has the view that is made anew; a tenth of them have readings.
  ///   - readings: So many rows has the first file.
  ///   - settings: Lines of millrace.yaml besides the usual ones.
  init(
    in folder: String,
    meters: Int,
    readings: Int,
    seed: UInt64,
    settings: [String] = []
  ) throws {
    program = try MillraceProgram(in: folder)
    self.meters = meters
    self.readings = readings
    chance = Chance(seed)
    for (name, text) in Self.definitions { try write(text, to: name) }
    let lines = ["name: meters", "lake: lake", "memory: 1GiB", "temp: 4GiB"]
    try write(
      (lines + ["engine: {kind: duckdb}"] + settings).joined(separator: "\n") + "\n",
      to: "millrace.yaml"
    )
  }

  /// Changes the files.
  mutating func apply(_ step: Step) throws {
    switch step {
    case .beginning:
      try writeMeters { _ in ("2025-01-01 00:00:00", true) }
      // The last day lies after the first question.
      try writeReadings(1, readings, days: 0..<3)
    case .growth:
      try writeReadings(2, readings / 2, days: 1..<4)
    case .time: break
    case .removal:
      try writeMeters { number in
        (number % 3 == 0 ? "2025-03-02 12:00:00" : "2025-01-01 00:00:00", number % 10 != 0)
      }
      try writeReadings(1, readings / 3, days: 0..<3)
    case .late:
      try writeReadings(3, readings / 4, days: 0..<1)
    }
  }

  /// A key that has values in all views, whatever the step.
  var question: [String] {
    ["--service", "meters"]
      + (1..<10).flatMap { ["--entity", "meter_id=\(Self.name($0))"] }
  }

  private static func name(_ number: Int) -> String {
    "M" + String(100_000 + number).dropFirst()
  }

  private func writeMeters(_ facts: (Int) -> (since: String, isThere: Bool)) throws {
    var text = "meter_id,since,kind\n"
    for number in 0..<meters {
      let (since, isThere) = facts(number)
      guard isThere else { continue }
      text += "\(Self.name(number)),\(since),\(since.hasPrefix("2025-03") ? "smart" : "plain")\n"
    }
    try write(text, to: "data/meters.csv")
  }

  private mutating func writeReadings(_ file: Int, _ rows: Int, days: Range<Int>) throws {
    var text = "reading_id,meter_id,read_at,known_at,usage,state\n"
    let known = max(10, meters / 10)
    for _ in 0..<rows {
      count += 1
      let minute = Int.random(in: days.lowerBound * 1440..<days.upperBound * 1440, using: &chance)
      let meter = Int.random(in: 0..<known, using: &chance)
      let usage = Int.random(in: 0..<90_000, using: &chance)
      text += "R\(count),\(Self.name(meter)),\(Self.moment(minute)):00,\(Self.moment(minute)):30,"
      text += "\(Double(usage) / 100),\(["on", "off", "idle"][count % 3])\n"
    }
    try write(text, to: "data/readings-\(file).csv")
  }

  private static func moment(_ minute: Int) -> String {
    func two(_ number: Int) -> String { (number < 10 ? "0" : "") + String(number) }
    return "2025-03-\(two(minute / 1440 + 1)) \(two(minute / 60 % 24)):\(two(minute % 60))"
  }

  /// Writes a file of the project.
  func write(_ text: String, to name: String) throws {
    let path = "\(folder)/\(name)"
    try LocalFileSystem().createFolders((path as NSString).deletingLastPathComponent)
    try text.write(toFile: path, atomically: true, encoding: .utf8)
  }

  private static let definitions = [
    "sources/meters.yaml": """
    description: Which meters there are
    files: data/meters.csv
    format: csv
    columns: {meter_id: string, since: timestamp, kind: string}
    time_zone: UTC
    on_change: replace

    """,
    "sources/readings.yaml": """
    description: What meters said
    files: data/readings-*.csv
    format: csv
    columns:
      reading_id: string
      meter_id: string
      read_at: timestamp
      known_at: timestamp
      usage: decimal(12,2)
      state: string
    time_zone: UTC
    on_change: replace

    """,
    "models/silver/meters.sql": """
    /*
    description: Which meters there are
    keys: [meter_id]
    */
    SELECT meter_id, since, kind FROM bronze.meters

    """,
    "models/silver/readings.sql": """
    /*
    description: What meters said
    incremental: {strategy: append}
    */
    SELECT reading_id, meter_id, read_at, known_at, usage, state FROM bronze.readings

    """,
    "features/meters.yaml": """
    entities:
      meter:
        keys: {meter_id: string}
        description: A meter
    views:
      meter_profile:
        description: What is on file of a meter
        entity: meter
        source: silver.meters
        time: since
        features: [kind]
      last_reading:
        description: What a meter said last
        entity: meter
        source: silver.readings
        time: read_at
        knowledge: known_at
        id: reading_id
        features: [usage, state]
      usage:
        description: What a meter used over its last hours
        entity: meter
        source: silver.readings
        time: read_at
        knowledge: known_at
        id: reading_id
        aggregates:
          - {of: usage, by: [sum, count, mean, max], over: [10d, 30d]}
          - {of: state, by: distinct, over: 10d, name: states}
    services:
      meters:
        description: All that is known of a meter
        features: [meter_profile, last_reading, usage]

    """,
  ]
}
