// SPDX-License-Identifier: Apache-2.0

import Foundation
import MillCore
import MillTesting
import Testing

/// Real processes, killed without warning while they bring views into the online store.
@Suite("A materialization that is killed", .serialized)
struct MaterializeCrashTests {
  /// `MILLRACE_SOAK_KILLS` makes more of them.
  static var kills: Int {
    ProcessInfo.processInfo.environment["MILLRACE_SOAK_KILLS"].flatMap { Int($0) } ?? 12
  }

  private static let asOf = ["--as-of", "2025-03-31T12:00:00Z"]

  @Test(
    "is done again by the next, and the store answers as if nothing had happened",
    arguments: [OnlineStoreKind.sqlite] + (RedisServer.isInstalled ? [.redis] : [])
  )
  func killed(kind: OnlineStoreKind) throws {
    let server = kind.testDescription == "Redis" ? try RedisServer() : nil
    let folder = try TemporaryFolder("materialize-crash")
    let program = try Self.program()
    func start(_ arguments: [String], in place: String) throws -> ChildProcess {
      try ChildProcess(
        [program] + arguments,
        in: place,
        environment: ["NO_COLOR": "1"],
        output: folder.path("output"),
        errors: folder.path("errors")
      )
    }
    func run(_ arguments: [String], in place: String) throws -> (ChildProcess.Ending, String) {
      let ending = try start(arguments, in: place).wait()
      let output = try String(contentsOfFile: folder.path("output"), encoding: .utf8)
      let errors = try String(contentsOfFile: folder.path("errors"), encoding: .utf8)
      return (ending, output + errors)
    }
    let made = try run(["init", "p", "--rows", "1000", "--seed", "7"], in: folder.path)
    try #require(made.0 == .exited(0), "\(made.1)")
    let project = folder.path("p")
    if let server {
      let settings = try String(contentsOfFile: "\(project)/millrace.yaml", encoding: .utf8)
      try (settings + "online: {kind: redis, url: '\(server.endpoint)', timeout: 20s}\n")
        .write(toFile: "\(project)/millrace.yaml", atomically: true, encoding: .utf8)
    }
    let ran = try run(["run"], in: project)
    try #require(ran.0 == .exited(0), "\(ran.1)")
    let entities = (1...30).flatMap { number in
      let digits = (number < 10 ? "0" : "") + String(number)
      return ["--entity", "card_id=K000000\(digits),merchant_id=M00000\(digits)"]
    }
    let question =
      ["features", "get", "--service", "fraud", "--at", "2025-03-31T18:00:00Z", "--json"]
      + ["--request", "amount=10"] + entities
    let clock = ContinuousClock()
    var outcome: (ChildProcess.Ending, String) = (.exited(-1), "")
    let whole = try clock.measure {
      outcome = try run(["features", "materialize"] + Self.asOf, in: project)
    }
    try #require(outcome.0 == .exited(0), "\(outcome.1)")
    let expected = try run(question, in: project)
    try #require(expected.0 == .exited(0), "\(expected.1)")
    #expect(expected.1.contains("PRESENT"))

    let seed = UInt64.random(in: 0..<1_000_000)
    print("kills with seed \(seed)")
    var chance = Chance(seed)
    var died = 0
    for kill in 0..<Self.kills {
      let label = "seed \(seed), kill \(kill)"
      // Every other one starts from nothing, the next from where that one died.
      if kill % 2 == 0 {
        try server?.ask("FLUSHALL")
        for end in ["", "-wal", "-shm"] {
          try? LocalFileSystem().remove("\(project)/.millrace/online.sqlite\(end)")
        }
      }
      let process = try start(["features", "materialize"] + Self.asOf, in: project)
      // The point of death is a time: there is nothing else to wait for in another process.
      usleep(UInt32(whole / .microseconds(1) * Double.random(in: 0..<1, using: &chance)))
      process.kill()
      if case .killed = process.wait() { died += 1 }
      guard kill % 2 == 1 || kill == Self.kills - 1 else { continue }
      let resumed = try run(["features", "materialize"] + Self.asOf, in: project)
      #expect(resumed.0 == .exited(0), "\(label): \(resumed.1)")
      let verified = try run(["features", "verify"], in: project)
      #expect(verified.0 == .exited(0), "\(label): \(verified.1)")
      let found = try run(question, in: project)
      #expect(found.0 == .exited(0) && found.1 == expected.1, "\(label): another answer")
    }
    #expect(died > 0, "every process ended before it was killed")
  }

  struct MissingBinary: Error, CustomStringConvertible {
    var description: String { "no millrace beside the tests: run `swift build` first" }
  }

  /// The built binary, beside the test bundle or in the debug folder.
  private static func program() throws -> String {
    var folder = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
    var candidates: [String] = []
    for _ in 0..<6 {
      folder.deleteLastPathComponent()
      candidates.append(folder.appendingPathComponent("millrace").path)
    }
    let root = URL(fileURLWithPath: #filePath)
      .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    candidates.append(root.appendingPathComponent(".build/debug/millrace").path)
    for candidate in candidates {
      var isFolder: ObjCBool = false
      if FileManager.default.fileExists(atPath: candidate, isDirectory: &isFolder),
        !isFolder.boolValue, FileManager.default.isExecutableFile(atPath: candidate)
      {
        return candidate
      }
    }
    throw MissingBinary()
  }
}
