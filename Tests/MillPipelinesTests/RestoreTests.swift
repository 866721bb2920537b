// SPDX-License-Identifier: Apache-2.0

import MillAssembly
import MillCore
import MillLake
import MillPipelines
import MillTesting
import Testing

@Suite("Runs after a restore")
struct RestoreTests {
  @Test("what a restore of raw data took back is loaded again, so that no hole is left")
  func bronze() async throws {
    let sandbox = try ProjectSandbox()
    try sandbox.write("millrace.yaml", "name: t\n")
    try sandbox.write("sources/a.yaml", "files: 'raw/*.csv'\n")
    try sandbox.write("raw/1.csv", "id\n1\n")
    _ = try await sandbox.run()
    try sandbox.write("raw/2.csv", "id\n2\n")
    _ = try await sandbox.run()
    let bronze = try #require(DatasetName("bronze.a"))
    let restored = try await sandbox.withWorkspace { workspace in
      let table = workspace.lake.table(bronze)
      try await table.restore(to: .first)
      return try await table.snapshot().rows
    }
    #expect(restored == 1)
    _ = try await sandbox.run()
    let loaded = try await sandbox.withWorkspace { workspace in
      try await workspace.lake.table(bronze).snapshot().rows
    }
    #expect(loaded == 2)
  }
}
