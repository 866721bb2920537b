// SPDX-License-Identifier: Apache-2.0

public import MillCore

/// What `millrace.yaml` says of `millrace serve`.
public struct ServerSettings: Hashable, Sendable {
  /// What a token allows.
  public enum Scope: Hashable, Sendable, CustomStringConvertible {
    /// To read features; of one service, or of all and in any choice.
    case read(service: String?)
    /// To push rows; to one view, or to all.
    case push(view: String?)
    /// To materialize, and everything else.
    case admin

    /// A scope as it is written: `read`, `read:fraud`, `push`, `push:card_profile`, `admin`.
    public init?(_ text: String) {
      let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      let name = parts.count > 1 ? String(parts[1]) : nil
      guard name?.isEmpty != true else { return nil }
      switch parts[0] {
      case "read": self = .read(service: name)
      case "push": self = .push(view: name)
      case "admin" where name == nil: self = .admin
      default: return nil
      }
    }

    /// As it is written.
    public var description: String {
      switch self {
      case .read(let service): "read" + (service.map { ":\($0)" } ?? "")
      case .push(let view): "push" + (view.map { ":\($0)" } ?? "")
      case .admin: "admin"
      }
    }

    /// Whether who has this may do what another stands for.
    public func covers(_ other: Scope) -> Bool {
      switch (self, other) {
      case (.admin, _), (.read(nil), .read), (.push(nil), .push): true
      default: self == other
      }
    }
  }

  /// Somebody who may use the server.
  public struct Token: Hashable, Sendable {
    /// Whose it is; for the log.
    public var name: String
    /// The SHA-256 of the token.
    public var digest: [UInt8]
    /// What it allows.
    public var scopes: [Scope]

    /// A token by its digest.
    public init(name: String, digest: [UInt8], scopes: [Scope]) {
      self.name = name
      self.digest = digest
      self.scopes = scopes
    }
  }

  /// The address that the server listens at.
  public var host: String
  /// The port; 0 for one that is free.
  public var port: Int
  /// Files with the certificates and the key of TLS, both in PEM; nil for plain HTTP.
  public var tls: TLS?
  /// Who may use the server; empty for everybody who reaches it.
  public var tokens: [Token]
  /// Whether everybody may use it although others than this machine reach it.
  public var isOpen: Bool
  /// The longest body that is read.
  public var maxBody: ByteCount
  /// The most entities of a request.
  public var maxEntities: Int
  /// Connections at a time.
  public var maxConnections: Int
  /// How long a request may take to arrive whole, and how long its answer may take from then on; bringing
  /// views in takes as long as there are rows.
  public var timeout: Duration
  /// For how long a connection may be without a request.
  public var idle: Duration
  /// What values in memory may take.
  public var memory: ByteCount
  /// For how long a change by another process may go unseen.
  public var staleness: Duration
  /// How often sources and definitions are looked at; nil for never.
  public var refresh: Duration?
  /// Where the lines about requests go.
  public var accessLog: AccessLog
  /// Of how many answers for services the values are kept in a table, from 0 to 1.
  public var keptShare: Double

  /// The files of TLS.
  public struct TLS: Hashable, Sendable {
    /// The certificate, and those that it was signed with.
    public var certificate: String
    /// Its private key.
    public var key: String

    /// Files in PEM.
    public init(certificate: String, key: String) {
      self.certificate = certificate
      self.key = key
    }
  }

  /// Where the lines about requests go.
  public enum AccessLog: String, Sendable, CaseIterable {
    /// To standard error.
    case stderr
    /// Nowhere.
    case none
  }

  /// Settings with the defaults.
  public init(
    host: String = "127.0.0.1",
    port: Int = 6566,
    tls: TLS? = nil,
    tokens: [Token] = [],
    isOpen: Bool = false,
    maxBody: ByteCount = ByteCount(bytes: 4 << 20),
    maxEntities: Int = 10_000,
    maxConnections: Int = 1024,
    timeout: Duration = .seconds(10),
    idle: Duration = .seconds(60),
    memory: ByteCount = ByteCount(bytes: 256 << 20),
    staleness: Duration = .milliseconds(100),
    refresh: Duration? = .seconds(5),
    accessLog: AccessLog = .stderr,
    keptShare: Double = 0
  ) {
    self.host = host
    self.port = port
    self.tls = tls
    self.tokens = tokens
    self.isOpen = isOpen
    self.maxBody = maxBody
    self.maxEntities = maxEntities
    self.maxConnections = maxConnections
    self.timeout = timeout
    self.idle = idle
    self.memory = memory
    self.staleness = staleness
    self.refresh = refresh
    self.accessLog = accessLog
    self.keptShare = keptShare
  }

  /// Whether only this machine reaches the server.
  public var isLocal: Bool { Self.isLocal(host) }

  /// Whether a host is this machine as it is seen from itself.
  public static func isLocal(_ host: String) -> Bool {
    let parts = host.split(separator: ".", omittingEmptySubsequences: false)
    let isNumeric = parts.count == 4 && parts.allSatisfy { UInt8($0) != nil }
    return host == "localhost" || host == "::1" || isNumeric && parts[0] == "127"
  }

  /// The host and the port of `host:port`; an IPv6 address may stand in brackets.
  public static func address(_ text: String) -> (host: String, port: Int)? {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard let last = parts.last, parts.count > 1, let port = Int(last), (0...65_535).contains(port)
    else { return nil }
    var host = parts.dropLast().joined(separator: ":")
    if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
    return host.isEmpty ? nil : (host, port)
  }
}
