// SPDX-License-Identifier: Apache-2.0

import Foundation
import GRDB
import MillCore
import MillServer
import MillTesting
import Synchronization
import Testing

/// A server whose clients, store, disk or operator do not keep up.
@Suite("A server under pressure")
struct PressureTests {
  private static let features =
    #"{"features":["card_profile"],"entities":[{"card_id":"K00000001"}]}"#

  private static func push(_ cards: Range<Int>) -> String {
    let rows = cards.map { card in
      #"{"card_id":"P\#(card)","issued_on":"2025-03-30","network":"visa","credit_limit":7,"#
        + #""status":"active"}"#
    }
    return #"{"view":"card_profile","rows":[\#(rows.joined(separator: ","))]}"#
  }

  // MARK: Clients that wait before they send

  private static func head(_ path: String, _ length: Int) -> String {
    "POST \(path) HTTP/1.1\r\nHost: 127.0.0.1\r\nExpect: 100-continue\r\n"
      + "Content-Length: \(length)\r\n\r\n"
  }

  @Test(
    "tells a client that waits to go on, in its turn, and one whose body it will not read at once"
  )
  func expectation() throws {
    let served = try ServedProject(["max_body: 3MiB"])
    try served.start()
    let connection = try served.connect()
    let body = Self.features
    // The first is answered before the second is told anything.
    connection.send(HTTPConnection.request("POST", "/v1/features", Array(body.utf8)))
    connection.send(Self.head("/v1/features", body.utf8.count))
    #expect(try connection.reply()?.status == 200)
    #expect(try connection.reply()?.status == 100)
    connection.send(body)
    #expect(try connection.reply()?.json?["entities"]?.array?.count == 1)
    connection.send(Self.head("/v1/features", 4 << 20))
    let refused = try connection.reply()
    #expect(refused?.status == 413)
    #expect(refused?.headers["connection"] == "close")

    let file = served.folder.path("body")
    try (body + String(repeating: " ", count: 2 << 20))
      .write(toFile: file, atomically: true, encoding: .utf8)
    let curl = [
      "curl", "-sS", "--fail", "--max-time", "30", "--expect100-timeout", "600", "--data-binary",
      "@\(file)", "http://127.0.0.1:\(served.port)/v1/features",
    ]
    #expect(try ServedProject.run(curl).contains("K00000001"))
  }

  @Test("lets nobody send a body who has no token")
  func expectationWithoutToken() throws {
    let digest = String(repeating: "ab", count: 32)
    let served = try ServedProject([
      "tokens: [{name: other, sha256: \(digest), scopes: [read]}]"
    ])
    try served.start()
    let connection = try served.connect()
    connection.send(Self.head("/v1/features", 10))
    #expect(try connection.reply()?.status == 401)
  }

  // MARK: A store that does not keep up

  /// Another process that writes to the store of a project, until it is let go.
  private final class Writer {
    private let queue: DatabaseQueue

    init(of served: ServedProject) throws {
      var configuration = Configuration()
      configuration.allowsUnsafeTransactions = true
      queue = try DatabaseQueue(
        path: served.project + "/.millrace/online.sqlite",
        configuration: configuration
      )
      try queue.inDatabase { try $0.execute(sql: "BEGIN IMMEDIATE") }
    }

    func letGo() throws {
      try queue.inDatabase { try $0.execute(sql: "ROLLBACK") }
      try queue.close()
    }
  }

