// SPDX-License-Identifier: Apache-2.0

import Foundation
import MillCore
import MillStreams
import MillTesting
import Testing

/// Random lives of a partition on a disk that fails, forgets and loses its power.
@Suite("A partition on a bad disk")
struct SimulationTests {
  /// `MILLRACE_SOAK_SEEDS` makes more of them.
  static var seeds: Int {
    ProcessInfo.processInfo.environment["MILLRACE_SOAK_SEEDS"].flatMap { Int($0) } ?? 1000
  }

  /// The first seeds of which a life is broken, with the reason.
  private static func broken(
    _ seeds: Range<UInt64>,
    lie: SimulatedLogDisk.Lie = .none,
    durability: LogConfiguration.Durability = .synced,
    limit: Int = 3
  ) -> [String] {
    var broken: [String] = []
    for seed in seeds where broken.count < limit {
      do {
        var life = try PartitionLife(seed: seed, lie: lie)
        life.configuration.durability = durability
        try life.live(steps: 40)
      } catch {
        broken.append("seed \(seed): \(error)")
      }
    }
    return broken
  }

  @Test("loses nothing that was acknowledged, serves nothing twice or out of order")
  func seeds() async {
    let count = UInt64(Self.seeds)
    let parts: UInt64 = 8
    let broken = await withTaskGroup(of: [String].self) { group in
      for part in 0..<parts {
        let range = (count * part / parts)..<(count * (part + 1) / parts)
        group.addTask { Self.broken(range) }
      }
      return await group.reduce(into: []) { $0 += $1 }
    }
    #expect(broken == [])
  }

  @Test(
    "is broken on a disk that lies, so these lives would show what the log forgot to do",
    arguments: [SimulatedLogDisk.Lie.syncOfFiles, .syncOfFolders]
  )
  func lies(lie: SimulatedLogDisk.Lie) {
    #expect(!Self.broken(0..<300, lie: lie, limit: 1).isEmpty, "\(lie) is not noticed")
  }

  @Test("is broken when appends are acknowledged before they are durable")
  func written() {
    #expect(!Self.broken(0..<300, durability: .written, limit: 1).isEmpty)
  }
}
