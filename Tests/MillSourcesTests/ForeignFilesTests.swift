// SPDX-License-Identifier: Apache-2.0

import Foundation
import MillSources
import Testing

/// `../shared` beside the package root, which holds Tests/MillSourcesTests.
private let folder =
  URL(fileURLWithPath: #filePath)
  .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
  .deletingLastPathComponent().appendingPathComponent("shared/data/flights").path

@Suite("Files made by others")
struct ForeignFilesTests {
  @Test(
    "the published flights have the published number of rows",
    arguments: [
      ("flights.csv.gz", 100_000), ("weather.csv.gz", 26_115), ("planes.csv", 3_322),
      ("hflights.csv.gz", 227_496),
    ]
  )
  func flights(_ example: (String, Int64)) throws {
    let path = folder + "/" + example.0
    guard FileManager.default.fileExists(atPath: path) else {
      print("SKIPPED: \(path) is not there, so nothing made by others was checked")
      return
    }
    let found = try scan(path: path, options: ScanOptions(format: .csv))
    #expect(found.records == example.1)
    #expect(found.irregularCount == 0)
    #expect(found.headerFields?.isEmpty == false)
  }
}
