// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillTesting
import Testing

@Suite("Bodies that are wrong")
struct BodyTests {
  private static let features =
    #"{"features":["card_profile.network"],"entities":[{"card_id":"K00000001"}]}"#
  private static let feast =
    #"{"features":["card_profile:network"],"entities":{"card_id":["K00000001",null]},"full_feature_names":true}"#
  private static let push = #"{"view":"card_profile","rows":[]}"#
  private static let bodies = [
    ("/v1/features", features), ("/get-online-features", feast), ("/v1/push", push),
    ("/push", #"{"push_source_name":"card_profile","df":{"card_id":["é\n"]}}"#),
    ("/materialize-incremental", #"{"end_ts":"2025-01-01T00:00:00","feature_views":[]}"#),
  ]

  private let served: ServedProject

  init() throws {
    served = try ServedProject(["access_log: none"])
    try served.start()
  }

  /// Sends many bodies over one connection and says what is wrong with the answers.
  private func mistakes(_ path: String, _ bodies: [[UInt8]]) throws -> [String] {
    let connection = try served.connect()
    var wrong: [String] = []
    var requests = bodies[...]
    while !requests.isEmpty {
      // Several at a time: the server answers them in their order.
      let batch = requests.prefix(50)
      requests = requests.dropFirst(50)
      connection.send(batch.flatMap { HTTPConnection.request("POST", path, $0) })
      for body in batch {
        guard let reply = try connection.reply() else {
          throw HTTPConnection.Failed(description: "closed after \(body)")
        }
        let problem = reply.status == 200 ? nil : reply.errorProblem(path)
        let described = OpenAPISchema.problem(reply, "POST", path)
        if reply.status >= 500 || problem != nil || described != nil {
          wrong.append(
            "\(String(decoding: body, as: UTF8.self)): \(reply.status) \(problem ?? described ?? "")"
          )
        }
      }
    }
    return wrong
  }

  @Test("at any byte are refused with a JSON body, never with 500, and the connection goes on")
  func everyByte() throws {
    for (path, text) in Self.bodies {
      let bytes = Array(text.utf8)
      var bodies: [[UInt8]] = bytes.indices.map { Array(bytes[..<$0]) }
      for place in bytes.indices {
        for other: UInt8 in [UInt8(ascii: "\""), UInt8(ascii: "{"), UInt8(ascii: "9"), 0, 0xFF] {
          var changed = bytes
          changed[place] = other
          bodies.append(changed)
        }
        bodies.append(Array(bytes[..<place] + bytes[(place + 1)...]))
      }
      let wrong = try mistakes(path, bodies)
      #expect(wrong.isEmpty, "\(path): \(wrong.count) of \(bodies.count); \(wrong.prefix(3))")
    }
    #expect(try served.connect().ask("GET", "/health").status == 200)
  }

  /// What no request should be, with the status that it must have.
  private static let hostile: [(String, String, Int)] = {
    func entity(_ json: String) -> String {
      #"{"features":["card_profile"],"entities":[{"card_id":\#(json)}]}"#
    }
    func feast(_ json: String) -> String {
      #"{"features":["card_profile:network"],"entities":\#(json)}"#
    }
    let deep = String(repeating: "[", count: 100_000)
    return [
      ("/v1/features", entity("NaN"), 422), ("/v1/features", entity("Infinity"), 422),
      ("/v1/features", entity(#""\ud800""#), 422),
      ("/v1/features", entity(#""\udc00\ud800""#), 422),
      ("/v1/features", entity("1e999999999"), 422), ("/v1/features", entity("[]"), 422),
      ("/v1/features", entity("{}"), 422), ("/v1/features", entity(deep), 422),
      ("/v1/features", entity("null"), 200), ("/v1/features", entity(#""\u0000""#), 200),
      ("/v1/features", #"{"features":["card_profile"],"entities":[]}"#, 200),
      ("/v1/features", #"{"features":["card_profile"],"entities":[{}]}"#, 422),
      ("/v1/features", #"{"features":["card_profile"],"entities":[null]}"#, 422),
      ("/v1/features", #"{"features":["card_profile"],"entities":{}}"#, 422),
      ("/v1/features", #"{"features":["card_profile"]}"#, 422),
      ("/v1/features", #"{"features":[],"entities":[]}"#, 422),
      ("/v1/features", #"{"features":["card_profile"],"service":"fraud","entities":[]}"#, 422),
      ("/v1/features", #"{"features":["card_profle"],"entities":[]}"#, 404),
      ("/v1/features", #"{"features":["card_profile.netwrk"],"entities":[]}"#, 404),
      ("/v1/features", #"{"service":"nope","entities":[]}"#, 404),
      ("/v1/features", #"{"service":["fraud"],"entities":[]}"#, 422),
      ("/v1/features", "", 422), ("/v1/features", "null", 422), ("/v1/features", "[]", 422),
      ("/v1/features", deep, 422), ("/get-online-features", deep, 422), ("/v1/push", deep, 422),
      ("/get-online-features", feast(#"{"card_id":["K00000001","x"]}"#), 200),
      ("/get-online-features", feast(#"{"card_id":[],"other":[1]}"#), 200),
      ("/get-online-features", feast("{}"), 422),
      ("/get-online-features", feast(#"{"card":["x"]}"#), 422),
      ("/get-online-features", feast(#"{"card_id":"x"}"#), 422),
      ("/get-online-features", feast(#"{"card_id":[1]}"#), 422),
      ("/get-online-features", feast(#"{"card_id":["a"],"card_id":["a","b"]}"#), 422),
      ("/get-online-features", feast("null"), 422),
      ("/get-online-features", #"{"features":[],"entities":{"card_id":["a"]}}"#, 422),
      ("/get-online-features", #"{"features":"card_profile:network","entities":{}}"#, 422),
      ("/get-online-features", #"{"features":["card_profile"],"entities":{"card_id":[]}}"#, 422),
      ("/get-online-features", #"{"features":[null],"entities":{}}"#, 422),
      ("/get-online-features", #"{"features":["card_profile:x"],"entities":{}}"#, 404),
      ("/get-online-features", #"{"feature_service":"fraud","entities":{"card_id":["a"]}}"#, 422),
      (
        "/get-online-features",
        #"{"feature_service":"fraud","entities":{"card_id":["a","b"],"merchant_id":["x"]}}"#, 422
      ),
      (
        "/get-online-features",
        #"{"feature_service":"fraud","entities":{"card_id":["a"],"merchant_id":["x"],"amount":["y"]}}"#,
        422
      ),
      (
        "/get-online-features",
        #"{"feature_service":"fraud","entities":{"card_id":["a"],"merchant_id":["x"],"amount":[1e400]}}"#,
        422
      ),
      // Int.min as an exponent has no absolute value.
      (
        "/v1/push",
        #"{"view":"card_profile","rows":[{"card_id":"x","issued_on":"2026-01-01","network":"visa","credit_limit":1e-9223372036854775808,"status":"a"}]}"#,
        422
      ),
      (
        "/v1/features",
        "{\"features\":[" + Array(repeating: "\"card_profile\"", count: 2001).joined(separator: ",")
          + "],\"entities\":[]}",
        413
      ),
      ("/push", #"{"push_source_name":"nope","df":{}}"#, 422),
      ("/push", #"{"push_source_name":"card_profile","df":{},"to":"offline"}"#, 422),
      ("/push", #"{"push_source_name":"card_spend","df":{}}"#, 422),
      ("/write-to-online-store", #"{"feature_view_name":"nope","df":{}}"#, 404),
      ("/write-to-online-store", #"{"feature_view_name":"card_profile","df":[]}"#, 422),
      ("/v1/push", #"{"view":"nope","rows":[{}]}"#, 404),
      ("/v1/push", #"{"view":"card_profile","rows":[{"card_id":"x"}]}"#, 422),
      ("/v1/push", #"{"view":"card_profile","rows":[1]}"#, 422),
      ("/v1/materialize", #"{"views":["nope"]}"#, 404), ("/v1/materialize", #"{"views":"x"}"#, 422),
      ("/materialize", "{}", 422),
      ("/materialize", #"{"start_ts":"2026-01-01","end_ts":"2025-01-01"}"#, 422),
      ("/materialize", #"{"start_ts":"x","end_ts":"2025-01-01"}"#, 422),
    ]
  }()

  @Test("are not read when a web page sends them to a server without tokens")
  func foreignPages() throws {
    let body = #"{"features":["card_profile"],"entities":[]}"#
    for (header, status) in [
      ("Host: 127.0.0.1", 200), ("Host: localhost:6566", 200), ("Host: [::1]:6566", 200),
      ("Host: evil.example", 403), ("Host: 127.evil.example:6566", 403),
      ("Host: 127.0.0.1\r\nOrigin: https://evil.example", 403),
    ] {
      let connection = try served.connect()
      connection.send(
        "POST /v1/features HTTP/1.1\r\n\(header)\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
      )
      #expect(try connection.reply()?.status == status, "\(header)")
    }
  }

  @Test("in what they say have a status, a code and a message of their own")
  func meanings() throws {
    let connection = try served.connect()
    for (path, body, status) in Self.hostile {
      let reply = try connection.post(path, body)
      #expect(reply.status == status, "\(path) \(body.prefix(120)): \(reply.text.prefix(300))")
      if status != 200 { #expect(reply.errorProblem(path) == nil) }
      let described = OpenAPISchema.problem(reply, "POST", path)
      #expect(described == nil, "\(body.prefix(120))")
    }
  }

  @Test("in their length are refused with 413, whether it was said before or not")
  func lengths() throws {
    let many = (0..<100_000).map { "\"\($0)\"" }.joined(separator: ",")
    let body = #"{"features":["card_profile:network"],"entities":{"card_id":[\#(many)]}}"#
    var reply = try served.connect().post("/get-online-features", body)
    #expect(reply.status == 413)
    #expect(reply.text.contains("more than 10000 entities"))
    #expect(reply.errorProblem("/get-online-features") == nil)
    let objects = String(repeating: #"{"card_id":"x"},"#, count: 10_000) + #"{"card_id":"x"}"#
    let own = #"{"features":["card_profile"],"entities":[\#(objects)]}"#
    reply = try served.connect().post("/v1/features", own)
    #expect(reply.status == 413)
    #expect(reply.errorProblem("/v1/features") == nil)
    // Nobody has to send what will not be read.
    let declared = try served.connect()
    declared.send(
      "POST /v1/features HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99999999999\r\n\r\n{"
    )
    #expect(try declared.reply()?.status == 413)
    let chunked = try served.connect()
    chunked.send(
      "POST /v1/features HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    let chunk = [UInt8](repeating: 0x20, count: 1 << 20)
    for _ in 0..<5 { chunked.send(Array("100000\r\n".utf8) + chunk + Array("\r\n".utf8)) }
    #expect(try chunked.reply()?.status == 413)
    let small = try served.connect()
    small.send(
      "POST /v1/features HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    let half = Self.features.count / 2
    for part in [Self.features.prefix(half), Self.features.dropFirst(half)] {
      small.send(String(part.utf8.count, radix: 16) + "\r\n" + part + "\r\n")
    }
    small.send("0\r\n\r\n")
    #expect(try small.reply()?.status == 200)
  }

  @Test("that would take the memory of many columns are refused")
  func columns() throws {
    let rows = (0..<9_000).map { "{\"a\($0)\":1}" }.joined(separator: ",")
    let reply = try served.connect().post("/v1/push", #"{"view":"card_profile","rows":[\#(rows)]}"#)
    #expect(reply.status == 422)
    #expect(reply.text.contains("columns"))
  }
}
