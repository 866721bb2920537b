// SPDX-License-Identifier: Apache-2.0

public import MillCore
internal import MillSQL
internal import Synchronization

/// Answers online requests from memory as long as what is there is certain, and else from the store.
///
/// What a server needs for a request is made before it comes: definitions are bound, requests are
/// planned once, and the values of a key are rendered once for all answers. A rendered row is used
/// while its table has the number of changes under which it was read, and until the moment at which a
/// value would be another; the store is asked for these numbers every ``Settings/staleness``.
///
/// ```swift
/// let serving = FeatureServing(online, world: world)
/// try await serving.serve(features)
/// let plan = try serving.plan(service: "fraud")
/// let answer = try await serving.answer(plan, keys: [cards], count: 1, at: now)
/// ```
public final class FeatureServing: Sendable {
  /// How a server works.
  public struct Settings: Hashable, Sendable {
    /// What rendered rows may take.
    public var memory: ByteCount
    /// For how long a change that somebody else made in the store may go unseen.
    public var staleness: Duration

    /// Settings with their defaults.
    public init(
      memory: ByteCount = ByteCount(bytes: 256 << 20),
      staleness: Duration = .milliseconds(100)
    ) {
      self.memory = memory
      self.staleness = staleness
    }
  }

  /// The settings.
  public let settings: Settings
  let online: any OnlineStore
  let world: World
  let rows: ServedRows
  let state = Mutex(State())

  struct State: Sendable {
    var catalog = ServingCatalog()
    /// Counts the catalogs, so that plans of an earlier one are not used.
    var number: UInt64 = 0
    var tables: [OnlineTable: ServedTable] = [:]
    var plans: [[UInt8]: ServingPlan] = [:]
    /// When the store was last asked for changes.
    var askedAt: Instant?
    var unreachableSince: Instant?
    var problem: OnlineStoreError?
  }

  /// Plans that are kept; beyond that all are made anew.
  static let plansMax = 1024
  /// Requests for features that take more bytes than this are planned each time.
  static let wordsMax = 16 * 1024

  /// A server of a store that has no definitions yet.
  public init(_ online: any OnlineStore, world: World, settings: Settings = Settings()) {
    self.online = online
    self.world = world
    self.settings = settings
    rows = ServedRows(capacity: settings.memory)
  }

  // MARK: Definitions

  /// What became of definitions that a server was given.
  public struct Taken: Equatable, Sendable {
    /// Views that are answered for by the definitions that were given.
    public var served: [String] = []
    /// Views whose earlier definition is served until the new one is materialized.
    public var waiting: [String] = []
    /// Views that are not answered for, and why.
    public var problems: [String: FeatureError] = [:]

    /// Nothing yet.
    public init() {}
  }

  /// Takes definitions in place of those of before, all at once.
  ///
  /// A view that was changed goes on being answered by its earlier definition until the new one is in
  /// the store, and so do services and on-demand features that need the new one: a change under a
  /// running server takes no feature away.
  ///
  /// - Throws: `EngineError`, `OnlineStoreError`; then everything is as it was.
  @discardableResult
  public func serve(_ store: FeatureStore) async throws -> Taken {
    let earlier = state.withLock { $0.catalog }
    var catalog = ServingCatalog(definitions: store.definitions)
    var taken = Taken()
    let used = Set(store.definitions.onDemand.flatMap(\.uses).map(\.feature.view))
    for view in store.definitions.views {
      do {
        try store.requireServable(view)
        let own = try await store.bind(view)
        let served = makeView(
          own,
          hash: store.hash(of: view),
          keepsValues: used.contains(view.name)
        )
        var isThere = true
        for table in [served.latest, served.tiles].compactMap({ $0 }) {
          if table.state == nil { table.heard(try await online.state(of: table.online)) }
          isThere = isThere && table.state != nil
        }
        if isThere {
          taken.served.append(view.name)
          catalog.views[view.name] = served
        } else if let old = earlier.served(view.name, keepingValues: used.contains(view.name)) {
          taken.waiting.append(view.name)
          catalog.views[view.name] = old
        } else {
          catalog.views[view.name] = served
          taken.problems[view.name] = .notServed(view: view.name)
        }
      } catch let error as FeatureError {
        if let old = earlier.served(view.name, keepingValues: used.contains(view.name)) {
          taken.waiting.append(view.name)
          catalog.views[view.name] = old
        }
        // It may wait for ever.
        catalog.problems[view.name] = error
        taken.problems[view.name] = error
      }
    }
    for definition in store.definitions.onDemand {
      do {
        catalog.onDemand[definition.name] = try await store.bind(definition, by: catalog)
      } catch let error as FeatureError {
        if let old = earlier.onDemand[definition.name]?.definition,
          let bound = try? await store.bind(old, by: catalog)
        {
          catalog.onDemand[definition.name] = bound
        } else {
          catalog.problems[definition.name] = error
          taken.problems[definition.name] = error
        }
      }
    }
    catalog.keep(earlier.definitions)
    let new = catalog
    state.withLock { state in
      state.catalog = new
      state.number += 1
      state.plans = [:]
    }
    return taken
  }

