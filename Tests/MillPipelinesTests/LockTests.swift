// SPDX-License-Identifier: Apache-2.0

import Foundation
import MillAssembly
import MillCore
import MillPipelines
import MillTesting
import Testing

@Suite("One run per project")
struct LockTests {
  private func sandbox() throws -> ProjectSandbox {
    try Shop(
      "id\n1\n",
      columns: "{id: long}",
      models: ["silver.m": "SELECT id FROM bronze.a"]
    ).sandbox
  }

  @Test("a second run is told who has the project, and works once the first has ended")
  func second() async throws {
    let sandbox = try sandbox()
    let disk = GatedFileSystem(linking: "silver/m/_delta_log/00000000000000000000.json")
    var world = World.system()
    world.files = disk
    async let first = sandbox.run(world: world)
    await disk.waitUntilReached()
    let error = await #expect(throws: PipelineError.self) { try await sandbox.run() }
    disk.open()
    let report = try await first
    #expect(report.trouble == "")
    guard case .locked(let owner)? = error else {
      Issue.record("\(error.map { "\($0)" } ?? "no error")")
      return
    }
    #expect(owner.contains("run \(report.runID)"), "\(owner)")
    #expect(owner.contains("process \(ProcessInfo.processInfo.processIdentifier)"), "\(owner)")
    #expect(error?.code == "pipeline.locked" && error?.errorClass == .outside)
    let third = try await sandbox.run()
    #expect(third.outcomes.allSatisfy { $0.status == .unchanged })
  }

  @Test("looking at the project needs no lock")
  func reading() async throws {
    let sandbox = try sandbox()
    try await sandbox.run()
    let lock = try RunLock(path: sandbox.folder + "/.millrace/run.lock", owner: "a test")
    #expect(try await sandbox.ownRows("silver.m") == [["id": 1]])
    let planned = try await sandbox.withWorkspace { try await $0.pipeline().plan() }
    #expect(planned.allSatisfy { $0.work == .nothing })
    lock.release()
  }

  @Test("the lock file of a run that is gone stops nobody")
  func leftOver() async throws {
    let sandbox = try sandbox()
    try sandbox.write(".millrace/run.lock", "run 0, process 1, since 1970-01-01T00:00:00Z")
    let report = try await sandbox.run()
    #expect(report.trouble == "")
    let owner = String(decoding: try sandbox.read(".millrace/run.lock"), as: UTF8.self)
    #expect(owner.contains(report.runID))
  }
}
