// SPDX-License-Identifier: Apache-2.0

internal import NIOCore
internal import NIOHTTPTypes

/// Closes a connection whose request does not arrive whole in time, however busily it trickles.
///
/// Most requests come in one piece, so the alarm is set only for those that are still under way when
/// nothing more can be read.
final class RequestDeadline: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = HTTPRequestPart
  typealias InboundOut = HTTPRequestPart

  private let timeout: TimeAmount
  private var isUnderWay = false
  /// Whether something whole came since nothing more could be read.
  private var hasParts = false
  private var alarm: Scheduled<Void>?

  init(timeout: TimeAmount) { self.timeout = timeout }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    hasParts = true
    switch unwrapInboundIn(data) {
    case .head: isUnderWay = true
    case .end:
      isUnderWay = false
      alarm?.cancel()
      alarm = nil
    case .body: break
    }
    context.fireChannelRead(data)
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    // Bytes that make no part are headers which go on.
    if isUnderWay || !hasParts, alarm == nil {
      let channel = context.channel
      alarm = context.eventLoop.scheduleTask(in: timeout) { channel.close(promise: nil) }
    }
    hasParts = false
    context.fireChannelReadComplete()
  }

  func channelInactive(context: ChannelHandlerContext) {
    alarm?.cancel()
    alarm = nil
    context.fireChannelInactive()
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    alarm?.cancel()
    alarm = nil
  }
}
