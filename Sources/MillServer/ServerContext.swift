// SPDX-License-Identifier: Apache-2.0

internal import Hummingbird
internal import HummingbirdCore
internal import NIOCore

/// What a request brings besides itself: the connection that it came by.
struct ServerContext: InitializableFromSource {
  typealias Source = ApplicationRequestContextSource

  private let channel: any Channel

  init(source: Source) { channel = source.channel }

  /// Tells a client that waits before it sends a body that the body is read now.
  func goOn() {
    channel.triggerUserOutboundEvent(RequestDeadline.Outbound.goOn, promise: nil)
  }
}