  @Test(
    "an answer that does not begin in time is 503 and the end of its connection, and of no other"
  )
  func slowAnswer() throws {
    let served = try ServedProject(["timeout: 300ms", "refresh: never"])
    for end in ["", "-wal", "-shm"] {
      try? FileManager.default.removeItem(atPath: served.project + "/.millrace/online.sqlite\(end)")
    }
    _ = try served.millrace(["features", "materialize", "card_profile"])
    try served.start()
    let reader = try served.connect()
    #expect(try reader.post("/v1/features", Self.features).status == 200)
    let writer = try Writer(of: served)
    // Bringing a view in takes as long as it takes.
    let bringing = try served.connect()
    bringing.send(
      HTTPConnection.request("POST", "/v1/materialize", Array(#"{"views":["merchant_risk"]}"#.utf8))
    )
    let pushing = try served.connect()
    let slow = try pushing.post("/v1/push", Self.push(0..<1))
    #expect(slow.status == 503)
    #expect(slow.json?["error"]?["code"] == "server.timeout")
    #expect(slow.headers["connection"] == "close")
    #expect(try pushing.isClosedByServer())
    let feast = try served.connect().post(
      "/write-to-online-store",
      #"{"feature_view_name":"card_profile","df":{"card_id":["K2"],"event_timestamp":["2025-01-02"],"#
        + #""network":["visa"],"credit_limit":[8],"status":[null]}}"#
    )
    #expect(feast.status == 503)
    #expect(feast.json?.text?.contains("feast.errors") == true, "\(feast.text)")
    #expect(try reader.post("/v1/features", Self.features).status == 200)
    try writer.letGo()
    #expect(try bringing.reply()?.status == 200)
    #expect(try served.connect().post("/v1/push", Self.push(1..<2)).status == 200)
    served.terminate()
    #expect(served.wait() == .exited(0))
    // The line about it comes when the work is over.
    let late = served.said.split(separator: "\n").filter { $0.contains("server.timeout") }
    #expect(late.count == 2, "\(served.said)")
    #expect(late.allSatisfy { $0.contains(" 503 POST /") })
  }

  @Test(
    "goes on answering while its disk is full, says 507 to rows, and takes them once there is room",
    .enabled(if: SmallDisk.isAvailable)
  )
  func fullDisk() throws {
    let served = try ServedProject()
    let state = served.project + "/.millrace"
    let disk = try SmallDisk(over: state, kibibytes: 8192)
    served.disk = disk
    // What it says goes to the same disk.
    served.errors = disk.path(state + "/errors")
    try served.start()
    let connection = try served.connect()
    #expect(try connection.post("/v1/features", Self.features).status == 200)
    #expect(try connection.post("/v1/push", Self.push(0..<10)).json?["newer"] == 10)
    try disk.fill()
    var pushed = 10
    var refused: HTTPReply?
    for _ in 0..<300 where refused == nil {
      let reply = try connection.post("/v1/push", Self.push(pushed..<pushed + 100))
      if reply.status == 200 { pushed += 100 } else { refused = reply }
    }
    #expect(refused?.status == 507, "\(refused?.text ?? "it never was full")")
    #expect(refused?.json?["error"]?["code"] == "online.full")
    #expect(refused?.text.contains(served.project) == false)
    func ask(_ cards: [String]) throws -> HTTPReply {
      let entities = cards.map { #"{"card_id":"\#($0)"}"# }.joined(separator: ",")
      return try connection.post(
        "/v1/features",
        #"{"features":["card_profile.status"],"entities":[\#(entities)]}"#
      )
    }
    func statuses(_ reply: HTTPReply) -> [JSONValue?] {
      (reply.json?["entities"]?.array ?? []).map {
        $0["features"]?["card_profile.status"]?["status"]
      }
    }
    var answer = try ask(["K00000001", "K00000002", "P0", "P\(pushed)"])
    #expect(answer.status == 200)
    #expect(answer.headers["x-millrace-store"] == nil)
    #expect(statuses(answer) == ["PRESENT", "PRESENT", "PRESENT", "NOT_FOUND"])
    #expect(try connection.ask("GET", "/health").json == ["status": "ok"])
    try disk.free()
    #expect(try connection.post("/v1/push", Self.push(pushed..<pushed + 100)).status == 200)
    answer = try ask(["P\(pushed)"])
    #expect(statuses(answer) == ["PRESENT"])
    served.terminate()
    #expect(served.wait() == .exited(0))
    #expect(served.said.contains(" 507 POST /v1/push ") || served.said.contains("not written"))
    #expect(served.said.contains(" 200 POST /v1/features "))
  }

  // MARK: An operator who does not read

  @Test("answers although nobody reads what it says, and counts what it could not say")
  func unread() throws {
    let served = try ServedProject(["refresh: 100ms"])
    #expect(mkfifo(served.errors, 0o600) == 0)
    let reading = open(served.errors, O_RDONLY | O_NONBLOCK)
    defer { close(reading) }
    try served.start()
    let connection = try served.connect()
    // Their lines are more than a pipe and the queue before it hold.
    let path = "/" + String(repeating: "x", count: 250)
    for _ in 0..<60 {
      connection.send((0..<100).flatMap { _ in HTTPConnection.request("GET", path) })
      for _ in 0..<100 { #expect(try connection.reply()?.status == 404) }
    }
    // Notices wait for nobody either.
    try "views: [".write(
      toFile: served.project + "/features/broken.yaml",
      atomically: true,
      encoding: .utf8
    )
    _ = try ServedProject.until("the mistake is seen") {
      try connection.ask("GET", "/health").json?["status"] == "degraded" ? true : nil
    }
    #expect(try connection.post("/v1/features", Self.features).status == 200)
    var said: [UInt8] = []
    _ = try ServedProject.until("all is said") { () -> Bool? in
      var buffer = [UInt8](repeating: 0, count: 1 << 16)
      while case let count = read(reading, &buffer, buffer.count), count > 0 {
        said += buffer[..<count]
      }
      let text = String(decoding: said, as: UTF8.self)
      let isAll =
        text.contains(" lines about requests were not written")
        && text.contains("the definitions stay as they were")
      return isAll ? true : nil
    }
    served.terminate()
    #expect(served.wait() == .exited(0))
  }

  @Test("lines wait in a bounded queue, and those that found it full are counted in their place")
  func lines() async {
    let gate = DispatchSemaphore(value: 0)
    let written = Mutex<[UInt8]>([])
    let queue = LineQueue("tests", limit: 100) { bytes in
      gate.wait()
      written.withLock { $0 += bytes }
      return true
    }
    for number in 0..<1000 { queue.append("line \(number)") }
    // Nobody takes them, and nobody is waited for longer than this.
    await queue.flush(within: .milliseconds(20))
    for _ in 0..<10 { gate.signal() }
    await queue.flush(within: .seconds(20))
    let lines = String(decoding: written.withLock(\.self), as: UTF8.self).split(separator: "\n")
    #expect(lines.first == "line 0")
    let counted = lines.compactMap { line in
      line.hasSuffix(" lines about tests were not written: whoever takes them is slower")
        ? Int(line.prefix { $0 != " " }) : nil
    }
    #expect(!counted.isEmpty)
    #expect(counted.reduce(0, +) + lines.count - counted.count == 1000)
  }

  @Test("lines that could not be written are counted once something can be")
  func refusedLines() async {
    let isFull = Mutex(true)
    let written = Mutex<[UInt8]>([])
    let queue = LineQueue("tests") { bytes in
      guard !isFull.withLock(\.self) else { return false }
      written.withLock { $0 += bytes }
      return true
    }
    queue.append("one")
    queue.append("two")
    await queue.flush()
    isFull.withLock { $0 = false }
    queue.append("three")
    await queue.flush()
    let text = String(decoding: written.withLock(\.self), as: UTF8.self)
    #expect(text.hasPrefix("three\n2 lines about tests were not written"), "\(text)")
  }
}
