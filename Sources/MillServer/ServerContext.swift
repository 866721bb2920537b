// SPDX-License-Identifier: Apache-2.0

internal import Hummingbird
internal import HummingbirdCore

/// What a request brings besides itself: nothing that an answer needs.
struct ServerContext: InitializableFromSource {
  typealias Source = ApplicationRequestContextSource

  init(source: Source) {}
}
