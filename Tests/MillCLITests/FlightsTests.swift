// SPDX-License-Identifier: Apache-2.0

import Foundation
import MillCore
import MillTesting
import Testing

/// The real files: profiled, turned into a project, and run unedited.
@Suite("The flights of New York and Houston")
struct FlightsTests {
  @Test("become a project whose run finds the one impossible wind and nothing else")
  func run() async throws {
    guard let shared = requireShared("data/flights") else { return }
    let scratch = try Scratch()
    let files = [
      "flights.csv.gz", "weather.csv.gz", "planes.csv", "airports.csv", "airlines.csv",
      "hflights.csv.gz",
    ].map { "\(shared)/\($0)" }
    let made = try Program.run(["init", "p", "--from"] + files, in: scratch.path)
    #expect(made.status == 0, "\(made.errors)")
    let project = scratch.path + "/p"
    let run = try Program.run(["run", "--json"], in: project)
    #expect(run.status == 0, "\(run.errors)")
    // The files' own README counts these.
    let published = [
      "silver.flights": 100_000, "silver.weather": 26_114, "silver.planes": 3_322,
      "silver.airports": 1_458, "silver.airlines": 16, "silver.hflights": 227_496,
      "quarantine.weather": 1,
    ]
    let listed = try JSONValue(
      parsing: Program.run(["table", "list", "--json"], in: project).output
    )
    var rows: [String: Int64] = [:]
    for table in listed["tables"]?.array ?? [] {
      if let name = table["table"]?.text { rows[name] = table["rows"]?.integer }
    }
    for (name, count) in published {
      #expect(rows[name] == Int64(count), "\(name)")
    }
    #expect(rows.allSatisfy { !$0.key.hasPrefix("dead_letters.") || $0.value == 0 })
    let bad = try Program.run(["table", "rows", "quarantine.weather", "--json"], in: project)
    #expect(bad.output.contains("1048.36"))
    #expect(bad.output.contains("range_wind_speed"))
    // A foreign reader finds the same rows, and statistics that hold against them.
    for (name, count) in rows {
      let table = "\(project)/lake/\(name.replacingOccurrences(of: ".", with: "/"))"
      guard let found = try await deltaCheck(table: table) else { break }
      #expect(found["row_count"]?.integer == count, "\(name)")
      #expect(found["problems"] == [], "\(name): \(found["problems"]?.serialized() ?? "")")
    }
    let again = try Program.run(["run"], in: project)
    #expect(again.status == 0)
  }
}
