// SPDX-License-Identifier: Apache-2.0

internal import Dispatch
internal import MillCore
internal import Synchronization

/// A line for each request, written by a thread of its own so that no answer waits for a terminal.
///
/// ```text
/// 2025-03-31T12:00:00.000123Z 200 POST /get-online-features 0.21 ms in 82 out 1134 entities 1 token scoring
/// ```
/// The buffer is bounded: lines that find it full are counted, and the count is written in their place.
final class AccessLog: Sendable {
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

  private struct Buffer {
    var lines: [UInt8] = []
    var dropped = 0
    var isScheduled = false
  }

  private static let sizeMax = 1 << 20
  private let buffer = Mutex(Buffer())
  private let queue = DispatchQueue(label: "millrace.access-log")
  private let write: @Sendable ([UInt8]) -> Void

  /// A log whose lines go somewhere; it is called on a thread of the log's own.
  init(_ write: @escaping @Sendable ([UInt8]) -> Void) { self.write = write }

  func append(_ entry: Entry) {
    let line = Array(Self.line(entry).utf8)
    let mustSchedule = buffer.withLock { buffer in
      guard buffer.lines.count + line.count <= Self.sizeMax else {
        buffer.dropped += 1
        return false
      }
      buffer.lines += line
      defer { buffer.isScheduled = true }
      return !buffer.isScheduled
    }
    if mustSchedule { queue.async { self.drain() } }
  }

  /// Waits until all lines are written.
  func flush() async {
    await withCheckedContinuation { continuation in
      queue.async {
        self.drain()
        continuation.resume()
      }
    }
  }

  private func drain() {
    let (lines, dropped) = buffer.withLock { buffer in
      defer { buffer = Buffer() }
      return (buffer.lines, buffer.dropped)
    }
    guard !lines.isEmpty || dropped > 0 else { return }
    let note =
      dropped == 0 ? "" : "\(dropped) lines about requests were not written: the log is slower\n"
    write(lines + Array(note.utf8))
  }

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
    return line + "\n"
  }

  /// A path is whatever a client sends: it never makes a line of its own, nor a long one.
  private static func printable(_ path: String) -> String {
    let bytes = path.utf8.prefix(200).map { byte -> UInt8 in
      byte > 0x20 && byte < 0x7F ? byte : UInt8(ascii: "?")
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
