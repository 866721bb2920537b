// SPDX-License-Identifier: Apache-2.0

import Foundation
import MillCore
import MillTesting
import Testing

@Suite("Changes under a running server")
struct ChangeTests {
  private let served: ServedProject
  private static let quick = ["refresh: 100ms", "staleness: 20ms"]

  init() throws { served = try ServedProject(Self.quick) }

  private func edit(_ name: String, _ change: (String) -> String) throws {
    let path = served.project + "/" + name
    let text = try String(contentsOfFile: path, encoding: .utf8)
    try change(text).write(toFile: path, atomically: true, encoding: .utf8)
  }

  private func value(_ connection: HTTPConnection, _ feature: String) throws -> JSONValue? {
    let body = #"{"features":["\#(feature)"],"entities":[{"card_id":"K00000001"}]}"#
    let reply = try connection.post("/v1/features", body)
    return reply.json?["entities"]?.array?.first?["features"]?[feature]
  }

  private var features: String { "features/\(featureFile)" }
  private var featureFile: String {
    let names = try? FileManager.default.contentsOfDirectory(atPath: served.project + "/features")
    return names?.first { $0.hasSuffix(".yaml") } ?? ""
  }

  @Test(
    "definitions are taken when they are right, and health says what is wrong when they are not"
  )
  func definitions() throws {
    try served.start()
    let connection = try served.connect()
    func health() throws -> JSONValue { try connection.ask("GET", "/v1/health").json ?? .null }
    #expect(try health()["status"] == "ok")
    let before = try String(contentsOfFile: served.project + "/" + features, encoding: .utf8)
    try edit(features) { $0.replacingOccurrences(of: "entity: card\n", with: "entity: crad\n") }
    let problem = try ServedProject.until("health has the problem") { () -> String? in
      try health()["definitions"]?["problem"]?.text
    }
    #expect(problem.contains("crad"))
    #expect(try health()["status"] == "degraded")
    #expect(try value(connection, "card_profile.network")?["status"] == "PRESENT")
    // The same bytes as before, in a file that was made anew.
    try edit(features) { _ in before }
    _ = try ServedProject.until("health is well") { try health()["status"] == "ok" ? true : nil }
    try edit(features) {
      $0.replacingOccurrences(
        of: "features: [network, credit_limit, status]",
        with: "features: [network, credit_limit, status, customer_id]"
      )
    }
    let found = try ServedProject.until("the new feature is served") { () -> JSONValue? in
      // What was served before is served all the while.
      #expect(try value(connection, "card_profile.network")?["status"] == "PRESENT")
      return try value(connection, "card_profile.customer_id")
    }
    #expect(found["status"] == "PRESENT")
    #expect(try health()["definitions"]?["waiting"] == [])
  }

  @Test("a file that comes back as it was is no problem any more")
  func restored() throws {
    try served.start()
    let connection = try served.connect()
    func problem() throws -> JSONValue? {
      try connection.ask("GET", "/v1/health").json?["definitions"]?["problem"]
    }
    let (path, aside) = (served.project + "/sources/cards.yaml", served.folder.path("aside"))
    try FileManager.default.moveItem(atPath: path, toPath: aside)
    _ = try ServedProject.until("health has the problem") { try problem()?.text }
    try FileManager.default.moveItem(atPath: aside, toPath: path)
    _ = try ServedProject.until("health is well") { try problem() == .null ? true : nil }
  }

  @Test("rows that a source gets are brought in without a request")
  func sources() throws {
    try served.start()
    let connection = try served.connect()
    let before = try value(connection, "card_profile.credit_limit")?["value"]
    #expect(before?.integer != nil)
    try edit("data/cards.csv") { text in
      var lines = text.components(separatedBy: "\n")
      for place in lines.indices where lines[place].hasPrefix("K00000001,") {
        var cells = lines[place].components(separatedBy: ",")
        cells[4] = "4711"
        lines[place] = cells.joined(separator: ",")
      }
      return lines.joined(separator: "\n")
    }
    _ = try served.millrace(["run", "+silver.cards"])
    let limit = try ServedProject.until("the limit is another one") { () -> JSONValue? in
      let found = try value(connection, "card_profile.credit_limit")?["value"]
      return found == before ? nil : found
    }
    #expect(limit == 4711)
    _ = try ServedProject.until("the server says so") {
      served.said.contains("brought in card_profile") ? true : nil
    }
  }

