// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillTesting
import Testing

@Suite("Connections to the server")
struct ConnectionTests {
  private static let body = #"{"features":["card_profile"],"entities":[{"card_id":"K00000001"}]}"#
  private static let head = "POST /v1/features HTTP/1.1\r\nHost: 127.0.0.1\r\n"

  /// What does not age from one answer to the next.
  private static func values(_ reply: HTTPReply) -> [JSONValue?] {
    let entity = reply.json?["entities"]?.array?.first
    return [
      entity?["keys"], entity?["features"]?["card_profile.network"]?["value"],
      entity?["features"]?["card_profile.credit_limit"]?["value"],
    ]
  }

  @Test("answer requests one after the other, also when they come at once or byte by byte")
  func pipelines() throws {
    let served = try ServedProject()
    try served.start()
    let connection = try served.connect()
    let first = try connection.post("/v1/features", Self.body)
    #expect(first.status == 200)
    for byte in HTTPConnection.request("POST", "/v1/features", Array(Self.body.utf8)) {
      connection.send([byte])
    }
    #expect(try connection.reply()?.status == 200)
    // Answers come in the order of the requests, whatever each of them takes.
    let paths = (0..<300).map { $0 % 3 == 0 ? "/health" : $0 % 3 == 1 ? "/v1/features" : "/nope" }
    connection.send(
      paths.flatMap { path in
        path == "/v1/features"
          ? HTTPConnection.request("POST", path, Array(Self.body.utf8))
          : HTTPConnection.request("GET", path)
      }
    )
    for path in paths {
      let reply = try #require(try connection.reply())
      #expect(reply.status == (path == "/nope" ? 404 : 200))
      if path == "/v1/features" {
        #expect(Self.values(reply) == Self.values(first))
      }
    }
    connection.send(HTTPConnection.request("GET", "/health", headers: "Connection: close\r\n"))
    #expect(try connection.reply()?.status == 200)
    #expect(try connection.isClosedByServer())
  }

  @Test("of two hundred clients at once are all answered")
  func many() throws {
    let served = try ServedProject(["access_log: none"])
    try served.start()
    let connections = try (0..<200).map { _ in try served.connect() }
    for round in 0..<3 {
      for (number, connection) in connections.enumerated() {
        let card = "K0000000\((number + round) % 10)"
        connection.send(
          HTTPConnection.request(
            "POST",
            "/v1/features",
            Array(#"{"features":["card_profile"],"entities":[{"card_id":"\#(card)"}]}"#.utf8)
          )
        )
      }
      for (number, connection) in connections.enumerated() {
        let reply = try #require(try connection.reply())
        #expect(reply.status == 200)
        let key: JSONValue = .string("K0000000\((number + round) % 10)")
        #expect(reply.json?["entities"]?.array?.first?["keys"]?["card_id"] == key)
      }
    }
  }

  @Test("whose request does not arrive whole in time are closed, however busily it trickles")
  func slow() throws {
    let served = try ServedProject(["timeout: 300ms"])
    try served.start()
    let kept = try served.connect()
    #expect(try kept.ask("GET", "/health").status == 200)
    let starts = [
      Self.head + "Content-Length: 1000\r\n\r\n{", Self.head + "X-Long: ", "PO",
      Self.head + "Transfer-Encoding: chunked\r\n\r\n5\r\n{",
    ]
    for start in starts {
      let connection = try served.connect()
      connection.send(start)
      // Every byte is one more reason to wait; there are more than the server waits for.
      var sent = 0
      while sent < 2000, connection.send(" ") {
        sent += 1
        ServedProject.pause()
      }
      #expect(sent < 2000, "\(start)")
    }
    // Who sent whole requests and waits for the next is left alone.
    #expect(try kept.ask("GET", "/health").status == 200)
  }

  @Test("without a request are closed after the idle time")
  func idle() throws {
    let served = try ServedProject(["idle: 300ms"])
    try served.start()
    let silent = try served.connect()
    let used = try served.connect()
    #expect(try used.ask("GET", "/health").status == 200)
    #expect(try silent.isClosedByServer())
    #expect(try used.isClosedByServer())
  }

  @Test(
    "that break off or talk nonsense leave the server as it was, and the log says no mistake of it"
  )
  func nonsense() throws {
    let served = try ServedProject()
    try served.start()
    let pieces = [
      "", "\r\n\r\n", "GET", "GET / HTTP/9.9\r\n\r\n", "\u{16}\u{3}\u{1}\u{2}\u{0}",
      Self.head + "Content-Length: 5\r\nContent-Length: 6\r\n\r\n{}",
      Self.head + "Content-Length: -1\r\n\r\n", Self.head + "Content-Length: 100\r\n\r\n{}",
      Self.head + "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
      Self.head + "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n{}",
      Self.head + (0..<500).map { "X-\($0): y\r\n" }.joined() + "\r\n",
      Self.head + "X: " + String(repeating: "y", count: 200_000) + "\r\n\r\n",
      "GET /" + String(repeating: "a", count: 200_000) + " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    ]
    for piece in pieces {
      let connection = try served.connect()
      connection.send(piece)
      connection.finish()
      while let reply = try? connection.reply() {
        #expect(reply.status >= 400 && reply.status < 500)
      }
    }
    #expect(try served.connect().ask("GET", "/health").json == ["status": "ok"])
    served.terminate()
    #expect(served.wait() == .exited(0))
    #expect(!served.said.contains("server.bug"), "\(served.said)")
  }
}
