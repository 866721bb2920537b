// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillLake
import MillTesting
import Testing

@Suite("A power cut in the middle of a history")
struct PowerCutTests {
  /// What a table held in a version: the names of its files.
  private struct Known {
    var versions: [[String]] = []
    /// A commit that did not return, and what the table holds if it landed all the same.
    var maybe: [String]?
  }

  /// Reads the table and its data as a stranger would after the cut.
  private func check(_ disk: TableOnDisk, _ known: Known, seed: UInt64) async throws {
    let newest = try await disk.table.snapshotIfExists()?.version.number ?? -1
    let sure = Int64(known.versions.count) - 1
    #expect(newest == sure || (newest == sure + 1 && known.maybe != nil), "seed \(seed)")
    guard newest >= 0 else { return }
    for number in 0...newest {
      let snapshot = try await disk.table.snapshot(at: TableVersion(number))
      let expected = number <= sure ? known.versions[Int(number)] : known.maybe
      #expect(snapshot.files.paths == expected, "seed \(seed), version \(number)")
      for file in try snapshot.contents.files {
        let name = String(file.location.dropFirst(disk.location.utf8.count + 1))
        let bytes = try? LocalFileSystem().read(file.location)
        #expect(bytes == TableOnDisk.content(name), "seed \(seed), version \(number), file \(name)")
      }
    }
  }

  /// One history of appends and overwrites, of which operation `cut` and all later ones are lost.
  ///
  /// - Returns: Whether the cut came before the end.
  private func run(cut: Int, seed: UInt64, isPartitioned: Bool) async throws -> Bool {
    let folder = try TemporaryFolder("cut")
    let forgetful = try ForgetfulDisk(LocalFileSystem(), root: folder.path)
    let files = FaultyFileSystem(forgetful, failing: cut, fate: .killed)
    let disk = try TableOnDisk(in: folder, seed: seed, disk: files)
    let chance = SeededRandom(seed: seed)
    var known = Known()
    for step in 0..<4 {
      let isOverwrite = chance.happens(percent: 30)
      let current = known.versions.last ?? []
      let name = isPartitioned ? "name=\(chance.below(2))/f\(step)" : "f\(step)"
      let next = ((isOverwrite ? [] : current) + [name]).sorted()
      do {
        try await disk.table.prepare()
        try await disk.table.commit(
          TableChange(
            mode: isOverwrite ? .overwrite : .append,
            files: [try disk.file(name, partitionValues: isPartitioned ? ["name": "0"] : [:])],
            schema: twoColumns,
            partitionColumns: isPartitioned ? ["name"] : []
          )
        )
        known.versions.append(next)
      } catch {
        known.maybe = next
        break
      }
    }
    try forgetful.powerCut(seed: seed &* 31 &+ 7)
    let after = try TableOnDisk(in: folder, seed: seed &+ 1, disk: forgetful)
    try await check(after, known, seed: seed)
    // Life goes on, and a second cut takes nothing that was returned.
    var later = Known()
    if let snapshot = try await after.table.snapshotIfExists() {
      for number in 0...snapshot.version.number {
        later.versions.append(try await after.names(at: TableVersion(number)))
      }
    }
    let name = isPartitioned ? "name=9/late" : "late"
    try await after.table.commit(
      TableChange(
        mode: .append,
        files: [try after.file(name)],
        schema: twoColumns,
        partitionColumns: isPartitioned ? ["name"] : []
      )
    )
    later.versions.append(((later.versions.last ?? []) + [name]).sorted())
    try forgetful.powerCut(seed: seed &* 37 &+ 5)
    try await check(after, later, seed: seed)
    return files.hasFailed
  }

  @Test(
    "a commit that returned is there with its data, one that did not is whole or absent",
    arguments: [false, true]
  )
  func everyStep(isPartitioned: Bool) async throws {
    var cut = 0
    var seed: UInt64 = isPartitioned ? 50_000 : 0
    while true {
      var wasCut = false
      for _ in 0..<4 {
        if try await run(cut: cut, seed: seed, isPartitioned: isPartitioned) { wasCut = true }
        seed += 1
      }
      guard wasCut else { break }
      cut += 1
    }
    #expect(cut > 30)
  }

  @Test(
    "a writer that was killed while making folders does not endanger the next one",
    arguments: 0..<200
  )
  func killedWhilePreparing(seed: UInt64) async throws {
    let folder = try TemporaryFolder("cut")
    let forgetful = try ForgetfulDisk(LocalFileSystem(), root: folder.path)
    let files = FaultyFileSystem(forgetful, failing: Int(seed % 20), fate: .killed)
    let killed = try TableOnDisk(in: folder, seed: seed, disk: files)
    _ = try? await killed.table.prepare()
    let empty = TableChange(mode: .append, files: [], schema: twoColumns)
    let killedLanded = (try? await killed.table.commit(empty)) != nil
    let next = try TableOnDisk(in: folder, seed: seed + 1000, disk: forgetful)
    let version = try await next.table.commit(empty)
    #expect(version.number == 1 || !killedLanded)
    try forgetful.powerCut(seed: seed)
    #expect(try await next.table.newestVersion() == version, "seed \(seed)")
  }
}
