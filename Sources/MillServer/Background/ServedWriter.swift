// SPDX-License-Identifier: Apache-2.0

internal import ServiceLifecycle

/// Writes the answers that are kept, whatever else the server is at.
struct ServedWriter: Service {
  let state: ServerState

  func run() async throws {
    await cancelWhenGracefulShutdown {
      while !Task.isCancelled {
        await state.keepServed()
        // A cancelled sleep ends the loop.
        try? await Task.sleep(for: .seconds(1))
      }
    }
  }
}
