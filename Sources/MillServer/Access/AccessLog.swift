// SPDX-License-Identifier: Apache-2.0

internal import MillCore

/// A line for each request; no answer waits for whoever reads them.
///
/// ```text
/// 2025-03-31T12:00:00.000123Z 200 POST /get-online-features 0.21 ms in 82 out 1134 entities 1 token scoring
/// ```
struct AccessLog: Sendable {
  /// One request and its answer.
  struct Entry: Sendable {
    var time: Instant
    var status: Int
    var method: String
    var path: String
    var duration: Duration
    var bytesIn: Int
    var bytesOut: Int
    var entities: Int?
    var token: String?
    var code: String?
  }

  private let lines: LineQueue

  init(_ lines: LineQueue) { self.lines = lines }

  func append(_ entry: Entry) { lines.append(Self.line(entry)) }

  static func line(_ entry: Entry) -> String {
    let microseconds = entry.duration / .microseconds(1)
    let hundredths = Int((microseconds / 10).rounded())
    let fraction = hundredths % 100
    let took = "\(hundredths / 100).\(fraction < 10 ? "0" : "")\(fraction) ms"
    var line = "\(entry.time) \(entry.status) \(entry.method) \(printable(entry.path)) \(took)"
    line += " in \(entry.bytesIn) out \(entry.bytesOut)"
    if let entities = entry.entities { line += " entities \(entities)" }
    if let token = entry.token { line += " token \(token)" }
    if let code = entry.code { line += " \(code)" }
    return line
  }

  /// A path is whatever a client sends: it never makes a line of its own, nor a long one.
  private static func printable(_ path: String) -> String {
    let bytes = path.utf8.prefix(200).map { byte -> UInt8 in
      byte > 0x20 && byte < 0x7F ? byte : UInt8(ascii: "?")
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
