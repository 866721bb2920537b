// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillLake
import MillTesting
import Testing

@Suite("A disk that fails in the middle of a commit")
struct FaultTests {
  enum Work: String, CaseIterable, Sendable {
    case create, append, overwrite

    var before: [String]? { self == .create ? nil : ["a", "b"] }

    var after: [String] {
      switch self {
      case .create: ["c"]
      case .append: ["a", "b", "c"]
      case .overwrite: ["c"]
      }
    }
  }

  @Test(
    "whichever operation fails, the table is as before or as after, and can go on",
    arguments: Work.allCases,
    FaultyFileSystem.Fate.allCases
  )
  func everyOperation(work: Work, fate: FaultyFileSystem.Fate) async throws {
    var landedInSpite = 0
    var failing = 0
    while true {
      let folder = try TemporaryFolder("fault")
      let sound = try TableOnDisk(in: folder)
      for name in work.before ?? [] { try await sound.commit(.append, name) }
      let files = FaultyFileSystem(LocalFileSystem(), failing: failing, fate: fate)
      let faulty = try TableOnDisk(in: folder, seed: 2, disk: files)
      let mode: TableChange.Mode = work == .overwrite ? .overwrite : .append
      let outcome: Result<TableVersion, any Error>
      do {
        outcome = .success(try await faulty.commit(mode, "c"))
      } catch {
        outcome = .failure(error)
      }
      let found = try await sound.table.snapshotIfExists()?.files.paths
      switch outcome {
      case .success:
        #expect(found == work.after, "operation \(failing)")
      case .failure(let error):
        #expect((error as? any Failure)?.code == "file.no-space", "operation \(failing): \(error)")
        #expect(found == work.before || found == work.after, "operation \(failing)")
        if found == work.after { landedInSpite += 1 }
      }
      // Whatever happened, the next writer is not hindered.
      try await sound.commit(.append, "d")
      #expect(try await sound.names() == ((found ?? []) + ["d"]).sorted())
      guard files.hasFailed else { break }
      failing += 1
    }
    #expect(failing >= 8)
    // Only the link itself and the sync of its folder can fail after the fact.
    #expect(landedInSpite <= 4, "\(landedInSpite) commits landed though they were reported failed")
  }

  @Test("a failed commit leaves no temporary file behind when the disk still removes files")
  func noGarbage() async throws {
    var failing = 0
    while true {
      let folder = try TemporaryFolder("fault")
      let files = FaultyFileSystem(LocalFileSystem(), failing: failing)
      let faulty = try TableOnDisk(in: folder, disk: files)
      _ = try? await faulty.commit(.append, "c")
      if files.hasFailed, files.log[failing].hasPrefix("remove ") {
        failing += 1
        continue
      }
      let log = "\(faulty.location)/_delta_log"
      if try LocalFileSystem().status(log) != nil {
        #expect(try LocalFileSystem().list(log).allSatisfy { !$0.name.hasSuffix(".tmp") })
      }
      guard files.hasFailed else { break }
      failing += 1
    }
    #expect(failing >= 8)
  }
}
