// SPDX-License-Identifier: Apache-2.0

import Foundation
import MillCore
import MillServer
import MillTesting
import Testing

@Suite("The routes of the server")
struct RouteTests {
  private static let gets = ["/health", "/v1/health", "/openapi.json"]
  private static let posts = [
    "/get-online-features", "/push", "/write-to-online-store", "/materialize",
    "/materialize-incremental", "/v1/features", "/v1/push", "/v1/materialize",
  ]

  @Test("answer other methods and paths with JSON, and a HEAD with no body")
  func methods() throws {
    let served = try ServedProject()
    try served.start()
    let connection = try served.connect()
    for path in Self.gets + Self.posts {
      for method in ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW"] {
        let isGet = Self.gets.contains(path)
        guard method != (isGet ? "GET" : "POST") else { continue }
        // A method that HTTP does not know may end the connection.
        let connection = method == "BREW" ? try served.connect() : connection
        let reply = try connection.ask(method, path)
        guard method != "BREW" || reply.status != 400 else { continue }
        #expect(reply.status == 405, "\(method) \(path)")
        #expect(reply.errorProblem(path) == nil)
        #expect(reply.headers["allow"]?.hasPrefix(isGet ? "GET" : "POST") == true)
      }
    }
    for path in [
      "/", "/v1", "/v1/", "/v1/feature", "/%00", "/health/", "//health", "/v1/features;x",
    ] {
      let reply = try connection.ask("GET", path)
      #expect(reply.status == 404, "\(path)")
      #expect(reply.errorProblem(path) == nil)
    }
    #expect(try connection.ask("GET", "/v1/feature").text.contains("did you mean /v1/features?"))
    // After an answer to HEAD the next answer begins at its first byte.
    let whole = try connection.ask("GET", "/health")
    let head = try connection.ask("HEAD", "/health")
    #expect(head.status == 200)
    #expect(head.headers["content-length"] == whole.headers["content-length"])
    #expect(try connection.ask("HEAD", "/v1/push").status == 405)
    #expect(try connection.ask("GET", "/health").json == ["status": "ok"])
    // No line of the log is made by a path.
    _ = try served.connect().ask("GET", "/%0A" + String(repeating: "a", count: 1000))
    _ = try served.connect().ask("GET", "/\u{1B}[31m")
    served.terminate()
    #expect(served.wait() == .exited(0))
    let lines = served.said.split(separator: "\n")
    #expect(lines.allSatisfy { $0.utf8.count < 400 && !$0.utf8.contains(0x1B) })
  }

  @Test("answer as they are described")
  func described() throws {
    let served = try ServedProject()
    try served.start()
    let connection = try served.connect()
    for path in Self.gets {
      let reply = try connection.ask("GET", path)
      #expect(reply.status == 200)
      #expect(OpenAPISchema.problem(reply, "GET", path) == nil)
    }
    #expect(try connection.ask("GET", "/openapi.json").json == OpenAPIDescription.json)
    let card = #""card_id":"K00000001""#
    let bodies = [
      (
        "/v1/features",
        #"{"service":"fraud","entities":[{\#(card),"merchant_id":"M1","amount":12.5}]}"#
      ),
      ("/v1/features", #"{"features":["card_profile","card_habit"],"entities":[{\#(card)}]}"#),
      (
        "/get-online-features",
        #"{"feature_service":"fraud","entities":{"card_id":["a"],"merchant_id":["x"],"amount":[1]},"#
          + #""include_feature_view_version_metadata":true,"full_feature_names":true}"#
      ),
      ("/v1/materialize", "{}"), ("/materialize", #"{"disable_event_timestamp":true}"#),
      (
        "/v1/push",
        #"{"view":"card_profile","rows":[{\#(card),"issued_on":"2026-01-02","network":"visa","#
          + #""credit_limit":7,"status":"é"}]}"#
      ),
      (
        "/write-to-online-store",
        #"{"feature_view_name":"card_profile","df":{"card_id":["K2"],"event_timestamp":["2026-01-02"],"#
          + #""created":[null],"network":["visa"],"credit_limit":[8],"status":[null]}}"#
      ),
      (
        "/push",
        #"{"push_source_name":"card_profile","df":{"card_id":["K3"],"issued_on":["2026-01-02"],"#
          + #""network":["visa"],"credit_limit":[9],"status":[null]},"to":"online"}"#
      ),
    ]
    for (path, body) in bodies {
      let reply = try connection.post(path, body)
      #expect(reply.status == 200, "\(path): \(reply.text)")
      let problem = OpenAPISchema.problem(reply, "POST", path)
      #expect(problem == nil)
    }
    let reply = try connection.post(
      "/get-online-features",
      #"{"features":["card_profile:credit_limit"],"entities":{"card_id":["K00000001","K2","K3","K4"]}}"#
    )
    #expect(reply.json?["results"]?.array?[1]["values"] == [7, 8, 9, nil])
    let statuses: JSONValue = ["PRESENT", "PRESENT", "PRESENT", "NOT_FOUND"]
    #expect(reply.json?["results"]?.array?[1]["statuses"] == statuses)
  }

  @Test("are described in docs/reference/openapi.json")
  func document() throws {
    let path = ServedProject.root.appendingPathComponent("docs/reference/openapi.json")
    let text = OpenAPIDescription.json.serialized(pretty: true) + "\n"
    if ProcessInfo.processInfo.environment["MILLRACE_RECORD"] == "1" {
      try text.write(to: path, atomically: true, encoding: .utf8)
    }
    #expect(
      try String(contentsOf: path, encoding: .utf8) == text,
      "MILLRACE_RECORD=1 writes it anew"
    )
  }
}