  private func makeView(_ bound: BoundView, hash: String, keepsValues: Bool) -> ServedView {
    let reader = ViewReader(bound, hash: hash)
    return state.withLock { state in
      func table(_ online: OnlineTable) -> ServedTable {
        if let known = state.tables[online] { return known }
        let made = ServedTable(number: state.tables.count, online: online)
        state.tables[online] = made
        return made
      }
      return ServedView(
        reader: reader,
        latest: bound.view.latest.isEmpty ? nil : table(reader.latestTable),
        tiles: bound.view.windowed.isEmpty ? nil : table(reader.tileTable),
        keepsValues: keepsValues
      )
    }
  }

  // MARK: Plans

  /// Plans requests for features.
  ///
  /// - Throws: `FeatureError.unknown` with the nearest name; `.notServed` and others for views that
  ///   cannot be answered for.
  public func plan(_ references: [FeatureReference]) throws(FeatureError) -> ServingPlan {
    let catalog = state.withLock { $0.catalog }
    return try ServingPlan(try catalog.definitions.resolve(references), in: catalog)
  }

  /// Plans requests for the features of a service.
  public func plan(service: String) throws(FeatureError) -> ServingPlan {
    let catalog = state.withLock { $0.catalog }
    return try ServingPlan(try catalog.definitions.features(ofService: service), in: catalog)
  }

  /// The plan that was made for the same words, or a new one.
  package func plan(
    _ words: [UInt8],
    _ make: (FeatureServing) throws -> ServingPlan
  ) throws -> ServingPlan {
    let (known, number) = state.withLock { ($0.plans[words], $0.number) }
    if let known { return known }
    let made = try make(self)
    state.withLock { state in
      guard state.number == number, words.count <= Self.wordsMax else { return }
      if state.plans.count >= Self.plansMax { state.plans = [:] }
      state.plans[words] = made
    }
    return made
  }

  /// The definitions that are served.
  public var definitions: FeatureDefinitions { state.withLock { $0.catalog.definitions } }

  // MARK: What others change

  /// Asks the store what changed, again and again until the task is cancelled.
  public func watch() async {
    while !Task.isCancelled {
      await refresh()
      // A cancelled sleep ends the loop.
      try? await Task.sleep(for: settings.staleness)
    }
  }

  /// Asks the store what changed.
  public func refresh() async {
    let now = world.clock.now()
    let tables = state.withLock { state in
      state.askedAt = now
      return state.catalog.tables
    }
    guard !tables.isEmpty else { return }
    do {
      let changes = try await online.changes(of: tables.map(\.online))
      for (table, change) in zip(tables, changes) {
        guard let news = table.news(change) else { continue }
        table.heard(try await online.state(of: table.online))
        table.forget()
        table.heard(news)
      }
      state.withLock { state in
        state.unreachableSince = nil
        state.problem = nil
      }
    } catch {
      lost(error, at: now)
    }
  }

  /// Takes down that the store does not answer.
  func lost(_ error: any Error, at now: Instant) {
    let problem =
      error as? OnlineStoreError ?? .unavailable(store: "of this server", detail: "\(error)")
    state.withLock { state in
      state.problem = problem
      // A store that is busy is there: the next request asks it again.
      if case .busy = problem { return }
      state.unreachableSince = state.unreachableSince ?? now
    }
  }

  // MARK: Health

  /// How a server is.
  public struct Health: Equatable, Sendable {
    /// Since when the store does not answer; nil while it does.
    public var unreachableSince: Instant?
    /// What the store said when it did not answer.
    public var problem: OnlineStoreError?
    /// As of when the values of each view are; nil for a view that was never brought in.
    public var views: [String: Instant?]
    /// Views that are not answered for, and why.
    public var problems: [String: FeatureError]
    /// Rows in memory.
    public var rows: Int
    /// What they take.
    public var memory: ByteCount
  }

  /// How the server is.
  public var health: Health {
    let (catalog, since, problem) = state.withLock {
      ($0.catalog, $0.unreachableSince, $0.problem)
    }
    let usage = rows.usage
    return Health(
      unreachableSince: since,
      problem: problem,
      views: catalog.views.mapValues { view in
        let states = [view.latest, view.tiles].compactMap { $0 }.map(\.state)
        return states.contains(where: { $0 == nil }) ? nil : states.compactMap { $0?.asOf }.min()
      },
      problems: catalog.problems,
      rows: usage.rows,
      memory: ByteCount(bytes: Int64(usage.bytes))
    )
  }
}

extension FeatureStore {
  /// On-demand features over the views that are answered for.
  fileprivate func bind(
    _ definition: OnDemandDefinition,
    by catalog: ServingCatalog
  ) async throws -> BoundOnDemand {
    try await bind(definition) { feature in
      catalog.views[feature.view]?.reader.bound.features.first { $0.name == feature.name }?.type
    }
  }
}

extension ServedView {
  /// Whether its values are in the store.
  var isServed: Bool {
    [latest, tiles].compactMap { $0 }.allSatisfy { $0.state != nil }
  }
}
