// SPDX-License-Identifier: Apache-2.0

internal import Crypto
internal import HTTPTypes
internal import MillAssembly
internal import MillCore

/// Who may do what: tokens by the SHA-256 of their text, so that nobody learns one from the settings.
struct AccessTokens: Sendable {
  private let tokens: [[UInt8]: ServerSettings.Token]

  init(_ tokens: [ServerSettings.Token]) {
    var known: [[UInt8]: ServerSettings.Token] = [:]
    for token in tokens { known[token.digest] = token }
    self.tokens = known
  }

  /// Whether everybody who reaches the server may do everything.
  var isOpen: Bool { tokens.isEmpty }

  /// The token of an `Authorization` header.
  ///
  /// It is found by its digest: how long that takes says nothing about the tokens there are.
  func token(_ header: String?) -> ServerSettings.Token? {
    guard let header, header.utf8.count <= 1024 else { return nil }
    let parts = header.split(separator: " ", maxSplits: 1)
    guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
    return tokens[Array(SHA256.hash(data: Array(parts[1].utf8)))]
  }

  /// Sees that a request has a token at all, whatever it may do.
  ///
  /// - Returns: Whose it is; nil where everybody is let in.
  func require(any header: String?) throws(HTTPFailure) -> String? {
    guard !isOpen else { return nil }
    guard let token = token(header) else { throw Self.unauthorized }
    return token.name
  }

  private static var unauthorized: HTTPFailure {
    HTTPFailure(
      .unauthorized,
      "server.unauthorized",
      "send `Authorization: Bearer TOKEN` with a token of this server"
    )
  }

  /// Sees that a request may do something.
  ///
  /// - Throws: 401 without a token that is known, 403 for one that does not reach so far.
  func require(_ wanted: [ServerSettings.Scope], _ header: String?) throws(HTTPFailure) -> String? {
    guard !isOpen else { return nil }
    guard let token = token(header) else { throw Self.unauthorized }
    guard token.scopes.contains(where: { scope in wanted.contains { scope.covers($0) } }) else {
      let names = wanted.map(\.description).joined(separator: " or ")
      throw HTTPFailure(
        .forbidden,
        "server.forbidden",
        "the token \(token.name) may not do this: it needs the scope \(names)",
        feastClass: "FeastPermissionError"
      )
    }
    return token.name
  }
}