@Suite("Tokens of the server")
struct TokenTests {
  private static func digest(_ word: String, _ folder: TemporaryFolder) throws -> String {
    let path = folder.path("word-\(word)")
    try word.write(toFile: path, atomically: false, encoding: .utf8)
    return String(try ServedProject.run(["sha256sum", path]).prefix(64))
  }

  @Test("open what their scopes say, and nothing else")
  func scopes() throws {
    let scopes = [
      ("reader", "read"), ("scorer", "read:fraud"), ("pusher", "push"),
      ("feeder", "push:card_profile"), ("boss", "admin"), ("other", "push:card_spend"),
    ]
    let digests = try TemporaryFolder("digests")
    let lines = try scopes.map { name, scope in
      "  - {name: \(name), sha256: \(try Self.digest(name, digests)), scopes: [\"\(scope)\"]}"
    }
    let served = try ServedProject(["tokens:"] + lines)
    try served.start()
    let connection = try served.connect()
    let service = #"{"service":"fraud","entities":[]}"#
    let feast = #"{"feature_service":"fraud","entities":{"card_id":[],"merchant_id":[]}}"#
    let empty = #"{"features":["card_profile:network"],"entities":{"card_id":[]}}"#
    let push = #"{"view":"card_profile","rows":[]}"#
    let times = #"{"disable_event_timestamp":true,"feature_views":[]}"#
    let readers = ["reader", "boss"]
    let pushers = ["pusher", "feeder", "boss"]
    // The path, the body, and who may.
    let routes: [(String, String, [String])] = [
      ("/v1/features", service, readers + ["scorer"]),
      ("/get-online-features", feast, readers + ["scorer"]),
      ("/v1/features", #"{"features":["card_profile"],"entities":[]}"#, readers),
      ("/get-online-features", empty, readers), ("/v1/push", push, pushers),
      (
        "/push", #"{"push_source_name":"card_profile","df":{"card_id":[],"issued_on":[]}}"#, pushers
      ),
      (
        "/write-to-online-store", #"{"feature_view_name":"card_profile","df":{"card_id":[]}}"#,
        pushers
      ),
      ("/materialize", times, ["boss"]), ("/materialize-incremental", times, ["boss"]),
      ("/v1/materialize", #"{"views":[]}"#, ["boss"]),
    ]
    for (path, body, allowed) in routes {
      for (name, _) in scopes {
        let reply = try connection.post(path, body, token: name)
        if allowed.contains(name) {
          #expect(reply.status == 200, "\(name) at \(path): \(reply.text)")
        } else {
          #expect(reply.status == 403, "\(name) at \(path): \(reply.text)")
          #expect(reply.errorProblem(path) == nil)
        }
      }
      for token in [nil, "nobody", "", "Reader", "reader x", String(repeating: "r", count: 4000)] {
        let reply = try connection.post(path, body, token: token)
        #expect(reply.status == 401, "\(token ?? "none") at \(path)")
        #expect(reply.headers["www-authenticate"] == "Bearer")
        #expect(reply.errorProblem(path) == nil)
      }
    }
    for scheme in ["bearer reader", "BEARER reader", "Basic reader", "reader", "Bearer  reader"] {
      connection.send(
        HTTPConnection.request(
          "POST",
          "/v1/features",
          Array(service.utf8),
          headers: "Authorization: \(scheme)\r\n"
        )
      )
      let status = try connection.reply()?.status
      #expect(status == (scheme.lowercased() == "bearer reader" ? 200 : 401), "\(scheme)")
    }
    #expect(try connection.ask("GET", "/health").status == 200)
    // A service that is not there is not told from one that may not be read.
    let hidden = #"{"service":"frauds","entities":[]}"#
    #expect(try connection.post("/v1/features", hidden, token: "scorer").status == 403)
    served.terminate()
    #expect(served.wait() == .exited(0))
    #expect(served.said.contains("token reader"))
    #expect(!served.said.contains("nobody"))
  }
}
