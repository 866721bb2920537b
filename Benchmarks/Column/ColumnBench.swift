// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import MillDuckDB

/// A Swift loop over a column in DuckDB's memory against the same sum in SQL.
struct ColumnBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "column",
    abstract: "A Swift loop over a column of a result, against the same sum in SQL."
  )

  @Option(help: "Rows of the column.") var rows = 50_000_000

  func run() throws {
    let database = try Database(configuration: ["threads": "1"])
    let connection = try database.connect()
    try connection.execute("CREATE TABLE numbers AS SELECT range AS n FROM range(\(rows))")
    var inSQL = Duration.seconds(1_000)
    var inLoop = inSQL
    var withFetch = inSQL
    var sum: Int64 = 0
    var expected = ""
    for _ in 0..<3 {
      let began = ContinuousClock.now
      expected = "\(try connection.query("SELECT sum(n)::BIGINT FROM numbers").rows()[0][0])"
      inSQL = min(inSQL, began.duration(to: .now))
      var result = try connection.query("SELECT n FROM numbers")
      var loop = Duration.zero
      sum = 0
      let fetching = ContinuousClock.now
      while let chunk = try result.nextChunk() {
        let start = ContinuousClock.now
        sum &+= try chunk.withColumn(0, as: Int64.self) { (values, validity) throws(DuckDBError) in
          var total: Int64 = 0
          for row in values.indices { total &+= values[row] }
          return total
        }
        loop += start.duration(to: .now)
      }
      inLoop = min(inLoop, loop)
      withFetch = min(withFetch, fetching.duration(to: .now))
    }
    let seconds = { (time: Duration) in
      Double(time.components.seconds) + Double(time.components.attoseconds) / 1e18
    }
    let gigabytes = Double(rows) * 8 / 1e9
    print("sum of \(rows) integers: \(sum) in Swift, \(expected) in SQL")
    print(
      "  SQL sum             \(fixed(seconds(inSQL) * 1000, 1)) ms, \(fixed(gigabytes / seconds(inSQL), 1)) GB/s"
    )
    print(
      "  Swift loop          \(fixed(seconds(inLoop) * 1000, 1)) ms, \(fixed(gigabytes / seconds(inLoop), 1)) GB/s"
    )
    print("  loop and fetching   \(fixed(seconds(withFetch) * 1000, 1)) ms")
    print("  ratio loop to SQL   \(fixed(seconds(inLoop) / seconds(inSQL)))")
  }
}
