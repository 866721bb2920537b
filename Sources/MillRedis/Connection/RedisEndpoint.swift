// SPDX-License-Identifier: Apache-2.0

public import MillCore

/// Where a Redis or Valkey server listens, and which of its databases is meant.
///
/// ```swift
/// try RedisEndpoint(url: "redis://app@127.0.0.1:6379/2").description  // redis://127.0.0.1:6379/2
/// try RedisEndpoint(url: "unix:///run/redis.sock?db=1")
/// ```
public struct RedisEndpoint: Hashable, Sendable, CustomStringConvertible {
  /// How the server is reached.
  public enum Address: Hashable, Sendable {
    /// A name or number of a computer, and a port.
    case tcp(host: String, port: Int)
    /// A socket in the file system.
    case unix(path: String)
  }

  /// How the server is reached.
  public var address: Address
  /// The number of the database; 0 unless told otherwise.
  public var database: Int
  /// The user of the server's access list; nil for the one that every server has.
  public var username: String?

  /// A database of a server.
  public init(_ address: Address, database: Int = 0, username: String? = nil) {
    self.address = address
    self.database = database
    self.username = username
  }

  /// Reads `redis://[USER@]HOST[:PORT][/DATABASE]` or `unix:///PATH[?db=DATABASE]`.
  ///
  /// A host of IPv6 numbers stands in brackets. A password in the text is refused, since such texts
  /// lie in files and are printed.
  ///
  /// - Throws: ``RedisURLError``
  public init(url: String) throws(RedisURLError) {
    func database(_ text: Substring) throws(RedisURLError) -> Int {
      guard !text.isEmpty else { return 0 }
      guard let number = Int(text), (0...65_535).contains(number), text.utf8.first != 0x2B else {
        throw .database(String(text))
      }
      return number
    }
    guard let mark = url.firstRange(of: "://") else { throw .scheme }
    var rest = url[mark.upperBound...]
    switch url[..<mark.lowerBound] {
    case "redis", "valkey":
      // A password may hold anything, and no part of it may come up in another error.
      if let at = rest.lastIndex(of: "@") {
        let user = rest[..<at]
        guard !user.contains(":") else { throw .password }
        guard !user.contains("/") else { throw .host }
        username = user.isEmpty ? nil : String(user)
        rest = rest[rest.index(after: at)...]
      }
      let parts = rest.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
      let place = parts[0]
      var host = place
      var port = 6379
      // The colons of a number of IPv6 stand within the brackets.
      if let colon = place.lastIndex(of: ":"), !place[colon...].contains("]") {
        host = place[..<colon]
        let text = place[place.index(after: colon)...]
        guard let number = Int(text), (1...65_535).contains(number) else {
          throw .port(String(text))
        }
        port = number
      }
      if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
      guard !host.isEmpty, !host.contains(where: { $0.isWhitespace || $0 == "?" }) else {
        throw .host
      }
      address = .tcp(host: String(host), port: port)
      self.database = try database(parts.count > 1 ? parts[1] : "")
    case "unix":
      let parts = rest.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts[0].hasPrefix("/"), parts[0].utf8.count > 1 else { throw .path }
      // The kernel takes no longer one.
      guard parts[0].utf8.count < 108 else { throw .path }
      address = .unix(path: String(parts[0]))
      let query = parts.count > 1 ? parts[1] : "db="
      guard query.hasPrefix("db=") else { throw .database(String(query)) }
      self.database = try database(query.dropFirst(3))
    case "rediss", "valkeys": throw .tls
    default: throw .scheme
    }
  }

  /// The address as text, without the user.
  public var description: String {
    switch address {
    case .tcp(let host, let port):
      "redis://\(host.contains(":") ? "[\(host)]" : host):\(port)/\(database)"
    case .unix(let path): "unix://\(path)" + (database == 0 ? "" : "?db=\(database)")
    }
  }
}

/// Why a text names no server.
@nonexhaustive
public enum RedisURLError: Failure, Equatable {
  /// It begins with none of the known schemes.
  case scheme
  /// It asks for TLS, which is not supported.
  case tls
  /// It holds a password.
  case password
  /// It has no host, or one with blanks.
  case host
  /// Its port is none.
  case port(String)
  /// Its path is not absolute, or longer than a socket's may be.
  case path
  /// Its database is no number.
  case database(String)

  /// `redis.url`.
  public var code: String { "redis.url" }

  /// It stands in a definition.
  public var errorClass: ErrorClass { .definition }

  /// What is wrong, and what to write.
  public var description: String {
    switch self {
    case .scheme: "a URL of Redis is such as redis://127.0.0.1:6379/0 or unix:///run/redis.sock"
    case .tls:
      "TLS is not supported: let a tunnel such as stunnel listen on this computer, and write its "
        + "address with redis://"
    case .password:
      "a password does not belong into a file: put it into an environment variable, and name that"
    case .host: "there is no host: write one, such as redis://127.0.0.1:6379/0"
    case .port(let text): "`\(text)` is no port: write a number from 1 to 65535"
    case .path: "the path of a socket is absolute and shorter than 108 bytes"
    case .database(let text): "`\(text)` is no database: write a number such as 0"
    }
  }
}
