// SPDX-License-Identifier: Apache-2.0

import Foundation
import MillCore
import MillDuckDB
import MillEngine
import MillLake
import MillTables
import MillTesting
import Testing

/// Real processes that change one table together and are killed without warning.
@Suite("Writers that are killed", .serialized)
struct WriterCrashTests {
  /// `MILLRACE_SOAK_KILLS` makes more of them.
  static var kills: Int {
    ProcessInfo.processInfo.environment["MILLRACE_SOAK_KILLS"].flatMap { Int($0) } ?? 12
  }

  private struct Missing: Error, CustomStringConvertible {
    var description = "no mill-bench beside the tests: run `swift build` first"
  }

  private static func program() throws -> String {
    let root = URL(fileURLWithPath: #filePath)
      .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    let path = root.appendingPathComponent(".build/debug/mill-bench").path
    guard FileManager.default.isExecutableFile(atPath: path) else { throw Missing() }
    return path
  }

  @Test("lose nothing that they said was committed, and leave nothing twice or half-visible")
  func killed() async throws {
    let seed = UInt64.random(in: 0..<1_000_000)
    print("kills of writers with seed \(seed)")
    let chance = SeededRandom(seed: seed)
    let disk = try WriterOnDisk("soak", seed: seed)
    let program = try Self.program()
    // So few commits between checkpoints that many a kill falls into one.
    try await disk.writer.create(
      Schema([Field("writer", .long), Field("number", .long), Field("touched", .long)]),
      settings: ["delta.checkpointInterval": "7"]
    )
    var committed: [Int64: Int64] = [:]
    var killed = 0
    var output = 0
    while killed < Self.kills {
      var running: [(process: ChildProcess, output: String)] = []
      for writer in 0..<2 {
        output += 1
        let file = disk.folder.path("output-\(output)")
        let process = try ChildProcess(
          [program, "soak-writer", disk.table.store.location, "--writer", "\(writer)"],
          output: file,
          errors: file + ".err"
        )
        running.append((process, file))
      }
      // The point of death is a time: there is nothing else to wait for in another process.
      usleep(UInt32(300_000 + chance.below(900_000)))
      for (process, file) in running {
        process.kill()
        guard case .killed = process.wait() else {
          let errors = try String(contentsOfFile: file + ".err", encoding: .utf8)
          Issue.record("seed \(seed): a writer ended by itself: \(errors)")
          return
        }
        killed += 1
        for line in try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n") {
          let parts = line.split(separator: " ").compactMap { Int64($0) }
          // The last line may be half written.
          guard parts.count == 2, line.utf8.last != UInt8(ascii: " ") else { continue }
          committed[parts[0]] = max(committed[parts[0]] ?? 0, parts[1])
        }
      }
      try await hold(disk, to: committed, "seed \(seed), kill \(killed)")
    }
    #expect(committed.values.reduce(0, +) > 0)
    let theirs = try await disk.requireReadableByOthers()
    if let theirs {
      #expect(theirs["row_count"]?.integer == (try await disk.table.snapshot().rows))
    }
  }

  private func hold(
    _ disk: WriterOnDisk,
    to committed: [Int64: Int64],
    _ comment: String
  ) async throws {
    let snapshot = try await disk.table.snapshot()
    #expect(snapshot.notices.isEmpty, "\(comment): \(snapshot.notices)")
    let session = try await disk.engine.session(named: "hold")
    try await session.define(RelationName("t"), as: try snapshot.contents)
    let rows = try await session.rows(
      """
      SELECT writer, count(*), count(DISTINCT number), min(number), max(number) FROM t
      GROUP BY writer ORDER BY writer
      """,
      limit: 10
    ).rows
    await session.close()
    for row in rows {
      guard let writer = row[0].integer, let count = row[1].integer, let highest = row[4].integer
      else { continue }
      #expect(row[2].integer == count, "\(comment): writer \(writer) has rows twice")
      #expect(row[3].integer == 0, "\(comment): writer \(writer) lost its first rows")
      #expect(highest + 1 == count, "\(comment): writer \(writer) lost rows between")
      #expect(
        count >= committed[writer] ?? 0,
        "\(comment): writer \(writer) said \(committed[writer] ?? 0) and has \(count)"
      )
      // A batch is there whole or not at all, and so is what its writer keeps with it.
      #expect(snapshot.transactionVersion("soak/\(writer)") == count, "\(comment): \(writer)")
    }
  }
}
