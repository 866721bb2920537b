// SPDX-License-Identifier: Apache-2.0

import Foundation
import MillCore
import MillTesting
import Testing

@Suite("Starting and stopping the server")
struct LifecycleTests {
  private static let body = #"{"features":["card_profile"],"entities":[{"card_id":"K00000001"}]}"#

  @Test("at SIGTERM a request that is under way is answered, no other is taken, and it ends with 0")
  func graceful() throws {
    let served = try ServedProject()
    try served.start()
    let idle = try served.connect()
    #expect(try idle.ask("GET", "/health").status == 200)
    let busy = try served.connect()
    let bytes = HTTPConnection.request("POST", "/v1/features", Array(Self.body.utf8))
    busy.send(Array(bytes.dropLast(10)))
    // It is under way once the server has seen another connection's later request.
    #expect(try idle.ask("GET", "/health").status == 200)
    served.terminate()
    #expect(try idle.isClosedByServer())
    _ = try ServedProject.until("nobody listens") { (try? served.connect()) == nil ? true : nil }
    #expect(served.isRunning)
    busy.send(Array(bytes.suffix(10)))
    let reply = try busy.reply()
    #expect(reply?.status == 200)
    #expect(reply?.json?["entities"]?.array?.count == 1)
    #expect(served.wait() == .exited(0))
    #expect(served.said.contains(" 200 POST /v1/features "))
  }

  @Test("at SIGTERM nobody is waited for longer than the timeout says")
  func stuck() throws {
    let served = try ServedProject(["timeout: 300ms"])
    try served.start()
    let stuck = try served.connect()
    stuck.send("POST /v1/features HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n{")
    #expect(try served.connect().ask("GET", "/health").status == 200)
    served.terminate()
    #expect(served.wait() == .exited(0))
  }

  private func refusal(_ served: ServedProject, _ arguments: [String] = []) throws -> (
    Int32, String
  ) {
    let process = try ChildProcess(
      [try ServedProject.binary(), "serve", "--json"] + arguments,
      in: served.project,
      environment: ["NO_COLOR": "1"],
      output: served.folder.path("refused.out"),
      errors: served.folder.path("refused.err")
    )
    guard case .exited(let status) = process.wait() else { return (-1, "killed") }
    let texts = ["refused.out", "refused.err"].map {
      (try? String(contentsOfFile: served.folder.path($0), encoding: .utf8)) ?? ""
    }
    return (status, texts.joined())
  }

  @Test("an address that is taken, that is none, or that is not ours ends it with 3 and a code")
  func addresses() throws {
    let served = try ServedProject()
    try served.start()
    let taken = try refusal(served, ["--listen", "127.0.0.1:\(served.port)"])
    #expect(taken.0 == 3, "\(taken.1)")
    #expect(taken.1.contains("server.listen"))
    let open = try ServedProject(["open: true"])
    let foreign = try refusal(open, ["--listen", "127.0.0.1.invalid:0"])
    #expect(foreign.0 == 3, "\(foreign.1)")
    #expect(foreign.1.contains("server.listen"), "\(foreign.1)")
    for text in ["127.0.0.1", "127.0.0.1:99999", ":80", "127.0.0.1:x"] {
      let refused = try refusal(served, ["--listen", text])
      #expect(refused.0 == 64 || refused.0 == 2, "\(text): \(refused)")
    }
  }

  @Test("other machines are let in only with tokens, or when the settings say so")
  func open() throws {
    let served = try ServedProject(["listen: 0.0.0.0:0"])
    var refused = try refusal(served)
    #expect(refused.0 != 0)
    #expect(refused.1.contains("no `tokens`"))
    try served.write([])
    refused = try refusal(served, ["--listen", "0.0.0.0:0"])
    #expect(refused.0 != 0)
    #expect(refused.1.contains("`server.tokens` is empty"))
    try served.write(["listen: 0.0.0.0:0", "open: true"])
    try served.start()
    #expect(try served.connect().ask("GET", "/health").status == 200)
  }

  @Test("TLS: clients that trust the certificate are answered, plain text is not")
  func tls() throws {
    let served = try ServedProject(["tls: {certificate: server.pem, key: server.key}"])
    var refused = try refusal(served)
    #expect(refused.1.contains("server.tls"))
    try ServedProject.run(
      [
        "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
        "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout",
        served.project + "/server.key", "-out", served.project + "/server.pem",
      ]
    )
    try "no certificate".write(
      toFile: served.project + "/broken.pem",
      atomically: false,
      encoding: .utf8
    )
    try served.write(["tls: {certificate: broken.pem, key: server.key}"])
    refused = try refusal(served)
    #expect(refused.1.contains("server.tls"))
    try served.write(["idle: 300ms", "tls: {certificate: server.pem, key: server.key}"])
    try served.start()
    let url = "https://localhost:\(served.port)"
    let curl = ["curl", "-sS", "--fail", "--cacert", served.project + "/server.pem"]
    #expect(try ServedProject.run(curl + [url + "/health"]) == #"{"status":"ok"}"#)
    let answer = try ServedProject.run(curl + ["-d", Self.body, url + "/v1/features"])
    #expect(answer.contains("K00000001"))
    #expect(throws: ServedProject.Failed.self) {
      try ServedProject.run(["curl", "-sS", url + "/health"])
    }
    let plain = try served.connect()
    plain.send(HTTPConnection.request("GET", "/health"))
    #expect((try? plain.reply()) == nil)
    // A handshake that is never finished is not waited for either.
    let half = try served.connect()
    half.send([0x16, 0x03, 0x01, 0x02, 0x00, 0x01])
    #expect((try? half.reply()) == nil)
    #expect(half.isClosed)
    served.terminate()
    #expect(served.wait() == .exited(0))
  }
}
