// SPDX-License-Identifier: Apache-2.0

internal import CRedis
package import MillCore

#if canImport(Darwin)
  internal import Darwin
#else
  internal import Glibc
#endif

/// One connection: commands go out at once, and their replies are awaited until a moment.
///
/// The library connects and parses. Bytes are sent here, for two reasons: its own `write(2)` raises
/// SIGPIPE when the server is gone, and its time-outs hold for each piece of an answer rather than for
/// the whole. Every call blocks its thread.
package struct RedisConnection: ~Copyable {
  private let context: UnsafeMutablePointer<redisContext>

  private init(_ context: UnsafeMutablePointer<redisContext>) {
    self.context = context
  }

  deinit { redisFree(context) }

  /// Connects, and says who we are and which database is meant.
  ///
  /// The look-up of a host's name takes as long as the system's resolver does.
  package static func open(
    _ endpoint: RedisEndpoint,
    password: String?,
    connectTimeout: Duration,
    in world: World
  ) throws(RedisProblem) -> RedisConnection {
    var time = timeval()
    time.tv_sec = Int(connectTimeout.components.seconds)
    time.tv_usec = .init(connectTimeout.components.attoseconds / 1_000_000_000_000)
    let opened =
      switch endpoint.address {
      case .tcp(let host, let port): redisConnectWithTimeout(host, Int32(port), time)
      case .unix(let path): redisConnectUnixWithTimeout(path, time)
      }
    guard let opened else { throw .unreachable("out of memory") }
    let connection = RedisConnection(opened)
    guard opened.pointee.err == 0 else { throw .unreachable(connection.errorText) }
    // A program that is started meanwhile does not inherit the connection.
    _ = fcntl(opened.pointee.fd, F_SETFD, FD_CLOEXEC)
    #if canImport(Darwin)
      var isQuiet: Int32 = 1
      _ = setsockopt(opened.pointee.fd, SOL_SOCKET, SO_NOSIGPIPE, &isQuiet, 4)
    #endif
    let deadline = Deadline(after: connectTimeout, in: world)
    try connection.introduce(endpoint, password, until: deadline, world)
    return connection
  }

  private func introduce(
    _ endpoint: RedisEndpoint,
    _ password: String?,
    until deadline: Deadline,
    _ world: World
  ) throws(RedisProblem) {
    var commands = RedisCommands()
    if let password {
      let user = endpoint.username.map { [Array($0.utf8)] } ?? []
      commands.append([.word("AUTH")] + user + [Array(password.utf8)])
    }
    if endpoint.database != 0 {
      commands.append([.word("SELECT"), .word(String(endpoint.database))])
    }
    guard commands.count > 0 else { return }
    for reply in try ask(commands, until: deadline, in: world) {
      switch reply {
      case .status: continue
      case .error(let text):
        // Redis before 6 has no code of its own for a wrong password.
        throw .refused(text.contains("invalid password") ? "WRONGPASS" : scrubbed(text, password))
      default: throw .foreign("a greeting was answered with something else than a status")
      }
    }
  }

  /// Servers repeat words that they do not know.
  private func scrubbed(_ text: String, _ password: String?) -> String {
    guard let password, !password.isEmpty else { return text }
    return text.split(separator: password, omittingEmptySubsequences: false).joined(separator: "…")
  }

  /// Whether nobody closed it since it was last used, and nothing came that nobody asked for.
  package var isUsable: Bool {
    var byte: UInt8 = 0
    let found = recv(context.pointee.fd, &byte, 1, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT))
    return found < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)
  }

  /// Sends commands, and waits for the reply of each.
  ///
  /// After an error the connection is of no use any more. An error reply is no error here.
  package func ask(
    _ commands: RedisCommands,
    until deadline: Deadline,
    in world: World
  ) throws(RedisProblem) -> [RedisReply] {
    let allowed = deadline.remaining(in: world)
    try send(commands.bytes, until: deadline, allowed, world)
    var replies: [RedisReply] = []
    replies.reserveCapacity(commands.count)
    while replies.count < commands.count {
      var found: UnsafeMutableRawPointer?
      guard redisGetReplyFromReader(context, &found) == REDIS_OK else { throw problem }
      if let found {
        defer { freeReplyObject(found) }
        guard let reply = RedisReply(copying: found.assumingMemoryBound(to: redisReply.self)) else {
          throw .foreign("a reply of an unknown kind")
        }
        replies.append(reply)
        continue
      }
      try wait(for: Int16(POLLIN), until: deadline, allowed, world)
      guard redisBufferRead(context) == REDIS_OK else { throw problem }
    }
    return replies
  }

  private func send(
    _ bytes: [UInt8],
    until deadline: Deadline,
    _ allowed: Duration,
    _ world: World
  ) throws(RedisProblem) {
    var sent = 0
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes { bytes in
        sendQuietly(context.pointee.fd, bytes[sent...])
      }
      if count >= 0 {
        sent += count
      } else if errno == EAGAIN || errno == EWOULDBLOCK {
        try wait(for: Int16(POLLOUT), until: deadline, allowed, world)
      } else if errno != EINTR {
        throw .broken(String(cString: strerror(errno)))
      }
    }
  }

  /// Waits until the socket can be read or written.
  private func wait(
    for events: Int16,
    until deadline: Deadline,
    _ allowed: Duration,
    _ world: World
  ) throws(RedisProblem) {
    while true {
      let left = deadline.remaining(in: world)
      guard left > .zero else { throw .silent(allowed) }
      var descriptor = pollfd(fd: context.pointee.fd, events: events, revents: 0)
      let found = poll(&descriptor, 1, Int32(clamping: left.milliseconds))
      if found > 0 { return }
      if found == 0 { throw .silent(allowed) }
      guard errno == EINTR else { throw .broken(String(cString: strerror(errno))) }
    }
  }

  private var problem: RedisProblem {
    switch context.pointee.err {
    case REDIS_ERR_PROTOCOL: .foreign(errorText)
    case REDIS_ERR_OOM: .broken("out of memory")
    default: .broken(errorText)
    }
  }

  private var errorText: String {
    withUnsafeBytes(of: context.pointee.errstr) { bytes in
      String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
  }
}

/// What of some bytes fits now; a server that is gone is an error and no signal.
private func sendQuietly(_ descriptor: Int32, _ bytes: Slice<UnsafeRawBufferPointer>) -> Int {
  let bytes = UnsafeRawBufferPointer(rebasing: bytes)
  #if canImport(Darwin)
    return send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_DONTWAIT))
  #else
    let flags = Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL)
    return send(descriptor, bytes.baseAddress, bytes.count, flags)
  #endif
}
