// SPDX-License-Identifier: Apache-2.0

internal import HTTPTypes
internal import NIOCore
internal import NIOHTTPTypes

/// Bounds how long a request may take to arrive whole, and how long its answer may take from then on.
///
/// A request that goes on and on, however busily it trickles, ends with its connection. An answer that
/// does not begin in time is given here, with 503 and `server.timeout`, and the connection is closed: what
/// was asked for may be done or not, and what the server answers later nobody reads. An answer that began
/// and is not taken in time ends with its connection as well.
///
/// Most requests come in one piece and are answered long before, so alarms are few: one for a request that
/// is under way when nothing more can be read, and one at a time for answers, which looks again at what is
/// unanswered when it goes off.
final class RequestDeadline: ChannelDuplexHandler, RemovableChannelHandler {
  typealias InboundIn = HTTPRequestPart
  typealias InboundOut = HTTPRequestPart
  typealias OutboundIn = HTTPResponsePart
  typealias OutboundOut = HTTPResponsePart

  /// What is sent through a channel to tell its client that its body is read now.
  ///
  /// > Source: RFC 9110, 10.1.1, "Expect": a client waits for it before it sends a long body.
  enum Outbound: Sendable {
    case goOn
  }

  private let timeout: TimeAmount
  private var isUnderWay = false
  /// Whether something whole came since nothing more could be read.
  private var hasParts = false
  private var arrivalAlarm: Scheduled<Void>?

  /// A request that is not answered to its end.
  private struct Open {
    var path: String
    /// When it was there whole and its turn had come; nil before.
    var since: NIODeadline?
    /// Whether some of the answer was written.
    var hasBegun = false
  }

  /// In their order, which is that of the answers.
  private var open: [Open] = []
  private var answerAlarm: Scheduled<Void>?
  /// Whether the connection is over for whoever still answers.
  private var isOver = false

  init(timeout: TimeAmount) { self.timeout = timeout }

  // MARK: What comes

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    hasParts = true
    switch unwrapInboundIn(data) {
    case .head(let head):
      isUnderWay = true
      open.append(Open(path: head.path ?? "/"))
    case .end:
      isUnderWay = false
      arrivalAlarm?.cancel()
      arrivalAlarm = nil
      // One that was answered before it was there whole is none of them any more.
      if let last = open.indices.last, open[last].since == nil {
        open[last].since = .now()
        watchAnswer(context)
      }
    case .body: break
    }
    context.fireChannelRead(data)
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    // Bytes that make no part are headers which go on.
    if isUnderWay || !hasParts, arrivalAlarm == nil {
      let channel = context.channel
      arrivalAlarm = context.eventLoop.scheduleTask(in: timeout) { channel.close(promise: nil) }
    }
    hasParts = false
    context.fireChannelReadComplete()
  }

  func channelInactive(context: ChannelHandlerContext) {
    silence()
    context.fireChannelInactive()
  }

  func handlerRemoved(context: ChannelHandlerContext) { silence() }

  private func silence() {
    arrivalAlarm?.cancel()
    arrivalAlarm = nil
    answerAlarm?.cancel()
    answerAlarm = nil
  }

  // MARK: What goes

  func triggerUserOutboundEvent(
    context: ChannelHandlerContext,
    event: Any,
    promise: EventLoopPromise<Void>?
  ) {
    guard event is Outbound else {
      return context.triggerUserOutboundEvent(event, promise: promise)
    }
    guard !isOver else { return promise?.fail(ChannelError.ioOnClosedChannel) ?? () }
    context.writeAndFlush(wrapOutboundOut(.head(HTTPResponse(status: .continue))), promise: promise)
  }

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    guard !isOver else { return promise?.fail(ChannelError.ioOnClosedChannel) ?? () }
    switch unwrapOutboundIn(data) {
    case .head: if !open.isEmpty { open[0].hasBegun = true }
    case .end:
      if !open.isEmpty { open.removeFirst() }
      // Its time begins with its turn.
      if let next = open.first, next.since != nil {
        open[0].since = .now()
        watchAnswer(context)
      }
    case .body: break
    }
    context.write(data, promise: promise)
  }

  private func watchAnswer(_ context: ChannelHandlerContext) {
    guard answerAlarm == nil, let first = open.first, let since = first.since,
      Self.isBounded(first.path)
    else { return }
    let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
    answerAlarm = context.eventLoop.scheduleTask(deadline: since + timeout) {
      let (handler, context) = bound.value
      handler.answerAlarm = nil
      handler.look(context)
    }
  }

  private func look(_ context: ChannelHandlerContext) {
    guard let first = open.first, let since = first.since, Self.isBounded(first.path),
      since + timeout <= .now()
    else { return watchAnswer(context) }
    isOver = true
    if !first.hasBegun {
      let body = ByteBuffer(bytes: HTTPFailure.tooSlow.body(of: first.path))
      let head = HTTPResponse(
        status: HTTPFailure.tooSlow.status,
        headerFields: [
          .contentType: "application/json", .contentLength: String(body.readableBytes),
          .connection: "close",
        ]
      )
      context.write(wrapOutboundOut(.head(head)), promise: nil)
      context.write(wrapOutboundOut(.body(body)), promise: nil)
      context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }
    context.close(promise: nil)
  }

  /// Bringing views in takes as long as there are rows.
  static func isBounded(_ path: String) -> Bool {
    !path.hasPrefix("/materialize") && !path.hasPrefix("/v1/materialize")
  }
}
