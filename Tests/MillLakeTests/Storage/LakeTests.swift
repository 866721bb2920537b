// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillLake
import MillTesting
import Testing

@Suite("The tables of a project")
struct LakeTests {
  @Test("tables are found by layer and name, and other folders are passed over")
  func datasets() async throws {
    let folder = try TemporaryFolder("lake")
    let lake = Lake(location: folder.path("lake"), world: .virtual(seed: 1))
    #expect(try await lake.datasets().isEmpty)
    let names = ["silver.b", "silver.a", "gold.c", "bronze.z"].compactMap { DatasetName($0) }
    for name in names {
      try await lake.table(name).commit(
        TableChange(mode: .append, files: [], schema: twoColumns)
      )
    }
    try LocalFileSystem().createFolders(folder.path("lake/silver/not_a_table"))
    try LocalFileSystem().createFolders(folder.path("lake/silver/.hidden/_delta_log"))
    try LocalFileSystem().create(folder.path("lake/gold/file"), [])
    #expect(
      try await lake.datasets().map(\.description) == [
        "bronze.z", "silver.a", "silver.b", "gold.c",
      ]
    )
  }

  @Test("a first commit into a new lake survives a power cut", arguments: 0..<100)
  func firstCommit(seed: UInt64) async throws {
    let folder = try TemporaryFolder("lake")
    let disk = try ForgetfulDisk(LocalFileSystem(), root: folder.path)
    let lake = Lake(location: folder.path("lake"), world: .virtual(seed: seed, files: disk))
    let name = try #require(DatasetName("silver.a"))
    try await lake.table(name).commit(TableChange(mode: .append, files: [], schema: twoColumns))
    try disk.powerCut(seed: seed)
    #expect(try await lake.datasets() == [name])
    #expect(try await lake.table(name).newestVersion() == .first)
  }
}