  @Test("what another process pushes into the store is seen by itself")
  func foreign() throws {
    try served.start()
    let other = try HTTPConnection(port: served.port)
    #expect(try value(other, "card_profile.status")?["value"] == "active")
    // A second server over the same store is another process.
    let second = try ServedProject.Second(of: served)
    let row = #"{"card_id":"K00000001","issued_on":"2026-01-02","network":"visa","credit_limit":1,"#
    let body = #"{"view":"card_profile","rows":[\#(row)"status":"pushed"}]}"#
    let connection = try HTTPConnection(port: second.port)
    #expect(try connection.post("/v1/push", body).json?["newer"] == 1)
    #expect(try value(connection, "card_profile.status")?["value"] == "pushed")
    _ = try ServedProject.until("the first server sees it") {
      try value(other, "card_profile.status")?["value"] == "pushed" ? true : nil
    }
  }

  @Test("a store whose file is removed is made anew from the sources, and nothing old is served")
  func removed() throws {
    try served.start()
    let connection = try served.connect()
    #expect(try value(connection, "card_profile.network")?["status"] == "PRESENT")
    let path = served.project + "/.millrace/online.sqlite"
    let body =
      #"{"view":"card_profile","rows":[{"card_id":"pushed","issued_on":"2026-01-02","#
      + #""network":"visa","credit_limit":1,"status":"x"}]}"#
    #expect(try connection.post("/v1/push", body).json?["newer"] == 1)
    for name in [path, path + "-wal", path + "-shm"] { unlink(name) }
    let ask =
      #"{"features":["card_profile"],"entities":[{"card_id":"K00000001"},{"card_id":"pushed"}]}"#
    _ = try ServedProject.until("what was pushed into the old file is gone") { () -> Bool? in
      let reply = try connection.post("/v1/features", ask)
      guard reply.status == 200 else {
        #expect(reply.errorProblem("/v1/features") == nil)
        return nil
      }
      let found = reply.json?["entities"]?.array?.map {
        $0["features"]?["card_profile.network"]?["status"]
      }
      return found == ["PRESENT", "NOT_FOUND"] ? true : nil
    }
    #expect(FileManager.default.fileExists(atPath: path))
  }

  @Test(
    "a store that is locked, gone or broken is said so, and what is in memory is still answered"
  )
  func store() throws {
    try served.start()
    let connection = try served.connect()
    #expect(try value(connection, "card_profile.network")?["status"] == "PRESENT")
    let path = served.project + "/.millrace/online.sqlite"
    // Another program holds the file: readers go on.
    let holder = try ChildProcess(
      [
        "python3", "-c",
        """
        import sqlite3, sys, time
        c = sqlite3.connect(sys.argv[1]); c.execute("BEGIN EXCLUSIVE")
        open(sys.argv[2], "w").close()
        time.sleep(60)
        """, path, served.folder.path("held"),
      ]
    )
    defer { holder.kill() }
    _ = try ServedProject.until("the file is held") {
      FileManager.default.fileExists(atPath: served.folder.path("held")) ? true : nil
    }
    #expect(try value(connection, "card_profile.network")?["status"] == "PRESENT")
    #expect(try connection.ask("GET", "/health").status == 200)
    holder.kill()
    // The file is overwritten under the server.
    for name in [path, path + "-wal", path + "-shm"] {
      guard let handle = FileHandle(forWritingAtPath: name) else { continue }
      let size = try handle.seekToEnd()
      try handle.seek(toOffset: 0)
      try handle.write(contentsOf: Data(repeating: 0x5A, count: Int(size)))
      try handle.close()
    }
    for card in 0..<40 {
      let body = #"{"features":["card_profile"],"entities":[{"card_id":"K000000\#(card)"}]}"#
      let reply = try connection.post("/v1/features", body)
      #expect([200, 503].contains(reply.status), "\(reply.text)")
      if reply.status != 200 { #expect(reply.errorProblem("/v1/features") == nil) }
      #expect(OpenAPISchema.problem(reply, "POST", "/v1/features") == nil)
    }
    #expect(served.isRunning)
    served.terminate()
    #expect(served.wait() == .exited(0))
  }
}
