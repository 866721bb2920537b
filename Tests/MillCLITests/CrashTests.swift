// SPDX-License-Identifier: Apache-2.0

import Foundation
import MillCore
import MillTesting
import Testing

/// Real processes, killed without warning while they run.
@Suite("A run that is killed", .serialized)
struct CrashTests {
  /// `MILLRACE_SOAK_KILLS` makes more of them.
  static var kills: Int {
    ProcessInfo.processInfo.environment["MILLRACE_SOAK_KILLS"].flatMap { Int($0) } ?? 20
  }

  @Test("is taken up by the next, and the tables are those of a run that was not killed")
  func killed() throws {
    let rows = "3000"
    let unbroken = try Scratch()
    #expect(try Program.run(["init", "p", "--rows", rows], in: unbroken.path).status == 0)
    let clock = ContinuousClock()
    let began = clock.now
    let first = try Program.run(["run"], in: unbroken.path + "/p")
    let whole = began.duration(to: clock.now)
    #expect(first.status == 0, "\(first.errors)")
    let expected = try tables(of: unbroken.path + "/p")
    #expect(expected.count >= 12)

    let seed = UInt64.random(in: 0..<1_000_000)
    print("kills with seed \(seed)")
    let random = SeededRandom(seed: seed)
    let broken = try Scratch()
    #expect(try Program.run(["init", "p", "--rows", rows], in: broken.path).status == 0)
    let project = broken.path + "/p"
    var died = 0
    for kill in 0..<Self.kills {
      // Half of them start from nothing, half from where the last one died.
      if kill % 2 == 0 {
        for left in ["lake", ".millrace"] {
          try? FileManager.default.removeItem(atPath: "\(project)/\(left)")
        }
      }
      let process = try Program.start(["run"], in: project)
      let share = Double(random.next() % 1000) / 1000
      // The point of death is a time: there is nothing else to wait for in another process.
      let microseconds =
        Double(whole.components.seconds) * 1e6
        + Double(whole.components.attoseconds) / 1e12
      usleep(UInt32(share * microseconds))
      process.kill()
      if case .killed = process.wait() { died += 1 }
      guard kill % 2 == 1 || kill == Self.kills - 1 else { continue }
      let resumed = try Program.run(["run"], in: project)
      #expect(resumed.status == 0, "seed \(seed), kill \(kill): \(resumed.errors)")
      let found = try tables(of: project)
      #expect(Set(found.keys) == Set(expected.keys), "seed \(seed), kill \(kill)")
      for (name, rows) in expected where found[name] != rows {
        Issue.record("seed \(seed), kill \(kill): \(name) differs")
      }
    }
    #expect(died > 0, "every run ended before it was killed")
  }

  @Test("leaves no lock behind, and says what it took over")
  func takeover() throws {
    let scratch = try Scratch()
    #expect(try Program.run(["init", "p", "--rows", "20000"], in: scratch.path).status == 0)
    let project = scratch.path + "/p"
    let process = try Program.start(["run"], in: project)
    // The lock file names its owner as soon as the lock is held.
    let lock = project + "/.millrace/run.lock"
    while process.isRunning,
      (try? String(contentsOfFile: lock, encoding: .utf8))?.contains("run ") != true
    {
      sched_yield()
    }
    let second = try Program.run(["run"], in: project)
    #expect(second.status == 3)
    #expect(second.errors.contains("another run has this project"))
    process.kill()
    process.wait()
    #expect(try Program.run(["run"], in: project).status == 0)
    let runs = try JSONValue(parsing: Program.run(["runs", "--json"], in: project).output)
    let states = runs["runs"]?.array?.compactMap { $0["status"]?.text } ?? []
    #expect(states == ["succeeded", "interrupted"])
  }
}
