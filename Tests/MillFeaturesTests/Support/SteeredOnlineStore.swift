// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillFeatures
import Synchronization

/// A store that is gone, or whose calls are held back, when a test wants it.
final class SteeredOnlineStore: OnlineStore {
  /// A call that can be counted, refused and held back.
  enum Call: Hashable, Sendable {
    case read
    case write
    case changes
    case state
  }

  private struct Steering {
    var isGone = false
    /// Calls of which the next fails, and with what.
    var failing: [Call: OnlineStoreError] = [:]
    var gates: [Call: Gate] = [:]
    var counts: [Call: Int] = [:]
  }

  let base: any OnlineStore
  private let steering = Mutex(Steering())

  /// What must not go before the store.
  private let held: (any Sendable)?

  init(_ base: any OnlineStore, holding held: (any Sendable)? = nil) {
    self.base = base
    self.held = held
  }

  /// Whether no call is answered.
  var isGone: Bool {
    get { steering.withLock(\.isGone) }
    set { steering.withLock { $0.isGone = newValue } }
  }

  static let gone = OnlineStoreError.unavailable(store: "of the test", detail: "it is steered so")
  static let busy = OnlineStoreError.busy(store: "of the test", detail: "it is steered so")

  /// Lets the next call of a kind fail.
  func fail(_ call: Call, with error: OnlineStoreError = gone) {
    steering.withLock { $0.failing[call] = error }
  }

  /// Holds the next call of a kind back once the store has done it, before anybody hears.
  func hold(_ call: Call) -> Gate {
    let gate = Gate()
    steering.withLock { $0.gates[call] = gate }
    return gate
  }

  /// How often a call was made.
  func count(_ call: Call) -> Int { steering.withLock { $0.counts[call] ?? 0 } }

  private func steer<Result: Sendable>(
    _ call: Call?,
    _ body: () async throws -> Result
  ) async throws -> Result {
    let gate = try steering.withLock { steering throws(OnlineStoreError) -> Gate? in
      if let call { steering.counts[call, default: 0] += 1 }
      if steering.isGone { throw Self.gone }
      if let error = call.flatMap({ steering.failing.removeValue(forKey: $0) }) { throw error }
      return call.flatMap { steering.gates.removeValue(forKey: $0) }
    }
    let result = try await body()
    await gate?.pass()
    return result
  }

  func write(
    _ rows: [OnlineRow],
    to table: OnlineTable,
    as write: OnlineWrite
  ) async throws -> Int {
    try await steer(.write) { try await base.write(rows, to: table, as: write) }
  }

  func begin(_ table: OnlineTable) async throws -> Int64 {
    try await steer(nil) { try await base.begin(table) }
  }

  func read(_ keys: [[UInt8]], of table: OnlineTable) async throws -> [OnlineRow?] {
    try await steer(.read) { try await base.read(keys, of: table) }
  }

  func finish(
    _ state: MaterializationState,
    of table: OnlineTable,
    rest: OnlineRest
  ) async throws -> Int {
    try await steer(nil) { try await base.finish(state, of: table, rest: rest) }
  }

  func record(_ state: MaterializationState, of table: OnlineTable) async throws {
    try await steer(nil) { try await base.record(state, of: table) }
  }

  func lastPass(of table: OnlineTable) async throws -> Int64 {
    try await steer(.state) { try await base.lastPass(of: table) }
  }

  func state(of table: OnlineTable) async throws -> MaterializationState? {
    try await steer(.state) { try await base.state(of: table) }
  }

  func changes(of tables: [OnlineTable]) async throws -> [Int64] {
    try await steer(.changes) { try await base.changes(of: tables) }
  }

  func sample(_ count: Int, of table: OnlineTable) async throws -> [[UInt8]] {
    try await steer(nil) { try await base.sample(count, of: table) }
  }

  func count(of table: OnlineTable) async throws -> Int {
    try await steer(nil) { try await base.count(of: table) }
  }
}

/// A place where one piece of work waits until it is let on.
final class Gate: Sendable {
  private struct State {
    var hasArrived = false
    var isOpen = false
    var waiting: CheckedContinuation<Void, Never>?
    var watching: CheckedContinuation<Void, Never>?
  }

  private let state = Mutex(State())

  /// Waits until the gate is open.
  func pass() async {
    await withCheckedContinuation { continuation in
      let (isOpen, watching) = state.withLock { state in
        state.hasArrived = true
        defer { state.watching = nil }
        if !state.isOpen { state.waiting = continuation }
        return (state.isOpen, state.watching)
      }
      watching?.resume()
      if isOpen { continuation.resume() }
    }
  }

  /// Waits until somebody stands before it.
  func arrival() async {
    await withCheckedContinuation { continuation in
      let hasArrived = state.withLock { state in
        if !state.hasArrived { state.watching = continuation }
        return state.hasArrived
      }
      if hasArrived { continuation.resume() }
    }
  }

  /// Lets on whoever stands before it, and who comes.
  func open() {
    let waiting = state.withLock { state in
      state.isOpen = true
      defer { state.waiting = nil }
      return state.waiting
    }
    waiting?.resume()
  }
}
