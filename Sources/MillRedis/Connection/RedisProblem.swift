// SPDX-License-Identifier: Apache-2.0

package import MillCore
internal import MillFeatures

/// Why a server did not do what it was asked for, before it is told as an `OnlineStoreError`.
package enum RedisProblem: Failure, Equatable {
  /// There is no connection: nothing was sent.
  case unreachable(String)
  /// No answer came in time; what was asked for may be done or not.
  case silent(Duration)
  /// The connection broke; what was asked for may be done or not.
  case broken(String)
  /// What came is not the protocol of Redis.
  case foreign(String)
  /// The server answered with an error.
  case refused(String)
  /// The server answered with something else than was asked for.
  case unexpected(String)
  /// All connections were busy for as long as was allowed, or too many wait for them.
  case busy(connections: Int)
  /// It failed again and again a moment ago, and is not asked until this much time has passed.
  case suspended(Duration, because: String)

  package var code: String { "redis.problem" }
  package var errorClass: ErrorClass { .outside }

  /// Whether the same may be sent again although it is not known to be repeatable.
  package var isRetryable: Bool {
    if case .unreachable = self { true } else { false }
  }

  /// Whether the server could be talked to at all.
  var isOfTransport: Bool {
    switch self {
    case .unreachable, .silent, .broken, .foreign: true
    case .refused, .unexpected, .busy, .suspended: false
    }
  }

  /// Whether the connection cannot be used any more: a reply may still be under way.
  var endsConnection: Bool {
    switch self {
    case .refused, .busy, .suspended: false
    case .unreachable, .silent, .broken, .foreign, .unexpected: true
    }
  }

  package var description: String {
    switch self {
    case .unreachable(let detail):
      "no connection (\(detail)): start Redis, or correct `online.url` in millrace.yaml"
    case .silent(let time):
      "no answer within \(time.milliseconds) ms: look at its load (`redis-cli --latency`), or "
        + "raise `online.timeout` in millrace.yaml"
    case .broken(let detail):
      "the connection broke (\(detail)): it may have been restarted; ask again"
    case .foreign(let detail):
      "what listens there does not speak the protocol of Redis (\(detail)): correct `online.url` "
        + "in millrace.yaml"
    case .refused(let text): Self.explanation(of: text)
    case .unexpected(let detail): detail
    case .busy(let connections):
      "all \(connections) connections to it are busy: ask less at a time, or raise "
        + "`online.connections` in millrace.yaml"
    case .suspended(let time, let reason):
      "\(reason); it is asked again in \(time.milliseconds) ms"
    }
  }

  /// The problem as the contract of online stores has it.
  func failure(of store: String) -> OnlineStoreError {
    switch self {
    case .unexpected(let detail): .damaged(store: store, detail: detail)
    // It took the connection and is at something else. When that goes on, callers are kept away, and
    // then it counts as gone.
    case .silent, .busy: .busy(store: store, detail: description)
    case .refused(let text) where Self.code(of: text) == "BUSY":
      .busy(store: store, detail: description)
    case .refused(let text) where Self.code(of: text) == "OOM":
      .full(store: store, detail: description)
    default: .unavailable(store: store, detail: description)
    }
  }

  // MARK: Errors that a server answers with

  /// A key of ours holds something else: the server works, its contents do not.
  static func isOfContents(_ text: String) -> Bool {
    code(of: text) == "WRONGTYPE" || text.contains("hash value is not an integer")
  }

  private static let codes = [
    "LOADING", "READONLY", "OOM", "NOAUTH", "WRONGPASS", "MOVED", "ASK", "CLUSTERDOWN",
    "NOPERM", "MISCONF", "BUSY", "MASTERDOWN", "WRONGTYPE", "NOREPLICAS",
  ]

  /// The first word; where a script met the error, servers before Redis 7 wrap it into one of their own.
  private static func code(of text: String) -> String {
    let words = text.split(whereSeparator: { !$0.isLetter && $0 != "-" }).map(String.init)
    guard let first = words.first, first == "ERR" else { return words.first ?? "" }
    return words.first { codes.contains($0) } ?? first
  }

  private static func explanation(of text: String) -> String {
    let asked = "it answered \(trimmed(text))"
    switch code(of: text) {
    case "LOADING": return "it is still reading its data (LOADING): ask again when it is done"
    case "READONLY":
      return "it is a replica, which takes no writes (READONLY): write the address of the primary"
    case "OOM":
      return "its `maxmemory` is used up (OOM): raise it, or remove the tables of old definitions"
    case "NOAUTH":
      return "it wants a password (NOAUTH): name the environment variable that holds it with "
        + "`online.password_env` in millrace.yaml"
    case "WRONGPASS":
      return "it does not take the user and the password (WRONGPASS): look at the variable that "
        + "`online.password_env` names, and at the user in `online.url`"
    case "MOVED", "ASK", "CLUSTERDOWN":
      return "it is a node of a Redis Cluster (\(code(of: text))), which is not supported: write "
        + "the address of a single server, or of a proxy before the cluster"
    case "NOPERM":
      return "its access list forbids a command (\(trimmed(text))): see the online store's manual "
        + "for the commands that are needed"
    case "MISCONF":
      return "it cannot save its data, and takes no writes until it can (MISCONF): look at its log"
    case "BUSY": return "a script of somebody keeps it busy (BUSY): ask again, or `SCRIPT KILL`"
    case "MASTERDOWN": return "it is a replica that lost its primary (MASTERDOWN)"
    case "NOREPLICAS": return "it has too few replicas to take writes (NOREPLICAS)"
    default: return asked
    }
  }

  /// The text of a server without what it repeats of our words, which may be values or a password.
  static func trimmed(_ text: String) -> String {
    var text = Substring(text)
    for mark in [", with args", " with args beginning", " script: ", " (call to f_"] {
      if let range = text.firstRange(of: mark) { text = text[..<range.lowerBound] }
    }
    return String(text.prefix(200).map { $0.isNewline ? " " : $0 })
  }
}

extension Duration {
  /// Rounded up, so that what is not over is not 0.
  var milliseconds: Int { Int((self / .milliseconds(1)).rounded(.up)) }
}
