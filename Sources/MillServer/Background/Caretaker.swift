// SPDX-License-Identifier: Apache-2.0

internal import MillCore
internal import MillFeatures
internal import ServiceLifecycle

/// Looks after what is served: new definitions, and rows that sources got.
struct Caretaker: Service {
  let state: ServerState
  /// How often; nil to look at nothing by itself.
  let refresh: Duration?

  func run() async throws {
    await cancelWhenGracefulShutdown {
      var care = Care(state: state)
      let clock = state.world.clock
      var next = clock.uptime()
      while !Task.isCancelled {
        if let refresh, clock.uptime() >= next {
          await care.round()
          next = clock.uptime() + refresh
        }
        await care.whatWasAskedFor()
        // A cancelled sleep ends the loop.
        try? await Task.sleep(for: min(refresh ?? .seconds(1), .seconds(1)))
      }
    }
  }

  private struct Care {
    let state: ServerState
    /// When a view was brought in last.
    var done: [String: Instant] = [:]
    /// What went wrong with a view last, so that it is said once.
    var problems: [String: String] = [:]

    mutating func round() async {
      await state.refreshDefinitions()
      let features = state.features
      let now = state.world.clock.now()
      for view in features.definitions.views where features.isServable(view) {
        guard !Task.isCancelled else { return }
        switch view.schedule {
        case .manual: continue
        case .every(let time) where done[view.name].map({ now < $0 + time }) ?? false: continue
        default: await bring(view.name, asOf: nil)
        }
        done[view.name] = now
      }
    }

    mutating func whatWasAskedFor() async {
      for (view, asOf) in state.takeLater() {
        guard !Task.isCancelled else { return }
        await bring(view, asOf: asOf)
      }
    }

    private mutating func bring(_ view: String, asOf: Instant?) async {
      do {
        let report = try await state.materialize(view, asOf: asOf)
        problems[view] = nil
        guard report.kind != .none else { return }
        state.notice(
          "brought in \(view): \(report.keys) keys read (\(report.kind.rawValue)), "
            + "\(report.changed) changed, \(report.removed) gone"
        )
        // A definition that waited for this is served from now on.
        await state.refreshDefinitions()
      } catch is CancellationError {
        return
      } catch {
        let text = (error as? any Failure)?.description ?? "\(error)"
        guard problems.updateValue(text, forKey: view) != text else { return }
        state.notice("\(view) is not brought in: \(text)")
      }
    }
  }
}
