// SPDX-License-Identifier: Apache-2.0

import Glibc
import MillCore

/// What a server answered.
struct HTTPReply {
  var status: Int
  /// By their names in lower case.
  var headers: [String: String]
  var body: [UInt8]

  var text: String { String(decoding: body, as: UTF8.self) }
  var json: JSONValue? { try? JSONValue(parsing: body) }
}

/// A connection whose bytes a test writes itself, so that it can write wrong ones.
final class HTTPConnection {
  struct Failed: Error, CustomStringConvertible {
    var description: String
  }

  private let descriptor: Int32
  private var received: [UInt8] = []
  private(set) var isClosed = false

  init(port: Int, timeoutSeconds: Int = 20) throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard descriptor >= 0 else { throw Failed(description: "no socket: \(errno)") }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(port).bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let result = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard result == 0 else {
      close(descriptor)
      throw Failed(description: "no connection to \(port): \(errno)")
    }
    var timeout = timeval(tv_sec: timeoutSeconds, tv_usec: 0)
    setsockopt(
      descriptor,
      SOL_SOCKET,
      SO_RCVTIMEO,
      &timeout,
      socklen_t(MemoryLayout<timeval>.size)
    )
  }

  deinit { close(descriptor) }

  /// Sends bytes; false when the server has closed the connection.
  @discardableResult
  func send(_ bytes: [UInt8]) -> Bool {
    var sent = 0
    while sent < bytes.count {
      let count = bytes[sent...].withUnsafeBytes {
        Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else { return false }
      sent += count
    }
    return true
  }

  @discardableResult
  func send(_ text: String) -> Bool { send(Array(text.utf8)) }

  /// Says that nothing more comes.
  func finish() { shutdown(descriptor, Int32(SHUT_WR)) }

  private func receive() throws {
    var buffer = [UInt8](repeating: 0, count: 65_536)
    let count = recv(descriptor, &buffer, buffer.count, 0)
    if count < 0, errno == EAGAIN { throw Failed(description: "the server says nothing") }
    if count <= 0 { isClosed = true } else { received += buffer[..<count] }
  }

  /// The next answer; nil when the connection was closed before one began.
  func reply(toHead: Bool = false) throws -> HTTPReply? {
    let mark = Array("\r\n\r\n".utf8)
    var end = Self.find(mark, in: received)
    while end == nil {
      if isClosed {
        guard received.isEmpty else { throw Failed(description: "half an answer") }
        return nil
      }
      try receive()
      end = Self.find(mark, in: received)
    }
    let head = String(decoding: received[..<(end ?? 0)], as: UTF8.self)
    received.removeFirst((end ?? 0) + 4)
    let lines = head.split(separator: "\r\n")
    guard let first = lines.first, first.hasPrefix("HTTP/1.1 "),
      let status = Int(first.dropFirst(9).prefix(3))
    else { throw Failed(description: "no answer: \(head)") }
    var headers: [String: String] = [:]
    for line in lines.dropFirst() {
      guard let colon = line.firstIndex(of: ":") else { continue }
      let value = line[line.index(after: colon)...].drop { $0 == " " }
      headers[line[..<colon].lowercased()] = String(value)
    }
    let length = toHead ? 0 : Int(headers["content-length"] ?? "") ?? 0
    while received.count < length {
      guard !isClosed else { throw Failed(description: "half a body") }
      try receive()
    }
    let body = Array(received.prefix(length))
    received.removeFirst(length)
    return HTTPReply(status: status, headers: headers, body: body)
  }

  /// Whether nothing more comes than that the server closes the connection.
  func isClosedByServer() throws -> Bool {
    while !isClosed { try receive() }
    return received.isEmpty
  }

  private static func find(_ mark: [UInt8], in bytes: [UInt8]) -> Int? {
    guard bytes.count >= mark.count else { return nil }
    return (0...(bytes.count - mark.count)).first { start in
      bytes[start] == mark[0] && bytes[start..<start + mark.count].elementsEqual(mark)
    }
  }

  /// A request as bytes.
  static func request(
    _ method: String,
    _ path: String,
    _ body: [UInt8] = [],
    token: String? = nil,
    headers: String = ""
  ) -> [UInt8] {
    var head = "\(method) \(path) HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: \(body.count)\r\n"
    if let token { head += "Authorization: Bearer \(token)\r\n" }
    return Array((head + headers + "\r\n").utf8) + body
  }

  /// Sends a request and waits for its answer.
  func ask(
    _ method: String,
    _ path: String,
    _ body: [UInt8] = [],
    token: String? = nil
  ) throws -> HTTPReply {
    send(Self.request(method, path, body, token: token))
    guard let reply = try reply(toHead: method == "HEAD") else {
      throw Failed(description: "\(method) \(path): the connection was closed")
    }
    return reply
  }

  func post(_ path: String, _ body: String, token: String? = nil) throws -> HTTPReply {
    try ask("POST", path, Array(body.utf8), token: token)
  }
}
