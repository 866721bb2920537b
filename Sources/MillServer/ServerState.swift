// SPDX-License-Identifier: Apache-2.0

internal import MillAssembly
internal import MillCore
internal import MillFeatures
internal import Synchronization

/// What a server works with: definitions and what answers by them, both as they are now.
final class ServerState: Sendable {
  let serving: FeatureServing
  let settings: ServerSettings
  let world: World
  private let folder: String
  private let current: Mutex<Current>
  private let files = BlockingExecutor(name: "mill-serve")
  /// For each view that was ever brought in, so that two do not do it at once.
  private let bringing = Mutex<[String: Gate]>([:])
  /// The taking of definitions that was begun last.
  private let turns = Mutex<Task<Void, Never>?>(nil)
  /// Views that are to be brought in, each once, with the latest time that was asked for.
  private let later = Mutex<[String: Instant?]>([:])
  /// Pushes that are worked on.
  let pushes = Gate(inside: 4, waiting: 64)
  /// What requests that are worked on may take.
  let budget: Budget
  /// What models were told, as far as it is kept.
  let served: ServedLog
  /// Where the operator is told what happened.
  let notice: @Sendable (String) -> Void

  private struct Current: Sendable {
    var workspace: Workspace
    var features: FeatureStore
    var fingerprint: ProjectFingerprint?
    /// Why the project, as its files are now, is not what is served.
    var problem: String?
    var taken = FeatureServing.Taken()
  }

  init(
    _ workspace: Workspace,
    _ serving: FeatureServing,
    _ features: FeatureStore,
    notice: @escaping @Sendable (String) -> Void
  ) {
    self.notice = notice
    self.serving = serving
    settings = workspace.project.settings.server
    world = workspace.world
    budget = Budget(settings.memory)
    served = ServedLog(share: settings.keptShare, world: workspace.world)
    folder = workspace.project.folder
    current = Mutex(Current(workspace: workspace, features: features))
  }

  /// The definitions, for work that is not an answer.
  var features: FeatureStore { current.withLock(\.features) }

  /// What became of the definitions that were taken last.
  var taken: FeatureServing.Taken { current.withLock(\.taken) }

  /// Why the project as its files are now is not what is served.
  var problem: String? { current.withLock(\.problem) }

  /// Takes the definitions that the server begins with.
  func begin() async throws {
    // Which files these definitions were read from nobody knows any more: the first look reads them again.
    let taken = try await serving.serve(features)
    current.withLock { $0.taken = taken }
  }

  /// Takes the definitions of the project's files, if these are others than before, or if a view waits
  /// for being brought in.
  ///
  /// Files with mistakes change nothing: what is served stays as it was, and health says why.
  func refreshDefinitions() async {
    // One after the other: who looked at the files earlier must not be the last to say what is served.
    let turn = turns.withLock { last in
      let earlier = last
      let turn = Task {
        await earlier?.value
        await takeDefinitions()
      }
      last = turn
      return turn
    }
    await turn.value
  }

  private func takeDefinitions() async {
    do {
      let fingerprint = try await fingerprint()
      let (known, workspace) = current.withLock { ($0.fingerprint, $0.workspace) }
      if fingerprint != known {
        let folder = folder
        let project = try await files.run { try Project.load(folder: folder) }
        let changed = workspace.with(project)
        let features = try await changed.features()
        let taken = try await serving.serve(features)
        current.withLock { current in
          current = Current(
            workspace: changed,
            features: features,
            fingerprint: fingerprint,
            taken: taken
          )
        }
        if known != nil { notice("took the definitions as they are now") }
        if project.settings.server != settings {
          notice("`server` in millrace.yaml has changed, tokens included: that wants a new start")
        }
      } else if !taken.waiting.isEmpty || !taken.problems.isEmpty {
        let taken = try await serving.serve(features)
        current.withLock { $0.taken = taken }
      }
      // The files may be again what they were before a mistake, and the store may be back.
      current.withLock { $0.problem = nil }
    } catch is CancellationError {
      return
    } catch {
      let text = (error as? any Failure)?.description ?? "\(error)"
      let isNew = current.withLock { current in
        defer { current.problem = text }
        return current.problem != text
      }
      if isNew { notice("the definitions stay as they were: \(text)") }
    }
  }

  /// Writes the answers that are kept, if they are due or must be.
  func keepServed(isLast: Bool = false) async {
    await served.flush(current.withLock(\.workspace), isLast: isLast, notice)
  }

  /// Brings a view in, after whoever does so already in this server.
  func materialize(_ view: String, asOf: Instant? = nil) async throws -> MaterializationReport {
    let gate = bringing.withLock { gates in
      let gate = gates[view] ?? Gate(inside: 1, waiting: 16)
      gates[view] = gate
      return gate
    }
    return try await gate.pass {
      try await features.materialize(view, into: serving.store, asOf: asOf)
    }
  }

  /// Whether a view is being brought in by this server.
  func isBusy(_ view: String) -> Bool { bringing.withLock { $0[view]?.isFull ?? false } }

  /// Brings views in after an answer; what goes wrong is reported.
  func materializeLater(_ views: [String], asOf: Instant?) {
    later.withLock { later in
      for view in views { later[view] = asOf }
    }
  }

  /// What was asked for to be brought in later.
  func takeLater() -> [(view: String, asOf: Instant?)] {
    later.withLock { later in
      defer { later = [:] }
      return later.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }
  }

  /// Says to the operator what no client is told.
  func report(_ error: any Error, _ what: String) {
    let text = (error as? any Failure)?.description ?? "\(error)"
    notice("\(what): \(text)")
  }

  private func fingerprint() async throws -> ProjectFingerprint {
    let (folder, disk) = (folder, world.files)
    return try await files.run { try ProjectFingerprint(folder: folder, disk: disk) }
  }
}
