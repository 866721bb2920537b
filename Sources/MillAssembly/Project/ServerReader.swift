// SPDX-License-Identifier: Apache-2.0

internal import MillCore

extension ProjectFile {
  /// Reads `server` of `millrace.yaml`; what cannot be read is reported.
  func server(_ keys: YAMLMapping) -> ServerSettings {
    var server = ServerSettings()
    if let value = keys["listen"], let (host, port) = address(value) {
      (server.host, server.port) = (host, port)
    }
    if let tls = keys["tls"]?.mapping(.tls) {
      if let certificate = tls.required("certificate")?.text("a file"),
        let key = tls.required("key")?.text("a file")
      {
        server.tls = ServerSettings.TLS(certificate: certificate, key: key)
      }
    }
    if let value = keys["tokens"] {
      server.tokens = (value.list("tokens") ?? []).compactMap(token)
      if server.tokens.isEmpty, problems.isEmpty {
        value.report("there is no token in the list", hint: "leave `tokens` out, or add one")
      }
    }
    if let isOpen = keys["open"]?.bool() { server.isOpen = isOpen }
    if let size = keys["max_body"]?.byteCount(atLeast: ByteCount(bytes: 1 << 10)) {
      server.maxBody = size
    }
    if let count = keys["max_entities"]?.integer(1...1_000_000) { server.maxEntities = Int(count) }
    if let count = keys["max_connections"]?.integer(1...100_000) {
      server.maxConnections = Int(count)
    }
    if let time = keys["timeout"]?.duration() { server.timeout = time }
    if let time = keys["idle"]?.duration() { server.idle = time }
    if let size = keys["memory"]?.byteCount(atLeast: ByteCount(bytes: 1 << 20)) {
      server.memory = size
    }
    if let time = keys["staleness"]?.duration() { server.staleness = time }
    if let value = keys["refresh"] {
      server.refresh = value.exactText() == "never" ? nil : value.duration() ?? server.refresh
    }
    if let log = keys["access_log"]?.choice(ServerSettings.AccessLog.self, "place for lines") {
      server.accessLog = log
    }
    if let value = keys["keep"] {
      if let share = value.scalar()?.double, (0...1).contains(share) {
        server.keptShare = share
      } else {
        value.report("`keep` is a share of answers from 0 to 1", hint: "0.01 for one in a hundred")
      }
    }
    if server.tokens.isEmpty, !server.isOpen, !server.isLocal {
      keys.value.report(
        "other machines would reach the server, and there are no `tokens`",
        hint:
          "add tokens (`millrace serve --new-token`), listen at 127.0.0.1, or write `open: true`"
      )
    }
    return server
  }

  private func address(_ value: YAMLValue) -> (String, Int)? {
    guard let text = value.text("an address") else { return nil }
    guard let address = ServerSettings.address(text) else {
      value.report("`\(text)` is no address", hint: "write host:port, such as 127.0.0.1:6566")
      return nil
    }
    return address
  }

  private func token(_ value: YAMLValue) -> ServerSettings.Token? {
    guard let keys = value.mapping(.token) else { return nil }
    let name = keys.required("name")?.name()
    var digest: [UInt8]?
    if let value = keys.required("sha256"), let text = value.text("a digest") {
      digest = Self.digest(text)
      if digest == nil {
        value.report(
          "this is no SHA-256: 64 hexadecimal digits",
          hint: "`millrace serve --new-token` makes a token and prints its digest"
        )
      }
    }
    var scopes: [ServerSettings.Scope] = []
    for item in keys.required("scopes")?.list("scopes") ?? [] {
      guard let text = item.text("a scope") else { continue }
      guard let scope = ServerSettings.Scope(text) else {
        item.report(
          "`\(text)` is no scope",
          hint: "write read, read:SERVICE, push, push:VIEW or admin"
        )
        continue
      }
      scopes.append(scope)
    }
    guard let name, let digest, !scopes.isEmpty else { return nil }
    return ServerSettings.Token(name: name, digest: digest, scopes: scopes)
  }

  private static func digest(_ text: String) -> [UInt8]? {
    let digits = text.utf8.compactMap { Character(UnicodeScalar($0)).hexDigitValue }
    guard digits.count == 64, text.utf8.count == 64 else { return nil }
    return stride(from: 0, to: 64, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
  }
}
