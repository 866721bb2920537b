// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillLake
import MillTesting
import Testing

@Suite("Several writers of one table")
struct RaceTests {
  /// A second writer of the same folder, with a disk thread and chance of its own.
  private func writer(_ number: UInt64, of disk: TableOnDisk) throws -> TableOnDisk {
    try TableOnDisk(
      in: disk.folder,
      seed: 1000 + number,
      thread: BlockingExecutor(name: "writer-\(number)")
    )
  }

  /// A writer that another one overtakes between its reading and its writing.
  private func overtaken(
    _ disk: TableOnDisk,
    by other: @escaping @Sendable () async throws -> Void
  ) -> DeltaTable {
    DeltaTable(
      name: "silver.t",
      store: OvertakenStore(disk.table.store, by: other),
      world: .virtual(seed: 99)
    )
  }

  @Test("appends by several tasks and stores all land, each once, in versions without holes")
  func appends() async throws {
    let disk = try TableOnDisk()
    try await disk.commit(.append, "first")
    let versions = try await withThrowingTaskGroup(of: [TableVersion].self) { group in
      for number in 0..<4 {
        let writer = try writer(UInt64(number), of: disk)
        group.addTask {
          var versions: [TableVersion] = []
          for step in 0..<8 {
            versions.append(try await writer.commit(.append, "\(number)-\(step)"))
          }
          return versions
        }
      }
      return try await group.reduce(into: []) { $0 += $1 }
    }
    #expect(Set(versions).count == 32)
    #expect(try await disk.table.newestVersion() == TableVersion(32))
    let expected = (0..<4).flatMap { number in (0..<8).map { "\(number)-\($0)" } }
    #expect(try await disk.names() == (expected + ["first"]).sorted())
    // Each version has one file more than the one before: no commit carried another's file.
    for number in 0...32 {
      #expect(try await disk.names(at: TableVersion(Int64(number))).count == number + 1)
    }
  }

  @Test("of several creators one wins, and the others land after it or report the conflict")
  func creators() async throws {
    let disk = try TableOnDisk()
    let landed = try await withThrowingTaskGroup(of: String?.self) { group in
      for number in 0..<6 {
        let writer = try writer(UInt64(number), of: disk)
        group.addTask {
          do {
            try await writer.commit(.append, "\(number)")
            return "\(number)"
          } catch let error as LakeError {
            #expect(error.code == "lake.conflict")
            #expect(error.isRetryable)
            return nil
          }
        }
      }
      return try await group.reduce(into: Set<String>()) { if let name = $1 { $0.insert(name) } }
    }
    #expect(try await disk.names() == landed.sorted())
    #expect(!landed.isEmpty)
  }

  @Test("an append that is overtaken by an append, or by an overwrite, lands after it")
  func overtakenAppend() async throws {
    let disk = try TableOnDisk()
    try await disk.commit(.append, "a")
    for (mode, name, expected) in [
      (TableChange.Mode.append, "b", ["a", "b", "b-late"]), (.overwrite, "c", ["c", "c-late"]),
    ] {
      let table = overtaken(disk) { try await disk.commit(mode, name) }
      try await table.commit(
        TableChange(mode: .append, files: [try disk.file("\(name)-late")], schema: twoColumns)
      )
      #expect(try await disk.names() == expected)
    }
  }

  @Test("an overwrite that is overtaken reports the conflict and changes nothing")
  func overtakenOverwrite() async throws {
    let disk = try TableOnDisk()
    try await disk.commit(.append, "a")
    let table = overtaken(disk) { try await disk.commit(.append, "b") }
    let change = TableChange(mode: .overwrite, files: [try disk.file("c")], schema: twoColumns)
    await #expect {
      try await table.commit(change)
    } throws: { error in
      guard case .conflict(_, TableVersion(1), _)? = error as? LakeError else { return false }
      return true
    }
    #expect(try await disk.names() == ["a", "b"])
  }

  @Test("a commit that expects a version does not land on another, though nobody read it yet")
  func overtakenExpecting() async throws {
    let disk = try TableOnDisk()
    try await disk.commit(.append, "a")
    let table = overtaken(disk) { try await disk.commit(.append, "b") }
    let change = TableChange(
      mode: .append,
      files: [try disk.file("c")],
      schema: twoColumns,
      expecting: .first
    )
    await #expect {
      try await table.commit(change)
    } throws: { error in
      (error as? LakeError)?.isRetryable == true
    }
    #expect(try await disk.names() == ["a", "b"])
  }

  @Test("two commits of the same work conflict, of different work do not")
  func sameWork() async throws {
    let disk = try TableOnDisk()
    try await disk.commit(.append, "a")
    let mine = TransactionIdentifier(appID: "mine", version: 2)
    let table = overtaken(disk) { try await disk.commit(.append, "b", transactions: [mine]) }
    let change = TableChange(
      mode: .append,
      files: [try disk.file("c")],
      schema: twoColumns,
      transactions: [mine]
    )
    await #expect {
      try await table.commit(change)
    } throws: { error in
      (error as? LakeError)?.code == "lake.conflict"
    }
    #expect(try await disk.names() == ["a", "b"])
    let theirs = TransactionIdentifier(appID: "theirs", version: 1)
    let second = overtaken(disk) { try await disk.commit(.append, "d", transactions: [theirs]) }
    try await second.commit(change)
    let snapshot = try await disk.table.snapshot()
    #expect(snapshot.files.paths == ["a", "b", "c", "d"])
    #expect(snapshot.transactionVersion("mine") == 2)
    #expect(snapshot.transactionVersion("theirs") == 1)
  }

  @Test("an append overtaken by a new schema or protocol reports the conflict")
  func overtakenByMetadata() async throws {
    let disk = try TableOnDisk()
    try await disk.commit(.append, "a")
    let wider = Schema(twoColumns.fields + [Field("more", .long)])
    let file = try disk.file("b")
    let table = overtaken(disk) {
      try await disk.table.commit(TableChange(mode: .append, files: [file], schema: wider))
    }
    let change = TableChange(mode: .append, files: [try disk.file("c")], schema: twoColumns)
    await #expect {
      try await table.commit(change)
    } throws: { error in
      (error as? LakeError)?.code == "lake.conflict"
    }
    let second = overtaken(disk) { try disk.writeLog(2, [Lines.classic]) }
    await #expect {
      try await second.commit(change)
    } throws: { error in
      (error as? LakeError)?.code == "lake.conflict"
    }
    #expect(try await disk.names() == ["a", "b"])
  }

  @Test("a link whose answer was lost is known as our own and not taken for another's")
  func lostAnswer() async throws {
    // The same history in two folders, so that the link is the same operation in both.
    let rehearsal = try TableOnDisk()
    try await rehearsal.commit(.append, "a")
    let counting = FaultyFileSystem(LocalFileSystem(), failing: nil)
    try await TableOnDisk(in: rehearsal.folder, seed: 2, disk: counting).commit(.append, "b")
    let link = try #require(counting.log.firstIndex { $0.hasPrefix("link ") })

    let disk = try TableOnDisk()
    try await disk.commit(.append, "a")
    let faulty = FaultyFileSystem(
      LocalFileSystem(),
      failing: link,
      fate: .doneButReported,
      with: { .alreadyExists(path: $0) }
    )
    let writer = try TableOnDisk(in: disk.folder, seed: 2, disk: faulty)
    #expect(try await writer.commit(.append, "b") == TableVersion(1))
    #expect(faulty.log[link].hasPrefix("link "))
    #expect(try await disk.table.newestVersion() == TableVersion(1))
  }
}
