// SPDX-License-Identifier: Apache-2.0

internal import MillFeatures
internal import ServiceLifecycle

/// Asks the online store what others changed in it.
struct StoreWatch: Service {
  let serving: FeatureServing

  func run() async throws {
    await cancelWhenGracefulShutdown { await serving.watch() }
  }
}
