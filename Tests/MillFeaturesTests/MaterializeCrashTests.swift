// SPDX-License-Identifier: Apache-2.0

import Foundation
import MillCore
import MillTesting
import Testing

/// Real processes, killed without warning while they bring views into the online store.
@Suite("A materialization that is killed", .serialized)
struct MaterializeCrashTests {
  /// `MILLRACE_SOAK_KILLS` makes more of them, over more rows.
  static let soakKills = ProcessInfo.processInfo.environment["MILLRACE_SOAK_KILLS"]
    .flatMap { Int($0) }
  static let kills = soakKills ?? Meters.Step.allCases.count

  @Test(
    "leaves values of before or of after it in SQLite, and the next run ends as if nothing had been"
  )
  func file() throws {
    try soak([]) { SoakedFile(path: "\($0)/online.sqlite") }
  }

  @Test(
    "leaves values of before or of after it in Redis, and the next run ends as if nothing had been",
    .enabled(if: RedisServer.isInstalled)
  )
  func server() throws {
    let server = try RedisServer()
    try soak(["online: {kind: redis, url: '\(server.endpoint)', timeout: 20s}"]) { _ in
      SoakedServer(server: server)
    }
  }

  private func soak<Store: SoakedStore>(
    _ settings: [String],
    _ open: (String) -> Store
  ) throws {
    let seed = UInt64.random(in: 0..<1_000_000)
    print("kills with seed \(seed)")
    let folder = try TemporaryFolder("materialize-crash")
    // More keys and more tiles than are written at a time, so that a kill may meet half of a view.
    let isSoak = Self.soakKills != nil
    var meters = try Meters(
      in: folder.path,
      meters: isSoak ? 36_000 : 500,
      readings: isSoak ? 80_000 : 2_000,
      seed: seed,
      settings: settings
    )
    var round = Round(store: open(meters.state), program: meters.program, chance: Chance(seed))
    var known: (rows: StoredRows, copy: Store.Copy)?
    for step in Meters.Step.allCases {
      try meters.apply(step)
      let ran = try meters.program.run(["run"])
      try #require(ran.isDone, "\(ran.text)")
      let lake = try Self.files(below: "\(meters.folder)/lake")
      // What a store holds that nobody disturbed.
      let materialize = ["features", "materialize", "--as-of", step.asOf]
      let clock = ContinuousClock()
      let began = clock.now
      let calm = try meters.program.run(materialize)
      round.whole = clock.now - began
      try #require(calm.isDone, "\(calm.text)")
      let after = (rows: try round.store.read(), copy: try round.store.copy())
      #expect(after.rows.states.count == 3)
      #expect(after.rows != known?.rows)
      let question = ["features", "get", "--at", step.asOf, "--json"] + meters.question
      let answer = try meters.program.run(question)
      #expect(answer.isDone && answer.text.contains("PRESENT"), "\(answer.text)")
      #expect(try round.store.leftovers() == [])

      let number = step.rawValue
      let count = (number + 1) * Self.kills / 5 - number * Self.kills / 5
      for kill in 0..<count {
        let label = "seed \(seed), \(step), kill \(kill)"
        // Some go on where the one before them died.
        if kill == 0 || !round.chance.one(in: 3) { try round.store.restore(known?.copy) }
        try round.kill(materialize, before: known?.rows ?? StoredRows(), after: after.rows, label)
        // Some are killed more than once before one comes through.
        if kill + 1 < count, round.chance.one(in: 3) { continue }
        let resumed = try meters.program.run(materialize)
        #expect(resumed.isDone, "\(label): \(resumed.text)")
        let differences = try round.store.read().differences(from: after.rows)
        #expect(differences == [], "\(label)")
        #expect(try round.store.leftovers() == [], "\(label)")
        let found = try meters.program.run(question)
        #expect(found.isDone && found.text == answer.text, "\(label): another answer")
      }
      let verified = try meters.program.run(["features", "verify"])
      #expect(verified.isDone, "seed \(seed), \(step): \(verified.text)")
      // No tag, no file and no version of a table is of a materialization.
      #expect(try Self.files(below: "\(meters.folder)/lake") == lake, "seed \(seed), \(step)")
      known = after
    }
    // What killed processes left there goes with the next run, and nothing else was left.
    let ran = try meters.program.run(["run"])
    #expect(ran.isDone, "\(ran.text)")
    let left = try Self.files(below: meters.state)
    let expected = ["ledger.sqlite", "online.sqlite", "run.lock"]
    #expect(left.filter { !expected.contains($0) } == [], "seed \(seed)")
    #expect(round.died > 0, "every process ended before it was killed")
    print("\(round.died) of \(Self.kills) kills met a process, \(round.halves) left half of a view")
  }

  private static func files(below folder: String) throws -> [String] {
    try FileManager.default.subpathsOfDirectory(atPath: folder).filter { path in
      var isFolder: ObjCBool = false
      return FileManager.default.fileExists(atPath: "\(folder)/\(path)", isDirectory: &isFolder)
        && !isFolder.boolValue
    }.sorted()
  }

  /// One process after the other, each killed.
  private struct Round<Store: SoakedStore> {
    let store: Store
    let program: MillraceProgram
    var chance: Chance
    /// How long a materialization takes that nobody kills.
    var whole: Duration = .zero
    /// Processes that were still running.
    var died = 0
    /// Kills that left a store which is neither that of before nor that of after.
    var halves = 0

    mutating func kill(
      _ materialize: [String],
      before: StoredRows,
      after: StoredRows,
      _ label: String
    ) throws {
      // The point of death is a time: there is nothing else to wait for in another process.
      let moment = UInt32(
        max(1, whole / .microseconds(1) * Double.random(in: 0..<1, using: &chance))
      )
      let process = try program.start(materialize)
      guard chance.one(in: 3) else {
        usleep(moment)
        process.kill()
        if case .killed = process.wait() { died += 1 }
        return try look(before, after, label)
      }
      // Two at once, of which one is killed: the other ends as if it were alone.
      usleep(moment / 4)
      let other = try program.start(materialize, saying: "other")
      usleep(moment / 2)
      process.kill()
      if case .killed = process.wait() { died += 1 }
      if other.isRunning { try look(before, after, "\(label), with another") }
      let ending = other.wait()
      #expect(ending == .exited(0), "\(label): the other: \(program.said("other"))")
      let differences = try store.read().differences(from: after)
      #expect(differences == [], "\(label): of the other")
    }

    private mutating func look(
      _ before: StoredRows,
      _ after: StoredRows,
      _ label: String
    ) throws {
      let found = try store.read()
      let strangers = found.strangers(before: before, after: after)
      #expect(strangers.isEmpty, "\(label): \(strangers.count), such as \(strangers.prefix(3))")
      if found != before, found != after { halves += 1 }
    }
  }
}
